"""The fonts of cards and posters: the newsroom's own, or Debian's DejaVu."""

from __future__ import annotations

from pathlib import Path

from heliograph.announce.cards import PAPER, Style
from heliograph.announce.glyphs import MAX_FONT
from heliograph.config import Config
from heliograph.model import ConfigError
from heliograph.render.look import readable

DEJAVU = Path("/usr/share/fonts/truetype/dejavu")


def style(config: Config) -> Style:
    """What all cards of the newsroom share.

    Raises:
        ConfigError: there is no font.
    """
    bold, plain = fonts(config)
    accent = readable(config.newsroom.accent.lower(), PAPER)
    return Style(newsroom=config.newsroom.title, accent=accent, bold=bold, plain=plain)


def fonts(config: Config) -> tuple[bytes, bytes]:
    """A bold font and a plain one, as files; the newsroom's own font is both.

    Raises:
        ConfigError: there is none.
    """
    if config.announce.font:
        own = config.folder / config.announce.font
        data = _read(own, f"{own}: [announce] font", "name a file that ends in .ttf, or leave it empty for DejaVu")
        return data, data
    remedy = "apt-get install fonts-dejavu-core, or name a font in [announce] font"
    bold, plain = (DEJAVU / name for name in ("DejaVuSans-Bold.ttf", "DejaVuSans.ttf"))
    return _read(bold, str(bold), remedy), _read(plain, str(plain), remedy)


def _read(file: Path, where: str, remedy: str) -> bytes:
    try:
        with file.open("rb") as source:
            return source.read(MAX_FONT + 1)
    except OSError as error:
        raise ConfigError(f"the font cannot be read: {error.strerror}", where=where, remedy=remedy) from error
