"""Signed files: what they must hold, whatever a mirror sends instead, and whose signatures count."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from conformance.trust import papers
from conformance.trust.bases import base
from conformance.trust.papers import Change
from conformance.trust.signing import Circle, Pen, keyid_of, signatures, written
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.test_form import VALUES

from heliograph.trust import form, roles
from heliograph.trust.refusal import RefusalError
from heliograph.trust.roles import ROLES, Role

R2 = base("r2").papers
HONEST: dict[Role, bytes] = {"root": R2.roots[0], **R2.signed()}  # type: ignore[dict-item]
STRANGE = VALUES | st.sampled_from([2**53 - 1, "ed25519", "code/sw.js", [1], {"keys": [1]}, {"public": 1}, "0" * 64])


def code_of(role: Role, data: bytes) -> str:
    """Why ``data`` is no file of ``role``, "" if it is one."""
    try:
        roles.read(role, data)
    except RefusalError as refusal:
        return refusal.code
    return ""


def changed(role: Role, change: Any, *, outer: bool = False) -> bytes:
    """The honest file of ``role`` after ``change`` was done to ``signed``, or to all of it; signed no more."""
    value = json.loads(HONEST[role])
    change(value if outer else value["signed"])
    return form.write(value)


@pytest.mark.parametrize("role", ROLES)
def test_an_honest_file_is_read(role: Role) -> None:
    file = roles.read(role, HONEST[role])
    assert (file.role, file.data, file.signed) == (role, HONEST[role], json.loads(HONEST[role])["signed"])
    assert file.payload == form.canonical(file.signed)


@pytest.mark.parametrize("role", ROLES)
@given(data=st.data())
def test_a_file_with_anything_anywhere_is_read_or_refused(role: Role, data: st.DataObject) -> None:
    value = json.loads(HONEST[role])
    place, name = value, data.draw(st.sampled_from(["signed", "signed", "signatures"]))
    while isinstance(place[name], dict | list) and place[name] and data.draw(st.integers(0, 4)):
        place = place[name]
        name = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    match data.draw(st.sampled_from(["replace", "remove", "add"])):
        case "remove":
            del place[name]
        case "add" if isinstance(place, dict):
            place[data.draw(st.sampled_from(["keys", "delegations", "meta", "version", "x"]))] = data.draw(STRANGE)
        case _:
            place[name] = data.draw(STRANGE)
    assert code_of(role, form.write(value)) in ("", "field", "format", "keyid", "json")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("other", ROLES)
def test_a_file_of_one_role_is_none_of_another(role: Role, other: Role) -> None:
    assert (code_of(other, HONEST[role]) == "") is (role == other)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("member", ["_type", "expires", "spec_version", "version"])
def test_every_common_member_is_needed(role: Role, member: str) -> None:
    assert code_of(role, changed(role, lambda signed: signed.pop(member))) == "field"


@pytest.mark.parametrize("role", ROLES)
def test_limits_are_those_of_the_specification(role: Role) -> None:
    limits = {"root": 65_536, "timestamp": 4_096, "snapshot": 8_192, "edition": 8_192, "targets": 65_536}
    padded = changed(role, lambda signed: signed.update(x="x" * limits[role]))
    assert code_of(role, padded) == "too-long"
    room = limits[role] - len(changed(role, lambda signed: signed.update(x="")))
    assert code_of(role, changed(role, lambda signed: signed.update(x="x" * room))) == ""


@pytest.mark.parametrize(
    ("role", "change", "code"),
    [
        ("root", lambda signed: signed.update(consistent_snapshot=False), "field"),
        ("root", lambda signed: signed["keys"].update({"zz": _plain_key()}), "field"),
        ("root", lambda signed: _listed(signed, {**_plain_key(), "keyval": {"public": "00" * 32, "x": 1}}), "field"),
        ("root", lambda signed: _listed(signed, {**_plain_key(), "keyval": {"public": "AA" * 32}}), "field"),
        ("root", lambda signed: _listed(signed, {**_plain_key(), "keyval": {"public": "00" * 31}}), "field"),
        ("root", lambda signed: _listed(signed, {**_plain_key(), "keyval": {}}), "field"),
        ("root", lambda signed: _listed(signed, _plain_key()), ""),
        ("root", lambda signed: signed["roles"].pop("snapshot"), "field"),
        ("root", lambda signed: signed["roles"].update(mirrors=signed["roles"]["root"]), "field"),
        ("root", lambda signed: signed["roles"]["root"]["keyids"].append("0" * 64), "field"),
        ("root", lambda signed: signed["roles"]["root"].update(threshold=True), "field"),
        ("timestamp", lambda signed: signed["meta"].update({"targets.json": {"version": 1}}), "field"),
        ("timestamp", lambda signed: signed["meta"]["snapshot.json"]["hashes"].update(sha512="0" * 128), "field"),
        ("timestamp", lambda signed: signed["meta"]["snapshot.json"].pop("length"), "field"),
        ("timestamp", lambda signed: signed["meta"]["snapshot.json"]["hashes"].update(sha256="A" * 64), "field"),
        ("timestamp", lambda signed: signed["meta"]["snapshot.json"].update(version=0), "field"),
        ("snapshot", lambda signed: signed.update(meta=[]), "field"),
        ("snapshot", lambda signed: signed["meta"].update({"mirrors.json": {"version": "1"}}), "field"),
        ("snapshot", lambda signed: signed["meta"].update({"mirrors.json": {"version": 0}}), "field"),
        ("snapshot", lambda signed: signed["meta"].update({"mirrors.json": {"version": 1, "hashes": {}}}), "field"),
        ("snapshot", lambda signed: signed["meta"].update({"mirrors.json": {"version": 1}}), ""),
        ("targets", lambda signed: signed["targets"].update({"a/page.html": papers.file_entry(b"x")}), "field"),
        ("targets", lambda signed: signed["targets"].update({"code/sw.js": {"length": 1}}), "field"),
        (
            "targets",
            lambda signed: signed["delegations"].update(roles={"x": signed["delegations"]["roles"][0]}),
            "field",
        ),
        ("targets", lambda signed: signed["delegations"]["roles"].append(signed["delegations"]["roles"][0]), "field"),
        ("targets", lambda signed: signed["delegations"]["roles"].clear(), "field"),
        ("targets", lambda signed: signed["delegations"]["roles"][0].update(paths=["*"]), "field"),
        ("targets", lambda signed: signed["delegations"]["roles"][0].update(name="editions"), "field"),
        ("targets", lambda signed: signed["delegations"]["roles"][0].update(terminating=False), "field"),
        ("targets", lambda signed: signed.pop("delegations"), "field"),
        ("edition", lambda signed: signed["targets"]["edition/head"].update(length=513), "field"),
        ("edition", lambda signed: signed["targets"].clear(), "field"),
        ("edition", lambda signed: signed.update(spec_version="2.0"), "format"),
        ("edition", lambda signed: signed.update(spec_version="1"), "field"),
        ("edition", lambda signed: signed.update(version=2**53), "json"),
    ],
)
def test_what_a_role_must_not_hold_is_refused(role: Role, change: Any, code: str) -> None:
    assert code_of(role, changed(role, change)) == code


def _plain_key() -> dict[str, Any]:
    return {"keytype": "ed25519", "keyval": {"public": "00" * 32}, "scheme": "ed25519"}


def _listed(signed: Any, key: dict[str, Any]) -> None:
    """A further key, under its true id."""
    signed["keys"][keyid_of(key)] = key


@pytest.mark.parametrize(
    "signatures", [5, None, "x", {}, {"keyid": "sig"}, [5], [{}], [{"keyid": "0" * 64, "sig": "0"}]]
)
def test_what_is_no_list_of_signatures_is_refused(signatures: object) -> None:
    assert (
        code_of("edition", changed("edition", lambda value: value.update(signatures=signatures), outer=True)) == "field"
    )


def test_a_key_has_the_id_of_the_specification() -> None:
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    key = {"keytype": "ed25519", "keyval": {"public": public}, "scheme": "ed25519"}
    assert roles.keyid_of(key) == "74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916"


# ---------------------------------------------------------------- signatures


def verified(role: Role, data: bytes, delegator: Role = "root", by: bytes = b"") -> bool:
    try:
        roles.verify(roles.read(role, data), roles.read(delegator, by or HONEST[delegator]))
    except RefusalError as refusal:
        assert refusal.code == "signature"  # noqa: PT017 - either is an answer
        return False
    return True


@pytest.mark.parametrize(
    ("role", "delegator"),
    [("root", "root"), ("timestamp", "root"), ("snapshot", "root"), ("targets", "root"), ("edition", "targets")],
)
def test_an_honest_file_is_verified_and_no_other_content_is(role: Role, delegator: Role) -> None:
    assert verified(role, HONEST[role], delegator)
    assert not verified(role, changed(role, lambda signed: signed.update(x="")), delegator)
    assert not verified(role, changed(role, lambda value: value.update(signatures=[]), outer=True), delegator)


@given(st.integers(0, 10**6), st.integers(0, 7))
def test_a_flipped_signature_counts_for_nothing(place: int, bit: int) -> None:
    def flip(value: Any) -> None:
        sig = bytearray.fromhex(value["signatures"][0]["sig"])
        sig[place % len(sig)] ^= 1 << bit
        value["signatures"][0]["sig"] = sig.hex()

    assert not verified("timestamp", changed("timestamp", flip, outer=True))


def test_one_token_written_down_in_two_ways_counts_once() -> None:
    token = R2.ring.targets.pens[0]
    again = copy.deepcopy(token.key)
    again["keyval"]["public"] = again["keyval"]["public"].replace("\n", "\n\n", 1)
    twin = keyid_of(again)

    content = json.loads(HONEST["targets"])["signed"]
    mark = signatures(content, [token])[0]
    data = written({"signatures": [mark, {**mark, "keyid": twin}], "signed": content})

    def root(threshold: int, *keyids: str) -> bytes:
        def twice(signed: Any) -> None:
            signed["keys"] |= {twin: again, token.keyid: token.key}
            signed["roles"]["targets"] = {"keyids": [*keyids], "threshold": threshold}

        return papers.root(1, R2.ring, R2.time, change=Change(edit=twice))

    assert verified("targets", data, by=root(1, token.keyid))
    assert verified("targets", data, by=root(1, twin))
    assert not verified("targets", data, by=root(2, token.keyid, twin))


def test_a_token_may_not_sign_what_is_signed_every_hour() -> None:
    ring = replace(R2.ring, online=Circle((Pen("online token", token=True),)))
    root = papers.root(1, ring, R2.time)
    assert code_of("root", root) == ""
    assert not verified("timestamp", replace(R2, ring=ring).signed()["timestamp"], by=root)


@pytest.mark.parametrize(
    "public",
    ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "00" * 32, "-----BEGIN"],
)
def test_a_key_that_is_none_counts_for_nothing(public: str) -> None:
    key = {"keytype": "ecdsa", "keyval": {"public": public}, "scheme": "ecdsa-sha2-nistp256"}
    keyid = keyid_of(key)

    def listed(signed: Any) -> None:
        signed["keys"][keyid] = key
        signed["roles"]["targets"] = {"keyids": [keyid], "threshold": 1}

    root = papers.root(1, R2.ring, R2.time, change=Change(edit=listed))
    content = json.loads(HONEST["targets"])["signed"]
    data = written({"signatures": [{"keyid": keyid, "sig": "00"}], "signed": content})
    assert code_of("root", root) == ""
    assert not verified("targets", data, by=root)


def test_a_key_of_an_unknown_scheme_counts_for_nothing_even_where_it_is_needed() -> None:
    key = {"keytype": "ed25519", "keyval": {"public": "00" * 32, "more": 1}, "scheme": "ed25519ph"}

    def listed(signed: Any) -> None:
        signed["keys"][keyid_of(key)] = key
        signed["roles"]["timestamp"] = {"keyids": [keyid_of(key)], "threshold": 1}

    root = papers.root(1, R2.ring, R2.time, change=Change(edit=listed))
    data = changed("timestamp", lambda value: value["signatures"][0].update(keyid=keyid_of(key)), outer=True)
    assert code_of("root", root) == ""
    assert not verified("timestamp", data, by=root)


def test_what_is_named_is_found() -> None:
    files = {role: roles.read(role, data) for role, data in HONEST.items()}
    assert roles.version_named(files["snapshot"], "edition.json") == 2
    assert roles.version_named(files["snapshot"], "mirrors.json") == 0
    assert roles.named(files["edition"], "edition/head") == (len(R2.head), sha256(R2.head).digest())
    assert roles.named(files["targets"], "code/none.js") is None
    assert roles.named(files["timestamp"], "snapshot.json") is not None
    assert roles.keyids(files["root"], "timestamp") == {R2.ring.online.pens[0].keyid}
