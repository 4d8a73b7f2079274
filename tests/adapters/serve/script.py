"""What a mirror is asked and must answer, as a text that every server is held against: ours, nginx, Caddy."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

ALL = "Accept-Encoding: gzip, deflate, br"

# What is asked; then, below it, what is answered: the status, fields that must be there, fields that must not (!).
# A name in <> is the exception under which another server may fail at the line, or at the item before it.
SCRIPT = """
GET / [{ALL}]
    200; Content-Type: text/html;charset=utf-8; Content-Encoding: br; Content-Length: 4096; Vary: Accept-Encoding
    Cache-Control: max-age=60; Connection: close; X-Content-Type-Options: nosniff; Access-Control-Allow-Origin: *
    Alt-Svc: clear; Content-Security-Policy: default-src data: 'unsafe-inline';script-src 'none'
    !Server <server>; !Set-Cookie
GET /index.html [Accept-Encoding: gzip]
    200; Content-Encoding: gzip; Content-Length: 5120
GET /index.html []
    200; Content-Length: 9216; Vary: Accept-Encoding; !Content-Encoding
HEAD /a/7k3vq2m.html?utm=1 [{ALL}]
    200; Content-Encoding: br; Content-Length: 5120; Content-Type: text/html;charset=utf-8
GET /robots.txt [{ALL}]
    200; Content-Type: text/plain;charset=utf-8; Content-Length: 1024; Vary: Accept-Encoding; !Content-Encoding
GET /a/i/0a1b2c.webp [{ALL}]
    200; Content-Type: image/webp; Content-Length: 5120; !Vary; !Content-Encoding; !Content-Security-Policy
GET /a/s/0.json [{ALL}]
    200; Content-Type: application/json;charset=utf-8; Content-Length: 3072
GET /feed.xml [{ALL}]
    200; Content-Type: application/xml;charset=utf-8; Content-Encoding: br
GET /a/search.html [{ALL}]
    200; Content-Security-Policy: default-src 'self' data: 'unsafe-inline'; Content-Length: 2048
GET /a/d/ []
    200; Content-Length: 1024
GET /index.html.gz [{ALL}]
    200; Content-Type: application/gzip; Content-Length: 5120; Cache-Control: max-age=60; !Content-Encoding; !Vary
GET /index.html.br []
    200; Content-Type: application/octet-stream; Content-Length: 4096; !Content-Encoding
GET /now [{ALL}]
    200; Cache-Control: max-age=60, s-maxage=1; Content-Encoding: br; Content-Length: 700
GET /now.br []
    200; Cache-Control: max-age=60, s-maxage=1
GET /tuf/timestamp.json []
    200; Cache-Control: max-age=60, s-maxage=1; Content-Type: application/json;charset=utf-8
GET /tuf/7.root.json []
    200; Cache-Control: max-age=31536000, immutable; Content-Length: 1634
GET /o/ab/{CD} []
    200; Cache-Control: max-age=31536000, immutable; Content-Type: application/octet-stream; Content-Length: 512
GET /edition/{AB}.head []
    200; Cache-Control: max-age=31536000, immutable
GET /sw.js []
    200; Cache-Control: max-age=3600; Content-Type: text/javascript;charset=utf-8; !Content-Security-Policy
GET /reader.html []
    200; Cache-Control: max-age=3600; Content-Type: text/html;charset=utf-8; !Content-Security-Policy
GET /index.html [{ALL}; Range: bytes=0-1023]
    206; Content-Range: bytes 0-1023/4096; Content-Length: 1024; Content-Encoding: br
    !Content-Security-Policy <policy of parts>
GET /index.html.gz [Range: bytes=5000-9999]
    206; Content-Range: bytes 5000-5119/5120; Content-Length: 120
GET /index.html [Range: bytes=-16]
    206; Content-Range: bytes 9200-9215/9216
GET /index.html [Range: bytes=9216-] <no such range>
    416; Content-Range: bytes */9216; Content-Length: 0
GET /index.html [Range: bytes=0-1,5-6]
    200; Content-Length: 9216; !Content-Range
HEAD /index.html [Range: bytes=0-1] <ranged head>
    200; Content-Length: 9216; !Content-Range
GET /index.html [Range: bytes=0-1; If-Range: "other"]
    200; Content-Length: 9216
GET /a/nothing.html [{ALL}]
    404; Content-Type: text/html;charset=utf-8; Content-Encoding: br; Content-Length: 1024; Cache-Control: max-age=60
    !ETag; Content-Security-Policy: default-src data: 'unsafe-inline';script-src 'none'
HEAD /a/nothing.html []
    404; Content-Length: 2048
GET /404.html []
    200; Content-Length: 2048
GET /index.html [Accept-Encoding: identity;q=0] <refused identity>
    406; Content-Length: 0
GET /robots.txt [Accept-Encoding: br, identity;q=0] <refused identity>
    406; Content-Length: 0
GET /a/nothing.html [Accept-Encoding: identity;q=0] <refused identity>
    404; Content-Length: 0
GET /ladder/24 [{ALL}]
    200; Content-Type: application/octet-stream; Content-Length: 24576; Cache-Control: no-store; Connection: close
    !Content-Encoding; !ETag
HEAD /ladder/64 []
    200; Content-Length: 65536
GET /ladder/65 []
    404; Content-Length: 2048
GET /ladder/0 []
    404; Content-Length: 2048
DELETE /index.html []
    405; Allow: GET, HEAD; Content-Length: 0
"""

SECRET = """
/.hidden.html /a/.hidden.html /secret.toml /a/key.pem /a/x.html.part /a/out /a
/../outside.html /a/../../outside.html /%2e%2e/outside.html /..%2foutside.html /a/..%5c..%5coutside.html
/a\\..\\..\\outside.html //outside.html /a//7k3vq2m.html /./index.html /A/7K3VQ2M.HTML /index.html%00 /index.html/
/a/7k3vq2m.html.gz.gz /a/i/0a1b2c.webp.br file:///etc/passwd /etc/passwd /proc/self/environ /a/7k3vq2m /%69ndex.html
"""
LINKS = "/a/link.html /a/out/outside.html"  # through symbolic links

_MARK = re.compile(r" <([a-z ]+)>$")


class Case(NamedTuple):
    """One request, and what its answer must be."""

    line: str  # as it stands in the script
    method: str
    target: str
    fields: tuple[str, ...]
    status: int
    expected: tuple[tuple[str, str], ...]  # an item and the exception it may fall under
    exception: str  # under which the whole case may fall

    def faults(self, status: int, found: Mapping[str, str], body: bytes, *, excused: Collection[str] = ()) -> list[str]:
        """What is wrong with an answer; ``found`` has the names of fields in lower case."""
        wrong = [] if status == self.status else [f"status {status}, not {self.status}"]
        for item, exception in self.expected:
            name, _, value = item.partition(": ")
            if exception in excused:
                continue
            if name.startswith("!"):
                wrong += [f"{name[1:]} is there"] if name[1:].lower() in found else []
            elif found.get(name.lower()) != value:
                wrong.append(f"{name} is {found.get(name.lower())!r}, not {value!r}")
        length = 0 if self.method == "HEAD" else int(found.get("content-length", -1))
        return wrong + ([] if len(body) == length else [f"{len(body)} bytes of body, not {length}"])


def cases() -> list[Case]:
    """The script as values."""
    return list(_cases())


def _cases() -> Iterator[Case]:
    text = SCRIPT.format(ALL=ALL, AB="ab" * 32, CD="cd" * 31)
    blocks: list[list[str]] = []
    for line in text.strip().split("\n"):
        if line.startswith(" "):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    for first, *rest in blocks:
        line, exception = _marked(first)
        words, _, fields = line.rstrip("]").partition(" [")
        method, target = words.split(" ")
        status, *expected = [item for line in rest for item in _items(line)]
        marked = tuple(_marked(item) for item in expected)
        yield Case(first, method, target, tuple(_items(fields)), int(status), marked, exception)


def _marked(text: str) -> tuple[str, str]:
    found = _MARK.search(text)
    return (text[: found.start()], found[1]) if found else (text, "")


def _items(line: str) -> list[str]:
    """Cut at "; ", but not within a Content-Security-Policy, which has no blank after its semicolon."""
    return [item.strip() for item in line.split("; ") if item.strip()]
