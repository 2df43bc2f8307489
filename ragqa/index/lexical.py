"""BM25 over the chunks of one generation, by tantivy.

In: the chunks' texts in canonical order. Out: scores, higher is better, and rows.
Invariants: scores are a function of the indexed texts and the query alone, because an index is
built whole by one writer thread in one commit (deleted documents would go on counting, and two
threads differ); a restriction to papers removes hits and moves no score; ties go to the lower
row. A query is plain text of any content: it is analysed like a chunk, never parsed as syntax.

A chunk is indexed as its section title and its text in one field. The analyser splits at
everything that is neither letter nor digit ("COVID-19" and "covid 19" are the same two terms),
folds to ASCII where it can (Greek letters stay), lower-cases and stems English. There are no stop
words: on SciFact nDCG@10 is .696 with and without (.668 without the stemmer), and "NO",
"vitamin A" or "IT" stay findable. BM25's k1 = 1.2 and b = 0.75 are tantivy's and cannot be set.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
import tantivy
from numpy.typing import NDArray

from ragqa.errors import BuildError, IndexStateError
from ragqa.index.integrity import damaged
from ragqa.index.locking import REFUSED

__all__ = ["MAX_QUERY_CHARS", "MAX_QUERY_TERMS", "Lexical", "LexicalWriter"]

MAX_QUERY_CHARS = 10_000  # characters of a query that are looked at; ragqa's longest question
MAX_QUERY_TERMS = 128  # distinct terms, the rarest; 100 take 5 ms on 100k chunks
_MAX_TERM_BYTES = 80  # longer "words" are links, sequences or debris
_WRITER_BYTES = 2_000_000_000  # never reached below ~2M chunks, so one segment; not reserved
_ANALYSER = "ragqa"
# What questions are made of beside their content; tantivy's own English list has 33 words.
_QUESTION_WORDS = (
    "am been being can could did do does doing done from had has have having he her him his "
    "how i its many me most much my our she should so some than them what when where which "
    "who whom whose why would you your about after all also among any because before between "
    "both during each either else ever every give given get gets got if just like make makes "
    "may might more must only other ought over per quite rather same shall since still tell "
    "through under until up us use used uses using very via we were while within without yet "
    "out off too paper papers author authors study article "
).split()
_REMOVALS = 5  # attempts; the second succeeds, as a new folder is looked at once


class LexicalWriter:
    """Writes the lexical index of a new generation; as a context manager it completes it.

    :param folder: An empty folder.
    :raises BuildError: The disk is full or refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        with _refusals():
            index = tantivy.Index(_schema(), path=str(folder))
            index.register_tokenizer(_ANALYSER, _analyser())
            self._writer = index.writer(heap_size=_WRITER_BYTES, num_threads=1)

    def add(self, paper_id: str, text: str) -> None:
        """Index one chunk.

        :param paper_id: Its paper.
        :param text: The text of the next chunk in canonical order.
        :raises BuildError: The disk is full or refuses.
        """
        document = tantivy.Document()
        document.add_text("text", text)
        document.add_text("paper", paper_id)
        document.add_unsigned("row", self._count)
        with _refusals():
            self._writer.add_document(document)
        self._count += 1

    def __enter__(self) -> LexicalWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            del self._writer  # its thread ends here, and not while the folder is removed
            return
        with _refusals():
            self._writer.commit()
            self._writer.wait_merging_threads()
        for path in self._folder.iterdir():
            if path.suffix == ".lock":
                path.unlink()


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what tantivy refuses into a `BuildError`."""
    try:
        yield
    except ValueError as error:
        raise BuildError("the lexical index cannot be written", item=error, hint=REFUSED) from error


def _schema() -> tantivy.Schema:
    return (
        tantivy.SchemaBuilder()
        .add_text_field("text", tokenizer_name=_ANALYSER, index_option="freq")
        .add_text_field("paper", tokenizer_name="raw", index_option="basic")
        .add_unsigned_field("row", fast=True)
        .build()
    )


def _analyser(*, without_stop_words: bool = False) -> tantivy.TextAnalyzer:
    builder = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(_MAX_TERM_BYTES))
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.lowercase())
    )
    if without_stop_words:
        builder = builder.filter(tantivy.Filter.stopword("english"))
        builder = builder.filter(tantivy.Filter.custom_stopword(_QUESTION_WORDS))
    return builder.filter(tantivy.Filter.stemmer("english")).build()


def _plain(text: str) -> str:
    return text[:MAX_QUERY_CHARS].encode("utf-8", "replace").decode("utf-8")


class Lexical:
    """Searches one lexical index; safe to use from several threads.

    tantivy does not notice a flipped byte and may crash the process on one, so the files must
    have been hashed. It locks a folder even to read it; so that a generation is never written to,
    and may lie on a read-only disk, it is opened through a private folder of links.

    :param folder: The folder that `LexicalWriter` filled.
    :raises IndexDamagedError: It cannot be opened.
    :raises IndexStateError: There is no room for a temporary folder.
    """

    def __init__(self, folder: Path) -> None:
        try:
            with _links_to(folder) as aside:
                index = tantivy.Index.open(str(aside))
                index.config_reader("manual")
                self._searcher = index.searcher()
        except ValueError as error:
            raise damaged(f"the lexical index cannot be opened ({error})", folder) from error
        except OSError as error:
            raise IndexStateError(
                "the lexical index cannot be opened",
                item=error,
                hint="Set TMPDIR to a folder that can be written",
            ) from error
        self._schema, self._analyser = _schema(), _analyser()
        self._content_analyser = _analyser(without_stop_words=True)

    @property
    def count(self) -> int:
        """Return the number of rows."""
        return int(self._searcher.num_docs)

    def search(
        self, text: str, k: int, paper_ids: Sequence[str] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the best chunks for a query; a term that it repeats counts each time.

        :param text: Plain text of any content; of more than `MAX_QUERY_CHARS` the first are used.
        :param k: How many chunks are wanted.
        :param paper_ids: The papers to choose from; None for all.
        :return: ``(m,)`` float32 BM25 scores above 0 and ``(m,)`` int64 rows, best first, ties by
            the lower row; fewer than `k` where fewer chunks share a term with the query.
        """
        terms = self._terms(text)
        wanted = min(k, self.count)
        if not terms or wanted < 1:
            return np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int64)
        hits = self._searcher.search(self._query(terms, paper_ids), wanted, count=False).hits
        scores = np.array([score for score, _ in hits], dtype=np.float32)
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        found = np.array(rows, dtype=np.int64)
        order = np.lexsort((found, -scores))
        return scores[order], found[order]

    def content_weights(self, text: str) -> dict[str, float]:
        """Return the content words of a text, stemmed, with how telling each is in this index.

        :param text: Plain text; stop words are left out.
        :return: Term -> BM25's inverse document frequency; a word that no chunk has weighs most.
        """
        # sorted, as sums of them depend on the order, and a set's order on the process
        return {term: self._idf(term) for term in sorted(self.content_terms(text))}

    def content_terms(self, text: str) -> frozenset[str]:
        """Return the content words of a text, stemmed, as `content_weights` names them.

        :param text: Plain text.
        :return: Its terms without stop words.
        """
        return frozenset(self._content_analyser.analyze(_plain(text)))

    def _idf(self, term: str) -> float:
        found = self._searcher.doc_freq("text", term)
        return math.log(1 + (self.count - found + 0.5) / (found + 0.5))

    def _terms(self, text: str) -> list[tuple[str, int]]:
        """Return the query's indexed terms with their counts, sorted: sums depend on the order."""
        counted = Counter(self._analyser.analyze(_plain(text)))
        rarity = {term: self._searcher.doc_freq("text", term) for term in counted}
        known = sorted((rarity[term], term) for term in counted if rarity[term])
        return sorted((term, counted[term]) for _, term in known[:MAX_QUERY_TERMS])

    def _query(
        self, terms: list[tuple[str, int]], paper_ids: Sequence[str] | None
    ) -> tantivy.Query:
        clauses = []
        for term, times in terms:
            clause = tantivy.Query.term_query(self._schema, "text", term, "freq")
            if times > 1:
                clause = tantivy.Query.boost_query(clause, float(times))
            clauses.append((tantivy.Occur.Should, clause))
        matching = tantivy.Query.boolean_query(clauses)
        if paper_ids is None:
            return matching
        names = [name.encode("utf-8", "replace").decode("utf-8") for name in paper_ids]
        listed = tantivy.Query.term_set_query(self._schema, "paper", names)
        unscored = tantivy.Query.const_score_query(listed, 0.0)
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, matching), (tantivy.Occur.Must, unscored)]
        )


@contextmanager
def _links_to(folder: Path) -> Iterator[Path]:
    """Make a private folder of links to the files of another, for as long as it is opened."""
    aside = Path(tempfile.mkdtemp(prefix="ragqa-"))
    try:
        for path in folder.iterdir():
            if path.suffix != ".lock":
                _link(path.resolve(), aside / path.name)
        yield aside
    finally:
        # A thread of tantivy looks at the folder once more, and may put a lock file into it
        # between the removal of the files and of the folder (seen under load); then once again.
        for _ in range(_REMOVALS):
            shutil.rmtree(aside, ignore_errors=True)
            if not aside.exists():
                break


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source)
    except OSError:  # Windows allows links to some users only
        shutil.copyfile(source, target)
