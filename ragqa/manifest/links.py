"""Links of papers: what a listed link may be, which two are one paper, and readable ids.

In: a link or a title as a person wrote it. Out: checked links, keys and ids.

Invariants: no function here opens a connection; a link that passes `check_link` is http(s), has a
host, and holds no spaces, control characters or credentials; an id made by `paper_id_for` passes
`check_id`, so it is a safe file name on every common system.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from ragqa.errors import CorpusError

__all__ = [
    "MAX_ID_CHARS",
    "MAX_LINK_CHARS",
    "SourceLinks",
    "arxiv_id",
    "check_github",
    "check_id",
    "check_link",
    "complete_link",
    "github_repo",
    "last_step",
    "paper_id_for",
    "parse_source",
    "same_paper_key",
]

MAX_ID_CHARS = 80
"""Characters; with a kind and an extension it stays far below the 255 bytes of a file name."""

MAX_LINK_CHARS = 2048
"""Characters; what common servers and proxies accept of a request line."""

_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")
_WINDOWS_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_ARXIV_HOSTS = frozenset({"arxiv.org", "www.arxiv.org", "export.arxiv.org"})
_ARXIV_NEW = r"\d{4}\.\d{4,5}"
_ARXIV_OLD = r"[a-z]+(?:-[a-z]+)*(?:\.[a-z]{2})?/\d{7}"
_ARXIV = re.compile(rf"({_ARXIV_NEW}|{_ARXIV_OLD})(?:v([1-9]\d{{0,3}}))?", re.IGNORECASE)
_ARXIV_PATH = re.compile(
    rf"/(?:abs|pdf|html|format|e-print|src|ps)/{_ARXIV.pattern}(?:\.pdf)?/*", re.IGNORECASE
)
_GITHUB_PART = re.compile(r"[A-Za-z0-9._-]+")
_DEFAULT_PORTS: dict[str, int] = {"http": 80, "https": 443}
_HASH_CHARS = 8  # of a title that has no letter an id may hold: enough to be told apart and stable


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLinks:
    """The links that a person named on the command line.

    :ivar url: Link of the paper, if that is what was named.
    :ivar github: Link of the code repository, if that is what was named.
    """

    url: str | None = None
    github: str | None = None


def _split(url: str) -> SplitResult | None:
    """Split a link, or return None where it cannot be split (a broken host or port)."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # checked only when it is read
    except ValueError:
        return None
    return parts


def check_id(paper_id: str) -> str | None:
    """Say what is wrong with an id.

    :param paper_id: The id.
    :return: What is wrong, as the end of a sentence; None where the id is good.
    """
    if not _ID.fullmatch(paper_id):
        return (
            "may hold lower-case letters a-z, digits, '.', '_' and '-', "
            "and must start with a letter or digit"
        )
    if len(paper_id) > MAX_ID_CHARS:
        return f"has {len(paper_id)} characters; at most {MAX_ID_CHARS} are allowed"
    if _WINDOWS_RESERVED.fullmatch(paper_id):
        return "is a name that Windows reserves; add a letter"
    return None


def check_link(url: str) -> str | None:
    """Say what is wrong with a link.

    :param url: The link.
    :return: What is wrong, as the end of a sentence; None where the link is good.
    """
    if len(url) > MAX_LINK_CHARS:
        return f"has {len(url)} characters; at most {MAX_LINK_CHARS} are allowed"
    if any(char.isspace() or unicodedata.category(char) in {"Cc", "Cf", "Cs"} for char in url):
        return "holds a space, a control or an invisible character"
    parts = _split(url)
    if parts is None or parts.scheme.lower() not in _DEFAULT_PORTS or not parts.hostname:
        return "is not an http:// or https:// link"
    if "@" in parts.netloc:
        return "holds a user name or password; list the link without them"
    return None


def github_repo(url: str) -> tuple[str, str] | None:
    """Read owner and repository off a GitHub link.

    :param url: The link; deeper paths (``/tree/main/x``) and ``.git`` are allowed.
    :return: Owner and repository as written, without ``.git``; None for any other link.
    """
    parts = _split(url)
    if check_link(url) or parts is None:
        return None
    if (parts.hostname or "") not in {"github.com", "www.github.com"}:
        return None
    steps = [step for step in parts.path.split("/") if step][:2]
    if len(steps) < 2:
        return None
    owner, name = steps[0], steps[1].removesuffix(".git")
    good = all(_GITHUB_PART.fullmatch(part) and part.strip(".") for part in (owner, name))
    return (owner, name) if good else None


def check_github(url: str) -> str | None:
    """Say what is wrong with a link of a code repository.

    :param url: The link.
    :return: What is wrong, as the end of a sentence; None where the link is good.
    """
    wrong = check_link(url)
    if wrong is None and github_repo(url) is None:
        return "is not a https://github.com/OWNER/REPOSITORY link"
    return wrong


def _arxiv_match(found: re.Match[str] | None) -> tuple[str, int | None] | None:
    """Turn a match of `_ARXIV` into id and version."""
    if found is None:
        return None
    return found[1].lower(), int(found[2]) if found[2] else None


def arxiv_id(url: str) -> tuple[str, int | None] | None:
    """Read the arXiv id off a link.

    :param url: A link to an abstract, PDF, HTML or source page, old style or new.
    :return: The id in lower case (``2502.16025``, ``hep-th/9901001``) and the version, None where
        the link names none; None for any other link.
    """
    parts = _split(url)
    if parts is None or parts.scheme.lower() not in _DEFAULT_PORTS:
        return None
    if (parts.hostname or "") not in _ARXIV_HOSTS:
        return None
    return _arxiv_match(_ARXIV_PATH.fullmatch(unquote(parts.path)))


def same_paper_key(url: str) -> str:
    """Return what two links of one paper have in common.

    :param url: The link.
    :return: A key that ignores http or https, ``www.``, a trailing slash, the fragment and, for
        arXiv, the version and which of its pages is meant.
    """
    arxiv = arxiv_id(url)
    if arxiv is not None:
        return f"arxiv:{arxiv[0]}"
    parts = _split(url)
    if parts is None:
        return url
    host = (parts.hostname or "").removeprefix("www.")
    if parts.port is not None and parts.port != _DEFAULT_PORTS.get(parts.scheme.lower()):
        host = f"{host}:{parts.port}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{host}{parts.path.rstrip('/')}{query}"


def _slug(text: str) -> str:
    """Turn text into words of a-z and 0-9 joined by hyphens; empty where it has none."""
    flat = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    slug = re.sub(r"[^a-z0-9]+", "-", flat.replace("'", "")).strip("-")
    if len(slug) <= MAX_ID_CHARS:
        return slug
    return slug[: MAX_ID_CHARS + 1].rpartition("-")[0] or slug[:MAX_ID_CHARS]


def last_step(url: str) -> str:
    """Return the last part of a link's path without its extension, or its host.

    :param url: The link.
    :return: The part; empty where the link cannot be split.
    """
    parts = _split(url)
    if parts is None:
        return ""
    step = unquote(parts.path).rstrip("/").rpartition("/")[2]
    return re.sub(r"\.(pdf|html?)$", "", step, flags=re.IGNORECASE) or parts.hostname or ""


def _unnumbered_id(title: str, url: str | None) -> str:
    """Return the id that a paper would have if it were alone."""
    arxiv = arxiv_id(url) if url else None
    if arxiv is not None:
        return "arxiv-" + arxiv[0].replace("/", "-")
    named = _slug(title) or _slug(last_step(url) if url else "")
    if not named:
        return "paper-" + hashlib.sha256(title.encode("utf-8", "replace")).hexdigest()[:_HASH_CHARS]
    return f"paper-{named}" if check_id(named) else named


def paper_id_for(*, title: str, url: str | None = None, taken: Collection[str] = ()) -> str:
    """Make a readable id that is the same on every run.

    :param title: The paper's title or the model's name; may be empty.
    :param url: Its link, if any.
    :param taken: Ids already in use.
    :return: ``arxiv-2502.16025`` for arXiv; else from the title, the link's last part, or a hash
        of the title; ``-2``, ``-3`` ... is added where it is taken.
    """
    alone = _unnumbered_id(title, url)
    made, count = alone, 1
    while made in taken:
        count += 1
        made = alone[: MAX_ID_CHARS - len(str(count)) - 1].rstrip("-.") + f"-{count}"
    return made


def complete_link(text: str) -> str:
    """Complete a bare arXiv id, or a link without https://, into a link.

    :param text: What was written.
    :return: The link; the same text where it is neither.
    """
    found = _ARXIV.fullmatch(re.sub(r"^arxiv:\s*", "", text, flags=re.IGNORECASE))
    if found is not None:
        return f"https://arxiv.org/abs/{found[0]}"
    if re.match(r"(www\.|(export\.)?arxiv\.org/|github\.com/)", text, re.IGNORECASE):
        return f"https://{text}"
    return text


def parse_source(text: str) -> SourceLinks | None:
    """Read what a person named as a paper.

    :param text: A link, an arXiv id (``2502.16025``, ``arXiv:2502.16025v1``), or a file's path.
    :return: The link, under what it links to; None where it is no link, so it names a file.
    :raises CorpusError: It is a link that no manifest may hold.
    """
    link = complete_link(text.strip())
    if not re.match(r"[a-z][a-z0-9+.-]+://", link, re.IGNORECASE):
        return None
    wrong = check_link(link)
    if wrong is not None:
        raise CorpusError(
            f"the link {wrong}", item=text, hint="Give an http(s) link, an arXiv id, or a file"
        )
    return SourceLinks(github=link) if github_repo(link) else SourceLinks(url=link)
