"""The documents, held against the code: links, paths, commands, configuration and examples."""

from __future__ import annotations

import ast
import doctest
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
ADR_SECTIONS = ["Context", "Decision", "Measured reasons", "Consequences"]
SHELLS = {"sh", "console", "shell", "bash"}
MIRROR_FOLDERS = ("a/", "o/", "code/", "edition/")  # of a mirror, not of the source

_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_SOURCE_PATH = re.compile(r"`((?:[a-z_]+/)+(?:[a-z_-]+\.(?:py|css|js|html))?|[a-z_]+\.py)`")


class Fenced(NamedTuple):
    """One code block of a document."""

    document: Path
    language: str
    line: int  # of its fence, from 1
    text: str


def fenced(document: Path) -> Iterator[Fenced]:
    text = document.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        yield Fenced(document, match[1], text.count("\n", 0, match.start()) + 1, match[2])


def prose(document: Path) -> str:
    return _FENCE.sub("", document.read_text(encoding="utf-8"))


def name(document: Path) -> str:
    return str(document.relative_to(ROOT))


BLOCKS = [block for document in DOCUMENTS for block in fenced(document)]


def of_language(*languages: str) -> list[object]:
    found = [block for block in BLOCKS if block.language in languages]
    return [pytest.param(block, id=f"{name(block.document)}:{block.line}") for block in found]


def anchors(document: Path) -> set[str]:
    """The fragments that headings of ``document`` answer to, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for match in _LINK.finditer(prose(document)):
        target = match[1] or match[2]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        goal = (document.parent / path).resolve() if path else document
        assert goal.exists(), f"{target}: no such file"
        if fragment and goal.suffix == ".md":
            assert fragment in anchors(goal), f"{target}: no such heading"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_source_file_named_exists(document: Path) -> None:
    for match in _SOURCE_PATH.finditer(prose(document)):
        path = match[1]
        if path.startswith(MIRROR_FOLDERS):
            continue
        places = [ROOT / path, ROOT / "src" / path, ROOT / "src" / "heliograph" / path]
        assert any(place.exists() for place in places), f"{path}: no such file or folder"


def test_every_document_is_linked_from_another() -> None:
    linked = {
        (document.parent / (match[1] or match[2]).partition("#")[0]).resolve()
        for document in DOCUMENTS
        for match in _LINK.finditer(prose(document))
    }
    lonely = [name(document) for document in DOCUMENTS if document.parent != ROOT and document not in linked]
    assert lonely == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_code_blocks_are_closed_and_lines_bounded(document: Path) -> None:
    lines = document.read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("```") for line in lines) % 2 == 0
    assert [line for line in lines if line != line.rstrip()] == []


# --- decisions ---


@pytest.mark.parametrize("adr", ADRS, ids=name)
def test_a_decision_has_its_sections_status_and_figures(adr: Path) -> None:
    text = adr.read_text(encoding="utf-8")
    number, _, _ = adr.stem.partition("-")
    assert text.startswith(f"# {number}: ")
    assert re.search(r"^Status: (accepted|replaced by \d{4}), \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ADR_SECTIONS
    reasons = text.partition("## Measured reasons\n")[2].partition("\n## ")[0]
    assert len(re.findall(r"\d", reasons)) > 5, "no figures"


def test_decisions_are_numbered_without_gap_and_listed() -> None:
    assert ADRS, "there are decisions"
    assert [int(adr.stem[:4]) for adr in ADRS] == list(range(1, len(ADRS) + 1))
    listed = re.findall(
        r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \|$", (ROOT / "docs/adr/README.md").read_text(), re.MULTILINE
    )
    titles = [adr.read_text(encoding="utf-8").splitlines()[0][len("# 0000: ") :] for adr in ADRS]
    assert listed == [(adr.stem[:4], adr.name, title) for adr, title in zip(ADRS, titles, strict=True)]


# --- commands ---


def command_lines(block: Fenced) -> Iterator[list[str]]:
    """The commands of a shell block as words; in ``console`` those after ``$``, else every line."""
    for line in block.text.replace("\\\n", " ").splitlines():
        typed = line.removeprefix("$ ") if block.language != "console" or line.startswith("$ ") else ""
        words = shlex.split(typed, comments=True)
        while words and (words[0] in {"sudo", "time"} or re.fullmatch(r"[A-Z_]+=.*", words[0])):
            words = words[1:]
        if words:
            yield words


def check_heliograph(words: list[str], *, whole: bool = True) -> None:
    """Raises ``TyperException`` if the command line parser would refuse ``words`` (without "heliograph").

    Without ``whole`` only the command's name counts, as where a sentence mentions it.
    """
    import typer

    from heliograph.cli.app import app

    command = typer.main.get_command(app)
    if words in (["--version"], ["--help"], ["-h"]):
        return
    assert words, "no command"
    assert words[0] in command.commands, f"no command {words[0]!r}"  # type: ignore[attr-defined]
    if whole:
        command.commands[words[0]].make_context(words[0], words[1:])  # type: ignore[attr-defined]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("block", of_language(*SHELLS))
def test_commands_in_shell_blocks_are_understood(block: Fenced) -> None:
    for words in command_lines(block):
        program = words[0].rpartition("/")[2]
        if program == "heliograph":
            check_heliograph(words[1:])
        elif program == "make":
            assert {word for word in words[1:] if "=" not in word} <= make_targets(), words


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_commands_in_running_text_are_understood(document: Path) -> None:
    for quoted in re.findall(r"`((?:heliograph|make) [^`]+)`", prose(document)):
        program, *words = shlex.split(quoted)
        if program == "heliograph":
            check_heliograph(words, whole=len(words) > 1)
        else:
            assert {word for word in words if "=" not in word} <= make_targets(), quoted


def test_a_wrong_command_line_would_be_noticed() -> None:
    from typer.exceptions import TyperException

    for wrong in (["publish", "--now"], ["serve", "x", "--listen"], ["serve"]):
        with pytest.raises(TyperException):
            check_heliograph(wrong)
    with pytest.raises(AssertionError, match="no command"):
        check_heliograph(["pubish"])


def test_every_command_is_described() -> None:
    import typer

    from heliograph.cli.app import app

    text = "".join(prose(document) for document in DOCUMENTS)
    text += "".join(block.text for block in BLOCKS if block.language in SHELLS)
    for command in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
        assert re.search(rf"heliograph {command}\b|`{command}`", text), f"heliograph {command} is in no document"


def test_no_help_loses_a_word_to_markup() -> None:
    import typer
    from rich.text import Text

    from heliograph.cli.app import app

    def all_of(command: Any) -> Iterator[Any]:
        yield command
        for one in getattr(command, "commands", {}).values():
            yield from all_of(one)

    for command in all_of(typer.main.get_command(app)):
        for said in (command.help, *(getattr(one, "help", None) for one in command.params)):
            assert Text.from_markup(said or "").plain == (said or ""), f"heliograph {command.name}: {said}"


# --- configuration ---


def check_toml(text: str) -> None:
    """Raises ``ConfigError`` if ``text``, completed by a newsroom's name where it has none, is no configuration."""
    from heliograph.config import parse

    named = text if re.search(r"^\[newsroom\]", text, re.MULTILINE) else f'[newsroom]\ntitle = "Example"\n{text}'
    parse(named, ROOT / "heliograph.toml")


@pytest.mark.parametrize("block", [one for one in of_language("toml") if "lab.md" not in str(one)])
def test_configuration_examples_are_valid(block: Fenced) -> None:
    check_toml(block.text)


def test_a_wrong_configuration_would_be_noticed() -> None:
    from heliograph.model import ConfigError

    for wrong in ('[capture.cut]\nkep = ["x"]\n', '[[source]]\nkind = "feed"\n', "[run]\nevery = 5\n", "not toml"):
        with pytest.raises(ConfigError):
            check_toml(wrong)


# --- examples ---


def run_session(text: str, where: str, names: dict[str, object]) -> list[str]:
    """Run an interactive session, which adds to ``names``; what went differently from what it shows."""
    test = doctest.DocTestParser().get_doctest(text, names, where, where, 0)
    told: list[str] = []
    doctest.DocTestRunner().run(test, out=told.append, clear_globs=False)
    names.update(test.globs)
    return told


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_python_examples_run_and_show_what_they_say(document: Path) -> None:
    names: dict[str, object] = {}  # one for a whole document: later examples build on earlier ones
    for block in fenced(document):
        where = f"{name(document)}:{block.line}"
        if block.language == "pycon":
            assert run_session(block.text, where, names) == []
        elif block.language == "python":
            exec(compile(ast.parse(block.text, where), where, "exec"), names)


def test_a_wrong_example_would_be_noticed() -> None:
    assert run_session(">>> 1 + 1\n3\n", "wrong", {}) != []
    assert run_session(">>> 1 + 1\n2\n", "right", {}) == []


def test_there_are_examples_in_the_format() -> None:
    sessions = [block for block in fenced(ROOT / "docs" / "format.md") if block.language == "pycon"]
    assert sum(block.text.count(">>>") for block in sessions) >= 25
