"""Hardware tokens, less the hardware: SoftHSM speaks the same PKCS#11 as a card, and its keys never leave it either."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import _missing

PIN, _SO_PIN = "471114", "08154711"
ROOT, TARGETS, OTHER = 2, 3, 4  # keys of a token, by CKA_ID; the last is of a kind that the format does not know
_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
_KEYS = """
import os, sys, pkcs11
from pkcs11.util.ec import encode_named_curve_parameters
label, pin, *curves = sys.argv[1:]
token = pkcs11.lib(os.environ["PYKCS11LIB"]).get_token(token_label=label)
with token.open(rw=True, user_pin=pin) as session:
    for number, curve in enumerate(curves, 2):
        kind = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}
        group = session.create_domain_parameters(pkcs11.KeyType.EC, kind, local=True)
        group.generate_keypair(store=True, id=bytes([number]), label=f"key {number}")
"""


@dataclass(frozen=True, slots=True)
class SoftHsm:
    """Where the tokens lie; ``environment`` lets a process find them."""

    folder: Path
    module: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process with these tokens plugged in has in its environment."""
        return {"SOFTHSM2_CONF": str(self.folder / "softhsm2.conf"), "PYKCS11LIB": self.module}

    def plug_in(self, label: str) -> None:
        """A new token whose keys are made on it."""
        init = ("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", _SO_PIN)
        self._run(*init)
        self._run(sys.executable, "-c", _KEYS, label, PIN, "secp256r1", "secp256r1", "secp384r1")

    def _run(self, *command: str) -> None:
        subprocess.run(command, env=os.environ | self.environment, check=True, capture_output=True, timeout=60)


def drawer(folder: Path) -> SoftHsm:
    """A place for tokens; without SoftHSM or python-pkcs11 the test skips, and in CI fails."""
    module = next((path for path in _MODULES if Path(path).exists()), "")
    if not module or shutil.which("softhsm2-util") is None:
        _missing("SoftHSM is not installed: apt-get install softhsm2")
    if importlib.util.find_spec("pkcs11") is None:
        _missing("python-pkcs11 is not installed: pip install 'heliograph[hsm]'")
    (folder / "tokens").mkdir(parents=True)
    settings = f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    (folder / "softhsm2.conf").write_text(settings, encoding="utf-8")
    return SoftHsm(folder, module)
