"""Keys as a newsroom handles them: made once, renewed, rotated, carried to other holders, lost and found."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest
from tests.cli.test_commands import heliograph

PASSPHRASE = "bridge over the strait"


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A newsroom of one story, its passphrase in a file."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("Мост открыли.\n\nПервый абзац рассказывает о мосте.\n", encoding="utf-8")
    (tmp_path / "secret").write_text(PASSPHRASE, encoding="utf-8")
    room = tmp_path / "room"
    heliograph("init", room, "--source", tmp_path / "texts", "--passphrase-file", tmp_path / "secret")
    heliograph("publish", "--config", room / "heliograph.toml")
    return room


def run(room: Path, *words: str | Path, code: int = 0, secret: str = "secret") -> subprocess.CompletedProcess[str]:
    """A ``keys`` command of that newsroom, with its passphrase."""
    return heliograph(
        "keys", *words, "--config", room / "heliograph.toml", "--passphrase-file", room.parent / secret, code=code
    )


def facts(room: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(heliograph("keys", "show", "--json", "-c", room / "heliograph.toml").stdout)
    return found


def verdict(room: Path, code: int = 0) -> dict[str, object]:
    """What a reader says who pinned the first root and keeps what he saw."""
    root, seen = room / "keys" / "tuf" / "1.root.json", room.parent / "seen"
    mirror = room / "mirrors" / "first"
    shown = heliograph("verify", mirror, "--root", root, "--state", seen, "--path", "index.html", code=code)
    found: dict[str, object] = json.loads(shown.stdout)
    return found


def test_init_locks_the_offline_keys_and_closes_the_others(room: Path) -> None:
    files = list((room / "keys").rglob("*.json"))
    assert len(files) == 7
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    for path in (room / "keys" / "offline").iterdir():
        assert json.loads(path.read_bytes())["kdf"]["name"] == "scrypt"
    assert "3 offline keys are on this machine" in heliograph("status", "-c", room / "heliograph.toml").stdout
    assert verdict(room)["verdict"] == "verified"


def test_a_second_set_of_keys_is_refused(room: Path) -> None:
    assert "there are keys already" in heliograph("keys", "make", "-c", room / "heliograph.toml", code=2).stderr


def test_a_short_passphrase_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("secret", encoding="utf-8")
    told = heliograph("init", tmp_path / "room", "--passphrase-file", tmp_path / "short", code=2).stderr
    assert "fewer than 12 characters" in told
    assert not (tmp_path / "room").exists()


@pytest.mark.parametrize("ring", ["online", "edition", "targets", "root"])
def test_a_rotation_takes_effect_with_the_next_publish(room: Path, ring: str) -> None:
    verdict(room)
    before = facts(room)
    run(room, "rotate", ring)
    after = facts(room)
    assert before["fingerprint"] == after["fingerprint"]
    changed = [old["ring"] for old, new in zip(before["rings"], after["rings"], strict=True) if old != new]  # type: ignore[call-overload]
    assert changed == [ring]
    heliograph("publish", "--config", room / "heliograph.toml")
    assert verdict(room)["verdict"] == "verified"
    assert len(list((room / "keys").rglob(f"{ring}-*.json"))) == 1  # the old file is gone


def test_renewing_moves_the_dates(room: Path) -> None:
    run(room, "renew")
    heliograph("publish", "--config", room / "heliograph.toml")
    assert verdict(room)["verdict"] == "verified"
    assert (room / "mirrors" / "first" / "tuf" / "2.root.json").exists()
    assert (room / "mirrors" / "first" / "tuf" / "2.targets.json").exists()


def test_a_wrong_passphrase_changes_nothing(room: Path) -> None:
    (room.parent / "wrong").write_text("a bridge too far away", encoding="utf-8")
    before = sorted(path.name for path in (room / "keys").rglob("*"))
    told = run(room, "rotate", "online", code=2, secret="wrong").stderr
    assert "the passphrase is wrong" in told
    assert sorted(path.name for path in (room / "keys").rglob("*")) == before


def test_without_the_stick_it_says_what_to_insert(room: Path) -> None:
    (room / "keys" / "offline").rename(room.parent / "stick")
    assert "insert the stick" in run(room, "renew", code=2).stderr
    run(room, "renew", "--offline", room.parent / "stick")


def test_a_request_is_carried_to_another_holder_and_back(room: Path, tmp_path: Path) -> None:
    heliograph("init", tmp_path / "anna", "--passphrase-file", tmp_path / "secret")
    theirs = next((tmp_path / "anna" / "keys" / "offline").glob("root-*.json"))
    public = heliograph("keys", "public", theirs, "--passphrase-file", tmp_path / "secret").stdout
    (tmp_path / "anna.json").write_text(public, encoding="utf-8")
    run(room, "add", "root", tmp_path / "anna.json")
    told = run(room, "threshold", "root", "2", code=1).stdout  # whoever will be needed must sign that, too
    assert "not in effect yet" in told
    assert "1 of 2 signatures" in told
    request = room / "keys" / "requests" / "root-3.request.json"
    assert "1 of 2" in heliograph("keys", "import", request, "-c", room / "heliograph.toml", code=1).stdout
    shown = heliograph("keys", "sign", request, "--key", theirs, "--passphrase-file", tmp_path / "secret").stdout
    assert "root 3" in shown
    heliograph("keys", "import", request, "-c", room / "heliograph.toml")
    heliograph("publish", "--config", room / "heliograph.toml")
    assert verdict(room)["verdict"] == "verified"
    assert "the next one is 4" in heliograph("keys", "import", request, "-c", room / "heliograph.toml", code=1).stderr


def test_between_two_halves_of_a_change_nothing_is_published(room: Path, tmp_path: Path) -> None:
    heliograph("init", tmp_path / "anna", "--passphrase-file", tmp_path / "secret")
    theirs = next((tmp_path / "anna" / "keys" / "offline").glob("targets-*.json"))
    public = heliograph("keys", "public", theirs, "--passphrase-file", tmp_path / "secret").stdout
    (tmp_path / "anna.json").write_text(public, encoding="utf-8")
    run(room, "add", "targets", tmp_path / "anna.json")
    heliograph("publish", "--config", room / "heliograph.toml")
    run(room, "threshold", "targets", "2", code=1)  # the root is whole, the list it asks for is not
    (room.parent / "texts" / "b.txt").write_text("Ещё одна новость.\n\nТекст.\n", encoding="utf-8")
    told = heliograph("publish", "--config", room / "heliograph.toml", code=1).stderr
    assert "not signed as the newest root asks" in told
    assert "keys import" in told
    assert "not signed as the newest root asks" in heliograph("status", "-c", room / "heliograph.toml", code=1).stdout
    assert verdict(room)["verdict"] == "verified"  # readers have the last whole release
    request = next((room / "keys" / "requests").glob("targets-*.json"))
    heliograph("keys", "sign", request, "--key", theirs, "--passphrase-file", tmp_path / "secret")
    heliograph("keys", "import", request, "-c", room / "heliograph.toml")
    heliograph("publish", "--config", room / "heliograph.toml")
    assert verdict(room)["verdict"] == "verified"


def test_an_unreadable_key_file_is_named(room: Path) -> None:
    path = next((room / "keys").glob("online-*.json"))
    path.write_bytes(b'{"format":"heliograph-key/1"')
    (room.parent / "texts" / "b.txt").write_text("Ещё одна новость.\n\nТекст.\n", encoding="utf-8")
    told = heliograph("publish", "--config", room / "heliograph.toml", code=2).stderr
    assert path.name in told
    assert "backup" in told


def test_a_backup_is_a_whole_folder_and_never_overwrites(room: Path) -> None:
    target = room.parent / "backup"
    heliograph("keys", "backup", target, "-c", room / "heliograph.toml")
    names = {path.relative_to(target).as_posix() for path in target.rglob("*.json")}
    assert names == {path.relative_to(room / "keys").as_posix() for path in (room / "keys").rglob("*.json")}
    assert "is not empty" in heliograph("keys", "backup", target, "-c", room / "heliograph.toml", code=2).stderr


def test_the_fingerprint_is_text_words_and_a_picture_in_eighty_columns(room: Path) -> None:
    shown = heliograph("keys", "fingerprint", "-c", room / "heliograph.toml").stdout
    assert "█" in shown
    assert max(map(len, shown.splitlines())) <= 80
