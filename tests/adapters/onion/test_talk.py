"""What a control port says, as values; whoever is at its other end."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.adapters.onion.talk import LINE, MOST, Ear, Reply, TalkError, offer, quoted, values

WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
DATA = st.lists(WORDS, max_size=4).map("\n".join)
REPLIES = st.lists(
    st.tuples(st.sampled_from([250, 251, 510, 650]), st.lists(st.tuples(WORDS, st.none() | DATA), max_size=4), WORDS),
    max_size=5,
)


def wire(reply: tuple[int, list[tuple[str, str | None]], str]) -> tuple[bytes, Reply]:
    """A reply as tor sends it (control-spec, 2.3 and 2.4)."""
    status, lines, last = reply
    sent, told = "", []
    for line, data in lines:
        if data is None:
            sent += f"{status}-{line}\r\n"
            told.append(line)
            continue
        rows = data.split("\n")
        sent += f"{status}+{line}\r\n" + "".join(f"{'.' if row[:1] == '.' else ''}{row}\r\n" for row in rows) + ".\r\n"
        told.append("\n".join([line, *rows]))
    return f"{sent}{status} {last}\r\n".encode(), Reply(status, (*told, last))


@given(REPLIES, st.lists(st.integers(1, 60), max_size=30))
def test_replies_are_the_same_however_they_are_cut(
    replies: list[tuple[int, list[tuple[str, str | None]], str]], cuts: list[int]
) -> None:
    sent = b"".join(wire(reply)[0] for reply in replies)
    ear, heard = Ear(), []
    for cut in [*cuts, len(sent)]:
        heard += ear.feed(sent[:cut])
        sent = sent[cut:]
    assert heard == [wire(reply)[1] for reply in replies]
    assert ear.held == 0


@given(st.lists(st.binary(max_size=200) | st.sampled_from([b"250-x\r\n", b"250+x\r\n", b"650 y\r\n", b".\r\n"])))
def test_whatever_comes_is_replies_or_refused(pieces: list[bytes]) -> None:
    ear = Ear()
    with suppress(TalkError):
        for piece in pieces:
            assert all(reply.lines for reply in ear.feed(piece))


@pytest.mark.parametrize("piece", [b"x" * 700, b"250-" + b"x" * 700 + b"\r\n", b"250+x\r\n" + b"y\r\n" * 99])
def test_what_never_ends_is_refused_before_it_is_much(piece: bytes) -> None:
    ear = Ear()
    with pytest.raises(TalkError, match="without end"):  # noqa: PT012 - at some turn
        for _ in range(10_000):
            ear.feed(piece)
            assert ear.held <= MOST + LINE


@pytest.mark.parametrize("line", [b"", b"25 OK", b"250", b"2500 OK", b"250~OK", b"SSH-2.0-x", b"\x05\x00"])
def test_what_is_no_reply_is_refused(line: bytes) -> None:
    with pytest.raises(TalkError):
        Ear().feed(line + b"\r\n")


def test_a_reply_has_one_status() -> None:
    with pytest.raises(TalkError):
        Ear().feed(b"250-x\r\n550 y\r\n")


def told(*lines: str) -> Reply:
    return Reply(250, (*lines, "OK"))


def test_how_to_authenticate_is_read_with_the_cookie_in_any_spelling() -> None:
    plain = told("PROTOCOLINFO 1", 'AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE="/run/tor/a \\"b\\"\\\\\\303\\266\\tc"')
    assert offer(plain).methods == {"COOKIE", "SAFECOOKIE"}
    assert offer(plain).cookie == '/run/tor/a "b"\\ö\tc'
    assert offer(told("AUTH METHODS=NULL")) == (frozenset({"NULL"}), "")
    with pytest.raises(TalkError):
        offer(told("VERSION Tor"))


def test_values_are_found_wherever_they_stand() -> None:
    assert values(told("ServiceID=abc", "PrivateKey=ED25519-V3:x==")) == {
        "ServiceID": "abc", "PrivateKey": "ED25519-V3:x==",
    }  # fmt: skip
    assert values(told("AUTHCHALLENGE SERVERHASH=1 SERVERNONCE=2")) == {"SERVERHASH": "1", "SERVERNONCE": "2"}
    assert values(told("onions/current=\nabc\ndef")) == {"onions/current": "abc\ndef"}


def test_a_word_is_quoted() -> None:
    assert quoted('a"b\\') == '"a\\"b\\\\"'
