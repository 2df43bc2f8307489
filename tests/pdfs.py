"""Small PDFs for tests, each with one thing worth testing, generated on the spot.

Every function writes one file to the path it is given and returns that path. Honest layouts come
from reportlab with an embedded font; what no honest producer writes (wrong character maps, nested
bombs) comes from `Raw`, a PDF writer of forty lines. Same call, same bytes.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import wrap

from pypdf import PdfReader, PdfWriter
from reportlab.lib.colors import Color, black, white
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = 595.0, 842.0  # points: A4
MARGIN = 60.0
BODY, BOLD = "Vera", "VeraBd"  # come with reportlab, with the fi and fl ligatures

RUNNING_HEAD = "Proceedings of the Workshop on Small Pictures, volume 7"
TITLE = "Upscaling Tiny Pictures with Patient Networks"
HEADINGS = (
    "Abstract", "1 Introduction", "2 Method", "2.1 Training Data", "3 Results", "References",
    "A Further Results",
)  # fmt: skip
CROSSING = "The second stage refines the picture until every edge looks natural to a human reader."
"""A sentence of `paper` that starts on page 1 and ends on page 2."""
SENTENCES = (
    "We present a network that restores fine detail from very small pictures.",
    "It finds the efficient path between speed and fidelity.",
    "Earlier systems needed a state-of-the-art machine for every single picture.",
    "Our implementation runs on an ordinary laptop instead.",
    CROSSING,
    "We collect twelve thousand photographs of quiet streets and gardens.",
    "The network reaches 31.4 dB on the benchmark of Ito et al. (2019).",
    "A larger batch changes nothing in these results.",
)
"""Sentences of `paper`, as they must stand in its canonical text, in order."""
REFERENCES = (
    "K. Ito and P. Brown. 2019. A benchmark for tiny pictures. Journal of Pixels, 4:1-20.",
    "L. Meyer. 2020. Networks that wait. In Proceedings of Patience, pages 30-41.",
    "R. Costa and A. Silva. 2021. Streets and gardens. Pictures Quarterly, 9:88-97.",
    "T. Okafor. 2022. On natural edges. In Proceedings of Patience, pages 77-90.",
)

_PAPER: tuple[tuple[tuple[str, str], ...], ...] = (
    (
        ("title", TITLE),
        ("author", "Ada Example and Ben Sample"),
        ("head", "Abstract"),
        ("text", "We present a network that restores \ufb01ne detail from very small"),
        ("text", "pictures. It \ufb01nds the ef\ufb01cient path between speed and \ufb01delity."),
        ("head", "1 Introduction"),
        ("text", "Earlier systems needed a state-of-the-art machine for every sin-"),
        ("text", "gle picture. Our imple-"),
        ("text", "mentation runs on an ordinary laptop instead. A state-of-the-"),
        ("text", "art result is not our aim, and the implementation stays simple."),
        ("text", "The second stage re\ufb01nes the picture until every edge"),
    ),
    (
        ("text", "looks natural to a human reader."),
        ("head", "2 Method"),
        ("text", "The method has two stages, and both of them are simple."),
        ("head", "2.1 Training Data"),
        ("text", "We collect twelve thousand photographs of quiet streets and"),
        ("text", "gardens. Each one is reduced to a sixteenth of its size."),
    ),
    (
        ("head", "3 Results"),
        ("text", "The network reaches 31.4 dB on the benchmark of Ito et al."),
        ("text", "(2019). This is shown in Fig. 2 and in Sec. 3 of the appendix."),
        ("head", "References"),
        *(("text", line) for reference in REFERENCES for line in wrap(reference, 62)),
    ),
    (
        ("head", "A Further Results"),
        ("text", "A larger batch changes nothing in these results. Neither does a"),
        ("text", "longer training run, as the losses of both runs stay the same."),
    ),
)  # fmt: skip
_SIZES = {"title": 16.0, "author": 11.0, "head": 13.0, "text": 10.0}


def _canvas(path: Path) -> Canvas:
    for name in (BODY, BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    return Canvas(str(path), pagesize=(WIDTH, HEIGHT), invariant=1)


def _line(canvas: Canvas, x: float, y: float, text: str, size: float = 10.0) -> None:
    canvas.setFont(BODY, size)
    canvas.drawString(x, y, text)


def paper(path: Path) -> Path:
    """A paper of four pages: everything that a good parser must undo or recognise, once."""
    return _write_paper(path, 0)


def _write_paper(path: Path, degrees: int) -> Path:
    canvas = _canvas(path)
    for number, lines in enumerate(_PAPER, 1):
        _turn(canvas, degrees)
        _line(canvas, MARGIN, HEIGHT - 40, RUNNING_HEAD, 8)
        y = HEIGHT - 90.0
        for style, text in lines:
            y -= 12 if style == "head" else 0
            canvas.setFont(BOLD if style in ("title", "head") else BODY, _SIZES[style])
            canvas.drawString(MARGIN, y, text)
            y -= 1.3 * _SIZES[style] + (8 if style != "text" else 0)
        _line(canvas, WIDTH / 2, 30, str(number + 100), 8)
        canvas.showPage()
    canvas.save()
    return path


def _turn(canvas: Canvas, degrees: int) -> None:
    """Turn a page by the page's own entry, and what is painted on it back again."""
    canvas.setPageRotation(degrees)  # reportlab swaps width and height of the page with it
    corner = {0: (0, 0), 90: (HEIGHT, 0), 180: (WIDTH, HEIGHT), 270: (0, WIDTH)}
    canvas.translate(*corner[degrees])
    canvas.rotate(degrees)


def plain(path: Path, paragraphs: Sequence[str], *, lines_a_page: int = 45) -> Path:
    """Any text, wrapped and set page by page; a paragraph that starts with ``# `` is a heading."""
    lines = [
        (text.startswith("# "), line)
        for text in paragraphs
        for line in wrap(text.removeprefix("# "), 80, break_on_hyphens=False)
    ]
    canvas = _canvas(path)
    for first in range(0, len(lines), lines_a_page):
        y = HEIGHT - MARGIN
        for is_heading, line in lines[first : first + lines_a_page]:
            canvas.setFont(BOLD if is_heading else BODY, 13 if is_heading else 10)
            y -= 26 if is_heading else 13
            canvas.drawString(MARGIN, y, line)
        canvas.showPage()
    canvas.save()
    return path


COLUMNS = tuple(
    tuple(f"Column {side} sentence {n} speaks of topic number {n}." for n in range(1, 9))
    for side in ("one", "two")
)
"""The sentences of `two_columns`: left column, right column."""


def two_columns(path: Path) -> Path:
    """One page in two columns, painted column by column as typesetters do."""
    canvas = _canvas(path)
    for column, sentences in enumerate(COLUMNS):
        y = HEIGHT - 90.0
        for line in wrap(" ".join(sentences), 36):
            _line(canvas, MARGIN + column * 250, y, line)
            y -= 13
    canvas.save()
    return path


def encrypted(path: Path, *, password: str = "secret") -> Path:
    """`paper`, to be opened with a password only; an empty one can be opened by anybody."""
    writer = PdfWriter(clone_from=paper(path))
    writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
    writer.write(path)
    return path


def truncated(path: Path) -> Path:
    """The first third of `paper`, as a broken download leaves it."""
    data = paper(path).read_bytes()
    path.write_bytes(data[: len(data) // 3])
    return path


def zero_bytes(path: Path) -> Path:
    """An empty file."""
    path.write_bytes(b"")
    return path


def html_as_pdf(path: Path) -> Path:
    """A web page that a server sent in place of a PDF."""
    path.write_bytes(b"<!DOCTYPE html>\n<html><body>Please log in to read this.</body></html>\n")
    return path


def image_only(path: Path) -> Path:
    """A scan: a page that is one picture and no text."""
    raw = Raw()
    picture = raw.stream(
        bytes(range(256)) * 4,
        "/Type /XObject /Subtype /Image /Width 32 /Height 32 /ColorSpace /DeviceGray"
        " /BitsPerComponent 8",
    )
    raw.page(b"500 0 0 700 40 60 cm /Im0 Do", f"/XObject << /Im0 {picture} 0 R >>")
    return raw.write(path)


def rotated(path: Path, *, degrees: int = 90) -> Path:
    """`paper` with turned pages whose text is turned too, so it reads upright on the screen."""
    return _write_paper(path, degrees)


def attachment(path: Path) -> Path:
    """`paper` with a file attached, whose text is no part of the paper."""
    writer = PdfWriter(clone_from=paper(path))
    writer.add_attachment("notes.txt", b"The attached file says something else entirely.")
    writer.write(path)
    return path


OUTLINE = ("The first thing to know", "Another thing")
"""Titles of `outline`'s entries: set like running text, so only the outline tells."""


def outline(path: Path) -> Path:
    """Two headings that look like text and are known by the file's outline alone."""
    canvas = _canvas(path)
    lines = (
        OUTLINE[0], "The first part says what everybody should know of it.",
        OUTLINE[1], "The other part goes on where the first one came to its end.",
    )  # fmt: skip
    for row, line in enumerate(lines):
        _line(canvas, MARGIN, HEIGHT - 90 - 14 * row, line)
    for title in OUTLINE:
        canvas.bookmarkPage(title)
        canvas.addOutlineEntry(title, title)
    canvas.save()
    return path


VISIBLE = "Everybody who opens this page can read this sentence."
HIDDEN = "Secret orders for machines are planted inside this line."
MORE = "This last sentence of the page is plain to see as well."


def _mode(mode: int) -> Callable[[Canvas], None]:
    def paint(canvas: Canvas) -> None:
        text = canvas.beginText(MARGIN, 600)
        text.setFont(BODY, 10)
        text.setTextRenderMode(mode)
        text.textOut(HIDDEN)
        canvas.drawText(text)

    return paint


def _white_outline(canvas: Canvas) -> None:
    canvas.setStrokeColor(white)
    _mode(1)(canvas)


def _coloured(fill: Color, paper_colour: Color | None = None) -> Callable[[Canvas], None]:
    def paint(canvas: Canvas) -> None:
        if paper_colour is not None:
            canvas.setFillColor(paper_colour)
            canvas.rect(MARGIN - 10, 590, 450, 30, stroke=0, fill=1)
        canvas.setFillColor(fill)
        _line(canvas, MARGIN, 600, HIDDEN)

    return paint


def _placed(x: float, y: float, size: float = 10.0) -> Callable[[Canvas], None]:
    return lambda canvas: _line(canvas, x, y, HIDDEN, size)


def _shrunk(canvas: Canvas) -> None:
    canvas.translate(MARGIN, 600)
    canvas.scale(0.01, 0.01)
    _line(canvas, 0, 0, HIDDEN, 10)


def _in_form(inner: Callable[[Canvas], None]) -> Callable[[Canvas], None]:
    def paint(canvas: Canvas) -> None:
        canvas.beginForm("inside")
        inner(canvas)
        canvas.endForm()
        canvas.doForm("inside")

    return paint


def _transparent(canvas: Canvas) -> None:
    canvas.setFillAlpha(0)
    _line(canvas, MARGIN, 600, HIDDEN)


HIDDEN_KINDS: dict[str, Callable[[Canvas], None]] = {
    "render mode 3": _mode(3),
    "clip only": _mode(7),
    "white on white": _coloured(white),
    "white on a white rectangle": _coloured(white, white),
    "white outline": _white_outline,
    "tiny": _placed(MARGIN, 600, 0.1),
    "tiny by scale": _shrunk,
    "off the page": _placed(WIDTH + 50, 600),
    "below the page": _placed(MARGIN, -40),
    "transparent": _transparent,
    "white in a form": _in_form(_coloured(white)),
    "render mode 3 in a form": _in_form(_mode(3)),
}
"""Ways to hide text; `hidden_text` takes the key."""

SHOWN_KINDS: dict[str, Callable[[Canvas], None]] = {
    "white on a dark rectangle": _coloured(white, black),
    "black in a form": _in_form(_coloured(black)),
    "white on dark in a form": _in_form(_coloured(white, black)),
    "outlined": _mode(1),
    "small print": _placed(MARGIN, 600, 4.0),
}
"""Ways to set text that look odd and hide nothing; `hidden_text` takes them too."""


def hidden_text(path: Path, how: str) -> Path:
    """`VISIBLE`, then `HIDDEN` in the given way, then `MORE`, on one page."""
    canvas = _canvas(path)
    _line(canvas, MARGIN, 700, VISIBLE)
    canvas.saveState()
    (HIDDEN_KINDS | SHOWN_KINDS)[how](canvas)
    canvas.restoreState()
    _line(canvas, MARGIN, 500, MORE)
    canvas.save()
    return path


ENGLISH = (
    "A patient network restores the finer detail of every tiny picture.",
    "Twelve thousand photographs of quiet streets were collected for it.",
    "Nobody needed an expensive machine while the training was running.",
    "Its results are better than those of every earlier system we know.",
)


def mapped(
    path: Path, lines: Sequence[str], to_unicode: Callable[[str], str], *, mode: int = 0
) -> Path:
    """Lines of ASCII whose glyphs look right and whose character map says something else.

    `to_unicode` turns a letter into hex UTF-16BE, as it stands in the file's ToUnicode map;
    `mode` is the text render mode.
    """
    raw = Raw()
    letters = sorted({letter for line in lines for letter in line})
    font = raw.font({ord(letter): to_unicode(letter) for letter in letters})
    raw.page(f"{mode} Tr ".encode() + _show(lines), f"/Font << /F1 {font} 0 R >>")
    return raw.write(path)


def _show(lines: Sequence[str], top: int = 740) -> bytes:
    escaped = [line.translate({92: r"\\", 40: r"\(", 41: r"\)"}) for line in lines]
    shown = " T* ".join(f"({line}) Tj" for line in escaped)
    return f"BT /F1 10 Tf 14 TL 50 {top} Td {shown} ET".encode("latin-1")


def _utf16(text: str) -> str:
    return text.encode("utf-16-be", "surrogatepass").hex()


def garbled(path: Path, *, how: str = "private use") -> Path:
    """A page of English whose text layer is debris: ``private use`` or ``consonants``."""
    turn: dict[str, Callable[[str], str]] = {
        "private use": lambda c: c if c == " " else chr(0xE000 + ord(c)),
        "consonants": lambda c: "bcdfghjklmnpqrstvwxz"[ord(c) % 20] if c.isalpha() else c,
    }
    return mapped(path, ENGLISH * 4, lambda c: _utf16(turn[how](c)))


SURROGATE_TEXT = "We set the mark @ before each rule, and the mark # behind it stays."
"""What `lone_surrogates` shows; its @ and # are mapped to halves of a surrogate pair."""


def lone_surrogates(path: Path) -> Path:
    """Mathematical letters mapped to half a surrogate pair, as some real papers have them."""
    halves = {"@": "d835", "#": "dc00"}
    lines = (SURROGATE_TEXT, *ENGLISH)
    return mapped(path, lines, lambda c: halves.get(c) or _utf16(c))


ASTRAL_TEXT = "Let @ be a vector of the space, which has more than sixteen bits a letter."


def astral(path: Path) -> Path:
    """A letter beyond the basic plane: two UTF-16 units, one code point."""
    lines = (ASTRAL_TEXT, *ENGLISH)
    return mapped(path, lines, lambda c: _utf16("\U0001d431" if c == "@" else c))


HEBREW = "\u05e9\u05dc\u05d5\u05dd \u05dc\u05e2\u05d5\u05dc\u05dd \u05db\u05d5\u05dc\u05d5"


def right_to_left(path: Path) -> Path:
    """Hebrew, painted from left to right in visual order, then English."""
    letters = dict(zip("abcdefghijklmnopqrstuvwxyz", sorted(set(HEBREW) - {" "}), strict=False))
    codes = {letter: code for code, letter in letters.items()}
    shown = "".join(codes.get(letter, letter) for letter in reversed(HEBREW))
    raw = Raw()
    hebrew = raw.font({ord(code): _utf16(letter) for code, letter in letters.items()})
    latin = raw.font({code: _utf16(chr(code)) for code in range(32, 127)})
    content = _show([shown] * 3) + b" " + _show(ENGLISH, 600).replace(b"/F1", b"/F2")
    raw.page(content, f"/Font << /F1 {hebrew} 0 R /F2 {latin} 0 R >>")
    return raw.write(path)


def huge_page(path: Path, *, megabytes: int = 64) -> Path:
    """A bomb: a small file with a page whose content stream unpacks to that much text."""
    raw = Raw()
    font = raw.font({code: _utf16(chr(code)) for code in range(32, 127)})
    row = _show(ENGLISH) + b"\n"
    raw.page(row * (megabytes * 1_000_000 // len(row)), f"/Font << /F1 {font} 0 R >>")
    return raw.write(path)


def nested_forms(path: Path, *, depth: int = 24, width: int = 4) -> Path:
    """A bomb: forms that paint forms, `width` ** `depth` lines of text in a few kilobytes."""
    raw = Raw()
    font = raw.font({code: _utf16(chr(code)) for code in range(32, 127)})
    fonts = f"/Font << /F1 {font} 0 R >>"
    form = raw.stream(_show(ENGLISH), f"{_FORM} /Resources << {fonts} >>")
    for _ in range(depth):
        inner = f"/Resources << /XObject << /X {form} 0 R >> >>"
        form = raw.stream(b"/X Do " * width, f"{_FORM} {inner}")
    raw.page(b"/X Do", f"/XObject << /X {form} 0 R >>")
    return raw.write(path)


_FORM = "/Type /XObject /Subtype /Form /BBox [0 0 595 842]"
_CMAP = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def /CMapType 2 def
1 begincodespacerange <00> <ff> endcodespacerange
{count} beginbfchar
{rows}
endbfchar
endcmap CMapName currentdict /CMap defineresource pop end end
"""


class Raw:
    """A PDF written object by object; the catalogue is 1 and the page tree is 2."""

    def __init__(self) -> None:
        self._objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
        self._pages: list[int] = []

    def add(self, body: str | bytes) -> int:
        """Add an object; return its number."""
        self._objects.append(body if isinstance(body, bytes) else body.encode("latin-1"))
        return len(self._objects)

    def stream(self, data: bytes, entries: str = "") -> int:
        """Add a compressed stream with the given dictionary entries."""
        packed = zlib.compress(data, 9)
        head = f"<< {entries} /Filter /FlateDecode /Length {len(packed)} >>\nstream\n"
        return self.add(head.encode("latin-1") + packed + b"\nendstream")

    def font(self, to_unicode: dict[int, str]) -> int:
        """Add a monospaced font whose codes mean the given hex UTF-16BE."""
        rows = "\n".join(f"<{code:02x}> <{value}>" for code, value in to_unicode.items())
        cmap = self.stream(_CMAP.format(count=len(to_unicode), rows=rows).encode("ascii"))
        return self.add(
            "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /FirstChar 0 /LastChar 255"
            f" /Widths [{' '.join(['600'] * 256)}] /ToUnicode {cmap} 0 R >>"
        )

    def page(self, content: bytes, resources: str) -> None:
        """Add a page."""
        stream = self.stream(content)
        self._pages.append(
            self.add(
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH:g} {HEIGHT:g}]"
                f" /Resources << {resources} >> /Contents {stream} 0 R >>"
            )
        )

    def write(self, path: Path) -> Path:
        """Write the file."""
        kids = " ".join(f"{number} 0 R" for number in self._pages)
        tree = f"<< /Type /Pages /Kids [{kids}] /Count {len(self._pages)} >>"
        self._objects[1] = tree.encode("latin-1")
        out, offsets = io.BytesIO(), []
        out.write(b"%PDF-1.7\n")
        for number, body in enumerate(self._objects, 1):
            offsets.append(out.tell())
            out.write(f"{number} 0 obj\n".encode("latin-1") + body + b"\nendobj\n")
        start, count = out.tell(), len(self._objects) + 1
        out.write(f"xref\n0 {count}\n0000000000 65535 f \n".encode("latin-1"))
        out.writelines(f"{offset:010d} 00000 n \n".encode("latin-1") for offset in offsets)
        trailer = f"trailer << /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
        out.write(trailer.encode("latin-1"))
        path.write_bytes(out.getvalue())
        return path


def page_count(path: Path) -> int:
    """How many pages a PDF has, by pypdf."""
    return len(PdfReader(path).pages)
