"""Pictures: what goes in hostile comes out small, safe and the same each time."""

from __future__ import annotations

import base64
import io
import random
import re
import struct
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from heliograph.model import Figure, Issue, Material, Picture, Problem, Run, SheetKey, Shown, Story
from heliograph.model.code import story_code
from heliograph.model.edition import BROTLI_BODY, BUCKET, GZIP_BODY
from heliograph.render import fit, pictures
from heliograph.render.look import Link, Look

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
ISSUE = Issue(number=1, made=NOW, stories=1, files=1, written=1, gone=0)
LOOK = Look(title="Берег", lang="ru", links=(Link(name="Telegram", url="https://t.me/example_channel"),))
URL = "https://news.example/media/bridge.jpg"


def photo(width: int = 900, height: int = 600, *, detail: int = 400, seed: int = 1) -> Image.Image:
    """A picture with large soft areas and edges, as photographs have."""
    draw = random.Random(seed)
    made = Image.new("RGB", (width, height), (90, 120, 160))
    pen = ImageDraw.Draw(made)
    for _ in range(detail):
        x, y, r = draw.randrange(width), draw.randrange(height), draw.randrange(2, width // 6)
        colour = tuple(draw.randrange(256) for _ in range(3))
        pen.ellipse((x - r, y - r // 2, x + r, y + r // 2), fill=colour)
    return made.filter(ImageFilter.GaussianBlur(1.5))


def saved(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def shown(data: bytes) -> Shown:
    made = pictures.encode(data, URL)
    assert isinstance(made, Shown), made
    return made


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def story(caption: str = "Первые машины на мосту", alt: str = "Мост", **changes: Any) -> Story:
    figure = Figure(picture=Picture(url=URL, alt=alt), caption=(Run(caption),), credit="Снимок редакции")
    fields: dict[str, Any] = {
        "url": "https://news.example/bridge", "code": story_code("https://news.example/bridge"), "lang": "ru",
        "title": "Мост открыли", "blocks": (figure,), "published": NOW, "updated": NOW,
    } | changes  # fmt: skip
    return Story(**fields)


def page(picture: Shown, told: Story | None = None, look: Look = LOOK, dense: bool = False) -> dict[str, Any]:
    material = Material(issue=ISSUE, stories=(told or story(),), shown={URL: picture})
    return {file.path: file for file in pictures.page(SheetKey("picture", picture.pid), material, look, dense)}


@pytest.mark.parametrize(
    "picture",
    [
        photo(),
        photo(480, 1400, seed=2),
        photo(3000, 300, seed=3),
        photo(200, 150, seed=4),
        Image.new("RGB", (1200, 800), "white"),
        Image.effect_noise((900, 600), 120).convert("RGB"),
        Image.new("RGB", (1, 1), "red"),
        Image.new("RGB", (4000, 1), "red"),
        Image.new("RGB", (1, 4000), "blue"),
    ],
    ids=["photo", "tall", "wide", "small", "flat", "noise", "dot", "line", "post"],
)
def test_both_formats_fit_one_response_whole(picture: Image.Image) -> None:
    made = shown(saved(picture, quality=90))
    assert 0 < len(made.avif) <= fit.AVIF_LIMIT
    assert 0 < len(made.webp) <= BROTLI_BODY
    assert opened(made.avif).size == (made.width, made.height)
    assert opened(made.avif).format == "AVIF"
    assert opened(made.webp).format == "WEBP"
    assert made.width <= min(480, picture.width)
    assert (
        made.width / made.height == pytest.approx(picture.width / picture.height, rel=0.05)
        or 1 in opened(made.avif).size
    )


def test_an_ordinary_photograph_keeps_a_usable_width_and_uses_its_bytes() -> None:
    made = shown(saved(photo(1200, 800, detail=150), quality=88))
    assert made.width >= 320
    assert len(made.avif) > fit.AVIF_LIMIT * 0.75
    assert len(made.webp) > BROTLI_BODY * 0.7


def test_the_picture_is_still_the_same_picture() -> None:
    source = photo(960, 640, detail=60)
    made = shown(saved(source, quality=92))
    for data in (made.avif, made.webp):
        small = opened(data).convert("RGB")
        there = source.resize(small.size, Image.Resampling.LANCZOS)
        pairs = zip(small.tobytes(), there.tobytes(), strict=True)
        off = sum(abs(one - other) for one, other in pairs) / len(there.tobytes())
        assert off < 12  # of 255


def test_the_same_bytes_give_the_same_bytes() -> None:
    data = saved(photo())
    assert pictures.encode(data, URL) == pictures.encode(data, URL)


def test_a_busy_picture_gets_smaller_and_a_calm_one_sharper() -> None:
    busy = shown(saved(Image.effect_noise((900, 600), 90).convert("RGB"), quality=90))
    calm = shown(saved(photo(detail=12), quality=90))
    assert busy.width < calm.width


def test_a_name_follows_from_the_address_alone() -> None:
    assert pictures.pid(URL) == shown(saved(photo())).pid
    assert re.fullmatch("[0-9a-f]{10}", pictures.pid(URL))
    assert pictures.pid(URL) != pictures.pid(URL + "?2")
    assert pictures.pid("\ud800")


# --- decoding -------------------------------------------------------------------------------------------------------


def test_orientation_is_applied_and_no_metadata_travels() -> None:
    halves = Image.new("RGB", (600, 400), "red")
    halves.paste((0, 0, 255), (300, 0, 600, 400))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right
    exif[0x010E] = "secret place"
    made = shown(saved(halves, exif=exif, comment=b"secret place"))
    assert made.height / made.width == pytest.approx(600 / 400, rel=0.01)
    picture = opened(made.webp).convert("RGB")
    red, _, blue = picture.getpixel((picture.width // 2, 10))
    assert red > 200 > 60 > blue
    assert b"secret" not in made.avif + made.webp
    assert not opened(made.avif).getexif()


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
    palette = Image.new("P", (300, 200), 0)
    palette.putpalette([0, 0, 0] * 256)
    for data in (saved(clear, "PNG"), saved(palette, "PNG", transparency=0), saved(palette, "GIF", transparency=0)):
        assert opened(shown(data).webp).convert("RGB").getpixel((100, 100)) == (255, 255, 255)


def test_every_depth_and_colour_model_keeps_its_brightness() -> None:
    grey = Image.new("L", (300, 200), 128)
    deep = Image.frombytes("I;16", (300, 200), struct.pack("<H", 32_896) * 60_000)
    sources = {
        "cmyk": saved(grey.convert("CMYK"), "JPEG", quality=95),
        "grey": saved(grey, "JPEG", quality=95),
        "16 bit": saved(deep, "PNG"),
        "grey with alpha": saved(grey.convert("LA"), "PNG"),
        "palette": saved(grey.convert("P"), "PNG"),
        "webp": saved(grey.convert("RGB"), "WEBP"),
        "avif": saved(grey.convert("RGB"), "AVIF"),
        "gif": saved(grey, "GIF"),
    }
    for name, data in sources.items():
        value = opened(shown(data).webp).convert("L").getpixel((150, 100))
        assert value == pytest.approx(128, abs=6), name


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (200, 150), colour) for colour in ("red", "lime", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
        red, green, blue = opened(shown(data).webp).convert("RGB").getpixel((50, 50))
        assert red > 200 > 60 > max(green, blue), kind


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and has next to no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def bomb_of_scans() -> bytes:
    data = saved(Image.new("L", (64, 64)), "JPEG", progressive=True)
    scan = data.rindex(b"\xff\xda")
    return data[:scan] + data[scan:-2] * 200 + b"\xff\xd9"


BAD = {
    "nothing": b"",
    "zero bytes": bytes(5_000),
    "a page": b"<!doctype html><p>Not found",
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "bmp": saved(Image.new("RGB", (40, 40)), "BMP"),
    "tiff": saved(Image.new("RGB", (40, 40)), "TIFF"),
    "cut jpeg": saved(photo(300, 200))[:3_000],
    "cut png": saved(photo(300, 200), "PNG")[:3_000],
    "cut webp": saved(photo(300, 200), "WEBP")[:1_000],
    "bomb": png_of(50_000, 50_000),
    "half a bomb": png_of(9_000, 9_000),
    "long line": png_of(60_000_000, 1),
    "scans": bomb_of_scans(),
    "too long": b"\xff\xd8" + bytes(pictures.MAX_BYTES),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_what_is_no_fit_picture_is_a_problem_that_names_it(data: bytes) -> None:
    problem = pictures.encode(data, URL)
    assert isinstance(problem, Problem)
    assert problem.where == URL
    assert problem.what
    assert problem.remedy


@settings(max_examples=60)
@given(st.data())
def test_damaged_pictures_never_raise(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "AVIF"]))
    whole = bytearray(saved(photo(60, 40, detail=9), kind))
    for _ in range(data.draw(st.integers(1, 12))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(1, len(whole)))])
    assert isinstance(pictures.encode(damaged, URL), Shown | Problem)
    assert len(pictures.content_key(damaged)) == 64


@settings(max_examples=60)
@given(
    st.binary(max_size=2_000),
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP"]),
)
def test_arbitrary_bytes_never_raise(tail: bytes, head: bytes) -> None:
    assert isinstance(pictures.encode(head + tail, URL), Shown | Problem)
    assert len(pictures.content_key(head + tail)) == 64


# --- the key of the content -----------------------------------------------------------------------------------------


def test_copies_that_differ_in_their_tags_have_one_key() -> None:
    exif = Image.Exif()
    exif[0x010E] = "another caption"
    plain, tagged = saved(photo()), saved(photo(), exif=exif, comment=b"agency 12345")
    assert plain != tagged
    assert pictures.content_key(plain) == pictures.content_key(tagged)


def test_a_turned_copy_has_a_key_of_its_own() -> None:
    upright, turned = Image.Exif(), Image.Exif()
    upright[0x0112], turned[0x0112] = 1, 6
    keys = {pictures.content_key(saved(photo(), exif=exif)) for exif in (upright, turned)}
    assert len(keys) == 2


def test_texts_of_a_png_do_not_count_and_its_pixels_do() -> None:
    from PIL.PngImagePlugin import PngInfo

    note = PngInfo()
    note.add_text("Comment", "agency 12345")
    one, same, other = saved(photo(), "PNG"), saved(photo(), "PNG", pnginfo=note), saved(photo(seed=9), "PNG")
    assert one != same
    assert pictures.content_key(one) == pictures.content_key(same) != pictures.content_key(other)


# --- colours --------------------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", ["black", "#001040", "#400000", "#205020", "white", "#808080", "yellow"])
def test_dark_ink_is_legible_on_the_placeholder(colour: str) -> None:
    for found in shown(saved(Image.new("RGB", (80, 60), colour), "PNG")).colours:
        assert re.fullmatch("#[0-9a-f]{6}", found)
        assert (luminance(found) + 0.05) / (luminance("#1a1a18") + 0.05) >= 4.5


def test_the_two_colours_are_those_of_two_corners() -> None:
    halves = Image.new("RGB", (80, 60), "#ffdd88")
    halves.paste((0x88, 0xDD, 0xFF), (0, 30, 80, 60))
    assert shown(saved(halves, "PNG")).colours == ("#ffdd88", "#88ddff")


# --- the page -------------------------------------------------------------------------------------------------------


def test_the_page_holds_the_picture_itself_and_the_way_back() -> None:
    picture = shown(saved(photo()))
    files = page(picture)
    html = files[f"a/i/{picture.pid}.html"].body.decode()
    inside = re.search(r'src="data:image/avif;base64,([^"]+)"', html)
    assert inside
    assert base64.b64decode(inside[1]) == picture.avif
    assert f'href="../{story().code}.html"' in html
    assert f'href="{picture.pid}.webp"' in html
    assert "Первые машины на мосту · Снимок редакции" in html
    assert 'alt="Мост"' in html
    assert not re.search(r'(src|href)="(?!data:)(https?:)?//', html.replace("https://t.me", ""))


def test_the_older_format_lies_beside_it_padded_and_readable() -> None:
    picture = shown(saved(photo()))
    webp = page(picture)[f"a/i/{picture.pid}.webp"]
    assert len(webp.body) % BUCKET == 0
    assert len(webp.body) <= BROTLI_BODY
    assert webp.brotli is None
    assert opened(webp.body).width > 100


@pytest.mark.parametrize("lang", ["ru", "uk", "en", "crh", "fa"])
def test_the_fullest_picture_fits_with_its_caption_in_every_language(lang: str) -> None:
    avif, webp = random.Random(5).randbytes(fit.AVIF_LIMIT), saved(photo(), "WEBP", quality=5)
    picture = Shown(pid="0123456789", width=320, height=213, colours=("#aaaaaa", "#bbbbbb"), avif=avif, webp=webp)
    made = page(picture, story(lang=lang))["a/i/0123456789.html"]
    assert len(made.brotli) <= BROTLI_BODY
    assert len(made.gzip) <= GZIP_BODY
    assert b"base64" in made.body
    assert "Снимок редакции".encode() in made.body


def test_words_give_way_before_the_picture_does() -> None:
    picture = shown(saved(photo()))
    scrambled = "".join(chr(0x4E00 + (k * k * 7919) % 20_000) for k in range(900))
    made = page(picture, story(caption=scrambled, alt=scrambled, title=scrambled))[f"a/i/{picture.pid}.html"]
    assert len(made.brotli) <= BROTLI_BODY
    assert b"base64" in made.body


def test_where_nothing_else_helps_the_page_leads_to_the_older_format() -> None:
    picture = shown(saved(photo()))
    links = tuple(
        Link(name=f"Канал {k}", url=f"https://t.me/{random.Random(k).randbytes(140).hex()}") for k in range(12)
    )
    small = Look(title="".join(chr(0x4E00 + k * 131) for k in range(80)), lang="ru", links=links)
    bare = Shown(pid=picture.pid, width=320, height=213, colours=picture.colours,
                 avif=random.Random(5).randbytes(9_000), webp=picture.webp)  # fmt: skip
    html = page(bare, look=small)[f"a/i/{picture.pid}.html"].body
    assert b"base64" not in html
    assert f"{picture.pid}.webp".encode() in html


def test_markup_of_a_stranger_stays_text() -> None:
    evil = '"><script>alert(1)</script>'
    picture = shown(saved(photo()))
    html = page(picture, story(caption=evil, alt=evil, title=evil))[f"a/i/{picture.pid}.html"].body
    assert b"<script" not in html
    assert b'alt=""' not in html


def test_a_picture_that_no_story_shows_has_no_files() -> None:
    picture = shown(saved(photo()))
    key = SheetKey("picture", picture.pid)
    assert pictures.page(key, Material(issue=ISSUE, shown={URL: picture}), LOOK, False) == ()
    assert pictures.page(key, Material(issue=ISSUE, stories=(story(),)), LOOK, False) == ()


def test_the_page_is_the_same_bytes_each_time() -> None:
    picture = shown(saved(photo()))
    assert page(picture, dense=True) == page(picture, dense=True)
