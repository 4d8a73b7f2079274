"""Checkpoints: signed by the log's key, cosigned by witnesses, and nothing else is one."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from heliograph.trust import note
from heliograph.trust.note import WITNESS, Checkpoint, LogPolicy, Verifier, read_checkpoint, write_checkpoint
from heliograph.trust.refusal import RefusalError

ORIGIN = "heliograph/abcde/2"
SEED, OTHER = b"\1" * 32, b"\2" * 32


def public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


POINT = Checkpoint(origin=ORIGIN, size=12, root=sha256(b"twelve").digest())
POLICY = LogPolicy(origin=ORIGIN, key=public(SEED))
GOOD = write_checkpoint(POINT, SEED)
TEXT = GOOD.partition(b"\n\n")[0] + b"\n"


def line(name: str, identity: bytes, signature: bytes) -> bytes:
    return f"— {name} {base64.b64encode(identity + signature).decode()}\n".encode()


def cosigned(seed: bytes, name: str = "witness.example/north", time: int = 1_795_000_000, text: bytes = TEXT) -> bytes:
    """A witness' line under the checkpoint: C2SP tlog-cosignature, made here by hand."""
    who = Verifier(name=name, key=public(seed), kind=WITNESS)
    message = b"cosignature/v1\ntime %d\n%b" % (time, text)
    return line(name, who.id, time.to_bytes(8, "big") + Ed25519PrivateKey.from_private_bytes(seed).sign(message))


def refused(data: bytes, policy: LogPolicy = POLICY) -> str:
    with pytest.raises(RefusalError) as caught:
        read_checkpoint(data, policy)
    assert caught.value.code == "log"
    return caught.value.what


def test_a_checkpoint_is_read_as_it_was_written_and_is_the_same_each_time() -> None:
    assert read_checkpoint(GOOD, POLICY) == POINT
    assert write_checkpoint(POINT, SEED) == GOOD
    assert b"heliograph/abcde/2\n12\n" + base64.b64encode(POINT.root) + b"\n" == TEXT


def test_a_key_is_handed_around_as_name_id_and_kind_with_its_bytes() -> None:
    key = public(SEED)
    identity = sha256(b"name\n\x01" + key).hexdigest()[:8]
    text = f"name+{identity}+{base64.b64encode(bytes([1]) + key).decode()}"
    found = note.verifier(text)
    assert (found.name, found.kind, found.key, found.text) == ("name", note.ED25519, key, text)
    message = b"anything\n"
    assert note.opened(note.signed(message, "name", SEED)).is_by(found)
    assert not note.opened(note.signed(message, "other", SEED)).is_by(found)


KEY = Verifier(name="n", key=public(SEED)).text


@pytest.mark.parametrize(
    "text",
    ["", "a", "a+b+c", f"a b{KEY[1:]}", f"m{KEY[1:]}", KEY[:-4], f"{KEY}=", KEY.replace("+", "-", 1)],
)
def test_what_is_no_key_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        note.verifier(text)


# ---------------------------------------------------------------- signatures


def test_another_key_another_origin_and_a_false_signature_are_refused() -> None:
    assert "has not signed" in refused(write_checkpoint(POINT, OTHER))
    assert "has not signed" in refused(GOOD, LogPolicy(origin="other", key=POLICY.key))
    assert "is false" in refused(GOOD.replace(b"\n12\n", b"\n13\n"))
    wrong = note.signed(TEXT.replace(b"abcde", b"edcba"), ORIGIN, SEED)
    assert "a checkpoint of heliograph/edcba/2" in refused(wrong)


def test_lines_of_strangers_count_for_nothing_and_do_no_harm() -> None:
    more = line("stranger.example", b"1234", b"anything") + cosigned(OTHER) + line("x", b"\0\0\0\0", b"y")
    assert read_checkpoint(GOOD + more, POLICY) == POINT
    before = TEXT + b"\n" + more + GOOD.partition(b"\n\n")[2]
    assert read_checkpoint(before, POLICY) == POINT


def test_a_false_line_beside_the_true_one_is_refused() -> None:
    assert "is false" in refused(GOOD + line(ORIGIN, POLICY.verifier.id, bytes(64)))


def test_a_quorum_counts_witnesses_by_their_keys() -> None:
    witnesses = tuple(Verifier(name=f"w{number}", key=public(bytes([number]) * 32), kind=WITNESS) for number in (5, 6))
    again = Verifier(name="w5-again", key=public(b"\5" * 32), kind=WITNESS)
    policy = LogPolicy(origin=ORIGIN, key=POLICY.key, witnesses=(*witnesses, again), quorum=2)
    one, two = cosigned(b"\5" * 32, "w5"), cosigned(b"\6" * 32, "w6")
    assert "0 of 2 witnesses" in refused(GOOD, policy)
    assert "1 of 2 witnesses" in refused(GOOD + one, policy)
    assert "1 of 2 witnesses" in refused(GOOD + one + cosigned(b"\5" * 32, "w5-again"), policy)
    assert read_checkpoint(GOOD + one + two, policy) == POINT
    false = cosigned(b"\6" * 32, "w6", text=TEXT + b"more\n")
    assert "is false" in refused(GOOD + one + false, policy)


def test_a_witness_of_another_kind_cannot_be_counted() -> None:
    kind = Verifier(name="w", key=b"\1" * 1312, kind=6)
    assert note.verifier(kind.text) == kind
    assert not kind.accepts(TEXT, bytes(2420))


# ---------------------------------------------------------------- form


@pytest.mark.parametrize(
    "text",
    [
        b"\n12\n%b\n", b"%b\n", b"o\n%b\n", b"o\n012\n%b\n", b"o\n-1\n%b\n", b"o\n1e3\n%b\n", b"o\n 1\n%b\n",
        b"o\n99999999999999999\n%b\n", b"o\n9007199254740992\n%b\n", b"o\n1\n%bx\n", b"o\n1\nAAAA\n",
        b"o\n1\n\n%b\n",
    ],
)  # fmt: skip
def test_the_lines_of_a_checkpoint_are_strict(text: bytes) -> None:
    whole = text.replace(b"%b", base64.b64encode(POINT.root))
    refused(note.signed(whole, "o", SEED), LogPolicy(origin="o", key=POLICY.key))


def test_further_lines_are_allowed_and_ignored() -> None:
    assert read_checkpoint(note.signed(TEXT + b"a line of tomorrow\n", ORIGIN, SEED), POLICY) == POINT
    assert read_checkpoint(note.signed(f"{ORIGIN}\n0\n".encode() + TEXT.split(b"\n")[2] + b"\n", ORIGIN, SEED), POLICY)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n\n", b"x", TEXT, TEXT + b"\n", GOOD[:-1], GOOD + b"x\n", GOOD + b"\n", GOOD.replace(b"\xe2", b"\xff"),
        GOOD.replace(b"\n12", b"\r\n12"), GOOD + "— a+b AAAAAAAA\n".encode(), GOOD + "— a AAAA\n".encode(),
        GOOD + "— a AAAAAAB=\n".encode(), GOOD + line("n", b"1234", b"5") * 100, GOOD + bytes(16_384),
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(data: bytes) -> None:
    refused(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
def test_no_bit_of_a_checkpoint_can_be_turned(place: int, bit: int) -> None:
    refused(GOOD[:place] + bytes([GOOD[place] ^ 1 << bit]) + GOOD[place + 1 :])


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_anything_else_is_refused_and_raises_nothing_else(data: bytes) -> None:
    refused(data)
    refused(TEXT + b"\n" + data)
