"""A connection to the control port of a tor on this machine, and the proof that we may command it.

Rule 1: a cookie is never sent, only proved (SAFECOOKIE, control-spec section 3.24): whoever listens in tor's place
names the file, and must not be told what is in it. Every tor since 0.2.3 can do it, so nothing weaker is needed.
Rule 2: every question has ``PATIENCE`` seconds; what tor says unasked is kept until it is asked for.
Rule 3: an error an operator can mend is a ConfigError; a tor that went away or speaks nonsense is a StoreError.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from heliograph.adapters.onion.talk import EVENT, Ear, Reply, TalkError, offer, quoted, values
from heliograph.model.errors import ConfigError, StoreError

Place = Path | tuple[str, int]  # a unix socket, or an address of loopback
Chance = Callable[[int], bytes]  # so many random bytes, as os.urandom
PATIENCE: Final = 30.0  # seconds
_COOKIE, _NONCE, _SECRET = 32, 32, 1_024  # bytes; of a password's file at most
_OF_TOR = b"Tor safe cookie authentication server-to-controller hash"
_OURS = b"Tor safe cookie authentication controller-to-server hash"
_START = "start it (Debian: apt-get install tor; systemctl start tor), or name its control port: --tor"
_GROUP = "let the user who serves into tor's group (Debian: adduser USER debian-tor), and log in anew"


class Control:
    """One connection, used by one task. See ``connected``."""

    def __init__(self, where: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.where = where
        self._reader, self._writer = reader, writer
        self._ear = Ear()
        self._replies: deque[Reply] = deque()
        self._events: deque[Reply] = deque()

    async def ask(self, command: str) -> Reply:
        """What tor answers to ``command``, a line without its end.

        Raises:
            StoreError: it went away, speaks nonsense or says nothing for ``PATIENCE`` seconds.
        """
        assert "\r" not in command
        assert "\n" not in command
        try:
            async with asyncio.timeout(PATIENCE):
                self._writer.write(command.encode() + b"\r\n")
                await self._writer.drain()
                while (reply := await self._next()).status == EVENT:
                    self._events.append(reply)
                return reply
        except TimeoutError as error:
            raise StoreError("tor does not answer", where=self.where) from error
        except OSError as error:
            raise StoreError("tor went away", where=self.where) from error

    async def event(self, seconds: float) -> Reply | None:
        """The next thing that tor says unasked; None after so many seconds without.

        Raises:
            StoreError: it went away or speaks nonsense.
        """
        if self._events:
            return self._events.popleft()
        try:
            async with asyncio.timeout(seconds):
                return await self._next()
        except TimeoutError:
            return None
        except OSError as error:
            raise StoreError("tor went away", where=self.where) from error

    async def _next(self) -> Reply:
        while not self._replies:
            data = await self._reader.read(16_384)
            if not data:
                raise StoreError("tor went away", where=self.where)
            try:
                self._replies += self._ear.feed(data)
            except TalkError as error:
                remedy = "name tor's control port or socket, not its SOCKS port: --tor"
                raise StoreError(f"it does not speak as tor does: {error}", where=self.where, remedy=remedy) from error
        return self._replies.popleft()


@asynccontextmanager
async def connected(place: Place, password: Path | None, chance: Chance) -> AsyncIterator[Control]:
    """A connection that may command the tor at ``place``.

    Raises:
        ConfigError: no tor is there, or it does not let us.
        StoreError: it went away meanwhile.
    """
    where = str(place) if isinstance(place, Path) else f"{place[0]}:{place[1]}"
    try:
        async with asyncio.timeout(PATIENCE):
            if isinstance(place, Path):
                reader, writer = await asyncio.open_unix_connection(place)
            else:
                reader, writer = await asyncio.open_connection(*place)
    except PermissionError as error:
        raise ConfigError("there is no right to tor's control socket", where=where, remedy=_GROUP) from error
    except (OSError, TimeoutError) as error:
        raise ConfigError("no tor answers here", where=where, remedy=_START) from error
    try:
        control = Control(where, reader, writer)
        await _authenticate(control, password, chance)
        yield control
    finally:
        writer.transport.abort()  # there is nothing to wait for: an ephemeral service ends with its connection


async def _authenticate(control: Control, password: Path | None, chance: Chance) -> None:
    try:
        offered = offer(await control.ask("PROTOCOLINFO 1"))
    except TalkError as error:
        raise StoreError(f"it does not speak as tor does: {error}", where=control.where) from error
    if "NULL" in offered.methods:
        proof = ""
    elif password is not None and "HASHEDPASSWORD" in offered.methods:
        proof = " " + quoted(_password(password))
    elif "SAFECOOKIE" in offered.methods:
        proof = " " + await _proof(control, Path(offered.cookie), chance)
    else:
        known = ", ".join(sorted(offered.methods)) or "nothing"
        remedy = "put CookieAuthentication 1 into torrc, or name the password's file: --tor-password"
        raise ConfigError(f"tor takes {known} as proof, and that we do not have", where=control.where, remedy=remedy)
    reply = await control.ask(f"AUTHENTICATE{proof}")
    if not reply.good:
        remedy = "see that the file has the password of HashedControlPassword in torrc" if password else _GROUP
        raise ConfigError(f"tor does not let us: {reply.last}", where=control.where, remedy=remedy)


async def _proof(control: Control, file: Path, chance: Chance) -> str:
    """That we know what is in the cookie's file, after tor has shown the same."""
    try:
        with file.open("rb") as opened:
            cookie = opened.read(_COOKIE + 1)
    except PermissionError as error:
        raise ConfigError("there is no right to read tor's cookie", where=str(file), remedy=_GROUP) from error
    except (OSError, ValueError) as error:
        remedy = "if tor runs in a container, let its data folder be seen here under the same path, or use a password"
        raise ConfigError("tor's cookie cannot be read", where=str(file), remedy=remedy) from error
    if len(cookie) != _COOKIE:
        raise ConfigError("it is no cookie of tor's", where=str(file), remedy="see who listens there in tor's place")
    nonce = chance(_NONCE)
    reply = await control.ask(f"AUTHCHALLENGE SAFECOOKIE {nonce.hex()}")
    told = values(reply)
    try:
        theirs, shown = bytes.fromhex(told["SERVERNONCE"]), bytes.fromhex(told["SERVERHASH"])
    except (KeyError, ValueError) as error:
        raise StoreError(f"tor does not take the challenge: {reply.last}", where=control.where) from error
    said = cookie + nonce + theirs
    if not hmac.compare_digest(hmac.digest(_OF_TOR, said, hashlib.sha256), shown):
        remedy = "see who listens there in tor's place; if it is tor, start it anew"
        raise ConfigError("whoever listens does not know tor's cookie", where=control.where, remedy=remedy)
    return hmac.digest(_OURS, said, hashlib.sha256).hex()


def _password(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_SECRET).strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"cannot be read: {reason}", where=f"--tor-password {file}") from error
    if not text or not text.isprintable():
        raise ConfigError("it holds no password", where=f"--tor-password {file}", remedy="write it on one line")
    return text
