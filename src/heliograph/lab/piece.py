"""One story as the simulated newsroom's editors hold it, before any template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from heliograph.model.names import segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """``path`` is its URL path, which starts with "/"; ``html`` its body without title, lead and leading picture.

    ``picture`` names the leading picture, served as ``/media/<picture>.jpg``; "" is none.
    """

    path: str
    lang: str
    title: str
    html: str
    published: datetime  # aware
    updated: datetime
    lead: str = ""
    section: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    picture: str = ""
    caption: str = ""

    @property
    def section_path(self) -> str:
        """Where the section's list is: the folder the stories' paths lie in, if it looks like one."""
        parts = self.path.split("/")
        if len(parts) > 3 and parts[1] == self.lang:
            return f"/{self.lang}/{parts[2]}/"
        return f"/{self.lang}/{segment(self.section)}/"


def pieces(now: datetime) -> tuple[Piece, ...]:
    """The sample stories as of ``now``, newest first."""
    from heliograph.lab.samples import html, samples

    return tuple(
        Piece(
            path=sample.path,
            lang=sample.lang,
            title=sample.title,
            html=html(sample),
            published=sample.published,
            updated=sample.published,
            lead=sample.lead,
            section=sample.section,
            author=sample.author,
            tags=sample.tags,
            picture=sample.picture,
            caption=sample.caption,
        )
        for sample in samples(now)
    )
