"""A page of Facebook behind the Graph API.

Rule 1: a post that says what the newest one says is refused (506). Rule 2: an app changes only its own posts. What the
documentation leaves open is a field of ``Terms``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from heliograph.lab.channels.fetching import fetch
from heliograph.lab.channels.graph_error import GraphError, chosen, missing, paged, stamp

_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")


@dataclass(slots=True, kw_only=True)
class Terms:
    """Limits, and what the documentation leaves open."""

    message: int = 63_206  # characters
    picture: int = 10_000_000  # bytes
    scrapes: bool = False  # whether the page of a link is fetched
    soonest: float = 600  # seconds from now that a post can be scheduled for
    latest: float = 30 * 86_400
    seconds: float = 5  # for fetching, of real time
    not_own: tuple[int, int] = (200, 0)  # for changing another app's post


class Page:
    """``posts`` is all that was posted, oldest first; ``seen`` what readers see."""

    def __init__(self, clock: Callable[[], float], id_: str = "104203118652217", name: str = "Півострів") -> None:
        self.clock, self.id, self.name = clock, id_, name
        self.terms = Terms()
        self.posts: list[dict[str, Any]] = []
        self._numbers = itertools.count(122_100_000_001)

    @property
    def seen(self) -> list[dict[str, Any]]:
        """What is there now."""
        return [post for post in self.posts if post["at"] <= self.clock()]

    async def edge(self, method: str, edge: str, fields: dict[str, str], files: dict[str, bytes], app: str) -> Any:  # noqa: ANN401 - JSON
        """What an edge of the page answers. Raises GraphError."""
        match method, edge:
            case "POST", "feed":
                return {"id": await self._feed(fields, app)}
            case "POST", "photos":
                made = await self._photo(fields, files, app)
                return {"id": made.partition("_")[2], "post_id": made}
            case "GET", "published_posts" | "feed" | "posts":
                first, last = _time(fields.get("since")), _time(fields.get("until"))
                found = [
                    post for post in self.seen[::-1]
                    if (first is None or post["at"] >= first) and (last is None or post["at"] <= last)
                ]  # fmt: skip
                return paged(found, {"fields": "message,created_time", **fields})
        raise GraphError(2500, 0, f"Unknown path components: /{edge}")

    def node(self, method: str, name: str, fields: dict[str, str], app: str) -> Any:  # noqa: ANN401 - JSON
        """What the page or a post answers. Raises GraphError."""
        if method == "GET" and name == self.id:
            return chosen({"id": self.id, "name": self.name}, fields.get("fields", "name"))
        post = next((one for one in self.posts if one["id"] == name), None)
        if post is None:
            raise missing(method, name)
        if method == "GET":
            return chosen(post, fields.get("fields", "message,created_time"))
        if post["app"] != app:
            raise GraphError(*self.terms.not_own, "An app can only change its own posts")
        if method == "DELETE":
            self.posts.remove(post)
            return {"success": True}
        message = fields.get("message", "")
        self._check(message)
        if not message and not post.get("link"):
            raise GraphError(100, 0, "A post needs a message")
        post["message"] = message
        return {"success": True}

    def _check(self, message: str) -> None:
        if len(message) > self.terms.message:
            raise GraphError(100, 0, "The message is too long")

    async def _feed(self, fields: dict[str, str], app: str) -> str:
        message, link = fields.get("message", ""), fields.get("link", "")
        self._check(message)
        if not message and not link:
            raise GraphError(100, 0, "A post needs a message or a link")
        if link:
            await self._scrape(link)
        at = self._when(fields)
        newest = self.seen[-1] if self.seen else {}
        if newest and newest.get("message", "") == message and newest.get("link", "") == link:
            raise GraphError(506, 1455006, "Duplicate status message")
        return self._made(message, link, at, app)

    async def _photo(self, fields: dict[str, str], files: dict[str, bytes], app: str) -> str:
        data = files.get("source", b"")
        if not data and (url := fields.get("url", "")):
            found = await fetch(
                url, agent="facebookexternalhit/1.1", most=self.terms.picture, seconds=self.terms.seconds
            )
            data = b"" if found.trouble else found.data
        if not data.startswith(_PICTURES) or len(data) > self.terms.picture:
            raise GraphError(324, 2069019, "Missing or invalid image file")
        message = fields.get("caption", "") or fields.get("message", "")
        self._check(message)
        made = self._made(message, "", self._when(fields), app)
        self.posts[-1]["picture"] = len(data)
        return made

    async def _scrape(self, link: str) -> None:
        if urlsplit(link).scheme not in {"http", "https"} or not urlsplit(link).hostname:
            raise GraphError(100, 1500, "The link is not properly formatted")
        if self.terms.scrapes:
            found = await fetch(link, agent="facebookexternalhit/1.1", most=10_000_000, seconds=self.terms.seconds)
            if found.trouble:
                raise GraphError(1609005, 0, "There was a problem scraping data from the provided link")

    def _when(self, fields: dict[str, str]) -> float:
        now = self.clock()
        if fields.get("published", "true").lower() != "false":
            return now
        at = _time(fields.get("scheduled_publish_time"))
        if at is None or not self.terms.soonest <= at - now <= self.terms.latest:
            raise GraphError(100, 0, "The specified scheduled publish time is invalid")
        return at

    def _made(self, message: str, link: str, at: float, app: str) -> str:
        made = f"{self.id}_{next(self._numbers)}"
        post = {"id": made, "message": message, "created_time": stamp(at), "at": at, "app": app}
        self.posts.append({**post, **({"link": link} if link else {})})
        return made


def _time(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else None
