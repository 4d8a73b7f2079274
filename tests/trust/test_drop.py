"""Sealed messages: whose they are, what they give away, and what becomes of those that nobody of ours wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.trust import drop, sealing

INBOX, ANNA, BORIS = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
NUMBER = bytes(16)
KNOWN = {"anna": sealing.public_of(ANNA), "boris": sealing.public_of(BORIS)}
TO = sealing.public_of(INBOX)


def sent(payload: bytes = b"seen", secret: bytes = ANNA, number: bytes = NUMBER) -> bytes:
    return drop.report(payload, secret, TO, number)


def body_of(message: bytes) -> bytes:
    inner = drop.read(message, INBOX)
    assert inner is not None
    assert inner[0] == drop.REPORT
    return inner[1]


def test_sealing_is_rfc_9180() -> None:
    """Appendix A.2.1, the first encryption."""
    secret = bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
    key = bytes.fromhex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")
    data = bytes.fromhex("1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28")
    from cryptography.hazmat.bindings._rust import openssl
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    plain = openssl.hpke._decrypt_with_aad(  # the vector has "Count-0" beside it; ours have nothing there
        sealing._suite(),
        key + data,
        X25519PrivateKey.from_private_bytes(secret),
        bytes.fromhex("4f6465206f6e2061204772656369616e2055726e"),
        b"Count-0",
    )
    assert plain == b"Beauty is truth, truth beauty"


def test_every_message_has_the_same_length_and_none_is_like_another() -> None:
    messages = [sent(b"x" * size) for size in (0, 1, 1_000, drop.PAYLOAD)] + [sent(), sent()]
    assert {len(message) for message in messages} == {drop.MESSAGE}
    assert len({message[:32] for message in messages}) == len(messages)
    with pytest.raises(ValueError, match="the limit is"):
        sent(b"x" * (drop.PAYLOAD + 1))


def test_a_report_is_read_by_the_newsroom_alone() -> None:
    message = sent(b"seen")
    report = drop.reported(body_of(message), INBOX, KNOWN)
    assert report == drop.Report(name="anna", number=NUMBER, payload=b"seen")
    for other in (ANNA, BORIS):  # not even by whoever wrote it
        assert drop.read(message, other) is None


def test_a_vantage_cannot_speak_as_another() -> None:
    body = body_of(sent(secret=BORIS))
    as_anna = drop.ident(KNOWN["anna"]) + body[drop.ID :]
    assert drop.reported(as_anna, INBOX, KNOWN) == "forged"
    assert drop.reported(body, INBOX, {"anna": KNOWN["anna"]}) == "unknown"


@pytest.mark.parametrize("at", [drop.ID, drop.ID + drop.NUMBER, drop.ID + drop.NUMBER + drop.TAG])
def test_what_was_changed_within_is_forged(at: int) -> None:
    body = bytearray(body_of(sent()))
    body[at] ^= 1
    assert drop.reported(bytes(body), INBOX, KNOWN) == "forged"


@given(st.binary(max_size=200))
def test_no_body_of_a_stranger_is_an_error(body: bytes) -> None:
    assert drop.reported(body, INBOX, KNOWN) in ("unknown", "forged")
    assert drop.reported(drop.ident(KNOWN["anna"]) + body, INBOX, KNOWN) == "forged"


@given(st.binary(max_size=64), st.integers(0, 4_095), st.integers(1, 255))
def test_no_bytes_of_a_stranger_open(noise: bytes, at: int, change: int) -> None:
    assert drop.read(noise, INBOX) is None
    assert drop.read(noise.ljust(drop.MESSAGE, b"\0"), INBOX) is None
    message = bytearray(sent())
    message[at] ^= change
    if at != 31 or change != 128:  # RFC 7748: the highest bit of a key is not looked at, but HPKE hashes it
        assert drop.read(bytes(message), INBOX) is None
    assert drop.read(sent()[: at + 1][:-1], INBOX) is None


def test_a_length_beyond_the_end_is_no_message() -> None:
    plain = bytes([drop.REPORT]) + b"\xff\xff"
    sealed = sealing.seal(plain.ljust(drop.MESSAGE - sealing.OVERHEAD, b"\0"), TO, b"heliograph/drop/1")
    assert drop.read(sealed, INBOX) is None


def test_the_name_of_a_list_is_the_same_from_both_sides_and_another_each_day() -> None:
    names = [drop.place(sealing.shared(ANNA, TO), day) for day in range(20_000, 20_030)]
    assert names == [drop.place(sealing.shared(INBOX, KNOWN["anna"]), day) for day in range(20_000, 20_030)]
    assert len(set(names)) == 30
    assert all(len(name) == 32 for name in names)


def test_text_for_mail_survives_quoting_and_what_is_broken_is_left_out() -> None:
    first, second = sent(b"one"), sent(b"two")
    mail = "Здравствуйте!\n" + drop.armored(first) + "\nAnd one more:\n" + drop.armored(second)
    quoted = "".join(f"> {line}\r\n" for line in mail.splitlines())
    assert drop.from_text(quoted) == [first, second]
    assert max(map(len, drop.armored(first).splitlines())) <= 80
    broken = drop.armored(first).replace("=", "", 1)[:-60] + drop.armored(second)
    assert drop.from_text(broken) == [second]
    assert drop.from_text(drop.armored(first)[:900]) == []


@given(st.text(max_size=300))
def test_no_text_is_an_error(text: str) -> None:
    assert drop.from_text(text) == []
    assert drop.from_text(f"-----BEGIN MESSAGE-----{text}-----END MESSAGE-----") == []


def test_the_vector_of_the_documents() -> None:
    text = (Path(__file__).parent / "drop-1.txt").read_text(encoding="ascii")
    (message,) = drop.from_text(text)
    report = drop.reported(body_of(message), INBOX, KNOWN)
    assert report == drop.Report(name="anna", number=bytes(range(16)), payload=b"a report of 24 bytes ...")
