"""SFTP against OpenSSH: one connection, nothing half-written, nothing outside."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from tests.adapters.hosts import edition as e
from tests.adapters.hosts.conftest import Start
from tests.adapters.hosts.machines import SshPeer
from tests.adapters.hosts.sshd import Sshd, make_key
from tests.adapters.hosts.test_servers import bring, mend

from heliograph.adapters.hosts.objects import BusyError, Put
from heliograph.adapters.hosts.sftp import SftpBin
from heliograph.model import ConfigError, StoreError
from heliograph.model.ledger import Change

FIRST, SECOND = e.edition(1), e.edition(2)


@pytest.fixture
def peer(start: Start) -> SshPeer:
    peer = start("sftp")
    assert isinstance(peer, SshPeer)
    return peer


def test_a_delivery_takes_one_connection(peer: SshPeer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    assert peer.sshd.logins() == 1


def test_temporary_names_are_beside_the_tree_and_those_of_a_killed_run_go(peer: SshPeer) -> None:
    beside = peer.root.with_name(".root.part")
    beside.mkdir()
    (beside / "0123456789abcdef").write_bytes(b"half")
    bring(peer, e.steps({}, FIRST), FIRST)
    assert list(beside.iterdir()) == []
    assert not list(peer.root.glob(".*"))


def test_what_is_written_can_be_served_by_another_user(peer: SshPeer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    assert (peer.root / "a/0000000.html").stat().st_mode & 0o777 == 0o644
    assert (peer.root / "a").stat().st_mode & 0o777 == 0o755


def test_emptied_folders_go(peer: SshPeer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    bring(peer, e.steps(FIRST, {"now": FIRST["now"]}), FIRST)
    assert [path.name for path in peer.root.iterdir()] == ["now"]
    bring(peer, e.steps({"now": FIRST["now"]}, FIRST), FIRST)
    mend(peer, FIRST)


def test_a_connection_that_is_lost_is_made_anew(peer: SshPeer) -> None:
    met = 0

    def read(change: Change) -> bytes:
        nonlocal met
        met += 1
        if met in (5, 30):
            peer.sshd.hang_up()
        return FIRST[change.name]

    async def run() -> None:
        async with peer.opened() as store:
            await store.apply(e.steps({}, FIRST), read, lambda _: None)

    anyio.run(run)
    mend(peer, FIRST)
    assert peer.sshd.logins() >= 3


def test_a_key_that_is_not_taken_is_shown_once(peer: SshPeer) -> None:
    make_key(peer.sshd.key)
    with pytest.raises(StoreError, match="does not let us in"):
        bring(peer, e.steps({}, FIRST), FIRST)
    assert (peer.sshd.folder / "log").read_text().count("authenticating user") == 1  # servers ban who tries many


@pytest.mark.parametrize("name", ["a", "a/d"])
def test_a_link_there_is_not_followed(peer: SshPeer, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (peer.root / name).parent.mkdir(parents=True)
    (peer.root / name).symlink_to(outside)
    with pytest.raises(StoreError, match="in the way"):
        bring(peer, e.steps({}, FIRST), FIRST)
    assert list(outside.iterdir()) == []


def test_links_and_hidden_files_are_not_listed(peer: SshPeer) -> None:
    peer.plant("real.html", b"x")
    peer.plant(".secret", b"x")
    (peer.root / "link.html").symlink_to("/etc/hostname")
    (peer.root / "loop").symlink_to(peer.root)
    (peer.root / os.fsdecode(b"\xff\xfe.html")).write_bytes(b"x")

    async def run() -> object:
        async with peer.opened() as store:
            return await store.listing()

    assert anyio.run(run) == {"real.html": ""}


def bin_of(peer: SshPeer, silence: int = 2) -> SftpBin:
    sshd = peer.sshd
    return SftpBin(
        "127.0.0.1", sshd.port, sshd.user, str(peer.root), sshd.key, sshd.known_hosts, silence=silence
    )  # fmt: skip


def put(name: str) -> Put:
    return Put(key=name, data=b"text", content_type="", cache_control="")


def test_a_server_that_falls_silent_counts_as_gone(peer: SshPeer) -> None:
    async def run() -> None:
        async with bin_of(peer) as place:
            await place.put(put("now"))
            for pid in peer.sshd.sessions():
                os.kill(pid, signal.SIGSTOP)
            with anyio.fail_after(20):
                await place.put(put("index.html"))

    with pytest.raises(BusyError, match="cannot be reached"):
        anyio.run(run)


def test_a_directory_that_somebody_removed_is_made_again(peer: SshPeer) -> None:
    async def run() -> None:
        async with bin_of(peer) as place:
            await place.put(put("a/x.html"))
            shutil.rmtree(peer.root)
            with pytest.raises(BusyError):
                await place.put(put("a/y.html"))
            assert await place.put(put("a/y.html"))

    anyio.run(run)
    assert peer.files() == {"a/y.html": b"text"}


def test_a_large_file_is_read_up_to_a_megabyte(peer: SshPeer) -> None:
    peer.plant("now", bytes(3_000_000))

    async def run() -> int:
        async with bin_of(peer) as place:
            return len((await place.get("now"))[0])

    assert anyio.run(run) == 1_000_000


def test_a_server_without_sftp_is_told(sshd: Sshd, tmp_path: Path) -> None:
    sshd.subsystem = ""
    peer = SshPeer(tmp_path, tmp_path / "root", "sftp", sshd)
    peer.start()
    with pytest.raises(StoreError, match="no SFTP"):
        bring(peer, e.steps({}, FIRST), FIRST)


def test_a_key_with_a_passphrase_or_a_file_that_is_no_key_is_refused(peer: SshPeer) -> None:
    words = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", str(peer.sshd.key)]
    subprocess.run(words, check=True, capture_output=True)
    with pytest.raises(ConfigError, match="passphrase"):
        bring(peer, [], {})
    peer.sshd.key.write_text("no key")
    with pytest.raises(ConfigError, match="no private key"):
        bring(peer, [], {})


def test_a_list_of_hosts_that_is_none_is_refused(peer: SshPeer) -> None:
    peer.sshd.known_hosts.write_text("nonsense")
    with pytest.raises(ConfigError, match="known hosts"):
        bring(peer, [], {})


# --- a user who has SFTP and nothing else, as docs/operating/servers.md has it ---


@pytest.fixture
def jail(sshd: Sshd, tmp_path: Path) -> Iterator[SshPeer]:
    if os.geteuid() != 0:
        pytest.skip("only root can change the root directory")
    above = Path(tempfile.mkdtemp(dir="/run"))  # sshd wants nobody else to be able to write to any folder above
    above.chmod(0o755)
    sshd.folder, root = above / "ssh", above / "jail" / "site"
    root.mkdir(parents=True)
    shutil.chown(root, "nobody")
    sshd.login = "nobody"
    sshd.more = (
        f"Match User nobody\n  ChrootDirectory {root.parent}\n  ForceCommand internal-sftp\n  DisableForwarding yes"
    )
    peer = Jailed(tmp_path, root, "sftp", sshd)
    peer.start()
    yield peer
    sshd.stop()
    shutil.rmtree(above)


class Jailed(SshPeer):
    """To whom its root is /site."""

    @property
    def table(self) -> str:
        return super().table.replace(f'path = "{self.root}"', 'path = "/site"')


def test_a_user_who_has_one_directory_and_nothing_else_is_enough(jail: SshPeer) -> None:
    bring(jail, e.steps({}, FIRST), FIRST)
    bring(jail, e.steps(FIRST, SECOND), SECOND)
    mend(jail, SECOND)
    assert [path.name for path in jail.root.glob(".*")] == [".part"]
    assert list((jail.root / ".part").iterdir()) == []


def test_a_directory_that_is_not_for_us_is_told(jail: SshPeer) -> None:
    shutil.chown(jail.root, "root")
    with pytest.raises(StoreError, match="no right to write") as raised:
        bring(jail, e.steps({}, FIRST), FIRST)
    assert "right to write" in raised.value.remedy
