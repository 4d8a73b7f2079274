"""What whole tools did, as tables and figures: failures are said, never averaged away."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.frame import Usage
from benchmarks.outcome import Outcome, Step, figures, raw, tables


def step(wall: float = 10.0, cpu: float = 5.0, *, ok: bool = True, mark: float | None = None, **more: object) -> Step:
    usage = Usage(
        wall=wall,
        cpu=cpu,
        memory=200_000_000,
        process=90_000_000,
        code=0 if ok else 1,
        late=bool(more.get("late")),
        mark=mark,
        mark_cpu=None if mark is None else cpu / 2,
        out=str(more.get("out", "")),
        err="first\n  | last line\n  +-----\n",
    )
    return Step(usage=usage, ok=ok, written=7, files=30, size=3_000_000)


OURS = Outcome(
    name="heliograph",
    label="heliograph",
    stories=1_000,
    steps={
        "first": step(mark=4.0, out='{"steps": {"deliver text": 3.9}, "cut": {}}'),
        "again": step(wall=1.5),
        "added": step(wall=2.0, mark=0.8),
        "corrected": step(mark=0.9),
    },
)
WGET = Outcome(
    name="wget",
    label="wget",
    stories=1_000,
    steps={"first": step(wall=12.0), "again": step(wall=11.0), "added": step(wall=11.5)},
    notes=("wget: --mirror",),
)


def test_heliograph_has_a_row_for_the_text_and_one_for_all() -> None:
    first, again, later = tables([OURS, WGET], "repeat")
    assert first.rows[0][:5] == ("heliograph, text", 1_000, 4.0, 2.5, 400.0)
    assert first.rows[1][:5] == ("heliograph, all", 1_000, 10.0, 5.0, 200.0)
    assert first.rows[2] == ("wget", 1_000, 12.0, 5.0, 200.0, 200.0, 90.0, 3.0, 30)
    assert again.rows == (("heliograph", 1_000, 1.5, 5.0, 7), ("wget", 1_000, 11.0, 5.0, 7))
    assert [row[0] for row in later.rows] == [
        "heliograph, text",
        "heliograph, all",
        "heliograph, corrected, text",
        "heliograph, corrected, all",
        "wget",
    ]
    assert "wget: --mirror" in first.notes
    assert all(len(row) == len(table.columns) for table in (first, again, later) for row in table.rows)


def test_a_tool_that_failed_or_was_late_says_so_in_its_row_and_below() -> None:
    late = Outcome(name="httrack", label="HTTrack", stories=10, steps={"first": step(wall=300.4, ok=False, late=True)})
    broke = Outcome(name="hugo", label="Hugo", stories=10, steps={"first": step(), "again": step(ok=False)})
    first, again = tables([late, broke], "repeat")
    assert first.rows[0][2] == "> 300"
    assert again.rows == (("Hugo", 10, "failed", None, None),)
    assert "HTTrack, 10 stories, first: ended after 300 s" in first.notes
    assert "Hugo, 10 stories, again: failed with 1: last line" in first.notes
    assert (late.ok, OURS.ok, replace(OURS, faults=("a page is too large",)).ok) == (False, True, False)


def test_figures_set_goal_and_peers_of_the_same_size_beside_each_value() -> None:
    other_size = Outcome(name="httrack", label="HTTrack", stories=10_000, steps={"first": step()})
    lines = {figure.what: figure for figure in figures([OURS, WGET, other_size], "repeat")}
    text = lines["1,000 stories: text edition on two mirrors"]
    assert (text.value, text.goal, text.beside) == ("4.00 s", "< wget", "wget 12.0 s")
    assert lines["1,000 stories: text edition, stories per CPU second"].value == "400"
    assert lines["1,000 stories: peak memory"].value == "200 MB"
    assert lines["1,000 stories: again, nothing changed"].value == "1.50 s"
    more = lines["1,000 stories: one story more, on two mirrors after"]
    assert (more.value, more.beside) == ("0.8 s, 7 files written", "wget 11.5 s")


def test_no_figure_is_made_of_a_run_that_failed() -> None:
    broken = Outcome(name="heliograph", label="heliograph", stories=1_000, steps={"first": step(ok=False, mark=1.0)})
    assert figures([broken, WGET], "repeat") == ()


def test_raw_keeps_what_was_measured_and_what_the_tool_said_of_its_time() -> None:
    plain = raw(OURS)
    assert plain["steps"]["first"]["usage"]["mark"] == 4.0
    assert plain["steps"]["first"]["said"] == {"steps": {"deliver text": 3.9}}
    assert "out" not in plain["steps"]["first"]["usage"]
