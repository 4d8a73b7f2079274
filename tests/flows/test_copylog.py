"""The release log read back from mirrors: by a newsroom that lost its own, and by whoever copies a mirror."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.flows.test_logbook import ON, audit, edit, killed, opened, shown
from tests.flows.test_recovery import recovered
from tests.flows.test_seal import reader, unverified
from tests.flows.test_sync import Reached, Volunteer
from tests.flows.world import NOW, Make, World
from tests.trust.test_logcheck import POLICY, head, mirror, point, signed

from heliograph.flows import copylog, logbook
from heliograph.flows.copylog import Copied
from heliograph.lab.keys import MemoryKeys
from heliograph.lab.piece import pieces
from heliograph.lab.store import MemoryMirror
from heliograph.model import SignError, paths
from heliograph.trust import form, log


def test_a_lost_journal_gets_its_log_back_from_the_mirrors(logged: World) -> None:
    for number in range(2):
        edit(logged, f"Заголовок {number}")
        logged.publish()
    auditor = reader(logged)
    audit(logged, auditor=auditor)
    before = {name for name in logged.mirrors[0].files if name.startswith("log/")}
    logged.mirrors.append(MemoryMirror("new"))
    shutil.rmtree(logged.config.state_folder)
    with pytest.raises(SignError, match="keys recover"):
        logged.publish()
    found = recovered(logged)
    assert (found.logged, found.log_lost) == (4, "")
    logged.publish()
    for shows in logged.mirrors:
        assert audit(logged, shows) == ("verified", "")
    assert audit(logged, auditor=auditor) == ("verified", "")
    assert before <= logged.mirrors[0].files.keys()


def test_a_log_that_ran_ahead_of_its_release_is_gone_on_from_after_a_loss(logged: World) -> None:
    """The delivery broke off between the log and ``now``, and then the machine was lost."""
    logged.publish()
    was = shown(logged)
    writes = []
    logged.mirrors[0].seen = lambda mirror: writes.append(paths.CHECKPOINT)
    edit(logged, "Обрыв")
    files = dict(logged.mirrors[0].files)
    logged.publish()
    ahead = {name: data for name, data in logged.mirrors[0].files.items() if name.startswith("log/")}
    logged.mirrors = [MemoryMirror("one")]
    logged.mirrors[0].files = {**files, **ahead}
    shutil.rmtree(logged.config.state_folder)
    found = recovered(logged)
    assert (found.release, found.logged) == (was, was + 2)
    auditor = reader(logged)
    assert audit(logged, auditor=auditor) == ("verified", "")
    logged.publish()
    assert audit(logged, auditor=auditor) == ("verified", "")
    assert shown(logged) > was + 2


def test_two_logs_on_the_mirrors_are_not_chosen_from(logged: World, make: Make) -> None:
    other = make(pieces(NOW)[:4], more=ON, folder="other")
    other.keys = logged.keys
    for world in (logged, other):
        world.publish()
    logged.mirrors = [logged.mirrors[0], other.mirrors[0]]
    logged.mirrors[1].name = "forked"
    found = recovered(logged)
    assert "show two different release logs" in found.log_lost


def test_a_promise_in_the_journal_survives_a_recovery_that_was_not_needed(
    logged: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged.publish()
    edit(logged, "Убито")
    killed(logged, "before the checkpoint", monkeypatch)
    book = opened(logged)
    recovered(logged)
    again = opened(logged)
    assert book is not None
    assert again == replace(book, whole=True)
    logged.publish()
    assert audit(logged) == ("verified", "")


def test_a_volunteer_copies_the_log_and_keeps_up_with_it(logged: World, tmp_path: Path) -> None:
    logged.publish()
    volunteer = Volunteer(logged, tmp_path / "volunteer")
    auditor = reader(logged)
    for number in range(3):
        result = volunteer.sync()
        assert (result.verdict.verdict, result.log) == ("verified", "")
        assert audit(logged, volunteer.copy, auditor) == ("verified", "")
        edit(logged, f"Заголовок {number}")
        logged.publish()
    names = {name for name in volunteer.copy.files if name.startswith("log/")}
    assert paths.CHECKPOINT in names


def test_a_volunteer_hears_of_a_log_that_cannot_be_copied_and_copies_the_news(logged: World, tmp_path: Path) -> None:
    logged.publish()
    for damaged in logged.mirrors:
        damaged.files[paths.CHECKPOINT] = b"damaged"
    volunteer = Volunteer(logged, tmp_path / "volunteer")
    result = volunteer.sync()
    assert result.verdict.verdict == "verified"
    assert "a checkpoint is no signed note" in result.log
    assert unverified(logged, volunteer.copy) == []


def test_a_copy_drops_unfinished_tiles_that_full_ones_replaced(logged: World, tmp_path: Path) -> None:
    logged.publish()
    volunteer = Volunteer(logged, tmp_path / "volunteer")
    volunteer.sync()
    assert "log/tile/0/000.p/2" in volunteer.copy.files
    heads = [b""] * 253
    with logged.outside() as outside:
        book = logbook.opened(outside.keys, outside.journal, on=True)
        assert book is not None
        outside.journal.note(logbook.NOTE, logbook.remembered("heliograph/lab/2", log.grown(log.Edge(), heads).edge))
        logged.mirrors[0].files.pop(paths.CHECKPOINT)
        logged.mirrors[1].files.pop(paths.CHECKPOINT)
    for number in range(2):
        edit(logged, f"Заголовок {number}")
        logged.publish()
    assert "log/tile/0/000" in logged.mirrors[0].files
    volunteer.sync()
    assert "log/tile/0/000" in volunteer.copy.files
    assert "log/tile/0/000.p/2" not in volunteer.copy.files
    assert audit(logged, volunteer.copy) == ("verified", "")


def test_with_the_root_alone_the_policy_and_the_log_are_read_back(logged: World) -> None:
    logged.publish()
    whole = dict(logged.keys.files)
    shutil.rmtree(logged.config.state_folder)
    logged.keys = MemoryKeys({"tuf/1.root.json": whole["tuf/1.root.json"]})
    found = recovered(logged)
    assert (found.logged, found.log_lost) == (2, "")
    assert [name for name in logged.keys.files if name.startswith("code/")]
    logged.keys.files |= {name: data for name, data in whole.items() if "/" not in name}
    logged.publish()
    assert audit(logged) == ("verified", "")


# ---------------------------------------------------------------- which log


def longest(*mirrors: Mapping[str, bytes], here: Mapping[str, bytes] | None = None) -> Copied | str:
    """The log of 300 and more that these mirrors have; some files are ``here``."""
    reached = [Reached(files, f"m{place}") for place, files in enumerate(mirrors)]

    async def look(name: str) -> bytes | None:
        return (here or {}).get(name)

    return anyio.run(copylog.longest, reached, POLICY, look)


def files(found: Copied | str) -> dict[str, bytes]:
    assert isinstance(found, Copied), found
    return found.files


def test_the_longest_log_is_taken_and_mirrors_that_have_none_are_passed_over() -> None:
    assert files(longest(mirror(257), mirror(300), {})) == mirror(300)
    damaged = {**mirror(300), "log/tile/entries/000": b""}
    assert files(longest(damaged, mirror(257))) == mirror(257)
    told = longest(damaged, {})
    assert isinstance(told, str)
    assert "m0: log/tile/entries/000 has not 256 entries" in told
    assert "m1: there is no log/checkpoint" in told
    assert longest() == "no mirror was asked"


def test_two_logs_are_told_and_none_is_taken() -> None:
    assert longest(mirror(300), mirror(257, 5)) == "m0 and m1 show two different release logs"


def test_what_is_here_is_not_asked_for_and_does_no_harm() -> None:
    name = "log/tile/entries/000"
    for here in (mirror(300)[name], mirror(300, 7)[name], bytes(200_000)):
        assert files(longest(mirror(300), here={name: here})) == mirror(300)


def test_a_checkpoint_over_other_entries_is_not_believed() -> None:
    entries = [head(at + 1) for at in range(299)]
    other = signed(log.grown(log.Edge(), [*entries, head(300, "other")]).edge)
    assert files(longest({**mirror(300), paths.CHECKPOINT: other}, mirror(257))) == mirror(257)
    assert point(300) != other


def test_a_policy_that_is_missing_or_none_names_no_log(logged: World) -> None:
    targets = logged.keys.files["tuf/2.targets.json"]
    (name,) = (name for name in logged.keys.files if name.startswith("code/"))
    data = logged.keys.files[name]
    assert copylog.log_named({name: data}, targets) is not None
    for code in ({}, {name: b"{}"}, {name: form.write({"format": "heliograph-policy/1", "log": 7})}):
        assert copylog.log_named(code, targets) is None
    assert copylog.log_named({}, logged.keys.files["tuf/1.targets.json"]) is None
    forged = Reached({name: data[::-1]}, "forged")
    assert anyio.run(copylog.code, [forged, Reached({name: data}, "honest")], targets) == {name: data}
    assert anyio.run(copylog.code, [forged], targets) == {}
