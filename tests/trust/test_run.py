"""New roots: who is asked, what counts, what is kept, and when a reader is warned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from conformance.trust import papers, signing
from conformance.trust.bases import HOUR, base, rotated, second_root

from heliograph.lab.readers import Host, drive
from heliograph.model.release import Ask, Got
from heliograph.trust.chain import State
from heliograph.trust.run import Run

PINNED = base("r1").papers.roots[0]
NOW = base("r3").time + HOUR
SECOND = {"tuf/2.root.json": second_root()}
DAY = timedelta(days=1)


def probed(
    mirrors: Sequence[dict[str, bytes] | None], state: State | None = None, hosts: str = ""
) -> tuple[Run, list[int]]:
    """A run after its probe, and which mirrors were asked; a mirror that is None does not answer."""
    run = Run(state or State(root=b""), PINNED, hosts.split() or [f"m{place}" for place in range(len(mirrors))], NOW)
    asked = []

    def get(ask: Ask) -> Got:
        asked.append(ask.mirror)
        files = mirrors[ask.mirror]
        return Got(fate="unavailable") if files is None else Host(files=files).get(ask)

    drive(run.probe(), get)
    return run, asked


def test_two_mirrors_without_a_new_root_make_a_probe_complete() -> None:
    run, asked = probed([{}, {}])
    assert (run.complete, asked) == (True, [0, 1])
    assert run.warnings(run.chain()) == ()
    assert probed([{}])[0].warnings(run.chain()) == ("probe",)


def test_silence_is_no_answer() -> None:
    assert not probed([{}, None])[0].complete
    assert probed([{}, None, {}])[0].complete


def test_three_mirrors_are_asked_and_no_name_twice() -> None:
    assert probed([{}] * 5)[1] == [0, 1, 2]
    run, asked = probed([{}] * 4, hosts="a a b b")
    assert (asked, run.complete) == ([0, 2], True)
    run, asked = probed([{}] * 3, hosts="a a a")
    assert (asked, run.complete) == ([0], False)


def test_one_honest_mirror_is_enough_to_find_a_root() -> None:
    run, asked = probed([{}, {}, SECOND])
    assert run.kept_roots().root == second_root()
    assert asked == [0, 1, 2, 0, 1, 2]
    assert run.complete
    assert run.chain().root.version == 2


def test_a_mirror_with_a_bad_root_is_left_out_and_charged() -> None:
    run, asked = probed([{"tuf/2.root.json": b"{}"}, SECOND, {}])
    assert (run.out, run.charges) == ({0}, ((0, "field"),))
    assert asked == [0, 1, 1, 2]
    assert run.kept_roots().root == second_root()
    assert run.first is not None


def test_roots_follow_over_several_mirrors() -> None:
    third = {"tuf/3.root.json": papers.root(3, rotated(), NOW)}
    run, _ = probed([SECOND, third, {}])
    assert run.chain().root.version == 3


def test_roots_without_end_are_not_a_complete_probe() -> None:
    ring, padding = signing.one_person(), papers.Change(edit=lambda signed: signed.update(x="x" * 60_000))
    deep = base("deep").papers.roots[0]
    files = {f"tuf/{number}.root.json": papers.root(number, ring, NOW, change=padding) for number in range(2, 30)}
    run = Run(State(root=deep), deep, ["a", "b"], NOW)
    drive(run.probe(), Host(files=files).get)
    assert run.chain().root.version == 19  # eighteen further roots are a mebibyte
    assert not run.complete


# ---------------------------------------------------------------- when, and what is kept


def test_a_probe_is_due_each_day() -> None:
    def due(ago: timedelta) -> bool:
        return Run(State(root=PINNED, probed=NOW - ago), PINNED, [], NOW).due

    assert Run(State(root=PINNED), PINNED, [], NOW).due
    assert (due(timedelta(0)), due(DAY - timedelta(seconds=1)), due(DAY)) == (False, False, True)
    assert due(-HOUR)  # the clock was ahead when it was noted


def test_after_a_week_without_a_complete_probe_the_reader_is_warned() -> None:
    for days, warned in ((1, ()), (6, ()), (7, ("probe",))):
        run = Run(State(root=PINNED, probed=NOW - days * DAY), PINNED, ["a"], NOW)
        assert run.warnings(run.chain()) == warned


def test_a_damaged_state_is_as_good_as_none() -> None:
    for state in (State(root=b"x"), State(root=PINNED, head=b"x"), State(root=b"", timestamp=b"{}")):
        run = Run(state, PINNED, [], NOW)
        assert run.state == State(root=PINNED)
        assert run.chain().root.version == 1


def test_a_new_root_is_kept_at_once_and_the_time_of_an_incomplete_probe_is_not() -> None:
    before = State(root=PINNED, probed=NOW - 3 * DAY)
    run, _ = probed([SECOND], before)
    assert run.kept_roots() == replace(before, root=second_root())
    assert probed([{}], before)[0].kept_roots() == before
