"""Pictures of the edition: each made so small that it travels whole, and the page that shows it.

Rule 1: a picture is decoded once, safely (known formats, bounded bytes, pixels and scans, first frame only), and
encoded twice: AVIF for its page, WebP for phones that cannot show AVIF. Each fits one response by itself.
Rule 2: no metadata of the source survives (place, camera, names), and the same bytes give the same bytes.
Rule 3: the page carries the AVIF in itself, as a data URI, and the WebP lies beside it behind a plain link, so that
nothing loads unasked and any host that serves files will do.

A picture's name, ``pid``, is ten hex characters of the SHA-256 of its *URL*: a name that depends neither on how it
was encoded nor on when. Forty bits: among a million pictures a pair that shares a name is to be expected every other
edition, and costs one of the two its page. Copies of one picture under many URLs are known by ``content_key`` and
encoded once.
"""

from __future__ import annotations

import base64
import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Literal

from heliograph.model import code
from heliograph.model.edition import BUCKET, File, Material, SheetKey, Shown, Want
from heliograph.model.story import Figure, Story, plain_text
from heliograph.model.trouble import Problem
from heliograph.model.words import interface
from heliograph.render import blocks, fit
from heliograph.render import encode as encoding
from heliograph.render.look import Look
from heliograph.render.packer import BudgetError
from heliograph.render.story_page import home_href, lang_attributes
from heliograph.render.style import style
from heliograph.render.templating import template

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES = 20_971_520  # bytes of a source file
MAX_PIXELS = 25_165_824  # decoded whole, four bytes each
MAX_JPEG_PIXELS = 50_331_648  # decoded at a fraction of its size, so that a telephone's largest photographs pass
MAX_SCANS = 100  # of a JPEG: real ones have up to 14, and each costs a pass over the whole picture
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")

_ORIENTATION = 0x0112  # the Exif tag, and the turn (of ``PIL.Image.Transpose``) that undoes each of its values
_TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
_INK_LUMINANCE = 0.24  # the least at which dark ink (#1a1a18) on a placeholder's colour has a contrast of 4.5 to 1
_ADOBE = 0xEE  # the application segment of a JPEG that tells how its colours are coded
_COMMENT, _EXIF, _SCAN = 0xFE, 0xE1, 0xDA


def pid(url: str) -> str:
    """The name of the picture at ``url`` in the edition."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def encode(data: bytes, url: str) -> Shown | Problem:
    """The picture whose file is ``data`` as the edition shows it, or what is wrong with it. Raises nothing."""
    fault = _refusal(data)
    if fault:
        return _problem(url, fault)
    try:
        base = _decode(data)
        avif, webp = fit.both(base)
    except Exception as error:  # noqa: BLE001 - decoders of foreign bytes raise what they like, and no list is complete
        return _problem(url, f"cannot be read as a picture: {str(error)[:120] or type(error).__name__}")
    return Shown(
        pid=pid(url),
        width=avif.pixels[0],
        height=avif.pixels[1],
        colours=_colours(base),
        avif=avif.data,
        webp=webp.data,
    )


def content_key(data: bytes) -> str:
    """SHA-256, in hex, of a picture file without its metadata: equal for copies that only differ in their tags.

    The orientation of a JPEG stays part of it, since it changes what is seen.
    """
    digest = hashlib.sha256()
    for part in _parts(data):
        digest.update(part)
    return digest.hexdigest()


def want(key: SheetKey, look: Look) -> Want:
    """Nothing that a ``Select`` can say: the journal looks up by ``pid`` the bytes and a story that shows them."""
    return Want()


def page(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """The page of the picture ``key.of`` and its WebP; none where no story shows it any more."""
    found = [(url, shown) for url, shown in material.shown.items() if shown.pid == key.of and shown.webp]
    if not found or not material.stories:
        return ()
    url, picture = found[0]
    written = _page(f"a/i/{picture.pid}.html", url, picture, material.stories[0], look)
    sibling = encoding.file(f"a/i/{picture.pid}.webp", picture.webp)
    return (encoding.denser(written) if dense else written), sibling


def _page(path: str, url: str, picture: Shown, story: Story, look: Look) -> File:
    """The page with as much beside the picture as fits: what is said about it is on the story's page, too."""
    words = interface(story.lang, look.lang)
    caption, alt = _said(story, url)
    title = blocks.clipped(story.title, 110)
    common = {
        "words": words,
        "up": "../",
        "home": "../" + home_href(look, story.lang),
        "css": style(look, frozenset(), rtl=words.rtl),
        "title": f"{blocks.clipped(caption or title, 60)} · {look.title}",
        "code": story.code,
        "code_shown": code.shown(story.code),
        "lang": lang_attributes(story.lang, words),
        "picture": picture,
        "size": len(encoding.padded(".webp", picture.webp)) // BUCKET,
    }
    avif = base64.b64encode(picture.avif).decode()
    for room, data, look_then in (
        (400, avif, look),
        (120, avif, look),
        (60, avif, replace(look, links=())),
        (60, "", look),
    ):
        content = template("picture.html").render(
            common,
            look=look_then,
            heading=blocks.clipped(title, room),
            caption=blocks.clipped(caption, room),
            alt=blocks.clipped(alt, room),
            avif=data,
        )
        made = encoding.attempt(path, content.encode("utf-8", "replace"), rescue=True).file
        if made:
            return made
    raise BudgetError("a picture's page has no room for its text", where=path, remedy="Name fewer or shorter channels.")


def _said(story: Story, url: str) -> tuple[str, str]:
    """Caption with credit of the picture in ``story``, and the text for who cannot see it."""
    for figure in story.blocks:
        if isinstance(figure, Figure) and figure.picture.url == url:
            caption = plain_text(figure.caption) or figure.picture.alt
            return " · ".join(filter(None, (caption, figure.credit))), figure.picture.alt or caption
    return "", ""


def _problem(url: str, what: str) -> Problem:
    remedy = "The story goes out without this picture; save it as JPEG or PNG and publish it again."
    return Problem(where=url, what=what, remedy=remedy)


def _refusal(data: bytes) -> str:
    """Why a file is not even opened, "" if it may be."""
    if not data:
        return "is empty"
    if len(data) > MAX_BYTES:
        return f"has {len(data):,} bytes; at most {MAX_BYTES:,} are taken"
    if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > MAX_SCANS:
        return f"is a JPEG of more than {MAX_SCANS} scans"
    return ""


def _decode(data: bytes) -> Image:
    """The first frame, upright, on white, in RGB, free of metadata and at most about twice the largest box."""
    from PIL import AvifImagePlugin, Image, WebPImagePlugin  # noqa: F401 - importing a plug-in registers its format

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of odd tags, which are dropped anyway
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > (MAX_JPEG_PIXELS if opened.format == "JPEG" else MAX_PIXELS):
                raise ValueError(f"{opened.width} x {opened.height} pixels are too many")
            turn = _TURNS.get(opened.getexif().get(_ORIENTATION, 1))
            opened.draft(None, fit.within(opened.size, fit.BOXES[0]))
            small = _on_white(_reduced(opened))
    small.info = {}
    return small if turn is None else small.transpose(Image.Transpose(turn))


def _reduced(picture: Image) -> Image:
    """``picture`` with channels that can be averaged, at a whole fraction of its size if it is a large one."""
    if picture.mode.startswith("I;16"):
        picture = picture.convert("I").point(lambda value: value / 256).convert("L")
    elif picture.mode not in {"L", "LA", "RGB", "RGBA", "CMYK"}:
        picture = picture.convert("RGBA")  # a palette may have transparent colours
    wide, high = fit.within(picture.size, 2 * fit.BOXES[0])
    factor = min(picture.width // wide, picture.height // high)
    return picture.reduce(factor) if factor > 1 else picture.copy()


def _on_white(picture: Image) -> Image:
    from PIL import Image

    if picture.mode not in {"LA", "RGBA"}:
        return picture.convert("RGB")
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture.convert("RGBA"))
    return white.convert("RGB")


def _colours(picture: Image) -> tuple[str, str]:
    """The averages of the upper left and lower right quarter, light enough for dark ink to be read on them."""
    from PIL import Image

    four = picture.resize((2, 2), Image.Resampling.BOX).tobytes()
    return _legible(four[:3]), _legible(four[9:])


def _legible(rgb: bytes) -> str:
    channels = [value / 255 for value in rgb]
    while _luminance(channels) < _INK_LUMINANCE:  # brighter in their own hue first, then with white
        channels = [min(1.0, value * 1.06 + 0.004) for value in channels]
    return "#" + "".join(f"{round(value * 255):02x}" for value in channels)


def _luminance(channels: list[float]) -> float:
    """Relative luminance as WCAG defines it."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(data: bytes) -> Iterator[bytes]:
    if data.startswith(b"\xff\xd8"):
        return _jpeg_parts(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png_parts(data)
    return iter((data,))


def _jpeg_parts(data: bytes) -> Iterator[bytes]:
    """A JPEG without its application segments and comments, but with the orientation they tell."""
    yield b"jpeg"
    place = 2
    while data[place : place + 1] == b"\xff" and place + 4 <= len(data) and data[place + 1] != _SCAN:
        marker = data[place + 1]
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == _EXIF:
            yield _exif_orientation(data[place + 4 : end])
        elif marker == _ADOBE or not (0xE0 <= marker <= 0xEF or marker == _COMMENT):
            yield data[place:end]
        place = end
    yield data[place:]  # the picture itself


def _exif_orientation(segment: bytes) -> bytes:
    """The orientation in the first directory of an Exif segment as two bytes; nothing where there is none."""
    if not segment.startswith(b"Exif\0\0"):
        return b""
    tiff = segment[6:]
    order: Literal["little", "big"] = "little" if tiff.startswith(b"II") else "big"
    start = int.from_bytes(tiff[4:8], order)
    entries = int.from_bytes(tiff[start : start + 2], order)
    for place in range(start + 2, min(start + 2 + 12 * entries, len(tiff)), 12):
        if int.from_bytes(tiff[place : place + 2], order) == _ORIENTATION:
            turn = int.from_bytes(tiff[place + 8 : place + 10], order)
            return turn.to_bytes(2, "big") if turn in _TURNS else b""
    return b""


def _png_parts(data: bytes) -> Iterator[bytes]:
    """A PNG without its texts and time stamp."""
    place = 8
    while place < len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] not in {b"tEXt", b"zTXt", b"iTXt", b"tIME"}:
            yield data[place:end]
        place = end
