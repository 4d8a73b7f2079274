"""The run of all benchmarks: any JSON becomes tables, documents are written between their markers."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.__main__ import PARTS, Line, Part, as_tables, at, sections, versions, write
from benchmarks.report import Section, to_plain

LINE = Line(
    what="requests",
    value="{0:.2f} of nginx's",
    paths=("ratio.rate",),
    goal=">= 0.33",
    beside="nginx {0:,.0f}",
    beside_paths=("nginx.rate",),
)
PART = Part(name="serve", title="Serving", module="benchmarks.serve", arguments=("--rounds", "1"), lines=(LINE,))
SERVED = {"ours": {"rate": 570.0, "cpu_us": 37}, "nginx": {"rate": 1_000.0}, "ratio": {"rate": 0.57}}


def test_objects_with_the_same_keys_become_columns() -> None:
    (table,) = as_tables(SERVED, "Serving", "again")
    assert table.columns == ("", "ours", "nginx", "ratio")
    assert table.rows == (("rate", 570.0, 1_000.0, 0.57), ("cpu us", 37, None, None))


def test_plain_values_lists_and_nested_objects_get_tables_of_their_own() -> None:
    value = {"median": 1.3, "pages": [{"a": 1}, {"a": 2, "b": None}], "sets": {"real": {"x": {"f1": 0.9}}}}
    found = {table.title: table for table in as_tables(value, "T", "again")}
    assert found["T"].rows == (("median", 1.3),)
    assert found["T: pages"].rows == ((1, None), (2, None))
    assert found["T: sets: real"].columns == ("", "x")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_any_object_becomes_tables_with_straight_rows(value: dict[str, object]) -> None:
    for table in as_tables(value, "T", "again"):
        assert all(len(row) == len(table.columns) for row in table.rows)


def test_a_path_leads_through_names_with_spaces_or_nowhere() -> None:
    assert at({"a / b": {"c": 1}}, "a / b.c") == 1
    assert at({"a": 1}, "a.b") is None
    assert at({}, "a") is None


def test_a_section_has_the_figures_whose_values_are_there() -> None:
    (full,) = sections(PART, SERVED, "2026-11-22")
    assert full.figures[0].value == "0.57 of nginx's"
    assert full.figures[0].beside == "nginx 1,000"
    assert full.figures[0].command == "python -m benchmarks.serve --rounds 1"
    (without,) = sections(PART, {"ours": {"rate": 1.0}}, "2026-11-22")
    assert without.figures == ()


def test_sections_a_benchmark_made_itself_are_kept_and_dated() -> None:
    own = Section(name="Mine", date="", tables=())
    assert sections(PART, {"sections": [to_plain(own)]}, "2026-11-22") == [
        Section(name="Mine", date="2026-11-22", tables=())
    ]


def test_documents_are_written_and_a_readme_without_markers_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("# heliograph\n")
    found = sections(PART, SERVED, "2026-11-22")
    (wrong,) = write(tmp_path, found, "2 cores", {})
    assert "README.md" in wrong
    assert (tmp_path / "README.md").read_text() == "# heliograph\n"
    assert "| rate | 570 | 1,000 | 0.57 |" in (tmp_path / "docs/benchmarks.md").read_text()
    (tmp_path / "README.md").write_text("# heliograph\n<!-- figures -->\n<!-- /figures -->\nend\n")
    assert write(tmp_path, found, "2 cores", {}) == []
    readme = (tmp_path / "README.md").read_text()
    assert "| requests | 0.57 of nginx's | >= 0.33 | nginx 1,000 | `python -m benchmarks.serve --rounds 1` |" in readme
    assert readme.endswith("end\n")


def test_every_part_is_a_module_of_its_own_name() -> None:
    root = Path(__file__).resolve().parents[2]
    assert len({part.name for part in PARTS}) == len(PARTS)
    for part in PARTS:
        assert (root / f"{part.module.replace('.', '/')}.py").is_file()


def test_versions_name_what_is_installed() -> None:
    assert versions()["trafilatura"]
