"""Parsing in worker processes: whatever a file does, it costs itself and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pdfs
import pytest

from ragqa.errors import ParseError
from ragqa.parse import parse_pdf, parse_readme
from ragqa.parse import worker as parse_worker
from ragqa.parse.worker import ParseLimits, ParseRequest, parse_many
from ragqa.records import Document

PATIENT = ParseLimits(seconds=60.0)  # the machine may be busy; nothing here waits that long


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pdfs.paper(tmp_path_factory.mktemp("pdf") / "paper.pdf")


def ask(path: Path, paper_id: str = "x") -> ParseRequest:
    return ParseRequest(paper_id=paper_id, kind="pdf", path=path)


def replies(
    requests: Sequence[ParseRequest], *, jobs: int = 1, limits: ParseLimits = PATIENT
) -> list[Document | ParseError]:
    found = list(parse_many(requests, jobs=jobs, limits=limits))
    assert [request for request, _ in found] == list(requests)
    return [reply for _, reply in found]


def reason(reply: Document | ParseError) -> str:
    assert isinstance(reply, ParseError), reply
    return reply.reason


def children() -> set[int]:
    """Return this process's children, by /proc."""
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        pytest.skip("needs /proc")
    lists = [task / "children" for task in tasks.iterdir()]
    return {int(pid) for each in lists if each.exists() for pid in each.read_text().split()}


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    before = children() if Path("/proc/self/task").exists() else set()
    yield
    if Path("/proc/self/task").exists():
        assert children() <= before


# What comes back


def test_documents_come_back_whole(paper: Path, tmp_path: Path) -> None:
    odd = [pdfs.astral(tmp_path / "astral.pdf"), pdfs.hidden_text(tmp_path / "h.pdf", "tiny")]
    files = [paper, *odd, pdfs.right_to_left(tmp_path / "rtl.pdf")]
    assert replies([ask(file) for file in files]) == [parse_pdf(f, paper_id="x") for f in files]


def test_a_readme_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("# Upscaler\n\nSee [our page](https://a.b), it has everything.\n", "utf-8")
    request = ParseRequest(paper_id="x", kind="readme", path=path)
    assert replies([request]) == [parse_readme(path, paper_id="x")]


def test_errors_come_back_as_they_were(tmp_path: Path) -> None:
    path = pdfs.encrypted(tmp_path / "locked.pdf")
    (reply,) = replies([ask(path)])
    with pytest.raises(ParseError) as direct:
        parse_pdf(path, paper_id="x")
    assert isinstance(reply, ParseError)
    assert (str(reply), reply.reason) == (str(direct.value), "encrypted")


def test_many_files_over_few_workers_keep_their_order(paper: Path, tmp_path: Path) -> None:
    bad = pdfs.truncated(tmp_path / "bad.pdf")
    requests = [ask(bad if n % 5 == 2 else paper, f"p{n}") for n in range(15)]
    found = replies(requests, jobs=3)
    assert [getattr(reply, "paper_id", "bad") for reply in found] == [
        "bad" if n % 5 == 2 else f"p{n}" for n in range(15)
    ]


def test_no_requests_no_workers() -> None:
    assert list(parse_many([])) == []


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    assert reason(*replies([ask(tmp_path / "absent.pdf")])) == "damaged-pdf"


# Hostile files


def test_a_file_that_never_ends_is_too_slow(tmp_path: Path) -> None:
    bomb = pdfs.nested_forms(tmp_path / "bomb.pdf", depth=30)
    assert bomb.stat().st_size < 20_000
    limits = ParseLimits(seconds=1.0, memory_bytes=1 << 45)
    (reply,) = replies([ask(bomb)], limits=limits)
    assert reason(reply) == "too-slow"
    assert "1 s" in str(reply)


@pytest.mark.slow
def test_after_a_file_that_never_ends_the_next_one_is_read(paper: Path, tmp_path: Path) -> None:
    bomb = pdfs.nested_forms(tmp_path / "bomb.pdf", depth=30)
    limits = ParseLimits(seconds=8.0, memory_bytes=1 << 45)
    found = replies([ask(paper), ask(bomb), ask(paper)], limits=limits)
    assert [getattr(reply, "reason", "read") for reply in found] == ["read", "too-slow", "read"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of the address space")
def test_a_file_that_eats_memory_costs_its_worker_only(paper: Path, tmp_path: Path) -> None:
    bomb = pdfs.huge_page(tmp_path / "bomb.pdf", megabytes=32)
    limits = ParseLimits(seconds=60.0, memory_bytes=300 << 20)
    assert bomb.stat().st_size < 300_000
    found = replies([ask(bomb), ask(paper)], limits=limits)
    assert [getattr(reply, "reason", "read") for reply in found] == ["crashed", "read"]


# A stand-in for the worker does what no file at hand makes the real one do

STAND_IN = """
    import json, os, signal, sys, time
    for line in sys.stdin:
        name = os.path.basename(json.loads(line)["path"])
        if name == "exit": os._exit(3)
        if name == "kill": os.kill(os.getpid(), signal.SIGKILL)
        if name == "hang": time.sleep(600)
        if name == "die later":
            print(json.dumps(dict(what="w", item=name, hint=None, reason="no-text")), flush=True)
            os._exit(1)
        if name == "garbage": print("Warning: this is no JSON", flush=True); continue
        if name == "number": print("7", flush=True); continue
        if name == "other": print(json.dumps(dict(text="half a document")), flush=True); continue
        if name == "half": sys.stdout.write('{"what": "w'); sys.stdout.flush(); os._exit(0)
        print(json.dumps(dict(what="fine", item=name, hint=None, reason="no-text")), flush=True)
"""


def stand_in(names: Sequence[str], *, jobs: int = 1, seconds: float = 60.0) -> list[str]:
    """Return what became of each request: a reason with its text."""
    command = (sys.executable, "-c", textwrap.dedent(STAND_IN))
    requests = [ask(Path(name)) for name in names]
    limits = ParseLimits(seconds=seconds)
    found = parse_worker._parse_many(requests, jobs, limits, command)
    return [f"{reason(reply)}: {reply}" for _, reply in found]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exit", "exit code 3"),
        ("kill", "signal 9"),
        ("garbage", "crashed"),
        ("number", "crashed"),
        ("other", "crashed"),
        ("half", "crashed"),
    ],
)
def test_a_worker_that_dies_or_babbles_costs_one_file(name: str, words: str) -> None:
    first, bad, second, third = stand_in(["a", name, "b", "c"])
    assert "fine" in first
    assert bad.startswith("crashed")
    assert words in bad
    assert "fine" in second
    assert "fine" in third


def test_a_worker_that_dies_between_files_is_replaced() -> None:
    found = stand_in(["die later", "a", "die later", "b"])
    assert [row.startswith("no-text") for row in found] == [True] * 4


def test_a_hanging_file_does_not_hold_up_the_others() -> None:
    found = stand_in(["hang", *"abcdefgh"], jobs=2, seconds=3.0)
    assert [row.split(":")[0] for row in found] == ["too-slow"] + ["no-text"] * 8


def test_a_parser_that_cannot_be_started_is_a_row_for_each_file() -> None:
    command = ("/nowhere/at-all",)
    found = list(parse_worker._parse_many([ask(Path("a"))] * 2, 1, PATIENT, command))
    assert [reason(reply) for _, reply in found] == ["crashed", "crashed"]


# The real worker's own walls


def real_worker_with(program: str) -> tuple[str, ...]:
    """Return a command that runs the real loop after a change to what it calls."""
    head = "import os, sys\nfrom ragqa.parse import worker\n"
    tail = "\nworker.main(int(sys.argv[1]))"
    return sys.executable, "-c", head + textwrap.dedent(program) + tail


def test_what_a_library_prints_does_not_reach_the_protocol(paper: Path) -> None:
    program = """
        real = worker.parse_pdf
        def noisy(path, *, paper_id):
            print("noise"); os.write(1, b"more noise\\n"); sys.stdout.flush()
            assert sys.stdin.read() == ""
            return real(path, paper_id=paper_id)
        worker.parse_pdf = noisy
    """
    found = parse_worker._parse_many([ask(paper)], 1, PATIENT, real_worker_with(program))
    assert [type(reply) for _, reply in found] == [Document]


@pytest.mark.parametrize("error", ["ValueError('x')", "RecursionError()", "MemoryError()"])
def test_any_exception_of_a_library_is_a_crash_of_one_file(paper: Path, error: str) -> None:
    program = f"""
        real = worker.parse_pdf
        def failing(path, *, paper_id):
            if paper_id == "bad":
                raise {error}
            return real(path, paper_id=paper_id)
        worker.parse_pdf = failing
    """
    requests = [ask(paper, "bad"), ask(paper, "good")]
    found = parse_worker._parse_many(requests, 1, PATIENT, real_worker_with(program))
    (_, bad), (_, good) = found
    assert reason(bad) == "crashed"
    assert isinstance(good, Document)


# Nothing is left behind


def test_closing_early_ends_the_workers(paper: Path) -> None:
    before = children()
    found = parse_many([ask(paper)] * 20, jobs=2, limits=PATIENT)
    next(found)
    assert len(children() - before) == 2
    found.close()  # type: ignore[attr-defined]
    assert children() == before


def test_an_exception_at_the_reader_ends_the_workers(paper: Path) -> None:
    before = children()
    with pytest.raises(KeyboardInterrupt):
        for _ in parse_many([ask(paper)] * 20, jobs=2, limits=PATIENT):
            raise KeyboardInterrupt
    assert children() == before


# A shell starts its background jobs with SIGINT ignored, and children inherit that.
SCRIPT = """
    import signal
    import sys
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from pathlib import Path
    from ragqa.parse.worker import ParseLimits, ParseRequest, parse_many
    request = ParseRequest(paper_id="x", kind="pdf", path=Path(sys.argv[1]))
    limits = ParseLimits(seconds=300, memory_bytes=1 << 45)
    for _, reply in parse_many([request] * int(sys.argv[2]), jobs=2, limits=limits):
        print(type(reply).__name__, flush=True)
"""


def _script(path: Path, count: int) -> subprocess.Popen[bytes]:
    """Start a user's script: at its top level, without a guard."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(path), str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=parse_worker._environment(),
        start_new_session=True,
    )


def test_a_script_needs_no_main_guard(paper: Path) -> None:
    with _script(paper, 3) as script:
        out, errors = script.communicate(timeout=60)
    assert (out.split(), errors) == ([b"Document"] * 3, b"")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent_even_in_the_middle_of_a_file(
    tmp_path: Path, how: signal.Signals
) -> None:
    bomb = pdfs.nested_forms(tmp_path / "bomb.pdf", depth=30)
    with _script(bomb, 2) as script:
        workers = _wait_for_two(script.pid)
        os.kill(script.pid, how)
        script.communicate(timeout=60)
    assert len(workers) == 2
    assert not _wait_until_gone(workers)


def _state(pid: int) -> tuple[str, int]:
    """Return a process's state and session; ``Z`` once it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return "Z", 0
    fields = stat.rpartition(")")[2].split()
    return fields[0], int(fields[3])


def _wait_for_two(leader: int) -> set[int]:
    """Return the processes of a session but its leader, once there are two."""
    found: set[int] = set()
    for _ in range(600):
        pids = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
        found = {pid for pid in pids if _state(pid)[1] == leader} - {leader}
        if len(found) == 2:
            break
        time.sleep(0.05)
    return found


def _wait_until_gone(pids: set[int]) -> set[int]:
    for _ in range(600):
        pids = {pid for pid in pids if _state(pid)[0] != "Z"}
        if not pids:
            break
        time.sleep(0.05)
    return pids


def test_a_worker_starts_without_heavy_libraries() -> None:
    program = """
        import sys
        import ragqa.parse.worker
        heavy = "numpy", "torch", "pypdf", "pypdfium2", "markdown_it"
        print(*(name for name in heavy if name in sys.modules))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        check=True,
        env=parse_worker._environment(),
    )
    assert done.stdout.split() == []
