"""Every case of the conformance folder, put to our reader and auditor; and that the folder is what its code makes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from conformance.trust import generate, run, verify
from conformance.trust.cases import all_cases

CASES = {case["id"]: case for case in json.loads(generate.LIST.read_bytes())}
# rows of the specification's table
ROWS = {"C": 16, "P": 12, "F": 14, "R": 16, "K": 14, "T": 14, "M": 20, "J": 12, "L": 6, "S": 2, "G": 4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated folder."""
    place = tmp_path_factory.mktemp("conformance")
    generate.write(place)
    return place


@pytest.mark.parametrize("name", CASES)
def test_a_case_comes_out_as_the_table_says(folder: Path, name: str) -> None:
    assert verify.differences(CASES[name]["expect"], verify.verdict_on(folder / "cases" / name)) == []


def test_the_list_is_what_the_code_makes() -> None:
    made = generate.listed(all_cases())
    assert generate.LIST.read_text() == made, "run: python -m conformance.trust.generate --list"
    assert len(made) < 200_000


def test_every_row_of_the_table_has_a_case_and_every_case_another_name() -> None:
    rows = {f"{group}{number:02}" for group, count in ROWS.items() for number in range(1, count + 1)}
    assert {name[:3] for name in CASES} == rows
    assert len(CASES) == len(all_cases())
    assert all(name == name[:3] or name[3] == "-" for name in CASES)


def test_the_folder_holds_every_file_that_a_case_names(folder: Path) -> None:
    for case in json.loads((folder / "cases.json").read_bytes()):
        assert json.loads((folder / "cases" / case["id"] / "case.json").read_bytes()) == case
        for mirror in [*case["mirrors"], *(visit["mirror"] for visit in case.get("before", []))]:
            assert (folder / "base" / mirror["base"] / "now").is_file()
            assert "files" not in mirror or any((folder / mirror["files"]).iterdir())


def test_a_second_folder_is_the_same(folder: Path, tmp_path: Path) -> None:
    generate.write(tmp_path)
    one, other = ({path.relative_to(place): path for path in place.rglob("*")} for place in (folder, tmp_path))
    assert one.keys() == other.keys()
    assert not [name for name, path in one.items() if path.is_file() and path.read_bytes() != other[name].read_bytes()]


# ---------------------------------------------------------------- the protocol


@pytest.mark.parametrize("name", ["T10", "M16-over"])
def test_our_verifier_keeps_to_the_protocol(folder: Path, name: str) -> None:
    command = [sys.executable, "-m", "conformance.trust.verify"]
    assert run.wrong_in(folder, command, CASES[name]) == []


def _verifier(place: Path, answer: str) -> list[str]:
    script = place / "verifier.py"
    script.write_text(answer)
    return [sys.executable, str(script)]


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ('print(\'{"verdict":"verified","code":""}\')', "verdict: 'verified', not 'refused'"),
        ('print(\'{"verdict":"refused","code":"length"}\')', "code: 'length', not 'hash'"),
        ('print(\'{"verdict":"refused","code":"hash","body":"00"}\')', "it shows a page"),
        ("raise SystemExit('no such case')", "no JSON line, exit 1: no such case"),
        ("print(7)", "its answer is no object"),
    ],
)
def test_a_verifier_that_is_wrong_is_told_so(folder: Path, tmp_path: Path, answer: str, what: str) -> None:
    wrong = run.wrong_in(folder, _verifier(tmp_path, answer), CASES["C01"])
    assert what in "; ".join(wrong)


def test_the_runner_says_how_many_cases_are_right(folder: Path, tmp_path: Path, capsys: Any) -> None:
    some = [CASES["C01"], CASES["C02"], CASES["C13-br"]]
    (tmp_path / "cases.json").write_text(json.dumps(some))
    (tmp_path / "cases").symlink_to(folder / "cases")
    command = _verifier(tmp_path, 'print(\'{"verdict":"refused","code":"hash"}\')')
    assert run.main([str(tmp_path), *command]) == 1
    told = capsys.readouterr().out
    assert "C02 page: last 5 bytes cut: code: 'hash', not 'length'" in told
    assert "1 of 3 cases right" in told
    assert run.main([str(tmp_path)]) == 2


def test_the_generator_writes_over_nothing(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "mine.txt").write_text("x")
    assert generate.main([str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert generate.main([]) == 2
