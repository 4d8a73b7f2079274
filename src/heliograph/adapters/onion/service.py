"""One onion service: its key made at first use, itself published for as long as this program lives.

Rule 1: it hangs on our connection to tor (no ``Detach``), so it ends when we do, however that is.
Rule 2: a tor that was restarted has forgotten it: it is added again under the same key, as often as need be.
Rule 3: what tor tells of its descriptors is looked at for our own address only; it is no matter of readers.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from heliograph.adapters.onion import keyfile
from heliograph.adapters.onion.control import Chance, Control, Place, connected
from heliograph.adapters.onion.keyfile import Kept
from heliograph.adapters.onion.talk import Reply, values
from heliograph.model.errors import ConfigError, HeliographError, StoreError

PORT: Final = 80  # of the address; an onion service needs no TLS: the address is the key
LOOK: Final = 60.0  # seconds between two questions whether tor still has it
PAUSE: Final = 2.0  # seconds between two attempts to have it published again
_COLLISION = 550


class Onion:
    """The service whose key is in the file ``key``, by the tor at ``tor``.

    ``say`` is given the address when readers can reach it, and what goes wrong, each once.
    """

    def __init__(
        self,
        key: Path,
        tor: Place,
        *,
        password: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
        chance: Chance = os.urandom,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._file, self._tor, self._password = key, tor, password
        self._say, self._chance, self._pause = say, chance, pause
        self._trouble = ""  # what was said last

    async def begin(self, port: int) -> str:
        """The address, after a look whether tor would publish it; at first use the key is made by tor, and kept.

        Raises:
            ConfigError: no tor is there, it does not let us, or the key's file cannot be used.
            StoreError: tor refused.
        """
        kept = keyfile.read(self._file)
        async with connected(self._tor, self._password, self._chance) as control:
            if kept is not None and kept.address:
                return kept.address
            made = await _added(control, kept.key if kept else "NEW:ED25519-V3", port)
            await control.ask(f"DEL_ONION {made.address.removesuffix('.onion')}")
        if kept is None:
            keyfile.write(self._file, made)
        return made.address

    async def keep(self, port: int) -> None:
        """Have it published, leading to ``port`` of this machine, until cancelled. Never ends by itself."""
        while True:
            try:
                await self._once(port)
            except HeliographError as error:
                if str(error) != self._trouble:
                    self._trouble = str(error)
                    self._say(self._trouble)
            await self._pause(PAUSE)

    async def _once(self, port: int) -> None:
        """Publish it, and look after it until tor goes away. Raises ConfigError, StoreError."""
        kept = keyfile.read(self._file)
        if kept is None:
            raise ConfigError("the key is gone", where=f"--onion {self._file}", remedy="take it from a backup")
        async with connected(self._tor, self._password, self._chance) as control:
            await control.ask("SETEVENTS HS_DESC")
            address = (await _added(control, kept.key, port)).address
            if kept.address not in ("", address):
                remedy = "take the file from a backup, or leave the right address out: its first line is the key"
                raise ConfigError(f"the key belongs to {address}", where=f"--onion {self._file}", remedy=remedy)
            said = False
            while True:
                event = await control.event(LOOK)
                if event is None:
                    await _look(control, address)
                elif not said and _uploaded(event, address):
                    said, self._trouble = True, ""
                    self._say(f"published: http://{address}/")


async def _added(control: Control, key: str, port: int) -> Kept:
    """The service, which tor has from now on, with its key as it was or as tor made it."""
    flags = "" if key.startswith("NEW:") else " Flags=DiscardPK"
    reply = await control.ask(f"ADD_ONION {key}{flags} Port={PORT},127.0.0.1:{port}")
    told = values(reply)
    if reply.status == _COLLISION:
        remedy = "end the other program that serves with this key, or give each its own"
        raise StoreError("this tor publishes the address already", where=control.where, remedy=remedy)
    if not reply.good or "ServiceID" not in told or not (flags or "PrivateKey" in told):
        raise StoreError(f"tor does not publish it: {reply.last}", where=control.where)
    return Kept(told.get("PrivateKey", key), f"{told['ServiceID']}.onion")


async def _look(control: Control, address: str) -> None:
    """Raises StoreError if tor does not have it any more."""
    reply = await control.ask("GETINFO onions/current")
    if address.removesuffix(".onion") not in values(reply).get("onions/current", "").split():
        raise StoreError("tor has let go of the onion service", where=control.where)


def _uploaded(event: Reply, address: str) -> bool:
    """Whether a directory of the Tor network has taken the descriptor."""
    return event.last.split(" ")[:3] == ["HS_DESC", "UPLOADED", address.removesuffix(".onion")]
