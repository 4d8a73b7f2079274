"""``monitor`` and ``keys log`` as people and scripts use them."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.cli.reader import mirrored
from tests.cli.test_commands import heliograph

PASSPHRASE = "bridge over the strait"
STORY = "Мост открыли {}.\n\nПервый абзац рассказывает о мосте.\n"


def write(folder: Path, number: int) -> None:
    (folder / "texts").mkdir(exist_ok=True)
    (folder / "texts" / f"{number}.txt").write_text(STORY.format(number), encoding="utf-8")


def config(folder: Path) -> Path:
    return folder / "room" / "heliograph.toml"


def keys(folder: Path, *words: str | Path, code: int = 0) -> str:
    """A ``keys`` command with the passphrase."""
    given = ["--config", config(folder), "--passphrase-file", folder / "secret"]
    return heliograph("keys", *words, *given, code=code).stdout


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newsroom that published once, then switched the log on and published again."""
    folder = tmp_path_factory.mktemp("logged")
    write(folder, 0)
    (folder / "secret").write_text(PASSPHRASE, encoding="utf-8")
    heliograph("init", folder / "room", "--source", folder / "texts", "--passphrase-file", folder / "secret")
    heliograph("publish", "--config", config(folder))
    told = keys(folder, "log")
    assert "code/policy.json: " in told
    assert "[trust] log = true" in told
    text = config(folder).read_text(encoding="utf-8")
    config(folder).write_text(text.replace("# log = false", "log = true"), encoding="utf-8")
    heliograph("publish", "--config", config(folder))
    shutil.copy(folder / "room" / "keys" / "tuf" / "1.root.json", folder)
    return folder


@pytest.fixture
def room(published: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    folder = Path(shutil.copytree(published, tmp_path / "logged"))
    moved(folder, published)
    return folder


def moved(folder: Path, before: Path) -> None:
    """Let a copied newsroom read its own texts."""
    text = config(folder).read_text(encoding="utf-8")
    assert str(before / "texts") in text
    config(folder).write_text(text.replace(str(before / "texts"), str(folder / "texts")), encoding="utf-8")


def mirror(folder: Path) -> Path:
    return folder / "room" / "mirrors" / "first"


def monitor(folder: Path, *words: str | Path, code: int = 0) -> dict[str, Any]:
    shown = heliograph("monitor", *words, "--root", folder / "1.root.json", "--json", code=code)
    found: dict[str, Any] = json.loads(shown.stdout)
    return found


# ---------------------------------------------------------------- keys log


def test_the_key_of_the_log_is_closed_to_others_and_shown(room: Path) -> None:
    (key,) = (room / "room" / "keys").glob("log-*.json")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    facts = json.loads(heliograph("keys", "show", "--json", "-c", config(room)).stdout)
    assert facts["log"]["here"] is True
    assert facts["log"]["origin"] == f"heliograph/{facts['fingerprint']}/2"
    assert f"log          {facts['log']['origin']}" in heliograph("keys", "show", "-c", config(room)).stdout


def test_a_second_log_is_begun_only_when_that_is_said(room: Path) -> None:
    given = ["--config", config(room), "--passphrase-file", room / "secret"]
    assert "--anew" in heliograph("keys", "log", *given, code=2).stderr
    before = {path.name for path in (room / "room" / "keys").glob("log-*.json")}
    told = keys(room, "log", "--anew")
    assert "removed log-" in told
    after = {path.name for path in (room / "room" / "keys").glob("log-*.json")}
    assert len(after) == 1
    assert not before & after
    write(room, 1)
    heliograph("publish", "--config", config(room))
    assert monitor(room, mirror(room))["log"]["origin"].endswith("/3")
    heliograph("verify", mirror(room), "--root", room / "1.root.json")


def test_other_changes_of_keys_leave_the_log_as_it_is(room: Path) -> None:
    keys(room, "rotate", "online")
    keys(room, "renew")
    write(room, 1)
    heliograph("publish", "--config", config(room))
    assert monitor(room, mirror(room))["findings"] == []
    heliograph("verify", mirror(room), "--root", room / "1.root.json")


def test_a_wrong_passphrase_begins_no_log(room: Path) -> None:
    (room / "wrong").write_text("a bridge too far away", encoding="utf-8")
    before = sorted(path.name for path in (room / "room" / "keys").rglob("*"))
    given = ["--config", config(room), "--passphrase-file", room / "wrong"]
    assert "the passphrase is wrong" in heliograph("keys", "log", "--anew", *given, code=2).stderr
    assert sorted(path.name for path in (room / "room" / "keys").rglob("*")) == before


def test_a_log_can_be_switched_off_again(room: Path) -> None:
    keys(room, "log", "--off")
    text = config(room).read_text(encoding="utf-8")
    told = heliograph("publish", "--config", config(room)).stderr
    assert "insert the stick and run: heliograph keys log" in told
    config(room).write_text(text.replace("\nlog = true", "\nlog = false"), encoding="utf-8")
    assert "release log" not in heliograph("status", "--config", config(room)).stdout
    found = monitor(room, mirror(room))
    assert (found["verdict"], found["log"]) == ("verified", None)
    assert (
        "there is no release log"
        in heliograph(
            "keys", "log", "--off", "--config", config(room), "--passphrase-file", room / "secret", code=2
        ).stderr
    )


def test_status_says_that_the_policy_names_a_log_that_is_off(room: Path) -> None:
    text = config(room).read_text(encoding="utf-8")
    config(room).write_text(text.replace("\nlog = true", "\nlog = false"), encoding="utf-8")
    assert "auditors will report it" in heliograph("status", "--config", config(room)).stdout


def test_a_lost_journal_gets_its_log_back(room: Path) -> None:
    state = room / "seen"
    monitor(room, mirror(room), "--state", state)
    shutil.rmtree(room / "room" / "state")
    told = heliograph("keys", "recover", "--config", config(room)).stdout
    assert "entries" in told
    write(room, 1)
    heliograph("publish", "--config", config(room))
    assert monitor(room, mirror(room), "--state", state)["findings"] == []


# ---------------------------------------------------------------- monitor


@pytest.fixture
def served(room: Path) -> Iterator[str]:
    """The address of the mirror, served."""
    with mirrored(mirror(room)) as address:
        yield address


def test_folders_and_addresses_are_looked_at_and_remembered(room: Path, served: str) -> None:
    state = room / "seen"
    first = monitor(room, mirror(room), served, "--state", state)
    assert (first["verdict"], first["state"], first["findings"]) == ("verified", "new", [])
    assert [one["size"] for one in first["mirrors"]] == [first["log"]["size"]] * 2
    again = monitor(room, mirror(room), served, "--state", state)
    assert (again["verdict"], again["state"]) == ("verified", "kept")
    assert monitor(room, served)["state"] == "none"


def test_a_fork_is_a_finding_that_exits_with_one(room: Path) -> None:
    state = room / "seen"
    thief = Path(shutil.copytree(room, room.with_name("thief")))
    moved(thief, room)
    monitor(room, mirror(room), "--state", state)
    for folder, number in ((room, 1), (thief, 2)):
        write(folder, number)
        heliograph("publish", "--config", config(folder))
    found = monitor(room, mirror(room), mirror(thief), "--state", state, code=1)
    assert found["verdict"] == "refused"
    assert {finding["code"] for finding in found["findings"]} >= {"log"}
    shown = heliograph("monitor", mirror(room), mirror(thief), "--root", room / "1.root.json", code=1).stdout
    assert "finding" in shown
    assert all(len(line) <= 80 or str(room.parent) in line for line in shown.splitlines())


def test_an_honest_round_fits_eighty_columns_and_says_so(room: Path) -> None:
    shown = heliograph("monitor", mirror(room), "--root", room / "1.root.json").stdout
    assert "nothing wrong was found" in shown
    assert all(len(line) <= 80 or str(room) in line for line in shown.splitlines())


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "root", "checkpoint"])
def test_a_damaged_state_is_put_aside_and_said(room: Path, damage: str) -> None:
    state = room / "seen"
    monitor(room, mirror(room), "--state", state)
    path = state / "monitor.json"
    whole = json.loads(path.read_bytes())
    ((_, kept),) = whole["mirrors"].items()
    match damage:
        case "cut":
            path.write_bytes(path.read_bytes()[:-100])
        case "empty":
            path.write_bytes(b"")
        case "other":
            path.write_text(json.dumps([1]))
        case _:
            kept[damage] = "AAAA"
            path.write_text(json.dumps(whole))
    run = heliograph("monitor", mirror(room), "--state", state, "--root", room / "1.root.json", "--json")
    assert "is damaged and was put aside as monitor.json.damaged" in run.stderr
    assert json.loads(run.stdout)["state"] == "damaged"
    assert (state / "monitor.json.damaged").exists()
    assert monitor(room, mirror(room), "--state", state)["state"] == "kept"


@pytest.mark.parametrize(
    "words",
    [[], ["/no/such/folder"], ["https:///"], [".", "."], [".", "--root", "/no/such/root"], [".", "--nonsense"]],
)
def test_wrong_usage_exits_with_64(room: Path, words: list[str]) -> None:
    root = [] if "--root" in words else ["--root", str(room / "1.root.json")]
    heliograph("monitor", *words, *root, code=64)


def test_a_state_that_cannot_be_written_is_wrong_usage(room: Path) -> None:
    (room / "file").write_text("x")
    told = heliograph(
        "monitor", mirror(room), "--root", room / "1.root.json", "--state", room / "file" / "seen", code=64
    ).stderr
    assert "--state" in told


def test_an_audit_of_a_copy_by_sync_finds_the_log_in_it(room: Path) -> None:
    copy = room / "copy"
    told = json.loads(heliograph("sync", mirror(room), copy, "--root", room / "1.root.json", "--json").stdout)
    assert (told["verdict"], told["log"]) == ("verified", "")
    heliograph("verify", copy, "--root", room / "1.root.json")
    now = datetime.now(UTC)  # noqa: TID251 - commands run by the real clock
    assert monitor(room, mirror(room), copy)["mirrors"][1]["time"][:4] == str(now.year)


def test_where_several_must_sign_a_log_begins_when_all_have(room: Path, tmp_path: Path) -> None:
    heliograph("init", tmp_path / "anna", "--passphrase-file", room / "secret")
    theirs = next((tmp_path / "anna" / "keys" / "offline").glob("targets-*.json"))
    public = heliograph("keys", "public", theirs, "--passphrase-file", room / "secret").stdout
    (tmp_path / "anna.json").write_text(public, encoding="utf-8")
    keys(room, "add", "targets", tmp_path / "anna.json")
    keys(room, "threshold", "targets", "2", code=1)
    bring_back(room, "targets-4", theirs)
    before = monitor(room, mirror(room))["log"]["origin"]
    assert "1 of 2 signatures" in keys(room, "log", "--anew", code=1)
    heliograph("publish", "--config", config(room))  # the old log counts until all have signed
    assert monitor(room, mirror(room))["log"]["origin"] == before
    bring_back(room, "targets-5", theirs)
    heliograph("publish", "--config", config(room))
    found = monitor(room, mirror(room))
    assert found["log"]["origin"] != before
    assert found["findings"] == []


def bring_back(room: Path, name: str, key: Path) -> None:
    """Sign a request with the key of somebody else, and put it into effect."""
    request = room / "room" / "keys" / "requests" / f"{name}.request.json"
    heliograph("keys", "sign", request, "--key", key, "--passphrase-file", room / "secret")
    heliograph("keys", "import", request, "-c", config(room))
