"""The publisher's side: versions, lifetimes, and that others who follow the specification write the same bytes."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import brotli
import pytest
from conformance.trust import papers
from conformance.trust.bases import START, Base, base
from conformance.trust.signing import Circle, Pen
from securesystemslib.signer import CryptoSigner, Key

from heliograph.lab.keys import ROLES, key
from heliograph.model import SignError
from heliograph.trust import bundle, ceremony, roles, sign
from heliograph.trust.chain import Chain, State
from heliograph.trust.head import read_head, write_head
from heliograph.trust.sign import RoleKeys, Standing

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HEAD, OTHER = base("r1").papers.head, base("r2").papers.head
SIGNERS = {"online": [key("online").signer], "edition": [key("edition").signer]}


def standing(now: datetime = START) -> Standing:
    """Nothing signed yet but keys."""
    root, targets = ceremony.first({role: key(role) for role in ROLES}, now)
    return Standing(root=root, targets=targets)


def released(now: datetime = START, head: bytes = HEAD) -> Standing:
    return sign.release(standing(), head, SIGNERS, now)


def versions(of: Standing) -> list[int]:
    return [of.version(role) for role in ("timestamp", "snapshot", "edition", "targets")]


def who(circle: Circle) -> RoleKeys:
    return RoleKeys(
        keys=tuple(Key.from_dict(pen.keyid, dict(pen.key)) for pen in circle.pens), threshold=circle.threshold
    )


def signers(pens: Sequence[Pen]) -> list[CryptoSigner]:
    return [CryptoSigner(pen.private) for pen in pens]


# ---------------------------------------------------------------- other code writes the same


@pytest.mark.parametrize("of", [base("deep"), base("r1")], ids=["deep", "r1"])
def test_others_who_follow_the_specification_sign_the_same_bytes(of: Base) -> None:
    about = of.papers
    ring, made = about.ring, about.signed()
    root = sign.root(
        1, {"root": who(ring.root), "targets": who(ring.targets), "online": who(ring.online)}, START - HOUR
    )
    unsigned = sign.targets(1, who(ring.edition), about.since, about.code, about.targets_life)
    assert roles.read("root", sign.signed(root, [])).payload == roles.read("root", about.roots[0]).payload
    assert roles.read("targets", sign.signed(unsigned, [])).payload == roles.read("targets", made["targets"]).payload
    before = Standing(root=about.roots[0], targets=made["targets"])
    pens = {"online": signers(ring.online.signers), "edition": signers(ring.edition.signers)}
    after = sign.release(before, about.head, pens, about.time)
    assert (after.edition, after.snapshot, after.timestamp) == (made["edition"], made["snapshot"], made["timestamp"])
    made_files = sign.files(after, about.time, about.roots)
    encoded = {name: made_files.pop(name) for name in ("now.br", "now.gz")}
    assert made_files == about.files()
    assert brotli.decompress(encoded["now.br"]) == gzip.decompress(encoded["now.gz"]) == made_files["now"]


# ---------------------------------------------------------------- what is signed when


def test_the_first_release_signs_everything() -> None:
    first = released()
    assert versions(first) == [1, 1, 1, 1]
    assert (first.head, first.targets_since) == (HEAD, START)
    chain = Chain(State(root=first.root), START)
    chain.settle_root()
    chain.timestamp(first.timestamp)
    chain.snapshot(first.snapshot)
    chain.targets(first.targets)
    chain.edition(first.edition)
    assert chain.head(HEAD) == read_head(HEAD)


def test_a_new_head_signs_all_but_the_keys() -> None:
    assert versions(sign.release(released(), OTHER, SIGNERS, START + HOUR)) == [2, 2, 2, 1]


def test_without_news_only_the_timestamp_is_signed_until_the_rest_is_old() -> None:
    first = released()
    assert versions(sign.release(first, HEAD, SIGNERS, START + 3 * DAY)) == [2, 1, 1, 1]
    assert versions(sign.release(first, HEAD, SIGNERS, START + 4 * DAY)) == [2, 2, 2, 1]


def test_new_targets_are_named_by_a_new_snapshot() -> None:
    first = released()
    request = ceremony.next_targets(first.targets, ceremony.keys_of(first.root, first.targets)["edition"], START)
    changed = replace(first, targets=ceremony.signed_by(request, [key("targets").signer]), targets_since=None)
    after = sign.release(changed, HEAD, SIGNERS, START + HOUR)
    assert versions(after) == [2, 2, 1, 2]
    assert after.targets_since == START + HOUR


def test_a_new_online_key_signs_the_snapshot_anew() -> None:
    first = released()
    ring = ceremony.keys_of(first.root, first.targets)
    request = ceremony.next_root(first.root, {**ring, "online": RoleKeys(keys=(key("online", "new").public,))}, START)
    rotated = replace(first, root=ceremony.signed_by(request, [key("root").signer]))
    after = sign.release(rotated, HEAD, {**SIGNERS, "online": [key("online", "new").signer]}, START + HOUR)
    assert versions(after) == [2, 2, 1, 1]
    with pytest.raises(SignError, match="snapshot"):
        sign.release(rotated, HEAD, SIGNERS, START + HOUR)


@pytest.mark.parametrize(("hours", "due"), [(5, False), (6, True), (48, True), (100, True)])
def test_a_signature_is_renewed_every_six_hours(hours: int, due: bool) -> None:
    assert sign.due(released(), START + hours * HOUR) is due


def test_a_snapshot_is_renewed_before_it_is_old_though_the_timestamp_is_young() -> None:
    first = released()
    young = sign.release(first, HEAD, SIGNERS, START + 95 * HOUR)
    assert young.snapshot == first.snapshot
    assert sign.due(young, START + 96 * HOUR)
    assert not sign.due(standing(), START)


def test_the_same_gives_the_same_bytes() -> None:
    assert released() == released()


def test_fractions_of_a_second_are_not_written() -> None:
    assert released(START + timedelta(microseconds=7)).timestamp == released().timestamp


# ---------------------------------------------------------------- what is not signed


@pytest.mark.parametrize("ring", ["online", "edition"])
@pytest.mark.parametrize("keys", [[], [key("targets").signer]])
def test_without_the_right_key_nothing_is_signed(ring: str, keys: list[CryptoSigner]) -> None:
    with pytest.raises(SignError, match="may not sign") as caught:
        sign.release(standing(), HEAD, {**SIGNERS, ring: keys}, START)
    assert ring in caught.value.remedy


@pytest.mark.parametrize("days", [365, 366])
def test_after_the_keys_have_expired_nothing_is_signed(days: int) -> None:
    with pytest.raises(SignError, match="root expired"):
        sign.release(standing(), HEAD, SIGNERS, START + days * DAY)


def test_expired_targets_sign_nothing() -> None:
    made = standing()
    edition = ceremony.keys_of(made.root, made.targets)["edition"]
    short = sign.signed(sign.targets(1, edition, START, life=DAY), [key("targets").signer])
    with pytest.raises(SignError, match="targets expired"):
        sign.release(replace(made, targets=short), HEAD, SIGNERS, START + 2 * DAY)


def test_what_expires_is_told_in_time() -> None:
    first = released()
    at = {one.role: one for one in sign.expiries(first, START + 300 * DAY)}
    assert list(at) == ["root", "targets", "snapshot", "edition", "timestamp"]
    assert at["root"].is_near
    assert not at["root"].is_urgent
    assert {one.role for one in sign.expiries(first, START + 350 * DAY) if one.is_urgent} == set(roles.ROLES)
    assert not any(one.is_near for one in sign.expiries(first, START))
    assert [one.role for one in sign.expiries(standing(), START)] == ["root", "targets"]


# ---------------------------------------------------------------- files


def test_now_shows_targets_for_thirty_days() -> None:
    first = released()
    for days, shown in ((0, True), (30, True), (31, False)):
        pieces = bundle.split(sign.files(first, START + days * DAY)["now"])
        assert pieces is not None
        assert bool(pieces.targets) is shown
        assert (pieces.timestamp, pieces.head) == (first.timestamp, HEAD)


def test_files_have_the_names_of_the_specification() -> None:
    first = released()
    names = set(sign.files(first, START, [first.root]))
    tip = f"edition/{papers.file_entry(HEAD)['hashes']['sha256']}.head"
    assert names == {"tuf/1.root.json", "tuf/1.targets.json", "tuf/1.edition.json", "tuf/1.snapshot.json", tip} | {
        "tuf/timestamp.json",
        "now",
        "now.br",
        "now.gz",
    }


def test_a_head_is_signed_as_it_is() -> None:
    head = write_head(replace(read_head(HEAD), release=7))
    assert released(head=head).head == head
