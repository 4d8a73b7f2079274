"""Test keys that follow from their names, and the two ways in which metadata is written down.

Nothing of ``heliograph.trust`` is used here: the suite signs with its own few lines what the verifier checks with its.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Value = dict[str, Any]


def canonical(value: object) -> bytes:
    """The OLPC canonical JSON of ``value``: what a signature is over."""
    return _canonical(value).encode()


def written(value: object) -> bytes:
    """``value`` as it stands in a file."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def keyid_of(key: Value) -> str:
    """The only id that ``key`` may have."""
    return sha256(canonical({name: key[name] for name in ("keytype", "keyval", "scheme")})).hexdigest()


@dataclass(frozen=True, slots=False)
class Pen:
    """A key that signs. Its name says whose it is; ``token`` makes it one of P-256, as hardware has."""

    name: str
    token: bool = False

    @cached_property
    def private(self) -> Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
        """The key itself."""
        seed = sha256(f"heliograph conformance {self.name}".encode()).digest()
        if self.token:
            return ec.derive_private_key(int.from_bytes(seed, "big") >> 1 | 1, ec.SECP256R1())
        return Ed25519PrivateKey.from_private_bytes(seed)

    @cached_property
    def key(self) -> Value:
        """Its public half as metadata lists it."""
        public = self.private.public_key()
        if isinstance(public, ec.EllipticCurvePublicKey):
            pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
            return {"keytype": "ecdsa", "keyval": {"public": pem}, "scheme": "ecdsa-sha2-nistp256"}
        return {"keytype": "ed25519", "keyval": {"public": public.public_bytes_raw().hex()}, "scheme": "ed25519"}

    @cached_property
    def keyid(self) -> str:
        """Its id."""
        return keyid_of(self.key)

    def sign(self, payload: bytes) -> Value:
        """A signature as metadata lists it; the same each time."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            data = self.private.sign(payload, ec.ECDSA(SHA256(), deterministic_signing=True))
        else:
            data = self.private.sign(payload)
        return {"keyid": self.keyid, "sig": data.hex()}


@dataclass(frozen=True, slots=True)
class Circle:
    """Whose signatures a role needs, and how many of them."""

    pens: tuple[Pen, ...]
    threshold: int = 1

    @property
    def signers(self) -> tuple[Pen, ...]:
        """Who signs when nothing else is said: just enough."""
        return self.pens[: self.threshold]

    @property
    def keys(self) -> Value:
        """The keys by their ids."""
        return {pen.keyid: pen.key for pen in self.pens}

    @property
    def role(self) -> Value:
        """The role as a root or a delegation lists it."""
        return {"keyids": [pen.keyid for pen in self.pens], "threshold": self.threshold}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """All keys of a newsroom."""

    root: Circle
    targets: Circle
    edition: Circle
    online: Circle


def editors() -> Ring:
    """Layout (b): three editors with tokens, two outside holders, two hosts and a spare."""
    editors = ("anna", "bohdan", "elmaz")
    outside = (Pen("root partner"), Pen("root lawyer"))
    return Ring(
        root=Circle((*(Pen(f"root {name}", token=True) for name in editors), *outside), 3),
        targets=Circle(tuple(Pen(f"targets {name}", token=True) for name in editors), 2),
        edition=Circle((Pen("edition publisher"), Pen("edition co-signer"), Pen("edition spare")), 2),
        online=Circle((Pen("online"),)),
    )


def one_person() -> Ring:
    """Layout (a): one signature each."""
    return Ring(
        root=Circle((Pen("root"), Pen("recovery")), 1),
        targets=Circle((Pen("targets"),)),
        edition=Circle((Pen("edition"),)),
        online=Circle((Pen("online of one"),)),
    )


def signatures(signed: Value, pens: Sequence[Pen]) -> list[Value]:
    """What ``pens`` put under ``signed``."""
    payload = canonical(signed)
    return [pen.sign(payload) for pen in pens]


def _canonical(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case list():
            return "[" + ",".join(map(_canonical, value)) + "]"
        case dict():
            return "{" + ",".join(f"{_canonical(name)}:{_canonical(value[name])}" for name in sorted(value)) + "}"
    return str(value)
