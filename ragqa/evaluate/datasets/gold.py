"""Papers, and the gold that is said to stand in them: located, checked, or noted.

In: what a dataset says about evidence and relevance. Out: `Evidence`. Invariant: what a located
`Evidence` spans is what the dataset quotes, exactly or but for white space, signs and case; gold
that cannot be found stays gold, unlocated, so that the mean pays for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ragqa.evaluate.datasets.notes import Notes
from ragqa.evaluate.datasets.offsets import Units
from ragqa.evaluate.datasets.values import shown
from ragqa.evaluate.locating import TextIndex, fold
from ragqa.evaluate.records import Evidence, GoldPaper, GoldQuestion, Place

__all__ = ["Draft", "Papers", "Quote"]

_MOST = 2  # of which one must be more than the others to be "most"


@dataclass(slots=True, kw_only=True)
class Draft:
    """What a format read, before it is checked as a whole.

    :ivar papers: The papers, each with its place, in file order; twice where a file has one twice.
    :ivar questions: The questions, in file order.
    :ivar split: The split that was read, where the format has any.
    :ivar suffix: What the dataset's name gets behind the folder's or file's.
    :ivar corpus: The corpus folder, where the papers are a corpus's.
    :ivar listed: Ids of the corpus's papers.
    """

    papers: list[tuple[GoldPaper, Place]] = field(default_factory=list)
    questions: list[GoldQuestion] = field(default_factory=list)
    split: str | None = None
    suffix: str = ""
    corpus: Path | None = None
    listed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Evidence as a dataset gives it.

    :ivar paper_id: The paper.
    :ivar text: The words; None where only the offsets are given.
    :ivar start: Where they are said to start; None where the dataset does not say.
    :ivar end: One past the last character.
    :ivar annotator: Who chose it.
    """

    paper_id: str
    text: str | None
    start: int | None = None
    end: int | None = None
    annotator: int = 0


class Papers:
    """The papers of a dataset by id, and the gold that was looked for in them."""

    def __init__(self, notes: Notes, texts: Mapping[str, str]) -> None:
        self._notes = notes
        self._texts = texts
        self._indexes: dict[str, TextIndex] = {}
        self._units: dict[str, Units] = {}
        self._told: set[tuple[Place, str]] = set()  # where, and the paper that is not there
        self._offsets = 0  # evidence with offsets
        self._moved: list[tuple[Place, tuple[str, ...]]] = []  # where, and the units that fit

    def known(self, paper_id: str, place: Place, what: str) -> bool:
        """Say whether a paper exists; where it does not, note it once for each place.

        :param paper_id: Its id.
        :param place: Where it is named.
        :param what: What names it.
        :return: Whether it is one of the papers and has a text.
        """
        if self._texts.get(paper_id):
            return True
        if (place, paper_id) in self._told:
            return False
        self._told.add((place, paper_id))
        why = "which has no text" if paper_id in self._texts else "which is not in the dataset"
        said = f"{what} names the paper {shown(paper_id)}, {why}"
        self._notes.note(place, said, "not-found")
        return False

    def evidence(self, quote: Quote, place: Place) -> Evidence:
        """Locate evidence in its paper.

        :param quote: What the dataset says.
        :param place: Where it says so.
        :return: The evidence, unlocated where it was not found, which is noted.
        """
        span = None
        words = quote.text
        if self.known(quote.paper_id, place, "evidence"):
            if words is None:
                words, span = self._sliced(quote, place)
            else:
                span = self._located(quote, words, place)
        start, end = span or (None, None)
        return Evidence(
            paper_id=quote.paper_id,
            text=words or "",
            start=start,
            end=end,
            annotator=quote.annotator,
        )

    def find(self, quote: Quote) -> Evidence | None:
        """Locate words in a paper, and note nothing.

        :param quote: The paper and the words.
        :return: The evidence; None where they do not stand there, or there is no such paper.
        """
        if not self._texts.get(quote.paper_id) or quote.text is None:
            return None
        span = self._index(quote.paper_id).locate(quote.text)
        if span is None:
            return None
        return Evidence(paper_id=quote.paper_id, text=quote.text, start=span[0], end=span[1])

    def _sliced(self, quote: Quote, place: Place) -> tuple[str, tuple[int, int] | None]:
        """Take the words at offsets that come without words."""
        text, start, end = self._texts[quote.paper_id], quote.start, quote.end
        if start is None or end is None:
            self._notes.wrong(place, "evidence has neither text nor start and end")
        elif 0 <= start < end <= len(text):
            return text[start:end], (start, end)
        else:
            said = (
                f"evidence from {start} to {end} is outside of the paper's {len(text)} characters"
            )
            self._notes.note(place, said, "not-found")
        return "", None

    def _located(self, quote: Quote, words: str, place: Place) -> tuple[int, int] | None:
        text, start = self._texts[quote.paper_id], quote.start
        if start is None:
            span = self._index(quote.paper_id).locate(words)
            if span is None:
                said = f"evidence {shown(words)} does not stand in paper {shown(quote.paper_id)}"
                self._notes.note(place, said, "not-found")
            return span
        end = start + len(words) if quote.end is None else quote.end
        self._offsets += 1
        if 0 <= start < end and text[start:end] == words and fold(words):
            return start, end
        return self._moved_to(quote, words, (start, end), place)

    def _moved_to(
        self, quote: Quote, words: str, told: tuple[int, int], place: Place
    ) -> tuple[int, int] | None:
        """Find words that do not stand where the dataset says, and note it."""
        paper_id, text = quote.paper_id, self._texts[quote.paper_id]
        units = self._units.setdefault(paper_id, Units(text))
        fitting = units.fitting(words, told)
        near = self._index(paper_id).locate(words, near=told[0])
        span = next(iter(fitting.values()), near)
        where = f"evidence {shown(words)} is not at {told[0]}-{told[1]} of paper {shown(paper_id)}"
        if span is None:
            self._notes.note(place, f"{where}, nor anywhere in it", "not-found")
            return None
        exactly = "" if text[slice(*span)] == words else " but for white space, signs or case"
        said = f"{where}; it was found at {span[0]}-{span[1]}{exactly}"
        self._notes.note(place, said, "moved")
        self._moved.append((place, tuple(fitting)))
        return span

    def _index(self, paper_id: str) -> TextIndex:
        if paper_id not in self._indexes:
            self._indexes[paper_id] = TextIndex(self._texts[paper_id])
        return self._indexes[paper_id]

    def summarise(self) -> None:
        """Note once where most offsets of the dataset are off, and what they seem to count."""
        moved = len(self._moved)
        if moved < _MOST or moved * _MOST <= self._offsets:
            return
        said = f"{moved} of {self._offsets} pieces of evidence are not at their offsets: "
        fits = [name for _, names in self._moved for name in names]
        likeliest = max(dict.fromkeys(fits), key=fits.count, default="")
        if fits.count(likeliest) * _MOST > moved:
            said += f"they count {likeliest}, where ragqa counts characters of the text as it is"
        else:
            said += (
                "they seem to be of other texts than these; check that the files belong together"
            )
        self._notes.note(self._moved[0][0], said, "noted")
