"""Small whole mirrors, freshly signed, for software that is not ours to read.

Two newsrooms of the format's section "Keys": one person with one machine, and three editors with tokens, who began as
the one person did, so that their readers have a change of root behind them. Each publishes two releases; the second
corrects pages, adds one and withdraws more than half, which leaves shards of the map empty.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.signer import CryptoSigner, Signer
from tuf.api.metadata import Metadata

from heliograph.lab.keys import ROLES, key
from heliograph.model import paths
from heliograph.model.edition import File
from heliograph.render import encode
from heliograph.trust import ceremony, edition_map, form, sign
from heliograph.trust.edition_map import Entry
from heliograph.trust.head import Head, read_head, write_head
from heliograph.trust.sign import RoleKeys, Standing

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)  # of the second release
FRESH = 48  # records of the fresh list
CODE = {"code/sw.js": b"// the reader's code\n"}
HASH = 32  # bytes
_TARGETS_LIFE = timedelta(days=180)  # in the layout for three editors
_WORDS = (
    "полуостров",
    "новости",
    "мост",
    "море",
    "дорога",
    "суд",
    "письмо",
    "школа",
    "врач",
    "вода",
    "свет",
    "адвокат",
)


# ---------------------------------------------------------------- newsrooms


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A newsroom's keys: every root and the targets, signed, and who signs releases."""

    name: str
    roots: tuple[bytes, ...]
    targets: bytes
    signers: sign.Signers
    pages: int  # of its first release


def one_person(now: datetime) -> Office:
    """Layout (a): one signature each."""
    root, _ = ceremony.first({role: key(role) for role in ROLES}, now)
    unsigned = sign.targets(1, _of([key("edition").signer], 1), now, CODE)
    return Office(
        name="person",
        roots=(root,),
        targets=sign.signed(unsigned, [key("targets").signer]),
        signers={"online": [key("online").signer], "edition": [key("edition").signer]},
        pages=40,
    )


def three_editors(now: datetime, token: Callable[[str, int], Signer] | None = None) -> Office:
    """Layout (b): root 3 of 5, targets 2 of 3, edition 2 of 3; a request goes from hand to hand.

    ``token`` gives the P-256 key for "root" or "targets" of an editor by number; without it they are made here.
    """
    before, token = one_person(now), token or _token
    root_keys = [*(token("root", number) for number in range(3)), key("root", "partner").signer]
    root_keys.append(key("root", "lawyer").signer)
    targets_keys = [token("targets", number) for number in range(3)]
    hosts = [key("edition", host).signer for host in ("publisher", "co-signer", "spare")]
    who = {
        "root": _of(root_keys, 3),
        "targets": _of(targets_keys, 2),
        "online": _of(before.signers["online"], 1),
    }
    root = ceremony.next_root(before.roots[0], who, now)
    for signer in (key("root").signer, root_keys[0], root_keys[2], root_keys[4]):
        assert ceremony.missing(root, before.roots[0])
        root = ceremony.signed_by(root, [signer])
    assert not ceremony.missing(root, before.roots[0])
    targets = ceremony.next_targets(before.targets, _of(hosts, 2), now, _TARGETS_LIFE)
    for signer in targets_keys[1:]:
        assert ceremony.missing(targets, root)
        targets = ceremony.signed_by(targets, [signer])
    assert not ceremony.missing(targets, root)
    return Office(
        name="editors",
        roots=(*before.roots, root),
        targets=targets,
        signers={**before.signers, "edition": hosts[:2]},
        pages=160,
    )


def _of(signers: Sequence[Signer], threshold: int) -> RoleKeys:
    return RoleKeys(keys=tuple(signer.public_key for signer in signers), threshold=threshold)


def _token(ring: str, editor: int) -> Signer:
    """A key of the kind that tokens have, which repeats."""
    number = int.from_bytes(sha256(f"heliograph lab token {ring} {editor}".encode()).digest(), "big") >> 1
    return CryptoSigner(ec.derive_private_key(number, ec.SECP256R1()))


# ---------------------------------------------------------------- releases


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release and the whole mirror that carries it: ``files`` by their names."""

    office: Office
    standing: Standing
    pages: Mapping[str, File]
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def head(self) -> Head:
        """What the head says."""
        return read_head(self.standing.head)

    @property
    def head_name(self) -> str:
        """Where the head lies."""
        return f"edition/{sha256(self.standing.head).hexdigest()}.head"


def first(office: Office) -> Release:
    """The first release of ``office``."""
    return publish(office, _contents(office.pages), NOW)


def second(before: Release) -> Release:
    """The release after ``before``: every fifth page is corrected, one is new, many are withdrawn."""
    contents = _contents(before.office.pages * 9 // 20)
    for path in sorted(contents)[::5]:
        contents[path] = contents[path] + "<!-- исправлено -->".encode()
    contents["a/new.html"] = _page(random.Random("new"), 80)
    return publish(before.office, contents, LATER, before)


def publish(office: Office, contents: Mapping[str, bytes], now: datetime, before: Release | None = None) -> Release:
    """Pad, encode, map and sign ``contents``; what ``before`` left on the mirror stays, but for its pages."""
    pages = {path: encode.file(path, content) for path, content in contents.items()}
    rows = [
        edition_map.record(paths.key_of(path), Entry(sha256(page.body).digest(), len(page.body)))
        for path, page in pages.items()
    ]
    bits = edition_map.bits_for(len(rows), before.head.bits if before else 0)
    objects = list(edition_map.build(bits, map(edition_map.shard, _by_shard(rows, bits))))
    fresh = b"".join(sorted(rows[:FRESH]))
    head = Head(
        release=before.head.release + 1 if before else 1,
        time=now,
        bits=bits,
        root=objects[-1][0],
        fresh=sha256(fresh).digest(),
        fresh_length=len(fresh),
        entries=len(rows),
    )
    standing = before.standing if before else Standing(root=office.roots[-1], targets=office.targets)
    standing = sign.release(standing, write_head(head), office.signers, now)
    files = dict(before.files) if before else {}
    for path, old in (before.pages if before else {}).items():
        for name in _encoded(path, old):
            del files[name]
        if path in pages and pages[path].body != old.body:  # a content copy
            files.update(_encoded(paths.object_name(sha256(pages[path].body).hexdigest()), pages[path]))
    for path, page in pages.items():
        files.update(_encoded(path, page))
    files.update({paths.object_name(name.hex()): data for name, data in [*objects, (head.fresh, fresh)]})
    files.update({_code_name(target, data): data for target, data in CODE.items()})
    files.update(sign.files(standing, now, office.roots))
    return Release(office=office, standing=standing, pages=pages, files=files)


def by_stranger(release: Release) -> dict[str, bytes]:
    """The mirror of ``release`` with a timestamp that only a key nobody knows has signed."""
    return _signed_again(release, paths.TIMESTAMP, key("online", "stranger").signer)


def in_false_name(release: Release) -> dict[str, bytes]:
    """The same with the stranger's signature under the id of the true key."""
    files = by_stranger(release)
    false, true = key("online", "stranger").keyid.encode(), key("online").keyid.encode()
    return _with(files, paths.TIMESTAMP, files[paths.TIMESTAMP].replace(false, true))


def by_one_host(release: Release) -> dict[str, bytes]:
    """The mirror of ``release`` with an edition that one host alone has signed."""
    name = f"tuf/{release.standing.version('edition')}.edition.json"
    return _signed_again(release, name, release.office.signers["edition"][0])


def lay(files: Mapping[str, bytes], folder: Path) -> None:
    """Write ``files`` below ``folder``."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _signed_again(release: Release, name: str, signer: Signer) -> dict[str, bytes]:
    metadata = Metadata.from_bytes(release.files[name])
    metadata.sign(signer)
    return _with(release.files, name, form.write(metadata.to_dict()))


def _with(files: Mapping[str, bytes], name: str, data: bytes) -> dict[str, bytes]:
    """``files`` with other ``data`` at ``name``, and in the bundle, which has no encodings then."""
    files = {other: held for other, held in files.items() if paths.plain_name(other) != paths.POINTER or other == "now"}
    return {**files, name: data, paths.POINTER: files[paths.POINTER].replace(files[name], data)}


def _by_shard(rows: Sequence[bytes], bits: int) -> list[list[bytes]]:
    shards: list[list[bytes]] = [[] for _ in range(1 << bits)]
    for row in rows:
        shards[edition_map.index_of(row, bits)].append(row)
    return shards


def _encoded(name: str, page: File) -> dict[str, bytes]:
    """``page`` and its encodings, as they lie at ``name``."""
    bodies = {name: page.body, f"{name}.br": page.brotli, f"{name}.gz": page.gzip}
    return {where: data for where, data in bodies.items() if data is not None}


def _code_name(target: str, data: bytes) -> str:
    folder, _, name = target.partition("/")
    return f"{folder}/{sha256(data).hexdigest()}.{name}"


# ---------------------------------------------------------------- the map, read with nothing of ours


def shards(release: Release) -> list[bytes]:
    """Every shard of the map in order, found through the tiles."""
    return [inclusion(release, index)[0] for index in range(1 << release.head.bits)]


def inclusion(release: Release, index: int) -> tuple[bytes, list[bytes]]:
    """Shard ``index`` and its audit path of RFC 6962, lowest hash first, taken from the tiles."""
    name, above = release.head.root, list[bytes]()
    left = release.head.bits
    while left:
        width = (left - 1) % 4 + 1
        left -= width
        tile = release.files[paths.object_name(name.hex())]
        row = [tile[at : at + HASH] for at in range(0, len(tile), HASH)]
        slot = index >> left & (1 << width) - 1
        name, path = row[slot], []
        while len(row) > 1:
            path.append(row[slot ^ 1])
            row = [sha256(b"\1" + row[at] + row[at + 1]).digest() for at in range(0, len(row), 2)]
            slot >>= 1
        above = path + above
    return release.files[paths.object_name(name.hex())], above


# ---------------------------------------------------------------- what is published


def _contents(pages: int) -> dict[str, bytes]:
    """Files of an edition: ``pages`` of text, and one of each other kind."""
    chance = random.Random(pages)
    contents = {
        "index.html": _page(chance, 200),
        "feed.xml": "<rss><channel><title>Полуостров</title></channel></rss>".encode(),
        "robots.txt": b"User-agent: *\n",
        "favicon.ico": bytes(range(256)),
        "a/style.css": b"body{margin:0}",
        "a/search.json": b"[]",
        "a/sign.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "a/app.webmanifest": b"{}",
        "a/bridge.png": chance.randbytes(1500),
        "a/sea.avif": chance.randbytes(2047),
    }
    for number in range(pages - len(contents)):
        contents[f"a/{number:04}.html"] = _page(random.Random(number), 5 + 7 * number % 900)
    return contents


def _page(chance: random.Random, words: int) -> bytes:
    text = " ".join(chance.choices(_WORDS, k=words))
    return f"<!doctype html><html lang=ru><title>{words}</title><p>{text}".encode()
