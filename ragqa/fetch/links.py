"""Which files are wanted of a paper, and under which exact links and names.

In: a `Paper` and the base of raw GitHub files. Out: `Want`s. Pure: nothing is opened or asked
for. Invariant: every link that is requested, and every name that is looked for in a mirror or in
the corpus folder, follows from the listed link alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ragqa.errors import CorpusError, FetchError
from ragqa.manifest import FileKind, arxiv_id, check_id, check_link, github_repo
from ragqa.records import Paper

__all__ = ["Want", "check_url", "host_of", "request_urls", "wants"]

README_NAMES = ("README.md", "README.rst", "readme.md", "README")
"""Asked for in this order, the next only where the one before is not there."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAME_VERSION: dict[int | None, int | None] = {None: 1, 1: None}
"""A mirror may have left out ``v1``, or added it; no other version stands in for the listed one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A file that the manifest lists.

    :ivar paper_id: The paper.
    :ivar kind: Which file of it.
    :ivar listed: The link as listed; None for a paper that has only a file dropped in by hand.
    :ivar name: Where the file goes, relative to the corpus folder, with ``/``.
    :ivar urls: What is requested, in order; empty where the listed link is no good.
    :ivar mirror_urls: Links under which a mirror may hold it, best first.
    :ivar drop_name: A second name under which it may be dropped into ``pdf/``, if any.
    :ivar tails: How a link ends that gives this file; a README's do not depend on the raw host.
    :ivar error: Why `urls` is empty, if a link is listed.
    """

    paper_id: str
    kind: FileKind
    listed: str | None
    name: str
    urls: tuple[str, ...] = ()
    mirror_urls: tuple[str, ...] = ()
    drop_name: str | None = None
    tails: tuple[str, ...] = ()
    error: FetchError | None = None


def wants(paper: Paper, raw_github: str) -> tuple[Want, Want]:
    """Return the PDF and the README of a paper as wanted files, listed or not.

    :param paper: The paper.
    :param raw_github: Base of raw GitHub files.
    :return: PDF, README; `Want.listed` is None where the paper has no such link.
    :raises CorpusError: If the paper_id cannot be a file's name.
    """
    wrong = check_id(paper.paper_id)
    if wrong is not None:
        raise CorpusError(f"this paper_id {wrong}", item=repr(paper.paper_id))
    return (
        _want(paper, "pdf", paper.url, raw_github),
        _want(paper, "readme", paper.github, raw_github),
    )


def request_urls(listed: str, kind: FileKind, raw_github: str) -> tuple[str, ...]:
    """Return what is requested for a listed link, in order.

    :param listed: The listed link.
    :param kind: What it leads to.
    :param raw_github: Base of raw GitHub files.
    :return: For a PDF one link (on arXiv the https link of the listed version); for a repository
        its README under several names.
    :raises FetchError: ``bad-url``.
    """
    check_url(listed)
    if kind == "pdf":
        found = arxiv_id(listed)
        return (_arxiv(*found),) if found else (listed,)
    repository = github_repo(listed)
    if repository is None:
        raise _bad_url(listed, "is not a https://github.com/OWNER/REPOSITORY link")
    base = "/".join((raw_github.rstrip("/"), *repository, "HEAD"))
    return tuple(f"{base}/{name}" for name in README_NAMES)


def check_url(url: str) -> None:
    """Check that a link may be requested at all.

    :param url: The link.
    :raises FetchError: ``bad-url`` unless it is http or https, with a host, without a password.
    """
    wrong = check_link(url)
    if wrong is not None:
        raise _bad_url(url, wrong)


def host_of(url: str) -> str:
    """Return a link's host, lower-case, with its port unless it is the scheme's own.

    :param url: A link that `check_url` accepts.
    :return: ``host`` or ``host:port``.
    """
    parts = urlsplit(url)
    own = parts.port is None or parts.port == _DEFAULT_PORTS.get(parts.scheme)
    return f"{parts.hostname}" if own else f"{parts.hostname}:{parts.port}"


def _want(paper: Paper, kind: FileKind, listed: str | None, raw_github: str) -> Want:
    suffix = ".pdf" if kind == "pdf" else ".md"
    name = f"{kind}/{paper.paper_id}{suffix}"
    urls: tuple[str, ...] = ()
    error = None
    if listed is not None:
        try:
            urls = request_urls(listed, kind, raw_github)
        except FetchError as found:
            error = found
    pdf = kind == "pdf" and listed is not None and error is None
    return Want(
        paper_id=paper.paper_id,
        kind=kind,
        listed=listed,
        name=name,
        urls=urls,
        mirror_urls=_mirror_urls(listed, urls) if pdf else urls,
        drop_name=_last_part(listed) if pdf else None,
        tails=tuple(url.removeprefix(raw_github.rstrip("/")) for url in urls),
        error=error,
    )


def _last_part(listed: str | None) -> str | None:
    """Return the name under which a browser would save a link's PDF."""
    last = unquote(urlsplit(listed or "").path.rpartition("/")[2])
    if not last or last.startswith(".") or set(last) & set("/\\:\0"):
        return None
    return last if last.lower().endswith(".pdf") else f"{last}.pdf"


def _mirror_urls(listed: str | None, urls: tuple[str, ...]) -> tuple[str, ...]:
    """Return the requested and the listed link and, for arXiv, the same paper's other links."""
    known = [*urls, *([listed] if listed else [])]
    found = arxiv_id(listed) if listed else None
    if found is not None:
        paper, version = found
        for v in dict.fromkeys((version, _SAME_VERSION.get(version, version))):
            pdf = _arxiv(paper, v)
            page = pdf.replace("/pdf/", "/abs/", 1)
            known += [pdf, f"{pdf}.pdf", page, f"{page}.pdf"]
    return tuple(dict.fromkeys(known))


def _arxiv(paper: str, version: int | None) -> str:
    return f"https://arxiv.org/pdf/{paper}" + (f"v{version}" if version else "")


def _bad_url(url: str, what: str) -> FetchError:
    shown = url.rpartition("@")[2]  # a password is not repeated
    return FetchError(
        f"the link {what}", reason="bad-url", item=shown, hint="Correct it in manifest.yaml"
    )
