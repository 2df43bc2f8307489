"""What flows through an evaluation: frozen records without I/O.

In journey order: a `Dataset` holds `GoldPaper`s and `GoldQuestion`s; a `System` is asked the
question's words alone and gives a `Response` of `Hit`s and `Said` statements; the harness keeps a
`Row` for each question and view; measures make numbers of rows.

Invariants: spans are ``[start, end)`` in characters of a paper's text as the index holds it. Only
a question's `text` and the papers it may be answered from ever reach a system: ids, answers,
evidence, grades, choices and labels do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from ragqa.records import DocumentKind, Locator

__all__ = [
    "Comparison",
    "Dataset",
    "DatasetProblem",
    "Effect",
    "Evidence",
    "GoldPaper",
    "GoldQuestion",
    "Hit",
    "Place",
    "Quoted",
    "Response",
    "Row",
    "Run",
    "Said",
    "Scores",
    "System",
    "Timing",
    "Total",
    "View",
]

View = Literal["as-is", "gold-removed"]
"""How a question is asked: of the papers it may be answered from, or of all but its gold papers."""

Effect = Literal["refused", "not-found", "moved", "left-out", "noted"]
"""What a mistake in a dataset leads to.

`refused`: the dataset is not evaluated. `not-found`: the gold stays in the mean and can never be
found. `moved`: gold was found elsewhere in its paper and is used there. `left-out`: a question
that a measure cannot judge, named beside the mean that it is not in. `noted`: nothing changes.
"""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where in a dataset something stands.

    :ivar file: The file, relative to the dataset.
    :ivar line: Its line, from 1; in a file that is one JSON value, the item's number, from 1.
    """

    file: str
    line: int

    def __str__(self) -> str:
        """Return ``file:line``."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetProblem:
    """One thing that is wrong with a dataset.

    :ivar place: Where.
    :ivar text: What is wrong, with the offending value.
    :ivar effect: What it leads to.
    """

    place: Place
    text: str
    effect: Effect

    def __str__(self) -> str:
        """Return ``file:line: text (effect)``."""
        return f"{self.place}: {self.text} ({self.effect})"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldPaper:
    """One paper of a dataset, with its text as it is indexed: character for character.

    :ivar paper_id: Its id in the dataset; any string.
    :ivar title: Its title; the id where the dataset has none.
    :ivar text: The text, title included where the dataset has one.
    """

    paper_id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A stretch of a paper that answers a question.

    :ivar paper_id: The paper; empty for words beside a corpus that no paper is named for, before
        they are looked up in all of its papers, and after where they stand in none.
    :ivar text: The words, as the dataset gives them.
    :ivar start: First character in the paper's text; None where it was not found.
    :ivar end: One past the last; None where it was not found.
    :ivar document: Which text of the paper, in a corpus; None in a dataset that brings its texts.
    :ivar annotator: Number of the person who chose it, from 0: measures take the best annotator.
    """

    paper_id: str
    text: str
    start: int | None = None
    end: int | None = None
    document: DocumentKind | None = None
    annotator: int = 0

    @property
    def is_located(self) -> bool:
        """Say whether it is known where it stands."""
        return self.start is not None and self.end is not None

    def overlaps(
        self, paper_id: str, document: DocumentKind | None, start: int | None, end: int | None
    ) -> bool:
        """Say whether a span shares a character with it.

        :param paper_id: The span's paper.
        :param document: Which text of it; None matches any.
        :param start: First character; None for a span that was not located.
        :param end: One past the last.
        :return: True where both are located in the same text and overlap.
        """
        if start is None or end is None or self.start is None or self.end is None:
            return False
        same = document is None or self.document is None or document == self.document
        return same and paper_id == self.paper_id and start < self.end and self.start < end


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldQuestion:
    """A question with what is known about its answer.

    :ivar question_id: Unique in its dataset.
    :ivar text: The question: all that a system sees of this record.
    :ivar place: Where in the dataset it stands.
    :ivar answers: Right answers, any of which will do; empty where the dataset has none.
    :ivar evidence: Gold evidence, of all annotators.
    :ivar relevant: Grade of each relevant paper, above 0; those of the evidence where the dataset
        judges no papers.
    :ivar paper_ids: The papers that it is asked of; empty for all.
    :ivar answerable: False where the dataset says that its papers do not answer it.
    :ivar choices: The options of a multiple-choice question, the right one among them.
    :ivar labels: Whatever else the dataset knows, by name; for reports only.
    """

    question_id: str
    text: str
    place: Place
    answers: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    relevant: Mapping[str, int] = field(default_factory=dict)
    paper_ids: tuple[str, ...] = ()
    answerable: bool = True
    choices: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def gold_papers(self) -> frozenset[str]:
        """Return the papers that answer it: the relevant ones and those of its evidence."""
        named = (item.paper_id for item in self.evidence if item.paper_id)
        return frozenset(self.relevant).union(named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Questions with gold, and the papers they are asked of.

    :ivar name: What reports call it.
    :ivar format: Name of the loader that read it.
    :ivar sha256: Hash of everything that was read, hex.
    :ivar questions: The questions, in file order.
    :ivar papers: The papers' texts; empty for questions beside a corpus.
    :ivar corpus: The corpus folder of questions beside a corpus.
    :ivar is_located: Whether the evidence of questions beside a corpus was looked up in its index.
    :ivar problems: What is wrong with it and does not stop an evaluation.
    """

    name: str
    format: str
    sha256: str
    questions: tuple[GoldQuestion, ...]
    papers: tuple[GoldPaper, ...] = ()
    corpus: Path | None = None
    is_located: bool = False
    problems: tuple[DatasetProblem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk that a system retrieved.

    :ivar paper_id: Its paper.
    :ivar score: Higher is better; comparable within one response.
    :ivar start: First character in the paper's text; None where it could not be located there.
    :ivar end: One past the last.
    :ivar document: Which text of the paper; None where there is but one.
    :ivar text: Its words.
    """

    paper_id: str
    score: float
    start: int | None = None
    end: int | None = None
    document: DocumentKind | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """A citation as a system gives it.

    :ivar paper_id: The paper.
    :ivar quote: The words it claims to quote.
    :ivar start: Where it claims they start in the paper's text.
    :ivar end: One past the last character.
    :ivar document: Which text of the paper.
    :ivar locators: The pages or lines where it claims they stand.
    :ivar verbatim: Whether the harness found exactly these words there, and, for a PDF, on the
        stated page at the stated place; None before it looked.
    """

    paper_id: str
    quote: str
    start: int | None = None
    end: int | None = None
    document: DocumentKind | None = None
    locators: tuple[Locator, ...] = ()
    verbatim: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One statement of an answer.

    :ivar text: What is said.
    :ivar citations: What it rests on.
    """

    text: str
    citations: tuple[Quoted, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a system gave for one question.

    :ivar hits: Retrieved chunks, best first; None for a system that does not retrieve.
    :ivar statements: Its answer, in the order shown; empty where it abstained; None for a system
        that only retrieves.
    :ivar abstained: Whether it declined to answer; None for a system that only retrieves.
    :ivar confidence: Higher where it is surer that the papers answer; a probability only where
        the system says so. None where it has none.
    :ivar prompt_tokens: Tokens sent to a language model.
    :ivar completion_tokens: Tokens it wrote.
    :ivar cost: What they cost, in US dollars.
    """

    hits: tuple[Hit, ...] | None = None
    statements: tuple[Said, ...] | None = None
    abstained: bool | None = None
    confidence: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0


class System(Protocol):
    """Anything that answers or retrieves, as the harness asks it."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def describe(self) -> Mapping[str, Any]:
        """Return, as JSON values, everything that decides its output: versions, options, index."""

    def respond(
        self, question: str, *, paper_ids: Sequence[str] | None, depth: int
    ) -> tuple[Response, float]:
        """Answer or retrieve.

        :param question: The words of the question, and nothing else about it.
        :param paper_ids: The papers to use; None for all.
        :param depth: How many chunks to retrieve for the retrieval measures.
        :return: The response, and the seconds that a user would have waited for it: of the answer
            where it answers, else of the retrieval.
        :raises RagqaError: This question failed; it becomes a row with the error.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How a system fared on one question in one view.

    :ivar question_id: The question.
    :ivar view: How it was asked.
    :ivar response: What the system gave; None where it failed.
    :ivar error: Why it failed, in a line; None where it did not.
    """

    question_id: str
    view: View = "as-is"
    response: Response | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What a run cost, kept apart from its rows as it differs each time.

    :ivar seconds: Of each row, in row order, as measured when it was asked; None where it failed.
    :ivar prepare_seconds: Until the first question could be asked: index built or opened, models
        loaded.
    :ivar total_seconds: Of the whole run.
    :ivar peak_memory: Most memory that the process held while questions were asked, in bytes; None
        where the system does not tell.
    """

    seconds: tuple[float | None, ...]
    prepare_seconds: float
    total_seconds: float
    peak_memory: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One measure over all questions of a run.

    :ivar value: The value; None where no question could be judged.
    :ivar count: Questions that it is made of.
    :ivar failed: Those of them that failed and count with the measure's declared default.
    :ivar left_out: Questions that it cannot judge, as they have no gold of the kind it needs.
    """

    value: float | None
    count: int
    failed: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What the measures made of a run.

    :ivar question_ids: The dataset's questions, in order.
    :ivar per_question: For each measure that judges single questions, by name, a value for each of
        them; None where it cannot judge one.
    :ivar totals: Every measure's total, by name, in the order asked for.
    """

    question_ids: tuple[str, ...]
    per_question: Mapping[str, tuple[float | None, ...]]
    totals: Mapping[str, Total]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One system over one dataset.

    :ivar system: What reports call the system.
    :ivar about: What ``run.json`` says: schema, dataset, system, options, code version, machine.
    :ivar rows: A row for each question and view, in dataset order, as-is before gold-removed.
    :ivar scores: What the measures made of them.
    :ivar timing: What it cost; None where it was not kept.
    """

    system: str
    about: Mapping[str, Any]
    rows: tuple[Row, ...]
    scores: Scores
    timing: Timing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs of one dataset on one measure, question by question.

    :ivar measure: The measure's name.
    :ivar first: The first run's mean over the questions that both were judged on.
    :ivar second: The second's.
    :ivar difference: ``second - first``.
    :ivar low: Lower end of the difference's 95 % interval (paired bootstrap).
    :ivar high: Upper end.
    :ivar p_value: Of a paired randomisation test, two-sided.
    :ivar won: Ids of questions on which the second is better.
    :ivar lost: Ids of questions on which it is worse.
    :ivar tied: How many are equal.
    """

    measure: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float
    won: tuple[str, ...]
    lost: tuple[str, ...]
    tied: int
