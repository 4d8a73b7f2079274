"""One visit to one mirror: its newest metadata up to the head, then the way through the map. Steps 1 to 8 of a reader.

Rule 1: ``now`` is only a shortcut; what it lacks, or has in another version, is fetched as a single file. Rule 2:
whatever comes is put to the ``Chain`` or compared with the name it was asked for by, and is believed only then.
"""

from __future__ import annotations

from collections.abc import Generator
from hashlib import sha256

from heliograph.model import paths
from heliograph.model.release import Ask, Got
from heliograph.trust import bundle, content, edition_map, roles
from heliograph.trust.chain import Chain
from heliograph.trust.edition_map import Entry
from heliograph.trust.head import MAX_HEAD, Head
from heliograph.trust.refusal import RefusalError
from heliograph.trust.roles import Role
from heliograph.trust.run import whole

MAX_TILE = 512  # bytes


class Visit:
    """What one mirror shows."""

    def __init__(self, chain: Chain, mirror: int) -> None:
        self.chain, self.mirror = chain, mirror
        self._bundle: bundle.Bundle | None = None

    def file(self, name: str, limit: int) -> Generator[Ask, Got, bytes]:
        """The bytes of ``name`` as they lie there, or without the encoding under which a bucket holds them.

        Raises:
            RefusalError: ``too-long`` or ``unavailable``.
        """
        got = yield Ask(mirror=self.mirror, name=name, limit=limit)
        data = content.decoded(whole(got, name, limit), got.coding, limit)
        if data is None:
            raise RefusalError("unavailable", f"{name}: its encoding cannot be undone")
        return data

    # ------------------------------------------------------------ metadata

    def head(self) -> Generator[Ask, Got, Head]:
        """The head of the release that the mirror shows.

        Raises:
            RefusalError: any of ``Chain``.
        """
        chain = self.chain
        limit = bundle.MAX_BUNDLE
        got = yield Ask(mirror=self.mirror, name=paths.POINTER, limit=limit, codings=("br", "gzip"))
        pointer = content.decoded(got.data, got.coding, limit) if got.fate == "whole" else None
        self._bundle = bundle.split(pointer) if pointer is not None else None
        yield from self._timestamp()
        chain.snapshot((yield from self._versioned("snapshot", chain.wanted_snapshot)))
        chain.targets((yield from self._versioned("targets", chain.wanted_targets)))
        chain.edition((yield from self._versioned("edition", chain.wanted_edition)))
        wanted = chain.wanted_head
        data = self._bundle.head if self._bundle and sha256(self._bundle.head).digest() == wanted else None
        if data is None:
            data = yield from self.file(f"edition/{wanted.hex()}.head", MAX_HEAD)
        return chain.head(data)

    def _timestamp(self) -> Generator[Ask, Got, None]:
        if self._bundle is not None:
            try:
                self.chain.timestamp(self._bundle.timestamp)
            except RefusalError:
                self._bundle = None  # the single files decide
            else:
                return
        self.chain.timestamp((yield from self.file(paths.TIMESTAMP, roles.LIMITS["timestamp"])))

    def _versioned(self, role: Role, version: int) -> Generator[Ask, Got, bytes]:
        """The bytes of a file of this version: kept, from the bundle, or fetched."""
        if role == "targets" and (kept := self.chain.stored.targets) and _is_version(role, kept, version):
            return kept
        piece: bytes = getattr(self._bundle, role) if self._bundle else b""
        fits = self.chain.is_named_snapshot(piece) if role == "snapshot" else _is_version(role, piece, version)
        return piece if fits else (yield from self.file(f"tuf/{version}.{role}.json", roles.LIMITS[role]))

    # ------------------------------------------------------------ the map

    def entry(self, path: str, head: Head) -> Generator[Ask, Got, Entry | None]:
        """What the release says of ``path``; None where it has no such file.

        The fresh list costs as much as a walk. It is asked for where its other pages are the next to be read, from the
        front page; whoever comes to one story by a link takes the walk.

        Raises:
            RefusalError: ``object``, ``map``, ``too-long`` or ``unavailable``.
        """
        key = paths.key_of(path)
        if path in paths.ROOT_NAMES:
            try:
                rows = yield from self.fresh(head)
            except RefusalError:
                rows = []  # the map decides
            if (found := edition_map.find(rows, key)) is not None:
                return found
        index = edition_map.index_of(key, head.bits)
        name = head.root
        for step in edition_map.walk(index, head.bits):
            tile = yield from self.tile(name, step.length)
            name = edition_map.hash_at(tile, step.slot)
        return edition_map.find((yield from self.shard(name, index, head.bits)), key)

    def fresh(self, head: Head) -> Generator[Ask, Got, list[bytes]]:
        """The records of the fresh list.

        Raises:
            RefusalError: ``unavailable``; ``fresh`` where it is not the one that was signed, or malformed.
        """
        if not head.fresh_length:
            return []
        name = paths.object_name(head.fresh.hex())
        got = yield Ask(mirror=self.mirror, name=name, limit=head.fresh_length)
        if got.fate == "long":
            raise RefusalError("fresh", f"{name} is longer than was signed")
        data = whole(got, name, head.fresh_length)
        if len(data) != head.fresh_length or sha256(data).digest() != head.fresh:
            raise RefusalError("fresh", f"{name} is not the list that was signed")
        rows = edition_map.split_records(data)
        try:
            edition_map.check_rows(rows)
        except RefusalError as refusal:
            raise RefusalError("fresh", refusal.what) from refusal
        return rows

    def tile(self, name: bytes, length: int) -> Generator[Ask, Got, bytes]:
        """The tile of this name and length.

        Raises:
            RefusalError: ``object``, ``too-long`` or ``unavailable``.
        """
        tile = yield from self.file(paths.object_name(name.hex()), MAX_TILE)
        edition_map.check_tile(tile, name, length)
        return tile

    def shard(self, name: bytes, index: int, bits: int) -> Generator[Ask, Got, list[bytes]]:
        """The records of the shard of this name.

        Raises:
            RefusalError: ``object``, ``map``, ``too-long`` or ``unavailable``.
        """
        data = yield from self.file(paths.object_name(name.hex()), edition_map.MAX_SHARD)
        if edition_map.leaf_hash(data) != name:
            raise RefusalError("object", f"shard {name.hex()[:12]}")
        return edition_map.records_in(data, index, bits)


def _is_version(role: Role, data: bytes, version: int) -> bool:
    try:
        return roles.read(role, data).version == version
    except RefusalError:
        return False
