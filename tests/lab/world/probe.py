"""What a reader does in the lab, with nothing but sockets: one JSON line for each attempt. Standard library only.

probe.py get ADDRESS PORT PATH [BYTES_TO_POST]
probe.py tls ADDRESS NAME COUNT GAP [PATH]     COUNT handshakes, GAP seconds apart; PATH is asked for on each
probe.py dns RESOLVER NAME SECONDS             every answer within SECONDS
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
import time
from typing import Any

PATIENCE = 1.0  # seconds without a byte


def get(address: str, port: int, path: str, post: int = 0) -> dict[str, Any]:
    start = time.monotonic()
    told: dict[str, Any] = {"bytes": 0, "error": "", "connect": None}
    try:
        with socket.create_connection((address, port), PATIENCE) as sock:
            told["connect"] = time.monotonic() - start
            head = f"{'POST' if post else 'GET'} {path} HTTP/1.1\r\nHost: news.example\r\n"
            sock.sendall(f"{head}Content-Length: {post}\r\n\r\n".encode() + b"x" * post)
            while data := sock.recv(65_536):
                told.setdefault("first", time.monotonic() - start)
                told["bytes"] += len(data)
    except OSError as error:
        told["error"] = type(error).__name__
    return {**told, "seconds": time.monotonic() - start}


def handshake(address: str, name: str, path: str) -> dict[str, Any]:
    start = time.monotonic()
    told: dict[str, Any] = {"tls": False, "bytes": 0, "error": "", "issuer": ""}
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((address, 443), PATIENCE) as sock:
            told["connect"] = time.monotonic() - start
            with context.wrap_socket(sock, server_hostname=name) as secure:
                told["tls"] = True
                told["certificate"] = len(secure.getpeercert(binary_form=True) or b"")
                told["issuer"] = "Interception" if b"Interception" in (secure.getpeercert(True) or b"") else "own"
                if path:
                    secure.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
                    while data := secure.recv(65_536):
                        told["bytes"] += len(data)
    except OSError as error:
        told["error"] = type(error).__name__
    return {**told, "seconds": time.monotonic() - start}


def tls(address: str, name: str, count: int, gap: float, path: str = "") -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [{}] * count

    def one(number: int) -> None:
        told[number] = handshake(address, name, path)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
        time.sleep(gap)
    for thread in threads:
        thread.join()
    return told


def dns(resolver: str, name: str, seconds: float) -> list[dict[str, Any]]:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = b"\0\7\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"
    told, start = [], time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(query, (resolver, 53))
        while (left := start + seconds - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                data = sock.recv(4_096)
            except TimeoutError:
                break
            told.append({"seconds": time.monotonic() - start, "rcode": data[3] & 15, "end": list(data[-4:])})
    return told


def main() -> None:
    what, *rest = sys.argv[1:]
    if what == "get":
        told: Any = get(rest[0], int(rest[1]), rest[2], int(rest[3]) if rest[3:] else 0)
    elif what == "tls":
        told = tls(rest[0], rest[1], int(rest[2]), float(rest[3]), *rest[4:])
    else:
        told = dns(rest[0], rest[1], float(rest[2]))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
