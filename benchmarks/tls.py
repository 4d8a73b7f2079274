"""A certificate authority for tests and benchmarks: leaves for any name, also expired, of any chain length."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)


class Authority:
    """A root of P-256 and, below it, ``depth`` intermediates that are sent along with each leaf."""

    def __init__(self, folder: Path, now: dt.datetime, *, name: str = "Test root", depth: int = 0) -> None:
        self.folder, self.now = folder, now
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._root = self._signed(self._name, self._key.public_key(), authority=True)
        self._between: list[x509.Certificate] = []
        for number in range(depth):
            key = ec.generate_private_key(ec.SECP256R1())
            below = _named(f"{name} {number + 1}")
            self._between.insert(0, self._signed(below, key.public_key(), authority=True))
            self._key, self._name = key, below
        self.file = folder / "root.pem"
        self.file.write_bytes(self._root.public_bytes(serialization.Encoding.PEM))

    def leaf(self, *names: str, days: int = 30) -> Path:
        """A file with certificate, chain and key for ``names``; ``days`` may be negative: expired since."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._signed(_named(names[0]), key.public_key(), names=names, days=days)
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
        return builder.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
