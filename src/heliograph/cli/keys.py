"""``keys``: make them, show them, change them, carry requests to whoever must sign."""

from __future__ import annotations

import getpass
import io
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import segno
from rich.markup import escape

from heliograph.adapters.keys import Keys
from heliograph.cli.screen import out
from heliograph.config import Config, load
from heliograph.flows import keyring
from heliograph.model import ConfigError, HeliographError, KeyFileError, SignError
from heliograph.trust import ceremony, keys, roles
from heliograph.trust.keys import KeyRole, SigningKey

_ROLES: tuple[KeyRole, ...] = ("root", "targets", "recovery", "edition", "online")
_WARNING = "Move {folder} to a USB stick now, and keep a copy of it elsewhere: it is needed once a year, not here."


def make(config: Config, passphrase_file: Path | None) -> dict[str, str]:
    """Make all keys of the layout for one person, root 1 and targets 1; what must be shown once.

    Raises:
        KeyFileError: there are keys already, or the passphrase is too short.
    """
    folder = Keys(config.keys_folder)
    if folder.names():
        remedy = "to change them: heliograph keys rotate; to look at them: heliograph keys show"
        raise KeyFileError("there are keys already", where=str(config.keys_folder), remedy=remedy)
    given = passphrase_from(passphrase_file)
    passphrase, code = given or _generated(), _generated()
    keys.check_passphrase(passphrase)
    made: dict[str, SigningKey] = {role: fresh(role) for role in _ROLES}
    root, targets = ceremony.first(made, _now())
    for role, key in made.items():
        folder.write(keyring.file_of(key), _file(key, code if role == "recovery" else passphrase))
    folder.write("tuf/1.targets.json", targets)
    folder.write("tuf/1.root.json", root)  # last: with it the newsroom has keys
    return {
        "fingerprint": keys.fingerprint(root),
        "passphrase": "" if given else passphrase,
        "recovery_code": code,
        "offline": str(config.keys_folder / "offline"),
    }


def tell(made: Mapping[str, str]) -> None:
    """Say what ``make`` made, as it is said only once."""
    out.print(f"keys      fingerprint {made['fingerprint']}", soft_wrap=True)
    if made["passphrase"]:
        out.print(f"          passphrase  {made['passphrase']}", soft_wrap=True)
    out.print(f"          recovery    {made['recovery_code']}", soft_wrap=True)
    what = "passphrase and recovery code" if made["passphrase"] else "recovery code"
    out.print(f"          Write the {what} on paper: they are shown this once.", soft_wrap=True)
    out.print(f"          {escape(_WARNING.format(folder=made['offline']))}", soft_wrap=True)


def show(path: Path, *, as_json: bool) -> int:
    """The keys of each role, how many must sign, and when what they signed expires."""
    config = load(path)
    facts = facts_of(config)
    if as_json:
        print(json.dumps(facts))
        return 0
    out.print(f"fingerprint  {facts['fingerprint']}")
    for ring in facts["rings"]:
        out.print(f"{ring['ring']:<12} {ring['threshold']} of {len(ring['keys'])}: {', '.join(ring['keys'])}")
    if facts["log"]:
        here = "is" if facts["log"]["here"] else "is not"
        out.print(f"log          {escape(facts['log']['origin'])}, its key {here} here", soft_wrap=True)
    for name, expires in facts["expires"].items():
        out.print(f"{name:<12} expires {expires[:10]}")
    for name in facts["offline_here"]:
        out.print(f"[red]offline key on this machine:[/] {escape(name)}; move it to removable media", soft_wrap=True)
    return 0


def show_fingerprint(path: Path, *, as_json: bool) -> int:
    """The fingerprint in every form that people use."""
    facts = facts_of(load(path))
    shown = {"fingerprint": facts["fingerprint"], "words": facts["words"]}
    if as_json:
        print(json.dumps(shown))
        return 0
    out.print(f"text   {shown['fingerprint']}\nwords  {shown['words']}", soft_wrap=True)
    picture = io.StringIO()
    segno.make(shown["fingerprint"], micro=False).terminal(out=picture, compact=True, border=1)
    out.print(picture.getvalue())
    return 0


def facts_of(config: Config) -> dict[str, Any]:
    """What ``show`` shows.

    Raises:
        SignError: there are no keys.
    """
    folder = Keys(config.keys_folder)
    standing = keyring.standing(folder, "")
    who = ceremony.keys_of(standing.root, standing.targets)
    log = keyring.policy(folder, standing.targets)[0].log
    return {
        "fingerprint": keys.fingerprint(keyring.roots(folder)[0]),
        "words": keys.fingerprint_words(keyring.roots(folder)[0]),
        "rings": [
            {"ring": ring, "threshold": who[ring].threshold, "keys": [key.keyid[:12] for key in who[ring].keys]}
            for ring in ceremony.RINGS
        ],
        "expires": {
            role: roles.read(role, getattr(standing, role)).expires.isoformat() for role in ("root", "targets")
        },
        "log": {"origin": log.origin, "here": keyring.log_key(folder, log.key) is not None} if log else None,
        "offline_here": keyring.offline_keys(folder),
    }


def passphrase_from(path: Path | None) -> str:
    """The passphrase in a file, "" without one.

    Raises:
        ConfigError: the file cannot be read.
    """
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("the passphrase file cannot be read", where=str(path), remedy=str(error)) from error


def ask_secret(path: Path | None, prompt: str) -> str:
    """The secret in a file, or asked of whoever sits there.

    Raises:
        ConfigError: the file cannot be read, or nobody sits there.
    """
    if path is not None:
        return passphrase_from(path)
    if not sys.stdin.isatty():
        remedy = f"name a file that holds the {prompt[0].lower()}{prompt[1:]}"
        raise ConfigError("a secret is needed", where="--passphrase-file", remedy=remedy)
    return getpass.getpass(f"{prompt}: ")


def read_file(path: Path) -> bytes:
    """The bytes of a small file that was carried here.

    Raises:
        HeliographError: it cannot be read.
    """
    try:
        return path.read_bytes()[:1_000_000].strip()
    except OSError as error:
        raise HeliographError(f"cannot be read: {error.strerror}", where=str(path)) from error


def write_file(path: Path, data: bytes) -> None:
    """Write a small file that will be carried away.

    Raises:
        SignError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data + b"\n")
    except OSError as error:
        raise SignError(f"cannot be written: {error.strerror}", where=str(path)) from error


def fresh(role: KeyRole) -> SigningKey:
    """A new key."""
    return SigningKey(role=role, seed=os.urandom(keys.SEED))


def _file(key: SigningKey, secret: str) -> bytes:
    return keys.lock(key, secret, os.urandom(keys.SALT + keys.NONCE)) if key.role in keys.OFFLINE else keys.bare(key)


def _generated() -> str:
    return keys.words(os.urandom(2 * keys.WORDS))


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
