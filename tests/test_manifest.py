"""manifest.yaml and manifest.lock: what is accepted, what is reported, what an edit keeps."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragqa.errors import CorpusError, ManifestError
from ragqa.manifest import (
    MAX_MANIFEST_BYTES,
    Lock,
    LockEntry,
    add_paper,
    arxiv_id,
    check_id,
    check_link,
    github_repo,
    load_lock,
    load_manifest,
    paper_id_for,
    parse_source,
    remove_paper,
    render_manifest,
    same_paper_key,
    save_lock,
    save_manifest,
)
from ragqa.records import Paper

MODEL = Paper(
    paper_id="deblur-mssnet-l-gopro",
    title="Deblur-MSSNet-L-GoPro",
    role="model",
    url="https://cg.postech.ac.kr/Research/MSSNet/MSSNet.pdf",
    github="https://github.com/kky7/MSSNet",
)
SHARP = Paper(
    paper_id="arxiv-2502.16025",
    title="FeatSharp: Your Vision Model Features, Sharper",
    url="http://arxiv.org/pdf/2502.16025v1.pdf",
    summary="The feature maps of vision encoders are fundamental: # to " * 6 + "tasks.",
)
EMPTY = Paper(paper_id="2001", title="2001")

COMMENTED = """\
# my corpus
schema: ragqa/manifest/1   # the format

papers:
  # the model that was recommended
  - id: one
    title: "One"   # as on the card
    url: https://example.org/one.pdf

  # two is old
  - id: two
    # no title yet
    github: https://github.com/a/two
    summary: |
      first line
      # not a comment

  - {id: three, title: 3}
# the end
"""


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


def problems(path: Path, text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(ManifestError) as caught:
        load_manifest(write(path, text))
    return [(problem.line, problem.text) for problem in caught.value.problems]


def listing(*lines: str) -> str:
    return "\n".join(("schema: ragqa/manifest/1", "papers:", *lines)) + "\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "manifest.yaml"


# --- reading


def test_saved_papers_are_read_back(path: Path) -> None:
    save_manifest(path, (MODEL, SHARP, EMPTY))
    manifest = load_manifest(path)
    assert manifest.papers == (MODEL, SHARP, EMPTY)
    assert manifest.get("2001") == EMPTY
    assert manifest.get("nope") is None


def test_sha256_is_of_the_bytes(path: Path) -> None:
    import hashlib

    save_manifest(path, (MODEL,))
    assert load_manifest(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_fresh_file_is_readable_and_the_same_each_time(path: Path) -> None:
    save_manifest(path, (MODEL, SHARP))
    text = path.read_text(encoding="utf-8")
    assert "README" in text.splitlines()[1]
    assert "    summary: >-\n" in text
    assert max(map(len, text.splitlines())) <= 110
    assert render_manifest((MODEL, SHARP)) == path.read_bytes()


def test_the_shipped_manifest_is_what_its_card_gives() -> None:
    folder = Path(__file__).parent.parent / "corpus" / "upscaling"
    papers = load_manifest(folder / "manifest.yaml").papers
    assert [paper.paper_id for paper in papers] == [
        "deblur-mssnet-l-gopro",
        "arxiv-2502.16025",
        "arxiv-2502.17093",
        "arxiv-2308.15462",
    ]
    assert [paper.role for paper in papers] == ["model", "paper", "paper", "paper"]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("2001", "2001"),
        ("007", "007"),
        ("1.10", "1.10"),
        ("true", "true"),
        ("2024-01-02", "2024-01-02"),
        ("'~'", "~"),
        ("null", "p"),
        ("", "p"),
        ('""', "p"),
        (">\n      Two\n      lines", "Two lines"),
        ("Größe ≠ 𝔸 😀", "Größe ≠ 𝔸 😀"),
    ],
)
def test_a_plain_title_is_read_as_it_is_written(path: Path, written: str, title: str) -> None:
    write(path, listing("  - id: p", f"    title: {written}"))
    assert load_manifest(path).papers == (Paper(paper_id="p", title=title),)


@pytest.mark.parametrize("empty", ["papers:\n", "papers: []\n", "papers: null\n", "papers: # none"])
def test_a_manifest_may_list_nothing(path: Path, empty: str) -> None:
    write(path, "schema: ragqa/manifest/1\n" + empty)
    assert load_manifest(path).papers == ()


def test_byte_order_mark_and_windows_line_ends(path: Path) -> None:
    text = "\ufeff" + COMMENTED.replace("\n", "\r\n")
    write(path, text)
    assert [paper.paper_id for paper in load_manifest(path).papers] == ["one", "two", "three"]


def test_line_numbers_hold_with_windows_line_ends(path: Path) -> None:
    text = listing("  - id: p", "    titel: x").replace("\n", "\r\n")
    assert problems(path, text)[0][0] == 4


def test_many_mistakes_are_all_reported_with_their_lines(path: Path) -> None:
    found = problems(
        path,
        "schema: ragqa/manifest/2\n"
        "extra: 1\n"
        "papers:\n"
        "  - id: A b\n"
        "    titel: x\n"
        "    url: ftp://x\n"
        "    github: https://gitlab.com/a/b\n"
        "    role: modle\n"
        "  - title: [1]\n"
        "    url: https://arxiv.org/abs/2502.16025\n"
        "    url: https://example.org\n"
        "  - id: ok\n"
        "    url: http://www.arxiv.org/pdf/2502.16025v3.pdf\n"
        '    summary: "\\x01"\n'
        "  - id: ok\n"
        "    url: https://user:secret@example.org\n"
        "    title: !!python/object:os.system x\n"
        "  - nope\n",
    )
    expected = [
        (1, "unknown"),
        (2, "unknown key 'extra'"),
        (4, "lower-case"),
        (5, "did you mean 'title'"),
        (6, "not an http"),
        (7, "github.com/OWNER"),
        (8, "did you mean 'model'"),
        (9, "has no id"),
        (9, "not a list"),
        (11, "first on line 10"),
        (13, "already listed on line 10"),
        (14, "control character"),
        (15, "already used on line 12"),
        (16, "user name or password"),
        (17, "tag"),
        (18, "keys and values"),
    ]
    assert [line for line, _ in found] == [line for line, _ in expected]
    for (_, text), (_, part) in zip(found, expected, strict=True):
        assert part in text


@pytest.mark.parametrize(
    "bad",
    [
        "../x",
        "a/b",
        "a\\b",
        ".a",
        "-a",
        "A",
        "é",
        "a b",
        "con",
        "nul.x",
        "com1",
        "a" * 81,
        "a\n",
        "a:b",
        "",
    ],
)
def test_bad_ids(bad: str) -> None:
    assert check_id(bad) is not None


@pytest.mark.parametrize(
    "good", ["a", "0", "arxiv-2502.16025", "a" * 80, "com10", "console", "a_b"]
)
def test_good_ids(good: str) -> None:
    assert check_id(good) is None


@pytest.mark.parametrize(
    "bad",
    [
        "x",
        "ftp://a/b",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http://a b/",
        "http://a/\x07",
        "http://a/\u202e",
        "http://[::1",
        "http://a:99999/",
        "https://u@a/",
        "http://a/" + "x" * 3000,
    ],
)
def test_bad_links(bad: str) -> None:
    assert check_link(bad) is not None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("- a\n", "keys and values"),
        ("schema: ragqa/manifest/1\n", "'papers' is missing"),
        ("papers: []\n", "schema is missing"),
        ("schema: ragqa/manifest/1\npapers: {a: b}\n", "a list"),
        ("a: [\n", "not valid YAML"),
        ("\x00", "not valid YAML"),
        ('a: "\\UFFFFFFFF"', "not valid YAML"),
        ("[" * 20_000, "nested"),
        ("a: *b\n", "alias"),
        ("a: 1\n---\nb: 1\n", "not valid YAML"),
    ],
)
def test_files_that_are_no_manifest(path: Path, text: str, part: str) -> None:
    assert any(part in said for _, said in problems(path, text))


def test_an_alias_bomb_is_refused_without_growing(path: Path) -> None:
    levels = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 30)]
    found = problems(path, "\n".join((*levels, "schema: ragqa/manifest/1", "papers: *l29")))
    assert any("unknown key 'l7'" in text for _, text in found)
    assert sum("keys and values" in text for _, text in found) == 10


def test_a_file_that_is_too_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_MANIFEST_BYTES + 1)
    with pytest.raises(ManifestError, match="larger"):
        load_manifest(path)


def test_a_file_that_is_not_utf8_names_the_line(path: Path) -> None:
    path.write_bytes(b"schema: ragqa/manifest/1\npapers: []\n# \xff\n")
    with pytest.raises(ManifestError, match="line 3: this is not UTF-8"):
        load_manifest(path)


def test_absent_file_says_what_to_run(path: Path) -> None:
    with pytest.raises(CorpusError, match="ragqa init"):
        load_manifest(path)


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir()
    with pytest.raises(CorpusError, match="cannot be read"):
        load_manifest(path)


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(st.text(max_size=200), st.text("\n -:[]{}#&*!|>'\"%@`?,idpaersch1\\x", max_size=80))
)
def test_no_text_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(b"schema: ragqa/manifest/1\npapers:\n" + text.encode("utf-8", "replace"))
    try:
        load_manifest(path)
    except ManifestError as error:
        assert error.problems


printable = st.text(
    st.characters(exclude_categories=("Cc", "Cs")).filter(str.isprintable), min_size=1
)
prose = st.lists(st.one_of(printable, st.sampled_from([" ", "\n", "\n\n", ": ", " #", "- "]))).map(
    "".join
)


@settings(max_examples=60, deadline=None)
@given(title=printable, summary=prose, at=st.integers(0, 2))
def test_printable_text_survives(
    tmp_path_factory: pytest.TempPathFactory, title: str, summary: str, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.yaml"
    odd = Paper(paper_id="odd", title=title, summary=summary or None)
    rest = (MODEL, SHARP)
    papers = (*rest[:at], odd, *rest[at:])
    save_manifest(path, papers)
    assert load_manifest(path).papers == papers
    assert remove_paper(path, "odd").papers == rest == load_manifest(path).papers
    add_paper(path, odd)
    assert load_manifest(path).papers == (*rest, odd)


def test_what_cannot_be_listed_is_not_written(path: Path) -> None:
    for bad in (
        replace(MODEL, paper_id="../x"),
        replace(MODEL, title="a\nb"),
        replace(MODEL, title="\x1b[31m"),
        replace(MODEL, title="\ud800"),
        replace(MODEL, url="no link"),
    ):
        with pytest.raises(ManifestError):
            save_manifest(path, (bad,))
    with pytest.raises(ManifestError, match="already"):
        save_manifest(path, (MODEL, replace(MODEL, paper_id="other")))
    assert not path.exists()


# --- editing


def test_add_keeps_every_line_that_was_there(path: Path) -> None:
    write(path, COMMENTED)
    manifest = add_paper(path, SHARP)
    text = path.read_text(encoding="utf-8")
    kept, _, end = COMMENTED.rpartition("# the end\n")
    assert text.startswith(kept)
    assert text.endswith("# the end\n")
    assert [paper.paper_id for paper in manifest.papers] == ["one", "two", "three", SHARP.paper_id]
    assert load_manifest(path) == manifest
    assert end == ""


def test_remove_takes_the_entry_and_leaves_the_comments(path: Path) -> None:
    write(path, COMMENTED)
    remove_paper(path, "two")
    gone = COMMENTED[COMMENTED.index("  - id: two") : COMMENTED.index("  - {id: three")]
    assert path.read_text(encoding="utf-8") == COMMENTED.replace(gone, "")


@pytest.mark.parametrize("order", [("one", "two", "three"), ("three", "one", "two")])
def test_remove_all_then_add(path: Path, order: tuple[str, ...]) -> None:
    write(path, COMMENTED)
    for paper_id in order:
        remove_paper(path, paper_id)
    text = path.read_text(encoding="utf-8")
    assert "# the model that was recommended" in text
    assert "# two is old" in text
    assert load_manifest(path).papers == ()
    add_paper(path, MODEL)
    assert load_manifest(path).papers == (MODEL,)


@pytest.mark.parametrize(
    "text",
    [
        "papers:\nschema: ragqa/manifest/1",
        "schema: ragqa/manifest/1\npapers: [] # none\n",
        "schema: ragqa/manifest/1\npapers: # none",
        "schema: ragqa/manifest/1\npapers: ~",
        "schema: ragqa/manifest/1\npapers: [{id: a, title: x}, # one\n {id: b}, ]\n# end",
        "schema: ragqa/manifest/1\npapers:\n- id: a\n- id: b\n\n\n# end",
        "schema: ragqa/manifest/1\npapers:\n    -   id: a\n\n    -\n        id: b",
        "papers:\n- id: a\n- # dash\n  id: b\n\n# next\nschema: ragqa/manifest/1\n",
        "---\nschema: ragqa/manifest/1\npapers:\n  - id: a\n    summary: |+\n      x\n\n"
        "  - id: b\n...\n",
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_edits_in_every_layout(path: Path, text: str, newline: str, bom: str) -> None:
    write(path, bom + text.replace("\n", newline))
    before = load_manifest(path).papers
    add_paper(path, SHARP)
    after = path.read_bytes()
    assert load_manifest(path).papers == (*before, SHARP)
    assert after.startswith(bom.encode())
    if newline == "\r\n" and b"[{" not in after:
        assert after.count(b"\n") == after.count(b"\r\n")
    for paper in before:
        remove_paper(path, paper.paper_id)
    assert load_manifest(path).papers == (SHARP,)
    assert all(
        mark in path.read_text("utf-8") for mark in ("# none", "# end", "# next") if mark in text
    )


def test_what_cannot_be_edited_is_left_alone(path: Path) -> None:
    text = "{schema: ragqa/manifest/1, papers: []}\n"
    write(path, text)
    with pytest.raises(CorpusError, match="by hand"):
        add_paper(path, MODEL)
    assert path.read_text(encoding="utf-8") == text


def test_removing_what_others_refer_to_changes_nothing(path: Path) -> None:
    text = listing("- id: a", "  title: &t T", "- id: b", "  title: *t")
    write(path, text)
    with pytest.raises((CorpusError, ManifestError)):
        remove_paper(path, "a")
    assert path.read_text(encoding="utf-8") == text


def test_unknown_id_suggests_the_nearest(path: Path) -> None:
    save_manifest(path, (MODEL, SHARP))
    with pytest.raises(CorpusError, match=r"Did you mean 'arxiv-2502\.16025'"):
        remove_paper(path, "arxiv-2502.16026")
    with pytest.raises(CorpusError, match="Listed are"):
        remove_paper(path, "zzz")


@pytest.mark.parametrize(
    "again",
    [
        replace(SHARP, url=None),
        replace(SHARP, paper_id="other", url="https://arxiv.org/abs/2502.16025"),
    ],
)
def test_a_listed_paper_is_not_added_again(path: Path, again: Paper) -> None:
    save_manifest(path, (MODEL, SHARP))
    before = path.read_bytes()
    with pytest.raises(CorpusError, match="already listed"):
        add_paper(path, again)
    assert path.read_bytes() == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(path: Path) -> None:
    save_manifest(path, (MODEL,))
    path.parent.chmod(0o500)
    with pytest.raises(CorpusError, match="cannot be written"):
        add_paper(path, SHARP)


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    write(tmp_path / "file", "x")
    with pytest.raises(CorpusError, match="cannot be written"):
        save_manifest(tmp_path / "file" / "manifest.yaml", (MODEL,))


# --- links and ids


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://arxiv.org/pdf/2502.16025v1.pdf", ("2502.16025", 1)),
        ("https://arxiv.org/abs/2502.16025", ("2502.16025", None)),
        ("https://www.arxiv.org/abs/2502.16025v12/", ("2502.16025", 12)),
        ("https://export.arxiv.org/html/0704.0001v2#S1", ("0704.0001", 2)),
        ("http://arxiv.org/abs/hep-th/9901001", ("hep-th/9901001", None)),
        ("https://arxiv.org/pdf/math.GT/0309136v3.pdf", ("math.gt/0309136", 3)),
        ("HTTPS://ARXIV.ORG/PDF/2502.16025V2.PDF?x=y", ("2502.16025", 2)),
        ("https://arxiv.org/list/cs.CV/recent", None),
        ("https://arxiv.org/abs/2502.16025v0", None),
        ("https://arxiv.org/abs/2502.160251", None),
        ("https://notarxiv.org/abs/2502.16025", None),
        ("https://arxiv.org.evil.org/abs/2502.16025", None),
        ("ftp://arxiv.org/abs/2502.16025", None),
        ("2502.16025", None),
        ("http://[", None),
    ],
)
def test_arxiv_id(url: str, found: tuple[str, int | None] | None) -> None:
    assert arxiv_id(url) == found


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://a.org/x", "https://www.A.org/x/#p", True),
        ("http://a.org:80/x", "https://a.org:443/x", True),
        ("http://arxiv.org/pdf/2502.16025v1.pdf", "https://arxiv.org/abs/2502.16025v2", True),
        ("http://a.org/x?id=1", "http://a.org/x?id=2", False),
        ("http://a.org/x", "http://a.org/X", False),
        ("http://a.org:81/x", "http://a.org/x", False),
        ("https://arxiv.org/abs/2502.16025", "https://arxiv.org/abs/2502.16026", False),
    ],
)
def test_same_paper_key(one: str, other: str, same: bool) -> None:
    assert (same_paper_key(one) == same_paper_key(other)) is same


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://github.com/kky7/MSSNet", ("kky7", "MSSNet")),
        ("http://www.github.com/a/b.git", ("a", "b")),
        ("https://github.com/a/b/tree/main/c?x#y", ("a", "b")),
        ("https://github.com/a", None),
        ("https://github.com/a/..", None),
        ("https://github.com/a/%2e%2e", None),
        ("https://gitlab.com/a/b", None),
        ("https://github.com.evil.org/a/b", None),
    ],
)
def test_github_repo(url: str, found: tuple[str, str] | None) -> None:
    assert github_repo(url) == found


@pytest.mark.parametrize(
    ("title", "url", "made"),
    [
        ("FeatSharp", "http://arxiv.org/pdf/2502.16025v1.pdf", "arxiv-2502.16025"),
        ("x", "http://arxiv.org/abs/hep-th/9901001", "arxiv-hep-th-9901001"),
        ("Deblur-MSSNet-L-GoPro", MODEL.url, "deblur-mssnet-l-gopro"),
        ("Über Größe & Maß", None, "uber-groe-ma"),
        ("深度学习", "https://a.org/papers/Deep_Learning.PDF", "deep-learning"),
        ("深度学习", "https://a.org/", "a-org"),
        ("", None, "paper-e3b0c442"),
        ("CON", None, "paper-con"),
        ("a" * 200, None, "a" * 80),
        ("word " * 40, None, "-".join(["word"] * 16)),
    ],
)
def test_paper_id_for(title: str, url: str | None, made: str) -> None:
    assert paper_id_for(title=title, url=url) == made


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=100), st.sampled_from([None, "http://a/b", SHARP.url]))))
def test_ids_are_good_and_differ(papers: list[tuple[str, str | None]]) -> None:
    taken: set[str] = set()
    for title, url in papers:
        made = paper_id_for(title=title, url=url, taken=taken)
        assert check_id(made) is None
        assert made not in taken
        taken.add(made)


def test_parse_source() -> None:
    url = "https://arxiv.org/abs/2502.16025"
    for text in ("2502.16025", "arXiv:2502.16025", " arxiv.org/abs/2502.16025", url):
        links = parse_source(text)
        assert links is not None
        assert (links.url, links.github) == (url, None)
    links = parse_source("github.com/a/b")
    assert links is not None
    assert (links.url, links.github) == (None, "https://github.com/a/b")
    assert parse_source("papers/x.pdf") is None
    assert parse_source("C:\\x.pdf") is None
    for bad in ("ftp://a/b", "https://u:p@a/b", "https://", "file:///etc/passwd"):
        with pytest.raises(CorpusError):
            parse_source(bad)


# --- lock

ENTRY = LockEntry(
    paper_id="arxiv-2502.16025",
    kind="pdf",
    path="pdf/arxiv-2502.16025.pdf",
    url="http://arxiv.org/pdf/2502.16025v1.pdf",
    final_url="https://arxiv.org/pdf/2502.16025v1",
    sha256="0" * 64,
    size=10,
    etag='"x"',
    fetched="2025-03-01T10:00:00+00:00",
    origin="network",
)
README = replace(ENTRY, paper_id="a", kind="readme", path="readme/a.md", origin="mirror")


def test_lock_round_trip_and_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "manifest.lock"
    assert load_lock(path) == Lock()
    lock = Lock().with_entry(ENTRY).with_entry(README)
    save_lock(path, lock)
    first = path.read_bytes()
    assert load_lock(path) == lock
    save_lock(path, Lock(entries=(ENTRY, README)))
    assert path.read_bytes() == first


def test_lock_replaces_and_drops() -> None:
    newer = replace(ENTRY, size=11)
    lock = Lock().with_entry(ENTRY).with_entry(README).with_entry(newer)
    assert lock.get(ENTRY.paper_id, "pdf") == newer
    assert lock.get(ENTRY.paper_id, "readme") is None
    assert lock.without(ENTRY.paper_id, "pdf").entries == (README,)
    assert lock.without("zzz", "pdf") == lock


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("path", "../x", "inside"),
        ("path", "/etc/passwd", "inside"),
        ("path", "pdf/../../x", "inside"),
        ("path", "pdf\\..\\x", "inside"),
        ("path", "C:/x", "inside"),
        ("path", "", "inside"),
        ("sha256", "xyz", "sha256"),
        ("size", -1, "size"),
        ("size", True, "a number"),
        ("size", "1", "a number"),
        ("fetched", "yesterday", "no time"),
        ("fetched", "2025-03-01T10:00:00", "no time"),
        ("origin", "moon", "origin"),
        ("url", None, "text"),
        ("etag", 3, "text"),
        ("extra", 3, "unknown value"),
    ],
)
def test_lock_names_every_problem(tmp_path: Path, field: str, value: object, part: str) -> None:
    path = tmp_path / "manifest.lock"
    save_lock(path, Lock().with_entry(ENTRY))
    content = json.loads(path.read_bytes())
    content["files"][ENTRY.key][field] = value
    content["files"]["b/zip"] = dict(content["files"][ENTRY.key], path="pdf/b.pdf")
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ManifestError, match=part) as caught:
        load_lock(path)
    assert len(caught.value.problems) >= 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"schema": "ragqa/lock/2", "files": {}}',
        '{"schema": "ragqa/lock/1", "files": []}',
        '{"schema": "ragqa/lock/1", "files": {"a/pdf": 1}}',
        '{"schema": "ragqa/lock/1", "files": {}, "files": {}}',
        "[" * 100_000,
        "\udcff",
    ],
)
def test_a_damaged_lock(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.lock"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ManifestError):
        load_lock(path)


def test_a_lock_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "manifest.lock"
    with pytest.raises(ManifestError, match="inside"):
        save_lock(path, Lock(entries=(replace(ENTRY, path="../x"),)))
    assert not path.exists()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.lock"
    path.write_bytes(data)
    with pytest.raises(ManifestError):
        load_lock(path)
