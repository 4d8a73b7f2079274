"""A certificate chain as bytes on the wire: what each part weighs, and what of it readers could do without.

A chain is sent with every full handshake, and the curtain counts it. Only what the advice needs is read out of the DER
(RFC 5280, 4.1); signatures are not looked at.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from heliograph.model.errors import ConfigError

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
_EC, _RSA = bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a864886f70d010101")  # OIDs of public keys
_P256 = bytes.fromhex("2a8648ce3d030107")
_COMMON_NAME, _ALTERNATIVES = bytes.fromhex("550403"), bytes.fromhex("551d11")
_SEQUENCE, _OID, _OCTETS, _VERSION, _EXTENSIONS = 0x30, 0x06, 0x04, 0xA0, 0xA3
RSA_SAVING: Final = 900  # bytes; Let's Encrypt's default chains of 2026: 5,090 with RSA, 4,249 with ECDSA


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate of a chain. Names are DER."""

    size: int  # bytes
    subject: bytes
    issuer: bytes
    key: str  # "P-256", "EC" for another curve, "RSA" or "other"
    common_name: str  # of the subject, "" for none
    names: int  # host names in it

    @property
    def is_root(self) -> bool:
        """Whether it is signed by itself, as far as its names tell."""
        return self.subject == self.issuer


def read_chain(file: Path) -> tuple[Certificate, ...]:
    """The certificates in a PEM file, in its order. Raises ConfigError."""
    try:
        blocks = _PEM.findall(file.read_text(encoding="ascii", errors="replace"))
        found = tuple(parse(ssl.PEM_cert_to_DER_cert(block)) for block in blocks)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(file)) from error
    except (ValueError, IndexError) as error:
        raise ConfigError("a certificate in it cannot be read", where=str(file)) from error
    if not found:
        raise ConfigError("no certificate in it", where=str(file), remedy="name the chain in PEM, leaf first")
    return found


def trusted_names() -> frozenset[bytes]:
    """The subjects (DER) of the roots that this machine trusts."""
    context = ssl.create_default_context()
    return frozenset(parse(one).subject for one in context.get_ca_certs(binary_form=True))


def parse(der: bytes) -> Certificate:
    """What the advice needs of a certificate. Raises ValueError or IndexError for anything else."""
    _, body, _ = next(_items(der))
    _, inner, _ = next(_items(body))
    fields = [(tag, value, raw) for tag, value, raw in _items(inner) if tag != _VERSION]
    _, _, issuer, _, subject, key = fields[:6]
    extensions = next((value for tag, value, _ in fields[6:] if tag == _EXTENSIONS), b"")
    return Certificate(
        size=len(der),
        subject=subject[2],
        issuer=issuer[2],
        key=_key(key[1]),
        common_name=_common_name(subject[1]),
        names=_names(extensions),
    )


def advice(chain: Sequence[Certificate], trusted: Collection[bytes]) -> list[str]:
    """What would make the handshake shorter, most first, one sentence each; empty if nothing would."""
    leaf, found = chain[0], []
    if leaf.key != "P-256":
        saving = f": saves about {RSA_SAVING} B of each handshake" if leaf.key == "RSA" else ""
        found.append(f"Take a certificate with an ECDSA key on P-256 instead of {leaf.key}{saving}.")
    needed = _needed(chain, trusted)
    for number, one in enumerate(chain):
        if number < needed:
            continue
        why = "the root itself, which readers have" if one.is_root else "readers have a root that is nearer"
        about = (
            f"Do not send certificate {number + 1} of the chain, {one.common_name or 'without a name'} ({one.size} B)"
        )
        found.append(f"{about}: {why}{'' if one.is_root else ' (try with old phones; see the preferred chain)'}.")
    if len(chain) == 1 and not leaf.is_root and leaf.issuer not in trusted:
        found.append("The chain has no intermediate, and this machine knows no such root: readers will see a warning.")
    if leaf.common_name:
        found.append("Ask for a certificate without a common name (ACME profile tlsserver or shortlived).")
    if leaf.names > 1:
        found.append(f"One name in a certificate is enough for a mirror; this one has {leaf.names}.")
    return found


def _needed(chain: Sequence[Certificate], trusted: Collection[bytes]) -> int:
    """How many certificates, from the leaf on, lead to a root that this machine trusts; all if none does."""
    for number, one in enumerate(chain):
        if number and one.is_root:
            return number
        if number and one.subject != chain[number - 1].issuer:
            return number
        if one.issuer in trusted and not one.is_root:
            return number + 1
    return len(chain)


def _items(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Tag, value and whole encoding of each item in ``data``."""
    at = 0
    while at < len(data):
        length, start = data[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[at + 2 : start])
        if start + length > len(data):
            raise ValueError("cut short")
        yield data[at], data[start : start + length], data[at : start + length]
        at = start + length


def _key(value: bytes) -> str:
    _, algorithm, _ = next(_items(value))
    oids = [oid for tag, oid, _ in _items(algorithm) if tag == _OID]
    if oids[0] == _EC:
        return "P-256" if _P256 in oids else "EC"
    return "RSA" if oids[0] == _RSA else "other"


def _common_name(name: bytes) -> str:
    for _, parts, _ in _items(name):
        for _, pair, _ in _items(parts):
            (_, oid, _), (_, value, _) = _items(pair)
            if oid == _COMMON_NAME:
                return value.decode("utf-8", "replace")
    return ""


def _names(extensions: bytes) -> int:
    for _, listed, _ in _items(extensions):
        for _, extension, _ in _items(listed):
            parts = list(_items(extension))
            if parts[0][1] == _ALTERNATIVES and parts[-1][0] == _OCTETS:
                return sum(1 for _, inner, _ in _items(parts[-1][1]) for _ in _items(inner))
    return 0
