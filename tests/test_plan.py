"""`ragqa.plan`: instructions become sections; fit is decided from declared tasks, never guessed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from corpora import document_of_sentences
from hypothesis import given
from hypothesis import strategies as st
from wordings import FIRST, SECOND

from ragqa.plan.declared import affirmed, declarations, own_words, proposes, purpose
from ragqa.plan.fit import FitOutcome, fit_notice, judge_fit, tasks_asked
from ragqa.plan.sections import plan_card, plan_question, section_kind
from ragqa.plan.tasks import known_tasks, tasks_in
from ragqa.records import Chunk, Paper, SectionKind

PAPERS = (
    Paper(paper_id="m", title="The Model", role="model"),
    Paper(paper_id="a", title="First Paper"),
    Paper(paper_id="b", title="Second Paper"),
)

KINDS: dict[SectionKind, tuple[str, ...]] = {
    "task": (
        "What task the user is trying to perform.",
        "What task is the user trying to perform?",
        "State the user's goal.",
        "What problem does the user want to solve?",
        "Describe the objective behind the question",
        "Say what the user wants to achieve",
        "Identify the underlying task.",
    ),
    "workflow": (
        "How the model(s) would work in a CNAPS AI-like workflow (input → model → output).",
        "Describe the workflow.",
        "Explain the pipeline from input to output",
        "What goes in as input and what comes out as output?",
        "Sketch the architecture",
        "Explain how the recommended model works",
        "Show step by step how an image would be processed",
        "Give the input and output of each model",
    ),
    "papers": (
        "List relevant papers and tools (with GitHub or ArXiv links) that support your answer.",
        "List the references",
        "Which GitHub repositories should the user look at?",
        "Cite relevant literature",
        "Give links to the sources",
        "Provide citations.",
        "Name the tools that help",
    ),
    "comparison": (
        "Compare the approaches.",
        "What is the difference between the two?",
        "Which of them is better?",
        "CNN versus transformer",
        "Discuss the trade-offs",
        "Are there alternatives?",
    ),
    "limitations": (
        "What are the limitations?",
        "When does the method fail?",
        "Name the weaknesses and drawbacks",
        "Mention any caveats",
        "What are the risks?",
        "Say what the model cannot do",
    ),
    "answer": (
        "Explain why this happens.",
        "Answer the question in plain words",
        "Summarize for a layperson",
        "Why does it look so clean?",
        "",
    ),
}


@pytest.mark.parametrize(
    ("kind", "instruction"),
    [
        (kind, instruction)
        for kinds in (KINDS, FIRST, SECOND)
        for kind, instructions in kinds.items()
        for instruction in instructions
    ],
)
def test_an_instruction_has_the_kind_that_it_asks_for(kind: SectionKind, instruction: str) -> None:
    assert section_kind(instruction) == kind
    assert section_kind(instruction.upper()) == kind


@given(st.text(max_size=200))
def test_any_instruction_has_a_kind(instruction: str) -> None:
    assert section_kind(instruction) in KINDS


def test_a_question_is_one_section() -> None:
    plan = plan_question("Why?", paper_ids=("a",))
    (section,) = plan.sections
    assert (section.title, section.kind, section.queries) == ("Answer", "answer", ("Why?",))
    assert section.paper_ids == plan.paper_ids == ("a",)
    assert plan_question("Why?").paper_ids == ()


def test_a_card_has_a_section_for_each_instruction_in_order() -> None:
    instructions = ("What task is it?", "Show the workflow.", "List papers.", "Why?")
    plan = plan_card("Make my photo bigger", instructions, PAPERS)
    assert [s.kind for s in plan.sections] == ["task", "workflow", "papers", "answer"]
    assert [s.title for s in plan.sections] == [
        "What task is it?",
        "Show the workflow",
        "List papers",
        "Why?",
    ]
    assert all(section.queries and all(section.queries) for section in plan.sections)
    assert plan.paper_ids == ("m", "a", "b")


def test_a_workflow_is_of_the_recommended_models() -> None:
    with_model = plan_card("Q", ("Describe the workflow",), PAPERS).sections[0]
    assert with_model.paper_ids == ("m",)
    without = plan_card("Q", ("Describe the workflow",), PAPERS[1:]).sections[0]
    assert without.paper_ids == ("a", "b")


def test_a_card_without_instructions_is_a_question_to_its_papers() -> None:
    plan = plan_card("Why?", (), PAPERS)
    assert [section.kind for section in plan.sections] == ["answer"]
    assert plan.paper_ids == ("m", "a", "b")


def test_a_very_long_question_is_searched_by_its_beginning() -> None:
    for plan in (plan_question("why " * 2000), plan_card("why " * 2000, ("Explain",), PAPERS)):
        assert max(len(query) for query in plan.sections[0].queries) <= 1000
        assert plan.question == "why " * 2000


def test_the_field_s_terms_are_searched_for_an_everyday_question() -> None:
    section = plan_card("Can I blow a photo up?", ("What task is it?",), PAPERS).sections[0]
    assert "super-resolution" in section.queries[0]


LAY = {
    "image super-resolution (upscaling)": "I blew up a small image by 4x and it looked clean.",
    "image deblurring": "My camera moved and everything is blurry, can it be fixed?",
    "image inpainting": "How do I remove a stranger from my photo?",
    "machine translation": "Which model turns this letter into German?",
    "speech recognition": "I want to transcribe an interview.",
    "text summarization": "Summarize this report for me.",
    "image matting": "Cut my dog out of its background",
    "depth estimation": "How far away is each car in my picture?",
}


@pytest.mark.parametrize(("name", "question"), LAY.items())
def test_everyday_words_name_a_task_in_questions_only(name: str, question: str) -> None:
    assert name in {task.name for task in tasks_in(question, lay=True)}


@pytest.mark.parametrize("question", ["Why is the sky blue?", "What did they eat?", "", "Hello!"])
def test_other_questions_name_no_task(question: str) -> None:
    assert tasks_in(question, lay=True) == ()


def test_the_list_of_tasks_is_sound() -> None:
    tasks = known_tasks()
    names = [task.name for task in tasks]
    assert len(tasks) >= 40
    assert len(set(names)) == len(names)
    for task in tasks:
        assert task.terms, task.name
        assert task.search, task.name
        for pattern in (*task.terms, *task.lay, *task.near):
            assert re.compile(pattern).match("") is None, pattern


def model(*sentences: str, kind: str = "pdf") -> tuple[Chunk, ...]:
    between = "\n" if kind == "readme" else " "
    document, chunk = document_of_sentences(sentences, kind=kind, between=between)  # type: ignore[arg-type]
    return (chunk,)


BIGGER = "How can I make a low-res image four times bigger?"
FIT_CASES: tuple[tuple[str, str, FitOutcome], ...] = (
    ("We propose a network for single image super-resolution.", BIGGER, "fits"),
    ("This paper addresses image upscaling on phones.", BIGGER, "fits"),
    ("Official PyTorch implementation of image deblurring networks.", BIGGER, "another-task"),
    ("We present a method for image deblurring.", BIGGER, "another-task"),
    ("We present a method for image deblurring.", "My photo is blurry.", "fits"),
    ("We introduce a model of protein folding.", BIGGER, "another-task"),
    ("We propose a watering schedule for tomatoes.", BIGGER, "not-established"),
    # Contrasts and denials declare nothing; what they are set against does.
    ("Unlike super-resolution, we propose image deblurring.", BIGGER, "another-task"),
    ("We propose image deblurring; super-resolution is out of scope.", BIGGER, "another-task"),
    ("We propose super-resolution that is not limited to 4x.", BIGGER, "fits"),
    ("We present not only deblurring but super-resolution.", BIGGER, "fits"),
    # What a thing is built on is not what it is for, but it is enough for doubt.
    ("We propose deblurring based on super-resolution.", BIGGER, "not-established"),
    # A wider task may hold the one asked for.
    ("We propose a network for image restoration.", BIGGER, "not-established"),
    # Tasks that are on no list: every content word of the declared purpose is in the question.
    ("We present a method for tomato watering planning.", "Plan watering of a tomato", "fits"),
    ("We present a method for tomato watering planning.", "Who ate my tomato?", "not-established"),
    ("We present a method for reading.", "Which method is for reading?", "not-established"),
    ("We propose image super-resolution networks.", "Why is the sky blue?", "not-established"),
    ("The weather was nice on that day.", "Why is the sky blue?", "not-established"),
    # A task that is only mentioned is not declared, however near it is to the question.
    ("Others enlarged low-res images four times with super-resolution.", BIGGER, "not-established"),
)


@pytest.mark.parametrize(("sentence", "question", "outcome"), FIT_CASES)
def test_fit_is_decided_from_the_declared_task(
    sentence: str, question: str, outcome: FitOutcome
) -> None:
    intro = "Small pictures are everywhere, and everybody takes a great many of them each day. " * 6
    chunks = model("A Study", intro.strip(), sentence)
    fit = judge_fit(question, chunks, paper_id="p")
    assert fit.outcome == outcome
    if outcome != "not-established":
        assert fit.evidence is not None
        assert fit.evidence.text == sentence
        (quote,) = fit.evidence.quotes
        assert quote.start is not None
        assert quote.chunk.text[quote.start :].startswith(sentence)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("We deblur, unlike others, images", "We deblur,  , images"),
        ("Deblurring is out of scope", ""),
        ("Denoising is not needed, deblurring is", ", deblurring is"),
        ("A network that is not slow", "A network "),
        ("Summarization, in contrast, drops content.", ""),
        ("We do it all.", "We do it all."),
    ],
)
def test_contrasts_and_denials_are_taken_out(text: str, kept: str) -> None:
    assert affirmed(text) == kept


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("PoseFlow, a generative model for molecular docking that predicts", "molecular docking"),
        ("Six Degrees of Grip: Robotic Grasp Planning in Clutter", "Robotic Grasp Planning"),
        ("Offensive Language Detection: A Comparative Analysis", "Offensive Language Detection"),
        ("We present a system for link prediction in knowledge graphs.", "link prediction"),
    ],
)
def test_a_declared_purpose_is_found(text: str, found: str) -> None:
    assert found in list(purpose(text))


@pytest.mark.parametrize("text", ["", "We waited.", "A model for languages with few speakers"])
def test_what_is_no_purpose(text: str) -> None:
    assert list(purpose(text)) == []


def test_a_question_asks_for_what_it_does_not_set_apart() -> None:
    assert [task.name for task in tasks_asked("I want translation, not a summarization")] == [
        "machine translation"
    ]
    assert [task.name for task in tasks_asked("Why is it not meant literally?")] == [
        "metaphor detection"
    ]


def test_a_fit_by_its_purpose_says_that_it_is_quoted() -> None:
    chunks = model("We present a method for tomato watering planning.")
    fit = judge_fit("Plan watering of a tomato", chunks, paper_id="m")
    assert "the one quoted here" in fit_notice(fit, PAPERS[0], has_text=True).text


def test_a_title_declares() -> None:
    chunks = model("Patient Networks for Image Deblurring", "We waited long.", kind="readme")
    fit = judge_fit(BIGGER, chunks, paper_id="p")
    assert fit.outcome == "another-task"
    assert fit.evidence is not None
    assert fit.evidence.text == "Patient Networks for Image Deblurring"


@pytest.mark.parametrize(
    ("section", "outcome"),
    [
        ("Abstract", "another-task"),
        ("1 Introduction", "another-task"),
        ("2 Related Work", "not-established"),
        ("5 Experiments", "not-established"),
    ],
)
def test_a_task_is_declared_at_the_start_or_in_the_abstract_only(
    section: str, outcome: FitOutcome
) -> None:
    (chunk,) = model("We propose a method for image deblurring.")
    start = 5_000  # characters into the document
    span = replace(chunk.sentences[0], start=start, end=start + len(chunk.text))
    late = replace(chunk, start=start, end=span.end, sentences=(span,), section=section)
    assert judge_fit(BIGGER, (late,), paper_id="p").outcome == outcome


def test_without_text_nothing_is_established() -> None:
    fit = judge_fit(BIGGER, (), paper_id="p")
    assert (fit.outcome, fit.evidence, fit.declared) == ("not-established", None, ())
    said = fit_notice(fit, PAPERS[0], has_text=False)
    assert said.code == "fit-not-established"
    assert "none of its listed sources has text" in said.text


def test_a_notice_names_both_tasks() -> None:
    chunks = model("We present a method for image deblurring.")
    said = fit_notice(judge_fit(BIGGER, chunks, paper_id="m"), PAPERS[0], has_text=True)
    assert (said.code, said.paper_id) == ("other-task", "m")
    assert "The Model" in said.text
    assert "image deblurring" in said.text
    assert "image super-resolution (upscaling)" in said.text


@pytest.mark.parametrize(
    ("sentence", "question", "why"),
    [
        ("We propose a watering schedule for tomatoes.", BIGGER, "none that ragqa knows by name"),
        ("We propose image super-resolution.", "Why is it?", "the question names no task"),
        ("Nice.", "Why is it?", "declare no task"),
        ("We propose image restoration.", BIGGER, "too near to it"),
    ],
)
def test_a_notice_says_why_not(sentence: str, question: str, why: str) -> None:
    fit = judge_fit(question, model(sentence), paper_id="m")
    assert why in fit_notice(fit, PAPERS[0], has_text=True).text


@pytest.mark.parametrize(
    "sentence",
    [
        "We propose a network.",
        "In this paper, we present a new dataset.",
        "This work introduces MSSNet.",
        "Mask2Alpha is a framework for matting.",
        "Our method addresses two problems.",
        "PyTorch implementation of the paper.",
    ],
)
def test_what_proposes(sentence: str) -> None:
    assert proposes(sentence)


@pytest.mark.parametrize("sentence", ["It rained.", "Smith et al. proposed it.", "Results are in."])
def test_what_does_not_propose(sentence: str) -> None:
    assert not proposes(sentence)


def test_own_words_are_no_title() -> None:
    assert own_words("In this work, we propose a network.")
    assert own_words("Here, we explore metaphors.")
    assert not own_words("PyTorch implementation of the paper.")
    assert not own_words("Through this more explorative approach, we found defects.")


@pytest.mark.parametrize(
    ("line", "is_title"),
    [
        ("Adversarial Learning for Chinese NER from Crowd Annotations\u2217", True),
        ("Causal Explanation Analysis on Social Media", True),
        ("Ada Lovelace and Grace Hopper", False),
        ("Shenggui Li, Fuzhao Xue\u2217", False),
        ("Zheng Liu1\u2020\u2217, Shitao Xiao2\u2020", False),
        (", Garnik Davtyan et Cie", False),
        ("Project | Paper | Supple", False),
        ("Example Networks Inc., China", False),
    ],
)
def test_authors_are_no_title(line: str, is_title: bool) -> None:
    chunks = model(line, "We waited long.", kind="readme")
    found = [draft.text for draft in declarations(chunks, paper_id="p")]
    assert (line in found) is is_title


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=6), st.text(max_size=60))
def test_declarations_are_quotes_of_any_text(sentences: list[str], question: str) -> None:
    chunks = model(*sentences)
    for draft in declarations(chunks, paper_id="p"):
        assert draft.quotes[0].text == draft.text
        assert draft.text in chunks[0].text
    fit = judge_fit(question, chunks, paper_id="p")
    assert fit.outcome == "not-established" or fit.evidence
    assert fit.outcome != "another-task" or (fit.declared and fit.asked)
