"""Servers that misbehave end in a typed row; what was good before stays; defaults are polite."""

from __future__ import annotations

from pathlib import Path

import pytest
from misbehaviours import FILE, MISBEHAVIOURS, NEW, TOO_SMALL, Misbehaviour, watch
from server import Reply, ScriptedServer, hurry

from ragqa._files import sha256_bytes
from ragqa.fetch import FetchOptions, FetchProgress, download, fetch_papers, net, run
from ragqa.records import Paper


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    monkeypatch.setattr(download, "TOTAL_TIMEOUTS", 4)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_each_is_another() -> None:
    assert len({case.name for case in MISBEHAVIOURS}) == len(MISBEHAVIOURS) >= 20


@pytest.mark.parametrize("case", MISBEHAVIOURS, ids=lambda case: case.name)
def test_a_misbehaviour_ends_in_its_row(case: Misbehaviour, tmp_path: Path) -> None:
    found = watch(case, tmp_path)
    if case.reason is None:
        assert found.fresh.status == "fetched"
        assert found.fresh.sha256 == found.refreshed.sha256 == sha256_bytes(NEW)
        return
    assert (found.fresh.status, found.fresh.reason) == ("failed", case.reason)
    assert found.fresh.detail
    assert "secret" not in found.fresh.detail
    assert found.fresh.path is None
    assert not (tmp_path / "empty" / FILE).exists()
    assert found.kept
    assert (found.refreshed.status, found.refreshed.reason) in {
        ("failed", case.reason), ("unchanged", None)
    }  # fmt: skip
    assert found.refreshed.path == FILE.as_posix()


def test_a_length_that_is_too_small_is_taken_for_another_file(tmp_path: Path) -> None:
    found = watch(TOO_SMALL, tmp_path)
    assert (found.fresh.status, found.fresh.size) == ("fetched", 50_000)
    assert (found.refreshed.status, found.refreshed.reason) == ("fetched", "changed")


# ---- politeness


def test_a_host_has_a_pause_between_two_requests(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(net, "PAUSE_S", 0.2)
    monkeypatch.setattr(net.Network, "wait", lambda self, seconds: waits.append(seconds))
    with ScriptedServer() as one, ScriptedServer() as two:
        papers = [
            Paper(paper_id=f"p{n}", title="T", url=server.on(f"/{n}.pdf", Reply(body=NEW)))
            for n, server in enumerate((one, one, one, two))
        ]
        assert fetch_papers(papers, tmp_path).counts == {"fetched": 4}
    assert 1 <= sum(0 < seconds <= 0.2 for seconds in waits) <= 2  # never for a host's first


def test_every_request_says_who_asks(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        url = server.on("/x.pdf", Reply(302, headers={"Location": "/y.pdf"}))
        server.on("/y.pdf", Reply(503), Reply(body=NEW))
        fetch_papers([Paper(paper_id="a", title="A", url=url)], tmp_path)
        agents = {seen.headers["User-Agent"] for seen in server.seen}
    (agent,) = agents
    assert agent.startswith("ragqa/")
    assert "papers" in agent


def test_a_slow_host_does_not_hold_up_another(tmp_path: Path) -> None:
    done: list[str] = []

    def note(progress: FetchProgress) -> None:
        if progress.row is not None:
            done.append(progress.paper_id)

    with ScriptedServer() as slow, ScriptedServer() as quick:
        papers = [
            Paper(paper_id="slow", title="S", url=slow.on("/x.pdf", Reply(stall_after=-1))),
            Paper(paper_id="quick", title="Q", url=quick.on("/x.pdf", Reply(body=NEW))),
        ]
        options = FetchOptions(timeout_s=1.0, retries=0)
        report = fetch_papers(papers, tmp_path, options=options, on_progress=note)
    assert done == ["quick", "slow"]
    assert [row.reason for row in report.rows] == ["timeout", None]


def test_sizes_times_and_tries_are_limited_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    options = FetchOptions()
    assert 5 <= options.timeout_s <= 60
    assert options.timeout_s * download.TOTAL_TIMEOUTS <= 1800  # seconds a file
    assert options.retries <= 5
    assert options.max_bytes <= 1 << 28
    assert net.PAUSE_S >= 0.5
    assert net.MAX_REDIRECTS <= 10
    assert run.MAX_HOSTS_AT_ONCE <= 8
    assert download.MAX_RETRY_AFTER_S <= 60
