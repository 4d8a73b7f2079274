"""``keys sign`` and ``keys public``: what the holder of a key does, on a machine that needs no newsroom."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from heliograph.adapters import tokens
from heliograph.cli.changes import public_key
from heliograph.cli.keys import ask_secret, read_file, write_file
from heliograph.cli.screen import err, out
from heliograph.model import ConfigError, KeyFileError
from heliograph.trust import ceremony, keys
from heliograph.trust.sign import RoleKeys, Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """The one key that a command is given: a key file, or the address of a key that signs where it lies."""

    file: Path | None = None
    uri: str = ""
    public: Path | None = None  # of the key at ``uri``
    secret: Path | None = None  # a file with the passphrase or the PIN

    def signer(self) -> Signer:
        """What signs with it; a passphrase is asked for now, a PIN when it signs.

        Raises:
            ConfigError: none or both are given.
            KeyFileError: it cannot be used.
        """
        if (self.file is None) == (not self.uri):
            remedy = "name a key file, or the address of a token's key: --signer hsm:2"
            raise ConfigError("not one key is named", where="--key, --signer", remedy=remedy)
        if self.file is not None:
            data = read_file(self.file)
            locked = keys.is_locked(data, str(self.file))
            secret = ask_secret(self.secret, "Passphrase of the offline keys") if locked else ""
            return keys.unlock(data, secret, str(self.file)).signer
        public = public_key(self.public) if self.public else None
        token = tokens.connect(self.uri, lambda what: ask_secret(self.secret, f"Token's {what}"), public)
        self._check_kind(token)
        if token.uri != self.uri:
            err.print(f"this key is --signer '{escape(token.uri)}'", soft_wrap=True)
        return token.signer

    def _check_kind(self, token: tokens.Token) -> None:
        try:
            keys.public_from(json.dumps(token.public.to_dict()).encode())
        except ValueError as error:
            what = f"it is a key of the kind {token.public.scheme}"
            raise KeyFileError(what, where=token.uri, remedy="make a P-256 or an Ed25519 key") from error


def sign(request: Path, hand: Hand) -> int:
    """Add one key's signature to a request that was carried here."""
    data = read_file(request)
    file = ceremony.opened(data)
    out.print(f"{file.role} {file.version}, expires {file.expires:%Y-%m-%d}")
    named: set[str] = set()
    for ring, who in _rings(data):
        named |= {key.keyid for key in who.keys}
        out.print(f"{ring:<9} {who.threshold} of {', '.join(key.keyid[:12] for key in who.keys)}", soft_wrap=True)
    signer = hand.signer()
    keyid = signer.public_key.keyid
    write_file(request, ceremony.signed_by(data, [signer]))
    if file.role == "root" and keyid not in named:
        # no error: the keys that counted until now must sign a root, too, and only the newsroom knows them
        out.print(f"[yellow]key {keyid[:12]} is none of these[/]; it counts only if it counted before", soft_wrap=True)
    out.print(f"signed by {keyid[:12]}; carry {escape(str(request))} back", soft_wrap=True)
    return 0


def public(hand: Hand) -> int:
    """Print the public half of a key, for ``keys add`` on the newsroom's machine."""
    print(json.dumps(hand.signer().public_key.to_dict()))
    return 0


def _rings(request: bytes) -> list[tuple[str, RoleKeys]]:
    """The rings that a request names by itself."""
    file = ceremony.opened(request)
    names = ("root", "targets", "online") if file.role == "root" else ("edition",)
    return [(ring, ceremony.ring_of(file, ring)) for ring in names]
