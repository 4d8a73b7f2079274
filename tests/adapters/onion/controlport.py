"""A control port that is strict: what control-spec does not allow just now is refused, and noted as a fault.

It knows the six commands that are used, in the order in which they may come, and misbehaves where a test wants it to.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.model.test_onions import made

COOKIE = bytes(range(32))
_HASH = "Tor safe cookie authentication {}-to-controller hash"


def key_of(number: int) -> str:
    """A key as tor writes it."""
    return "ED25519-V3:" + base64.b64encode(hashlib.sha512(bytes([number])).digest()).decode()


def address_of(key: str) -> str:
    return made(hashlib.sha256(key.encode()).digest())


class ControlPort:
    """One tor. ``faults`` are what a controller did wrong, ``said`` its commands without what is secret."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.methods, self.password, self.cookie = folder, "COOKIE,SAFECOOKIE", "", COOKIE
        (folder / "cookie").write_bytes(COOKIE)
        self.port, self.made = 0, 0
        self.faults: list[str] = []
        self.said: list[str] = []
        self.services: dict[str, str] = {}  # address, where it leads
        self.foreign: set[str] = set()  # addresses that another controller has
        self.answers: dict[str, bytes] = {}  # instead of the true ones, by the first word
        self.writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._taken, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self.port
        finally:
            server.close()
            self.drop()

    def drop(self) -> None:
        """Go away, as at a restart: connections and what hangs on them are gone."""
        self.services.clear()
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        talk = _Talk(self)
        try:
            while line := await reader.readline():
                if not line.endswith(b"\r\n"):
                    self.faults.append(f"no line: {line!r}")
                answer = talk.answer(line.decode().removesuffix("\r\n"))
                writer.write(answer)
                await writer.drain()
        except OSError:
            pass
        for address in talk.mine:
            self.services.pop(address, None)
        self.writers.discard(writer)
        writer.close()


class _Talk:
    """One connection."""

    def __init__(self, tor: ControlPort) -> None:
        self.tor, self.trusted, self.asked, self.events = tor, False, False, False
        self.proof = ""
        self.mine: set[str] = set()

    def answer(self, line: str) -> bytes:
        word, _, rest = line.partition(" ")
        self.tor.said.append(
            word if word == "AUTHENTICATE" else line.replace(rest, "...") if "ED25519-V3:" in rest else line
        )
        if word in self.tor.answers:
            return self.tor.answers[word]
        if word not in {"PROTOCOLINFO", "AUTHCHALLENGE", "AUTHENTICATE"} and not self.trusted:
            self.tor.faults.append(f"{word} before the proof")
            return b"514 Authentication required.\r\n"
        return getattr(self, f"_{word.lower()}", self._unknown)(rest)

    def _unknown(self, rest: str) -> bytes:
        self.tor.faults.append(f"unknown: {rest}")
        return b"510 Unrecognized command\r\n"

    def _protocolinfo(self, rest: str) -> bytes:
        if self.asked or rest != "1":
            self.tor.faults.append("PROTOCOLINFO twice, or of another version")
        self.asked = True
        file = f' COOKIEFILE="{self.tor.folder}/cookie"' if "COOKIE" in self.tor.methods else ""
        return (
            f"250-PROTOCOLINFO 1\r\n250-AUTH METHODS={self.tor.methods}{file}\r\n"
            '250-VERSION Tor="0.4.9.11"\r\n250 OK\r\n'
        ).encode()

    def _authchallenge(self, rest: str) -> bytes:
        match = re.fullmatch(r"SAFECOOKIE ([0-9a-f]{64})", rest)
        if match is None:
            self.tor.faults.append(f"AUTHCHALLENGE {rest}")
            return b"513 Invalid\r\n"
        said = self.tor.cookie + bytes.fromhex(match[1]) + b"s" * 32
        shown = hmac.digest(_HASH.format("server").encode(), said, "sha256").hex().upper()
        ours = b"Tor safe cookie authentication controller-to-server hash"
        self.proof = hmac.digest(ours, said, "sha256").hex()
        return f"250 AUTHCHALLENGE SERVERHASH={shown} SERVERNONCE={(b's' * 32).hex().upper()}\r\n".encode()

    def _authenticate(self, rest: str) -> bytes:
        methods = self.tor.methods.split(",")
        good = ("NULL" in methods and not rest) or ("SAFECOOKIE" in methods and rest and rest == self.proof)
        good = good or ("HASHEDPASSWORD" in methods and rest == f'"{self.tor.password}"')
        if rest == COOKIE.hex():
            self.tor.faults.append("the cookie itself was sent")
        self.trusted = bool(good)
        return b"250 OK\r\n" if good else b"515 Authentication failed: no match\r\n"

    def _setevents(self, rest: str) -> bytes:
        self.events = rest == "HS_DESC"
        return b"250 OK\r\n"

    def _add_onion(self, rest: str) -> bytes:
        match = re.fullmatch(
            r"(NEW:ED25519-V3|ED25519-V3:\S{88})( Flags=DiscardPK)? Port=80,127\.0\.0\.1:([0-9]+)", rest
        )
        if match is None or (match[1].startswith("NEW:") == bool(match[2])):
            self.tor.faults.append(f"ADD_ONION {rest}")
            return b"512 Bad arguments\r\n"
        if match[1].startswith("NEW:"):
            self.tor.made += 1
        key = key_of(self.tor.made) if match[1].startswith("NEW:") else match[1]
        address = address_of(key)
        if address in self.tor.services or address in self.tor.foreign:
            return b"550 Onion address collision\r\n"
        self.tor.services[address] = match[3]
        self.mine.add(address)
        name = address.removesuffix(".onion")
        private = "" if match[2] else f"250-PrivateKey={key}\r\n"
        other = address_of("other").removesuffix(".onion")
        events = "".join(
            f"650 HS_DESC {what} {one} UNKNOWN $AB~r0\r\n"
            for what, one in (("CREATED", name), ("UPLOADED", other), ("UPLOADED", name), ("UPLOADED", name))
        )
        return f"250-ServiceID={name}\r\n{private}250 OK\r\n{events if self.events else ''}".encode()

    def _del_onion(self, rest: str) -> bytes:
        if f"{rest}.onion" not in self.mine:
            self.tor.faults.append(f"DEL_ONION {rest}")
            return b"552 Unknown Onion Service id\r\n"
        self.mine.discard(f"{rest}.onion")
        del self.tor.services[f"{rest}.onion"]
        return b"250 OK\r\n"

    def _getinfo(self, rest: str) -> bytes:
        if rest != "onions/current":
            self.tor.faults.append(f"GETINFO {rest}")
        names = [address.removesuffix(".onion") for address in self.mine & self.tor.services.keys()]
        return f"250-onions/current={''.join(names)}\r\n250 OK\r\n".encode()
