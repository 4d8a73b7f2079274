"""TUF clients that are not ours read our metadata, and refuse what our own reader refuses. Names as in the format's
list of cases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from tests.interop.conftest import Shelf
from tests.interop.peers import NODE, Peer, RefusedError
from tests.interop.releases import CODE, LATER, NOW, by_one_host, by_stranger, in_false_name

from heliograph.lab.readers import Reader
from heliograph.trust.roles import HEAD_TARGET
from heliograph.trust.sign import TIMESTAMP_LIFE

SECOND = timedelta(seconds=1)


def test_a_release_is_read_under_the_names_of_the_format(peer: Peer, shelf: Shelf) -> None:
    shelf.web.asked.clear()
    assert peer.download(shelf.url("two"), HEAD_TARGET, LATER) == shelf.two.standing.head
    roots = len(shelf.office.roots)
    targets = shelf.two.standing.version("targets")
    assert shelf.asked("two") == [
        *(f"tuf/{version}.root.json" for version in range(2, roots + 2)),  # the last of them is not there
        "tuf/timestamp.json",
        "tuf/2.snapshot.json",
        f"tuf/{targets}.targets.json",
        "tuf/2.edition.json",
        shelf.two.head_name,
    ]


def test_the_readers_code_is_a_target_of_its_own(peer: Peer, shelf: Shelf) -> None:
    (target, code), *_ = CODE.items()
    assert peer.download(shelf.url("one"), target, NOW) == code
    assert shelf.asked("one")[-1] == f"code/{sha256(code).hexdigest()}.sw.js"


def test_who_saw_one_release_follows_to_the_next(peer: Peer, shelf: Shelf) -> None:
    assert peer.download(shelf.url("one"), HEAD_TARGET, NOW) == shelf.one.standing.head
    assert peer.download(shelf.url("two"), HEAD_TARGET, LATER) == shelf.two.standing.head


def test_f01_an_expired_timestamp_is_refused_from_the_second_on_at_which_it_expires(peer: Peer, shelf: Shelf) -> None:
    expires = LATER + TIMESTAMP_LIFE
    with pytest.raises(RefusedError, match=r"timestamp.*expired"):
        peer.download(shelf.url("two"), HEAD_TARGET, expires)
    assert peer.download(shelf.url("two"), HEAD_TARGET, expires - SECOND) == shelf.two.standing.head


def test_f02_the_same_bytes_are_refused_after_their_expiry_by_who_has_seen_them_before(
    peer: Peer, shelf: Shelf
) -> None:
    """The format knows of a published client for browsers that accepts this; these two do not."""
    assert peer.download(shelf.url("two"), HEAD_TARGET, LATER) == shelf.two.standing.head
    with pytest.raises(RefusedError, match=r"timestamp.*expired"):
        peer.download(shelf.url("two"), HEAD_TARGET, LATER + TIMESTAMP_LIFE)


def test_r01_a_whole_old_release_is_refused_after_a_newer_one(peer: Peer, shelf: Shelf) -> None:
    peer.download(shelf.url("two"), HEAD_TARGET, LATER)
    with pytest.raises(RefusedError, match="New timestamp version 1 "):
        peer.download(shelf.url("one"), HEAD_TARGET, LATER)
    assert peer.download(shelf.url("two"), HEAD_TARGET, LATER) == shelf.two.standing.head


@pytest.mark.parametrize("forged", ["stranger", "false-name"])
def test_k01_a_timestamp_signed_by_an_unknown_key_is_refused(peer: Peer, shelf: Shelf, forged: str) -> None:
    with pytest.raises(RefusedError, match="timestamp was signed by 0/1 keys"):
        peer.download(shelf.url(forged), HEAD_TARGET, LATER)


def test_one_signature_on_an_edition_is_enough_where_one_is_asked_for(peer: Peer, shelf: Shelf) -> None:
    if len(shelf.office.signers["edition"]) == 1:
        assert peer.download(shelf.url("one-host"), HEAD_TARGET, LATER) == shelf.two.standing.head
        return
    with pytest.raises(RefusedError, match="edition was signed by 1/2 keys"):
        peer.download(shelf.url("one-host"), HEAD_TARGET, LATER)


def test_our_own_reader_verifies_these_mirrors_and_refuses_the_same(shelf: Shelf) -> None:
    def said(mirror: Mapping[str, bytes], now: datetime, reader: Reader | None = None, page: str = "index.html") -> str:
        reader = reader or Reader(pinned=shelf.office.roots[0])
        verdict = reader.read([mirror], page, now).verdict
        return verdict.code or verdict.verdict

    two = shelf.two.files
    assert {said(two, LATER, page=page) for page in shelf.two.pages} == {"verified"}
    assert {said(two, LATER, page=page) for page in shelf.one.pages.keys() - shelf.two.pages.keys()} == {"withdrawn"}
    warm = Reader(pinned=shelf.office.roots[0])
    assert [said(two, LATER, warm), said(shelf.one.files, LATER, warm)] == ["verified", "rollback"]
    assert {said(two, LATER + TIMESTAMP_LIFE, who) for who in (warm, None)} == {"stale"}
    assert {said(forge(shelf.two), LATER) for forge in (by_stranger, in_false_name)} == {"signature"}
    needed = {"person": "verified", "editors": "signature"}[shelf.office.name]
    assert said(by_one_host(shelf.two), LATER) == needed


def test_the_lock_of_tuf_js_names_no_registry() -> None:
    lock = json.loads((NODE / "package-lock.json").read_bytes())
    assert lock["packages"]["node_modules/tuf-js"]["version"] == lock["packages"][""]["dependencies"]["tuf-js"]
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
