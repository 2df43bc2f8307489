"""The papers of a corpus, for questions that are kept beside it.

In: a corpus folder. Out: the ids that its manifest lists. Their texts are in the index only, so
evidence is located later, by `resolve`. The manifest is no part of a dataset's hash: the same
questions asked of a longer list of papers are the same questions, and can be compared.
"""

from __future__ import annotations

from pathlib import Path

from ragqa.evaluate.datasets.gold import Draft
from ragqa.evaluate.datasets.reading import Reading
from ragqa.evaluate.datasets.values import shown
from ragqa.evaluate.records import Place
from ragqa.manifest import load_manifest
from ragqa.records import Paper

__all__ = ["GIVE_A_CORPUS", "MANIFEST", "Listed", "unlisted"]

MANIFEST = "manifest.yaml"
"""The file that makes a folder a corpus."""


GIVE_A_CORPUS = "give one with --corpus (corpus= in Python)"
"""What to do where none is found."""


def unlisted(paper_id: str) -> str:
    """Say that a paper is not listed.

    :param paper_id: Its id.
    :return: The end of a sentence that names it.
    """
    return f"the paper {shown(paper_id)}, which is not in the corpus"


class Listed:
    """The listed papers of a corpus.

    :ivar corpus: The corpus folder.
    :ivar papers: Its papers.
    """

    def __init__(self, corpus: Path, reading: Reading) -> None:
        self.corpus = corpus
        self.papers: tuple[Paper, ...] = load_manifest(corpus / MANIFEST).papers
        self._ids = frozenset(paper.paper_id for paper in self.papers)
        self._reading = reading

    def into(self, draft: Draft) -> None:
        """Make a draft one of questions beside this corpus.

        :param draft: The draft.
        """
        draft.corpus, draft.listed = self.corpus, self._ids

    def known(self, paper_id: str, place: Place, what: str) -> bool:
        """Say whether a paper is listed; where it is not, note it.

        :param paper_id: Its id.
        :param place: Where it is named.
        :param what: What names it.
        :return: Whether it is one of the papers.
        """
        if paper_id in self._ids or not paper_id:
            return paper_id in self._ids
        self._reading.note(place, f"{what} names {unlisted(paper_id)}", "not-found")
        return False
