"""What every server that takes an edition has in common, each against a real one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import anyio
import pytest
from tests.adapters.hosts import edition as e
from tests.adapters.hosts.conftest import Start
from tests.adapters.hosts.machines import DavPeer, Peer, stored
from tests.adapters.hosts.sshd import make_key

from heliograph.model import ConfigError, StoreError
from heliograph.model.ledger import Change
from heliograph.model.mirror import Spent

FIRST, SECOND = e.edition(1), e.edition(2)


class Halt(BaseException):
    """What ends a delivery from inside."""


def bring(peer: Peer, work: e.Steps, files: e.Files) -> Spent:
    """Deliver; returns what that took."""

    async def run() -> Spent:
        async with peer.opened() as store:
            done: list[int] = []
            await store.apply(work, lambda change: files[change.name], done.append)
            assert sum(done) == sum(map(len, work))
            return store.spent

    return anyio.run(run)


def mend(peer: Peer, files: e.Files) -> Spent:
    """Compare and deliver what is missing; the mirror is exactly the edition then, and knows it."""

    async def run() -> Spent:
        async with peer.opened() as store:
            await store.apply(e.repairs(await store.listing(), files), lambda one: files[one.name], lambda _: None)
            took = store.spent
            assert await store.listing() == e.digests(files)
            assert peer.files() == stored(store, dict(files))
            return took

    return anyio.run(run)


def test_an_edition_goes_there_is_replaced_and_what_ended_goes(peer: Peer) -> None:
    first = bring(peer, e.steps({}, FIRST), FIRST)
    assert mend(peer, FIRST).writes == 0
    second = bring(peer, e.steps(FIRST, SECOND), SECOND)
    assert 0 < second.writes <= first.writes
    assert second.size < first.size
    assert mend(peer, SECOND).writes == 0


def test_what_it_holds_is_read_and_what_it_does_not_hold_is_empty(peer: Peer) -> None:
    async def run() -> tuple[bytes, bytes]:
        async with peer.opened() as store:
            before = await store.read("now")
            await store.apply(e.steps({}, FIRST), lambda one: FIRST[one.name], lambda _: None)
            assert await store.read("a/none.html") == b""
            return before, await store.read("now")

    assert anyio.run(run) == (b"", FIRST["now"])


def test_an_empty_place_lists_nothing(peer: Peer) -> None:
    async def run() -> object:
        async with peer.opened() as store:
            return await store.listing()

    assert anyio.run(run) == {}


def test_what_is_not_ours_is_left_alone(peer: Peer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    for name in ("CNAME", "a/private/notes.txt", ".well-known/security.txt"):
        peer.plant(name, b"theirs")
    bring(peer, e.steps(FIRST, SECOND), SECOND)
    bring(peer, [[e.gone(name) for name in SECOND]], {})
    left = {"CNAME": b"theirs", "a/private/notes.txt": b"theirs", ".well-known/security.txt": b"theirs"}
    assert {name: data for name, data in peer.files().items() if name != ".nojekyll"} == left


def test_a_file_that_somebody_changed_there_is_replaced(peer: Peer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    peer.plant("index.html", b"not ours")
    assert mend(peer, FIRST).writes == 1


@pytest.mark.parametrize(("moment", "count"), [("read", 1), ("read", 8), ("done", 10)])
def test_a_delivery_that_was_killed_leaves_whole_files_and_goes_on(peer: Peer, moment: str, count: int) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    text = f'[newsroom]\ntitle = "Example"\n[[mirror]]\nname = "m"\n{peer.table}\n'
    e.killed(text, peer.folder, e.steps(FIRST, SECOND), SECOND, moment, count)
    peer.settle()
    assert not [name for name, data in peer.files().items() if data not in (FIRST.get(name), SECOND.get(name), b"")]
    bring(peer, e.steps(FIRST, SECOND), SECOND)
    mend(peer, SECOND)


def test_a_first_delivery_that_was_ended_from_inside_goes_on(peer: Peer) -> None:
    def read(change: Change) -> bytes:
        if change.name == "feed.xml":
            raise Halt
        return FIRST[change.name]

    async def run() -> None:
        async with peer.opened() as store:
            await store.apply(e.steps({}, FIRST), read, lambda _: None)

    with pytest.raises(BaseException) as raised:
        anyio.run(run)
    assert raised.group_contains(Halt) if isinstance(raised.value, BaseExceptionGroup) else raised.type is Halt
    assert "index.html" not in peer.files()
    mend(peer, FIRST)


def test_a_damaged_file_of_the_stage_is_told_and_does_not_travel(peer: Peer) -> None:
    def read(change: Change) -> bytes:
        if change.name == "a/0000003.html":
            raise StoreError("it is damaged", where="stage")
        return FIRST[change.name]

    async def run() -> None:
        async with peer.opened() as store:
            await store.apply(e.steps({}, FIRST), read, lambda _: None)

    with pytest.raises(StoreError, match="damaged"):
        anyio.run(run)
    assert "a/0000003.html" not in peer.files()


def test_a_server_that_dies_in_the_middle_is_told_and_later_gets_the_rest(peer: Peer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    met = 0

    def read(change: Change) -> bytes:
        nonlocal met
        met += 1
        if met == 8:
            peer.hang_up()
        return SECOND[change.name]

    async def run() -> None:
        async with peer.opened() as store:
            await store.apply(e.steps(FIRST, SECOND), read, lambda _: None)

    with pytest.raises(StoreError, match="cannot be reached"):
        anyio.run(run)
    peer.start()
    bring(peer, e.steps(FIRST, SECOND), SECOND)
    mend(peer, SECOND)


def test_a_server_that_is_not_there_is_told(peer: Peer) -> None:
    peer.stop()
    with pytest.raises(StoreError, match="cannot be reached"):
        bring(peer, e.steps({}, FIRST), FIRST)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", ".hidden", "a/.x", "a\\x", "a\nx", "-x", "a b", ""])
def test_a_name_that_leads_outside_is_refused(peer: Peer, name: str) -> None:
    with pytest.raises(StoreError, match="not a name"):
        bring(peer, [[Change(name=name, digest="", size=1, fresh=True)]], {name: b"x"})
    with pytest.raises(StoreError, match="not a name"):
        bring(peer, [[e.gone(name)]], {})


def test_a_full_disk_is_told_and_what_was_there_stays_whole(kind: str, start: Start, small_disk: Path) -> None:
    peer = start(kind, small_disk / "root")
    few = {name: data for name, data in FIRST.items() if not name.startswith("a/")}
    bring(peer, e.steps({}, few), few)
    large = few | {f"a/{number}.html": e.noise(f"large {number}", 20_000) for number in range(20)}
    with pytest.raises(StoreError, match=r"disk there is full|disk (there )?may be full|disk is full") as raised:
        bring(peer, e.steps(few, large), large)
    assert "room" in raised.value.remedy or kind == "webdav"
    assert not [name for name, data in peer.files().items() if data not in (few.get(name), large.get(name), b"")]
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    bring(peer, e.steps(few, large), large)
    mend(peer, large)


@pytest.mark.parametrize("kind", ["sftp", "rsync", "git"])
def test_a_server_with_another_host_key_gets_nothing(peer: Peer) -> None:
    sshd = peer.sshd  # type: ignore[attr-defined]
    peer.stop()
    make_key(sshd.folder / "host")
    peer.start()
    with pytest.raises(StoreError, match="another host key") as raised:
        bring(peer, e.steps({}, FIRST), FIRST)
    assert str(sshd.known_hosts) in raised.value.remedy
    assert peer.files() == {}
    sshd.known_hosts.write_text("other.example ssh-ed25519 AAAA\n" * 0)
    with pytest.raises(StoreError, match="not in the file of known hosts"):
        bring(peer, e.steps({}, FIRST), FIRST)
    sshd.note_host_key()
    bring(peer, e.steps({}, FIRST), FIRST)


@pytest.mark.parametrize("kind", ["sftp", "rsync", "git"])
def test_a_key_that_the_server_does_not_know_is_told(peer: Peer) -> None:
    make_key(peer.sshd.key)  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match="does not let us in"):
        bring(peer, e.steps({}, FIRST), FIRST)


@pytest.mark.parametrize("kind", ["sftp", "rsync", "git", "webdav"])
def test_a_secret_that_others_can_read_is_refused(peer: Peer) -> None:
    path = peer.credentials if isinstance(peer, DavPeer) else peer.sshd.key  # type: ignore[attr-defined]
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="others can read") as raised:
        bring(peer, [], {})
    assert f"chmod 600 {path}" in raised.value.remedy
    path.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        bring(peer, [], {})
