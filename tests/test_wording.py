"""`ragqa.wording`: what stands in a text, and when two wordings say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.wording.acts import acts
from ragqa.wording.direction import comparisons, is_direction, marks
from ragqa.wording.names import abbreviations, joined_forms, names
from ragqa.wording.negation import clause_ends, is_unchanged, negations
from ragqa.wording.quantities import is_same_quantity, is_same_value, quantities
from ragqa.wording.strength import soft_spans, strength
from ragqa.wording.words import (
    is_common,
    is_covered,
    is_light,
    is_same_word,
    rank,
    sentences,
    shared,
    stem,
    tokens,
)


def values(text: str) -> list[tuple[float, str]]:
    return [(each.value, each.dimension) for each in quantities(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,200 and 1200", [(1200.0, ""), (1200.0, "")]),
        ("twelve or 12", [(12.0, ""), (12.0, "")]),
        ("0.50 and .5", [(0.5, ""), (0.5, "")]),
        ("37% or 37 percent", [(37.0, "%"), (37.0, "%")]),
        ("1.2 million people", [(1_200_000.0, "")]),
        ("110M parameters", [(110_000_000.0, "")]),
        ("one hundred and twenty-five", [(125.0, "")]),
        ("5-10 mg", [(0.005, "gram"), (0.01, "gram")]),
        ("2 weeks, 14 days", [(1209600.0, "second"), (1209600.0, "second")]),
        ("5 percentage points", [(5.0, "pp")]),
        ("10 mg/kg", [(0.01, "gram/kg")]),
        ("\u221232", [(-32.0, "")]),
        ("3 \u00d7 10^2", [(300.0, "")]),
        ("doubled, 3-fold", [(2.0, "fold"), (3.0, "fold")]),
        ("half of them", [(0.5, "share")]),
        ("half an hour", [(1800.0, "second")]),
        ("Tables 1 and 2", [(1.0, "label:table"), (2.0, "label:table")]),
        ("COVID-19, ResNet-50, IL-6, H1N1, 3D, 5-HT, 2019-nCoV", []),
        ("$12", [(12.0, "dollar")]),
        ("", []),
    ],
)
def test_quantities(text: str, found: list[tuple[float, str]]) -> None:
    assert values(text) == [(pytest.approx(value), unit) for value, unit in found]


def test_bounds_and_rounding() -> None:
    at_least, at_most, plain = quantities("at least 5, up to 7, and 9")
    assert [at_least.bound, at_most.bound, plain.bound] == ["min", "max", ""]
    (about,) = quantities("about 37%")
    (exact,) = quantities("36.8%")
    assert is_same_quantity(about, exact)
    assert not is_same_quantity(quantities("37%")[0], exact)
    assert not is_same_quantity(about, quantities("31%")[0])


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("0.5", "50%", True),
        ("12", "1200%", False),
        ("2 weeks", "14 days", True),
        ("37%", "37 mg", False),
        ("37%", "37 points", False),
        ("5 mg", "5 g", False),
        ("half", "50%", True),
        ("type 2", "type 1", False),
        ("24 h", "1 day", True),
    ],
)
def test_is_same_quantity(first: str, second: str, same: bool) -> None:
    one, other = quantities(first)[0], quantities(second)[0]
    assert is_same_quantity(one, other) is same
    assert is_same_quantity(other, one) is same


@given(st.floats(-1e9, 1e9, allow_nan=False))
def test_a_value_is_itself(value: float) -> None:
    assert is_same_value(value, value)
    assert not is_same_value(value, value * 1.001 + 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The SARS-CoV-2 virus and BERT-based mRNA", ["sarscov2", "bert", "mrna"]),
        ("We use TNF-\u03b1 of Smith with p53.", ["tnfalpha", "smith", "p53"]),
        ("Moreover, this is plain.", []),
        ("12 mg in 3 weeks", []),
    ],
)
def test_names(text: str, found: list[str]) -> None:
    assert [name.form for name in names(text, quantities(text))] == found


def test_names_in_other_forms() -> None:
    assert {"sarscov2", "covs", "cov"} <= joined_forms("SARS CoV 2 and CoVs")
    defined = abbreviations(
        "a randomized controlled trial (RCT), see (2020); CGM (continuous glucose monitoring)"
    )
    assert defined == {
        "rct": frozenset({"randomized controlled trial"}),
        "cgm": frozenset({"continuous glucose monitoring"}),
    }


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        ("It did not help.", ["not"]),
        ("It didn't help.", ["n't"]),
        ("It was ineffective and non-significant.", ["ineffective", "non-significant"]),
        ("Not only A but B; no more than 5; a few.", []),
        ("It failed to help without support.", ["failed", "without"]),
        ("under the union of units", []),
    ],
)
def test_negations(text: str, cues: list[str]) -> None:
    assert [each.cue for each in negations(text)] == cues


def test_a_negation_ends_with_its_clause() -> None:
    (first,) = negations("It did not improve accuracy, but the cost fell.")
    assert first.scope == (stem("improve"), stem("accuracy"))
    (second,) = negations("A, but not B, reduced pain.")
    assert stem("pain") not in second.scope
    assert clause_ends("a; b") == [1, 4]
    assert is_unchanged("It was similar.")
    assert not is_unchanged("It rose.")


def test_marks_have_signs() -> None:
    (mark,) = (each for each in marks("It did not increase pain.") if each.axis == "amount")
    assert (mark.sign, mark.negated) == (1, True)
    assert stem("pain") in mark.context
    assert {each.sign for each in marks("Costs fell.")} == {-1}
    assert not marks("a fast-twitch muscle, as well as others")
    assert is_direction(stem("reduced"))
    assert not is_direction(stem("house"))


def test_comparisons_have_sides() -> None:
    (one,) = comparisons("Drug alpha was better than drug beta.")
    assert (one.sign, one.left, one.right) == (1, {"alpha"}, {"beta"})
    (turned,) = comparisons("Aspirin was outperformed by heparin.")
    assert (turned.sign, turned.left) == (-1, {stem("aspirin")})
    (first,) = comparisons("Compared with heparin, aspirin gave less pain.")
    assert first.right == {stem("heparin")}
    assert first.sign == -1
    assert not comparisons("Nothing is set against anything.")


def test_acts_are_turned_round_where_they_are_passive() -> None:
    (active,) = acts("Heparin inhibits thrombin.")
    (passive,) = acts("Thrombin is inhibited by heparin.")
    assert active == passive
    assert not acts("Thrombin was inhibited.")


def test_strength() -> None:
    assert strength("It may help.").soft
    assert strength("This proves it.").certain
    assert strength("A is associated with B.").linked
    assert strength("A causes B.").causes
    assert strength("All of them died.").universal
    assert not strength("All three groups; above all; all-cause mortality.").universal
    assert soft_spans("It may help.") == [(3, 6)]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("reduced", "reduction", True),
        ("decline", "decrease", True),
        ("infection", "infected", True),
        ("mouse", "mice", True),
        ("mice", "rats", False),
        ("increase", "decrease", False),
        ("protein", "protease", False),
        ("interleukin", "interferon", False),
        ("encoder", "decoder", False),
        ("hypertension", "hypotension", False),
    ],
)
def test_is_same_word(first: str, second: str, same: bool) -> None:
    assert is_same_word(stem(first), stem(second)) is same
    assert is_same_word(stem(second), stem(first)) is same


def test_words() -> None:
    words = tokens("The patients' TNF-\u03b1, group A and a cat.")
    assert [word.text for word in words if word.content] == [
        "patients", "TNF", "\u03b1", "group", "A", "cat",
    ]  # fmt: skip
    assert words[1].start == 4
    assert is_light(stem("studies"))
    assert is_covered(stem("falls"), [stem("declined")])
    assert shared(["cat", "dog"], ["dog"]) == 1
    assert is_common("house")
    assert not is_common("remdesivir")
    assert rank("the") < rank("malaria") < rank("remdesivir")


def test_sentences() -> None:
    text = "We used e.g. Smith et al. (2020). It was 3.5 mg. See Fig. 2."
    assert [text[a:b] for a, b in sentences(text)] == [
        "We used e.g. Smith et al. (2020).", "It was 3.5 mg.", "See Fig. 2.",
    ]  # fmt: skip


@given(st.text(max_size=300))
def test_every_reader_takes_any_text(text: str) -> None:
    for each in quantities(text):
        assert text[each.start : each.end] == each.text
    for name in names(text):
        assert text[name.start : name.end] == name.text
    for word in tokens(text):
        assert text[word.start : word.end] == word.text
    assert all(start < end for start, end in sentences(text))
    assert all(text[each.start : each.end] == each.cue for each in negations(text))
    marks(text)
    comparisons(text)
    acts(text)
    strength(text)
    abbreviations(text)
