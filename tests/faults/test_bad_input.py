"""Bad input at the command line: one clear line with the item and the way out, and no harm done.

One table a kind of input; the rules behind each row are tested where they live. After every
command the corpus and the index must hold the same bytes as before, and the index must answer.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pdfs
import pytest
from corpora import STANDARD, build, make_corpus
from doubles import HashedEmbedder

from ragqa.cli import main

CORPUS, INDEX = "corpus/small", "indexes/small"
TOMATOES = "Which tomatoes grew faster at night?"
MAX_LINE = 1200  # characters of one error: a manifest's may name many lines

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a corpus and its index, to be copied."""
    folder = tmp_path_factory.mktemp("built")
    build(make_corpus(folder / CORPUS, STANDARD), folder / INDEX)
    return folder


@pytest.fixture
def call(
    built: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Call:
    """Return a way to call the command line beside a copy of the corpus and its index."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ragqa.embed.load_embedder", lambda name, **_: HashedEmbedder())

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ragqa", *arguments])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return run


def hashes(*folders: str) -> Mapping[str, str]:
    """Return the hash of every file but locks, which a refused command may leave."""
    return MappingProxyType({
        path.as_posix(): sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.name not in {".lock", ".build.lock"}
    })  # fmt: skip


def refused(call: Call, *arguments: str) -> str:
    """Run a command that must fail and harm nothing; return its one line."""
    before = hashes("corpus", "indexes")
    code, out, err = call(*arguments)
    assert (code, out) == (1, ""), err
    assert hashes("corpus", "indexes") == before
    (line,) = err.splitlines()
    assert line.startswith("ragqa: ")
    assert len(line) <= MAX_LINE
    return line


def still_answers(call: Call) -> dict[str, Any]:
    code, out, err = call("ask", TOMATOES, "--index", INDEX, "--min-confidence", "0", "--json")
    assert code == 0, err
    answer: dict[str, Any] = json.loads(out)
    assert not answer["abstained"]
    return answer


CARDS: dict[str, tuple[bytes | None, str]] = {
    "there is none": (None, "Check the path"),
    "empty": (b"", "Question:"),
    "blank": (b" \r\n\t\n", "Question:"),
    "no question": (b"### Related Papers:\nModel: X\nSummary: About X.\n", "Question:"),
    "an empty question": (b'A user has asked the following question:\n""\n', "Question:"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "plain text"),
    "a PDF": (b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n" + bytes(200), "plain text"),
}


@pytest.mark.parametrize("verb", ["import", "answer"])
@pytest.mark.parametrize(("content", "way_out"), CARDS.values(), ids=CARDS)
def test_cards(call: Call, verb: str, content: bytes | None, way_out: str) -> None:
    if content is not None:
        Path("mycard.txt").write_bytes(content)
    line = refused(call, verb, "mycard.txt", *(["corpus/new"] if verb == "import" else []))
    assert "mycard.txt" in line
    assert way_out in line
    assert not Path("corpus/new").exists()
    assert not Path("corpus/mycard").exists()


def test_a_folder_without_cards_or_a_card_that_may_not_be_read(call: Call) -> None:
    Path("folder").mkdir()
    assert "folder" in refused(call, "answer", "folder", "--out", "out")
    Path("secret.txt").write_text("Question: Why?\n", encoding="utf-8")
    Path("secret.txt").chmod(0)
    if not os.access("secret.txt", os.R_OK):
        assert "secret.txt" in refused(call, "answer", "secret.txt")


MISTAKEN = """\
schema: ragqa/manifest/1
papers:
  - id: Winter Gardens
    url: https://papers.example.org/garden.pdf
  - id: ocean
    url: papers/ocean.pdf
  - id: ocean
    title: Songs again
    url: https://papers.example.org/songs.pdf
  - id: whale
    roll: model
    github: https://gitlab.example.org/whale
"""
MISTAKES = {
    3: "the id 'Winter Gardens'",
    6: "url 'papers/ocean.pdf' is not an http:// or https:// link",
    7: "the id 'ocean' is already used on line 5",
    11: "'roll'",
    12: "https://github.com/OWNER/REPOSITORY",
}


@pytest.mark.parametrize(
    "arguments",
    [
        ("fetch", CORPUS, "--offline"),
        ("rebuild", CORPUS),
        ("add", CORPUS, "https://papers.example.org/new.pdf"),
        ("remove", CORPUS, "ocean"),
        ("ask", TOMATOES, "--index", INDEX),
    ],
    ids=lambda arguments: arguments[0],
)
def test_five_mistakes_in_a_manifest_are_named_at_once(
    call: Call, arguments: tuple[str, ...]
) -> None:
    Path(CORPUS, "manifest.yaml").write_text(MISTAKEN, encoding="utf-8")
    line = refused(call, *arguments)
    assert f"5 mistake(s) in {CORPUS}/manifest.yaml" in line
    said = dict(part.split(": ", 1) for part in line[line.index("line 3:") :].split("; line "))
    numbers = {int(key.removeprefix("line ")): text for key, text in said.items()}
    assert numbers.keys() == MISTAKES.keys()
    for number, part in MISTAKES.items():
        assert part in numbers[number]


MANIFESTS: dict[str, tuple[bytes | None, str]] = {
    "there is none": (None, f"ragqa init {CORPUS}"),
    "no YAML": (b"papers: [\n  - id: {", "line"),
    "not UTF-8": (b"schema: ragqa/manifest/1\npapers:\n  - id: caf\xe9\n", "line 3"),
    "another schema": (b"schema: ragqa/manifest/9\npapers: []\n", "line 1"),
    "a list": (b"- id: x\n", "line 1"),
}


@pytest.mark.parametrize(("content", "part"), MANIFESTS.values(), ids=MANIFESTS)
def test_manifests_that_cannot_be_read(call: Call, content: bytes | None, part: str) -> None:
    manifest = Path(CORPUS, "manifest.yaml")
    manifest.unlink() if content is None else manifest.write_bytes(content)
    line = refused(call, "rebuild", CORPUS)
    assert f"{CORPUS}/manifest.yaml" in line
    assert part in line


SOURCES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "no link and no file": (("papers/garden.pdf",), ("papers/garden.pdf", "https://")),
    "a scheme that does not exist": (("htp://example.org/a.pdf",), ("htp://", "http(s)")),
    "a link without a host": (("https:///a.pdf",), ("https:///a.pdf", "http(s)")),
    "a file link": (("file:///etc/passwd",), ("file:///etc/passwd", "http(s)")),
    "a password": (("https://me:secret@example.org/a.pdf",), ("user name or password",)),
    "listed already": (("https://papers.example.org/garden.pdf",), ("garden", "remove it")),
    "an id in use": (("https://example.org/a.pdf", "--id", "ocean"), ("ocean", "already")),
    "an id that is none": (("https://example.org/a.pdf", "--id", "My Id"), ("My Id", "a-z")),
    "a folder": (("corpus",), ("corpus", "PDF")),
    "an empty file": (("empty.pdf",), ("the file is empty", "empty.pdf", "PDF")),
    "a web page": (("page.pdf",), ("a web page", "page.pdf", "PDF")),
    "a text": (("text.pdf",), ("not a PDF", "text.pdf")),
}


@pytest.mark.parametrize(("arguments", "parts"), SOURCES.values(), ids=SOURCES)
def test_what_cannot_be_listed(
    call: Call, arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    pdfs.zero_bytes(Path("empty.pdf"))
    pdfs.html_as_pdf(Path("page.pdf"))
    Path("text.pdf").write_text("No PDF at all.\n", encoding="utf-8")
    line = refused(call, "add", CORPUS, *arguments)
    for part in parts:
        assert part in line
    still_answers(call)


def test_unknown_papers_and_corpora(call: Call) -> None:
    assert "gardn" in refused(call, "remove", CORPUS, "gardn")
    line = refused(call, "ask", TOMATOES, "--index", INDEX, "--paper", "gardn")
    assert "gardn" in line
    assert "garden" in line
    for verb in ("fetch", "rebuild"):
        assert "ragqa init nowhere" in refused(call, verb, "nowhere")
    assert "ragqa add" in refused(call, "init", CORPUS)


def _cut(name: str) -> Callable[[Path], None]:
    def cut(index: Path) -> None:
        path = index / name
        os.truncate(path, path.stat().st_size // 2)

    return cut


def _flip(name: str) -> Callable[[Path], None]:
    def flip(index: Path) -> None:
        path = index / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 255
        path.write_bytes(data)

    return flip


def _remove(name: str) -> Callable[[Path], None]:
    return lambda index: (index / name).unlink()


def _rename(index: Path) -> None:
    (index / "gen-000001").rename(index / "gen-000009")


FILES = tuple(
    f"gen-000001/{name}" for name in ("meta.json", "store.sqlite", "vectors.faiss", "sentences.npy")
) + ("gen-000001/lexical/meta.json",)
DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    **{f"cut {name}": (_cut(name), name) for name in FILES},
    **{f"flipped {name}": (_flip(name), name) for name in FILES},
    **{f"without {name}": (_remove(name), name) for name in FILES},
    "CURRENT cut": (_cut("CURRENT"), "CURRENT"),
    "CURRENT names what is gone": (_rename, INDEX),
}


@pytest.mark.parametrize(("damage", "item"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_index_is_refused_and_rebuilt(
    call: Call, damage: Callable[[Path], None], item: str
) -> None:
    whole = still_answers(call)
    damage(Path(INDEX))
    line = refused(call, "ask", TOMATOES, "--index", INDEX)
    assert item in line
    assert "ragqa rebuild" in line
    corpus = hashes("corpus")
    assert call("rebuild", CORPUS)[0] == 0
    assert hashes("corpus") == corpus
    assert still_answers(call)["sections"] == whole["sections"]


def test_an_index_that_is_not_there(call: Call) -> None:
    Path("empty").mkdir()
    Path("file").write_text("", encoding="utf-8")
    for place in ("nowhere", "empty", "file", CORPUS):
        line = refused(call, "ask", TOMATOES, "--index", place)
        assert place in line
        assert "ragqa rebuild" in line
        assert not Path("nowhere").exists()
    assert "ragqa rebuild" in refused(call, "rebuild", CORPUS, "--index", "empty", "--rollback")


QUESTIONS = {
    "empty": ("", "Ask in a sentence"),
    "blank": (" \t\n", "Ask in a sentence"),
    "no letter": ("?!? ...", "Ask in a sentence"),
    "100,000 characters": ("why " * 25_000, "at most 10,000"),
    "a megabyte": ("\u00fc" * 1_000_000, "at most 10,000"),
}


@pytest.mark.parametrize(("question", "way_out"), QUESTIONS.values(), ids=QUESTIONS)
def test_questions(call: Call, question: str, way_out: str) -> None:
    line = refused(call, "ask", question, "--index", INDEX)
    assert way_out in line
    assert len(line) < 200


ODD_QUESTIONS = {
    "lone surrogates": "Which tomatoes \udce9 grew \ud835 faster?",
    "control characters": "Which tomatoes\x00\x1b[31m grew\x07?",
    "query syntax": 'tomatoes AND ("night" OR -winter:~2 {[^',
    "markup": "<script>alert('tomatoes')</script> | [x](https://evil.example.org) `y`",
    "another alphabet": "\u05de\u05d4 \u05d6\u05d4 \u732b\u306f\uff1f \U0001f345",
    "10,000 characters": "tomato " * 1428,
}


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["markdown", "json"])
@pytest.mark.parametrize("question", ODD_QUESTIONS.values(), ids=ODD_QUESTIONS)
def test_odd_questions_are_answered_or_not_but_never_break(
    call: Call, question: str, form: tuple[str, ...]
) -> None:
    before = hashes("corpus", "indexes")
    code, out, err = call("ask", question, "--index", INDEX, *form)
    assert (code, err) == (0, "")
    assert out
    out.encode("utf-8")
    assert hashes("corpus", "indexes") == before


BAD_FILES: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "encrypted": (pdfs.encrypted, "encrypted", "without password"),
    "truncated": (pdfs.truncated, "damaged-pdf", "again"),
    "image-only": (pdfs.image_only, "no-text-layer", "OCR"),
    "garbled": (pdfs.garbled, "garbled-text", "OCR"),
    "zero-bytes": (pdfs.zero_bytes, "empty-file", "drop the file in"),
    "web-page": (pdfs.html_as_pdf, "html-instead-of-pdf", "drop it in"),
    "text": (lambda path: path.write_text("No PDF.") and path, "not-a-pdf", "drop it in"),
}
"""How it is made, the reason that is given, and the way out; the last three stop at the fetch."""
NO_PDFS = ("zero-bytes", "web-page", "text")


def test_bad_files_are_rows_and_the_rest_is_built(call: Call) -> None:
    answer = still_answers(call)
    for name, (make, _, _) in BAD_FILES.items():
        link = f"https://papers.example.org/{name}.pdf"
        assert call("add", CORPUS, link, "--id", name)[0] == 0
        make(Path(CORPUS, "pdf", f"{name}.pdf"))
    fetched = rows_of(call("fetch", CORPUS, "--offline", "--json"))
    before = hashes("corpus", f"{INDEX}/gen-000001")
    built = rows_of(call("rebuild", CORPUS, "--jobs", "1", "--json"))
    assert hashes("corpus", f"{INDEX}/gen-000001") == before
    for name, (_, reason, way_out) in BAD_FILES.items():
        assert (fetched[name]["status"] == "failed") == (name in NO_PDFS)
        row = fetched[name] if name in NO_PDFS else built[name]
        assert (row["status"], row["reason"]) == ("failed", reason)
        assert f"{name}.pdf" in row["detail"]
        assert way_out in row["detail"]
        assert "\n" not in row["detail"]
    assert {built[name]["status"] for name in NO_PDFS} == {"skipped"}
    assert {row["status"] for name, row in built.items() if name not in BAD_FILES} == {"reused"}
    assert still_answers(call)["sections"] == answer["sections"]


def rows_of(ran: tuple[int, str, str]) -> dict[str, dict[str, Any]]:
    """Return the rows of a report by paper; a bad file is a row, never a failure."""
    code, out, err = ran
    assert (code, err) == (0, "")
    return {row["paper_id"]: row for row in json.loads(out)["rows"]}


def test_lone_surrogates_are_no_harm(call: Call) -> None:
    pdfs.lone_surrogates(Path("odd.pdf"))
    assert call("add", CORPUS, "odd.pdf")[0] == 0
    code, out, _ = call("rebuild", CORPUS, "--jobs", "1", "--json")
    assert code == 0
    row = next(row for row in json.loads(out)["rows"] if row["paper_id"] == "odd")
    assert row["status"] == "built"
    question = "What do we set before each rule?"
    for form in ((), ("--json",)):
        options = ("--index", INDEX, "--paper", "odd", "--min-confidence", "0", *form)
        code, out, _ = call("ask", question, *options)
        assert code == 0
        assert "before each rule" in out
        out.encode("utf-8")
