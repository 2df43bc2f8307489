"""Negations of a text, and what each is about.

In: plain text and its words. Out: each negation's cue and the content words in its scope: those
after it, up to the clause's end. ``not``, ``fails to``, ``lack of``, ``without`` and prefixes
(``ineffective``, ``unaffected``, ``non-significant``) are cues; ``not only`` is none.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ragqa.wording.words import Token, is_light, stem, tokens

__all__ = ["Negation", "clause_at", "clause_ends", "is_unchanged", "negations", "speaks_of_loss"]

_SCOPE = 6  # content words: a longer predicate is seldom negated as a whole
_CUE = re.compile(
    r"\b(?:not|no longer|(?:yet|remains?|remained) to(?= be\b)|no|never|neither|nor|none|nobody"
    r"|nothing|nowhere|without|cannot|fail(?:s|ed|ing"
    r"|ure)?"
    r"|lack(?:s|ed|ing)?|absence|absent|missing|unable|inability|hardly|scarcely|barely|rarely"
    r"|seldom|unlikely|little|few|instead of|against(?= \w+ing\b)|rather than|ruled? out"
    r"|refut(?:e[sd]?|ing)"
    r"|reject(?:s|ed)?|den(?:y|ies|ied)|disprov(?:e[sd]?|en)|free of|devoid|nil"
    r"|zero|negligible|excluding|except)\b|n['\u2019]t\b",
    re.IGNORECASE,
)
_NO_CUE = re.compile(
    r"\b(?:not (?:the )?only|not just|not merely|not to mention|whether or not|if not|no(?:t)?"
    r" (?:more|less|fewer|later|earlier|older|younger|longer|shorter|higher|lower|larger|smaller"
    r"|greater) than|a few|a little|nothing but|no doubt|few-shot|zero-shot)\b",
    re.IGNORECASE,
)
_PREFIXED = re.compile(
    r"\b(?:non-?(?P<non>[a-z]{4,})|un-?(?P<un>(?!der|til|ique|ite|iv|ion|less)[a-z]{4,})"
    r"|(?:in|im|ir|il)(?P<in>effective|effectual|sufficient|significant|active|complete|consistent"
    r"|correct|accurate|adequate|valid|ability|frequent|eligible|accessible|capable|dependent"
    r"|possible|probable|perfect|practical|proper|mature|relevant|regular|reversible|replaceable"
    r"|logical|legible|appropriate|comparable|conclusive|credible|direct|visible|tolerant|stable)"
    r"(?P<ly>ly|ness)?"
    r"|(?:dis)(?P<dis>approve|advantage|similar)\w{0,5}"
    r"|(?P<less>use|help|harm|pain|effort|worth|end|cell|sense)less)\b",
    re.IGNORECASE,
)
_NOT_PREFIXED = frozenset(
    "uncle uncover uncovered unlike unusual unusually unprecedented"
    " underlying understanding universal university universe unsupervised untill nonetheless"
    " nonlinear unbiased unified unigram unit units unfold unfolding unravel unlock unveil".split()
)
_CONTRAST = re.compile(r"\b(?:but|and) not$", re.IGNORECASE)  # "A, but not B, rose"
_PREPOSED = re.compile(r"(?:^|[.;,]\s)(?:without|lacking|except)$", re.IGNORECASE)
_CLAUSE_END = re.compile(
    r"[.!?;:](?=\s|$)|,\s+(?=(?:but|although|though|while|whereas|however|and|which|who|yet|so"
    r"|with)\b)"
    r"|\b(?:but|although|though|whereas|however|while|(?<!as )(?<!not )(?<!had )(?<!has )(?<!have )"
    r"yet|because|despite)\b|\n",
    re.IGNORECASE,
)
_UNCHANGED = re.compile(
    r"\b(?:similar(?:ly)?|comparabl[ey]|unchanged|unaffected|unaltered|equivalent(?:ly)?|the same"
    r"|identical|equal(?:ly)?|constant|stable|independent(?:ly)? of|regardless of|irrespective"
    r"|alike"
    r"|non-?inferior(?:ity)?|on par|indistinguishable|as (?:\w+ )?as|parity|insignificant"
    r"|non-?significant(?:ly)?|n\.s\.)\b",
    re.IGNORECASE,
)

_PRIVATION = re.compile(
    r"\b(?:remov\w+|eliminat\w+|omit\w*|omission|loss|lost|delet\w+|knock-?(?:out|down|ed)\w*"
    r"|deplet\w+"
    r"|defici\w+|defective|depriv\w+|exclu\w+|ablat\w+|null|discard\w*|drop\w*|absen\w+|avoid\w*"
    r"|withh\w+|-free|alone|only|versus|vs)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Negation:
    """One negation.

    :ivar cue: Its word.
    :ivar start: First character of the cue.
    :ivar end: One past the last.
    :ivar scope: Stems of the content words it is about, the nearest first.
    :ivar clause: Stems of all content words of its clause, its subject's included.
    """

    cue: str
    start: int
    end: int
    scope: tuple[str, ...]
    clause: frozenset[str]


def clause_ends(text: str) -> list[int]:
    """Return where the clauses of a text end.

    :param text: Plain text.
    :return: Offsets in order; the last is the text's length.
    """
    return [*(match.start() for match in _CLAUSE_END.finditer(text)), len(text)]


def clause_at(ends: Sequence[int], at: int) -> tuple[int, int]:
    """Return the clause that a place is in.

    :param ends: Where the clauses end.
    :param at: An offset.
    :return: The clause's span.
    """
    number = min(bisect_right(ends, at), len(ends) - 1)
    return (ends[number - 1] if number else 0), ends[number]


def negations(text: str, words: Sequence[Token] | None = None) -> list[Negation]:
    """Find the negations of a text.

    :param text: Plain text.
    :param words: Its words, where they are at hand.
    :return: Its negations in order.
    """
    words = tokens(text) if words is None else words
    skipped = {at for match in _NO_CUE.finditer(text) for at in range(match.start(), match.end())}
    ends = clause_ends(text)
    found = []
    for match in _CUE.finditer(text):
        if match.start() not in skipped:
            scope = _scope(text, words, match.end())
            cut = ends if not _CONTRAST.search(text[: match.end()]) else [match.start(), *ends]
            found.append(_negation(match, scope, sorted(cut), words))
    for match in _PREFIXED.finditer(text):
        if match.group().lower() not in _NOT_PREFIXED:
            root = next(group for group in match.groups() if group)
            after = _scope(text, words, match.end())[:2] if is_light(stem(root)) else ()
            scope = (stem(root), *after)  # "no effective drug", but "a nonlinear model"
            found.append(_negation(match, scope, ends, words))
    return sorted(found, key=lambda each: each.start)


def _negation(
    match: re.Match[str], scope: tuple[str, ...], ends: Sequence[int], words: Sequence[Token]
) -> Negation:
    low, end = clause_at(ends, match.start())
    clause = frozenset(word.stem for word in words if low <= word.start < end and _counts(word))
    return Negation(
        cue=match.group(),
        start=match.start(),
        end=match.end(),
        scope=scope,
        clause=clause | frozenset(scope),
    )


def _scope(text: str, words: Sequence[Token], start: int) -> tuple[str, ...]:
    match = _CLAUSE_END.search(text, start)
    end = match.start() if match else len(text)
    before = text[max(0, start - 12) : start]
    is_short = _CONTRAST.search(before) or _PREPOSED.search(before)
    if is_short and "," in text[start:end]:
        end = text.index(",", start)
    inside = [word.stem for word in words if start <= word.start < end and _counts(word)]
    return tuple(inside[:_SCOPE])


def _counts(word: Token) -> bool:
    return word.content and len(word.text) > 1 and not word.text[0].isdigit()


def is_unchanged(text: str) -> bool:
    """Say whether a text calls something equal or unchanged without a negation.

    :param text: Plain text.
    :return: Whether it has such a word.
    """
    return _UNCHANGED.search(text) is not None


def speaks_of_loss(text: str) -> bool:
    """Say whether a text takes something away without a negation: ``deficient``, ``removing``.

    :param text: Plain text.
    :return: Whether ``without`` may stand for one of its words.
    """
    return _PRIVATION.search(text) is not None
