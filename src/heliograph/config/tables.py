"""The tables of the configuration but for those of mirrors."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from heliograph.config.fields import Span, Table, seconds
from heliograph.model.errors import ConfigError
from heliograph.model.onions import is_onion, onion_base
from heliograph.model.source import SourceKind


class Newsroom(Table):
    """Who publishes."""

    title: str = Field(min_length=1, max_length=80, description="The newsroom's name, shown on every page.")
    home: str = Field(default="", description="The newsroom's own site, http(s). Shown on the about page.")
    language: str = Field(
        default="en",
        pattern=r"^[a-z]{2,3}$",
        description="Language of the interface where a story has none of its own.",
    )
    languages: tuple[str, ...] = Field(
        default=(), description="Languages that get a front page each. Empty: those found in the stories."
    )
    zone: str = Field(default="UTC", description='Time zone of dates and days, such as "Europe/Kyiv".')
    accent: str = Field(
        default="#a3202a", pattern=r"^#[0-9a-fA-F]{6}$", description="The one colour besides paper and ink."
    )

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as err:
            raise ValueError(f'"{value}" is no time zone; give one such as "Europe/Kyiv"') from err
        return value

    @field_validator("home")
    @classmethod
    def _home_is_web(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError("give an address that starts with https:// or http://")
        return value


class SourceTable(Table):
    """One place the newsroom publishes."""

    kind: SourceKind = Field(description='"feed", "sitemap", "pages", "folder" or "wordpress".')
    url: str = Field(description="Its http(s) address; for folder (or a WordPress export file) a path.")
    language: str = Field(default="", pattern=r"^([a-z]{2,3})?$", description="Language of stories that do not say.")
    section: str = Field(default="", description="Section of stories that do not say.")
    include: tuple[str, ...] = Field(default=(), description="Only stories whose address starts with one of these.")
    exclude: tuple[str, ...] = Field(default=(), description="No story whose address starts with one of these.")
    stories: tuple[str, ...] = Field(
        default=(), description="For pages: the stories' addresses; then nothing is crawled."
    )
    follow: Literal["auto", "always", "never"] = Field(
        default="auto", description="Whether the story's page is fetched when the feed carries text."
    )
    depth: int = Field(default=3, ge=0, le=10, description="For pages: how many links deep the crawl goes.")
    newest: int = Field(default=0, ge=0, description="Take at most this many of the newest stories; 0 takes all.")


class CutTable(Table):
    """What else is boilerplate."""

    patterns: tuple[str, ...] = Field(
        default=(), description="Regular expressions; a block that one of them matches is cut wherever it stands."
    )
    keep: tuple[str, ...] = Field(default=(), description="Regular expressions; a block that matches is never cut.")
    hosts: tuple[str, ...] = Field(
        default=(), description="Host names of earlier mirrors: notices with them are cut, links through them mended."
    )


class Capture(Table):
    """How the newsroom's site is read."""

    connections: int = Field(default=4, ge=1, le=64, description="At most this many connections to one origin.")
    timeout: Span = Field(default="20s", description="No byte for this long ends a request.")
    page_limit: int = Field(default=8_000_000, ge=10_000, description="Largest page, in bytes after decompression.")
    index_limit: int = Field(default=64_000_000, ge=10_000, description="Largest feed or sitemap, in bytes.")
    agent: str = Field(default="heliograph (light edition of this site)", description="User-Agent sent to the origin.")
    proxy: str = Field(default="", description="http:// proxy for requests to the origin; empty is none.")
    withdraw: Literal["never", "410", "404"] = Field(
        default="410",
        description='Which answer of the origin takes a story out of the edition: "410" (gone), "404" too.',
    )
    cut: CutTable = CutTable()

    @property
    def timeout_seconds(self) -> int:
        return seconds(self.timeout)


class Edition(Table):
    """What the light edition holds."""

    feed_days: int = Field(default=14, ge=1, le=366, description="How many days the paged full-text feeds reach back.")
    pictures: bool = Field(default=True, description="Whether pictures are offered, one response each, on demand.")
    dense: bool = Field(
        default=True, description="Whether text is packed once more, slower and smaller, after it is out."
    )


class LinkTable(Table):
    """One more way to read the newsroom, shown at the foot of every page."""

    name: str = Field(min_length=1, max_length=40, description='What people call it, such as "Telegram".')
    url: str = Field(description="Its address: https:, http:, mailto: or tg:.")
    edition: bool = Field(
        default=False, description="Whether it is an onion mirror of this edition: Tor Browser then offers pages there."
    )

    @field_validator("url")
    @classmethod
    def _is_link(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"http", "https", "mailto", "tg"}:
            raise ValueError("give an address that starts with https:, http:, mailto: or tg:")
        return value

    @model_validator(mode="after")
    def _is_onion(self) -> LinkTable:
        try:
            _ = self.onion
        except ConfigError as err:
            raise ValueError(f"{self.name}: edition = true, and {err.what}: {self.url}") from err
        return self

    @property
    def onion(self) -> str:
        """The onion mirror that it is, with its last slash; "" if it is none."""
        return onion_base(self.url, "link") if self.edition else ""


class VantageTable(Table):
    """A place that measures for the newsroom and sends what it saw."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="Its nickname, which names nobody.")
    network: str = Field(
        pattern=r"^\S{1,40}$", description='Where it stands, such as "AS64500" or "home"; one word for one network.'
    )
    country: str = Field(default="ZZ", pattern=r"^[A-Z]{2}$", description='Two letters; "ZZ" withholds it.')
    weight: float = Field(default=1.0, ge=0.0, le=1.0, description="How much its word counts against others there.")
    outside: bool = Field(default=False, description="Whether it stands where nothing is blocked.")
    mirrors: tuple[str, ...] = Field(
        default=(), description="Names of the mirrors it looks at; empty: all. Who takes its token learns these."
    )


class Watch(Table):
    """How mirrors are watched."""

    name: str = Field(
        default="here", pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="This machine's nickname as a vantage."
    )
    network: str = Field(default="here", pattern=r"^\S{1,40}$", description="The network this machine is in.")
    outside: bool = Field(default=True, description="Whether nothing is blocked where this machine stands.")
    every: Span = Field(default="30s", description="How often `heliograph run` looks at each mirror.")
    deep: Span = Field(default="30m", description="How often it looks for a curtain though pages arrive.")
    anchors: tuple[str, ...] = Field(
        default=("https://www.gosuslugi.ru/", "https://ya.ru/", "https://vk.com/"),
        description="Addresses that are allowed even where nearly nothing is.",
    )
    ordinary: tuple[str, ...] = Field(
        default=("https://example.com/", "https://www.iana.org/", "https://www.debian.org/"),
        description="Addresses abroad that nobody allows or forbids.",
    )
    innocent: str = Field(
        default="www.example.com", description="A harmless host name, put into a handshake for comparison."
    )
    large: str = Field(default="", description="Address of 64 KB or more that is not blocked, to compare speed with.")
    resolver: str = Field(default="8.8.8.8:53", description="A resolver that is asked by UDP and by TCP.")
    doh: str = Field(default="https://dns.google/dns-query", description="A resolver that is asked by HTTPS.")

    drops: tuple[str, ...] = Field(
        default=(), description="Addresses of mirrors with `serve --drop`: where vantages report and find their lists."
    )
    spools: tuple[str, ...] = Field(
        default=(), description="Folders of such drops that are here, or are carried here: what comes in is read there."
    )
    vantages_every: Span = Field(default="20m", description="How often a vantage looks; at most half is added.")
    vantages_deep: Span = Field(default="6h", description="How often it looks for a curtain though pages arrive.")

    @field_validator("vantages_every", "vantages_deep")
    @classmethod
    def _is_gentle(cls, value: str) -> str:
        if not 60 <= seconds(value) <= 86_400:
            raise ValueError('give "1m" to "1d": a vantage must not hurry')
        return value

    @field_validator("drops")
    @classmethod
    def _are_web(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for url in value:
            if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname or not url.isascii():
                raise ValueError(f'"{url}": give an address that starts with https:// or http://')
            if is_onion(urlsplit(url).hostname or ""):
                raise ValueError(f'"{url}": vantages have no Tor; give the mirror\'s other address')
        return tuple(url if url.endswith("/") else url + "/" for url in value)

    @property
    def every_seconds(self) -> int:
        return seconds(self.every)

    @property
    def vantages_every_seconds(self) -> int:
        return seconds(self.vantages_every)

    @property
    def vantages_deep_seconds(self) -> int:
        return seconds(self.vantages_deep)

    @property
    def deep_seconds(self) -> int:
        return seconds(self.deep)


class Run(Table):
    """The service."""

    every: Span = Field(default="5m", description="How often `heliograph run` looks for news; up to a fifth is added.")

    @property
    def every_seconds(self) -> int:
        return seconds(self.every)


class State(Table):
    """What heliograph remembers."""

    folder: str = Field(default="state", description="Folder of the journal, the staged edition and the lock.")
    journal: str = Field(
        default="", max_length=1_000, description="URL of a PostgreSQL database; empty is SQLite in the folder."
    )
    workers: int = Field(default=0, ge=0, le=64, description="Processes for parsing and packing; 0 is one per core.")

    @field_validator("journal")
    @classmethod
    def _is_a_database_of_ours(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and parts.scheme not in {"sqlite", "postgresql", "postgresql+psycopg"}:
            raise ValueError("give an address such as postgresql://heliograph@localhost/news, or none")
        if parts.password is not None or "password" in parse_qs(parts.query):
            raise ValueError("a password does not belong here: name its file at the end, ?passfile=/path/of/it")
        return value


class Keys(Table):
    """What signs the releases."""

    folder: str = Field(
        default="keys", description="Folder of the keys. Its part `offline` belongs on removable media."
    )


class Trust(Table):
    """What else stands behind the releases."""

    log: bool = Field(
        default=False, description="Whether each release goes into a public log; first run: heliograph keys log."
    )
