"""The release log of a mirror: entries, tiles over them and a signed checkpoint, as an auditor fetches them.

Written a second time, without ``heliograph.trust``, and for small logs only: no tile here is ever full, so that there
is one of hashes and one of entries.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from conformance.trust.bases import Base
from conformance.trust.papers import Papers
from conformance.trust.signing import Pen, written
from conformance.trust.site import leaf

ORIGIN = "heliograph/conformance/2"
PEN = Pen("release log")
CHECKPOINT = "log/checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A log of fewer than 256 ``entries``; ``root`` and ``size`` may lie about them."""

    entries: Sequence[bytes]
    root: bytes | None = None
    size: int | None = None
    origin: str = ORIGIN
    pen: Pen = PEN
    more: Sequence[bytes] = field(default=())  # further lines under the checkpoint

    @property
    def hashes(self) -> list[bytes]:
        """The hash of each entry."""
        return [leaf(entry) for entry in self.entries]

    def files(self) -> dict[str, bytes]:
        """All of it by name on a mirror."""
        assert 0 < len(self.entries) < 256
        width = len(self.entries)
        return {
            CHECKPOINT: self.checkpoint(),
            f"log/tile/0/000.p/{width}": b"".join(self.hashes),
            f"log/tile/entries/000.p/{width}": b"".join(len(one).to_bytes(2, "big") + one for one in self.entries),
        }

    def checkpoint(self) -> bytes:
        """The signed note."""
        root = base64.b64encode(self.root or tree(self.hashes)).decode()
        size = len(self.entries) if self.size is None else self.size
        text = f"{self.origin}\n{size}\n{root}\n".encode()
        data = bytes.fromhex(self.pen.sign(text)["sig"])
        return text + b"\n" + line(self.origin, identity(self.origin, self.pen) + data) + b"".join(self.more)


def line(name: str, data: bytes) -> bytes:
    """One signature under a note."""
    return f"— {name} {base64.b64encode(data).decode()}\n".encode()


def identity(name: str, pen: Pen, kind: int = 1) -> bytes:
    """The four bytes that name a key in a note."""
    return sha256(f"{name}\n".encode() + bytes([kind]) + public(pen)).digest()[:4]


def public(pen: Pen) -> bytes:
    """The bytes of a key."""
    return bytes.fromhex(pen.key["keyval"]["public"])


def tree(hashes: Sequence[bytes]) -> bytes:
    """The root of RFC 6962 over ``hashes``."""
    if len(hashes) == 1:
        return hashes[0]
    width = 1
    while 2 * width < len(hashes):
        width *= 2
    return sha256(b"\1" + tree(hashes[:width]) + tree(hashes[width:])).digest()


def policy(**more: object) -> bytes:
    """A policy that names the log."""
    named = {"key": public(PEN).hex(), "origin": ORIGIN, **more}
    return written({"format": "heliograph-policy/1", "log": named, "title": "Peninsula"})


def logging(of: Base, **more: object) -> Papers:
    """The papers of ``of``, in whose targets is a policy that names the log."""
    return replace(of.papers, code={**of.papers.code, "code/policy.json": policy(**more)})


def with_log(of: Base, log: Log | None, papers: Papers | None = None) -> Mapping[str, bytes]:
    """The files in which a mirror like ``of`` differs that has ``log``, and whose policy names one."""
    about = papers or logging(of)
    data = about.code["code/policy.json"]
    return {
        **about.files(),
        f"code/{sha256(data).hexdigest()}.policy.json": data,
        **(log.files() if log else {}),
    }
