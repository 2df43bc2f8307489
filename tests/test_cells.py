"""Cells of a workflow: each holds evidence about exactly that cell, or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from corpora import (
    Text,
    assert_grounded,
    build,
    context_of,
    document_of_sentences,
    make_corpus,
)
from doubles import HashedEmbedder
from hypothesis import given
from hypothesis import strategies as st
from papers import DATA, needs_papers

from ragqa.answer import answer_plan
from ragqa.answer.cells import cell_drafts
from ragqa.chunk import chunk_document
from ragqa.index.generation import open_generation
from ragqa.parse import parse_readme
from ragqa.plan.sections import plan_card
from ragqa.records import Chunk, DocumentKind

Side = Literal["input", "output"]
MSSNET = DATA / "seed/mirror/raw.githubusercontent.com/kky7/MSSNet/HEAD/README.md"


def best(
    cell: Side, *sentences: str, kind: DocumentKind = "summary", section: str = ""
) -> str | None:
    between = "\n" if kind == "readme" else " "
    _, chunk = document_of_sentences(sentences, kind=kind, between=between)
    drafts = cell_drafts([replace(chunk, section=section)], cell, paper_id="p")
    return next((draft.text for draft in drafts), None)


RIGHT: tuple[tuple[Side, str], ...] = (
    ("input", "Our model takes a blurry photograph as input."),
    ("input", "The input of our network is a single raw frame."),
    ("input", "The input is a sentence in any of nine languages."),
    ("input", "Given a recording of a lecture, our system predicts its outline."),
    ("input", "Given each turn of a dialogue, we directly generate the next state."),
    ("input", "The proposed framework accepts two stereo frames."),
    ("input", "It turns a recording of a piano into notes."),
    ("input", "We propose a network for grasp planning from a single depth image."),
    ("output", "The output is a mask of the same size."),
    ("output", "The output of our model is a ranked list of passages."),
    ("output", "Our system outputs a floor plan of the flat."),
    ("output", "It turns a recording of a piano into notes."),
    ("output", "The network finally predicts a depth map of the scene."),
    ("output", "Given a sketch of a chair, our model generates its shape."),
    ("output", "We propose PoseFlow, a model that predicts how a molecule binds."),
)
# Each has the words of the cell, or is nearer to its name than the right sentences are.
WRONG: tuple[tuple[Side, str], ...] = (
    ("input", "Input from users and input from reviewers was the input of our survey."),
    ("input", "We thank our colleagues for their input on the input of the model."),
    ("input", "Previous methods take an input image as the input of the model."),
    ("input", "Smith et al. use a model that takes an input image as input."),
    ("input", "The decoder takes the output of the encoder as its input."),
    ("input", "Given the opportunity, we would train it for longer."),
    ("input", "Unlike our model, a baseline takes two images as input."),
    ("input", "It takes a week to train the model."),
    ("input", "Reading a video as input is not supported."),
    ("input", "The method maps the embedding vectors to a space of two dimensions."),
    ("output", "The model predicts a wrong source domain because of its prompt."),
    ("output", "Our model generates the source domain of a new sample in 65 % of the cases."),
    ("output", "The output layer has 512 units and an output size of ten."),
    ("output", "Our model outputs of earlier years were lost."),
    ("output", "Our method produces state-of-the-art results."),
    ("output", "It generates significant gains on all outputs."),
    ("output", "The output of the encoder is a vector of 512 numbers."),
    ("output", "Other systems produce an output image as the output of the model."),
    ("output", "Writing a video as output is not supported."),
    ("output", "Grammar correction of the output is left for future work."),
    ("output", "The model output requires an evaluation by hand."),
)


@pytest.mark.parametrize(("cell", "sentence"), RIGHT)
def test_what_speaks_of_a_cell_fills_it(cell: Side, sentence: str) -> None:
    assert best(cell, sentence) == sentence


@pytest.mark.parametrize(("cell", "sentence"), WRONG)
def test_what_only_has_its_words_does_not(cell: Side, sentence: str) -> None:
    assert best(cell, sentence) is None


@pytest.mark.parametrize(("cell", "right"), RIGHT)
def test_the_right_sentence_wins_among_all_wrong_ones(cell: Side, right: str) -> None:
    wrong = [sentence for side, sentence in WRONG if side == cell]
    found = best(cell, *wrong, "We propose KeyLight.", right, *wrong)
    assert found is not None
    assert found.endswith(right)  # "It ..." brings the sentence before it


@pytest.mark.parametrize(
    "section",
    ["2 Related Work", "5 Experiments", "Acknowledgments", "C Further Models", "Error Types"],
)
def test_other_sections_fill_no_cell(section: str) -> None:
    assert best("input", RIGHT[0][1], section=section) is None
    assert best("input", RIGHT[0][1], section="3 Method") == RIGHT[0][1]


def test_it_is_what_the_sentence_before_speaks_of() -> None:
    its = "It takes a video as its input."
    ours, theirs = "We propose NewNet.", "Smith et al. propose OldNet."
    assert best("input", ours, its) == f"{ours} {its}"
    assert best("input", theirs, its) is None
    assert best("input", ours, "A re-ranker sorts the results.", its) is None
    assert best("input", ours, "NewNet is small.", its) == f"NewNet is small. {its}"


ARGUMENTS = (
    "train_datalist : Text file with the path of image for training",
    "load_dir : Path of checkpoint to load",
    "is_save : Whether to save test results",
    "data_root_dir : Root path of data",
    "test_datalist : Text file with the path of image for testing",
    "outdir : Path to save test results",
)


def test_arguments_of_a_readme_fill_cells() -> None:
    assert best("input", *ARGUMENTS, kind="readme", section="Usage") == ARGUMENTS[4]
    assert best("input", *ARGUMENTS[:4], kind="readme", section="Usage") == ARGUMENTS[3]
    assert best("input", *ARGUMENTS[:3], kind="readme", section="Usage") is None
    assert best("output", *ARGUMENTS, kind="readme", section="Usage") == ARGUMENTS[5]
    assert best("output", *ARGUMENTS[:5], kind="readme", section="Usage") is None
    assert best("input", *ARGUMENTS, kind="readme", section="Training") is None
    assert best("input", *ARGUMENTS, kind="pdf", section="Usage") is None


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("python run.py --input img.png", {"input"}),
        ("python run.py --input img.png --output out.png", {"input", "output"}),
        ("inkreader scan.png > letter.txt", {"input", "output"}),
        ("Give a dark photograph, get a bright one.", {"input", "output"}),
        ("pip install inkreader", set()),
        ("python train.py --epochs 20", set()),
    ],
)
def test_calls_fill_cells(line: str, cells: set[Side]) -> None:
    sides: tuple[Side, ...] = ("input", "output")
    assert {cell for cell in sides if best(cell, line, kind="readme")} == cells


def test_a_title_can_name_the_input_but_not_the_output() -> None:
    title = "Patient Networks for Single Image Deblurring"
    assert best("input", title, kind="readme") == title
    assert best("output", title, kind="readme") is None


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=6))
def test_what_fills_a_cell_is_a_quote_of_any_text(sentences: list[str]) -> None:
    _, chunk = document_of_sentences(sentences, kind="readme", between="\n")
    for draft in cell_drafts([chunk], "input", paper_id="p"):
        start = draft.quotes[0].start
        assert start is not None
        assert chunk.text[start : start + len(draft.text)] == draft.text


@needs_papers
def test_a_real_readme_that_names_them_only_in_its_arguments() -> None:
    counter = HashedEmbedder()
    document = parse_readme(Path(MSSNET), paper_id="m")
    chunks: tuple[Chunk, ...] = chunk_document(document, counter.count_tokens, max_tokens=254)
    said = {cell: next(cell_drafts(chunks, cell, paper_id="m")).text for cell in SIDES}
    assert said["input"].startswith("test_datalist : ")
    assert said["output"].startswith("outdir : ")


SIDES: tuple[Side, ...] = ("input", "output")


def test_an_answer_fills_its_cells_from_a_summary(tmp_path: Path) -> None:
    summary = (
        "Input devices are everywhere, and the input of a model matters to its output. "
        "We propose KeyLight, a network for relighting of portraits. "
        "It takes a portrait and a light direction as its input. "
        "Other models take an input image and produce an output image."
    )
    texts = {"m": Text(title="KeyLight", role="model", summary=summary)}
    build(make_corpus(tmp_path / "c", texts), tmp_path / "i")
    with open_generation(tmp_path / "i") as generation:
        context = context_of(generation)
        answer = answer_plan(plan_card("?", ["Describe the workflow."], context.papers), context)
        assert_grounded(answer, tmp_path / "i")
    (section,) = answer.sections
    said = {statement.cell: statement.text for statement in section.statements}
    assert set(said) == {"input", "model"}
    assert said["input"].endswith("as its input.")
    assert [(item.code, item.cell) for item in section.notices] == [("not-stated", "output")]
