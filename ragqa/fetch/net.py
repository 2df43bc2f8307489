"""One polite request: one at a time per host, redirects watched, the network's absence noticed.

In: a link and headers. Out: an open response, headers read, body not yet. Invariants: only http
and https are spoken, never http after https; a host gets one request at a time, with a pause
between; where two hosts cannot be reached and none could, nothing more is tried.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from ragqa.errors import FetchError
from ragqa.fetch.links import check_url, host_of

if TYPE_CHECKING:
    import requests

__all__ = ["CutError", "Network", "Stopped"]

MAX_REDIRECTS = 5  # a DOI to a publisher's file takes 3 or 4
CONNECT_TIMEOUT_S = 5.0  # three SYNs are sent in that time; a host that answers none is away
QUICK_FAILURE_S = 2.0  # a connection refused sooner is tried once more; a slower failure is not
PAUSE_S = 0.5  # between two requests to one host
HOSTS_FOR_OFFLINE = 2  # so many hosts unreachable, and none reached: there is no network
TRIES_PER_HOST = 2  # so many connections in vain, and no file waits for this host any more

_USUAL = {"Accept": "*/*", "Accept-Encoding": "identity"}  # ranges count bytes as they are stored


class Stopped(Exception):
    """The caller wants the fetch to end; what is on disk can be resumed."""


class CutError(Exception):
    """An attempt that may be made again.

    :param error: What the row says if it is not.
    :param wait_s: Seconds to wait first; None for the usual back-off.
    """

    def __init__(self, error: FetchError, *, wait_s: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait_s = wait_s


class _UnreachableError(Exception):
    """No connection came about at all: no such name, refused, no route, no proxy."""


@dataclass(slots=True)
class _Host:
    """What is known of one host."""

    gate: threading.Lock = field(default_factory=threading.Lock)
    free_at: float = 0.0  # time.monotonic() from which the next request may go
    rests_until: float = 0.0  # time.monotonic() until which it asked to be left alone
    misses: int = 0  # connections in a row that did not come about; slow ones count twice


class Network:
    """What all downloads of one fetch share: hosts, their gates, and whether any was reached.

    :param timeout_s: Seconds of silence after which a server is given up.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout = (min(timeout_s, CONNECT_TIMEOUT_S), timeout_s)
        self._hosts: dict[str, _Host] = {}
        self._reached = False
        self._stop = threading.Event()
        self._agent = f"ragqa/{_version()} (fetches the papers that its user listed)"

    def stop(self) -> None:
        """End every download at its next step."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        """Wait, unless the fetch is stopped meanwhile.

        :param seconds: How long; 0 only looks.
        :raises Stopped: If the fetch was stopped.
        """
        if self._stop.wait(seconds) if seconds > 0 else self._stop.is_set():
            raise Stopped

    def check(self, url: str) -> None:
        """Raise where trying would be in vain.

        :param url: The link.
        :raises FetchError: ``offline``, ``rate-limited`` or ``connection``.
        """
        missed = sum(host.misses >= TRIES_PER_HOST for host in list(self._hosts.values()))
        if not self._reached and missed >= HOSTS_FOR_OFFLINE:
            raise FetchError(
                "no network: no host could be reached",
                reason="offline",
                item=url,
                hint="Connect and fetch again, or give a mirror, or drop the file in by hand",
                retryable=True,
            )
        host = self._host(url)
        if time.monotonic() < host.rests_until:
            raise FetchError(
                "the host has asked for a pause",
                reason="rate-limited",
                item=url,
                hint=f"Fetch again in {host.rests_until - time.monotonic():.0f} seconds",
                retryable=True,
            )
        if host.misses >= TRIES_PER_HOST:
            raise _unreachable(url, "the host could not be reached a moment ago")

    def rest(self, url: str, seconds: float) -> None:
        """Leave a host alone, as it asked.

        :param url: The link that it answered.
        :param seconds: For how long.
        """
        self._host(url).rests_until = time.monotonic() + seconds

    def _host(self, url: str) -> _Host:
        return self._hosts.setdefault(host_of(url), _Host())

    @contextmanager
    def get(
        self, session: requests.Session, url: str, headers: Mapping[str, str]
    ) -> Iterator[requests.Response]:
        """Send a GET and follow its redirects; hold the last host's gate until the body is read.

        :param session: Of the calling thread.
        :param url: The link.
        :param headers: Besides the usual ones.
        :yield: The response that is no redirect; its ``url`` is the link that was answered.
        :raises FetchError: ``redirect``, ``bad-url``, ``connection``.
        :raises CutError: If the connection failed in a way that may pass.
        """
        for _ in range(MAX_REDIRECTS + 1):
            with self._one(session, url, headers) as response:
                if not response.is_redirect:
                    yield response
                    return
                url = _next_url(session, response)
        raise FetchError(
            f"more than {MAX_REDIRECTS} redirects",
            reason="redirect",
            item=url,
            hint="Open the link in a browser and list the final link, or drop the file in by hand",
        )

    @contextmanager
    def _one(
        self, session: requests.Session, url: str, headers: Mapping[str, str]
    ) -> Iterator[requests.Response]:
        """Send one request, when its host is free, and let go of the host afterwards."""
        host = self._host(url)
        with host.gate:
            self.wait(host.free_at - time.monotonic())
            started = time.monotonic()
            try:
                response = self._send(session, url, headers)
                host.misses = 0
                with response:
                    yield response
            except _UnreachableError as error:
                quick = time.monotonic() - started < QUICK_FAILURE_S
                host.misses += 1 if quick else TRIES_PER_HOST
                miss = _unreachable(url, "the host could not be reached")
                if host.misses >= TRIES_PER_HOST:
                    raise miss from error
                raise CutError(miss) from error
            finally:
                host.free_at = time.monotonic() + PAUSE_S

    def _send(
        self, session: requests.Session, url: str, headers: Mapping[str, str]
    ) -> requests.Response:
        """Send through the adapter: `Session.send` would read a redirect's whole body."""
        import requests
        import urllib3

        prepared = _prepared(session, url, {"User-Agent": self._agent, **_USUAL, **headers})
        usual = session.merge_environment_settings(prepared.url, {}, True, None, None)
        try:
            response = session.get_adapter(url).send(
                prepared,
                stream=True,
                timeout=self._timeout,
                verify=True if usual["verify"] is None else usual["verify"],
                cert=usual["cert"],
                proxies=usual["proxies"],
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if _never_connected(error):
                raise _UnreachableError from error
            self._reached = True
            raise _sending_error(error, url) from error
        self._reached = True
        jar = session.cookies  # some publishers redirect until their cookie comes back
        requests.cookies.extract_cookies_to_jar(jar, prepared, response.raw)  # type: ignore[no-untyped-call]  # its stubs leave it out
        return response


def _version() -> str:
    try:
        return version("ragqa")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"


def _prepared(
    session: requests.Session, url: str, headers: Mapping[str, str]
) -> requests.PreparedRequest:
    import requests

    try:
        return session.prepare_request(requests.Request("GET", url, headers=dict(headers)))
    except (requests.RequestException, ValueError) as error:
        raise FetchError(
            "the link cannot be requested",
            reason="bad-url",
            item=url,
            hint="Correct it in manifest.yaml",
        ) from error


def _next_url(session: requests.Session, response: requests.Response) -> str:
    """Return where a redirect leads, if it may be followed."""
    url = response.url
    try:
        new = urljoin(url, session.get_redirect_target(response) or "")
        check_url(new)
    except (FetchError, ValueError) as error:
        raise FetchError(
            "a redirect leads to a link that is not followed",
            reason="redirect",
            item=url,
            hint="List the file's own link instead",
        ) from error
    if urlsplit(url).scheme == "https" and urlsplit(new).scheme == "http":
        raise FetchError(
            "a redirect leads from https to http",
            reason="redirect",
            item=url,
            hint="List the file's own link instead",
        )
    return new


def _sending_error(error: Exception, url: str) -> FetchError | CutError:
    """Return what a failed request means."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return FetchError(
            "the server's certificate could not be checked",
            reason="connection",
            item=url,
            hint="Check the computer's clock and certificates, or drop the file in by hand",
        )
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return FetchError(
            f"the request cannot be sent ({error})",
            reason="connection",
            item=url,
            hint="Check the proxy settings of the environment",
        )
    if isinstance(error, requests.exceptions.ReadTimeout):
        return CutError(timed_out(url))
    return CutError(cut_off(url))


def _never_connected(error: Exception) -> bool:
    """Say whether no connection came about: no such name, refused, no route, no proxy."""
    import requests
    import urllib3

    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(
        reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.NameResolutionError
    )


def timed_out(url: str) -> FetchError:
    """Return the error of a server that fell silent.

    :param url: The link.
    :return: ``timeout``, retryable.
    """
    return FetchError(
        "the server fell silent",
        reason="timeout",
        item=url,
        hint="Fetch again later: what came is kept and resumed",
        retryable=True,
    )


def cut_off(url: str) -> FetchError:
    """Return the error of a connection that was cut.

    :param url: The link.
    :return: ``connection``, retryable.
    """
    return FetchError(
        "the connection was cut",
        reason="connection",
        item=url,
        hint="Fetch again later: what came is kept and resumed",
        retryable=True,
    )


def _unreachable(url: str, what: str) -> FetchError:
    return FetchError(
        what,
        reason="connection",
        item=url,
        hint="Check the network and the link, or drop the file in by hand",
        retryable=True,
    )
