"""P: requests that are no path of an edition, and things in a folder that no edition has."""

from __future__ import annotations

import unicodedata

from conformance.trust import site
from conformance.trust.bases import base
from conformance.trust.case import Case, audit, read, refused, served, verified

PAGE = site.PLAIN
_LONG = "/".join(["a", "b" * 80, "c" * 80, "d" * 32 + ".html"])  # 201 bytes; nothing else is wrong with it
_BAD = {
    "P01": ("a folder upwards", "a/../now"),
    "P02": ("a folder upwards, percent-encoded", "a/%2e%2e/now"),
    "P03": ("upper case", "A/Page.html"),
    "P04-nfc": ("an umlaut in one character", unicodedata.normalize("NFC", "a/ü.html")),
    "P04-nfd": ("an umlaut in two characters", unicodedata.normalize("NFD", "a/ü.html")),
    "P05-backslash": ("a backslash", "a\\harbour.html"),
    "P05-double": ("two slashes", "a//harbour.html"),
    "P06-nul": ("NUL", "a/harbour\0.html"),
    "P06-lf": ("LF in a name", "a/har\nbour.html"),
    "P06-lf-end": ("LF at the end", "a/harbour.html\n"),
    "P06-space": ("a blank", "a/har bour.html"),
    "P06-dot": ("a dot at the end", "a/harbour.html."),
    "P07-device": ("the name of a device", "a/con.html"),
    "P07-long": ("201 bytes", _LONG),
    "P07-encoding": ("an encoding", "a/harbour.html.gz"),
    "P07-script": ("a script", "a/harbour.js"),
}


def cases() -> list[Case]:
    """All of the group."""
    assert len(_LONG) == 201
    return [
        *(read(number, what, served("r2"), request, refused("path")) for number, (what, request) in _BAD.items()),
        read("P08", "query and fragment", served("r2"), f"{PAGE}?utm=1#h=abc", verified("r2", PAGE)),
        read("P09", "a folder", served("r2"), "a/", verified("r2", "a/index.html")),
        read("P09-base", "the base itself", served("r2"), "", verified("r2", "index.html")),
        *_audits(),
    ]


def _audits() -> list[Case]:
    page = base("r2").pages[PAGE]
    kinds = {
        "P11": ("a page is a link to the same bytes", {PAGE: "link"}),
        "P12-up": ("a folder is a link upwards", {"a/up": "link"}),
        "P12-fifo": ("a named pipe", {"a/pipe.html": "other"}),
        "P12-loop": ("a link to itself", {"a/loop.html": "link"}),
    }
    return [
        audit("P10", "a page without record", served("r2", {"a/extra.html": page}), refused("unlisted")),
        audit("P10-stray", "a file of no edition", served("r2", {"readme.txt": b"hello"}), refused("unlisted")),
        audit("P10-name", "a name of no edition", served("r2", {"a/Extra.html": page}), refused("path")),
        *(
            audit(number, what, served("r2", kinds=found), refused("file-type"))
            for number, (what, found) in kinds.items()
        ),
    ]
