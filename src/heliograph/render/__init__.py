"""story -> edition: a light site as files in memory, each within the byte budget, byte for byte repeatable.

``sheets`` names every kind of page and what it needs; ``story_page`` and ``lists`` write pages; ``packer`` splits them
by measured size; ``encode`` pads and compresses. Nothing here reads a clock, a file of the newsroom's or a socket.
"""

from heliograph.render.feeds import shifted
from heliograph.render.lists import MIRRORS_FORMAT
from heliograph.render.sheets import KINDS, LATER, always, batch, links, sheet, standing, touched, want
from heliograph.render.story_page import CARRIES

__all__ = [
    "CARRIES",
    "KINDS",
    "LATER",
    "MIRRORS_FORMAT",
    "always",
    "batch",
    "links",
    "sheet",
    "shifted",
    "standing",
    "touched",
    "want",
]
