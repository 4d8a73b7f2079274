"""Certificates for the lab, by the ``openssl`` command: keys are no business of this package."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path


def certificate(names: Sequence[str], file: Path, issuer: str) -> Path:
    """A self-signed certificate for ``names``: ``file`` gets it with its key, the file returned without.

    Raises CalledProcessError, and FileNotFoundError where there is no openssl.
    """
    key, alone = file.with_suffix(".key"), file.with_suffix(".crt")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "30", "-subj", f"/O={issuer}", "-keyout", str(key), "-out", str(alone)]
    command += ["-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)]
    subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - names are the lab's
    file.write_text(alone.read_text(encoding="ascii") + key.read_text(encoding="ascii"), encoding="ascii")
    key.unlink()
    return alone
