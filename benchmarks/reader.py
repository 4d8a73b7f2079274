"""A reader of the survival benchmark: plain sockets and TLS, in a network of the lab. Standard library only.

    reader.py '{"name": ..., "roots": ..., "visits": [[PATH, ...], ...], "manner": "fresh"}'

A visit is one page after the other without a pause, as a script would follow its parts; between visits the reader looks
at what there is for ``PAUSE``. Each visit gives one JSON line. In the manner "fresh" each page has a connection of its
own; "kept" uses one connection for everything while the server lets it; "six" opens the first page of a visit and then
takes the rest over up to six connections at once, as browsers do with what a page is made of.
"""

from __future__ import annotations

import json
import queue
import socket
import ssl
import sys
import threading
import time
from typing import Any

PAUSE = 1.3  # seconds; longer than the window in which hellos are counted
SILENCE = 10.0  # seconds without a byte after which a reader gives up: ten round trips of the slowest line here
LONGEST = 60.0  # seconds that a visit may take
SOCKETS = 6
HELLO = 1_760  # bytes of the first flight: a browser with a post-quantum key share, two packets
FIELDS = (
    "User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7\r\n"
    "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nUpgrade-Insecure-Requests: 1\r\n"
)


class Lost(Exception):  # noqa: N818 - not an error of ours
    """A page did not arrive; the text tells at which step."""


class Line:
    """One TLS connection, driven by hand so that every byte is counted."""

    def __init__(self, asked: dict[str, Any], seen: dict[str, Any]) -> None:
        self.asked, self.seen = asked, seen
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.plain, self.step = b"", "name"
        self.open = True
        seen["connections"] += 1
        try:
            found = socket.getaddrinfo(asked["name"], 443, socket.AF_INET, socket.SOCK_STREAM)
            self.step = "connect"
            self.sock = socket.create_connection(found[0][4][:2], asked.get("silence", SILENCE))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.step = "handshake"
            self.tls = asked["context"].wrap_bio(
                self.incoming, self.outgoing, server_hostname=asked["name"], session=asked.get("session")
            )
            self.drive(self.tls.do_handshake)
        except ssl.SSLCertVerificationError:
            raise Lost("certificate") from None
        except OSError as error:
            raise Lost(f"{self.step}: {word(error)}") from None

    def drive(self, work: Any) -> Any:  # noqa: ANN401
        """What ``work`` gives once enough has come for it."""
        while True:
            wants, result = False, None
            try:
                result = work()
            except ssl.SSLWantReadError:
                wants = True
            if self.outgoing.pending:
                self.sock.sendall(self.outgoing.read())
            if not wants:
                return result
            if time.monotonic() > self.seen["until"]:
                raise TimeoutError  # dribble is not arrival
            data = self.sock.recv(65_536)
            self.seen["bytes"] += len(data)
            if not data:
                raise ConnectionAbortedError
            self.incoming.write(data)

    def get(self, path: str) -> bytes:
        """The body of a page, whole. Raises Lost."""
        self.step = "page"
        try:
            self.tls.write(f"GET {path} HTTP/1.1\r\nHost: {self.asked['name']}\r\n{FIELDS}\r\n".encode())
            while b"\r\n\r\n" not in self.plain:
                self.plain += self.drive(self.read)
            head, _, self.plain = self.plain.partition(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            if fields.get(b"transfer-encoding") == b"chunked":
                while not self.plain.endswith(b"\r\n0\r\n\r\n"):
                    self.plain += self.drive(self.read)
                length = len(self.plain)
            else:
                length = int(fields[b"content-length"])  # never the end of the connection: the curtain eats it
            while len(self.plain) < length:
                self.plain += self.drive(self.read)
        except (OSError, KeyError) as error:
            raise Lost(f"{self.step}: {word(error)}") from None
        body, self.plain = self.plain[:length], self.plain[length:]
        if self.asked.get("resume", True):
            self.asked["session"] = self.tls.session  # as browsers do; its ticket came before the page, or with it
        self.open = self.open and fields.get(b"connection") != b"close"
        if not head.startswith(b"HTTP/1.1 200"):
            raise Lost(head[9:12].decode())
        return body

    def read(self) -> bytes:
        try:
            data: bytes = self.tls.read(65_536)
        except ssl.SSLZeroReturnError:
            raise ConnectionAbortedError from None
        if not data:
            raise ConnectionAbortedError
        return data

    def close(self) -> None:
        self.open = False
        self.sock.close()


def word(error: BaseException) -> str:
    """What went wrong in one word."""
    if isinstance(error, TimeoutError):
        return "silence"
    if isinstance(error, ConnectionResetError | ConnectionAbortedError | ConnectionRefusedError):
        return type(error).__name__.removeprefix("Connection").removesuffix("Error").lower()
    return "unknown name" if isinstance(error, socket.gaierror) else type(error).__name__


def visit(asked: dict[str, Any], paths: list[str], kept: list[Line]) -> dict[str, Any]:
    seen: dict[str, Any] = {"connections": 0, "bytes": 0, "body": 0, "lost": ""}
    start = time.monotonic()
    seen["until"] = start + LONGEST
    try:
        if asked["manner"] == "six":
            first = Line(asked, seen)
            seen["body"] += len(first.get(paths[0]))
            side_by_side(asked, paths[1:], first, seen)
        else:
            for path in paths:
                line = kept.pop() if kept and kept[0].open else Line(asked, seen)
                line.seen = seen
                seen["body"] += len(line.get(path))
                if asked["manner"] == "kept" and line.open:
                    kept.append(line)
                else:
                    line.close()
    except Lost as lost:
        seen["lost"] = str(lost)
        kept.clear()
    if time.monotonic() > seen.pop("until"):
        seen["lost"] = "too slow"
    return {**seen, "seconds": time.monotonic() - start}


def side_by_side(asked: dict[str, Any], paths: list[str], first: Line, seen: dict[str, Any]) -> None:
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for path in paths:
        waiting.put(path)

    def work(line: Line | None) -> None:
        try:
            while True:
                path = waiting.get_nowait()
                line = line if line and line.open else Line(asked, seen)
                seen["body"] += len(line.get(path))
        except queue.Empty:
            pass
        except Lost as lost:
            seen["lost"] = str(lost)

    threads = [threading.Thread(target=work, args=(first if not n else None,)) for n in range(min(SOCKETS, len(paths)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def context(roots: str, hello: int) -> ssl.SSLContext:
    """A reader's TLS; the hello is as long as a browser's, filled with protocols that nobody speaks."""
    made = ssl.create_default_context(cafile=roots)
    if hello:
        filler, left = [], hello - 330
        while left > 20:
            filler.append(("x" * min(left - 1, 250)) + str(len(filler)))
            left -= len(filler[-1]) + 1
        made.set_alpn_protocols(["http/1.1", *filler])
    else:
        made.set_alpn_protocols(["http/1.1"])
    return made


def main() -> None:
    asked = json.loads(sys.argv[1])
    asked["context"] = context(asked["roots"], asked.get("hello", HELLO))
    kept: list[Line] = []
    for number, paths in enumerate(asked["visits"]):
        if number:
            time.sleep(PAUSE)
        print(json.dumps(visit(asked, paths, kept)), flush=True)


if __name__ == "__main__":
    main()
