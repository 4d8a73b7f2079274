"""A professional account of Instagram behind the Graph API: containers, then posts.

Rule 1: a picture is really fetched, and looked at: its first bytes, its size, its width and its ratio. Rule 2: a
container lives a day. Rule 3: what the documentation leaves open is a field of ``Terms``. Of media there are pictures,
carousels and stories of one picture; no films.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from heliograph.lab.channels.fetching import fetch, jpeg_size
from heliograph.lab.channels.graph_error import GraphError, chosen, missing, paged, stamp

_AGENT: Final = "facebookexternalhit/1.1"
_DAY: Final = 86_400.0  # seconds
_HASHTAG: Final = re.compile(r"(?<!\w)#\w+")
_NAMED: Final = re.compile(r"(?<!\w)@\w[\w.]*")


@dataclass(slots=True, kw_only=True)
class Terms:
    """Limits, and what the documentation leaves open."""

    caption: int = 2_200  # characters
    hashtags: int = 30
    too_many_hashtags: tuple[int, int] = (36004, 2207010)
    named: int = 20  # accounts
    alt_text: int = 1_000  # characters
    size: int = 8 * 1_024 * 1_024  # bytes
    narrowest: float = 4 / 5
    widest: float = 1.91
    width: tuple[int, int] = (320, 1_440)  # pixels
    wrong_width: tuple[int, int] = (36001, 2207005)
    seconds: float = 5  # for fetching a picture, of real time
    banned: tuple[int, int] = (138, 0)  # by robots.txt
    slides: tuple[int, int] = (2, 10)
    wrong_slides: tuple[int, int] = (100, 0)
    posts: int = 50  # of a rolling day: the guide says 100, the reference 50
    containers: int = 400  # of a rolling day
    too_many_containers: tuple[int, int] = (9, 2207042)
    twice: tuple[int, int] = (24, 2207006)  # for publishing a container again
    processing: float = 0  # seconds until a container is looked at
    deletes: bool = False  # whether posts can be deleted


@dataclass(slots=True, kw_only=True)
class _Container:
    id: str
    at: float
    kind: str
    caption: str = ""
    pictures: list[dict[str, str]] = field(default_factory=list)
    item: bool = False  # of a carousel
    published: bool = False
    spoilt: int = 0  # a subcode


class Instagram:
    """``posts`` is what readers see, oldest first."""

    def __init__(self, clock: Callable[[], float], id_: str = "17841405822304914", name: str = "pivostriv") -> None:
        self.clock, self.id, self.name = clock, id_, name
        self.terms = Terms()
        self.posts: list[dict[str, Any]] = []
        self.containers: dict[str, _Container] = {}
        self.published: list[float] = []  # when: what is deleted counts, too
        self._spoilt: deque[int] = deque()
        self._numbers = itertools.count(17_889_455_560_051_444)

    def spoil(self, *subcodes: int) -> None:
        """The next containers come to nothing, each for that reason."""
        self._spoilt.extend(subcodes)

    async def edge(self, method: str, edge: str, fields: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
        """What an edge of the account answers. Raises GraphError."""
        match method, edge:
            case "POST", "media":
                return {"id": await self._contain(fields)}
            case "POST", "media_publish":
                return {"id": self._publish(fields.get("creation_id", ""))}
            case "GET", "media":
                return paged(self.posts[::-1], fields)
            case "GET", "content_publishing_limit":
                config = {"quota_total": self.terms.posts, "quota_duration": int(_DAY)}
                row = {"id": self.id, "quota_usage": self._today(), "config": config}
                return {
                    "data": [{key: row[key] for key in fields.get("fields", "quota_usage").split(",") if key in row}]
                }
        raise GraphError(2500, 0, f"Unknown path components: /{edge}", status=400)

    def node(self, method: str, name: str, fields: dict[str, str], *, may_delete: bool) -> Any:  # noqa: ANN401 - JSON
        """What the account, a container or a post answers. Raises GraphError."""
        wanted = fields.get("fields", "id")
        post = next((one for one in self.posts if one["id"] == name), None)
        if method == "GET" and name == self.id:
            return chosen({"id": self.id, "username": self.name, "user_id": self.id}, wanted)
        if method == "GET" and name in self.containers:
            return chosen({"id": name, **self._status(self.containers[name])}, wanted)
        if method == "GET" and post is not None:
            return chosen(post, wanted)
        if method == "DELETE" and post is not None and self.terms.deletes and may_delete:
            self.posts.remove(post)
            return {"success": True, "deleted_id": name}
        raise missing(method, name)

    async def _contain(self, fields: dict[str, str]) -> str:
        now = self.clock()
        if sum(one.at > now - _DAY for one in self.containers.values()) >= self.terms.containers:
            raise GraphError(*self.terms.too_many_containers, "too many containers today")
        kind = fields.get("media_type", "IMAGE")
        caption = fields.get("caption", "") if kind != "STORIES" else ""
        self._check_text(caption, fields.get("alt_text", "") if kind == "IMAGE" else "")
        made = _Container(id=str(next(self._numbers)), at=now, kind=kind, caption=caption)
        if kind == "CAROUSEL":
            made.pictures = self._slides(fields.get("children", ""))
        elif kind in {"IMAGE", "STORIES"}:
            if not (url := fields.get("image_url", "")):
                raise GraphError(100, 0, "The parameter image_url is required")
            await self._look(url)
            made.pictures = [{"url": url, "alt": fields.get("alt_text", "")}]
            made.item = fields.get("is_carousel_item", "").lower() == "true"
        else:
            raise GraphError(100, 2207023, f"The media type {kind} is unknown")
        made.spoilt = self._spoilt.popleft() if self._spoilt else 0
        self.containers[made.id] = made
        return made.id

    def _check_text(self, caption: str, alt: str) -> None:
        if len(caption) > self.terms.caption:
            raise GraphError(36004, 2207010, f"The caption was too long: {len(caption)} characters")
        if len(_HASHTAG.findall(caption)) > self.terms.hashtags:
            raise GraphError(*self.terms.too_many_hashtags, "too many hashtags")
        if len(_NAMED.findall(caption)) > self.terms.named:
            raise GraphError(100, 2207040, f"Cannot use more than {self.terms.named} tags")
        if len(alt) > self.terms.alt_text:
            raise GraphError(100, 0, "alt_text is too long")

    async def _look(self, url: str) -> None:
        terms = self.terms
        found = await fetch(url, agent=_AGENT, most=terms.size, seconds=terms.seconds)
        match found.trouble:
            case "slow":
                raise GraphError(-2, 2207003, "It takes too long to download the media")
            case "banned":
                raise GraphError(*terms.banned, "robots.txt does not allow this")
            case "unreachable":
                raise GraphError(9004, 2207052, "The media could not be fetched from this URI")
            case "large":
                raise GraphError(36000, 2207004, "The image is too large to download")
        size = jpeg_size(found.data)
        if size is None:
            raise GraphError(36001, 2207005, "The image format is not supported")
        if not terms.width[0] <= size[0] <= terms.width[1]:
            raise GraphError(*terms.wrong_width, "The width is not supported")
        if not terms.narrowest <= size[0] / size[1] <= terms.widest:
            raise GraphError(36003, 2207009, "The aspect ratio is not supported")

    def _slides(self, children: str) -> list[dict[str, str]]:
        names = [name.strip(' "[]') for name in children.split(",") if name.strip(' "[]')]
        if not self.terms.slides[0] <= len(names) <= self.terms.slides[1]:
            raise GraphError(*self.terms.wrong_slides, "A carousel has 2 to 10 items")
        found = []
        for name in names:
            child = self._living(name)
            if not child.item:
                raise GraphError(100, 0, "A child is no carousel item")
            found += child.pictures
        return found

    def _living(self, name: str) -> _Container:
        """A container that could be published now. Raises GraphError."""
        container = self.containers.get(name)
        if container is None:
            raise GraphError(24, 2207006, "The media could not be found")
        status = self._status(container)["status_code"]
        if status == "EXPIRED":
            raise GraphError(24, 2207008, "The media builder has expired")
        if status == "PUBLISHED":
            raise GraphError(*self.terms.twice, "It has been published")
        if status == "ERROR":
            raise GraphError(-1, 2207032, "Create media fail, please try to re-create media")
        if status == "IN_PROGRESS":
            raise GraphError(9007, 2207027, "The media is not ready for publishing, please wait for a moment")
        return container

    def _status(self, container: _Container) -> dict[str, str]:
        if container.published:
            code = "PUBLISHED"
        elif self.clock() >= container.at + _DAY:
            code = "EXPIRED"
        elif self.clock() < container.at + self.terms.processing:
            code = "IN_PROGRESS"
        else:
            code = "ERROR" if container.spoilt else "FINISHED"
        words = (
            f"Error: Media upload has failed with error code {container.spoilt}" if code == "ERROR" else code.title()
        )
        return {"status_code": code, "status": words}

    def _publish(self, name: str) -> str:
        container = self._living(name)
        if container.item:
            raise GraphError(100, 0, "A carousel item cannot be published by itself")
        if self._today() >= self.terms.posts:
            raise GraphError(9, 2207042, "You reached maximum number of posts that is allowed to be published")
        container.published = True
        made = str(next(self._numbers))
        self.published.append(self.clock())
        kind = {"IMAGE": "IMAGE", "CAROUSEL": "CAROUSEL_ALBUM"}.get(container.kind, container.kind)
        post = {
            "id": made, "caption": container.caption, "media_type": kind, "timestamp": stamp(self.clock()),
            "permalink": f"https://www.instagram.com/p/{made}/", "pictures": container.pictures,
        }  # fmt: skip
        self.posts.append(post)
        return made

    def _today(self) -> int:
        return sum(at > self.clock() - _DAY for at in self.published)
