"""C: what is served for a page is not what was signed, or is it in another way than usual."""

from __future__ import annotations

import zlib
from hashlib import sha256

import brotli

from conformance.trust import site
from conformance.trust.bases import base
from conformance.trust.case import Case, absent, read, refused, served, verified

PAGE, TWIN = site.PLAIN, site.TWIN
CORRECTED = "a/news.html"
_BOMB = 2_000_000  # zero bytes that an encoding of some hundred bytes decodes to


def cases() -> list[Case]:
    """All of the group."""
    return [*_bytes(), *_encodings(), *_hosts()]


def _bytes() -> list[Case]:
    page, twin = base("r2").pages[PAGE], base("r2").pages[TWIN]
    old, copied = base("r1").pages[CORRECTED], _copy(CORRECTED)
    withdrawn = site.WITHDRAWN
    flipped = page[:100] + bytes([page[100] ^ 1]) + page[101:]
    forged = dict.fromkeys(_encoded(copied), b"forged")
    return [
        read("C01", "page: one bit", served("r2", {PAGE: flipped}), PAGE, refused("hash")),
        read("C02", "page: last 5 bytes cut", served("r2", {PAGE: page[:-5]}), PAGE, refused("length")),
        read("C03", "page: one byte more", served("r2", {PAGE: page + b"\n"}), PAGE, refused("length")),
        read("C04", "page never ends", served("r2", http={PAGE: {"endless": True}}), PAGE, refused("length")),
        read("C05", "two pages swapped", served("r2", {PAGE: twin, TWIN: page}), PAGE, refused("hash")),
        read(
            "C06",
            "page of r1 with metadata of r2, without the content copy",
            served("r2", {CORRECTED: old, **dict.fromkeys(_encoded(copied))}),
            CORRECTED,
            refused("hash"),
        ),
        read(
            "C07",
            "page missing, though the map has it",
            served("r2", dict.fromkeys(_encoded(PAGE))),
            PAGE,
            refused("unavailable"),
        ),
        read("C08", "withdrawn page", served("r2"), withdrawn, absent("r2")),
        read(
            "C09",
            "withdrawn page whose bytes are still there",
            served("r2", {withdrawn: base("r1").pages[withdrawn]}),
            withdrawn,
            absent("r2"),
        ),
        read("C10", "page still old", served("r2", {CORRECTED: old}), CORRECTED, verified("r2", CORRECTED)),
        read(
            "C16",
            "page still old, content copy forged",
            served("r2", {CORRECTED: old, **forged}),
            CORRECTED,
            refused("hash"),
        ),
    ]


def _encodings() -> list[Case]:
    page, files = base("r2").pages[PAGE], base("r2").files
    bomb = {"gzip": _gzip(bytes(_BOMB)), "br": brotli.compress(bytes(_BOMB))}
    only = {PAGE: None}
    found = [
        read(
            "C11",
            "only a .gz, and it decodes to other bytes",
            served("r2", {**only, f"{PAGE}.br": None, f"{PAGE}.gz": _gzip(page.swapcase())}),
            PAGE,
            refused("hash"),
        )
    ]
    for coding, suffix in (("gzip", ".gz"), ("br", ".br")):
        other = ".br" if suffix == ".gz" else ".gz"
        found += [
            read(
                f"C12-{coding}",
                "the host sends a bomb as the page's encoding",
                served("r2", {PAGE + suffix: bomb[coding]}, http={PAGE: {"coding": coding}}),
                PAGE,
                refused("length"),
            ),
            read(
                f"C12-{coding}-alone",
                "only an encoding is there, and it is a bomb",
                served("r2", {**only, PAGE + other: None, PAGE + suffix: bomb[coding]}),
                PAGE,
                refused("length"),
            ),
            read(
                f"C13-{coding}",
                "the host sends the honest padded encoding",
                served("r2", http={PAGE: {"coding": coding}}),
                PAGE,
                verified("r2", PAGE),
            ),
            read(
                f"C13-{coding}-alone",
                "only the honest padded encoding is there",
                served("r2", {**only, PAGE + other: None}),
                PAGE,
                verified("r2", PAGE),
            ),
        ]
    assert all(len(files[PAGE + suffix]) % 1024 == 0 for suffix in (".gz", ".br"))
    return found


def _hosts() -> list[Case]:
    headers = {
        "Content-Type": "text/javascript",
        "Set-Cookie": "who=you",
        "Content-Security-Policy": "script-src 'unsafe-inline'",
    }
    away = {"status": 302, "headers": {"Location": f"https://elsewhere.example/{PAGE}"}}
    return [
        read(
            "C14",
            "sent as a script, with a cookie and a policy; shown with the type of its extension",
            served("r2", http={PAGE: {"headers": headers}}),
            PAGE,
            verified("r2", PAGE),
        ),
        read("C15", "redirect to another origin", served("r2", http={PAGE: away}), PAGE, refused("unavailable")),
    ]


def _encoded(name: str) -> list[str]:
    return [name, f"{name}.br", f"{name}.gz"]


def _copy(path: str) -> str:
    return site.object_name(sha256(base("r2").pages[path]).digest())


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()
