"""Pictures for the simulated newsroom: calm landscapes of sky, hills and water, drawn from nothing but a name.

The same name gives the same picture, so that a story's picture is unchanged from one run to the next. Some names carry
a motif (``bridge-evening`` has a bridge); any other name gives plain country.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Colour = tuple[int, int, int]


class _Light(NamedTuple):
    """The colours of one hour and weather."""

    zenith: Colour
    horizon: Colour
    sun: Colour
    far: Colour  # the most distant hills, pale
    near: Colour  # the foreground


_LIGHTS = (
    _Light((94, 140, 188), (246, 224, 190), (255, 246, 220), (158, 172, 190), (52, 74, 66)),  # morning
    _Light((70, 130, 190), (205, 226, 238), (255, 255, 244), (142, 170, 186), (74, 98, 58)),  # noon
    _Light((62, 62, 112), (244, 158, 106), (255, 226, 170), (132, 104, 130), (40, 36, 52)),  # dusk
    _Light((108, 150, 160), (240, 236, 216), (255, 252, 236), (168, 182, 172), (98, 92, 54)),  # autumn
)
_STORM = _Light((52, 62, 74), (152, 164, 170), (196, 204, 206), (98, 110, 118), (34, 42, 46))
_EVENING = _LIGHTS[2]


def landscape(name: str, width: int = 1200, height: int = 800) -> bytes:
    """A JPEG of some 40 to 120 KB."""
    from PIL import ImageDraw, ImageFilter

    rng = random.Random(name)  # noqa: S311 - a picture needs the same numbers each time, not secret ones
    light = _STORM if "storm" in name else _EVENING if "evening" in name else rng.choice(_LIGHTS)
    picture = _sky(light, rng, width, height)
    picture = picture.filter(ImageFilter.GaussianBlur(width / 400))
    draw = ImageDraw.Draw(picture)
    shore = round(height * rng.uniform(0.6, 0.68))
    for layer in range(4):
        _hills(draw, rng, shore, width, layer, _between(light.far, light.near, layer / 5))
    _water(draw, rng, shore, width, height, light)
    motif = next((motif for word, motif in _MOTIFS.items() if word in name), None)
    if motif is not None:
        motif(draw, rng, shore, width, _between(light.near, (0, 0, 0), 0.25))
    _bank(draw, rng, width, height, light.near)
    picture = picture.filter(ImageFilter.GaussianBlur(width / 1500))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=84, progressive=True)
    return out.getvalue()


def _between(a: Colour, b: Colour, share: float) -> Colour:
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return (red, green, blue)


def _sky(light: _Light, rng: random.Random, width: int, height: int) -> Image:
    from PIL import Image, ImageDraw, ImageOps

    column = Image.new("RGB", (1, height))
    for y in range(height):
        column.putpixel((0, y), _between(light.zenith, light.horizon, min(1.0, y / (height * 0.62)) ** 1.3))
    picture = column.resize((width, height))
    draw = ImageDraw.Draw(picture)
    x, y, glow = round(width * rng.uniform(0.15, 0.85)), round(height * rng.uniform(0.18, 0.4)), round(height * 0.3)
    halo = ImageOps.invert(Image.radial_gradient("L")).resize((2 * glow, 2 * glow))
    picture.paste(
        light.sun, (x - glow, y - glow), halo.point([round(255 * (v / 255) ** 2.6 * 0.8) for v in range(256)])
    )
    draw.ellipse(_box(x, y, height * 0.045), fill=light.sun)
    for _ in range(rng.randint(5, 9)):  # clouds: rows of flat ellipses
        across, top = width * rng.uniform(-0.1, 0.9), height * rng.uniform(0.08, 0.45)
        colour = _between(light.sun, light.horizon, rng.uniform(0.3, 0.7))
        for _ in range(rng.randint(4, 8)):
            w, h = width * rng.uniform(0.04, 0.12), height * rng.uniform(0.005, 0.014)
            draw.ellipse((across, top, across + w, top + h), fill=colour)
            across, top = across + w * rng.uniform(0.3, 0.7), top + h * rng.uniform(-0.7, 0.7)
    return picture


def _box(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return (x - radius, y - radius, x + radius, y + radius)


def _waves(rng: random.Random, count: int, shortest: float) -> Callable[[float], float]:
    """A smooth curve between about -1 and 1: a sum of sines, the shorter the lower."""
    parts = [(shortest * 2**k, rng.uniform(0, math.tau), 0.6**k) for k in range(count)]
    return lambda x: sum(height * math.sin(x * rate + phase) for rate, phase, height in parts) / 2


def _hills(draw: ImageDraw, rng: random.Random, shore: int, width: int, layer: int, colour: Colour) -> None:
    curve = _waves(rng, 5, 2.0 + layer)
    rise = shore * (0.30 - 0.065 * layer)
    outline = [(x, shore - rise * (0.55 + 0.45 * curve(x / width * 3))) for x in range(0, width + 8, 4)]
    draw.polygon([(0, shore + 2), *outline, (width, shore + 2)], fill=colour)


def _water(draw: ImageDraw, rng: random.Random, shore: int, width: int, height: int, light: _Light) -> None:
    for y in range(shore, height):
        depth = (y - shore) / (height - shore)
        draw.line((0, y, width, y), fill=_between(light.horizon, _between(light.zenith, light.near, 0.55), depth**0.6))
    for _ in range(260):
        y = shore + (height - shore) * rng.random() ** 1.6
        length = width * rng.uniform(0.01, 0.05) * (0.4 + (y - shore) / (height - shore))
        x = rng.uniform(-length, width)
        shade = light.sun if rng.random() < 0.45 else light.zenith
        base = _between(light.horizon, light.zenith, (y - shore) / (height - shore))
        draw.line((x, y, x + length, y), fill=_between(base, shade, 0.35), width=2)


def _bank(draw: ImageDraw, rng: random.Random, width: int, height: int, colour: Colour) -> None:
    """The near bank with reeds, which gives the picture its depth."""
    curve = _waves(rng, 4, 1.5)
    outline = [(x, height * (0.955 + 0.03 * curve(x / width * 2))) for x in range(0, width + 8, 8)]
    draw.polygon([(0, height), *outline, (width, height)], fill=colour)
    for _ in range(rng.randint(60, 120)):
        x = width * rng.choice((rng.uniform(0, 0.3), rng.uniform(0.75, 1)))
        top = height * rng.uniform(0.83, 0.93)
        draw.line((x, height, x + rng.uniform(-14, 14), top), fill=_between(colour, (120, 120, 80), 0.2), width=2)


def _bridge(draw: ImageDraw, rng: random.Random, shore: int, width: int, colour: Colour) -> None:
    deck, span = shore - width * 0.045, width / 7
    draw.rectangle((0, deck, width, deck + width * 0.009), fill=colour)
    for pier in range(8):
        x = pier * span
        draw.rectangle((x - 7, deck, x + 7, shore + width * 0.015), fill=colour)
        draw.arc((x, deck + 4, x + span, deck + width * 0.07), 180, 360, fill=colour, width=7)
    for lamp in range(15):
        x = lamp * span / 2
        draw.line((x, deck, x, deck - width * 0.018), fill=colour, width=3)


def _ship(draw: ImageDraw, rng: random.Random, shore: int, width: int, colour: Colour) -> None:
    x, y, u = width * rng.uniform(0.3, 0.5), shore + width * 0.05, width * 0.02
    draw.polygon([(x, y), (x + 12 * u, y), (x + 11 * u, y + 2 * u), (x + u, y + 2 * u)], fill=colour)
    draw.rectangle((x + 2 * u, y - 1.4 * u, x + 9.5 * u, y), fill=_between(colour, (240, 240, 236), 0.85))
    draw.rectangle((x + 5 * u, y - 3.2 * u, x + 7 * u, y - 1.4 * u), fill=_between(colour, (190, 80, 60), 0.7))
    for window in range(7):
        draw.rectangle((x + (2.5 + window) * u, y - u, x + (3 + window) * u, y - 0.5 * u), fill=colour)


def _turbines(draw: ImageDraw, rng: random.Random, shore: int, width: int, colour: Colour) -> None:
    pale = _between(colour, (244, 246, 246), 0.85)
    for mill in range(6):
        size = width * rng.uniform(0.07, 0.12)
        x, foot = width * (0.1 + 0.16 * mill + rng.uniform(-0.03, 0.03)), shore - width * 0.02
        hub = foot - size
        draw.polygon([(x - 4, foot), (x + 4, foot), (x + 1.5, hub), (x - 1.5, hub)], fill=pale)
        turn = rng.uniform(0, math.tau)
        for blade in range(3):
            angle = turn + blade * math.tau / 3
            tip = (x + math.cos(angle) * size * 0.62, hub + math.sin(angle) * size * 0.62)
            draw.line((x, hub, *tip), fill=pale, width=4)
        draw.ellipse(_box(x, hub, 5), fill=pale)


def _lighthouse(draw: ImageDraw, rng: random.Random, shore: int, width: int, colour: Colour) -> None:
    x, u = width * rng.uniform(0.6, 0.75), width * 0.016
    draw.polygon(
        [(x - 9 * u, shore + u), (x - 2 * u, shore - u), (x + 5 * u, shore), (x + 11 * u, shore + u)], fill=colour
    )
    for stripe in range(6):
        top, half = shore - u - (stripe + 1) * 2 * u, 1.5 - stripe * 0.11
        shade = (236, 232, 224) if stripe % 2 else (176, 66, 54)
        draw.polygon(
            [
                (x - half * u, top + 2 * u),
                (x + half * u, top + 2 * u),
                (x + (half - 0.11) * u, top),
                (x - (half - 0.11) * u, top),
            ],
            fill=_between(colour, shade, 0.85),
        )
    draw.rectangle((x - 0.7 * u, shore - 14.6 * u, x + 0.7 * u, shore - 13 * u), fill=(255, 236, 170))
    draw.polygon([(x - u, shore - 14.6 * u), (x + u, shore - 14.6 * u), (x, shore - 15.8 * u)], fill=colour)


def _roofs(draw: ImageDraw, rng: random.Random, shore: int, width: int, colour: Colour) -> None:
    x = -width * 0.02
    while x < width:
        w, h = width * rng.uniform(0.035, 0.075), width * rng.uniform(0.02, 0.06)
        wall = _between(colour, rng.choice(((226, 214, 196), (204, 190, 178), (238, 232, 222))), 0.7)
        roof = _between(colour, rng.choice(((168, 88, 64), (140, 96, 80), (120, 108, 104))), 0.75)
        draw.rectangle((x, shore - h, x + w, shore + 3), fill=wall)
        draw.polygon([(x - 4, shore - h), (x + w + 4, shore - h), (x + w / 2, shore - h - w * 0.35)], fill=roof)
        for column in range(1, 4):
            if rng.random() < 0.8:
                left = x + column * w / 4
                draw.rectangle((left - 4, shore - h * 0.7, left + 3, shore - h * 0.45), fill=colour)
        x += w * rng.uniform(0.95, 1.5)


def _rows(draw: ImageDraw, rng: random.Random, shore: int, width: int, colour: Colour) -> None:
    """Fields running to the horizon: vineyards, harvest."""
    low, gold = shore + width * 0.22, _between(colour, (206, 170, 84), 0.75)
    draw.rectangle((0, shore, width, low), fill=gold)
    vanish = width * rng.uniform(0.4, 0.6)
    for row in range(-26, 27):
        foot = vanish + row * width * 0.055
        near = vanish + (foot - vanish) * 0.12
        draw.polygon(
            [(near, shore), (near + 2, shore), (foot + 15, low), (foot - 10, low)], fill=_between(gold, colour, 0.5)
        )


_MOTIFS: dict[str, Callable[[ImageDraw, random.Random, int, int, Colour], None]] = {
    "bridge": _bridge,
    "ferry": _ship,
    "wind": _turbines,
    "lighthouse": _lighthouse,
    "lens": _lighthouse,
    "vineyard": _rows,
    "harvest": _rows,
    "school": _roofs,
    "class": _roofs,
    "court": _roofs,
    "chess": _roofs,
}
