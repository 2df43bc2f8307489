"""The gate on the adversary suite: what it catches and keeps, as a ratchet.

Floors lie a little under what was measured, so that a change that loses something is noticed; the
figures, by half, are in docs/LOG.md. The aims are 100% of false quotes, 90% of unsupported
statements caught, 5% of faithful ones dropped.
"""

from __future__ import annotations

import pytest
from adversary import cases
from adversary.cases import FAITHFUL, SETS
from adversary.scoring import Half, Table, half_of, run_suite

from ragqa.generate.reading import read_output
from ragqa.verify import verify_written

CAUGHT = {"quote true, statement unsupported": 0.93, "form": 0.98}
MOST_DROPPED = 0.05

pytestmark = pytest.mark.skipif(
    not all((cases.DATA / name).is_dir() for name in SETS), reason="no papers in ../shared/data"
)


@pytest.fixture(scope="module")
def table() -> Table:
    """Run the suite but for its outputs of a megabyte, which the reader has tests of."""
    return run_suite(
        read_output,
        verify_written,
        cases=cases.load_cases([r for r in cases.read_records() if r["kind"] != "huge"]),
    )


def test_no_statement_with_a_false_quote_passes(table: Table) -> None:
    assert table.row("quote false").catch_rate == 1


@pytest.mark.parametrize("group", CAUGHT)
def test_what_is_caught_does_not_fall_below_what_was_reached(table: Table, group: str) -> None:
    assert table.row(group).catch_rate >= CAUGHT[group], table.row(group)


def test_no_more_faithful_statements_are_dropped_than_before(table: Table) -> None:
    dropped = table.row(FAITHFUL).false_drop_rate
    assert dropped is not None
    assert dropped <= MOST_DROPPED, table.row(FAITHFUL)


@pytest.mark.parametrize("half", ["A", "B"])
def test_no_paper_is_in_both_halves(half: Half) -> None:
    records = [r for r in cases.read_records() if r["kind"] == FAITHFUL]
    held = [case for case in cases.load_cases(records) if case.set_name != "synthetic"]
    papers = {case.chunks["c1"].paper_id for case in held if half_of(case) == half}
    others = {case.chunks["c1"].paper_id for case in held if half_of(case) != half}
    assert not papers & others
    assert len(papers) > len(papers | others) / 3
