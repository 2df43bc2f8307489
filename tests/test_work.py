"""How much work a build and a question are: counted, never timed, so that it cannot creep up.

A ceiling holds what the work is today and a little more; who does less may lower it. What a count
covers, and what it cannot see, stands in `counted`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from corpora import STANDARD, Text, make_corpus
from counted import Counts, counted
from doubles import HashedEmbedder

import ragqa.embed.model as model
from ragqa.api import Reader
from ragqa.build import BuildReport, build_index
from ragqa.chunk import chunk_document
from ragqa.embed import load_embedder
from ragqa.embed.base import ChunkEmbeddings, FloatMatrix, Span
from ragqa.embed.session import Session
from ragqa.index.generation import open_generation
from ragqa.parse import worker
from ragqa.records import Document

COUNTED = Path(__file__).parent / "counted.py"
TOMATOES = "Which tomatoes grew faster at night?"
PAPERS, PAGES = 4, 3  # of the corpus, and of each of them
LINES = 45  # of a page
CHANGED = "paper-2"
SLACK = 64 << 10  # bytes; of what does not grow with a corpus

# What a question may import, by the name before the first dot. Not among them is what opens chat
# models, parses, exports or draws, and what shows progress.
LIBRARIES = {
    "click", "faiss", "numpy", "onnxruntime", "packaging", "platformdirs", "ragqa",
    "swig_runtime_data5", "tantivy", "tokenizers",
}  # fmt: skip
OWN_MODULES = 78
ALL_MODULES = 360  # 340 on Python 3.11; the standard library's differ by version
OWN_PATTERNS = 28
STATEMENTS = 2  # of a question whose texts are at hand: the rows it found, and their sentences


def lines(paper: int, version: int = 1) -> list[str]:
    """Return a paper's lines, one sentence each, different in every paper and version."""
    return [
        f"In trial {paper}.{version} the garden number {n} gave {n * 7 + paper} baskets of beans."
        for n in range(LINES * PAGES)
    ]


def texts(version: int = 1) -> dict[str, Text]:
    """Return papers of some pages, one of them in a version, a README and a summary."""
    papers = {
        f"paper-{n}": Text(pdf=lines(n, version if f"paper-{n}" == CHANGED else 1))
        for n in range(PAPERS)
    }
    return {**STANDARD, **papers}


class TalliedEmbedder(HashedEmbedder):
    """Remembers what goes through it; its own checks, which a model makes as it encodes, aside."""

    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        """Forget what went through it."""
        self.tokenised: list[str] = []
        self.embedded: list[str] = []
        self.spans: list[tuple[str, Span]] = []
        self.asked: list[list[str]] = []

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self.tokenised.extend(texts)
        return super().count_tokens(texts)

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        self.asked.append(list(texts))
        return super().embed_queries(texts)

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        self.embedded.extend(texts)
        for text, spans in zip(texts, sentences, strict=True):
            self.spans.extend((text, span) for span in spans)
        before = len(self.tokenised)
        made = super().embed_chunks(texts, sentences)
        del self.tokenised[before:]
        return made


class Bench:
    """A corpus and its index, and what a build of it is."""

    def __init__(self, folder: Path) -> None:
        self.corpus = folder / "corpus" / "c"
        self.index = folder / "indexes" / "c"
        self.embedder = TalliedEmbedder()
        self.report: BuildReport
        make_corpus(self.corpus, texts())

    def build(self) -> Counts:
        """Build with two parsing processes, and count."""
        self.embedder.clear()
        with counted() as work:
            self.report = build_index(self.corpus, self.index, embedder=self.embedder, jobs=2)
        return work

    def chunks(self) -> list[str]:
        """Return the text of every chunk of the generation in force."""
        with open_generation(self.index) as generation:
            return [c.text for c in generation.store.chunks(range(generation.meta.counts.chunks))]

    def files(self) -> dict[Path, tuple[int, int, int]]:
        """Return every file of the index, with what changes where it is written; no locks."""
        found = ((path, path.stat()) for path in self.index.rglob("*") if path.is_file())
        return {
            path: (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            for path, stat in found
            if path.suffix != ".lock" and path.name not in {".lock", ".build.lock"}
        }

    def size(self) -> int:
        """Return the bytes of the generation in force."""
        folder = self.index / (self.index / "CURRENT").read_text(encoding="utf-8").strip()
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Return a list that grows with the replies of parsing processes: a paper and its pages."""
    replies: list[tuple[str, int]] = []
    decode = worker._decode_reply

    def count(line: bytes) -> Any:
        reply = decode(line)
        assert isinstance(reply, Document)
        replies.append((reply.paper_id, len(reply.pages)))
        return reply

    monkeypatch.setattr(worker, "_decode_reply", count)
    return replies


def opened(paths: Sequence[str], under: Path) -> Counter[str]:
    """Return how often each file of a folder was opened."""
    found = (Path(path) for path in paths)
    return Counter(p.relative_to(under).as_posix() for p in found if p.is_relative_to(under))


# --- builds -----------------------------------------------------------------------------------


def test_a_first_build_does_everything_once(bench: Bench, parsed: list[tuple[str, int]]) -> None:
    work = bench.build()
    assert set(bench.report.counts) == {"built"}
    papers = [f"paper-{n}" for n in range(PAPERS)]
    assert sorted(parsed) == [("garden", 1), *((paper, PAGES) for paper in papers)]
    assert len(work.processes) == 2, work.processes
    assert sorted(bench.embedder.embedded) == sorted(bench.chunks())
    assert len(bench.embedder.spans) == len(set(bench.embedder.spans))
    assert opened(work.read, bench.corpus) == {
        "manifest.yaml": 1,
        "manifest.lock": 1,
        "readme/tiny-upscaler.md": 2,  # hashed with all others, later read
        **{f"pdf/{paper}.pdf": 1 for paper in ("garden", *papers)},  # a parser reads them
    }
    assert not opened(work.written, bench.index / "work")  # so little is held until it is written


def test_a_text_goes_through_the_tokeniser_twice_before_it_is_embedded(bench: Bench) -> None:
    bench.build()
    tokenised = Counter(bench.embedder.tokenised)
    assert sum(map(len, bench.embedder.tokenised)) <= 2 * sum(map(len, bench.chunks()))
    assert max(tokenised.values()) <= 2, tokenised.most_common(
        3
    )  # a chunk of one sentence: as both


def test_a_build_without_changes_does_nothing(bench: Bench, parsed: list[tuple[str, int]]) -> None:
    bench.build()
    before = bench.files()
    parsed.clear()
    work = bench.build()
    assert (set(bench.report.counts), bench.report.changed) == ({"reused"}, False)
    assert (parsed, work.processes) == ([], [])
    assert (bench.embedder.tokenised, bench.embedder.embedded) == ([], [])
    assert bench.files() == before
    assert set(opened(work.written, bench.index)) <= {".lock", ".build.lock"}
    assert work.bytes_written <= 0
    assert max(opened(work.read, bench.corpus).values()) == 1
    corpus = sum(path.stat().st_size for path in bench.corpus.rglob("*") if path.is_file())
    assert work.bytes_read <= corpus + 2 * bench.size() + SLACK  # hashed, then read
    assert len(work.statements) <= 1 + 2 * len(bench.report.rows)  # what each is, not its text
    assert not [each for each in work.statements if "text" in each]
    assert (work.modules, work.patterns) == ([], [])


def test_one_changed_paper_costs_that_paper_and_the_writing(
    bench: Bench, parsed: list[tuple[str, int]]
) -> None:
    bench.build()
    before, kept = bench.files(), Counter(bench.chunks())
    parsed.clear()
    make_corpus(bench.corpus, texts(version=2))
    work = bench.build()
    assert bench.report.counts == {"built": 1, "reused": len(bench.report.rows) - 1}
    assert (parsed, len(work.processes)) == ([(CHANGED, PAGES)], 1)
    assert sorted(bench.embedder.embedded) == sorted((Counter(bench.chunks()) - kept).elements())
    own = sum(map(len, bench.embedder.embedded))
    assert own < sum(map(len, bench.chunks())) / (PAPERS - 1)
    assert sum(map(len, bench.embedder.tokenised)) <= 2 * own
    assert bench.files().items() >= {(p, s) for p, s in before.items() if p.name != "CURRENT"}
    assert max(opened(work.read, bench.corpus).values()) == 1
    written = opened(work.written, bench.index)
    assert max(count for path, count in written.items() if not path.endswith("lock")) <= 2, written
    assert work.bytes_written <= 1.5 * bench.size() + SLACK  # the lexical part is merged
    assert (work.modules, work.patterns) == ([], [])


@pytest.mark.model
def test_the_model_reads_each_token_once_and_no_padding(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens: list[int] = []
    characters: list[int] = []
    run, open_tokenizer = Session.run, model.open_tokenizer

    def running(session: Session, feed: Any) -> Any:
        tokens.append(next(iter(feed.values())).size)
        return run(session, feed)

    monkeypatch.setattr(Session, "run", running)
    monkeypatch.setattr(
        model, "open_tokenizer", lambda folder: TalliedTokenizer(open_tokenizer(folder), characters)
    )
    embedder = load_embedder()
    document = long_document(bench)
    characters.clear()
    chunks = chunk_document(document, embedder.count_tokens, max_tokens=embedder.max_tokens)
    chunked = sum(characters)
    spans = [[(s.start - c.start, s.end - c.start) for s in c.sentences] for c in chunks]
    embedder.embed_chunks([chunk.text for chunk in chunks], spans)
    length = sum(len(chunk.text) for chunk in chunks)
    assert chunked <= 2 * length
    assert sum(characters) - chunked <= length
    assert sum(tokens) == sum(embedder.count_tokens([chunk.text for chunk in chunks])) + 2 * len(
        chunks
    )  # with the two special ones


def long_document(bench: Bench) -> Document:
    """Return a paper as the index holds it."""
    bench.build()
    with open_generation(bench.index) as generation:
        return generation.store.document(CHANGED, "pdf")


class TalliedTokenizer:
    """A tokenizer that notes how many characters each of its calls was given."""

    def __init__(self, real: Any, characters: list[int]) -> None:
        self._real, self._characters = real, characters

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def encode(self, text: str, **options: Any) -> Any:
        self._characters.append(len(text))
        return self._real.encode(text, **options)

    def encode_batch(self, texts: list[str], **options: Any) -> Any:
        self._characters.append(sum(map(len, texts)))
        return self._real.encode_batch(texts, **options)

    def encode_batch_fast(self, texts: list[str], **options: Any) -> Any:
        self._characters.append(sum(map(len, texts)))
        return self._real.encode_batch_fast(texts, **options)


# --- a question from a shell ------------------------------------------------------------------


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Ask from a fresh process; return where, and what that was."""
    folder, out = tmp_path_factory.mktemp("cold"), "work.json"
    make_corpus(folder / "corpus/c", STANDARD)
    build_index(folder / "corpus/c", folder / "indexes/c", embedder=load_embedder(), jobs=1)
    ran = subprocess.run(
        [sys.executable, COUNTED, out, "ask", TOMATOES, "--min-confidence", "0", "--json"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "grew faster" in json.dumps(json.loads(ran.stdout)["sections"])
    return folder, json.loads((folder / out).read_text(encoding="utf-8"))


Cold = tuple[Path, dict[str, Any]]


@pytest.mark.model
def test_asking_imports_no_more_than_it_needs(cold: Cold) -> None:
    names = cold[1]["modules"]
    own = sorted(name for name in names if name.split(".")[0] == "ragqa")
    foreign = {name.split(".")[0] for name in names} - sys.stdlib_module_names
    assert {"ragqa", "onnxruntime", "tokenizers", "faiss"} <= foreign  # so it was counted
    assert foreign <= LIBRARIES, sorted(foreign - LIBRARIES)
    assert len(own) <= OWN_MODULES, own
    assert len(names) <= ALL_MODULES, Counter(name.split(".")[0] for name in names)


@pytest.mark.model
def test_asking_compiles_few_patterns(cold: Cold) -> None:
    own = Counter(module for module, _ in cold[1]["patterns"] if module.startswith("ragqa"))
    assert 0 < sum(own.values()) <= OWN_PATTERNS, own
    twice = {each: n for each, n in Counter(map(tuple, cold[1]["patterns"])).items() if n > 1}
    assert not {module for module, _ in twice if module.startswith("ragqa")}, twice


@pytest.mark.model
def test_asking_reads_each_file_once_and_writes_none(cold: Cold) -> None:
    work = cold[1]
    index = opened(work["read"], Path("indexes/c"))
    assert index["CURRENT"] == 1
    assert max(count for path, count in index.items() if "sentences" not in path) == 1, index
    assert max(index.values()) <= 5, index  # numpy reads a header in three steps
    assert not opened(work["read"], Path("corpus/c/pdf"))
    assert not [path for path in work["written"] if Path(path).is_relative_to("indexes")]
    assert work["processes"] == []


@pytest.mark.model
def test_asking_reads_the_model_once(cold: Cold) -> None:
    (folder,) = {Path(path).parent for path in cold[1]["read"] if "tokenizer.json" in path}
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert cold[1]["bytes_read"] <= size + (16 << 20)  # code, index and list beside it


@pytest.mark.model
def test_a_shell_question_asks_the_store_little(cold: Cold) -> None:
    documents = len(STANDARD)
    statements = Counter(cold[1]["statements"])
    assert max(statements.values()) == 1, statements.most_common(3)
    assert len(statements) <= 4 + 2 * documents  # the list, the rows, and each text and its map


# --- a question to an open reader ---------------------------------------------------------------


def asked(folder: Path, papers: int) -> list[Counts]:
    """Ask an index of that many summaries four questions; return what each was."""
    listed = {
        f"p-{n}": Text(summary=f"Tomatoes of garden {n} grew at night. They gave {n} baskets.")
        for n in range(papers)
    }
    index, embedder, works = folder / "indexes/c", TalliedEmbedder(), []
    build_index(make_corpus(folder / "corpus/c", listed), index, embedder=HashedEmbedder(), jobs=1)
    reader = Reader.open(index, embedder=embedder, min_confidence=0.0)
    for number in range(4):
        embedder.clear()
        with counted() as work:
            assert reader.ask(f"How many baskets did garden {number} give?").statements
        assert embedder.asked == [[f"How many baskets did garden {number} give?"]]
        assert (embedder.embedded, embedder.tokenised) == ([], [])
        works.append(work)
    reader.close()
    return works


def test_a_warm_question_opens_imports_and_compiles_nothing(tmp_path: Path) -> None:
    for work in asked(tmp_path, 20)[1:]:
        assert (work.modules, work.patterns, work.written, work.processes) == ([], [], [], [])
        assert set(opened(work.read, tmp_path)) <= {"corpus/c/manifest.yaml"}
        kept = [s for s in work.statements if "WHERE number" not in s]
        assert len(kept) <= STATEMENTS, kept


def test_a_question_does_not_grow_with_the_list(tmp_path: Path) -> None:
    few, many = asked(tmp_path / "few", 60), asked(tmp_path / "many", 180)
    assert len(many[0].statements) <= len(few[0].statements)


def test_counting_counts(tmp_path: Path) -> None:
    """What the guards above stand on: each kind of work is seen."""
    with counted() as work:
        (tmp_path / "a").write_bytes(b"x" * 4096)
        (tmp_path / "a").read_bytes()
        subprocess.run([sys.executable, "-S", "-c", ""], check=True)
    assert opened(work.written, tmp_path) == opened(work.read, tmp_path) == {"a": 1}
    assert len(work.processes) == 1
    assert work.bytes_written == -1 or work.bytes_written >= 4096
    with counted() as work:
        pass
    assert (work.written, work.read, work.processes, work.bytes_written > 0) == ([], [], [], False)
