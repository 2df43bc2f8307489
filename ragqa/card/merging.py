"""Drafts of a card's entries -> papers: links checked, one paper listed twice made one.

In: drafts in the order of listing. Out: papers, models first, with ids, and a note on everything
that was merged, dropped or guessed.

Invariants: two papers with different links stay two, whatever their titles; ids are unique and
depend only on what the card says; what `ragqa.manifest` would not list never comes out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from ragqa.card.grammar import is_absent
from ragqa.card.links import find_link, plain_text
from ragqa.card.parsing import Draft
from ragqa.manifest import arxiv_id, check_github, check_link, github_repo, paper_id_for
from ragqa.manifest import same_paper_key as link_key
from ragqa.manifest.links import last_step
from ragqa.records import Paper, Role

__all__ = ["papers_of"]

_TITLE_FROM_SUMMARY = 60  # characters of the summary that stand in for a missing title


@dataclass(slots=True, kw_only=True)
class _Entry:
    """One entry with checked links."""

    line: int
    role: Role
    title: str
    url: str | None
    github: str | None
    summary: str | None
    titles: set[str] = field(default_factory=set)
    """Keys of every title it was listed under."""


def _title_key(title: str) -> str:
    """Return a title without case and punctuation."""
    flat = unicodedata.normalize("NFKC", title).casefold()
    return "".join(char for char in flat if char.isalnum()) or flat.strip()


class _Checker:
    """Turns drafts into entries and says what it did."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def _say(self, draft: Draft, text: str) -> None:
        self._notes.append(f"line {draft.line}: {text}")

    def _link(self, draft: Draft, value: str, what: str) -> str | None:
        """Return the good link in a value, if there is one."""
        if is_absent(value):
            return None
        found = find_link(value)
        wrong = "is no link" if found is None else check_link(found.url)
        if found is None or wrong is not None:
            self._say(draft, f"the {what} link was dropped: {value[:80]!r} {wrong}")
            return None
        if found.more:
            self._say(draft, f"{found.more + 1} links are given as {what}; {found.url} was taken")
        if found.url not in value:
            self._say(draft, f"{value!r} was read as {found.url}")
        return found.url

    def _links(self, draft: Draft) -> tuple[str | None, str | None]:
        """Return the links of the paper and of its code."""
        url = self._link(draft, draft.text("url"), "paper")
        if url is None and (found := find_link(draft.text("title"))) is not None:
            url = found.url if check_link(found.url) is None else None
        github = self._link(draft, draft.text("github"), "GitHub")
        if github is not None and (wrong := check_github(github)) is not None:
            self._say(draft, f"the GitHub link was dropped: {github} {wrong}")
            github = None
        if url is not None and github_repo(url) and github in {None, url}:
            self._say(draft, f"{url} is a code repository, not a paper; it was listed as GitHub")
            url, github = None, url
        return url, github

    def entry(self, draft: Draft) -> _Entry | None:
        """Check one draft; None where nothing of it is left."""
        url, github = self._links(draft)
        written = draft.text("title")
        title = "" if is_absent(written) else plain_text(written.replace("\n\n", " "))
        if (found := find_link(title)) is not None:
            title = found.around
        summary = draft.text("summary")
        kept = None if is_absent(summary) else summary
        if not title:
            title = _stand_in(url or github, kept)
            self._say(draft, f"the entry has no title; {title!r} is used" if title else "")
        if not title:
            self._notes[-1] = f"line {draft.line}: an empty entry was ignored"
            return None
        return _Entry(
            line=draft.line,
            role=draft.role,
            title=title,
            url=url,
            github=github,
            summary=kept,
            titles={_title_key(title)},
        )


def _stand_in(link: str | None, summary: str | None) -> str:
    """Return what is shown where an entry has no title."""
    if link is not None:
        arxiv = arxiv_id(link)
        repository = github_repo(link)
        if arxiv is not None:
            return f"arXiv:{arxiv[0]}"
        return repository[1] if repository else last_step(link) or link
    return " ".join((summary or "")[:_TITLE_FROM_SUMMARY].split())


def _better_link(one: str | None, other: str | None) -> str | None:
    """Return which of two links of one paper to keep: the higher arXiv version, or the first."""
    if one is None or other is None:
        return one or other
    versions = [(arxiv_id(link) or ("", None))[1] or 0 for link in (one, other)]
    return other if versions[1] > versions[0] else one


def _merge(into: _Entry, other: _Entry, notes: list[str]) -> None:
    """Fill an entry from another listing of the same paper."""
    into.role = "model" if "model" in {into.role, other.role} else "paper"
    into.url = _better_link(into.url, other.url)
    into.github = into.github or other.github
    into.summary = into.summary or other.summary
    into.titles |= other.titles
    lines = f"lines {min(into.line, other.line)} and {max(into.line, other.line)}"
    if other.line < into.line:
        into.line, into.title = other.line, other.title
    notes.append(f"{into.title!r} is listed twice ({lines}); it was made one paper")


def _merged(entries: Iterable[_Entry], notes: list[str]) -> list[_Entry]:
    """Make one entry of each paper: first by link, then by title where a link is missing."""
    by_link: dict[str, _Entry] = {}
    kept: list[_Entry] = []
    for entry in entries:
        first = by_link.setdefault(link_key(entry.url), entry) if entry.url else entry
        if first is entry:
            kept.append(entry)
        else:
            _merge(first, entry, notes)
    by_title: dict[str, _Entry] = {}
    for entry in kept:
        if entry.url:
            for title in sorted(entry.titles):
                by_title.setdefault(title, entry)
    result: list[_Entry] = []
    for entry in kept:
        first = entry if entry.url else by_title.setdefault(min(entry.titles), entry)
        if first is entry:
            result.append(entry)
        else:
            _merge(first, entry, notes)
    return result


def papers_of(drafts: Iterable[Draft], notes: list[str]) -> tuple[Paper, ...]:
    """Turn a card's drafts into papers.

    :param drafts: The drafts, in order.
    :param notes: Where notes are added, one line each.
    :return: The papers, models first, each in order of listing.
    """
    checker = _Checker(notes)
    entries = [entry for entry in map(checker.entry, drafts) if entry is not None]
    merged = _merged(entries, notes)
    merged.sort(key=lambda entry: (entry.role != "model", entry.line))
    taken: set[str] = set()
    papers: list[Paper] = []
    for entry in merged:
        paper_id = paper_id_for(title=entry.title, url=entry.url, taken=taken)
        taken.add(paper_id)
        papers.append(
            Paper(
                paper_id=paper_id,
                title=entry.title,
                role=entry.role,
                url=entry.url,
                github=entry.github,
                summary=entry.summary,
            )
        )
    return tuple(papers)
