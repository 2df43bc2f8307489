"""What a row says: from lock entries, states and errors to `FetchRow`s.

Pure. Invariant: a row with a `path` names a file that is on disk as its lock entry has it.
"""

from __future__ import annotations

from ragqa.errors import CorpusError, FetchError
from ragqa.fetch.links import Want
from ragqa.fetch.report import FetchRow, FetchStatus
from ragqa.fetch.shelf import CHANGED_SUFFIX, State
from ragqa.manifest import LockEntry

__all__ = ["disk_error", "failed_row", "good_row", "kept_row", "nothing_listed"]

_STATUS: dict[str, FetchStatus] = {
    "network": "fetched",
    "mirror": "mirrored",
    "dropped": "dropped-in",
}


def kept_row(want: Want, entry: LockEntry) -> FetchRow:
    """Return the row of a file that is there as locked.

    :param want: The file.
    :param entry: Its entry.
    :return: ``unchanged``.
    """
    return _row(want, entry, "unchanged", "")


def good_row(want: Want, entry: LockEntry, before: LockEntry | None, state: State) -> FetchRow:
    """Return the row of a file that has just been had.

    :param want: The file.
    :param entry: Its entry.
    :param before: Its entry before, if any.
    :param state: How it stood before.
    :return: The row; its reason is ``changed`` where the bytes on disk, or those had now, are not
        those that were locked.
    """
    if before is None or (state == "good" and before.sha256 == entry.sha256):
        return _row(want, entry, "unchanged" if before else _STATUS[entry.origin], "")
    said = []
    if state == "changed" and before.origin != "dropped":
        said.append(
            f"the file on disk was not what was locked: it is kept as "
            f"{before.path}{CHANGED_SUFFIX} and not used"
        )
    if before.sha256 != entry.sha256:
        day = before.fetched[:10]
        said.append(f"these are not the bytes locked on {day}: rebuild to use them")
    return _row(want, entry, _STATUS[entry.origin], "; ".join(said))


def failed_row(want: Want, error: FetchError, entry: LockEntry | None, state: State) -> FetchRow:
    """Return the row of a file that could not be had; a good older one stays in use.

    :param want: The file.
    :param error: Why.
    :param entry: Its entry, if any.
    :param state: How it stands.
    :return: ``failed``, or ``unfetched`` where nothing was asked.
    """
    detail, reason = str(error), error.reason
    if state == "changed" and entry is not None and entry.origin != "dropped":
        detail = f"the file on disk is not what was locked and is not used; {detail}"
        reason = "changed"
    kept = entry if state == "good" else None
    if kept is not None:
        detail = f"{detail}; the file of {kept.fetched[:10]} stays in use"
    return FetchRow(
        paper_id=want.paper_id,
        kind=want.kind,
        status="unfetched" if error.reason == "offline" else "failed",
        reason=reason,
        detail=detail,
        url=want.listed,
        path=kept.path if kept else None,
        size=kept.size if kept else None,
        sha256=kept.sha256 if kept else None,
        retryable=error.retryable,
    )


def nothing_listed(paper_id: str) -> FetchRow:
    """Return the row of a paper without a link.

    :param paper_id: The paper.
    :return: ``nothing-listed``.
    """
    return FetchRow(
        paper_id=paper_id,
        kind=None,
        status="nothing-listed",
        detail=f"The manifest lists no link: add one, or drop the PDF in as pdf/{paper_id}.pdf",
    )


def disk_error(error: OSError | CorpusError, want: Want) -> FetchError:
    """Return what a file that cannot be read or written means.

    :param error: What the system, or the lock's writer, said.
    :param want: The file.
    :return: ``disk``.
    """
    why = error.what if isinstance(error, CorpusError) else error.strerror or str(error)
    item = error.item if isinstance(error, CorpusError) else error.filename
    return FetchError(
        f"a file cannot be read or written ({why})",
        reason="disk",
        item=item or want.name,
        hint="Check free space and permissions, then fetch again",
        retryable=True,
    )


def _row(want: Want, entry: LockEntry, status: FetchStatus, detail: str) -> FetchRow:
    return FetchRow(
        paper_id=want.paper_id,
        kind=want.kind,
        status=status,
        reason="changed" if detail else None,
        detail=detail,
        url=want.listed,
        path=entry.path,
        size=entry.size,
        sha256=entry.sha256,
    )
