"""Where a paper declares what it is for, and which words of it count.

In: a paper's chunks. Out: the declaring sentences as drafts, and of any text what is left when
contrasts and denials are taken away ("unlike super-resolution, ...", "... is out of scope"): a
task that is named only there is not declared. Titles come first, then what a document's beginning,
abstract or introduction says is proposed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ragqa.records import Chunk, Draft, DraftQuote, Sentence

__all__ = ["affirmed", "declarations", "own_words", "proposes", "purpose"]

_AUTHORS = (
    r"(?:we|this (?:paper|work|article|study|repo(?:sitory)?|tool|model|package|project)"
    r"|(?:our|the (?:present|current)) (?:paper|work|method|model|study))"
)
_PROPOSE = (
    r"(?:propos|present|introduc|develop|describ|address|tackl|design|study|studies|investigat"
    r"|explor(?!at)|focus|examin|formulat|frame\b|releas|contribut)"
)
_THING = (
    r"(?:method|model|framework|network|approach|tool|toolkit|library|package|implementation|system"
    r"|architecture|algorithm|technique|pipeline|app|program|dataset|benchmark|transformer)"
)
_DOES = (
    r"(?:does|performs|handles|supports|turns|converts|predicts|detects|recogni[sz]es|generates"
    r"|transcribes|translates|restores|removes|estimates|segments|classifies|corrects|summari[sz]es)"
)
_PROPOSES = re.compile(
    rf"\b{_AUTHORS}\b.{{0,60}}?\b{_PROPOSE}"
    rf"|^[\w:. -]{{2,60}}\bis (?:an?|the)\b.{{0,60}}\b{_THING}\b"
    rf"|^(?:an?|one|the|some|official|simple|fast|pytorch)\b.{{0,40}}\b(?:{_THING}|code) for\b"
    rf"|\bit is (?:an?|the)\b.{{0,40}}\b{_THING} (?:for|of|that)\b"
    r"|\bimplementation of\b",
    re.IGNORECASE,
)
_OWN_WORDS = re.compile(rf"\b{_AUTHORS}\b.{{0,60}}?\b{_PROPOSE}", re.IGNORECASE)
_NAMED_DOES = re.compile(rf"^(?:It|[A-Z][\w.+-]*[A-Z\d][\w.+-]*) {_DOES}\b")
_DECLARING_SECTION = re.compile(
    r"^(?:abstract|summary|overview|about|introduction)?$", re.IGNORECASE
)
_NUMBER = re.compile(r"^[\divxIVX]+[.\s]+")
_NO_TITLE = re.compile(
    r"\b(?:universit|institut|department|laborator|school of|proceedings|conference|published"
    r"|arxiv|journal|workshop|corporation|inc\b|ltd\b|related work|pip install)|@|\.$| --?\w| \| ",
    re.IGNORECASE,
)
# The line of authors: it opens with a comma, has marks of notes on names, or names only.
_NAME = r"[A-Z][\w.'\u2019-]*[\d\u2217*\u2020\u2021\u00a7\u2662\u00b6]*"
_AUTHOR_LINE = re.compile(
    r"^[,;&\d]|[A-Za-z][\d,]*[\u2217*\u2020\u2021\u00a7\u2662\u00b6]+\s?,"
    rf"|^{_NAME}(?: {_NAME}){{1,3}}(?:(?:,? and |, | & ){_NAME}(?: {_NAME}){{1,3}})+$"
)
_TITLE_CHARS = 400  # characters at a document's start in which its title stands
_MIN_TITLE_WORDS = 3
_MAX_DECLARING = 8  # chunks at a document's start that can hold title and abstract

_CLAUSE = re.compile(r"[,;:.?!()]|\b(?:that|which|but|while|whereas|although|though)\b")
_DENIED = re.compile(
    r"\bout of (?:its |our |the )?scope\b|\b(?:is|are) left (?:for|to)\b|\bfuture work\b"
    r"|\b(?:is|are|was|were) (?:not|neither|no)\b|\bsee (?:other|also|instead)\b"
    r"|\b(?:is|are) (?:an?(?:other)? )?(?:related|different|separate|other)\b",
    re.IGNORECASE,
)
_SETS_APART = re.compile(r"\bin contrast,", re.IGNORECASE)
_CONTRAST = re.compile(
    r"\b(?:unlike|in contrast (?:to|with)|contrary to|other than|rather than|instead of"
    r"|as opposed to|compared (?:to|with)|different(?:ly)? from|except|without|neither|nor"
    r"|not(?! only\b)|cannot|can't|don't|doesn't)\b[^,;:.?!()]*",
    re.IGNORECASE,
)
_MEANS = re.compile(
    r"\b(?:inspired by|based on|built on|borrow\w* from|adapted from|pre-?trained (?:on|for|with)"
    r"|trained (?:on|with)|evaluated on|tested on|similar to|used (?:in|for|by)|by means of)\b"
    r"[^,;:.?!()]*",
    re.IGNORECASE,
)
_PURPOSE_START = re.compile(r"\b(?:for|to|of|on|an?|the)\s+", re.IGNORECASE)
_PURPOSE_END = re.compile(
    r"[,;:.?!()]|\s(?:for|from|with|via|using|by|in|of|on|at|to|through|based|that|which|when|where"
    r"|while|and|under|as|is|are|without|across|over|between|among|inside|during|before|after)\s",
    re.IGNORECASE,
)
_ACTIVITY = re.compile(
    r"(?:tion|sion|ing|sis|ment|val|ery|repair|search|translation|control|design|diagnosis)s?$",
    re.IGNORECASE,
)
_MAX_PURPOSE_WORDS = 6  # a longer stretch between two such words is no name of a task


def proposes(text: str) -> bool:
    """Say whether a sentence tells what a paper proposes.

    :param text: The sentence.
    :return: True for "We propose ...", "X is a method for ..." and their like.
    """
    return _PROPOSES.search(text) is not None


def own_words(text: str) -> bool:
    """Say whether its authors tell in a sentence what they propose.

    :param text: The sentence.
    :return: True for "In this work, we propose ..."; false for a title.
    """
    return _OWN_WORDS.search(text) is not None


def affirmed(text: str, *, means: bool = True) -> str:
    """Take contrasts and denials out of a text.

    :param text: A sentence or a question.
    :param means: Whether what a thing is built on or tried on stays, too.
    :return: What is left: it is said of the thing itself. Empty where a sentence only denies.
    """
    if _SETS_APART.search(text):
        return ""
    kept = _CONTRAST.sub(" ", _without_denials(text))
    return kept if means else _MEANS.sub(" ", kept)


def _without_denials(text: str) -> str:
    """Drop the clauses that say what is not done; what stands before and after them stays."""
    cuts = [0, *(match.start() for match in _CLAUSE.finditer(text)), len(text)]
    clauses = (text[start:end] for start, end in pairwise(cuts))
    return "".join(clause for clause in clauses if not _DENIED.search(clause))


def purpose(text: str) -> Iterator[str]:
    """Find phrases of a declaring sentence that can name its task.

    :param text: A title, or a sentence that proposes; best without contrasts.
    :yield: Short phrases that end in the name of an activity, such as "molecular docking".
    """
    starts = [0, *(match.end() for match in _PURPOSE_START.finditer(text))]
    starts.extend(match.end() for match in re.finditer(r":\s+", text))
    for start in starts:
        end = _PURPOSE_END.search(text, start)
        phrase = text[start : end.start() if end else len(text)].strip()
        if _ACTIVITY.search(phrase) and 1 < len(phrase.split()) <= _MAX_PURPOSE_WORDS:
            yield phrase


def declarations(chunks: Sequence[Chunk], *, paper_id: str) -> Iterator[Draft]:
    """Find where a paper declares its task: titles first, then what it says it proposes.

    :param chunks: The paper's chunks, each document's in reading order.
    :param paper_id: The paper.
    :yield: Drafts to be verified and quoted.
    """
    kinds = list(dict.fromkeys(chunk.document for chunk in chunks))
    heads = [[c for c in chunks if c.document == kind][:_MAX_DECLARING] for kind in kinds]
    for head in heads:
        yield from (_draft(chunk, sentence, paper_id) for chunk, sentence in _titles(head))
    for head in heads:
        for chunk in head:
            if _declares(chunk):
                yield from (
                    _draft(chunk, sentence, paper_id)
                    for sentence in chunk.sentences
                    if sentence.quotable and _tells(chunk.slice(sentence.start, sentence.end))
                )


def _tells(text: str) -> bool:
    return proposes(text) or _NAMED_DOES.search(text) is not None


def _titles(head: Sequence[Chunk]) -> Iterator[tuple[Chunk, Sentence]]:
    """Yield a README's or PDF's first lines that can be its title; a summary has none."""
    for chunk in head[:2]:
        if chunk.document == "summary":
            return
        for sentence in chunk.sentences:
            if sentence.start > _TITLE_CHARS:
                return
            text = chunk.slice(sentence.start, sentence.end)
            # A README's first line may start low, and is then no quotable sentence.
            if _can_be_title(text) or (len(text) < _TITLE_CHARS and proposes(text)):
                yield chunk, sentence


def _can_be_title(text: str) -> bool:
    is_short = len(text) < _TITLE_CHARS / 2 and "\n" not in text
    is_long = len(text.split()) >= _MIN_TITLE_WORDS
    return is_short and is_long and not any(p.search(text) for p in (_NO_TITLE, _AUTHOR_LINE))


def _declares(chunk: Chunk) -> bool:
    return _DECLARING_SECTION.match(_NUMBER.sub("", chunk.section).strip()) is not None or (
        chunk.start < _TITLE_CHARS
    )


def _draft(chunk: Chunk, sentence: Sentence, paper_id: str) -> Draft:
    text = chunk.slice(sentence.start, sentence.end)
    quote = DraftQuote(chunk=chunk, text=text, start=sentence.start)
    return Draft(text=text, quotes=(quote,), paper_id=paper_id)
