"""Scores a gate on the adversary suite.

In: a reader of raw outputs and a gate, as `ragqa` has them. Out: a `Table`: how many bad outputs
of each kind were caught, how many good statements survived, and which cases went wrong.
The suite is split by paper: half A may be read while rules are written, half B is only counted.
A case is caught where nothing passed that may not, and each citation that passed is the canonical
text of its span, inside a chunk that the model was given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from ragqa.records import Chunk, Document, DocumentKind, Paper, Statement, WrittenStatement

from .cases import FAITHFUL, FORM, QUOTE_FALSE, UNSUPPORTED, Case, load_cases, squash

__all__ = ["GROUPS", "Half", "Row", "Table", "Verify", "Verdict", "half_of", "judge", "run_suite"]

Half = Literal["A", "B"]
"""A is open for development; B is held out, and its cases are not looked at."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "quote false": QUOTE_FALSE,
    "quote true, statement unsupported": UNSUPPORTED,
    "form": FORM,
    "faithful": (FAITHFUL,),
}
"""The kinds in the table's order; overclaims are shown in a row of their own."""


class Verify(Protocol):
    """The gate: a written statement passes as a `Statement`, or something else comes back."""

    def __call__(
        self,
        written: WrittenStatement,
        *,
        chunks: Mapping[str, Chunk],
        document_of: Callable[[str, DocumentKind], Document],
        paper_of: Callable[[str], Paper],
    ) -> object:
        """Check one statement."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one case went.

    :ivar case_id: The case.
    :ivar kind: Its kind.
    :ivar half: The half that it belongs to.
    :ivar escaped: Texts that passed and may not, or whose citation is not the canonical text.
    :ivar lost: Texts that must pass and did not.
    :ivar good: How many must pass.
    """

    case_id: str
    kind: str
    half: Half
    escaped: tuple[str, ...]
    lost: tuple[str, ...]
    good: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The counts of one kind, or of several together.

    :ivar name: The kind, or the group's name.
    :ivar cases: Scripted outputs.
    :ivar caught: Outputs of which nothing bad passed.
    :ivar good: Statements that must pass.
    :ivar kept: Those of them that did.
    """

    name: str
    cases: int
    caught: int
    good: int
    kept: int

    @property
    def catch_rate(self) -> float:
        """Return the share of outputs of which nothing bad passed."""
        return self.caught / self.cases

    @property
    def false_drop_rate(self) -> float | None:
        """Return the share of good statements that were dropped; None where there are none."""
        return 1 - self.kept / self.good if self.good else None


@dataclass(frozen=True, slots=True)
class Table:
    """What came of the suite.

    :ivar verdicts: One a case, in the suite's order.
    """

    verdicts: tuple[Verdict, ...]

    def row(self, name: str, kinds: Iterable[str] | None = None) -> Row:
        """Return the counts of some kinds.

        :param name: A kind, a group's name, or any name where `kinds` is given.
        :param kinds: The kinds; by default the group's, or the one kind.
        :return: Their counts together.
        """
        held = set(GROUPS.get(name, (name,)) if kinds is None else kinds)
        verdicts = [verdict for verdict in self.verdicts if verdict.kind in held]
        return Row(
            name=name,
            cases=len(verdicts),
            caught=sum(not verdict.escaped for verdict in verdicts),
            good=sum(verdict.good for verdict in verdicts),
            kept=sum(verdict.good - len(verdict.lost) for verdict in verdicts),
        )

    def of_half(self, half: Half) -> Table:
        """Return the same of one half alone.

        :param half: The half.
        :return: Its table.
        """
        return Table(tuple(verdict for verdict in self.verdicts if verdict.half == half))

    @property
    def wrong(self) -> tuple[Verdict, ...]:
        """Return the cases of which something bad passed or something good did not."""
        return tuple(verdict for verdict in self.verdicts if verdict.escaped or verdict.lost)

    def to_markdown(self) -> str:
        """Return the table: each group, and each of its kinds."""
        lines = ["| kind | outputs | caught | good statements | dropped |", "|---|--:|--:|--:|--:|"]
        for group, kinds in GROUPS.items():
            lines.append(_line(self.row(group), bold=True))
            lines.extend(_line(self.row(kind)) for kind in kinds if len(kinds) > 1)
        return "\n".join(lines) + "\n"


def half_of(case: Case) -> Half:
    """Say which half a case belongs to: all cases about one paper are in one.

    :param case: The case.
    :return: By the hash of its first chunk's paper; of its own id, where that paper is made up.
    """
    first = next(iter(case.chunks.values()))
    key = case.case_id if case.set_name == "synthetic" else first.paper_id
    return "B" if hashlib.sha256(key.encode()).digest()[0] % 2 else "A"


def run_suite(
    read_output: Callable[[str], Iterable[WrittenStatement]],
    verify_written: Verify,
    *,
    cases: Iterable[Case] | None = None,
) -> Table:
    """Put every output through a reader and a gate.

    :param read_output: Reads the statements out of a raw output.
    :param verify_written: The gate.
    :param cases: Some cases; the whole suite by default.
    :return: What passed and what did not.
    """
    held = load_cases() if cases is None else cases
    return Table(tuple(judge(case, read_output, verify_written) for case in held))


def judge(
    case: Case, read_output: Callable[[str], Iterable[WrittenStatement]], verify_written: Verify
) -> Verdict:
    """Put one output through a reader and a gate.

    :param case: The case.
    :param read_output: The reader.
    :param verify_written: The gate.
    :return: What passed and may not, and what did not pass and must.
    """
    results = [
        verify_written(
            written,
            chunks=case.chunks,
            document_of=case.document_of,
            paper_of=case.paper_of,
        )
        for written in read_output(case.output)
    ]
    passed = [result for result in results if isinstance(result, Statement)]
    good = {squash(text) for text in case.good}
    sound = {squash(statement.text) for statement in passed if _is_cited(statement, case)} & good
    return Verdict(
        case_id=case.case_id,
        kind=case.kind,
        half=half_of(case),
        escaped=tuple(s.text for s in passed if squash(s.text) not in sound),
        lost=tuple(text for text in case.good if squash(text) not in sound),
        good=len(case.good),
    )


def _is_cited(statement: Statement, case: Case) -> bool:
    chunks = {chunk.chunk_id: chunk for chunk in case.chunks.values()}
    for citation in statement.citations:
        chunk = chunks.get(citation.chunk_id)
        if chunk is None or not chunk.start <= citation.start < citation.end <= chunk.end:
            return False
        if citation.quote != chunk.slice(citation.start, citation.end):
            return False
    return bool(statement.citations)


def _line(row: Row, *, bold: bool = False) -> str:
    name = f"**{row.name}**" if bold else row.name
    dropped = row.false_drop_rate
    shown = "" if dropped is None else f"{row.good - row.kept} ({dropped:.1%})"
    return f"| {name} | {row.cases} | {row.caught} ({row.catch_rate:.1%}) | {row.good} | {shown} |"
