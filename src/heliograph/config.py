"""One TOML file whose fields are its manual.

Rule 1: secrets are paths, never values. Rule 2: no value can contradict another. Rule 3: an unknown field is an error
that suggests the right one, because a silently ignored typing slip is how a newsroom loses a mirror. Paths are relative
to the folder of the file.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from heliograph.model import ConfigError, Source
from heliograph.model.onions import is_onion
from heliograph.model.source import SourceKind

_SPAN = re.compile(r"^(\d+)(s|m|h|d)$")
_UNIT = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
MAX_BYTES = 1_000_000  # of a configuration file


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _seconds(text: str) -> int:
    match = _SPAN.match(text)
    if not match or not int(match[1]):
        raise ValueError('give a number and a unit, such as "30s", "5m", "2h" or "1d"')
    return int(match[1]) * _UNIT[match[2]]


def _is_span(text: str) -> str:
    _seconds(text)
    return text


Span = Annotated[str, AfterValidator(_is_span)]  # such as "30s"


class Newsroom(_Table):
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


class SourceTable(_Table):
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


class CutTable(_Table):
    """What else is boilerplate."""

    patterns: tuple[str, ...] = Field(
        default=(), description="Regular expressions; a block that one of them matches is cut wherever it stands."
    )
    keep: tuple[str, ...] = Field(default=(), description="Regular expressions; a block that matches is never cut.")
    hosts: tuple[str, ...] = Field(
        default=(), description="Host names of earlier mirrors: notices with them are cut, links through them mended."
    )


class Capture(_Table):
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
        return _seconds(self.timeout)


class Edition(_Table):
    """What the light edition holds."""

    feed_days: int = Field(default=14, ge=1, le=366, description="How many days the paged full-text feeds reach back.")
    pictures: bool = Field(default=True, description="Whether pictures are offered, one response each, on demand.")
    dense: bool = Field(
        default=True, description="Whether text is packed once more, slower and smaller, after it is out."
    )


class LinkTable(_Table):
    """One more way to read the newsroom, shown at the foot of every page."""

    name: str = Field(min_length=1, max_length=40, description='What people call it, such as "Telegram".')
    url: str = Field(description="Its address: https:, http:, mailto: or tg:.")

    @field_validator("url")
    @classmethod
    def _is_link(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"http", "https", "mailto", "tg"}:
            raise ValueError("give an address that starts with https:, http:, mailto: or tg:")
        return value


class MirrorTable(_Table):
    """One place that serves the edition."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="Its nickname: small letters, digits, hyphens.")
    kind: Literal["folder"] = Field(default="folder", description='"folder": a directory of this machine.')
    path: str = Field(min_length=1, description="The directory.")
    url: str = Field(default="", description="Where readers reach it, if they do; then it is watched.")
    addresses: tuple[str, ...] = Field(
        default=(), description="Its true IP addresses, so that lies of DNS are told; empty: they are not known."
    )
    ladder: bool = Field(
        default=True, description="Whether it has the test bodies of `heliograph serve`, which measure a curtain."
    )
    sensor: str = Field(
        default="",
        description="What its sensor counts (`serve --sensor`): a file, or its http(s) address; empty: none.",
    )

    @field_validator("url")
    @classmethod
    def _is_web(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise ValueError("give an address that starts with https:// or http://")
        if is_onion(urlsplit(value).hostname or ""):
            raise ValueError("leave it empty for an onion service: that is reached through Tor, and not watched")
        return value if not value or value.endswith("/") else value + "/"

    @field_validator("addresses")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            try:
                ipaddress.ip_address(address)
            except ValueError as err:
                raise ValueError(f'"{address}" is no IP address') from err
        return value


class VantageTable(_Table):
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


class Watch(_Table):
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
        if not 60 <= _seconds(value) <= 86_400:
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
        return _seconds(self.every)

    @property
    def vantages_every_seconds(self) -> int:
        return _seconds(self.vantages_every)

    @property
    def vantages_deep_seconds(self) -> int:
        return _seconds(self.vantages_deep)

    @property
    def deep_seconds(self) -> int:
        return _seconds(self.deep)


class Run(_Table):
    """The service."""

    every: Span = Field(default="5m", description="How often `heliograph run` looks for news; up to a fifth is added.")

    @property
    def every_seconds(self) -> int:
        return _seconds(self.every)


class State(_Table):
    """What heliograph remembers."""

    folder: str = Field(default="state", description="Folder of the journal, the staged edition and the lock.")
    journal: str = Field(default="", description="SQLAlchemy URL of another database; empty is SQLite in the folder.")
    workers: int = Field(default=0, ge=0, le=64, description="Processes for parsing and packing; 0 is one per core.")


class Keys(_Table):
    """What signs the releases."""

    folder: str = Field(
        default="keys", description="Folder of the keys. Its part `offline` belongs on removable media."
    )


class Trust(_Table):
    """What else stands behind the releases."""

    log: bool = Field(
        default=False, description="Whether each release goes into a public log; first run: heliograph keys log."
    )


class Config(_Table):
    """The whole file."""

    newsroom: Newsroom
    source: Annotated[tuple[SourceTable, ...], Field(description="Where the stories come from.")] = ()
    mirror: Annotated[tuple[MirrorTable, ...], Field(description="Where the edition goes.")] = ()
    link: Annotated[tuple[LinkTable, ...], Field(description="Other ways to read the newsroom.")] = ()
    capture: Capture = Capture()
    edition: Edition = Edition()
    run: Run = Run()
    state: State = State()
    keys: Keys = Keys()
    trust: Trust = Trust()
    watch: Watch = Watch()
    vantage: Annotated[tuple[VantageTable, ...], Field(description="Who else measures, and where.")] = ()
    folder: Path = Field(default=Path(), exclude=True)  # of the file itself; set by load

    @model_validator(mode="after")
    def _distinct(self) -> Config:
        for what, values in (
            ("mirror names", [mirror.name for mirror in self.mirror]),
            ("mirror paths", [str((self.folder / mirror.path).resolve()) for mirror in self.mirror]),
            ("sources", [f"{source.kind} {source.url}" for source in self.source]),
            ("vantage names", [self.watch.name, *(vantage.name for vantage in self.vantage)]),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"two {what} are the same: {twice[0]}")
        known = {mirror.name for mirror in self.mirror}
        for vantage in self.vantage:
            if strange := sorted(set(vantage.mirrors) - known):
                raise ValueError(f'vantage {vantage.name} looks at a mirror "{strange[0]}", and there is none')
        return self

    @property
    def state_folder(self) -> Path:
        return self.folder / self.state.folder

    @property
    def keys_folder(self) -> Path:
        return self.folder / self.keys.folder

    @property
    def journal_url(self) -> str:
        return self.state.journal or f"sqlite:///{self.state_folder / 'journal.sqlite'}"

    def sources(self) -> tuple[Source, ...]:
        """The sources as the stages know them, paths made absolute."""
        return tuple(_source(table, self.folder) for table in self.source)

    def mirror_path(self, mirror: MirrorTable) -> Path:
        return (self.folder / mirror.path).resolve()


def _source(table: SourceTable, folder: Path) -> Source:
    url = table.url
    if urlsplit(url).scheme not in {"http", "https", "file"}:
        path = (folder / url).resolve()
        url = path.as_uri() + ("/" if table.kind == "folder" else "")
    return Source(
        kind=table.kind,
        url=url,
        lang=table.language,
        section=table.section,
        include=table.include,
        exclude=table.exclude,
        urls=table.stories,
        follow=table.follow,
        depth=table.depth,
        newest=table.newest,
    )


def load(path: Path) -> Config:
    """Read ``path``.

    Raises:
        ConfigError: the file is missing, no TOML, or a field is wrong; names the field and the remedy.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as err:
        remedy = "make one with: heliograph init DIR --source URL"
        raise ConfigError("there is no such file", where=str(path), remedy=remedy) from err
    except OSError as err:
        raise ConfigError(f"cannot be read: {err.strerror}", where=str(path)) from err
    if len(data) > MAX_BYTES:
        raise ConfigError("is larger than 1 MB", where=str(path))
    return parse(data.decode("utf-8", "replace"), path)


def parse(text: str, path: Path) -> Config:
    """The configuration in ``text``, whose file is ``path``.

    Raises:
        ConfigError: as ``load``.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise ConfigError(f"is not TOML: {err}", where=str(path)) from err
    if "folder" in tables:
        raise ConfigError("unknown field", where=f"{path}: folder", remedy=_suggest("folder", Config))
    try:
        return Config.model_validate({**tables, "folder": path.resolve().parent})
    except ValidationError as err:
        raise _explained(err, path) from err


def fields(table: type[BaseModel] = Config, prefix: str = "") -> Iterator[tuple[str, str, object]]:
    """Every field as (dotted name, description, default), for the manual and its test."""
    for name, info in table.model_fields.items():
        if info.exclude:
            continue
        inner = _inner_table(info.annotation)
        if inner is not None:
            yield from fields(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", info.description or "", None if info.is_required() else info.default


def _inner_table(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _explained(err: ValidationError, path: Path) -> ConfigError:
    """The first fault of ``err`` as what, where and how to mend it."""
    faults = err.errors()
    # a misspelt field is also a missing one: the slip is what helps
    fault = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])
    place = ".".join(f"[{part}]" if isinstance(part, int) else str(part) for part in fault["loc"]).replace(".[", "[")
    where = f"{path}: {place}" if place else str(path)
    if fault["type"] == "extra_forbidden":
        return ConfigError(
            "unknown field", where=where, remedy=_suggest(str(fault["loc"][-1]), _table_at(fault["loc"]))
        )
    if fault["type"] == "missing":
        return ConfigError("is missing", where=where, remedy="every newsroom needs it; see docs/operating/config.md")
    message = fault["msg"].removeprefix("Value error, ")
    given = fault.get("input")
    shown = f", not {given!r}" if isinstance(given, str | int | float | bool) and fault["type"] != "value_error" else ""
    return ConfigError(f"{message}{shown}", where=where)


def _table_at(loc: tuple[int | str, ...]) -> type[BaseModel]:
    table: type[BaseModel] = Config
    for part in loc[:-1]:
        if isinstance(part, str) and part in table.model_fields:
            table = _inner_table(table.model_fields[part].annotation) or table
    return table


def _suggest(name: str, table: type[BaseModel]) -> str:
    known = [field for field, info in table.model_fields.items() if not info.exclude]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f'did you mean "{near[0]}"?' if near else f"fields here: {', '.join(known)}"
