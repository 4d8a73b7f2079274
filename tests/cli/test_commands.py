"""The commands as people and scripts use them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.reader import faults

from heliograph.config import load

STORY = """---
title: {title}
lang: ru
section: Общество
date: 2026-11-2{day} 09:30
---
Первый абзац рассказывает о том, что случилось у моста через лиман.

Второй абзац объясняет, почему это важно для жителей посёлка.
"""


def heliograph(*words: str | Path, code: int = 0, columns: int = 80) -> subprocess.CompletedProcess[str]:
    """Run a command in a terminal of ``columns``."""
    environment = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "heliograph", *map(str, words)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert run.returncode == code, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A newsroom of three Markdown stories, set up by ``init``."""
    texts = tmp_path / "texts"
    texts.mkdir()
    for day in range(3):
        (texts / f"story-{day}.md").write_text(STORY.format(title=f"Новость {day}", day=day), encoding="utf-8")
    heliograph("init", tmp_path / "room", "--source", texts, "--title", "Полуостров")
    return tmp_path / "room"


def test_init_writes_a_configuration_that_explains_itself_and_works_at_once(folder: Path) -> None:
    text = (folder / "heliograph.toml").read_text(encoding="utf-8")
    config = load(folder / "heliograph.toml")
    assert config.newsroom.title == "Полуостров"
    assert config.source[0].kind == "folder"
    assert "# At most this many connections to one origin.\n# connections = 4" in text
    assert (folder / "mirrors" / "first").is_dir()


def test_init_does_not_overwrite(folder: Path) -> None:
    assert "there is one already" in heliograph("init", folder, code=2).stderr


def test_init_refuses_a_source_that_is_nothing(tmp_path: Path) -> None:
    complaint = heliograph("init", tmp_path / "x", "--source", tmp_path / "none", code=2).stderr
    assert "is no folder and no address" in complaint
    assert not (tmp_path / "x" / "heliograph.toml").exists()


def test_publish_says_what_happened_and_what_to_do(folder: Path) -> None:
    shown = heliograph("publish", "--config", folder / "heliograph.toml").stdout
    assert "3 new, 0 changed, 0 withdrawn" in shown
    assert "up to date" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert faults(folder / "mirrors" / "first") == []
    assert "Nothing changed." in heliograph("publish", "--config", folder / "heliograph.toml").stdout


def test_publish_tells_scripts_everything(folder: Path) -> None:
    told = json.loads(heliograph("publish", "--json", "--config", folder / "heliograph.toml").stdout)
    assert told["ok"]
    assert told["stories"]["new"] == 3
    assert told["edition"]["stories"] == 3
    assert told["mirrors"][0]["ok"]
    assert 0 < told["text_seconds"] <= told["seconds"]


def test_a_page_of_the_edition_has_the_story(folder: Path) -> None:
    heliograph("publish", "--config", folder / "heliograph.toml")
    found = json.loads(
        heliograph("status", "--json", "--config", folder / "heliograph.toml", "--find", "file:///story-1.md").stdout
    )
    page = (folder / "mirrors" / "first" / found[0]["path"]).read_text(encoding="utf-8")
    assert "Новость 1" in page
    assert "Второй абзац объясняет" in page
    by_code = heliograph("status", "--config", folder / "heliograph.toml", "--find", found[0]["code"].upper()).stdout
    assert "Новость 1" in by_code


def test_a_wrong_check_character_is_named_as_such(folder: Path) -> None:
    heliograph("publish", "--config", folder / "heliograph.toml")
    complaint = heliograph("status", "--config", folder / "heliograph.toml", "--find", "7K3 VQ2M", code=2).stderr
    assert "check character does not fit" in complaint


def test_status_tells_where_things_stand(folder: Path) -> None:
    assert "has not published yet" in heliograph("status", "--config", folder / "heliograph.toml").stdout
    heliograph("publish", "--config", folder / "heliograph.toml")
    shown = heliograph("status", "--config", folder / "heliograph.toml").stdout
    assert "1 of 1 mirrors up to date" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80
    (folder / "mirrors" / "first" / "now").unlink()
    assert "behind" in heliograph("status", "--config", folder / "heliograph.toml", code=1).stdout


def test_an_unwritable_mirror_is_named_and_the_others_go_on(folder: Path) -> None:
    config = folder / "heliograph.toml"
    blocked = folder / "in-the-way"
    blocked.write_text("a file where a folder should be")
    with config.open("a", encoding="utf-8") as more:
        more.write('\n[[mirror]]\nname = "second"\npath = "in-the-way"\n')
    run = heliograph("publish", "--config", config, code=1)
    assert "mirror second" in run.stderr
    assert "A mirror could not be written" in run.stdout
    assert faults(folder / "mirrors" / "first") == []
    assert (folder / "mirrors" / "first" / "index.html").exists()


@pytest.mark.parametrize(
    ("slip", "said"),
    [('titel = "x"', 'did you mean "title"?'), ("[capture]\nconections = 1", 'did you mean "connections"?')],
)
def test_a_slip_in_the_configuration_names_the_field(tmp_path: Path, slip: str, said: str) -> None:
    path = tmp_path / "heliograph.toml"
    path.write_text(f'[newsroom]\ntitle = "x"\n{slip}\n', encoding="utf-8")
    complaint = heliograph("publish", "--config", path, code=2).stderr
    assert said in complaint
    assert "heliograph.toml" in complaint


def test_a_missing_configuration_says_how_to_make_one(tmp_path: Path) -> None:
    assert "heliograph init" in heliograph("publish", "--config", tmp_path / "none.toml", code=2).stderr


def test_wrong_usage_exits_with_2(tmp_path: Path) -> None:
    heliograph("publish", "--confg", "x", code=2)
    heliograph("serve", tmp_path / "none", code=2)


def test_run_publishes_and_ends_cleanly_on_sigterm(folder: Path) -> None:
    config = folder / "heliograph.toml"
    command = [sys.executable, "-m", "heliograph", "run", "--json", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        assert json.loads(service.stdout.readline())["stories"]["new"] == 3
        service.send_signal(signal.SIGTERM)
        assert service.wait(30) == 0
    assert faults(folder / "mirrors" / "first") == []


def test_a_second_publish_says_who_holds_the_journal(folder: Path) -> None:
    from heliograph.cli.wiring import open_journal

    with open_journal(load(folder / "heliograph.toml")) as journal, journal.hold("heliograph publish"):
        complaint = heliograph("publish", "--config", folder / "heliograph.toml", code=1).stderr
    assert f"held by heliograph publish, process {os.getpid()}" in complaint


def test_the_demo_builds_a_world_without_a_broken_link(tmp_path: Path) -> None:
    told = json.loads(heliograph("demo", "--once", "--json", "--folder", tmp_path / "demo", "--port", "0").stdout)
    assert told["broken"] == []
    assert told["problems"] == []
    assert told["stories"] == 13
    assert told["pages"] > 40
    assert told["largest"] <= 6_144
    assert len(told["mirrors"]) == 3
