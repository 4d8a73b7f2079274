"""What another web server must be told to answer as ``serve`` does: kinds of files, and where what lies.

``wire`` decides by looking at a path; nginx and Caddy decide by patterns. Each kind below is a pattern and a sample:
the fields that files of the kind get are what ``wire.label`` says of the sample, so they are written down once.

Rule 1: a pattern must mean the same to PCRE (nginx) and RE2 (Caddy), so there is no look-around in it. It is therefore
a little wider than ``wire.canonical``: lengths, names of devices and endings of folders are not looked at.
Rule 2: the first kind that matches counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from heliograph.adapters.serve import wire
from heliograph.adapters.serve.shelf import noise
from heliograph.model import paths
from heliograph.model.errors import ConfigError

RUNGS: Final = 64  # test bodies, of 1 to 64 KiB
RUNG: Final = r"^/ladder/(?:[1-9]|[1-5][0-9]|6[0-4])$"

_SEGMENT = r"[a-z0-9_][a-z0-9_-]*(?:\.[a-z0-9_-]+)*"
_ROOTS = ("index.html", "404.html", "robots.txt", "favicon.ico", "feed.xml")
_SIGNED = (
    r"tuf/[1-9][0-9]{0,15}\.(?:snapshot|edition|targets|root)\.json"
    r"|edition/[0-9a-f]{64}\.head|code/[0-9a-f]{64}\.(?:sw\.js|reader\.html|policy\.json)|o/[0-9a-f]{2}/[0-9a-f]{62}"
)
_TILE = r"log/tile/(?:[0-9]{1,2}|entries)(?:/x[0-9]{3}){0,5}/[0-9]{3}(?:\.p/[0-9]{1,3})?"
_NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\"'\\${}`]")  # what a configuration file would read as something else


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Files that are sent with the same fields."""

    name: str
    pattern: str  # of the path in a URL, from its slash
    sample: str  # the path of one such file, as ``wire.label`` takes it

    @property
    def fields(self) -> Mapping[str, str]:
        """The fields that depend on the kind, by name; Content-Encoding depends on the reader and is not here."""
        label = wire.label(self.sample, wire.IDENTITY)
        lines = (label.content_type + label.lifetime + label.policy).decode("ascii").split("\r\n")
        return dict(line.split(": ", 1) for line in lines if line)

    @property
    def is_pages(self) -> bool:
        """Whether they are pages, which may offer themselves on an onion mirror."""
        return wire.is_page(self.sample)

    @property
    def has_encodings(self) -> bool:
        """Whether ``.br`` and ``.gz`` beside the file are its encodings."""
        return "Vary" in self.fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One mirror as another server shall serve it. All paths are absolute."""

    folder: Path
    names: tuple[str, ...] = ()  # host names; none: whatever name a reader uses
    listens: tuple[tuple[str, int], ...]  # host ("" for all addresses) and port
    cert: Path | None = None  # chain, leaf first, PEM; None: no TLS
    key: Path | None = None
    ladder: Path | None = None  # folder with the test bodies; None: there are none
    onion: str = ""  # an onion mirror of the same edition, with its last slash, as ``onion_base`` gives it

    def __post_init__(self) -> None:
        for name in self.names:
            if not _NAME.fullmatch(name):
                remedy = "write it as in a URL, in lower case: mirror.example (other scripts as xn--...)"
                raise ConfigError("no host name", where=f"--name {name}", remedy=remedy)
        for place in (self.folder, self.cert, self.key, self.ladder):
            if place is not None and _UNSAFE.search(str(place)):
                remedy = "move it to a place whose name has no quotes, dollars, braces, backslashes and line breaks"
                raise ConfigError("cannot be written into a configuration", where=str(place), remedy=remedy)
        if self.key and not self.cert:
            raise ConfigError("a key without a certificate", where=str(self.key), remedy="name the certificate, too")


def kinds() -> tuple[Kind, ...]:
    """All kinds of files of a mirror, in the order in which they are tried."""
    return tuple(_kinds())


def _kinds() -> Iterator[Kind]:
    # All pages below a/search. have the policy of the search page: one prefix, as in ``wire.label``.
    yield Kind(name="search", pattern=r"^/a/search\.(?:[a-z0-9_-]+[./])*html$", sample="a/search.html")
    by_type: dict[str, list[str]] = {}
    for ending, kind in paths.MAPPED_TYPES.items():
        by_type.setdefault(kind, []).append(ending)
    for endings in by_type.values():
        roots = [re.escape(name) for name in _ROOTS if paths.extension(name) in endings]
        ending = endings[0] if len(endings) == 1 else f"(?:{'|'.join(endings)})"
        pattern = "|".join([*roots, rf"a/(?:{_SEGMENT}/)*{_SEGMENT}\.{ending}"])
        yield Kind(name=endings[0], pattern=f"^/(?:{pattern})$", sample=f"a/x.{endings[0]}")
    for name, pattern, sample in (
        ("pointer", "now", "now"),
        ("worker", r"sw\.js", "sw.js"),
        ("reader", r"reader\.html", "reader.html"),
        ("timestamp", r"tuf/timestamp\.json", "tuf/timestamp.json"),
        ("metadata", r"tuf/[1-9][0-9]{0,15}\.(?:snapshot|edition|targets|root)\.json", "tuf/1.root.json"),
        ("object", r"(?:edition/[0-9a-f]{64}\.head|o/[0-9a-f]{2}/[0-9a-f]{62})", f"o/ab/{'c' * 62}"),
        ("code_js", r"code/[0-9a-f]{64}\.sw\.js", f"code/{'c' * 64}.sw.js"),
        ("code_html", r"code/[0-9a-f]{64}\.reader\.html", f"code/{'c' * 64}.reader.html"),
        ("code_json", r"code/[0-9a-f]{64}\.policy\.json", f"code/{'c' * 64}.policy.json"),
        ("checkpoint", "log/checkpoint", "log/checkpoint"),
        ("tile", _TILE, "log/tile/0/000"),
    ):
        yield Kind(name=name, pattern=f"^/{pattern}$", sample=sample)
    text = "|".join(paths.TEXT_TYPES)
    roots_too = "|".join(re.escape(name) for name in _ROOTS if wire.encodable(name))
    named = rf"{roots_too}|log/checkpoint|sw\.js|reader\.html"
    changing = rf"{named}|a/(?:{_SEGMENT}/)*{_SEGMENT}\.(?:{text})"
    for coding in ("gz", "br"):  # encodings asked for by their own names: opaque files
        yield Kind(name=coding, pattern=rf"^/(?:{changing})\.{coding}$", sample=f"index.html.{coding}")
        newest = rf"^/(?:now|tuf/timestamp\.json)\.{coding}$"
        yield Kind(name=f"newest_{coding}", pattern=newest, sample=f"now.{coding}")
        fixed = rf"^/(?:{_SIGNED}|{_TILE})\.{coding}$"
        yield Kind(name=f"fixed_{coding}", pattern=fixed, sample=f"tuf/1.root.json.{coding}")


def always() -> dict[str, str]:
    """The fields that every answer gets, but for Connection, which a server sends by itself when it closes."""
    lines = wire.bare(404).decode("ascii").strip().split("\r\n")[1:]
    found = dict(line.split(": ", 1) for line in lines)
    return {name: value for name, value in found.items() if name not in {"Connection", "Content-Length"}}


def write_rungs(folder: Path) -> None:
    """Put the test bodies, named by their KiB, into ``folder``, which is made. Raises ConfigError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for size in range(1, RUNGS + 1):
            (folder / str(size)).write_bytes(noise()[: size * 1_024])
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(folder)) from error
