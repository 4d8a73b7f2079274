#!/usr/bin/env python
"""Our verifier as a TUF client with the command line of the public conformance suite: init, refresh, download.

    tuf_client.py --metadata-dir D init ROOT
    tuf_client.py --metadata-dir D --metadata-url U refresh
    tuf_client.py --metadata-dir D --metadata-url U --target-name N --target-base-url B --target-dir T download

The workflow is ``trust.chain``, untouched. What differs from a reader of ours is passed in: the suite writes JSON with
blanks, has no role ``edition``, signs every role with P-256 and RSA keys, too, and mostly names no hashes. Three things
that a reader of ours does with what the workflow says are not done here: a file that has expired is refused, since a
plain TUF client has no verdict "authentic but old"; a second timestamp of one version is passed over in favour of the
first, where a reader keeps both as evidence; and the version of targets is remembered by the snapshot alone.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tuf.api.metadata import Metadata, Root

from heliograph.adapters.reach import WebMirror
from heliograph.model.release import Ask
from heliograph.trust import content, form, roles
from heliograph.trust.chain import MAX_ROOT_STEPS, Chain, State
from heliograph.trust.edition_map import Entry
from heliograph.trust.refusal import RefusalError
from heliograph.trust.roles import File, Role
from heliograph.trust.run import whole

_LIMIT = 5_000_000  # bytes of any file of metadata


# ---------------------------------------------------------------- other rules than the format's


def read(role: Role, data: bytes) -> File:
    """A file of plain TUF, as python-tuf understands it.

    Raises:
        RefusalError: ``json`` or ``field``.
    """
    try:
        value = json.loads(data)
    except ValueError as error:
        raise RefusalError("json", str(error)) from error
    try:
        metadata: Metadata[Any] = Metadata.from_dict(deepcopy(value))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusalError("field", f"{role}: {error}") from error
    if metadata.signed.type != role:
        raise RefusalError("field", f"it is not of the role {role}")
    return File(
        role=role,
        data=data,
        version=metadata.signed.version,
        expires=metadata.signed.expires,
        signed=value["signed"],
        metadata=metadata,
    )


def raw_key(key: dict[str, Any], role: str) -> bytes:
    """The key itself, of whatever kind: two ids of one key count once here, too."""
    return roles.raw_key(key, "root") or form.canonical(key["keyval"])


def pins(file: File, name: str) -> tuple[int | None, bytes | None]:
    """What a timestamp or snapshot happens to name."""
    entry = file.signed["meta"].get(name, {})
    digest = entry.get("hashes", {}).get("sha256")
    if entry.get("hashes") and digest is None:
        raise RefusalError("mix", f"{name} is named by hashes other than SHA-256")
    return entry.get("length"), bytes.fromhex(digest) if digest else None


RULES = roles.Rules(read=read, raw_key=raw_key, pins=pins, must_name=("targets.json",), has_edition=False)


# ---------------------------------------------------------------- the commands


class Client:
    """What one folder of metadata believes."""

    def __init__(self, folder: Path, now: datetime) -> None:
        """Believe the folder's root; and the rest of it, if that is readable.

        Raises:
            RefusalError: there is no root that is signed by its own keys.
        """
        self.folder = folder
        kept = {role: self._stored(role) for role in ("root", "timestamp", "snapshot")}
        try:
            self.chain = Chain(State(**kept), now, rules=RULES)
        except RefusalError:
            self.chain = Chain(State(root=kept["root"]), now, rules=RULES)

    async def refresh(self, mirror: WebMirror) -> None:
        """Follow the repository at ``mirror``; each file is kept as soon as it is believed.

        Raises:
            RefusalError: at the first that is not.
        """
        for _ in range(MAX_ROOT_STEPS):
            got = await mirror.get(Ask(mirror=0, name=f"{self.chain.root.version + 1}.root.json", limit=_LIMIT))
            if got.fate == "missing":
                break
            data = whole(got, "root", _LIMIT)
            self.chain.next_root(data)
            self._keep("root", data)
        self.chain.settle_root()
        try:
            await self._take(mirror, "timestamp", "timestamp.json")
        except RefusalError as refusal:
            if refusal.code != "equivocation":
                raise
            self.chain.timestamp(self._stored("timestamp"))
        await self._take(mirror, "snapshot", self._name(self.chain.wanted_snapshot, "snapshot"))
        await self._take(mirror, "targets", self._name(self.chain.wanted_targets, "targets"))

    async def download(self, mirror: WebMirror, target: str, folder: Path) -> None:
        """Have ``target`` in ``folder``, from there if it is the right one already.

        Raises:
            RefusalError: the repository has no such target, or gives other bytes.
        """
        named = self._named(target)
        path = folder / quote(target, safe="")
        if path.exists() and (path.stat().st_size, hashlib.sha256(path.read_bytes()).digest()) == named:
            return
        length, digest = named
        before, slash, name = target.rpartition("/")
        if self._consistent:
            name = f"{digest.hex()}.{name}"
        got = await mirror.get(Ask(mirror=0, name=f"{before}{slash}{name}", limit=max(length, 1)))
        path.write_bytes(content.check(whole(got, target, length), "", Entry(digest, length)))

    async def _take(self, mirror: WebMirror, role: Role, name: str) -> None:
        """Believe the file of ``role`` that is kept, if it is the one that is named, else the one of that name."""
        step = getattr(self.chain, role)
        kept = self._stored(role) if role != "timestamp" else b""
        try:
            step(kept)
        except RefusalError:
            data = whole(await mirror.get(Ask(mirror=0, name=name, limit=_LIMIT)), name, _LIMIT)
            step(data)
        else:
            data = kept
        if self.chain.stale:
            raise RefusalError("field", f"the {role} has expired")
        self._keep(role, data)

    def _named(self, target: str) -> tuple[int, bytes]:
        try:
            found = self.chain.code(target)
        except KeyError as error:
            raise RefusalError("field", f"{target} is named by hashes other than SHA-256") from error
        if found is None:
            raise RefusalError("unavailable", f"no target {target} in targets; delegations are not followed")
        return found

    @property
    def _consistent(self) -> bool:
        root = self.chain.root.metadata.signed
        assert isinstance(root, Root)
        return bool(root.consistent_snapshot)

    def _name(self, version: int, role: str) -> str:
        return f"{version}.{role}.json" if self._consistent else f"{role}.json"

    def _stored(self, role: str) -> bytes:
        path = self.folder / f"{role}.json"
        return path.read_bytes() if path.exists() else b""

    def _keep(self, role: str, data: bytes) -> None:
        (self.folder / f"{role}.json").write_bytes(data)


def main(words: Sequence[str], now: datetime) -> int:
    """One command; 0 if it came to a good end."""
    parser = argparse.ArgumentParser()
    for option in ("--metadata-dir", "--metadata-url", "--target-name", "--target-base-url", "--target-dir"):
        parser.add_argument(option)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("trusted_root", type=Path)
    commands.add_parser("refresh")
    commands.add_parser("download")
    given = parser.parse_args(words)
    folder = Path(given.metadata_dir)
    if given.command == "init":
        (folder / "root.json").write_bytes(given.trusted_root.read_bytes())
        return 0
    try:
        asyncio.run(_run(given, Client(folder, now)))
    except RefusalError as refusal:
        print(f"{refusal.code}: {refusal.what}", file=sys.stderr)
        return 1
    return 0


async def _run(given: argparse.Namespace, client: Client) -> None:
    async with WebMirror(given.metadata_url) as mirror:
        await client.refresh(mirror)
    if given.command == "download":
        async with WebMirror(given.target_base_url) as mirror:
            await client.download(mirror, given.target_name, Path(given.target_dir))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], datetime.now(UTC)))  # noqa: TID251 - the suite moves this clock
