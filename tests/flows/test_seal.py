"""Every release can be verified, at every moment of its way to a mirror, and costs what changed."""

from __future__ import annotations

import posixpath
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from tests.flows.test_issue import page_of
from tests.flows.world import NOW, Make, World
from tests.links import relative_links

from heliograph.flows import keyring
from heliograph.flows.foreign import begun
from heliograph.lab.keys import MemoryKeys, folder, key
from heliograph.lab.piece import pieces
from heliograph.lab.readers import Reader
from heliograph.lab.store import MemoryMirror
from heliograph.model import SignError, StoreError, paths
from heliograph.trust import sign


def reader(world: World) -> Reader:
    return Reader(pinned=world.keys.files["tuf/1.root.json"])


def mapped(mirror: MemoryMirror) -> list[str]:
    return [name for name in mirror.files if not paths.fault(name)]


def unverified(world: World, mirror: MemoryMirror) -> list[tuple[str, str]]:
    """Pages of a mirror that a reader who comes for the first time would not be shown, and why."""
    return [
        (name, outcome.verdict.code or outcome.verdict.verdict)
        for name in mapped(mirror)
        if (outcome := reader(world).read([mirror.files], name, world.now)).verdict.verdict != "verified"
    ]


def test_every_page_of_a_release_is_verified(small: World) -> None:
    small.publish()
    small.publish()
    assert unverified(small, small.mirrors[0]) == []
    outcome = reader(small).read([small.mirrors[0].files], page_of(small.newsroom.pieces[0]), small.now)
    assert outcome.body == small.mirrors[0].files[page_of(small.newsroom.pieces[0])]
    assert (outcome.verdict.release, outcome.verdict.warn) == (2, ("probe",))


def test_at_every_moment_of_a_delivery_what_readers_reach_is_verified(small: World) -> None:
    small.publish()
    known = reader(small)
    chance = random.Random(3)
    verdicts: list[tuple[str, str]] = []

    def look(mirror: MemoryMirror) -> None:
        names = chance.sample(mapped(mirror), 2)
        verdicts.extend((name, known.read([mirror.files], name, small.now).verdict.verdict) for name in names)

    piece = small.newsroom.pieces[3]
    before = set(mapped(small.mirrors[0]))
    small.mirrors[0].seen = look
    small.newsroom.publish(replace(pieces(NOW)[7], published=small.now, updated=small.now))
    small.newsroom.edit(small.newsroom.pieces[1].path, small.now, title="Исправленный заголовок")
    small.newsroom.withdraw(piece.path)
    small.publish()
    assert len(verdicts) > 100
    # a page whose file is there before its release, or after its end, is not in the map yet or any more
    unknown = {name for name, verdict in verdicts if verdict == "withdrawn"}
    assert {verdict for _, verdict in verdicts} <= {"verified", "withdrawn"}
    assert not unknown & before & set(mapped(small.mirrors[0]))
    assert unverified(small, small.mirrors[0]) == []


def test_what_a_cut_short_delivery_brought_is_replaced_no_sooner_than_the_pointer(small: World) -> None:
    small.publish()
    mirror, known = small.mirrors[0], reader(small)
    shown = mirror.files["now"]

    def cut_short(at: MemoryMirror) -> None:
        if at.files["now"] != shown:
            raise StoreError("the line broke", where="mirror one")

    piece = replace(pieces(NOW)[7], published=small.now, updated=small.now)
    small.newsroom.publish(piece)
    mirror.seen = cut_short
    assert small.publish().failed
    assert page_of(piece) in mirror.files
    assert known.read([mirror.files], page_of(piece), small.now).verdict.verdict == "verified"

    seen: set[str] = set()
    mirror.seen = lambda at: seen.add(known.read([at.files], page_of(piece), small.now).verdict.verdict)
    small.newsroom.edit(piece.path, small.now, title="Исправленный заголовок")
    small.publish()
    assert seen == {"verified"}
    assert unverified(small, mirror) == []


def test_a_page_that_comes_back_is_replaced_no_sooner_than_the_pointer_of_a_mirror_that_lags(small: World) -> None:
    small.publish()
    mirror, known, piece = small.mirrors[0], reader(small), small.newsroom.pieces[2]
    assert known.read([mirror.files], page_of(piece), small.now).verdict.verdict == "verified"

    def broken(_: MemoryMirror) -> None:
        raise StoreError("the line broke", where="mirror one")

    small.newsroom.withdraw(piece.path)
    mirror.seen = broken
    assert small.publish().failed
    seen: set[str] = set()
    mirror.seen = lambda at: seen.add(known.read([at.files], page_of(piece), small.now).verdict.verdict)
    small.newsroom.publish(replace(piece, title="Снова здесь, и иначе", updated=small.now))
    small.publish()
    assert page_of(piece) in mirror.files
    assert seen == {"verified"}
    assert unverified(small, mirror) == []
    assert unverified(small, small.mirrors[1]) == []


def test_pages_that_come_back_together_never_lead_to_what_is_not_there_yet(small: World) -> None:
    day = NOW - timedelta(days=12)
    first, second = (replace(piece, published=day, updated=day) for piece in pieces(NOW)[6:8])
    small.newsroom.publish(first)
    small.newsroom.publish(second)
    small.publish()
    small.newsroom.withdraw(first.path)
    small.publish()
    mirror = small.mirrors[0]
    shown = mirror.files["now"]

    def cut_short(at: MemoryMirror) -> None:
        if at.files["now"] != shown:
            raise StoreError("the line broke", where="mirror one")

    small.newsroom.withdraw(second.path)  # the day ends, but the mirror still has its page
    mirror.seen = cut_short
    assert small.publish().failed
    broken: set[tuple[str, str]] = set()
    mirror.seen = lambda at: broken.update(dead_ends(at.files))
    for piece in (first, second):
        small.newsroom.publish(replace(piece, updated=small.now))
    small.publish()
    assert f"a/d/{day:%Y-%m-%d}.html" in mirror.files
    assert broken == set()


def dead_ends(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Links that a reader who starts at the front page can follow to nothing."""
    waiting, met = ["index.html"], {"index.html"}
    while waiting:
        page = waiting.pop()
        for href in relative_links(files[page]) if page.endswith(".html") else []:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(page), href))
            if target not in files:
                yield page, target
            elif target not in met:
                met.add(target)
                waiting.append(target)


def test_a_withdrawn_page_is_proven_to_be_withdrawn_and_its_copies_are_gone(small: World) -> None:
    small.publish()
    piece = small.newsroom.pieces[2]
    small.newsroom.edit(piece.path, small.now, title="Исправлено, и поэтому есть копия")
    small.publish()
    mirror = small.mirrors[0]
    text = "Исправлено, и поэтому есть копия".encode()
    holding = [name for name, data in mirror.files.items() if text in data and name.startswith("o/")]
    assert holding  # the content copy
    old = mirror.files[page_of(piece)]
    small.newsroom.withdraw(piece.path)
    small.publish()
    assert not [name for name in holding if mirror.files.get(name) == old]
    for served in (mirror.files, {**mirror.files, page_of(piece): old}):
        verdict = reader(small).read([served], page_of(piece), small.now).verdict
        assert (verdict.verdict, verdict.present) == ("withdrawn", False)


def test_one_story_more_signs_and_writes_a_handful_of_parts(make: Make) -> None:
    world = make(pieces(NOW), more="[edition]\npictures = false\n")
    world.publish()
    before = dict(world.mirrors[0].files)
    later = replace(pieces(NOW)[0], path="/ru/obschestvo/2026/11/eshche-odna-100999.html", published=world.now)
    world.newsroom.publish(replace(later, updated=world.now))
    world.publish()
    after = world.mirrors[0].files
    mapped_names = {name for name in after if before.get(name) != after[name] and not paths.fault(name)}
    parts = {name for name in after.keys() - before.keys() if name.startswith("o/") and "." not in name}
    copies = {paths.object_name(sha256(after[name]).hexdigest()) for name in mapped_names if name in before}
    # two releases in one pass, text and feeds: each a way to every shard that changed, and a list of new pages
    assert len(parts - copies) <= 2 * (2 * len(mapped_names) + 2)
    assert unverified(world, world.mirrors[0]) == []


def test_without_news_the_signature_is_renewed_before_it_is_old(small: World) -> None:
    small.publish()
    release = reader(small).read([small.mirrors[0].files], "index.html", small.now).verdict.release
    assert small.publish(minutes=60).text is None
    small.publish(minutes=6 * 60)
    outcome = reader(small).read([small.mirrors[0].files], "index.html", small.now + timedelta(hours=47))
    assert (outcome.verdict.verdict, outcome.verdict.release) == ("verified", release)
    for _ in range(5):  # over a week of silence: snapshot and edition are renewed, too
        small.publish(minutes=47 * 60)
    verdict = reader(small).read([small.mirrors[0].files], "index.html", small.now).verdict
    assert (verdict.verdict, verdict.release) == ("verified", release)
    late = reader(small).read([small.mirrors[0].files], "index.html", small.now + timedelta(days=3)).verdict
    assert late.verdict == "stale"


def test_old_parts_end_after_eight_days_and_roots_never(small: World) -> None:
    small.publish()
    first = set(small.mirrors[0].files)
    for day in range(12):
        small.newsroom.edit(small.newsroom.pieces[day % 3].path, small.now, title=f"Заголовок дня {day}")
        small.publish(minutes=24 * 60)
    files = small.mirrors[0].files
    assert "tuf/1.root.json" in files
    assert not {name for name in files if name.startswith("tuf/1.") and "root" not in name and "targets" not in name}
    assert len([name for name in files if name.startswith("edition/")]) <= 20
    assert first - set(files)
    assert unverified(small, small.mirrors[0]) == []
    staged = {path.relative_to(small.folder / "state/edition").as_posix() for path in _files(small)}
    assert staged == set(files)  # neither leaks


def _files(world: World) -> list[Path]:
    return [path for path in (world.folder / "state/edition").rglob("*") if path.is_file()]


def test_a_second_machine_with_the_same_keys_stops_before_it_signs(small: World, make: Make) -> None:
    other = make(pieces(NOW)[:4], more="[edition]\npictures = false\n", folder="other")
    other.keys, other.mirrors = small.keys, small.mirrors
    small.publish()
    small.publish()
    files = dict(small.mirrors[0].files)
    with pytest.raises(SignError, match="it shows signing"):
        other.publish()
    assert small.mirrors[0].files == files


def test_a_journal_from_a_backup_stops_before_it_signs(small: World) -> None:
    small.publish()
    journal = small.folder / "state" / "journal.sqlite"
    backup = journal.read_bytes()
    small.newsroom.publish(replace(pieces(NOW)[9], published=small.now, updated=small.now))
    small.publish()
    for left in journal.parent.glob("journal.sqlite-*"):
        left.unlink()
    journal.write_bytes(backup)
    with pytest.raises(SignError, match="keys recover"):
        small.publish()


def strangers(make: Make) -> World:
    other = make(pieces(NOW)[:4], more="[edition]\npictures = false\n", folder="other")
    other.keys = MemoryKeys(folder(NOW, seed="somebody else"))
    other.publish()
    other.publish()
    return other


def test_a_stranger_signature_on_a_mirror_is_not_a_second_publisher(small: World, make: Make) -> None:
    other = strangers(make)
    small.publish()
    for mirror, theirs in zip(small.mirrors, other.mirrors, strict=True):  # who holds the place puts theirs there
        mirror.files.clear()
        mirror.files.update(theirs.files)
    report = small.publish()
    assert not report.failed
    assert unverified(small, small.mirrors[0]) == []  # and no page of the stranger's is left


def test_a_mirror_that_a_stranger_has_filled_is_his_until_it_is_adopted(small: World, make: Make) -> None:
    small.mirrors = strangers(make).mirrors
    held = dict(small.mirrors[0].files)
    report = small.publish()  # signed all the same; but what is somebody else's is not touched
    told = [problem.what.partition(":")[0] for problem in report.problems if problem.fatal]
    assert told == ["it holds files that are not ours"] * 2
    assert small.mirrors[0].files == held
    with small.outside() as outside:
        for mirror in small.mirrors:
            outside.journal.note(begun(mirror.place), "1")  # heliograph mirrors adopt
    assert not small.publish().failed
    assert unverified(small, small.mirrors[0]) == []


def test_a_clock_that_went_back_signs_nothing(small: World) -> None:
    small.publish()
    small.newsroom.publish(replace(pieces(NOW)[9], published=small.now, updated=small.now))
    with pytest.raises(SignError, match="set the clock"):
        small.publish(minutes=-60 * 24 * 400)


def test_expired_keys_sign_nothing_and_say_what_to_do(small: World) -> None:
    small.publish()
    small.newsroom.publish(replace(pieces(NOW)[9], published=small.now, updated=small.now))
    with pytest.raises(SignError, match="keys renew"):
        small.publish(minutes=60 * 24 * 366)


def test_a_missing_online_key_is_named(small: World) -> None:
    del small.keys.files[keyring.file_of(key("online"))]
    with pytest.raises(SignError, match="online"):
        small.publish()


def test_the_same_standing_and_time_give_the_same_bytes(small: World) -> None:
    small.publish()
    with small.outside() as outside:
        standing = keyring.standing(outside.keys, outside.journal.recall(keyring.STANDING))
    signers = {"online": [key("online").signer], "edition": [key("edition").signer]}
    one, two = (sign.release(standing, standing.head, signers, small.now) for _ in range(2))
    assert one == two
