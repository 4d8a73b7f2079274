"""Key files, passphrases, fingerprints. Locked keys are few here: each costs a third of a second on purpose."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from conformance.trust.signing import Pen, written
from hypothesis import given
from hypothesis import strategies as st

from heliograph.lab.keys import key
from heliograph.model import KeyFileError
from heliograph.trust import form, keys

PASSPHRASE = "a long enough passphrase"
RANDOM = bytes(range(keys.SALT + keys.NONCE))


@pytest.fixture(scope="module")
def locked() -> bytes:
    return keys.lock(key("root"), PASSPHRASE, RANDOM)


def changed(data: bytes, /, **members: Any) -> bytes:
    return form.write({**json.loads(data), **members})


def test_a_locked_key_opens_with_its_passphrase_only(locked: bytes) -> None:
    assert keys.unlock(locked, f" {PASSPHRASE}\n", "root.json") == key("root")
    with pytest.raises(KeyFileError, match="passphrase is wrong"):
        keys.unlock(locked, "another long passphrase", "root.json")


def test_a_locked_file_has_the_form_of_the_specification(locked: bytes) -> None:
    value = json.loads(locked)
    assert value.keys() == {"format", "role", "keyid", "kdf", "nonce", "data"}
    assert (value["format"], value["role"], value["keyid"]) == ("heliograph-key/1", "root", key("root").keyid)
    assert value["kdf"] == {"name": "scrypt", "n": 131072, "r": 8, "p": 1, "salt": RANDOM[:16].hex()}
    assert len(value["data"]) == 2 * (32 + 16)
    assert key("root").seed.hex() not in locked.decode()


def test_a_locked_file_that_was_changed_does_not_open(locked: bytes) -> None:
    for other in (changed(locked, role="targets"), changed(locked, keyid="0" * 64), changed(locked, data="00" * 48)):
        with pytest.raises(KeyFileError, match="was changed"):
            keys.unlock(other, PASSPHRASE, "root.json")


@pytest.mark.parametrize("role", ["edition", "online"])
def test_a_key_that_signs_alone_needs_no_passphrase(role: keys.KeyRole) -> None:
    data = keys.bare(key(role))
    assert keys.unlock(data, "", "x.json") == key(role)
    assert not keys.is_locked(data, "x.json")


def test_it_is_seen_whether_a_file_is_locked(locked: bytes) -> None:
    assert keys.is_locked(locked, "root.json")


def test_an_offline_key_is_never_taken_without_a_passphrase(locked: bytes) -> None:
    with pytest.raises(AssertionError):
        keys.bare(key("root"))
    bare = changed(keys.bare(key("online")), role="root")
    with pytest.raises(KeyFileError, match="not allowed"):
        keys.unlock(bare, "", "root.json")


@pytest.mark.parametrize("kdf", [{"name": "scrypt", "n": 2, "r": 8, "p": 1, "salt": "00"}, {"name": "md5"}, None, []])
def test_a_weaker_protection_is_refused(locked: bytes, kdf: object) -> None:
    with pytest.raises(KeyFileError, match="not allowed"):
        keys.unlock(changed(locked, kdf=kdf), PASSPHRASE, "root.json")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"null", b"[]", b"\xff", b'{"format":"heliograph-key/2"}', b"x" * 5_000, b'{"format":1}']
)
def test_what_is_no_key_file_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(KeyFileError, match="no key file"):
        keys.unlock(data, "", "x.json")


@pytest.mark.parametrize("member", ["format", "role", "keyid", "kdf", "data"])
@given(value=st.none() | st.integers(0, 9) | st.text("0aZ-", max_size=70) | st.lists(st.just("x"), max_size=1))
def test_a_damaged_key_file_is_refused_with_a_remedy(member: str, value: object) -> None:
    data = changed(keys.bare(key("online")), **{member: value})
    with pytest.raises(KeyFileError) as caught:
        keys.unlock(data, "", "x.json")
    assert caught.value.remedy


@pytest.mark.parametrize("member", ["format", "role", "keyid", "kdf", "data"])
def test_a_key_file_without_a_member_is_refused(member: str) -> None:
    value = json.loads(keys.bare(key("online")))
    del value[member]
    with pytest.raises(KeyFileError):
        keys.unlock(form.write(value), "", "x.json")


def test_a_key_that_is_another_than_its_file_says_is_refused() -> None:
    for other, what in (("00" * 32, "another key"), ("00", "no key"), ("zz", "no whole key file")):
        with pytest.raises(KeyFileError, match=what):
            keys.unlock(changed(keys.bare(key("online")), data=other), "", "x.json")


@pytest.mark.parametrize("passphrase", ["", "short", " " * 30, "elevenchars"])
def test_a_short_passphrase_is_refused(passphrase: str) -> None:
    with pytest.raises(KeyFileError, match="fewer than 12"):
        keys.lock(key("root"), passphrase, RANDOM)


@given(st.binary(min_size=12, max_size=12))
def test_generated_words_are_sayable_and_keep_all_bits(entropy: bytes) -> None:
    text = keys.words(entropy)
    assert re.fullmatch(r"([bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz]-?){6}", text)
    keys.check_passphrase(text)


def test_no_two_pairs_of_bytes_have_one_word() -> None:
    assert len({keys.words(number.to_bytes(2, "big")) for number in range(1 << 16)}) == 1 << 16


def test_a_fingerprint_is_read_in_groups() -> None:
    assert keys.fingerprint(b"root") == "jajus-titpy-lddo5-dahk2-zk3opo"
    assert keys.fingerprint(b"root") != keys.fingerprint(b"root ")
    assert len(keys.fingerprint_words(b"root").split("-")) == 8


@pytest.mark.parametrize("pen", [Pen("online"), Pen("root anna", token=True)])
def test_a_public_key_that_somebody_sent_is_read(pen: Pen) -> None:
    found = keys.public_from(written(pen.key))
    assert (found.keyid, found.to_dict()) == (pen.keyid, pen.key)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b"\xff", b"null", b'{"keytype":"rsa","scheme":"rsassa-pss-sha256","keyval":{"public":"x"}}',
        b'{"keytype":"ed25519","scheme":"ed25519"}', b'{"keytype":"ed25519","scheme":"ed25519","keyval":1}',
        b'{"keytype":"ed25519","scheme":"ed25519","keyval":{"public":1.5}}',
        b'{"keytype":"ed25519","scheme":"ed25519","keyval":{"public":NaN}}', b"[" * 100_000,
        b'{"keytype":"ed25519","scheme":"ed25519","keyval":{"public":"00","more":1.5}}',
    ],
)  # fmt: skip
def test_what_is_no_public_key_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        keys.public_from(data)
