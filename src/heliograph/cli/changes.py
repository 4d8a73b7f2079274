"""``keys rotate``, ``add``, ``renew`` and the like: changes that need the offline keys, and requests that travel."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from heliograph.adapters.folder import Folder
from heliograph.adapters.journal import SqlJournal
from heliograph.adapters.keys import Keys
from heliograph.adapters.reach import FolderMirror, WebMirror, reach
from heliograph.cli.keys import ask_secret, fresh, read_file, write_file
from heliograph.cli.screen import out
from heliograph.cli.wiring import open_journal
from heliograph.config import Config, load
from heliograph.flows import ceremonies, keyring, logbook, recovery
from heliograph.flows.ceremonies import Change, Pending
from heliograph.model import KeyFileError
from heliograph.trust import ceremony, keys
from heliograph.trust.keys import SigningKey
from heliograph.trust.sign import RoleKeys, Signer

_NEEDS_PUBLIC = "give the file that `heliograph keys public` wrote on the other machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceremony:
    """Where the keys are for one change, and how their passphrases come."""

    config: Config
    offline: Path | None = None  # else the part ``offline`` of the key folder
    passphrase_file: Path | None = None
    recovery: bool = False  # sign with the recovery key in place of the root key
    unsigned: bool = False  # sign with none of them: every signature comes from elsewhere

    @property
    def folder(self) -> Keys:
        return Keys(self.config.keys_folder)

    @property
    def away(self) -> Keys:
        return Keys(self.offline or self.config.keys_folder / keyring.OFFLINE)

    def old_keys(self) -> list[SigningKey]:
        """The offline keys that sign now.

        Raises:
            KeyFileError: there are none, or a passphrase is wrong.
        """
        if self.unsigned:
            return []
        asked: dict[str, str] = {}

        def unlock(name: str, data: bytes) -> SigningKey | None:
            role = name.partition("-")[0]
            if role == ("root" if self.recovery else "recovery"):
                return None
            secret = "recovery" if role == "recovery" else "offline"
            if secret not in asked:
                asked[secret] = self._secret(secret)
            return keys.unlock(data, asked[secret], name)

        return ceremonies.offline_keys(self.away, unlock)

    def keep(self, key: SigningKey) -> None:
        """Write the file of a new key where its role belongs."""
        if key.role not in keys.OFFLINE:
            self.folder.write(keyring.file_of(key), keys.bare(key))
            return
        locked = keys.lock(key, self._secret("offline"), os.urandom(keys.SALT + keys.NONCE))
        self.away.write(keyring.file_of(key).removeprefix(keyring.OFFLINE), locked)

    def _secret(self, which: str) -> str:
        prompt = "Recovery code" if which == "recovery" else "Passphrase of the offline keys"
        return ask_secret(self.passphrase_file, prompt)


def rotate(at: Ceremony, rings: Sequence[str]) -> int:
    """New keys for these rings; files of the old ones are removed once they count no more."""
    old = at.old_keys()
    held = {key.keyid for key in old} | {signer.public_key.keyid for signer in _online(at)}
    made = [fresh(ring) for ring in rings]  # type: ignore[arg-type]
    code = apply(at, ceremonies.rotated(at.folder, made, held, now()), old)
    if code == 0:
        sweep(at)
    if len(rings) > 1 and logbook.policy_of(at.folder) is not None:  # a theft, and that key lay beside them
        out.print("The key of the release log lay there, too. Next: heliograph keys log --anew", soft_wrap=True)
    return code


def change(at: Ceremony, ring: str, to: Callable[[RoleKeys], RoleKeys]) -> int:
    """A key more or less, or another threshold."""
    return apply(at, ceremonies.changed(at.folder, ring, to, now()), at.old_keys())


def renew(at: Ceremony) -> int:
    """Root and targets with new dates."""
    return apply(at, ceremonies.renewed(at.folder, now()), at.old_keys())


def take(config: Config, request: Path) -> int:
    """Put a request that came back into effect."""
    folder = Keys(config.keys_folder)
    standing = keyring.standing(folder, "")
    data = read_file(request)
    for line in ceremony.described(data, standing.root, standing.targets):
        out.print(line)
    return _tell([left] if (left := ceremonies.take(folder, data)) else [], request.parent)


def public_key(path: Path) -> keys.Key:
    """The public key in a file that ``public`` printed.

    Raises:
        KeyFileError: it holds none.
    """
    try:
        return keys.public_from(read_file(path))
    except ValueError as error:
        raise KeyFileError("it holds no public key", where=str(path), remedy=_NEEDS_PUBLIC) from error


def backup(config: Config, target: Path) -> int:
    """Copy the key folder to an empty place; without ``offline``, which is its own backup."""
    folder, copy = Keys(config.keys_folder), Keys(target)
    if copy.names():
        raise KeyFileError("it is not empty", where=str(target), remedy="name a new folder")
    names = folder.names()
    for name in names:
        copy.write(name, folder.read(name))
    out.print(f"copied {len(names)} files to {escape(str(target))}: whoever has it publishes for you", soft_wrap=True)
    return 0


def recover(config: Config, sources: Sequence[str], root: Path | None) -> int:
    """Read the newsroom's place in the chain of releases back from its mirrors, or from ``sources``."""
    folder = Keys(config.keys_folder)
    first = read_file(root) if root else keyring.roots(folder)[0]
    places = sources or [config.mirror_reach(mirror) for mirror in config.mirror]
    mirrors = [reach(place) for place in places if place.startswith("http") or Path(place).is_dir()]
    stage = Folder(config.state_folder / "edition")
    with open_journal(config) as journal, journal.hold("heliograph keys recover"):
        found = asyncio.run(_recover(mirrors, folder, journal, stage, first))
    out.print(f"release   {found.release:,} is the newest, on {escape(found.place)}; the next is {found.release + 1:,}")
    if found.logged:
        out.print(f"log       {found.logged:,} entries")
    if found.log_lost:
        out.print(
            f"[yellow]log[/]       lost: {escape(found.log_lost)}; next: heliograph keys log --anew", soft_wrap=True
        )
    if found.missing:
        out.print(f"[yellow]missing[/]   keys of {', '.join(found.missing)}; next: heliograph keys revoke-online")
        return 1
    if found.log_lost:
        return 1
    out.print("Next: heliograph publish")
    return 0


async def _recover(
    mirrors: Sequence[WebMirror | FolderMirror], folder: Keys, journal: SqlJournal, stage: Folder, root: bytes
) -> recovery.Recovered:
    async with AsyncExitStack() as stack:
        for mirror in mirrors:
            await stack.enter_async_context(mirror)
        return await recovery.recover(mirrors, folder, journal, stage, root, now())


def apply(at: Ceremony, change: Change, old: Sequence[SigningKey]) -> int:
    """Say what changes, sign it and put it into effect; 1 where signatures are missing yet."""
    standing = keyring.standing(at.folder, "")
    for request in change.requests:
        for line in ceremony.described(request, standing.root, standing.targets):
            out.print(line)
    return _tell(ceremonies.signed(at.folder, change, old, at.keep), at.config.keys_folder / "requests")


def _tell(pending: Sequence[Pending], beside: Path) -> int:
    for left in pending:
        path = beside / f"{left.name}.request.json"
        write_file(path, left.request)
        out.print(f"[yellow]not in effect yet[/]: {escape('; '.join(left.lacks))}", soft_wrap=True)
        out.print(f"Carry {escape(str(path))} to the other holders: heliograph keys sign", soft_wrap=True)
    if not pending:
        out.print("in effect with the next: heliograph publish")
    return 1 if pending else 0


def _online(at: Ceremony) -> list[Signer]:
    return [signer for group in keyring.signers(at.folder).values() for signer in group]


def sweep(at: Ceremony, *, log: bool = False) -> None:
    """Remove key files of this machine that count no more; the key of a release log only where it is asked for."""
    standing = keyring.standing(at.folder, "")
    valid = {key.keyid[:8] for who in ceremony.keys_of(standing.root, standing.targets).values() for key in who.keys}
    named = keyring.policy(at.folder, standing.targets)[0].log
    if named is not None and (key := keyring.log_key(at.folder, named.key)):
        valid.add(key.keyid[:8])
    for folder in (at.folder, at.away):
        for name in folder.names():
            ring, _, keyid = name.removesuffix(".json").rpartition("-")
            if "/" not in name and name.endswith(".json") and keyid not in valid and (log or ring != "log"):
                folder.remove(name)
                out.print(f"removed {escape(name)}")


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from


def at(
    config: Path,
    offline: Path | None,
    passphrase_file: Path | None,
    *,
    recovery: bool = False,
    unsigned: bool = False,
) -> Ceremony:
    """What the options of a command say."""
    return Ceremony(
        config=load(config),
        offline=offline,
        passphrase_file=passphrase_file,
        recovery=recovery,
        unsigned=unsigned,
    )
