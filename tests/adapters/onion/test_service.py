"""An onion service against a strict control port, and against a real tor that has no network."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.onion.controlport import ControlPort, address_of, key_of
from tests.tornet import Tor, free_ports

from heliograph.adapters.onion import Onion, control, service
from heliograph.model import ConfigError, HeliographError, StoreError


@pytest.fixture
def tor(tmp_path: Path) -> Iterator[ControlPort]:
    """A tor that the service must not do anything wrong to."""
    (tmp_path / "tor").mkdir()
    one = ControlPort(tmp_path / "tor")
    yield one
    assert one.faults == []


def begun(tor: ControlPort, key: Path, **options: Any) -> str:
    async def go() -> str:
        async with tor.running() as port:
            return await Onion(key, ("127.0.0.1", port), **options).begin(8080)

    return asyncio.run(go())


def refused(tor: ControlPort, key: Path, **options: Any) -> HeliographError:
    with pytest.raises(HeliographError) as caught:
        begun(tor, key, **options)
    assert caught.value.where
    return caught.value


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what is waited for knows nothing of this test
            await asyncio.sleep(0.005)


@asynccontextmanager
async def kept(tor: ControlPort, key: Path, said: list[str]) -> Any:
    """The service being kept, beside a tor that may be dropped."""
    place = ("127.0.0.1", tor.port)
    onion = Onion(key, place, say=said.append, pause=lambda _: asyncio.sleep(0.005))
    task = asyncio.create_task(onion.keep(8080))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_the_key_is_made_once_and_the_address_stays(tor: ControlPort, tmp_path: Path) -> None:
    key = tmp_path / "onion.key"
    address = begun(tor, key)
    assert address == address_of(key_of(1))
    assert key.read_text() == f"{key_of(1)}\n{address}\n"
    assert key.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name != "tor"] == ["onion.key"]
    assert tor.services == {}
    before = len(tor.said)
    assert begun(tor, key) == address
    words = [line.partition(" ")[0] for line in tor.said[before:]]
    assert words == ["PROTOCOLINFO", "AUTHCHALLENGE", "AUTHENTICATE"]  # it need not be published to be known


def test_a_key_alone_is_enough_of_a_file(tor: ControlPort, tmp_path: Path) -> None:
    key = tmp_path / "onion.key"
    key.touch(0o600)
    key.write_text(key_of(7))
    assert begun(tor, key) == address_of(key_of(7))
    assert (tor.made, key.read_text()) == (0, key_of(7))


def test_it_is_published_until_it_ends_and_no_longer(tor: ControlPort, tmp_path: Path) -> None:
    key, said = tmp_path / "onion.key", list[str]()
    address = begun(tor, key)

    async def go() -> None:
        async with tor.running():
            async with kept(tor, key, said):
                await until(lambda: bool(said))
                assert tor.services == {address: "8080"}
            await until(lambda: not tor.services)

    asyncio.run(go())
    assert said == [f"published: http://{address}/"]  # once, and not for the address of another service


def test_a_tor_that_was_restarted_gets_it_again_under_the_same_address(tor: ControlPort, tmp_path: Path) -> None:
    key, said = tmp_path / "onion.key", list[str]()
    address = begun(tor, key)

    async def go() -> None:
        async with kept(tor, key, said):
            await until(lambda: bool(said))  # no tor yet
            async with tor.running():
                await until(lambda: tor.services == {address: "8080"})
            async with tor.running():
                await until(lambda: tor.services == {address: "8080"})
                tor.drop()
                await until(lambda: tor.services == {address: "8080"})
                await until(lambda: said[-1].startswith("published"))

    asyncio.run(go())
    assert tor.made == 1
    assert "no tor answers here" in said[0]
    assert [line for line in said if line.startswith("published")]


def test_a_tor_that_let_it_go_without_a_word_is_found_out(
    tor: ControlPort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, said = tmp_path / "onion.key", list[str]()
    address = begun(tor, key)
    monkeypatch.setattr(service, "LOOK", 0.02)

    async def go() -> None:
        async with tor.running(), kept(tor, key, said):
            await until(lambda: bool(said))
            tor.services.clear()
            await until(lambda: tor.services == {address: "8080"})

    asyncio.run(go())
    assert any("let go of the onion service" in line for line in said)


def test_an_address_that_another_program_has_is_said_once_and_tried_again(tor: ControlPort, tmp_path: Path) -> None:
    key, said = tmp_path / "onion.key", list[str]()
    address = begun(tor, key)
    tor.foreign.add(address)

    async def go() -> None:
        async with tor.running(), kept(tor, key, said):
            await until(lambda: sum(line.startswith("ADD_ONION") for line in tor.said) > 4)
            tor.foreign.clear()
            await until(lambda: tor.services == {address: "8080"})

    asyncio.run(go())
    assert sum("publishes the address already" in line for line in said) == 1


def test_a_key_and_an_address_that_do_not_belong_together_are_told(tor: ControlPort, tmp_path: Path) -> None:
    key, said = tmp_path / "onion.key", list[str]()
    key.touch(0o600)
    key.write_text(f"{key_of(1)}\n{address_of(key_of(2))}\n")

    async def go() -> None:
        async with tor.running(), kept(tor, key, said):
            await until(lambda: bool(said))

    asyncio.run(go())
    assert address_of(key_of(1)) in said[0]
    assert key_of(1) not in said[0]


# --- who may command tor


@pytest.mark.parametrize("methods", ["NULL", "SAFECOOKIE", "COOKIE,SAFECOOKIE,HASHEDPASSWORD"])
def test_every_usual_proof_is_given(tor: ControlPort, tmp_path: Path, methods: str) -> None:
    tor.methods = methods
    assert begun(tor, tmp_path / "key")


def test_a_password_is_read_from_its_file(tor: ControlPort, tmp_path: Path) -> None:
    tor.methods, tor.password = "HASHEDPASSWORD", r"open \"sesame\\"
    assert "HASHEDPASSWORD as proof" in str(refused(tor, tmp_path / "key"))
    (tmp_path / "password").write_text('open "sesame\\\n')
    assert begun(tor, tmp_path / "key", password=tmp_path / "password")
    (tmp_path / "password").write_text("another\n")
    assert "tor does not let us" in str(refused(tor, tmp_path / "key", password=tmp_path / "password"))
    for text in ("", "two\nlines"):
        (tmp_path / "password").write_text(text)
        assert "no password" in str(refused(tor, tmp_path / "key", password=tmp_path / "password"))
    assert "cannot be read" in str(refused(tor, tmp_path / "key", password=tmp_path / "none"))


def test_a_cookie_is_proved_and_never_sent(tor: ControlPort, tmp_path: Path) -> None:
    tor.methods = "COOKIE"  # nothing but to send it
    assert "COOKIE as proof" in str(refused(tor, tmp_path / "key"))
    tor.methods, tor.cookie = "SAFECOOKIE", bytes(32)  # somebody listens in tor's place
    assert "does not know tor's cookie" in str(refused(tor, tmp_path / "key"))
    (tor.folder / "cookie").write_bytes(b"a file that is no cookie, but 33 b")
    assert "no cookie" in str(refused(tor, tmp_path / "key"))
    (tor.folder / "cookie").unlink()
    assert "cannot be read" in str(refused(tor, tmp_path / "key"))
    assert "AUTHENTICATE" not in tor.said
    tor.answers["AUTHCHALLENGE"] = b"250 AUTHCHALLENGE SERVERHASH=x\r\n"
    (tor.folder / "cookie").write_bytes(bytes(32))
    assert "does not take the challenge" in str(refused(tor, tmp_path / "key"))


# --- what cannot be


def test_no_tor_no_right_and_no_socket_are_told_apart(tor: ControlPort, tmp_path: Path) -> None:
    def begin(place: Path | tuple[str, int]) -> str:
        with pytest.raises(ConfigError) as caught:
            asyncio.run(Onion(tmp_path / "key", place).begin(8080))
        assert caught.value.remedy
        return str(caught.value)

    (port,) = free_ports(1)
    assert f"127.0.0.1:{port}: no tor answers here" in begin(("127.0.0.1", port))
    assert "no tor answers here" in begin(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    assert "no tor answers here" in begin(tmp_path / "file")
    assert not (tmp_path / "key").exists()


def test_what_may_not_be_read_is_told_with_the_group_that_may(
    tor: ControlPort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")  # root, who may run this test, can read and open everything

    monkeypatch.setattr("heliograph.adapters.onion.control.asyncio.open_unix_connection", forbidden)
    with pytest.raises(ConfigError, match="no right to tor's control socket") as caught:
        asyncio.run(Onion(tmp_path / "key", tmp_path / "socket").begin(8080))
    assert "debian-tor" in caught.value.remedy
    monkeypatch.setattr("heliograph.adapters.onion.control.Path.open", forbidden)
    monkeypatch.setattr("heliograph.adapters.onion.keyfile.read", lambda _: None)
    assert "no right to read tor's cookie" in str(refused(tor, tmp_path / "key"))


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak as tor does"),
        (b"\x05\xff\r\n", "does not speak as tor does"),
        (b"250 OK\r\n", "does not speak as tor does"),
        (b"250-" + b"x" * 9_000, "does not speak as tor does"),
    ],
)
def test_who_is_no_tor_is_recognised(tor: ControlPort, tmp_path: Path, answer: bytes, what: str) -> None:
    tor.answers["PROTOCOLINFO"] = answer
    assert what in str(refused(tor, tmp_path / "key"))


def test_a_tor_that_says_nothing_is_not_waited_for_for_ever(
    tor: ControlPort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "PATIENCE", 0.05)
    tor.answers["PROTOCOLINFO"] = b""
    assert "does not answer" in str(refused(tor, tmp_path / "key"))


@pytest.mark.parametrize(
    "answer",
    [b"513 Failed to decode ED25519-V3 key\r\n", b"250 OK\r\n", b"250-ServiceID=x\r\n250 OK\r\n", b"551 no room\r\n"],
)
def test_a_refusal_of_tors_leaves_no_key(tor: ControlPort, tmp_path: Path, answer: bytes) -> None:
    tor.answers["ADD_ONION"] = answer
    assert isinstance(refused(tor, tmp_path / "key"), StoreError)
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize(
    "text",
    ["", "junk", "ED25519-V3:short==", f"{key_of(1)}\nx.onion", f"{key_of(1)}\n" * 2, f"{key_of(1)}\n" + " " * 2_000],
)
def test_a_file_that_is_no_key_is_never_overwritten(tor: ControlPort, tmp_path: Path, text: str) -> None:
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_text(text)
    assert "no key of an onion service" in str(refused(tor, key))
    assert key.read_text() == text


def test_a_key_that_others_can_read_is_not_used(tor: ControlPort, tmp_path: Path) -> None:
    key = tmp_path / "key"
    begun(tor, key)
    for mode in (0o640, 0o604, 0o620):
        key.chmod(mode)
        told = refused(tor, key)
        assert "others can read the key" in str(told)
        assert f"chmod 600 {key}" in str(told)


def test_a_key_that_cannot_be_kept_is_not_used(tor: ControlPort, tmp_path: Path) -> None:
    assert "cannot be written" in str(refused(tor, tmp_path / "none" / "key"))
    assert tor.services == {}
    assert "no key of an onion service" in str(refused(tor, Path("/dev/null")))
    assert "cannot be read" in str(refused(tor, tmp_path))


def test_a_key_that_is_gone_is_said(tor: ControlPort, tmp_path: Path) -> None:
    key, said = tmp_path / "key", list[str]()
    begun(tor, key)
    key.unlink()

    async def go() -> None:
        async with tor.running(), kept(tor, key, said):
            await until(lambda: bool(said))

    asyncio.run(go())
    assert "the key is gone" in said[0]
    assert tor.made == 1


# --- a real tor, which need not reach anybody for all this


@pytest.fixture
def real(tor_program: str, tmp_path: Path) -> Iterator[Tor]:
    """Debian's tor, without a network."""
    folder = tmp_path / "real"
    folder.mkdir(mode=0o700)
    one = Tor(program=tor_program, name="real", folder=folder, control=free_ports(1)[0])
    one.lines = f"DisableNetwork 1\nControlSocket {folder}/control\n"
    one.start(testing=False)
    try:
        one.wait("250 OK", "GETINFO version")
        yield one
    finally:
        one.stop()


def test_a_real_tor_makes_the_key_and_gives_the_same_address_for_it(real: Tor, tmp_path: Path) -> None:
    key, said = tmp_path / "key", list[str]()
    address = asyncio.run(Onion(key, ("127.0.0.1", real.control)).begin(8080))
    assert key.read_text().splitlines()[1] == address
    lone = tmp_path / "lone"
    lone.touch(0o600)
    lone.write_text(key.read_text().splitlines()[0])
    assert asyncio.run(Onion(lone, real.folder / "control").begin(8080)) == address

    async def go() -> None:
        rivals = [Onion(key, real.folder / "control", say=said.append, pause=lambda _: asyncio.sleep(0.05))] * 2
        tasks = [asyncio.create_task(one.keep(8080)) for one in rivals]
        await until(lambda: bool(said))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(go())
    assert "publishes the address already" in said[0]
    assert asyncio.run(Onion(lone, ("127.0.0.1", real.control)).begin(8080)) == address  # free again: it ended with us


def test_a_real_tor_takes_a_password(real: Tor, tor_program: str, tmp_path: Path) -> None:
    command = [tor_program, "--quiet", "--hash-password", 'a "secret"']
    hashed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]
    real.stop()
    real.lines += f"CookieAuthentication 0\nHashedControlPassword {hashed}\n"
    real.start(testing=False)
    (tmp_path / "password").write_text('a "secret"\n')
    onion = Onion(tmp_path / "key", ("127.0.0.1", real.control), password=tmp_path / "password")
    real.listens()
    assert asyncio.run(onion.begin(8080)).endswith(".onion")
