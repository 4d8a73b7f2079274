"""An auditor's round: honest mirrors cause no alarm, however they lag; whoever forges for some is seen by all."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

import anyio
import pytest
from tests.flows.test_logbook import ON, _fork, edit
from tests.flows.test_sync import Reached
from tests.flows.world import NOW, Make, World

from heliograph.flows.monitor import Watched, monitor
from heliograph.lab.keys import MemoryKeys, with_a_log
from heliograph.lab.piece import pieces
from heliograph.lab.store import MemoryMirror
from heliograph.model import paths
from heliograph.model.release import Got
from heliograph.trust.chain import State


class Auditor:
    """Somebody who looks at mirrors again and again."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.kept: Mapping[str, State] = {}

    def round(self, *mirrors: MemoryMirror | Reached) -> list[tuple[str, str, tuple[str, ...]]]:
        """The findings of one round over ``mirrors``, or over all of the newsroom's."""
        self.watched = self._watched(mirrors or tuple(self.world.mirrors))
        self.kept = self.watched.kept
        return [(one.code, one.what, one.places) for one in self.watched.findings]

    def _watched(self, mirrors: tuple[MemoryMirror | Reached, ...]) -> Watched:
        reached = [one if isinstance(one, Reached) else Reached(one.files, one.name) for one in mirrors]
        root = self.world.keys.files["tuf/1.root.json"]
        return anyio.run(monitor, reached, self.kept, root, self.world.now)


@pytest.fixture
def logged(logged: World) -> World:
    """A newsroom with two mirrors and a log, after its first pass."""
    logged.publish()
    return logged


def test_honest_mirrors_cause_no_alarm(logged: World) -> None:
    auditor = Auditor(logged)
    for number in range(3):
        assert auditor.round() == []
        edit(logged, f"Заголовок {number}")
        logged.publish()
    assert auditor.round() == []
    point = auditor.watched.point
    assert point is not None
    assert (point.size, auditor.watched.release) == (8, 8)
    assert not auditor.watched.stale


def test_a_round_reads_no_page_and_no_entry_twice(logged: World) -> None:
    auditor = Auditor(logged)
    reached = Reached(logged.mirrors[0].files, "one")
    auditor.round(reached)
    assert not [name for name in reached.asked if name.startswith(("a/", "o/"))]
    assert {"now", "sw.js", "reader.html", paths.CHECKPOINT} <= set(reached.asked)
    reached.asked.clear()
    assert auditor.round(reached) == []
    assert not [name for name in reached.asked if "entries" in name and name != "log/tile/entries/000.p/2"]


def test_a_mirror_that_lags_is_no_finding(logged: World) -> None:
    auditor = Auditor(logged)
    auditor.round()
    logged.mirrors[1].fail(1, "refused", again=True)
    edit(logged, "Второе зеркало молчит")
    logged.publish()
    assert auditor.round() == []
    releases = [one.verdict.release for one in auditor.watched.sights.values()]
    assert releases == [4, 2]
    logged.mirrors[1].fail(0, "")
    logged.publish()
    edit(logged, "Снова вместе")
    logged.publish()
    assert auditor.round() == []


def test_a_mirror_that_cannot_be_reached_is_a_finding_and_what_was_seen_of_it_stays(logged: World) -> None:
    auditor = Auditor(logged)
    auditor.round()
    dead = Reached({}, "two")
    dead.answer = lambda _: Got(fate="unavailable")
    before = auditor.kept["two"]
    assert [(code, places) for code, _, places in auditor.round(logged.mirrors[0], dead)] == [("unavailable", ("two",))]
    assert auditor.kept["two"].checkpoint == before.checkpoint
    assert auditor.round() == []


def test_an_old_mirror_is_stale_and_no_finding(logged: World) -> None:
    auditor = Auditor(logged)
    logged.now += timedelta(days=3)
    assert auditor.round() == []
    assert auditor.watched.stale


# ---------------------------------------------------------------- thieves


@pytest.fixture
def thief(logged: World, make: Make) -> World:
    """Who has a copy of everything on the publishing machine, and publishes on a mirror of his own."""
    other = make(pieces(NOW)[:2], more=ON, folder="thief")
    other.keys, other.now = copy.deepcopy(logged.keys), logged.now
    other.mirrors = [MemoryMirror("thief")]
    return other


def test_who_forges_and_logs_it_in_a_log_of_his_own_is_seen_beside_an_honest_mirror(
    logged: World, thief: World
) -> None:
    thief.publish()
    auditor = Auditor(logged)
    found = auditor.round(logged.mirrors[0], thief.mirrors[0])
    assert {code for code, _, _ in found} == {"equivocation", "log"}
    assert {places for _, _, places in found} <= {("one", "thief"), ("thief", "one")}


def test_who_forges_later_releases_is_seen_although_no_number_is_there_twice(logged: World, thief: World) -> None:
    for number in range(3):
        edit(thief, f"Подделка {number}")
        thief.publish(minutes=7)
    auditor = Auditor(logged)
    found = auditor.round(logged.mirrors[0], thief.mirrors[0])
    assert ("log", "the log of 6 entries does not go on from that of 2", ("one", "thief")) in found


def test_who_forges_where_an_auditor_was_before_is_seen_without_any_other_mirror(logged: World, thief: World) -> None:
    auditor = Auditor(logged)
    auditor.round(logged.mirrors[0])
    for number in range(3):
        edit(thief, f"Подделка {number}")
        thief.publish(minutes=7)
    found = auditor.round(Reached(thief.mirrors[0].files, "one"))
    assert [code for code, _, _ in found] == ["log"]
    assert "not those that were seen before" in found[0][1]


def test_who_forges_and_does_not_log_it_is_seen_at_once(logged: World, thief: World) -> None:
    thief.config = thief.config.model_copy(update={"trust": thief.config.trust.model_copy(update={"log": False})})
    thief.publish()
    files = {**thief.mirrors[0].files, **{n: d for n, d in logged.mirrors[0].files.items() if n.startswith("log/")}}
    found = Auditor(logged).round(Reached(files, "thief"))
    assert [code for code, _, _ in found] == ["log"]
    assert "two heads of release 2" in found[0][1]
    assert Auditor(logged).round(Reached(thief.mirrors[0].files, "thief"))[0][1] == "there is no log/checkpoint"


@pytest.mark.parametrize("more", [0, 1, 3])
def test_who_shows_a_policy_from_before_the_log_is_seen_beside_an_honest_mirror(
    logged: World, thief: World, more: int
) -> None:
    """With the keys of the machine he can name older targets, in which there is no log."""
    for number in range(2):
        edit(logged, f"Правда {number}")
        logged.publish()
    thief.config = thief.config.model_copy(update={"trust": thief.config.trust.model_copy(update={"log": False})})
    thief.keys.remove("tuf/2.targets.json")
    thief.publish(minutes=3)
    for number in range(more):
        edit(thief, f"Подделка {number}")
        thief.publish(minutes=3)
    assert Auditor(logged).round(thief.mirrors[0]) == []  # alone, who has seen nothing yet cannot know
    found = Auditor(logged).round(logged.mirrors[0], thief.mirrors[0])
    assert [places for code, _, places in found if code == "log"] == [("thief", "one")]


def test_a_mirror_that_lags_from_before_the_log_is_no_finding(make: Make) -> None:
    world = make(pieces(NOW)[:4], more=ON)
    world.publish()
    world.keys = MemoryKeys(with_a_log(world.keys.files, NOW))
    world.mirrors[1].fail(1, "refused", again=True)
    world.publish()
    assert Auditor(world).round() == []
    edit(world, "Второе зеркало молчит")
    world.publish()
    assert Auditor(world).round() == []
    world.mirrors[0].files["log/tile/0/000.p/4"] = b""
    assert Auditor(world).round()[0][1].startswith("log/tile/0/000.p/4 has 0 bytes")


def test_a_log_that_shrank_or_was_replaced_is_a_finding_each_time(logged: World) -> None:
    auditor = Auditor(logged)
    old = {name: data for name, data in logged.mirrors[0].files.items() if name.startswith("log/")}
    edit(logged, "Новое")
    logged.publish()
    auditor.round()
    shrunk = Reached({**logged.mirrors[0].files, **old}, "one")
    forked = Reached({**logged.mirrors[0].files, paths.CHECKPOINT: _fork(logged, 4)}, "one")
    for mirror, told in ((shrunk, "is not in the log"), (forked, "not those that were seen before")) * 2:
        found = auditor.round(mirror, logged.mirrors[1])
        assert [(code, places) for code, _, places in found] == [("log", ("one",))]
        assert told in found[0][1]


def test_code_that_nobody_signed_is_a_finding(logged: World) -> None:
    auditor = Auditor(logged)
    found = auditor.round(Reached({**logged.mirrors[0].files, "sw.js": b"// stolen"}, "one"), logged.mirrors[1])
    assert found == [("code", "sw.js is there, and the newsroom has not signed any", ("one",))]
    policy = next(name for name in logged.mirrors[0].files if name.startswith("code/"))
    found = auditor.round(Reached({**logged.mirrors[0].files, policy: b"{}"}, "one"))
    assert [code for code, _, _ in found] == ["code"]


def test_a_new_root_that_one_mirror_hides_is_found_on_another(logged: World) -> None:
    from heliograph.flows import ceremonies, keyring
    from heliograph.lab.keys import key
    from heliograph.trust import keys

    files = dict(logged.mirrors[0].files)
    now, made = logged.now + timedelta(minutes=1), key("online", "second")
    change = ceremonies.rotated(logged.keys, [made], {key("online").keyid}, now)

    def keep(one: keys.SigningKey) -> None:
        logged.keys.write(keyring.file_of(one), keys.bare(one))

    ceremonies.signed(logged.keys, change, [key("root"), key("targets")], keep)
    logged.publish()
    hidden = Reached(files, "hides")
    assert Auditor(logged).round(hidden) == []  # alone, it can
    assert [(code, places) for code, _, places in Auditor(logged).round(hidden, logged.mirrors[0])] == [
        ("signature", ("hides",))
    ]


def test_a_log_that_began_anew_is_compared_with_nothing_of_before(logged: World) -> None:
    auditor = Auditor(logged)
    auditor.round()
    logged.keys = MemoryKeys(with_a_log(logged.keys.files, logged.now, "heliograph/lab/3"))
    logged.mirrors[1].fail(1, "refused", again=True)
    logged.publish()
    assert auditor.round() == []  # and one mirror shows the old log yet
    assert {one.log.origin for one in auditor.watched.sights.values() if one.log} == {
        "heliograph/lab/2", "heliograph/lab/3",
    }  # fmt: skip


def test_a_newsroom_without_log_is_watched_as_well(make: Make) -> None:
    world = make(pieces(NOW)[:3], more="[edition]\npictures = false\n")
    world.publish()
    auditor = Auditor(world)
    assert auditor.round() == []
    assert auditor.watched.point is None
    other = Reached({**world.mirrors[0].files, "now": world.mirrors[0].files["now"][:-1]}, "cut")
    assert auditor.round(other) == []  # the single files decide
    name = f"edition/{sha256(b'').hexdigest()}.head"
    assert auditor.round(Reached({name: b""}, "empty"))[0][0] == "unavailable"
