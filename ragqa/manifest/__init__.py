"""`manifest.yaml` and `manifest.lock` <-> papers and lock entries.

In: the two files of a corpus folder. Out: a `Manifest` of `Paper`s, a `Lock` of `LockEntry`s, and
the same files, written atomically.

Invariants: every mistake in a file is reported at once; an edit keeps what it does not touch;
ids are unique and safe as file names; a paper is listed once, whatever the form of its link.
`links` judges links and ids, `reading` reads, `editing` writes and edits, `lock` is the lock.
"""

from __future__ import annotations

from ragqa.manifest.editing import add_paper, remove_paper, render_manifest, save_manifest
from ragqa.manifest.links import (
    SourceLinks,
    arxiv_id,
    check_github,
    check_id,
    check_link,
    github_repo,
    paper_id_for,
    parse_source,
    same_paper_key,
)
from ragqa.manifest.lock import FileKind, Lock, LockEntry, Origin, load_lock, save_lock
from ragqa.manifest.reading import MAX_MANIFEST_BYTES, Manifest, load_manifest

__all__ = [
    "MAX_MANIFEST_BYTES",
    "FileKind",
    "Lock",
    "LockEntry",
    "Manifest",
    "Origin",
    "SourceLinks",
    "add_paper",
    "arxiv_id",
    "check_github",
    "check_id",
    "check_link",
    "github_repo",
    "load_lock",
    "load_manifest",
    "paper_id_for",
    "parse_source",
    "remove_paper",
    "render_manifest",
    "same_paper_key",
    "save_lock",
    "save_manifest",
]
