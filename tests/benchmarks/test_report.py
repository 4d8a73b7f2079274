"""Tables and figures: what they look like, and what of a document they may touch."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from benchmarks.report import (
    Figure,
    Section,
    Table,
    Value,
    between,
    document,
    figures,
    from_plain,
    machine,
    markdown,
    number,
    show,
    to_plain,
    write_between,
)

TABLE = Table(
    title="From nothing",
    columns=("tool", "stories", "wall s"),
    rows=(("a|b", 10_000, 12.61), ("other", 1_000, None)),
    command="python -m benchmarks.whole",
    notes=("beside each other",),
)
FIGURE = Figure(what="text out", value="3.20 s", goal="< wget", beside="wget 79.0 s", command="make bench")
SECTION = Section(name="Whole tools", date="2026-11-22", tables=(TABLE,), figures=(FIGURE,))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ("> 180", "> 180"),
        (10_000, "10,000"),
        (0, "0"),
        (0.0, "0"),
        (0.01234, "0.0123"),
        (0.9999, "1.00"),
        (1.349, "1.35"),
        (-12.61, "-12.6"),
        (2503.55, "2,504"),
        (True, "True"),
    ],
)
def test_numbers_have_as_many_digits_as_are_worth_reading(value: Value, shown: str) -> None:
    assert number(value) == shown


def test_a_table_fits_80_columns_whatever_its_words() -> None:
    wide = Table(
        title="t",
        columns=("tool", *("a heading of words",) * 8),
        rows=((("word " * 30).strip(), *(123_456.0,) * 8),),
        command="python -m benchmarks",
        notes=("n" * 200,),
    )
    out = io.StringIO()
    show(wide, Console(file=out, width=80))
    assert max(map(len, out.getvalue().splitlines())) <= 80
    assert out.getvalue().count("123,456") == 8


def test_markdown_has_every_cell_the_notes_and_the_command() -> None:
    text = markdown(TABLE)
    assert "### From nothing" in text
    assert "| a\\|b | 10,000 | 12.6 |" in text
    assert "| other | 1,000 | - |" in text
    assert "- beside each other" in text
    assert "Repeat: `python -m benchmarks.whole`" in text


def test_the_figures_table_names_goal_comparison_and_command() -> None:
    assert "| text out | 3.20 s | < wget | wget 79.0 s | `make bench` |" in figures([FIGURE])


def test_the_document_names_machine_versions_and_date() -> None:
    text = document([SECTION], "2 cores", {"wget": "1.21", "Hugo": "0.168"})
    assert "Machine: 2 cores." in text
    assert "Versions: Hugo 0.168, wget 1.21." in text
    assert "## Whole tools\n\nMeasured on 2026-11-22." in text
    assert text.endswith("\n")


def test_a_section_survives_json() -> None:
    assert from_plain(json.loads(json.dumps(to_plain(SECTION)))) == SECTION


def test_between_replaces_only_what_the_markers_hold() -> None:
    text = "head\n<!-- figures -->\nold\n<!-- /figures -->\ntail\n"
    assert between(text, "figures", "new\n") == "head\n<!-- figures -->\nnew\n<!-- /figures -->\ntail\n"


@given(st.text(alphabet=st.characters(blacklist_characters="<")), st.text(), st.text())
def test_between_twice_is_between_once(head: str, tail: str, inner: str) -> None:
    if "<!--" in tail or "<!--" in inner:
        return
    text = f"{head}<!-- m -->x<!-- /m -->{tail}"
    once = between(text, "m", inner)
    assert once.startswith(head)
    assert once.endswith(tail)
    assert between(once, "m", inner) == once


@pytest.mark.parametrize(
    "text",
    ["", "<!-- m -->", "<!-- /m --><!-- m -->", "<!-- m --><!-- m --><!-- /m -->", "<!-- m --><!-- /m --><!-- /m -->"],
)
def test_between_refuses_a_text_without_one_pair_of_markers(text: str) -> None:
    with pytest.raises(ValueError, match="<!-- m -->"):
        between(text, "m", "x")


def test_a_document_is_made_from_its_beginning_or_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    with pytest.raises(ValueError, match=r"benchmarks\.md: there is no such file"):
        write_between(path, "m", "x")
    write_between(path, "m", "x", new="# B\n<!-- m -->\n<!-- /m -->\n")
    assert path.read_text() == "# B\n<!-- m -->\nx\n<!-- /m -->\n"
    write_between(path, "m", "y", new="another beginning")
    assert path.read_text() == "# B\n<!-- m -->\ny\n<!-- /m -->\n"
    path.write_text("no markers")
    with pytest.raises(ValueError, match=r"benchmarks\.md"):
        write_between(path, "m", "x")
    assert [file.name for file in tmp_path.iterdir()] == ["benchmarks.md"]


def test_the_machine_is_told_in_one_line() -> None:
    assert "cores of" in machine()
    assert "\n" not in machine()
