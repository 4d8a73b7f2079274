"""The release log as the newsroom keeps it: whole at every moment on every mirror, and never forked, whatever dies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.flows.test_seal import reader, unverified
from tests.flows.world import NOW, Make, World

from heliograph.flows import keyring, logbook
from heliograph.lab.keys import MemoryKeys, key, with_a_log
from heliograph.lab.piece import pieces
from heliograph.lab.readers import Reader, listing
from heliograph.lab.store import MemoryMirror
from heliograph.model import SignError, paths
from heliograph.trust import log, note
from heliograph.trust.head import read_head
from heliograph.trust.note import Checkpoint

ON = "[edition]\npictures = false\n[trust]\nlog = true\n"


def edit(world: World, title: str, story: int = 0) -> None:
    world.newsroom.edit(world.newsroom.pieces[story].path, world.now, title=title)


def audit(world: World, mirror: MemoryMirror | None = None, auditor: Reader | None = None) -> tuple[str, str]:
    """What an auditor of a whole mirror says."""
    files = (mirror or world.mirrors[0]).files
    verdict = (auditor or reader(world)).audit(files, world.now, listing(files)).verdict
    return verdict.code or verdict.verdict, verdict.what


def checkpoint(world: World, files: Mapping[str, bytes]) -> Checkpoint:
    policy = logbook.policy_of(world.keys)
    assert policy is not None
    return note.read_checkpoint(files[paths.CHECKPOINT], policy)


def shown(world: World) -> int:
    """The release that the first mirror shows."""
    return reader(world).read([world.mirrors[0].files], "index.html", world.now).verdict.release


def test_every_release_is_in_the_log_and_an_auditor_who_comes_often_finds_it_grown(logged: World) -> None:
    auditor = reader(logged)
    sizes = []
    for number in range(3):
        edit(logged, f"Заголовок {number}")
        assert not [one for one in logged.publish().problems if "log" in one.what]
        assert audit(logged, auditor=auditor) == ("verified", "")
        assert audit(logged, logged.mirrors[1]) == ("verified", "")
        sizes.append(checkpoint(logged, logged.mirrors[0].files).size)
        assert sizes[-1] == shown(logged)
    assert sizes == sorted(set(sizes))
    assert unverified(logged, logged.mirrors[0]) == []


def test_without_the_field_there_is_no_log_and_the_newsroom_hears_of_it(make: Make) -> None:
    world = make(pieces(NOW)[:3], more="[edition]\npictures = false\n")
    world.publish()
    assert not [name for name in world.mirrors[0].files if name.startswith("log/")]
    world.keys = MemoryKeys(with_a_log(world.keys.files, NOW))
    told = [problem.what for problem in world.publish().problems]
    assert any("auditors will report it" in what for what in told)
    assert audit(world)[0] == "log"


def test_the_field_alone_changes_nothing_but_is_told(make: Make) -> None:
    world = make(pieces(NOW)[:3], more=ON)
    told = [problem for problem in world.publish().problems if "release log" in problem.what]
    assert [problem.remedy for problem in told] == ["insert the stick and run: heliograph keys log"]
    assert audit(world) == ("verified", "")


def test_a_log_that_is_switched_on_later_begins_with_the_release_that_is_out(make: Make) -> None:
    world = make(pieces(NOW)[:6], more=ON)
    world.publish()
    edit(world, "Раньше всякого журнала")
    world.publish()
    before = shown(world)
    world.keys = MemoryKeys(with_a_log(world.keys.files, NOW))
    world.publish()
    assert (shown(world), checkpoint(world, world.mirrors[0].files).size) == (before, before)
    assert audit(world) == ("verified", "")
    edit(world, "После этого")
    world.publish()
    assert audit(world) == ("verified", "")


def test_at_every_moment_of_a_delivery_the_release_shown_is_in_the_log_shown(logged: World) -> None:
    logged.publish()
    auditor, seen = reader(logged), []

    def look(mirror: MemoryMirror) -> None:
        outcome = auditor.audit(mirror.files, logged.now)
        release = read_head(outcome.state.head).release
        seen.append((release, checkpoint(logged, mirror.files).size))
        # between the steps of a delivery pages are old, and that is all an audit may find
        assert outcome.verdict.code in ("", "hash", "length", "unlisted", "unavailable", "bundle"), outcome.verdict

    logged.mirrors[0].seen = look
    edit(logged, "Исправленный заголовок")
    logged.publish()
    assert len(seen) > 10
    assert all(size >= release for release, size in seen)
    assert {size - release for release, size in seen} >= {0, 1}


def test_no_name_of_the_log_ever_changes_its_bytes_but_the_checkpoint(logged: World) -> None:
    kept: dict[str, bytes] = {}
    for number in range(4):
        edit(logged, f"Заголовок {number}", number % 3)
        logged.publish()
        for name, data in logged.mirrors[0].files.items():
            if name.startswith("log/tile/"):
                assert kept.setdefault(name, data) == data
    assert kept.keys() <= logged.mirrors[0].files.keys()  # nor is one missing, while its tile is not full


def test_without_news_the_log_does_not_grow(logged: World) -> None:
    logged.publish()
    before = logged.mirrors[0].files[paths.CHECKPOINT]
    for _ in range(4):
        logged.publish(minutes=47 * 60)
    assert logged.mirrors[0].files[paths.CHECKPOINT] == before
    assert audit(logged) == ("verified", "")


def test_full_tiles_take_the_place_of_unfinished_ones_after_eight_days(make: Make) -> None:
    world = make(pieces(NOW)[:3], more=ON)
    world.publish()
    edge = log.grown(log.Edge(), [b""] * 254)
    for name, data in edge.files.items():
        path = world.folder / "state" / "edition" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    world.keys = MemoryKeys(with_a_log(world.keys.files, NOW))
    with world.outside() as outside:
        outside.journal.note(logbook.NOTE, logbook.remembered("heliograph/lab/2", edge.edge, whole=True))
    for number in range(3):
        edit(world, f"Заголовок {number}")
        world.publish()
    files = world.mirrors[0].files
    assert checkpoint(world, files).size >= 256
    assert {"log/tile/0/000", "log/tile/entries/000", "log/tile/1/000.p/1"} <= files.keys()
    assert audit(world) == ("verified", "")
    assert "log/tile/0/000.p/255" in files
    edit(world, "Через девять дней")
    world.publish(minutes=9 * 24 * 60)
    assert "log/tile/0/000.p/255" not in world.mirrors[0].files
    assert audit(world) == ("verified", "")


# ---------------------------------------------------------------- what can die


class _Killed(BaseException):
    """The process ends here."""


def killed(world: World, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass that dies at ``place``."""

    def die(*_: Any, **__: Any) -> Any:
        raise _Killed

    target: dict[str, tuple[Any, str]] = {
        "before the promise": (logbook, "promised"),
        "before the checkpoint": (logbook, "extended"),
        "before the files": (keyring, "code"),
    }
    with monkeypatch.context() as patch:
        patch.setattr(*target[place], die)
        with pytest.raises(_Killed):
            world.publish()


def opened(world: World) -> logbook.Book | None:
    """The log as the next pass would find it in the journal."""
    with world.outside() as outside:
        return logbook.opened(outside.keys, outside.journal, on=True)


@pytest.mark.parametrize("place", ["before the promise", "before the checkpoint", "before the files"])
def test_a_pass_that_is_killed_leaves_a_log_that_the_next_one_goes_on_with(
    logged: World, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged.publish()
    auditor = reader(logged)
    audit(logged, auditor=auditor)
    signed = _noting_checkpoints(monkeypatch)
    for number in range(2):
        edit(logged, f"Убито {number}")
        killed(logged, place, monkeypatch)
        assert audit(logged, auditor=auditor) == ("verified", "")
    edit(logged, "Живо")
    logged.publish()
    assert audit(logged, auditor=auditor) == ("verified", "")
    assert audit(logged) == ("verified", "")
    assert unverified(logged, logged.mirrors[0]) == []
    assert f"{shown(logged)}".encode() in logged.mirrors[0].files["a/about.html"]
    assert len(signed) == len({point.size for point in signed})


def _noting_checkpoints(monkeypatch: pytest.MonkeyPatch) -> set[Checkpoint]:
    """Every checkpoint that is signed from now on."""
    signed: set[Checkpoint] = set()
    write = note.write_checkpoint

    def noted(point: Checkpoint, seed: bytes) -> bytes:
        signed.add(point)
        return write(point, seed)

    monkeypatch.setattr(note, "write_checkpoint", noted)
    return signed


@pytest.mark.parametrize("how", ["refused", "done"])
def test_a_mirror_that_breaks_off_at_any_write_is_audited_and_gets_the_rest(logged: World, how: Any) -> None:
    logged.publish()
    auditor = reader(logged)
    for write in range(1, 40, 3):
        edit(logged, f"Обрыв {write}", write % 3)
        logged.mirrors[0].fail(write, how, again=True)
        logged.publish()
        logged.mirrors[0].fail(0, "")
        found = auditor.audit(logged.mirrors[0].files, logged.now).verdict
        assert found.code != "log", found
        assert audit(logged, logged.mirrors[1]) == ("verified", "")
    edit(logged, "Снова здесь")
    logged.publish()
    assert audit(logged, auditor=auditor) == ("verified", "")


def test_a_checkpoint_that_got_out_before_its_release_was_noted_is_gone_on_from(
    logged: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the power fails after a mirror was written: the journal has the promise, and lost the transaction."""
    logged.publish()
    edit(logged, "Свет погас")
    killed(logged, "before the checkpoint", monkeypatch)
    book = opened(logged)
    assert book is not None
    assert len(book.promised) == 1
    logged.mirrors[0].files |= logbook.extended(book).files
    auditor = reader(logged)
    assert audit(logged, auditor=auditor) == ("verified", "")
    logged.publish()
    assert audit(logged, auditor=auditor) == ("verified", "")
    assert shown(logged) > book.size


# ---------------------------------------------------------------- other logs


def _fork(world: World, size: int, root: bytes = bytes(32)) -> bytes:
    point = Checkpoint(origin="heliograph/lab/2", size=size, root=root)
    return note.write_checkpoint(point, key("log", "heliograph/lab/2").seed)


def test_a_mirror_with_a_longer_or_another_log_stops_the_pass_before_it_signs(logged: World) -> None:
    logged.publish()
    size = checkpoint(logged, logged.mirrors[0].files).size
    files = dict(logged.mirrors[0].files)
    edit(logged, "Новость")
    for point, told in (
        (_fork(logged, size + 1), "here 2 were the last"),
        (_fork(logged, size), "another release log"),
    ):
        logged.mirrors[0].files[paths.CHECKPOINT] = point
        with pytest.raises(SignError, match=told):
            logged.publish()
    logged.mirrors[0].files = files
    for harmless in (_fork(logged, 1), b"anything", b""):
        logged.mirrors[0].files[paths.CHECKPOINT] = harmless
    logged.publish()
    assert audit(logged) == ("verified", "")


def test_a_missing_log_key_is_named(logged: World) -> None:
    logged.publish()
    del logged.keys.files[keyring.file_of(key("log", "heliograph/lab/2"))]
    edit(logged, "Новость")
    with pytest.raises(SignError, match="heliograph/lab/2 is not here") as caught:
        logged.publish()
    assert "heliograph keys log --anew" in caught.value.remedy


def test_a_log_that_was_off_for_a_while_must_begin_anew(logged: World, make: Make) -> None:
    logged.publish()
    on = logged.config
    logged.config = on.model_copy(update={"trust": on.trust.model_copy(update={"log": False})})
    for number in range(2):
        edit(logged, f"Без журнала {number}")
        logged.publish()
    assert audit(logged)[0] == "log"
    logged.config = on
    with pytest.raises(SignError, match="are not in the release log") as caught:
        logged.publish()
    assert "keys log --anew" in caught.value.remedy
    logged.keys = MemoryKeys(with_a_log(logged.keys.files, logged.now, "heliograph/lab/3"))
    logged.publish()
    assert audit(logged) == ("verified", "")
    edit(logged, "Снова в журнале")
    logged.publish()
    assert audit(logged) == ("verified", "")
