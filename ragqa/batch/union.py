"""The papers of many cards -> one list, a paper once; and each card's own view of it.

In: cards in the order given, and what the shared manifest listed before. Out: the list, and for
each card its papers under the list's ids, with the titles, roles and links that this card gives.

Two listings are one paper where their links are the same file (http or https, ``www.`` and a
trailing slash aside; another arXiv version is another file) and their repositories do not differ;
without a link, where title and repository are the same. The texts are pooled: the first card that
gives a repository or a summary decides which, and a card that gave another is told so. An id that
a paper had in the list before, it keeps.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ragqa.manifest import arxiv_id, github_repo, paper_id_for, same_paper_key
from ragqa.records import Paper

__all__ = ["Union", "View", "unite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One card's papers.

    :ivar papers: Its papers with the ids of the shared list, in its own order.
    :ivar notes: Where its listing and the shared one differ.
    """

    papers: tuple[Paper, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Union:
    """One list of many cards' papers.

    :ivar papers: Every paper once, in the order of first listing.
    :ivar views: A view for each card, in the order given.
    """

    papers: tuple[Paper, ...]
    views: tuple[View, ...]


@dataclass(slots=True)
class _Shelf:
    """The papers so far, by key; a key has several where their repositories differ."""

    papers: list[Paper] = field(default_factory=list)
    places: dict[str, list[int]] = field(default_factory=dict)

    def find(self, paper: Paper) -> int | None:
        """Return the place of the same paper, if it is listed."""
        for place in self.places.get(_key(paper), ()):
            listed = self.papers[place]
            if not (paper.github and listed.github) or _repo(paper) == _repo(listed):
                return place
        return None

    def put(self, paper: Paper) -> int:
        """List a paper, or add to the one that is listed what it lacks; return its place."""
        place = self.find(paper)
        if place is None:
            self.papers.append(paper)
            place = len(self.papers) - 1
            self.places.setdefault(_key(paper), []).append(place)
            return place
        listed = self.papers[place]
        self.papers[place] = replace(
            listed,
            role="model" if "model" in {listed.role, paper.role} else "paper",
            github=listed.github or paper.github,
            summary=listed.summary or paper.summary,
        )
        return place


def unite(cards: Iterable[Sequence[Paper]], *, before: Sequence[Paper] = ()) -> Union:
    """Make one list of the papers of many cards.

    :param cards: Each card's papers.
    :param before: What the list held before: ids are kept.
    :return: The list and each card's view of it.
    """
    cards, shelf = tuple(cards), _Shelf()
    places = [[shelf.put(paper) for paper in papers] for papers in cards]
    listed = _named(shelf.papers, before)
    views = tuple(
        _view(papers, [listed[place] for place in own])
        for papers, own in zip(cards, places, strict=True)
    )
    return Union(papers=listed, views=views)


def _named(papers: Sequence[Paper], before: Sequence[Paper]) -> tuple[Paper, ...]:
    """Give papers that were listed before their old ids, the others free ones."""
    old = _Shelf()
    for paper in before:
        old.put(paper)
    kept: dict[int, str] = {}
    for at, paper in enumerate(papers):
        place = old.find(paper)
        if place is not None and old.papers[place].paper_id not in kept.values():
            kept[at] = old.papers[place].paper_id
    taken = set(kept.values())
    named = []
    for at, paper in enumerate(papers):
        paper_id = kept.get(at) or paper_id_for(title=paper.title, url=paper.url, taken=taken)
        taken.add(paper_id)
        named.append(replace(paper, paper_id=paper_id))
    return tuple(named)


def _view(papers: Sequence[Paper], listed: Sequence[Paper]) -> View:
    own: dict[str, Paper] = {}
    notes: list[str] = []
    for paper, shared in zip(papers, listed, strict=True):
        own.setdefault(shared.paper_id, replace(paper, paper_id=shared.paper_id))
        if paper.summary and paper.summary != shared.summary:
            notes.append(f"{paper.title!r}: an earlier card's summary of it is used")
        elif shared.summary and not paper.summary:
            notes.append(f"{paper.title!r}: the summary that another card gives is used, too")
        if shared.github and not paper.github:
            notes.append(f"{paper.title!r}: the README that another card lists is used, too")
    return View(papers=tuple(own.values()), notes=tuple(notes))


def _key(paper: Paper) -> str:
    if paper.url:
        version = (arxiv_id(paper.url) or ("", None))[1]
        return f"link {same_paper_key(paper.url)} {version or ''}"
    title = unicodedata.normalize("NFKC", paper.title).casefold()
    return f"title {' '.join(title.split())} {_repo(paper)}"


def _repo(paper: Paper) -> str:
    repo = github_repo(paper.github) if paper.github else None
    return "/".join(repo).casefold() if repo else ""
