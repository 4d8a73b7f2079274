"""Keys are changed by requests that go from hand to hand and count only when whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from conformance.trust.bases import START, base
from conformance.trust.signing import Pen
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner, Key, Signature, Signer

from heliograph.lab.keys import ROLES, key
from heliograph.model import KeyFileError, SignError
from heliograph.trust import ceremony, keys, roles
from heliograph.trust.chain import Chain, State
from heliograph.trust.refusal import RefusalError
from heliograph.trust.sign import RoleKeys

ROOT, TARGETS = ceremony.first({role: key(role) for role in ROLES}, START)
EDITORS, EDITORS_TARGETS = base("r2").papers.roots[0], base("r2").papers.signed()["targets"]
NOW = START + timedelta(days=200)
ONE = RoleKeys(keys=(key("online").public,))


def pen(name: str, *, token: bool = False) -> CryptoSigner:
    return CryptoSigner(Pen(name, token=token).private)


def believed(request: bytes, root: bytes = ROOT) -> bool:
    chain = Chain(State(root=root), START)
    try:
        chain.next_root(request)
    except RefusalError:
        return False
    return True


def test_the_first_root_and_targets_are_those_of_one_person() -> None:
    assert not ceremony.missing(TARGETS, ROOT)
    ring = ceremony.keys_of(ROOT, TARGETS)
    assert {name: who.threshold for name, who in ring.items()} == dict.fromkeys(ceremony.RINGS, 1)
    assert {one.keyid for one in ring["root"].keys} == {key("root").keyid, key("recovery").keyid}
    assert [one.keyid for one in ring["online"].keys] == [key("online").keyid]
    assert believed(ROOT, ROOT) is False  # it follows nothing, itself included
    roles.verify(roles.read("root", ROOT), roles.read("root", ROOT))


def test_the_keys_of_three_editors_are_read_too() -> None:
    ring = ceremony.keys_of(EDITORS, EDITORS_TARGETS)
    assert {name: (who.threshold, len(who.keys)) for name, who in ring.items()} == {
        "root": (3, 5),
        "targets": (2, 3),
        "online": (1, 1),
        "edition": (2, 3),
    }


def test_every_ring_has_a_holder() -> None:
    assert {name: ceremony.holder(name) for name in ceremony.RINGS} == {
        "root": "root",
        "targets": "root",
        "online": "root",
        "edition": "targets",
    }


# ---------------------------------------------------------------- plans


def test_a_key_is_added_and_taken_away() -> None:
    two = ceremony.with_key(ONE, key("edition").public)
    assert ceremony.without_key(two, key("edition").keyid[:8]) == ONE
    assert ceremony.with_threshold(two, 2).threshold == 2


@pytest.mark.parametrize(
    ("plan", "what"),
    [
        (lambda: ceremony.with_key(ONE, key("online").public), "there already"),
        (lambda: ceremony.without_key(ONE, "zz"), "0 keys"),
        (lambda: ceremony.without_key(ceremony.with_key(ONE, key("root").public), ""), "2 keys"),
        (lambda: ceremony.without_key(ONE, key("online").keyid), "1 keys are needed"),
        (lambda: ceremony.with_threshold(ONE, 2), "cannot give 2"),
        (lambda: ceremony.with_threshold(ONE, 0), "cannot give 0"),
    ],
)
def test_what_cannot_be_is_not_planned(plan: Callable[[], RoleKeys], what: str) -> None:
    with pytest.raises(SignError, match=what):
        plan()


# ---------------------------------------------------------------- requests


def test_a_request_counts_only_when_it_is_whole() -> None:
    ring = ceremony.keys_of(ROOT, TARGETS)
    request = ceremony.next_root(ROOT, {**ring, "online": RoleKeys(keys=(key("online", "new").public,))}, NOW)
    assert ceremony.missing(request, ROOT) == [
        "the keys of now: 0 of 1 signatures",
        "its own keys: 0 of 1 signatures",
    ]
    assert not believed(request)
    stranger = ceremony.signed_by(request, [key("root", "stranger").signer])
    assert len(ceremony.missing(stranger, ROOT)) == 2
    whole = ceremony.signed_by(request, [key("root").signer])
    assert ceremony.missing(whole, ROOT) == []
    assert believed(whole)
    assert ceremony.signed_by(whole, [key("root").signer]) == whole


def test_from_one_person_to_three_editors_hand_by_hand() -> None:
    tokens = [pen(f"root {number}", token=True) for number in range(3)]
    editors = RoleKeys(keys=tuple(token.public_key for token in tokens), threshold=2)
    ring = ceremony.keys_of(ROOT, TARGETS)
    request = ceremony.next_root(ROOT, {**ring, "root": editors}, NOW)
    steps = []
    for signer in (tokens[0], key("recovery").signer, tokens[2]):
        request = ceremony.signed_by(request, [signer])
        steps.append(len(ceremony.missing(request, ROOT)))
    assert steps == [2, 1, 0]
    assert believed(request)


def test_new_targets_keep_the_readers_code_and_need_the_targets_keys() -> None:
    edition = ceremony.keys_of(EDITORS, EDITORS_TARGETS)["edition"]
    request = ceremony.next_targets(EDITORS_TARGETS, edition, NOW, timedelta(days=180))
    file, old = ceremony.opened(request), roles.read("targets", EDITORS_TARGETS)
    assert (file.version, file.signed["targets"]) == (old.version + 1, old.signed["targets"])
    assert ceremony.missing(request, EDITORS) == ["the keys of now: 0 of 2 signatures"]
    for name in ("targets anna", "targets elmaz"):
        request = ceremony.signed_by(request, [pen(name, token=True)])
    assert ceremony.missing(request, EDITORS) == []


def test_whoever_signs_is_told_what_changes() -> None:
    ring = ceremony.keys_of(ROOT, TARGETS)
    online = RoleKeys(keys=(key("online", "new").public,))
    pair = ceremony.with_threshold(ring["root"], 2)
    lines = ceremony.described(ceremony.next_root(ROOT, {**ring, "online": online, "root": pair}, NOW), ROOT, TARGETS)
    assert lines == [
        "root 1 -> 2, expires 2027-03-02 -> 2027-09-18",
        "root: 1 -> 2 signatures are needed",
        f"online: key {key('online', 'new').keyid[:12]} is added",
        f"online: key {key('online').keyid[:12]} counts no more",
    ]
    edition = ceremony.with_key(ring["edition"], key("edition", "new").public)
    assert ceremony.described(ceremony.next_targets(TARGETS, edition, NOW), ROOT, TARGETS)[1:] == [
        f"edition: key {key('edition', 'new').keyid[:12]} is added"
    ]


@pytest.mark.parametrize("data", [b"", b"{}", b"null", base("r2").papers.signed()["timestamp"]])
def test_what_is_no_request_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(SignError, match="no request") as caught:
        ceremony.opened(data)
    assert caught.value.remedy


@given(st.binary(max_size=100))
def test_any_bytes_are_no_request(data: bytes) -> None:
    with pytest.raises(SignError, match="no request"):
        ceremony.signed_by(data, [])


def test_a_request_may_have_gone_through_an_editor_that_ends_files_with_a_line() -> None:
    assert ceremony.opened(ROOT + b"\n").version == 1


class _Broken(Signer):
    """A signer that fails with ``error``."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    @property
    def public_key(self) -> Key:
        return key("root").public

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, public_key: Key, secrets_handler: object = None) -> Signer:
        raise NotImplementedError

    def sign(self, payload: bytes) -> Signature:
        raise self.error


def test_a_signer_that_fails_is_heard_in_its_own_words() -> None:
    request = ceremony.next_root(ROOT, ceremony.keys_of(ROOT, TARGETS), NOW)
    with pytest.raises(KeyFileError, match="the PIN is wrong"):
        ceremony.signed_by(request, [_Broken(KeyFileError("the PIN is wrong"))])
    with pytest.raises(SignError, match="does not sign: the plug was pulled"):
        ceremony.signed_by(request, [_Broken(OSError("the plug was pulled"))])


def test_one_key_in_two_rings_is_refused_however_it_is_written_down() -> None:
    who = ceremony.keys_of(ROOT, TARGETS)
    ceremony.check(who)
    token = CryptoSigner.generate_ecdsa().public_key
    value = token.to_dict()
    value["keyval"]["public"] = value["keyval"]["public"].rstrip("\n")
    other = keys.public_from(json.dumps(value).encode())
    assert other.keyid != token.keyid
    ceremony.check({**who, "root": ceremony.with_key(who["root"], token)})
    both = {"root": ceremony.with_key(who["root"], token), "targets": ceremony.with_key(who["targets"], other)}
    with pytest.raises(SignError, match="would serve root and targets"):
        ceremony.check({**who, **both})
    for ring in ("online", "edition"):
        with pytest.raises(SignError, match=f"does not count for {ring}"):
            ceremony.check({**who, ring: ceremony.with_key(who[ring], token)})
