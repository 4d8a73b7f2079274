"""docs/lab.md against the code: every rule, profile, field and action is in it, and every example runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from tests.test_docs import ROOT, Fenced, command_lines, fenced

from heliograph.lab.censor import library
from heliograph.lab.censor.rule import NEEDS, Rule
from heliograph.lab.world import plan, town

LAB = ROOT / "docs" / "lab.md"
TEXT = LAB.read_text(encoding="utf-8")
BLOCKS = list(fenced(LAB))
ENV = {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def rows(heading: str) -> list[list[str]]:
    """The rows of the table whose first head cell is ``heading``."""
    match = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[-| ]+\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert match, f"no table {heading!r}"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in match[1].splitlines()]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_rule_is_listed_with_its_behaviour_and_grade() -> None:
    told = {quoted(name)[0]: (behaviour, grade) for name, behaviour, grade, _ in rows("rule")}
    rules = [library.rule(name) for name in library.names("rules")]
    assert told == {rule.name: (rule.behaviour, rule.grade) for rule in rules}


def test_every_profile_is_listed_with_its_rules_in_order() -> None:
    told = {quoted(name)[0]: quoted(listed) for name, listed in rows("profile")}
    profiles = [library.profile(name) for name in library.names("profiles")]
    assert told == {one.name: [rule.name for rule in one.rules] for one in profiles}


def test_every_action_and_field_is_explained() -> None:
    assert {quoted(name)[0]: tuple(quoted(needed)) for name, needed, _ in rows("action")} == dict(NEEDS)
    told = {field for name, _ in rows("field") for field in quoted(name)} | {"restart"}
    assert told | {field for needed in NEEDS.values() for field in needed} == {
        field.name for field in fields(Rule) if field.name != "name"
    }


def test_the_world_of_the_command_is_as_told() -> None:
    told = {quoted(name)[0]: address for name, address, _ in rows("name")}
    places = {**town.PLACES, "resolver": plan.RESOLVER}
    real = {name: places[where[0]][0] for name, where in town.NAMES.items()}
    assert told.items() <= real.items()
    assert plan.BLOCKED[0] in told.values()


def of_language(*languages: str) -> list[Fenced]:
    return [block for block in BLOCKS if block.language in languages]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the files of the examples, each named in its first line."""
    for block in of_language("toml"):
        (tmp_path / block.text.partition("\n")[0].removeprefix("# ")).write_text(block.text, encoding="utf-8")
    return tmp_path


def test_the_files_of_the_examples_are_a_rule_and_a_profile(files: Path) -> None:
    assert library.profile(str(files / "narrow.toml")).rules[0].limit == 10
    mine = library.profile(str(files / "mine.toml"))
    assert [(rule.name, rule.limit) for rule in mine.rules] == [("dns-nx", None), ("narrow", 12)]


@pytest.mark.needs_netns
@pytest.mark.parametrize("block", of_language("sh"), ids=lambda block: f"lab.md:{block.line}")
def test_the_commands_run(block: Fenced, files: Path) -> None:
    expected = {"ru-2026-home": 6, "curtain-25p:limit=18": 0}  # curl: could not resolve
    for words in command_lines(block):
        command = [sys.executable, "-m", *words]
        done = subprocess.run(command, cwd=files, env=ENV, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == expected.get(words[3] if words[3:] else "", 0), (words, done.stderr)
    if (files / "stats.json").exists():
        assert set(json.loads((files / "stats.json").read_text())) == {
            key for name, _ in rows("key") for key in quoted(name)
        } | {"hello_window"}


@pytest.mark.needs_netns
@pytest.mark.parametrize("block", of_language("py"), ids=lambda block: f"lab.md:{block.line}")
def test_the_world_of_the_example_behaves_as_it_says(block: Fenced, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(block.text, encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
