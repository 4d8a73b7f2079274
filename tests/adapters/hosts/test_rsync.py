"""rsync over SSH against Debian's: order, rights, and what its words mean."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.hosts import edition as e
from tests.adapters.hosts.conftest import Start
from tests.adapters.hosts.machines import SshPeer
from tests.adapters.hosts.sshd import Sshd
from tests.adapters.hosts.test_servers import bring, mend

from heliograph.adapters.hosts import command
from heliograph.adapters.hosts import rsync as module
from heliograph.adapters.hosts.command import Ended
from heliograph.adapters.hosts.objects import BusyError
from heliograph.adapters.hosts.rsync import Rsync
from heliograph.model import ConfigError, StoreError, paths

FIRST, SECOND = e.edition(1), e.edition(2)


@pytest.fixture
def peer(start: Start) -> SshPeer:
    peer = start("rsync")
    assert isinstance(peer, SshPeer)
    return peer


def store(peer: SshPeer) -> Rsync:
    async def run() -> Rsync:
        async with peer.opened() as opened:
            assert isinstance(opened, Rsync)
            return opened

    return anyio.run(run)


def test_the_front_page_and_what_names_other_files_come_after_the_rest() -> None:
    for step in e.steps({}, FIRST):
        runs = list(module._runs(step))
        assert sorted(one.name for run in runs for one in run) == sorted(one.name for one in step)
        turns = [{paths.turn(one.name) for one in run} for run in runs]
        assert turns == [{turn} for turn in sorted(set().union(*turns))]
    assert max(len(list(module._runs(step))) for step in e.steps({}, FIRST)) == 3


def test_a_long_step_goes_in_parts(monkeypatch: pytest.MonkeyPatch, peer: SshPeer) -> None:
    monkeypatch.setattr(module, "_FILES", 7)
    assert max(map(len, module._runs(e.steps({}, FIRST)[0]))) == 7
    bring(peer, e.steps({}, FIRST), FIRST)
    bring(peer, e.steps(FIRST, SECOND), SECOND)
    mend(peer, SECOND)


def test_what_is_there_already_does_not_travel_again(peer: SshPeer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    again = bring(peer, e.steps({}, FIRST), FIRST)  # as after a pass whose notes were lost
    assert (again.writes, again.size) == (0, 0)


def test_what_is_written_can_be_served_by_another_user(peer: SshPeer) -> None:
    bring(peer, e.steps({}, FIRST), FIRST)
    assert (peer.root / "a/0000000.html").stat().st_mode & 0o777 == 0o644
    assert (peer.root / "a").stat().st_mode & 0o777 == 0o755


def test_a_link_there_is_not_followed(peer: SshPeer, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    peer.root.mkdir()
    (peer.root / "a").symlink_to(outside)
    bring(peer, e.steps({}, FIRST), FIRST)
    assert list(outside.iterdir()) == []
    assert (peer.root / "a").is_dir()
    assert not (peer.root / "a").is_symlink()


def test_rsync_ends_with_the_process_that_started_it(peer: SshPeer) -> None:
    files = {f"a/{number:05d}.html": e.noise(str(number), 20_000) for number in range(1_500)}
    text = f'[newsroom]\ntitle = "Example"\n[[mirror]]\nname = "m"\n{peer.table}\n'
    e.killed(text, peer.folder, e.steps({}, files), files, "done", 10)
    peer.settle()
    there = len(peer.files())
    time.sleep(0.5)
    assert len(peer.files()) == there < len(files)


def test_a_large_file_is_not_read(peer: SshPeer) -> None:
    peer.plant("now", bytes(3_000_000))
    assert anyio.run(store(peer).read, "now") == b""


def test_a_key_that_may_do_rsync_in_one_directory_and_nothing_else_is_enough(
    sshd: Sshd, tmp_path: Path, rsync_program: str
) -> None:
    assert rsync_program
    if shutil.which("rrsync") is None:
        pytest.skip("this version of rsync came without rrsync")
    root = tmp_path / "root"
    root.mkdir()
    sshd.options = f'restrict,command="rrsync {root}"'
    peer = Restricted(tmp_path, root, "rsync", sshd)
    peer.start()
    bring(peer, e.steps({}, FIRST), FIRST)
    bring(peer, e.steps(FIRST, SECOND), SECOND)
    mend(peer, SECOND)


class Restricted(SshPeer):
    """To whom its root is /."""

    @property
    def table(self) -> str:
        return super().table.replace(f'path = "{self.root}"', 'path = "/"')


def _fake(folder: Path, script: str) -> str:
    """A PATH where rsync is this script."""
    folder.mkdir()
    (folder / "rsync").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "rsync").chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_an_older_rsync_there_is_spoken_to_in_its_own_words(sshd: Sshd, tmp_path: Path, rsync_program: str) -> None:
    old = f'case "$*" in *--fsync*) echo "rsync: --fsync: unknown option" >&2; exit 1;; esac; exec {rsync_program} "$@"'
    sshd.path = _fake(tmp_path / "bin", old)
    peer = SshPeer(tmp_path, tmp_path / "root", "rsync", sshd)
    peer.start()
    bring(peer, e.steps({}, FIRST), FIRST)
    mend(peer, FIRST)


@pytest.mark.parametrize("code", [126, 127])
def test_a_server_without_rsync_is_told(sshd: Sshd, tmp_path: Path, rsync_program: str, code: int) -> None:
    assert rsync_program
    sshd.path = _fake(tmp_path / "bin", f"echo bash: rsync: command not found >&2; exit {code}")
    peer = SshPeer(tmp_path, tmp_path / "root", "rsync", sshd)
    peer.start()
    with pytest.raises(StoreError, match="not installed there") as raised:
        bring(peer, e.steps({}, FIRST), FIRST)
    assert "sftp" in raised.value.remedy


def test_a_directory_whose_parent_is_not_there_is_told(peer: SshPeer) -> None:
    peer.root = peer.root / "none" / "site"
    with pytest.raises(StoreError, match="parent directory") as raised:
        bring(peer, e.steps({}, FIRST), FIRST)
    assert "make" in raised.value.remedy


def test_it_is_told_where_the_servers_words_are_lost(
    peer: SshPeer, tmp_path: Path, rsync_program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection often ends before what was wrong has come through it."""
    heard = f'case "$*" in *--list-only*) exec {rsync_program} "$@";; esac;'
    words, there = command.ENGLISH, peer.root
    path = _fake(tmp_path / "mute", f'{heard} exec {rsync_program} "$@" 2>/dev/null')
    monkeypatch.setattr(command, "ENGLISH", {**words, "PATH": path})
    peer.root = there / "none" / "site"
    with pytest.raises(StoreError, match="parent directory"):
        bring(peer, e.steps({}, FIRST), FIRST)
    there.mkdir()
    peer.root = there / "site"
    monkeypatch.setattr(command, "ENGLISH", {**words, "PATH": _fake(tmp_path / "full", f"{heard} exit 11")})
    with pytest.raises(StoreError, match="disk there may be full"):
        bring(peer, e.steps({}, FIRST), FIRST)


@pytest.mark.parametrize("path", ["site; rm -rf", "$(date)", "-x", "a\\b"])
def test_a_path_that_a_shell_would_read_is_refused(peer: SshPeer, path: str) -> None:
    config = peer.config()
    from heliograph.cli.hosts import opened

    table = config.mirror[0].model_copy(update={"path": path})

    async def run() -> None:
        async with opened(config, table):
            pass

    with pytest.raises(ConfigError, match="path for rsync"):
        anyio.run(run)


@pytest.mark.parametrize(
    ("code", "err", "kind", "what"),
    [
        (255, "ssh: connect to host x port 22: Connection refused", BusyError, "cannot be reached"),
        (255, "ssh: Could not resolve hostname x: Name or service not known", BusyError, "cannot be reached"),
        (255, "", BusyError, "rsync failed"),
        (30, "rsync error: timeout in data send/receive (code 30)", BusyError, "timeout"),
        (12, "rsync: connection unexpectedly closed", BusyError, "unexpectedly"),
        (-9, "", BusyError, "rsync failed"),
        (11, "", StoreError, "disk there may be full"),
        (11, "rsync: write failed: No space left on device (28)", StoreError, "disk there is full"),
        (23, 'rsync: mkstemp "/x" failed: Permission denied (13)', StoreError, "no right to write"),
        (23, 'rsync: mkstemp "/x" failed: Read-only file system (30)', StoreError, "read-only"),
        (1, "rsync: --times: unknown option", StoreError, "too old"),
        (255, 'Load key "/k": invalid format', StoreError, "private key cannot be used"),
        (2, "protocol version mismatch -- is your shell clean?", StoreError, "shell clean"),
    ],
)
def test_what_the_words_mean(peer: SshPeer, code: int, err: str, kind: type[StoreError], what: str) -> None:
    trouble = store(peer)._trouble(Ended(code=code, out=b"", err=err))
    assert type(trouble) is kind
    assert what in trouble.what


@given(st.binary(max_size=300))
def test_any_line_of_a_listing_is_read_or_left_out(line: bytes) -> None:
    module._marks([line, b"-rw-r--r-- " + line, b"-rw-r--r-- 5 2026/11/22 08:00:00 " + line])


def test_lines_of_a_listing() -> None:
    lines = [
        b"drwxr-xr-x          4,096 2026/11/22 08:00:00 .",
        b"-rw-r--r--          5,120 2026/11/22 08:00:00 a/x.html",
        b"-rw-r--r--           5120 2026/11/22 08:00:01 now",
        b"lrwxrwxrwx              3 2026/11/22 08:00:00 link -> now",
        b"-rw-r--r--              1 2026/11/22 08:00:00 .hidden",
        b"-rw-r--r--              1 2026/11/22 08:00:00 ../x",
    ]
    assert module._marks(lines) == {"a/x.html": "5120-2026/11/22 08:00:00", "now": "5120-2026/11/22 08:00:01"}
