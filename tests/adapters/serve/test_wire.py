"""The request in, the head out."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heliograph.adapters.serve import wire
from heliograph.model import paths
from heliograph.model.edition import BROTLI_BODY, GZIP_BODY, GZIP_WIRE, HEADER_ALLOWANCE, WIRE_BUDGET

CANONICAL = """
index.html 404.html robots.txt favicon.ico feed.xml index.html.br feed.xml.gz
a/7k3vq2m.html a/7k3vq2m.2.html a/7k3vq2m.html.br a/d/2026-11-20.html a/t/ru/politika/2026-11.html a/_x.css a/a-.b_.txt
a/i/0.webp a/s/0.json a/1/2/3/4/5/6/7/8/9/10/11.html a/lpt.html a/com.html a/com10.html
now now.br now.gz sw.js reader.html sw.js.br tuf/timestamp.json tuf/1.root.json tuf/9007199254740991.snapshot.json
log/checkpoint log/tile/0/x001/234 log/tile/entries/067.p/12
"""
NOT_CANONICAL = """
a b.html index.htm Index.html a/ a/x a/X.html a/x.js a/x.php a/x.html/ a//x.html a/../now a/./x.html a/..html a/x..html
a/.x.html a/-x.html a/x.html.part a/x.gz/y.html a/x.html.gz.br a/con.html a/aux a/nul.x.html a/com1.html a/lpt9/x.html
a/%2e%2e/now a/x%00.html a\\x.html a/1/2/3/4/5/6/7/8/9/10/11/12.html /index.html //index.html ../x .htaccess .git/config
tuf/0.root.json tuf/01.root.json tuf/root.json tuf/1.mirrors.json tuf tuf/ edition/x.head o/ab/cd o/AB/x code/x.sw.js
log log/tile log/tile/0/1 now/ now.html sw.js.map reader.html.part a/б.html http://x/ heliograph.toml keys/root a.html
"""


@pytest.mark.parametrize("path", CANONICAL.split())
def test_a_canonical_path_may_name_a_file(path: str) -> None:
    assert wire.canonical(path)


@pytest.mark.parametrize("path", [*NOT_CANONICAL.split(), "", "a/x.html\n", "a/x\n.html", "a/x .html", "now\n"])
def test_any_other_path_names_none(path: str) -> None:
    assert not wire.canonical(path)


def test_a_path_ends_at_200_bytes_and_a_segment_at_80() -> None:
    deep = "a/" + "/".join(["x" * 64] * 3)
    assert wire.canonical(deep[:195] + ".html")
    assert not wire.canonical(deep[:196] + ".html")
    assert wire.canonical(f"a/{'x' * 75}.html")
    assert not wire.canonical(f"a/{'x' * 76}.html")
    assert wire.canonical(f"o/ab/{'cd' * 31}.br")
    assert wire.canonical(f"edition/{'0f' * 32}.head")


@given(st.text(max_size=30) | st.from_regex(r"(a|o|tuf)/[a-z./%-]{0,20}", fullmatch=True))
@example("a/x.html/..")
def test_a_canonical_path_stays_in_its_folder_and_shows_nothing_hidden(path: str) -> None:
    if wire.canonical(path):
        assert path.isascii()
        assert path == path.lower()
        for segment in path.split("/"):
            assert segment
            assert not segment.startswith(".")
            assert ".." not in segment


FILES = [f"a/{'x' * 60}.{ending}" for ending in [*paths.TEXT_TYPES, *paths.MEDIA_TYPES]]
FILES += ["index.html", "404.html", "feed.xml", "robots.txt", "a/search.html", "a/i/0.html", "now", "sw.js"]
FILES += ["reader.html", "tuf/1.root.json", "tuf/timestamp.json", f"edition/{'0' * 64}.head", f"o/00/{'0' * 62}"]
ETAG = b'"01234567"'


@pytest.mark.parametrize("path", FILES)
def test_every_head_keeps_its_allowance(path: str) -> None:
    codings = ["br", "gzip", ""] if wire.encodable(path) else [""]
    for coding in codings:
        label = wire.label(path, coding)
        largest = BROTLI_BODY if coding == "br" else GZIP_BODY if coding == "gzip" else 99_999
        whole = wire.file_head(200, label, largest, ETAG)
        part = wire.part_head(label, range(10_000, 16_144), 99_999, ETAG)
        for head in (whole, part, wire.unchanged_head(label, ETAG), wire.file_head(404, label, largest, b"")):
            assert len(head) <= HEADER_ALLOWANCE, head.decode()
        if coding == "br":
            assert len(whole) + largest <= WIRE_BUDGET
        if coding == "gzip":
            assert len(whole) + largest <= GZIP_WIRE


def test_no_file_can_bring_a_line_into_the_head() -> None:
    for path in FILES:
        assert b"\n" not in wire.file_head(200, wire.label(path, "br"), 1, ETAG).replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("index.html", b"default-src data: 'unsafe-inline';script-src 'none'"),
        ("a/search.html", b"default-src 'self' data: 'unsafe-inline'"),
        ("a/x.svg", b"default-src 'unsafe-inline';script-src 'none'"),
        ("feed.xml", b"default-src 'none'"),
        ("reader.html", None),  # the reader's own code brings its own policy
        ("sw.js", None),
        (f"code/{'0' * 64}.reader.html", None),
        ("a/i/0.webp", None),
    ],
)
def test_what_a_browser_may_run_has_a_policy(path: str, policy: bytes | None) -> None:
    head = wire.file_head(200, wire.label(path, ""), 1, ETAG)
    assert (b"Content-Security-Policy: %b\r\n" % policy in head) if policy else (b"Policy" not in head)


@pytest.mark.parametrize(
    ("accepted", "best_first"),
    [
        ("", [""]),
        ("gzip, deflate, br", ["br", "gzip", ""]),
        ("gzip, deflate, br, zstd", ["br", "gzip", ""]),
        ("br,gzip", ["br", "gzip", ""]),
        ("BR , GZIP", ["br", "gzip", ""]),
        ("deflate, gzip", ["gzip", ""]),
        ("x-gzip", ["gzip", ""]),
        ("gzip;q=1.0, br;q=0.5", ["gzip", "br", ""]),
        ("br;q=0.001, gzip;q=0.002", ["gzip", "br", ""]),
        ("gzip;q=0, br", ["br", ""]),
        ("br;q=0", [""]),
        ("*", ["br", "gzip", ""]),
        ("*;q=0", []),
        ("gzip;q=0.5, *;q=0", ["gzip"]),
        ("identity;q=0", []),
        ("identity;q=0, br", ["br"]),
        ("identity, br;q=0.5", ["", "br"]),
        ("br ; q=0.5 , gzip", ["gzip", "br", ""]),
        ("br;q=7, gzip", ["gzip", ""]),  # no weight at all
        ("br;level=9", [""]),
        ("brotli, gz", [""]),
        (", ,", [""]),
    ],
)
def test_the_best_acceptable_encoding_comes_first(accepted: str, best_first: list[str]) -> None:
    assert list(wire.codings(accepted.encode())) == best_first


@pytest.mark.parametrize(
    ("asked", "span"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=0-99", range(100)),
        ("bytes=10-", range(10, 1000)),
        ("bytes=990-5000", range(990, 1000)),
        ("bytes=-10", range(990, 1000)),
        ("bytes=-5000", range(1000)),
        ("Bytes = 1-2", range(1, 3)),
        ("bytes=1000-", range(0)),
        ("bytes=5000-6000", range(0)),
        ("bytes=-0", range(0)),
        ("bytes=2-1", None),
        ("bytes=0-1,3-4", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=1-2;", None),
        ("items=0-1", None),
        ("bytes=0-" + "9" * 40, None),
        ("", None),
    ],
)
def test_one_range_is_understood_and_nothing_else(asked: str, span: range | None) -> None:
    found = wire.span_of(asked.encode(), 1000)
    assert found == span if span is None or span else found is not None and not found


@given(st.binary(max_size=40), st.integers(0, 10**9))
def test_a_range_never_leaves_the_file(asked: bytes, whole: int) -> None:
    span = wire.span_of(b"bytes=" + asked, whole)
    assert span is None or not span or (0 <= span.start < span.stop <= whole)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", "index.html"),
        ("/?utm=1", "index.html"),
        ("/a/", "a/index.html"),
        ("/a/x.html?x=/../#y", "a/x.html"),
        ("/a/x.html#h?z", "a/x.html"),
        ("http://mirror.example/a/x.html?q", "a/x.html"),
        ("HTTPS://mirror.example", "index.html"),
        ("http://mirror.example?q", "index.html"),
        ("http:///a/x.html", "a/x.html"),
        ("//mirror.example/x", "/mirror.example/x"),
        ("/%61/x.html", "%61/x.html"),
        ("*", None),
        ("mirror.example:443", None),
        ("ftp://x/y", None),
        ("a/x.html", None),
    ],
)
def test_a_target_becomes_a_path_without_repair(target: str, path: str | None) -> None:
    asked = wire.request(f"GET {target} HTTP/1.1\r\nHost: m\r\n\r\n".encode())
    assert (asked.path if isinstance(asked, wire.Request) else None) == path


def test_fields_are_found_whatever_their_case_and_order() -> None:
    asked = wire.request(
        b'HEAD /now HTTP/1.1\r\nrANGE: bytes=0-1\r\nHOST:m\r\nIf-None-Match:\t"AbC" \r\n'
        b'IF-RANGE: "x"\r\nX-Accept-Encoding: gzip\r\naccept-ENCODING: br\r\n\r\n'
    )
    assert asked == wire.Request(True, "now", ("br", ""), b"bytes=0-1", b'"AbC"', b'"x"')


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: m\r\n\r\n", 400),
        ("GET / x HTTP/1.1\r\nHost: m\r\n\r\n", 400),
        ("GET / HTCPCP/1.0\r\nHost: m\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: m\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\n", 505),
        ("POST / HTTP/1.1\r\nHost: m\r\n\r\n", 405),
        ("OPTIONS * HTTP/1.1\r\nHost: m\r\n\r\n", 405),
        ("get / HTTP/1.1\r\nHost: m\r\n\r\n", 405),
        ("CONNECT m:443 HTTP/1.1\r\nHost: m\r\n\r\n", 405),
        ("\x16\x03\x01 / HTTP/1.1\r\nHost: m\r\n\r\n", 400),
        ("G(T / HTTP/1.1\r\nHost: m\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: m\r\nX: " + "y" * 8_192 + "\r\n\r\n", 431),
    ],
)
def test_what_is_no_request_for_a_file_is_refused(head: str, status: int) -> None:
    answer = wire.request(head.encode("latin-1"))
    assert isinstance(answer, bytes)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.endswith(b"\r\n\r\n")
    assert b"\r\nContent-Length: 0\r\n" in answer
    assert (b"\r\nAllow: GET, HEAD\r\n" in answer) == (status == 405)


def test_an_old_client_needs_no_host() -> None:
    assert isinstance(wire.request(b"GET / HTTP/1.0\r\n\r\n"), wire.Request)


_LINES = st.sampled_from(
    [
        b"Host: m",
        b"Range: bytes=0-9",
        b"Accept-Encoding: br;q=x, gzip",
        b"If-None-Match: *",
        b" folded",
        b"no colon",
        b"",
    ]
)
_HEADS = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda method, target, version, lines: b"\r\n".join([b" ".join([method, target, version]), *lines]),
        st.sampled_from([b"GET", b"HEAD", b"PUT"]) | st.binary(max_size=9),
        st.sampled_from([b"/", b"/a/x.html", b"http://m/"]) | st.binary(max_size=60),
        st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9"]) | st.binary(max_size=9),
        st.lists(_LINES | st.binary(max_size=60), max_size=6),
    ),
)


@given(_HEADS)
def test_any_bytes_give_a_request_or_a_refusal(head: bytes) -> None:
    answer = wire.request(head + b"\r\n\r\n")
    if isinstance(answer, bytes):
        assert answer[:10] in (b"HTTP/1.1 4", b"HTTP/1.1 5")
    else:
        assert set(answer.codings) <= {"br", "gzip", ""}
        wire.canonical(answer.path)
        wire.span_of(answer.span, 1000)
        wire.matches(answer.if_none_match, ETAG)


def test_a_checkpoint_is_text_and_the_rest_of_the_log_is_bytes_for_ever() -> None:
    point, tile = wire.label("log/checkpoint", ""), wire.label("log/tile/0/000.p/7", "")
    assert point.content_type == b"Content-Type: text/plain;charset=utf-8\r\n"
    assert tile.content_type == b"Content-Type: application/octet-stream\r\n"
    assert (b"immutable" in point.lifetime, b"immutable" in tile.lifetime) == (False, True)
