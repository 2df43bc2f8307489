"""`ragqa.fetch` against a real server on loopback, real files, and a mirror on disk."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
import urllib3.util.connection
from hypothesis import given
from hypothesis import strategies as st
from server import Reply, ScriptedServer, hurry, unused_port

from ragqa._files import sha256_bytes
from ragqa.errors import CorpusError, FetchError, ManifestError, RagqaError, UnfetchedError
from ragqa.fetch import (
    FetchOptions,
    FetchProgress,
    FetchReport,
    FetchRow,
    download,
    fetch_papers,
    local_files,
    net,
    run,
)
from ragqa.fetch.links import request_urls, wants
from ragqa.fetch.mirror import mirrored_files
from ragqa.manifest import load_lock
from ragqa.records import Paper

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 2000 + b"\n%%EOF\n"  # half a megabyte
OTHER_PDF = b"%PDF-1.4\n" + b"other" * 90_000
PAGE = b"<!DOCTYPE html><html><head><title>Sign in to read</title></head><body>No</body></html>"
README = b"# Tool\n\nIt removes blur.\n"
DATA = Path(__file__).parents[1] / ".." / "shared" / "data"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


def paper(url: str | None = None, *, github: str | None = None, paper_id: str = "a") -> Paper:
    return Paper(paper_id=paper_id, title="T", url=url, github=github)


def fetch(corpus: Path, *papers: Paper, **options: object) -> FetchReport:
    options.setdefault("timeout_s", 5.0)
    return fetch_papers(papers, corpus, options=FetchOptions(**options))


def fetch_one(corpus: Path, url: str, **options: object) -> FetchRow:
    (row,) = fetch(corpus, paper(url), **options).rows
    return row


def assert_failed(row: FetchRow, reason: str, corpus: Path) -> None:
    assert (row.status, row.reason) == ("failed", reason)
    assert row.detail
    assert row.path is None
    assert not (corpus / "pdf/a.pdf").exists()
    assert local_files([paper(row.url)], corpus) == ()


def lock_entry(corpus: Path, paper_id: str = "a", kind: str = "pdf"):
    return load_lock(corpus / "manifest.lock").get(paper_id, kind)


# ---- the good way


def test_fetch_writes_file_lock_and_row(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/p/x.pdf", Reply(body=PDF, headers={"ETag": '"1"'}))
    row = fetch_one(corpus, url)
    assert row == FetchRow(
        paper_id="a",
        kind="pdf",
        status="fetched",
        url=url,
        path="pdf/a.pdf",
        size=len(PDF),
        sha256=sha256_bytes(PDF),
    )
    assert (corpus / "pdf/a.pdf").read_bytes() == PDF
    entry = lock_entry(corpus)
    assert (entry.url, entry.etag, entry.origin) == (url, '"1"', "network")
    assert sorted(p.name for p in (corpus / "pdf").iterdir()) == [".fetch.lock", "a.pdf"]
    agent = server.asked("/p/x.pdf")[0]["User-Agent"]
    assert agent.startswith("ragqa/")


def test_second_run_makes_no_request(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF))
    first = fetch_one(corpus, url)
    second = fetch_one(corpus, url)
    assert server.count() == 1
    assert second.status == "unchanged"
    assert second.sha256 == first.sha256


def test_readme_is_fetched_under_its_first_existing_name(
    server: ScriptedServer, corpus: Path
) -> None:
    server.on("/o/r/HEAD/readme.md", Reply(body=README))
    one = paper(github="https://github.com/o/r.git/tree/main/src/")
    report = fetch(corpus, one, raw_github=server.url(""))
    assert [(r.kind, r.status, r.path) for r in report.rows] == [
        ("readme", "fetched", "readme/a.md")
    ]
    names = [seen.path.rpartition("/")[2] for seen in server.seen]
    assert names == ["README.md", "README.rst", "readme.md"]
    assert [f.kind for f in local_files([one], corpus)] == ["readme"]


def test_readme_other_names_only_on_404(server: ScriptedServer, corpus: Path) -> None:
    server.on("/o/r/HEAD/README.md", Reply(status=403))
    server.on("/o/r/HEAD/README.rst", Reply(body=README))
    report = fetch(corpus, paper(github="https://github.com/o/r"), raw_github=server.url(""))
    assert report.rows[0].reason == "forbidden"
    assert server.count() == 1


def test_readme_missing_everywhere(server: ScriptedServer, corpus: Path) -> None:
    report = fetch(corpus, paper(github="https://github.com/o/r"), raw_github=server.url("/"))
    assert report.rows[0].reason == "not-found"
    assert server.count() == 4


@pytest.mark.parametrize(
    ("body", "reason"),
    [(PAGE, "html-instead-of-pdf"), (b"PK\3\4\0\0", "not-text"), (b"", "empty-file")],
)
def test_readme_must_be_text(
    server: ScriptedServer, corpus: Path, body: bytes, reason: str
) -> None:
    server.on("/o/r/HEAD/README.md", Reply(body=body))
    report = fetch(corpus, paper(github="https://github.com/o/r"), raw_github=server.url(""))
    assert report.rows[0].reason == reason


def test_readme_may_begin_with_markup(server: ScriptedServer, corpus: Path) -> None:
    server.on("/o/r/HEAD/README.md", Reply(body=b'<p align="center"><h1>Tool</h1></p>'))
    report = fetch(corpus, paper(github="https://github.com/o/r"), raw_github=server.url(""))
    assert report.rows[0].status == "fetched"


def test_rows_in_manifest_order_and_counts(server: ScriptedServer, corpus: Path) -> None:
    good = server.on("/b.pdf", Reply(body=PDF))
    server.on("/o/r/HEAD/README.md", Reply(body=README))
    papers = (
        paper(server.url("/none.pdf"), paper_id="z"),
        paper(paper_id="n"),
        paper(good, github="https://github.com/o/r", paper_id="b"),
    )
    with ScriptedServer() as second:
        more = paper(second.on("/c.pdf", Reply(body=OTHER_PDF)), paper_id="c")
        report = fetch(corpus, *papers, more, raw_github=server.url(""))
    rows = [(row.paper_id, row.kind, row.status) for row in report.rows]
    assert rows == [
        ("z", "pdf", "failed"),
        ("n", None, "nothing-listed"),
        ("b", "pdf", "fetched"),
        ("b", "readme", "fetched"),
        ("c", "pdf", "fetched"),
    ]
    assert report.counts == {"failed": 1, "nothing-listed": 1, "fetched": 3}
    assert [row.paper_id for row in report.failures] == ["z"]
    value = json.loads(json.dumps(report.to_dict()))
    assert value["schema"] == "ragqa/fetch/1"
    assert len(value["rows"]) == 5
    assert server.busiest == 1  # one request at a time


def test_progress_counts_bytes_and_ends_with_a_row(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF))
    seen: list[FetchProgress] = []
    fetch_papers([paper(url)], corpus, on_progress=seen.append)
    sizes = [each.received for each in seen]
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(PDF)
    assert [each.row is None for each in seen] == [True] * (len(seen) - 1) + [False]
    assert len(seen) >= 3


# ---- resume and retry


def test_resume_after_a_cut(server: ScriptedServer, corpus: Path) -> None:
    tag = {"ETag": '"1"'}
    cut = Reply(body=PDF, headers=tag, cut_after=200_000, ranges=True)
    url = server.on("/x.pdf", cut, Reply(body=PDF, headers=tag, ranges=True))
    assert fetch_one(corpus, url).sha256 == sha256_bytes(PDF)
    first, second = server.asked("/x.pdf")
    assert "Range" not in first
    assert (second["Range"], second["If-Range"]) == ("bytes=200000-", '"1"')


def test_resume_by_date_after_a_reset(server: ScriptedServer, corpus: Path) -> None:
    date = {"Last-Modified": "Mon, 03 Feb 2025 10:00:00 GMT", "ETag": 'W/"weak"'}
    cut = Reply(body=PDF, headers=date, cut_after=100_000, reset=True, ranges=True)
    url = server.on("/x.pdf", cut, Reply(body=PDF, headers=date, ranges=True))
    assert fetch_one(corpus, url).sha256 == sha256_bytes(PDF)
    again = server.asked("/x.pdf")[1]
    assert again.get("If-Range", date["Last-Modified"]) == date["Last-Modified"]


def test_resume_in_a_later_fetch(server: ScriptedServer, corpus: Path) -> None:
    tag = {"ETag": '"1"'}
    url = server.on("/x.pdf", Reply(body=PDF, headers=tag, cut_after=300_000))
    assert_failed(fetch_one(corpus, url, retries=0), "incomplete", corpus)
    server.on("/x.pdf", Reply(body=PDF, headers=tag, ranges=True))
    assert fetch_one(corpus, url).status == "fetched"
    assert server.asked("/x.pdf")[-1]["Range"] == "bytes=300000-"
    assert (corpus / "pdf/a.pdf").read_bytes() == PDF


def test_no_resume_without_a_validator(server: ScriptedServer, corpus: Path) -> None:
    cut = Reply(body=PDF, cut_after=200_000)
    url = server.on("/x.pdf", cut, Reply(body=PDF, ranges=True))
    assert fetch_one(corpus, url).sha256 == sha256_bytes(PDF)
    assert "Range" not in server.asked("/x.pdf")[1]


def test_file_changed_between_parts(server: ScriptedServer, corpus: Path) -> None:
    cut = Reply(body=PDF, headers={"ETag": '"1"'}, cut_after=200_000)
    new = Reply(body=OTHER_PDF, headers={"ETag": '"2"'}, ranges=True)
    url = server.on("/x.pdf", cut, new)
    assert fetch_one(corpus, url).sha256 == sha256_bytes(OTHER_PDF)
    assert lock_entry(corpus).etag == '"2"'


@pytest.mark.parametrize(
    "wrong",
    [
        {"ETag": '"2"', "Content-Range": f"bytes 200000-{len(PDF) - 1}/{len(PDF)}"},
        {"ETag": '"1"', "Content-Range": f"bytes 0-{len(PDF) - 1}/{len(PDF)}"},
        {"ETag": '"1"', "Content-Range": "nonsense"},
        {"ETag": '"1"'},
    ],
)
def test_wrong_part_is_never_joined(
    server: ScriptedServer, corpus: Path, wrong: dict[str, str]
) -> None:
    good = Reply(body=PDF, headers={"ETag": '"1"'})
    cut = Reply(body=PDF, headers={"ETag": '"1"'}, cut_after=200_000)
    url = server.on("/x.pdf", cut, Reply(206, body=b"x" * 5000, headers=wrong), good)
    assert fetch_one(corpus, url).sha256 == sha256_bytes(PDF)
    assert "Range" not in server.asked("/x.pdf")[2]


def test_range_beyond_the_end_starts_over(server: ScriptedServer, corpus: Path) -> None:
    tag = {"ETag": '"1"'}
    url = server.on("/x.pdf", Reply(body=PDF, headers=tag, cut_after=300_000))
    fetch_one(corpus, url, retries=0)
    shorter = PDF[:300_000]  # its range would begin just behind its end
    server.on("/x.pdf", Reply(body=shorter, headers=tag, ranges=True))
    assert fetch_one(corpus, url).sha256 == sha256_bytes(shorter)


def test_part_of_another_link_is_not_resumed(server: ScriptedServer, corpus: Path) -> None:
    tag = {"ETag": '"1"'}
    old = server.on("/old.pdf", Reply(body=PDF, headers=tag, cut_after=200_000))
    new = server.on("/new.pdf", Reply(body=OTHER_PDF, headers=tag, ranges=True))
    fetch_one(corpus, old, retries=0)
    assert fetch_one(corpus, new).sha256 == sha256_bytes(OTHER_PDF)


def test_compressed_body_is_opened_and_never_resumed(server: ScriptedServer, corpus: Path) -> None:
    headers = {"ETag": '"1"', "Content-Encoding": "gzip"}
    packed = Reply(body=gzip.compress(PDF, 0), headers=headers, ranges=True)
    url = server.on("/x.pdf", replace(packed, cut_after=200_000), packed)
    assert fetch_one(corpus, url).sha256 == sha256_bytes(PDF)
    assert "Range" not in server.asked("/x.pdf")[1]


def test_budget_is_new_whenever_bytes_arrive(server: ScriptedServer, corpus: Path) -> None:
    tag = {"ETag": '"1"'}
    cut = Reply(body=PDF, headers=tag, cut_after=60_000, ranges=True)
    url = server.on("/x.pdf", *[cut] * 8, Reply(body=PDF, headers=tag, ranges=True))
    assert fetch_one(corpus, url, retries=1).sha256 == sha256_bytes(PDF)
    assert server.count() == 9


def test_same_bytes_again_are_no_progress(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF, cut_after=60_000))
    assert_failed(fetch_one(corpus, url, retries=2), "incomplete", corpus)
    assert server.count() == 3  # the first brings bytes, two bring the same again


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_status_is_tried_again(server: ScriptedServer, corpus: Path, status: int) -> None:
    url = server.on("/x.pdf", Reply(status), Reply(body=PDF))
    assert fetch_one(corpus, url).status == "fetched"
    assert server.count() == 2


def test_retry_after_is_waited_for(
    server: ScriptedServer, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    real = net.Network.wait

    def wait(self: net.Network, seconds: float) -> None:
        if seconds > 0:
            waits.append(seconds)
        real(self, min(seconds, 0.01))

    monkeypatch.setattr(net.Network, "wait", wait)
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    url = server.on(
        "/x.pdf",
        Reply(503, headers={"Retry-After": "7"}),
        Reply(429, headers={"Retry-After": later}),
        Reply(503, headers={"Retry-After": "soon"}),
        Reply(body=PDF),
    )
    assert fetch_one(corpus, url, timeout_s=30.0).status == "fetched"
    assert waits[0] == 7
    assert 20 < waits[1] <= 30
    assert waits[2] < 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("value", ["3600", "9" * 5000])
def test_long_retry_after_is_not_waited_for(
    server: ScriptedServer, corpus: Path, status: int, value: str
) -> None:
    url = server.on("/x.pdf", Reply(status, headers={"Retry-After": value}))
    row = fetch_one(corpus, url, retries=1)
    assert row.retryable
    assert row.reason == "rate-limited" or len(value) > 5
    assert server.count() == (1 if value == "3600" else 2)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(429, "rate-limited"), (500, "http-error"), (503, "http-error")],
)
def test_passing_status_that_stays(
    server: ScriptedServer, corpus: Path, status: int, reason: str
) -> None:
    url = server.on("/x.pdf", Reply(status))
    row = fetch_one(corpus, url, retries=2)
    assert_failed(row, reason, corpus)
    assert row.retryable
    assert server.count() == 3


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "forbidden"),
        (403, "forbidden"),
        (404, "not-found"),
        (410, "not-found"),
        (418, "http-error"),
        (204, "http-error"),
        (304, "redirect"),
        (302, "redirect"),
    ],
)
def test_final_status_is_not_tried_again(
    server: ScriptedServer, corpus: Path, status: int, reason: str
) -> None:
    url = server.on("/x.pdf", Reply(status))
    row = fetch_one(corpus, url)
    assert_failed(row, reason, corpus)
    assert not row.retryable
    assert server.count() == 1


def test_host_that_asks_for_a_long_pause_is_left_alone(
    server: ScriptedServer, corpus: Path
) -> None:
    wait = Reply(429, headers={"Retry-After": "3600"})
    papers = [paper(server.on(f"/{n}.pdf", wait), paper_id=f"p{n}") for n in range(3)]
    report = fetch(corpus, *papers)
    assert [row.reason for row in report.rows] == ["rate-limited"] * 3
    assert server.count() == 1


# ---- what comes is not what was wanted


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (PAGE, "html-instead-of-pdf"),
        (b"\xef\xbb\xbf\n <!-- %PDF-1.7 -->\n<HTML><body>", "html-instead-of-pdf"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html>', "html-instead-of-pdf"),
        (b"", "empty-file"),
        (b"\x1f\x8b" + b"z" * 5000, "not-a-pdf"),
        (b"x" * 1020 + b"%PDF-1.7", "not-a-pdf"),
    ],
)
def test_body_is_no_pdf(server: ScriptedServer, corpus: Path, body: bytes, reason: str) -> None:
    url = server.on("/x.pdf", Reply(body=body))
    assert_failed(fetch_one(corpus, url), reason, corpus)
    assert [p.name for p in (corpus / "pdf").iterdir()] == [".fetch.lock"]


def test_web_page_is_named(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PAGE))
    assert "'Sign in to read'" in fetch_one(corpus, url).detail


def test_pdf_mark_may_come_a_little_later(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=b"x" * 1019 + b"%PDF-1.7"))
    assert fetch_one(corpus, url).status == "fetched"


def test_claimed_length_is_never_reached(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF, length=len(PDF) + 10, headers={"ETag": '"1"'}))
    assert_failed(fetch_one(corpus, url, retries=1), "incomplete", corpus)


def test_no_length_at_all(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF, length=-1))
    assert fetch_one(corpus, url).sha256 == sha256_bytes(PDF)


@pytest.mark.parametrize("length", [None, -1])
def test_too_large(server: ScriptedServer, corpus: Path, length: int | None) -> None:
    url = server.on("/x.pdf", Reply(body=PDF, length=length))
    assert_failed(fetch_one(corpus, url, max_bytes=100_000), "too-large", corpus)
    assert not (corpus / "pdf/.a.pdf.part").exists()
    assert server.count() == 1


def test_exactly_the_limit_is_allowed(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF))
    assert fetch_one(corpus, url, max_bytes=len(PDF)).status == "fetched"


# ---- redirects


def test_redirects_are_followed(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/doi", Reply(302, headers={"Location": "/landing?x=1"}))
    server.on("/landing?x=1", Reply(301, headers={"Location": server.url("/x.pdf")}))
    server.on("/x.pdf", Reply(body=PDF))
    assert fetch_one(corpus, url).status == "fetched"
    entry = lock_entry(corpus)
    assert (entry.url, entry.final_url) == (url, server.url("/x.pdf"))


def test_redirect_loop_ends(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(302, headers={"Location": "/x.pdf"}))
    assert_failed(fetch_one(corpus, url), "redirect", corpus)
    assert server.count() == net.MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/hostname",
        "ftp://127.0.0.1/x.pdf",
        "data:application/pdf,%25PDF-1.7",
        "http://user:secret@127.0.0.1/x.pdf",
        "http://[broken/x.pdf",
        "\xff\xfe",
    ],
)
def test_redirect_elsewhere_is_refused(server: ScriptedServer, corpus: Path, target: str) -> None:
    url = server.on("/x.pdf", Reply(302, headers={"Location": target}))
    row = fetch_one(corpus, url)
    assert row.reason in {"redirect", "not-found"}
    assert row.reason == "redirect" or target == "\xff\xfe"
    assert "secret" not in row.detail


def test_redirect_to_http_after_https_is_refused() -> None:
    response = requests.Response()
    response.status_code, response.url = 302, "https://h.invalid/x.pdf"
    response.headers["Location"] = "http://h.invalid/x.pdf"
    with requests.Session() as session, pytest.raises(FetchError) as caught:
        net._next_url(session, response)
    assert caught.value.reason == "redirect"


def test_shared_redirect_target_gets_one_request_at_a_time(
    server: ScriptedServer, corpus: Path
) -> None:
    target = server.on("/x.pdf", Reply(body=b"%PDF-1.7" * 5, drip_s=0.005))
    with ScriptedServer() as one, ScriptedServer() as two:
        leads = Reply(302, headers={"Location": target})
        papers = [
            paper(each.on("/x", leads), paper_id=f"p{n}") for n, each in enumerate((one, two))
        ]
        report = fetch(corpus, *papers)
    assert report.counts == {"fetched": 2}
    assert server.busiest == 1


# ---- silence, slowness, no network


@pytest.mark.parametrize("stall_after", [-1, 0, 100_000])
def test_stalled_server(server: ScriptedServer, corpus: Path, stall_after: int) -> None:
    url = server.on("/x.pdf", Reply(body=PDF, stall_after=stall_after))
    row = fetch_one(corpus, url, timeout_s=0.1, retries=1)
    assert_failed(row, "timeout", corpus)
    assert row.retryable


def test_dripping_server_meets_the_total_limit(
    server: ScriptedServer, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TOTAL_TIMEOUTS", 2)
    url = server.on("/x.pdf", Reply(body=PDF, drip_s=0.02))
    assert_failed(fetch_one(corpus, url, timeout_s=0.2), "timeout", corpus)


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Count the real connection attempts."""
    tried: list[tuple[str, int]] = []
    real = urllib3.util.connection.create_connection

    def create(address: tuple[str, int], *args: object, **kwargs: object) -> socket.socket:
        tried.append(address)
        return real(address, *args, **kwargs)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", create)
    return tried


def test_refused_connection_is_tried_once_more(
    corpus: Path, connections: list[tuple[str, int]]
) -> None:
    row = fetch_one(corpus, f"http://127.0.0.1:{unused_port()}/x.pdf")
    assert_failed(row, "connection", corpus)
    assert row.retryable
    assert len(connections) == 2


def test_no_network_is_found_out(
    corpus: Path, connections: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MAX_HOSTS_AT_ONCE", 1)
    ports = [unused_port() for _ in range(3)]
    papers = [
        paper(f"http://127.0.0.1:{port}/{n}.pdf", paper_id=f"p{port}-{n}")
        for port in dict.fromkeys(ports)
        for n in range(4)
    ]
    report = fetch(corpus, *papers)
    assert {row.reason for row in report.failures} == {"connection", "offline"}
    assert {row.reason for row in report.rows[5:]} == {"offline"}
    assert {row.status for row in report.rows[5:]} == {"unfetched"}
    assert len(connections) == 4  # two hosts, twice each, for twelve files


def test_one_dead_host_is_not_no_network(
    server: ScriptedServer, corpus: Path, connections: list[tuple[str, int]]
) -> None:
    dead = f"http://127.0.0.1:{unused_port()}"
    papers = [paper(f"{dead}/{n}.pdf", paper_id=f"dead{n}") for n in range(5)]
    papers += [paper(server.on("/x.pdf", Reply(body=PDF)), paper_id="good")]
    report = fetch(corpus, *papers)
    assert [row.reason for row in report.rows] == ["connection"] * 5 + [None]
    assert len(connections) == 3


def test_dead_hosts_are_not_no_network_once_one_was_reached(
    server: ScriptedServer, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MAX_HOSTS_AT_ONCE", 1)
    links = [server.url("/none.pdf")]
    links += [f"http://127.0.0.1:{unused_port()}/x.pdf" for _ in range(2)]
    with ScriptedServer() as last:
        links.append(last.on("/x.pdf", Reply(body=PDF)))
        papers = [paper(link, paper_id=f"p{n}") for n, link in enumerate(links)]
        report = fetch(corpus, *papers)
    reasons = [row.reason for row in report.rows]
    assert reasons == ["not-found", "connection", "connection", None]


def test_certificate_that_cannot_be_checked(server: ScriptedServer, corpus: Path) -> None:
    row = fetch_one(corpus, f"https://{server.host}/x.pdf")  # it does not speak TLS at all
    assert_failed(row, "connection", corpus)


def test_proxy_that_cannot_be_used(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "foo://127.0.0.1:1")
    row = fetch_one(corpus, "http://papers.invalid/x.pdf")
    assert_failed(row, "connection", corpus)
    assert "proxy" in row.detail


@pytest.mark.parametrize("wrong", [{"timeout_s": 0}, {"retries": -1}, {"max_bytes": 0}])
def test_options_that_cannot_work(wrong: dict[str, int]) -> None:
    with pytest.raises(RagqaError):
        FetchOptions(**wrong)


def test_unknown_host_is_no_wait(corpus: Path) -> None:
    row = fetch_one(corpus, "http://nowhere.invalid/x.pdf")
    assert_failed(row, "connection", corpus)


def test_offline_makes_no_connection(
    server: ScriptedServer, corpus: Path, connections: list[tuple[str, int]]
) -> None:
    one = paper(server.url("/x.pdf"), github="https://github.com/o/r")
    report = fetch(corpus, one, offline=True)
    assert [(r.status, r.reason) for r in report.rows] == [("unfetched", "offline")] * 2
    assert connections == []


def test_proxy_of_the_environment_is_used(
    server: ScriptedServer, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    server.on("http://papers.invalid/x.pdf", Reply(body=PDF))
    assert fetch_one(corpus, "http://papers.invalid/x.pdf").status == "fetched"


# ---- what was good before stays


def test_failed_refresh_keeps_the_old_file(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF, headers={"ETag": '"1"'}))
    fetch_one(corpus, url)
    before = (corpus / "manifest.lock").read_bytes()
    server.on("/x.pdf", Reply(body=PAGE))
    row = fetch_one(corpus, url, refresh=True)
    assert (row.status, row.reason) == ("failed", "html-instead-of-pdf")
    assert (row.path, row.sha256) == ("pdf/a.pdf", sha256_bytes(PDF))
    assert "stays in use" in row.detail
    assert (corpus / "pdf/a.pdf").read_bytes() == PDF
    assert (corpus / "manifest.lock").read_bytes() == before
    assert len(local_files([paper(url)], corpus)) == 1


def test_refresh_asks_conditionally(server: ScriptedServer, corpus: Path) -> None:
    tags = {"ETag": '"1"', "Last-Modified": "Mon, 03 Feb 2025 10:00:00 GMT"}
    url = server.on("/x.pdf", Reply(body=PDF, headers=tags, conditional=True))
    fetch_one(corpus, url)
    assert fetch_one(corpus, url, refresh=True).status == "unchanged"
    asked = server.asked("/x.pdf")[1]
    assert asked["If-None-Match"] == '"1"'
    assert asked["If-Modified-Since"] == tags["Last-Modified"]
    server.on("/x.pdf", Reply(body=OTHER_PDF, headers={"ETag": '"2"'}, conditional=True))
    row = fetch_one(corpus, url, refresh=True)
    assert (row.status, row.sha256) == ("fetched", sha256_bytes(OTHER_PDF))
    assert row.reason == "changed"
    assert (corpus / "pdf/a.pdf").read_bytes() == OTHER_PDF
    assert not (corpus / "pdf/a.pdf.changed").exists()


def test_refresh_offline_keeps(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF))
    fetch_one(corpus, url)
    assert fetch_one(corpus, url, refresh=True, offline=True).status == "unchanged"


def test_readme_condition_is_not_sent_to_another_name(server: ScriptedServer, corpus: Path) -> None:
    date = {"Last-Modified": "Mon, 03 Feb 2025 10:00:00 GMT"}
    server.on("/o/r/HEAD/README.rst", Reply(body=README, headers=date, conditional=True))
    one = paper(github="https://github.com/o/r")
    fetch(corpus, one, raw_github=server.url(""))
    report = fetch(corpus, one, raw_github=server.url(""), refresh=True)
    assert report.rows[0].status == "unchanged"
    assert "If-Modified-Since" not in server.asked("/o/r/HEAD/README.md")[1]
    assert "If-Modified-Since" in server.asked("/o/r/HEAD/README.rst")[1]


def test_altered_file_is_fetched_again_and_kept(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF))
    fetch_one(corpus, url)
    (corpus / "pdf/a.pdf").write_bytes(b"%PDF-mine")
    assert local_files([paper(url)], corpus) == ()
    report = fetch(corpus, paper(url))
    assert (report.rows[0].status, report.rows[0].reason) == ("fetched", "changed")
    assert (corpus / "pdf/a.pdf").read_bytes() == PDF
    assert (corpus / "pdf/a.pdf.changed").read_bytes() == b"%PDF-mine"
    assert report.extra_files == ("pdf/a.pdf.changed",)


@pytest.mark.parametrize("offline", [True, False])
def test_altered_file_that_cannot_be_replaced(
    server: ScriptedServer, corpus: Path, offline: bool
) -> None:
    url = server.on("/x.pdf", Reply(body=PDF))
    fetch_one(corpus, url)
    (corpus / "pdf/a.pdf").write_bytes(b"%PDF-mine")
    server.on("/x.pdf", Reply(404))
    row = fetch_one(corpus, url, offline=offline)
    assert (row.reason, row.path) == ("changed", None)
    assert (corpus / "pdf/a.pdf").read_bytes() == b"%PDF-mine"
    assert local_files([paper(url)], corpus) == ()


def test_lost_file_comes_back_with_other_bytes(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF))
    fetch_one(corpus, url)
    (corpus / "pdf/a.pdf").unlink()
    server.on("/x.pdf", Reply(body=OTHER_PDF))
    row = fetch_one(corpus, url)
    assert (row.status, row.reason) == ("fetched", "changed")
    assert lock_entry(corpus).sha256 == sha256_bytes(OTHER_PDF)


def test_lost_file_is_not_asked_for_conditionally(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF, headers={"ETag": '"1"'}, conditional=True))
    fetch_one(corpus, url)
    (corpus / "pdf/a.pdf").unlink()
    assert fetch_one(corpus, url, refresh=True).status == "fetched"
    assert (corpus / "pdf/a.pdf").read_bytes() == PDF


def test_killed_fetch_keeps_what_it_has(server: ScriptedServer, corpus: Path) -> None:
    tag = {"ETag": '"1"'}
    whole = server.on("/1.pdf", Reply(body=PDF))
    half = server.on("/2.pdf", Reply(body=PDF, headers=tag, stall_after=200_000))
    code = (
        "import sys; from pathlib import Path; from ragqa.fetch import fetch_papers; "
        "from ragqa.records import Paper; fetch_papers([Paper(paper_id=f'p{n}', title='T', url=u) "
        "for n, u in enumerate(sys.argv[2:])], Path(sys.argv[1]))"
    )
    part = corpus / "pdf/.p1.pdf.part"
    with subprocess.Popen([sys.executable, "-c", code, str(corpus), whole, half]) as child:
        while child.poll() is None and not (part.is_file() and part.stat().st_size):
            time.sleep(0.01)
        child.kill()
    assert child.returncode == -signal.SIGKILL
    kept = part.stat().st_size
    server.on("/2.pdf", Reply(body=PDF, headers=tag, ranges=True))
    report = fetch(corpus, paper(whole, paper_id="p0"), paper(half, paper_id="p1"))
    assert [row.status for row in report.rows] == ["unchanged", "fetched"]
    assert [row.sha256 for row in report.rows] == [sha256_bytes(PDF)] * 2
    assert server.count("/1.pdf") == 1
    assert server.asked("/2.pdf")[1]["Range"] == f"bytes={kept}-"


def test_new_link_makes_the_old_file_stale(server: ScriptedServer, corpus: Path) -> None:
    old = server.on("/old.pdf", Reply(body=PDF))
    new = server.on("/new.pdf", Reply(404))
    fetch_one(corpus, old)
    assert fetch_one(corpus, new).reason == "not-found"
    assert local_files([paper(new)], corpus) == ()
    assert len(local_files([paper(old)], corpus)) == 1  # nothing old is lost
    server.on("/new.pdf", Reply(body=OTHER_PDF))
    assert fetch_one(corpus, new).status == "fetched"
    assert not (corpus / "pdf/a.pdf.changed").exists()


def test_one_failure_stops_nothing_and_lock_grows(server: ScriptedServer, corpus: Path) -> None:
    locked: list[int] = []

    def look(progress: FetchProgress) -> None:
        if progress.row:
            locked.append(len(load_lock(corpus / "manifest.lock").entries))

    papers = [
        paper(server.on("/1.pdf", Reply(body=PDF)), paper_id="p1"),
        paper(server.on("/2.pdf", Reply(500)), paper_id="p2"),
        paper(server.on("/3.pdf", Reply(body=PDF)), paper_id="p3"),
    ]
    fetch_papers(papers, corpus, options=FetchOptions(retries=0), on_progress=look)
    assert locked == [1, 1, 2]


def test_interrupt_leaves_a_resumable_part(server: ScriptedServer, corpus: Path) -> None:
    tag = {"ETag": '"1"'}
    url = server.on("/x.pdf", Reply(body=PDF, headers=tag, ranges=True))

    def stop(progress: FetchProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_papers([paper(url)], corpus, on_progress=stop)
    kept = (corpus / "pdf/.a.pdf.part").stat().st_size
    assert kept > 0
    assert fetch_one(corpus, url).status == "fetched"
    assert server.asked("/x.pdf")[1]["Range"] == f"bytes={kept}-"
    assert (corpus / "pdf/a.pdf").read_bytes() == PDF


def test_interrupt_stops_the_other_hosts(server: ScriptedServer, corpus: Path) -> None:
    slow = server.on("/slow.pdf", Reply(body=PDF, drip_s=0.01))

    def stop(progress: FetchProgress) -> None:
        if progress.paper_id == "quick":
            raise KeyboardInterrupt

    with ScriptedServer() as second:
        quick = second.on("/x.pdf", Reply(body=PDF))
        papers = [paper(slow, paper_id="slow"), paper(quick, paper_id="quick")]
        with pytest.raises(KeyboardInterrupt):
            fetch_papers(papers, corpus, on_progress=stop)
    assert not [t.name for t in threading.enumerate() if "ThreadPool" in t.name]


# ---- disk


@pytest.mark.parametrize("mirror", [True, False])
def test_folder_that_is_a_file(
    server: ScriptedServer, corpus: Path, tmp_path: Path, mirror: bool
) -> None:
    url = server.on("/x.pdf", Reply(body=PDF))
    (corpus / "pdf").write_text("not a folder", encoding="utf-8")
    put(tmp_path / "m", f"{server.host}/x.pdf", PDF)
    server.on("/o/r/HEAD/README.md", Reply(body=README))
    report = fetch(
        corpus,
        paper(url, github="https://github.com/o/r"),
        raw_github=server.url(""),
        mirror=tmp_path / "m" if mirror else None,
    )
    assert [(r.status, r.reason) for r in report.rows] == [("failed", "disk"), ("fetched", None)]


def test_name_taken_by_a_folder_rolls_the_lock_back(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF))
    (corpus / "pdf/a.pdf").mkdir(parents=True)
    row = fetch_one(corpus, url)
    assert (row.status, row.reason) == ("failed", "disk")
    assert lock_entry(corpus) is None


def test_lock_that_cannot_be_written(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF, headers={"ETag": '"1"'}))
    fetch_one(corpus, url)
    server.on("/x.pdf", Reply(body=OTHER_PDF))

    def block(progress: FetchProgress) -> None:
        if progress.row is None and (corpus / "manifest.lock").is_file():
            (corpus / "manifest.lock").unlink()
            (corpus / "manifest.lock").mkdir()

    options = FetchOptions(refresh=True)
    report = fetch_papers([paper(url)], corpus, options=options, on_progress=block)
    assert report.rows[0].reason == "disk"
    assert (corpus / "pdf/a.pdf").read_bytes() == PDF


def test_full_disk(server: ScriptedServer, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = server.on("/x.pdf", Reply(body=PDF))
    fetch_one(corpus, url)
    server.on("/x.pdf", Reply(body=OTHER_PDF))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_flush", full)
    row = fetch_one(corpus, url, refresh=True)
    assert (row.status, row.reason) == ("failed", "disk")
    assert "No space left" in row.detail
    assert (corpus / "pdf/a.pdf").read_bytes() == PDF


def test_missing_corpus_folder(tmp_path: Path) -> None:
    with pytest.raises(CorpusError):
        fetch(tmp_path / "none", paper("http://x.invalid/x.pdf"))
    assert not (tmp_path / "none").exists()


def test_damaged_lock_is_said(corpus: Path) -> None:
    (corpus / "manifest.lock").write_text("{", encoding="utf-8")
    with pytest.raises(ManifestError):
        fetch(corpus, paper("http://x.invalid/x.pdf"))


def test_two_fetches_exclude_each_other(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF))

    def again(progress: FetchProgress) -> None:
        if progress.row is None:
            with pytest.raises(CorpusError, match="another fetch"):
                fetch(corpus, paper(url))

    report = fetch_papers([paper(url)], corpus, on_progress=again)
    assert report.rows[0].status == "fetched"


@pytest.mark.parametrize("paper_id", ["../a", "a/b", "", ".hidden", "con"])
def test_paper_id_is_a_file_name(corpus: Path, paper_id: str) -> None:
    with pytest.raises(CorpusError):
        fetch(corpus, paper("http://x.invalid/x.pdf", paper_id=paper_id))


# ---- mirror


def put(folder: Path, name: str, body: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def test_mirror_before_network(server: ScriptedServer, corpus: Path, tmp_path: Path) -> None:
    url = server.on("/p/x.pdf?id=1", Reply(body=OTHER_PDF))
    put(tmp_path / "m", f"{server.host}/p/x.pdf?id=1", PDF)
    row = fetch_one(corpus, url, mirror=tmp_path / "m")
    assert (row.status, row.sha256) == ("mirrored", sha256_bytes(PDF))
    assert lock_entry(corpus).origin == "mirror"
    assert server.count() == 0
    assert fetch_one(corpus, url).status == "unchanged"
    assert server.count() == 0


def test_mirror_then_network(server: ScriptedServer, corpus: Path, tmp_path: Path) -> None:
    url = server.on("/x.pdf", Reply(body=PDF))
    put(tmp_path / "m", f"{server.host}/x.pdf", PAGE)
    assert fetch_one(corpus, url, mirror=tmp_path / "m").status == "fetched"


def test_mirror_only(corpus: Path, tmp_path: Path) -> None:
    put(tmp_path / "m", "h.invalid/bad.pdf", PAGE)
    papers = [
        paper("https://h.invalid/none.pdf", paper_id="none"),
        paper("https://h.invalid/bad.pdf", paper_id="bad"),
    ]
    report = fetch(corpus, *papers, mirror=tmp_path / "m", offline=True)
    assert [r.reason for r in report.rows] == ["not-in-mirror", "html-instead-of-pdf"]


@pytest.mark.parametrize(
    "listed",
    [
        "http://arxiv.org/abs/2502.16025v1",
        "https://arxiv.org/pdf/2502.16025v1.pdf",
        "http://arxiv.org/pdf/2502.16025",
    ],
)
@pytest.mark.parametrize(
    "held",
    ["pdf/2502.16025v1", "pdf/2502.16025v1.pdf", "pdf/2502.16025", "abs/2502.16025v1"],
)
def test_mirror_knows_arxiv_links(corpus: Path, tmp_path: Path, listed: str, held: str) -> None:
    put(tmp_path / "m", f"arxiv.org/{held}", PDF)
    assert fetch_one(corpus, listed, mirror=tmp_path / "m", offline=True).status == "mirrored"


def test_mirror_has_another_version(corpus: Path, tmp_path: Path) -> None:
    for held in ("2502.16025v1.pdf", "2502.16025.pdf", "2502.16025v3.pdf"):
        put(tmp_path / "m", f"arxiv.org/pdf/{held}", PDF)
    url = "https://arxiv.org/abs/2502.16025v2"
    row = fetch_one(corpus, url, mirror=tmp_path / "m", offline=True)
    assert row.reason == "not-in-mirror"


def test_unlisted_file_of_a_mirror_is_never_opened(corpus: Path, tmp_path: Path) -> None:
    mirror = tmp_path / "m"
    put(mirror, "h.invalid/x.pdf", PDF)
    os.mkfifo(mirror / "h.invalid/other.pdf")  # opening it would never return
    os.mkfifo(mirror / "h.invalid/README.md")
    report = fetch(corpus, paper("https://h.invalid/x.pdf"), mirror=mirror, offline=True)
    assert report.rows[0].status == "mirrored"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.pdf",
        "a/../../secret.pdf",
        "%2e%2e/secret.pdf",
        "%2e%2e%2fsecret.pdf",
        "..%5csecret.pdf",
        "link.pdf",
        "folder/secret.pdf",
        "%00secret.pdf",
        "//secret.pdf",
        "",
    ],
)
def test_mirror_is_never_left(corpus: Path, tmp_path: Path, path: str) -> None:
    put(tmp_path, "secret.pdf", PDF)
    put(tmp_path, "m/secret.pdf", PDF)
    host = tmp_path / "m/h.invalid"
    host.mkdir()
    (host / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    (host / "folder").symlink_to(tmp_path)
    url = f"https://h.invalid/{path}"
    row = fetch_one(corpus, url, mirror=tmp_path / "m", offline=True)
    assert row.status == "failed"
    assert row.reason in {"not-in-mirror", "bad-url"}


@given(st.text(max_size=30), st.booleans())
def test_mirror_names_stay_inside(tail: str, encode: bool) -> None:
    root = Path(__file__).parent
    for _, path in mirrored_files(root, (f"https://faults/{quote(tail) if encode else tail}",)):
        assert path.is_relative_to(root / "faults")


def test_mirror_and_folder_names_that_no_disk_takes(corpus: Path, tmp_path: Path) -> None:
    put(tmp_path / "m", "h.invalid/x.pdf", PDF)
    (tmp_path / "m/h.invalid/loop.pdf").symlink_to("loop.pdf")
    papers = [
        paper(f"https://h.invalid/{'x' * 400}.pdf", paper_id="long"),
        paper("https://h.invalid/loop.pdf", paper_id="loop"),
    ]
    report = fetch(corpus, *papers, mirror=tmp_path / "m", offline=True)
    assert [row.reason for row in report.rows] == ["not-in-mirror"] * 2


def test_no_such_mirror(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="mirror"):
        fetch(corpus, paper("https://h.invalid/x.pdf"), mirror=tmp_path / "none")


def test_mirror_encoded_name(corpus: Path, tmp_path: Path) -> None:
    put(tmp_path / "m", "h.invalid/My Paper.pdf", PDF)
    url = "https://h.invalid/My%20Paper.pdf"
    assert fetch_one(corpus, url, mirror=tmp_path / "m", offline=True).status == "mirrored"


def test_the_sample_mirror(corpus: Path) -> None:
    mirror = DATA / "seed" / "mirror"
    if not mirror.is_dir():
        pytest.skip("needs ../shared/data")
    papers = (
        paper(
            "https://cg.postech.ac.kr/Research/MSSNet/MSSNet.pdf",
            github="https://github.com/kky7/MSSNet",
            paper_id="mssnet",
        ),
        paper("http://arxiv.org/pdf/2502.16025v1.pdf", paper_id="featsharp"),
    )
    report = fetch(corpus, *papers, mirror=mirror, offline=True)
    assert [(r.kind, r.status, r.reason) for r in report.rows] == [
        ("pdf", "failed", "not-in-mirror"),
        ("readme", "mirrored", None),
        ("pdf", "failed", "not-in-mirror"),
    ]
    assert [p.name for p in (corpus / "readme").iterdir()] == ["mssnet.md"]


# ---- dropped in by hand


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h.invalid/MSSNet.pdf", "a.pdf"),
        ("https://h.invalid/MSSNet.pdf", "MSSNet.pdf"),
        ("http://arxiv.org/pdf/2502.16025v1.pdf", "2502.16025v1.pdf"),
        ("http://arxiv.org/abs/2502.16025v1", "2502.16025v1.pdf"),
        ("https://h.invalid/My%20Paper.PDF", "My Paper.PDF"),
        (None, "a.pdf"),
    ],
)
def test_dropped_file_is_used(
    corpus: Path, url: str | None, name: str, connections: list[tuple[str, int]]
) -> None:
    put(corpus / "pdf", name, PDF)
    put(corpus / "pdf", "unrelated.pdf", PDF)
    one = paper(url)
    report = fetch(corpus, one)
    (row,) = report.rows
    assert (row.status, row.path) == ("dropped-in", f"pdf/{name}")
    assert report.extra_files == ("pdf/unrelated.pdf",)
    assert lock_entry(corpus).origin == "dropped"
    (file,) = local_files([one], corpus)
    assert file.path == corpus / "pdf" / name
    assert fetch(corpus, one, refresh=True).rows[0].status == "unchanged"
    assert fetch(corpus, one, locked=True).rows[0].status == "unchanged"
    assert connections == []


def test_dropped_file_is_looked_at(corpus: Path) -> None:
    put(corpus / "pdf", "a.pdf", PAGE)
    row = fetch_one(corpus, "https://h.invalid/x.pdf")
    assert (row.status, row.reason) == ("failed", "html-instead-of-pdf")
    assert "pdf/a.pdf" in row.detail
    assert (corpus / "pdf/a.pdf").read_bytes() == PAGE


def test_dropped_name_that_fits_two_papers_fits_none(corpus: Path) -> None:
    put(corpus / "pdf", "paper.pdf", PDF)
    papers = [
        paper("https://h.invalid/1/paper.pdf", paper_id="one"),
        paper("https://h.invalid/2/paper.pdf", paper_id="two"),
    ]
    report = fetch(corpus, *papers, offline=True)
    assert {row.status for row in report.rows} == {"unfetched"}
    assert report.extra_files == ("pdf/paper.pdf",)


def test_dropped_name_belongs_to_the_paper_of_that_id(corpus: Path) -> None:
    put(corpus / "pdf", "two.pdf", PDF)
    papers = [
        paper("https://h.invalid/two.pdf", paper_id="one"),
        paper("https://h.invalid/x.pdf", paper_id="two"),
    ]
    report = fetch(corpus, *papers, offline=True)
    assert [row.status for row in report.rows] == ["unfetched", "dropped-in"]


def test_replaced_dropped_file_is_said(corpus: Path) -> None:
    put(corpus / "pdf", "a.pdf", PDF)
    fetch(corpus, paper())
    put(corpus / "pdf", "a.pdf", OTHER_PDF)
    assert local_files([paper()], corpus) == ()
    with pytest.raises(UnfetchedError):
        fetch(corpus, paper(), locked=True)
    row = fetch(corpus, paper()).rows[0]
    assert (row.status, row.reason) == ("dropped-in", "changed")
    assert row.sha256 == sha256_bytes(OTHER_PDF)
    assert [p.name for p in (corpus / "pdf").glob("*")] != []
    assert not (corpus / "pdf/a.pdf.changed").exists()


def test_dropped_file_that_is_gone(corpus: Path) -> None:
    put(corpus / "pdf", "a.pdf", PDF)
    fetch(corpus, paper())
    (corpus / "pdf/a.pdf").unlink()
    row = fetch(corpus, paper()).rows[0]
    assert (row.status, row.reason) == ("failed", "not-found")


def test_dropped_after_a_failure(server: ScriptedServer, corpus: Path) -> None:
    url = server.on("/Net.pdf", Reply(403))
    assert fetch_one(corpus, url).reason == "forbidden"
    put(corpus / "pdf", "Net.pdf", PDF)
    assert fetch_one(corpus, url).status == "dropped-in"
    assert server.count() == 1


# ---- locked


def test_locked_is_satisfied(
    server: ScriptedServer, corpus: Path, connections: list[tuple[str, int]]
) -> None:
    papers = [paper(server.on("/x.pdf", Reply(body=PDF))), paper(paper_id="n")]
    fetch(corpus, *papers)
    asked = len(connections)
    report = fetch(corpus, *papers, locked=True)
    assert [row.status for row in report.rows] == ["unchanged", "nothing-listed"]
    assert len(connections) == asked


def test_locked_lists_everything_wrong(server: ScriptedServer, corpus: Path) -> None:
    papers = [
        paper(server.on(f"/{name}.pdf", Reply(body=PDF)), paper_id=name)
        for name in ("good", "gone", "odd")
    ]
    fetch(corpus, *papers)
    (corpus / "pdf/gone.pdf").unlink()
    (corpus / "pdf/odd.pdf").write_bytes(OTHER_PDF)
    new = paper("https://h.invalid/x.pdf", github="https://github.com/o/r", paper_id="new")
    with pytest.raises(UnfetchedError) as caught:
        fetch(corpus, *papers, new, locked=True)
    said = str(caught.value)
    for part in ("4 file(s)", "gone (pdf)", "odd (pdf)", "new (pdf)", "new (readme)"):
        assert part in said
    assert "good" not in said
    assert server.count() == 3


# ---- links


@pytest.mark.parametrize(
    ("listed", "requested"),
    [
        ("http://arxiv.org/pdf/2502.16025v1.pdf", "https://arxiv.org/pdf/2502.16025v1"),
        ("http://arxiv.org/abs/2502.16025v2", "https://arxiv.org/pdf/2502.16025v2"),
        ("https://arxiv.org/pdf/2502.16025", "https://arxiv.org/pdf/2502.16025"),
        ("https://arxiv.org/abs/hep-th/9901001", "https://arxiv.org/pdf/hep-th/9901001"),
        ("https://h.org/a b.pdf".replace(" ", "%20"), "https://h.org/a%20b.pdf"),
    ],
)
def test_requested_link(listed: str, requested: str) -> None:
    assert request_urls(listed, "pdf", "https://raw.example") == (requested,)


@pytest.mark.parametrize(
    "listed",
    [
        "https://github.com/kky7/MSSNet",
        "http://www.github.com/kky7/MSSNet.git",
        "https://github.com/kky7/MSSNet/tree/main/a",
        "https://github.com/kky7/MSSNet/",
    ],
)
def test_readme_link(listed: str) -> None:
    first = request_urls(listed, "readme", "https://raw.example/")[0]
    assert first == "https://raw.example/kky7/MSSNet/HEAD/README.md"


@pytest.mark.parametrize(
    ("listed", "kind"),
    [
        ("ftp://h.org/x.pdf", "pdf"),
        ("file:///etc/passwd", "pdf"),
        ("https:///x.pdf", "pdf"),
        ("https://me:secret@h.org/x.pdf", "pdf"),
        ("http://h.org:99999/x.pdf", "pdf"),
        ("https://gitlab.com/o/r", "readme"),
        ("https://github.com/o", "readme"),
        ("https://github.com/o/..", "readme"),
    ],
)
def test_bad_link_is_a_row(corpus: Path, listed: str, kind: str) -> None:
    with pytest.raises(FetchError):
        request_urls(listed, kind, "https://raw.example")
    one = paper(listed) if kind == "pdf" else paper(github=listed)
    row = fetch(corpus, one).rows[0]
    assert (row.kind, row.status, row.reason) == (kind, "failed", "bad-url")
    assert "secret" not in row.detail


def test_dropped_name_is_one_name() -> None:
    for url in (
        "https://h.org/..%2fx.pdf",
        "https://h.org/.pdf",
        "https://h.org/",
        "https://h.org",
    ):
        assert wants(paper(url), "https://raw.example")[0].drop_name is None
