"""Programs: fed, heard, and ended with whoever waits for them; names and secrets looked at before they are used."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import pytest

from heliograph.adapters.hosts import command, names, ssh
from heliograph.model import ConfigError, StoreError


def test_a_program_is_fed_and_heard() -> None:
    ended = anyio.run(partial(command.run, ["sh", "-c", "cat; echo no >&2; exit 3"], {}, feed=[b"one ", b"two"]))
    assert (ended.code, ended.out, ended.last_words) == (3, b"one two", "no")


def test_its_environment_is_what_is_given_and_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    ended = anyio.run(command.run, ["env"], {"GIVEN": "y"})
    assert {line.partition("=")[0] for line in ended.out.decode().splitlines()} - {"PWD", "_", "SHLVL"} == {
        "GIVEN", "LC_ALL", "PATH", "TZ",
    }  # fmt: skip


def test_its_lines_are_heard_one_by_one() -> None:
    lines: list[bytes] = []
    anyio.run(partial(command.run, ["printf", "a\\nb\\nc"], {}, line=lines.append))
    assert lines == [b"a", b"b", b"c"]


def test_one_that_ends_before_it_has_read_all_is_no_fault() -> None:
    ended = anyio.run(partial(command.run, ["true"], {}, feed=(bytes(100_000) for _ in range(100))))
    assert ended.code == 0


def test_what_feeding_raises_ends_it() -> None:
    def feed() -> Iterator[bytes]:
        yield b"x"
        raise StoreError("it is damaged")

    with pytest.raises(StoreError, match="damaged"):
        anyio.run(partial(command.run, ["sleep", "60"], {}, feed=feed()))


def test_a_call_that_is_given_up_ends_it() -> None:
    async def run() -> None:
        with anyio.move_on_after(0.3):
            await command.run(["sleep", "4321"], {})

    anyio.run(run)
    assert not any(b"sleep\x004321" in _words(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


def _words(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_the_last_of_many_words_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_MOST_ERR", 100)
    ended = anyio.run(command.run, ["sh", "-c", "seq 1 5000 >&2"], {})
    assert ended.err.endswith("4999\n5000\n")
    assert len(ended.err) == 100


def test_a_program_that_is_not_installed_is_told() -> None:
    with pytest.raises(ConfigError, match="not installed here") as raised:
        command.needed("no-such-program", "some-package", "mirror m")
    assert "some-package" in raised.value.remedy


def test_ssh_asks_nothing_and_knows_one_key(tmp_path: Path) -> None:
    words = ssh.command(tmp_path / "a key", tmp_path / "100% known", port=2222)
    assert words[:5] == ["ssh", "-F", "none", "-p", "2222"]
    assert f'IdentityFile="{tmp_path}/a key"' in words
    assert f'UserKnownHostsFile="{tmp_path}/100%% known"' in words
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"} <= set(words)


def test_ssh_without_a_key_goes_by_the_users_own_configuration() -> None:
    words = ssh.command(None, None)
    assert "-F" not in words
    assert not any("IdentityFile" in word or "UserKnownHostsFile" in word for word in words)
    assert "StrictHostKeyChecking=yes" in words


@pytest.mark.parametrize("name", ["now", "a/x.html.br", "log/tile/entries/x001/067.p/255", "o/ab/cd", "a/_x.html"])
def test_names_of_an_edition_are_names(name: str) -> None:
    assert names.checked(name, "m") == name


def test_folders_of_names_come_deepest_first() -> None:
    assert names.folders(["a/b/c/x", "a/d/y", "z"]) == ["a/b/c", "a/b", "a/d", "a"]
