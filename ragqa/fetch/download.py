"""One link -> one complete file, resumed and tried again as often as it pays.

In: a link and the path of a part file. Out: the part file, complete, and what the server said
about it. Invariants: bytes are joined only if the server vouches, by ETag or date, that they
belong to one file; a part file that may be resumed has its validators beside it (`PART_FACTS`).
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ragqa._files import read_json, write_json
from ragqa.errors import FetchError, FetchReason
from ragqa.fetch.net import CutError, Network, cut_off, timed_out
from ragqa.fetch.report import FetchOptions, Received

if TYPE_CHECKING:
    import requests

__all__ = ["Download", "check_size", "remove_part"]

BACKOFF_S = 1.0  # the first wait; each further one is twice as long, with up to half as much jitter
MAX_BACKOFF_S = 30.0
MAX_RETRY_AFTER_S = 60.0  # a server that asks for more is left alone: fetch again later
TOTAL_TIMEOUTS = 40  # one file may take so many times timeout_s, waits included: 20 minutes
BLOCK_BYTES = 1 << 16  # read at most so much at a time
PART_FACTS = ".json"  # added to the part file's name
_STATUS_REASONS: dict[int, FetchReason] = {
    401: "forbidden",
    403: "forbidden",
    404: "not-found",
    410: "not-found",
    429: "rate-limited",
    451: "forbidden",
}
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # statuses that a later try may not meet
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)\Z")


class Download:
    """Downloads links one after the other, in one thread.

    :param network: Shared by all threads.
    :param options: Timeouts, retries, the size limit.
    """

    def __init__(self, network: Network, options: FetchOptions) -> None:
        import requests

        self._network = network
        self._options = options
        self._session = requests.Session()

    def __enter__(self) -> Download:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def fetch(
        self,
        url: str,
        part: Path,
        *,
        known: Received | None = None,
        on_bytes: Callable[[int, int | None], None],
    ) -> Received:
        """Download a link into a part file, complete and flushed to disk.

        :param url: The link.
        :param part: The part file; what an earlier try left there is resumed.
        :param known: What the server said about the file at hand: ask only for another one.
        :param on_bytes: Told how many bytes are on disk, and of how many.
        :return: What the server said.
        :raises FetchError: If it cannot be had.
        :raises OSError: If it cannot be written.
        """
        job = _Job(url=url, part=part, known=known, on_bytes=on_bytes)
        job.deadline = time.monotonic() + self._options.timeout_s * TOTAL_TIMEOUTS
        tries, furthest = 0, _size(part)
        while True:
            self._network.check(url)
            try:
                return self._attempt(job)
            except FetchError as error:
                if error.reason == "too-large":
                    remove_part(part)
                raise
            except CutError as cut:
                size = _size(part)
                tries = 1 if size > furthest else tries + 1
                furthest = max(size, furthest)
                if tries > self._options.retries:
                    raise cut.error from cut
                self._wait(cut, tries, job.deadline)

    def _wait(self, cut: CutError, tries: int, deadline: float) -> None:
        """Wait as long as the server asked for, or a little longer each time."""
        usual = min(BACKOFF_S * 2 ** (tries - 1), MAX_BACKOFF_S)
        usual *= 1 + random.random() / 2
        wait_s = usual if cut.wait_s is None else cut.wait_s
        if time.monotonic() + wait_s > deadline:
            raise cut.error from cut
        self._network.wait(wait_s)

    def _attempt(self, job: _Job) -> Received:
        """Send one request and store what comes."""
        headers = job.headers()
        asked = "Range" in headers
        with self._network.get(self._session, job.url, headers) as response:
            said = _said(response, job.url)
            status = response.status_code
            if status == 304 and job.known is not None:
                return said
            if status == 416 and asked:
                remove_part(job.part)
                raise CutError(_incomplete(job.url), wait_s=0)
            if status not in {200, 206}:
                raise self._refusal(response, job.url)
            offset, total = _place(response, job, asked)
            check_size(total or 0, self._options.max_bytes, item=job.url)
            if not offset:
                job.remember(said, total, response)
            self._store(response, job, offset, total)
            return said

    def _refusal(self, response: requests.Response, url: str) -> FetchError | CutError:
        """Return what an answer that is not a file means, and heed what it asks for."""
        error = _status_error(response.status_code, url)
        wait_s = _retry_after(response.headers.get("Retry-After"))
        if not error.retryable:
            return error
        if wait_s is None or wait_s <= MAX_RETRY_AFTER_S:
            return CutError(error, wait_s=wait_s)
        self._network.rest(response.url, wait_s)
        return FetchError(
            error.what,
            reason="rate-limited",
            item=url,
            hint=f"Fetch again in {wait_s:.0f} seconds",
            retryable=True,
        )

    def _store(
        self, response: requests.Response, job: _Job, offset: int, total: int | None
    ) -> None:
        """Append the body to the part file, watching time and size."""
        received = offset
        with job.part.open("ab" if offset else "wb") as file:
            for block in _blocks(response, job.url):
                received += len(block)
                check_size(received, self._options.max_bytes, item=job.url)
                file.write(block)
                job.on_bytes(received, total)
                self._network.wait(0)
                if time.monotonic() > job.deadline:
                    raise timed_out(job.url)
            _flush(file)
        if total is not None and received != total:
            raise CutError(_incomplete(job.url))


@dataclass(slots=True, kw_only=True)
class _Job:
    """One file on its way."""

    url: str
    part: Path
    known: Received | None
    on_bytes: Callable[[int, int | None], None]
    deadline: float = 0.0
    etag: str | None = None  # of the file whose beginning is in `part`

    def headers(self) -> dict[str, str]:
        """Ask for the rest of the part file; or only for a file other than the known one."""
        facts = _part_facts(self.part)
        validator = facts.get("validator")
        size = _size(self.part)
        if size and validator and facts.get("url") == self.url:
            self.etag = facts.get("etag")
            return {"Range": f"bytes={size}-", "If-Range": validator}
        headers = {}
        if self.known and self.known.etag:
            headers["If-None-Match"] = self.known.etag
        if self.known and self.known.last_modified:
            headers["If-Modified-Since"] = self.known.last_modified
        return headers

    def remember(self, said: Received, total: int | None, response: requests.Response) -> None:
        """Note beside the part file what it is the beginning of, if it can be resumed."""
        remove_part(self.part)
        self.part.parent.mkdir(parents=True, exist_ok=True)
        strong = said.etag if said.etag and not said.etag.startswith("W/") else None
        validator = strong or said.last_modified
        if validator and total and not _is_encoded(response):
            facts = {"url": self.url, "validator": validator, "etag": said.etag}
            write_json(_facts_path(self.part), facts)


def check_size(size: int, limit: int, *, item: str) -> None:
    """Refuse a file that is too large.

    :param size: Bytes so far, or announced.
    :param limit: Bytes allowed.
    :param item: Its link or name, for the message.
    :raises FetchError: ``too-large``.
    """
    if size > limit:
        raise FetchError(
            f"the file has more than {limit} bytes",
            reason="too-large",
            item=item,
            hint="Raise the limit if this is right",
        )


def remove_part(part: Path) -> None:
    """Remove a part file and its facts, if they are there.

    :param part: The part file.
    :raises OSError: If they cannot be removed.
    """
    part.unlink(missing_ok=True)
    _facts_path(part).unlink(missing_ok=True)


def _place(response: requests.Response, job: _Job, asked: bool) -> tuple[int, int | None]:
    """Return where the body goes in the part file, and the whole file's size if known."""
    if response.status_code == 200:
        length = response.headers.get("Content-Length", "")
        known = length.isascii() and length.isdigit() and not _is_encoded(response)
        return 0, int(length[:18]) if known else None
    found = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
    offset = _size(job.part)
    same = job.etag is None or response.headers.get("ETag") in {None, job.etag}
    if not asked or not found or int(found[1]) != offset or not same or _is_encoded(response):
        remove_part(job.part)
        raise CutError(_incomplete(job.url))
    return offset, None if found[3] == "*" else int(found[3])


def _blocks(response: requests.Response, url: str) -> Iterator[bytes]:
    """Give the body as it arrives: a block is what one read of the socket brought."""
    from urllib3.exceptions import HTTPError, IncompleteRead, ReadTimeoutError

    while True:
        try:
            block = response.raw.read1(BLOCK_BYTES, decode_content=True)
        except ReadTimeoutError as error:
            raise CutError(timed_out(url)) from error
        except HTTPError as error:
            short = any(isinstance(part, IncompleteRead) for part in (error, *error.args))
            raise CutError(_incomplete(url) if short else cut_off(url)) from error
        if not block:
            return
        yield block


def _status_error(status: int, url: str) -> FetchError:
    """Return what an answer that is not a file means."""
    passing = status in _PASSING
    hint = "Check the link, or open it in a browser, save the file and drop it in by hand"
    return FetchError(
        f"the server answered {status}",
        reason=_STATUS_REASONS.get(status, "redirect" if 300 <= status < 400 else "http-error"),
        item=url,
        hint="Fetch again later" if passing else hint,
        retryable=passing,
    )


def _retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, in either of its forms."""
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    if value is None:
        return None
    try:
        return float(Retry().parse_retry_after(value))
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _said(response: requests.Response, url: str) -> Received:
    return Received(
        url=url,
        final_url=response.url,
        etag=response.headers.get("ETag"),
        last_modified=response.headers.get("Last-Modified"),
        unchanged=response.status_code == 304,
    )


def _is_encoded(response: requests.Response) -> bool:
    """Say whether the body is compressed though we asked for it as it is stored."""
    return response.headers.get("Content-Encoding", "identity").lower() != "identity"


def _incomplete(url: str) -> FetchError:
    return FetchError(
        "not all of the file came",
        reason="incomplete",
        item=url,
        hint="Fetch again later, or drop the file in by hand",
        retryable=True,
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _facts_path(part: Path) -> Path:
    return part.with_name(part.name + PART_FACTS)


def _part_facts(part: Path) -> dict[str, str]:
    """Return what is known of a part file; nothing where that cannot be read."""
    try:
        facts = read_json(_facts_path(part))
    except (OSError, ValueError):
        return {}
    if not isinstance(facts, dict):
        return {}
    return {key: value for key, value in facts.items() if isinstance(value, str)}


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
