"""A certificate authority for tests and benchmarks: leaves for any name, also expired, of any chain length."""

from __future__ import annotations

import datetime as dt
import os
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)
_FILLING = x509.ObjectIdentifier("1.3.6.1.4.1.32473.1")  # of the arc for examples (RFC 5612)


class Authority:
    """A root of P-256 and, below it, ``depth`` intermediates that are sent along with each leaf.

    ``sizes`` are bytes of DER that the certificates of a chain are filled up to, leaf first, where they are smaller.
    """

    def __init__(
        self, folder: Path, now: dt.datetime, *, name: str = "Test root", depth: int = 0, sizes: Sequence[int] = ()
    ) -> None:
        self.folder, self.now, self._sizes = folder, now, tuple(sizes)
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._root = self._signed(self._name, self._key.public_key(), authority=True)
        self._between: list[x509.Certificate] = []
        for number in range(depth):
            key = ec.generate_private_key(ec.SECP256R1())
            below = _named(f"{name} {number + 1}")
            size = self._sizes[depth - number] if len(self._sizes) > depth - number else 0
            self._between.insert(0, self._signed(below, key.public_key(), authority=True, size=size))
            self._key, self._name = key, below
        self.file = folder / "root.pem"
        self.file.write_bytes(self._root.public_bytes(serialization.Encoding.PEM))

    def leaf(self, *names: str, days: int = 30) -> Path:
        """A file with certificate, chain and key for ``names``; ``days`` may be negative: expired since."""
        key = ec.generate_private_key(ec.SECP256R1())
        size = self._sizes[0] if self._sizes else 0
        made = self._signed(_named(names[0]), key.public_key(), names=names, days=days, size=size)
        pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (made, *self._between))
        encoded = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self.folder / f"{names[0]}.{days}.pem"
        path.write_bytes(pem + encoded)
        return path

    def _signed(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        *,
        names: tuple[str, ...] = (),
        days: int = 365,
        authority: bool = False,
        size: int = 0,
    ) -> x509.Certificate:
        filling = 0
        while True:  # the length of a signature in DER varies by some bytes, and so does what is left to fill
            made = self._once(subject, public, names, days, authority, filling)
            weight = len(made.public_bytes(serialization.Encoding.DER))
            if not size or -4 <= size - weight <= 4 or (filling <= 0 and weight > size):
                return made
            filling = max(1, filling + size - weight - (0 if filling else 24))

    def _once(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        names: tuple[str, ...],
        days: int,
        authority: bool,
        filling: int,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - 400 * _DAY)
            .not_valid_after(self.now + days * _DAY)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        if filling > 0:
            extra = x509.UnrecognizedExtension(_FILLING, os.urandom(filling))
            builder = builder.add_extension(extra, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def pin(path: Path) -> str:
    """The key of the first certificate in ``path``, as browsers name keys: base64 of SHA-256 of its public half."""
    key = x509.load_pem_x509_certificate(path.read_bytes()).public_key()
    info = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b64encode(sha256(info).digest()).decode("ascii")


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
