"""Folders and files of this machine as sources, answering as a web server would.

Rule 1: only what lies under a folder or file the operator named is opened; ``..``, links and special files lead
nowhere. Rule 2: ``fetch`` raises nothing but cancellation. Rule 3: a file's etag and its stamp in the folder's list are
the same text, so that an unchanged file is never opened. A folder has no etag: its own time says nothing about what is
deeper.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

import anyio.to_thread

from heliograph.model import Answer, Ask

ENTRIES = 100_000  # of one folder
FOLDER = "inode/directory"
MEDIA_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "application/xhtml+xml",
    ".txt": "text/plain",
    ".xml": "application/xml",
    ".rss": "application/rss+xml",
    ".atom": "application/atom+xml",
    ".json": "application/json",
    ".gz": "application/gzip",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
}


class LocalSources:
    """Answers asks for ``file://`` URLs. ``own`` are the URLs the operator configured, web URLs among them ignored."""

    def __init__(self, own: Iterable[str]) -> None:
        self._roots = tuple(path for url in own if (path := _path(url)) is not None)

    async def fetch(self, ask: Ask) -> Answer:
        """Read a file, or list a folder, in a thread."""
        return await anyio.to_thread.run_sync(self._answer, ask)

    def _answer(self, ask: Ask) -> Answer:
        path = _path(ask.url)
        if path is None:
            return Answer(url=ask.url, status=0, failure="not a file URL")
        try:
            inside = self._inside(path)
            if inside is None:
                return Answer(url=ask.url, status=403, failure="outside of the folders in the configuration, or hidden")
            return _open(ask, inside)
        except (FileNotFoundError, NotADirectoryError):
            return Answer(url=ask.url, status=404)
        except PermissionError:
            return Answer(url=ask.url, status=403, failure="no permission to read it")
        except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle; ValueError: NUL
            return Answer(url=ask.url, status=0, failure=f"cannot be read: {getattr(error, 'strerror', None) or error}")

    def _inside(self, path: Path) -> _Inside | None:
        """Where ``path`` really lies, if that is under a configured root and nothing on the way is hidden."""
        real = path.resolve(strict=True)
        for root in self._roots:
            real_root = root.resolve()
            if real.is_relative_to(real_root):
                hidden = any(part.startswith(".") for part in real.relative_to(real_root).parts)
                return None if hidden else _Inside(real, real_root)
        return None


class _Inside(NamedTuple):
    path: Path
    root: Path


def _path(url: str) -> Path | None:
    """The path a ``file://`` URL names; bytes that are no UTF-8 stay what they are."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"}:
        return None
    path = Path(os.fsdecode(unquote_to_bytes(parts.path)))
    return path if path.is_absolute() else None


def _open(ask: Ask, inside: _Inside) -> Answer:
    facts = inside.path.stat()
    if stat.S_ISDIR(facts.st_mode):
        return _listing(ask, inside)
    if not stat.S_ISREG(facts.st_mode):
        return Answer(url=ask.url, status=403, failure="neither a file nor a folder")
    if ask.etag == _stamp(facts):
        return Answer(url=ask.url, status=304, etag=ask.etag)
    # O_NONBLOCK: if it has become a pipe since, opening it would wait for a writer for ever.
    handle = os.open(inside.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)  # taken before the bytes, so that a change while reading shows in the next pass
        body = file.read(min(facts.st_size, ask.limit) + 1)
        if len(body) > facts.st_size:
            body += file.read(ask.limit + 1)
    if len(body) > ask.limit:
        return Answer(url=ask.url, status=0, failure=f"larger than the limit of {ask.limit:,} bytes")
    media_type = MEDIA_TYPES.get(inside.path.suffix.lower(), "application/octet-stream")
    return Answer(url=ask.url, status=200, body=body, media_type=media_type, etag=_stamp(facts))


def _listing(ask: Ask, inside: _Inside) -> Answer:
    rows: list[dict[str, object]] = []
    with os.scandir(inside.path) as entries:
        for entry in entries:
            row = _row(entry, inside.root)
            if row is not None:
                rows.append(row)
            if len(rows) > ENTRIES:
                return Answer(url=ask.url, status=0, failure=f"more than {ENTRIES:,} entries in one folder")
    body = json.dumps(sorted(rows, key=lambda row: str(row["name"]))).encode()
    if len(body) > ask.limit:
        return Answer(url=ask.url, status=0, failure=f"its list is larger than the limit of {ask.limit:,} bytes")
    return Answer(url=ask.url, status=200, body=body, media_type=FOLDER)


def _row(entry: os.DirEntry[str], root: Path) -> dict[str, object] | None:
    """One entry as ``Answer`` describes it, None for what is not shown.

    A link to a folder is not shown even inside the root: it brings nothing new, and two of them can make a circle.
    """
    if entry.name.startswith("."):
        return None
    try:
        if entry.is_dir(follow_symlinks=False):
            return {"name": entry.name, "stamp": "", "folder": True}
        if entry.is_symlink() and not Path(entry.path).resolve(strict=True).is_relative_to(root):
            return None
        facts = entry.stat()
    except (OSError, RuntimeError):  # gone meanwhile, or a link that leads nowhere
        return None
    return {"name": entry.name, "stamp": _stamp(facts), "folder": False} if stat.S_ISREG(facts.st_mode) else None


def _stamp(facts: os.stat_result) -> str:
    return f"{facts.st_mtime_ns}:{facts.st_size}"
