"""A token in a ceremony, from the first look at its public key to the release that readers verify."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests import softhsm
from tests.cli.test_commands import heliograph
from tests.cli.test_keys import facts, room, run, verdict
from tests.softhsm import SoftHsm

__all__ = ["room"]  # a fixture
ANNA = "hsm:2?label=anna"


@pytest.fixture
def pin(tmp_path: Path) -> Path:
    (tmp_path / "pin").write_text(softhsm.PIN, encoding="utf-8")
    return tmp_path / "pin"


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """The token of an editor, plugged in."""
    drawer = softhsm.drawer(tmp_path / "drawer")
    drawer.plug_in("anna")
    for name, value in drawer.environment.items():
        monkeypatch.setenv(name, value)
    return drawer


def public_of(uri: str, file: Path) -> Path:
    """A file with the public key at ``uri``."""
    file.write_text(heliograph("keys", "public", "--signer", uri).stdout, encoding="utf-8")
    return file


def pem(file: Path, key: object) -> Path:
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))  # type: ignore[attr-defined]
    return file


def sign(request: Path, uri: str, pin: Path, code: int = 0) -> str:
    told = heliograph("keys", "sign", request, "--signer", uri, "--passphrase-file", pin, code=code)
    return told.stdout + told.stderr


def test_root_needs_the_newsrooms_key_a_token_and_a_key_in_a_file(room: Path, token: SoftHsm, pin: Path) -> None:
    shown = heliograph("keys", "public", "--signer", "hsm:")  # key 2 of the only token
    assert f"--signer '{ANNA}'" in shown.stderr  # how to name it when there are more
    anna = public_of(ANNA, room.parent / "anna.json")
    assert json.loads(shown.stdout) == json.loads(anna.read_bytes())
    assert json.loads(shown.stdout)["scheme"] == "ecdsa-sha2-nistp256"
    lawyer = f"file2:{pem(room.parent / 'lawyer.pem', Ed25519PrivateKey.generate())}"
    run(room, "add", "root", anna)
    run(room, "add", "root", public_of(lawyer, room.parent / "lawyer.json"))
    told = run(room, "threshold", "root", "3", code=1).stdout
    assert "not in effect yet" in told
    request = room / "keys" / "requests" / "root-4.request.json"
    assert "signed by" in sign(request, ANNA, pin)
    assert "2 of 3" in heliograph("keys", "import", request, "-c", room / "heliograph.toml", code=1).stdout
    sign(request, lawyer, pin)
    heliograph("keys", "import", request, "-c", room / "heliograph.toml")
    heliograph("publish", "--config", room / "heliograph.toml")
    assert verdict(room)["verdict"] == "verified"
    assert (room / "mirrors" / "first" / "tuf" / "4.root.json").exists()
    # a year later, with no offline key on the newsroom's machine
    (room / "keys" / "offline").rename(room.parent / "bank")
    assert "not in effect yet" in run(room, "renew", "--unsigned", code=1).stdout
    request = room / "keys" / "requests" / "root-5.request.json"
    root_key = next((room.parent / "bank").glob("root-*.json"))
    heliograph("keys", "sign", request, "--key", root_key, "--passphrase-file", room.parent / "secret")
    sign(request, ANNA, pin)
    sign(request, lawyer, pin)
    heliograph("keys", "import", request, "-c", room / "heliograph.toml")
    heliograph("publish", "--config", room / "heliograph.toml")
    assert verdict(room)["verdict"] == "verified"


def test_a_key_that_readers_would_not_count_is_not_added(room: Path, token: SoftHsm) -> None:
    anna = public_of(ANNA, room.parent / "anna.json")
    before = facts(room)
    told = run(room, "add", "edition", anna, code=1).stderr
    assert "ecdsa-sha2-nistp256, which does not count for edition" in told
    assert "does not count for online" in run(room, "add", "online", anna, code=1).stderr
    assert facts(room) == before
    run(room, "add", "root", anna)
    told = run(room, "add", "targets", anna, code=1).stderr
    assert "would serve root and targets" in told
    assert "another slot" in told
    run(room, "add", "targets", public_of("hsm:3?label=anna", room.parent / "anna-targets.json"))


def test_a_wrong_key_or_pin_or_address_is_named_and_changes_nothing(room: Path, token: SoftHsm, pin: Path) -> None:
    run(room, "renew", "--unsigned", code=1)
    request = room / "keys" / "requests" / "root-2.request.json"
    before = request.read_bytes()
    assert "the PIN is wrong" in sign(request, ANNA, room.parent / "secret", code=2)
    assert "CKA_ID" in sign(request, "hsm:9?label=anna", pin, code=2)
    assert "No PKCS#11 token found for label bea" in sign(request, "hsm:2?label=bea", pin, code=2)
    assert "'x' is no number of a key" in sign(request, "hsm:x", pin, code=2)
    assert "ecdsa-sha2-nistp384" in sign(request, f"hsm:{softhsm.OTHER}?label=anna", pin, code=2)
    assert "begins with one of" in sign(request, "usb:2", pin, code=2)
    assert "--public FILE" in sign(request, "gcpkms:projects/x", pin, code=2)
    assert "cannot be used" in sign(request, f"file2:{room.parent / 'nowhere.pem'}", pin, code=2)
    rsa = pem(room.parent / "rsa.pem", generate_private_key(65_537, 2_048))
    assert "neither an Ed25519 nor a P-256 key" in sign(request, f"file2:{rsa}", pin, code=2)
    assert request.read_bytes() == before
    assert "counts only if it counted before" in sign(request, ANNA, pin)  # nobody's key here, but it may be an old one


def test_without_the_library_of_the_token_the_remedy_is_named(
    room: Path, token: SoftHsm, pin: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PYKCS11LIB")
    assert "set PYKCS11LIB to the library" in heliograph("keys", "public", "--signer", "hsm:", code=2).stderr
    monkeypatch.setenv("PYKCS11LIB", str(tmp_path / "nowhere.so"))
    assert "nowhere.so" in heliograph("keys", "public", "--signer", "hsm:", code=2).stderr
    absent = tmp_path / "absent" / "pkcs11"  # as if python-pkcs11 had not been installed
    absent.mkdir(parents=True)
    (absent / "__init__.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(absent.parent), prepend=":")
    assert "heliograph[hsm]" in heliograph("keys", "public", "--signer", "hsm:", code=2).stderr


def test_one_key_is_named_and_no_more(room: Path, pin: Path) -> None:
    assert "not one key is named" in heliograph("keys", "public", code=2).stderr
    key = next((room / "keys" / "offline").glob("root-*.json"))
    assert "not one key is named" in heliograph("keys", "public", key, "--signer", "hsm:", code=2).stderr
