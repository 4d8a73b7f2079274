"""Many readers of one network at a time, each with its connection until all are done. Standard library only.

crowd.py ADDRESS PORT PATH COUNT AT_ONCE SILENCE: prints how many bytes each got before SILENCE seconds without one.
"""

from __future__ import annotations

import json
import resource
import selectors
import socket
import sys
import time


def main(address: str, port: int, path: str, count: int, at_once: int, silence: float) -> list[int]:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    got: dict[socket.socket, int] = {}
    heard: dict[socket.socket, float] = {}
    kept = []
    chosen = selectors.DefaultSelector()
    request = f"GET {path} HTTP/1.1\r\nHost: m\r\n\r\n".encode()
    while len(got) < count or heard:
        while len(got) < count and len(heard) < at_once:
            sock = socket.create_connection((address, port), timeout=20)
            sock.sendall(request)
            sock.setblocking(False)
            chosen.register(sock, selectors.EVENT_READ)
            got[sock], heard[sock] = 0, time.monotonic()
            kept.append(sock)
        for key, _ in chosen.select(0.2):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            data = sock.recv(65_536)
            got[sock] += len(data)
            heard[sock] = time.monotonic()
            if not data:
                chosen.unregister(sock)
                del heard[sock]
                sock.close()
        for sock in [one for one, when in heard.items() if time.monotonic() - when > silence]:
            chosen.unregister(sock)
            del heard[sock]
    return list(got.values())


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[4:6]]
    told = main(sys.argv[1], int(sys.argv[2]), sys.argv[3], *numbers, float(sys.argv[6]))
    print(json.dumps(told), flush=True)
