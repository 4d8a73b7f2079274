"""PostgreSQL is the journal that SQLite is: what it does otherwise by itself is told to it or taken from it."""

from __future__ import annotations

import json
import multiprocessing
import random
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, column, create_engine, insert, make_url, select, table, text
from sqlalchemy.exc import IntegrityError
from tests import postgres
from tests.adapters.test_journal import SITE, draft, save
from tests.adapters.test_outbox import entry
from tests.flows.speaking import a_story, run, speaking
from tests.flows.test_announce import TABLES, channels
from tests.postgres import LOCKED, PASSWORD, Server

from heliograph.adapters.journal import SqlJournal, base, schema
from heliograph.model import HeliographError, SheetKey, Tip
from heliograph.model.ledger import Fetch
from heliograph.model.paths import key_of
from heliograph.model.post import Message

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LONGEST = 2_000  # characters of an address
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def opened(server: Server, tmp_path: Path) -> Iterator[SqlJournal]:
    with SqlJournal(server.blank(), tmp_path) as journal:
        yield journal


def waiting(server: Server) -> int:
    """How many transactions wait for the lock."""
    return len(server.run("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))


def address(seed: int) -> str:
    """One of the longest, in letters that nothing shortens: 6,000 bytes."""
    letters = random.Random(seed)
    return SITE + "".join(chr(letters.randrange(0x4E00, 0x9FA5)) for _ in range(LONGEST - len(SITE)))


def test_every_text_is_compared_by_its_bytes_and_has_no_limit(server: Server, opened: SqlJournal) -> None:
    told = """SELECT table_name, column_name, data_type, collation_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version' AND data_type LIKE '%char%'
            OR table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"""
    assert server.run(told, database=server.made[-1]) == []
    assert server.run("SELECT 'Б' < 'a', 'B' < 'a'") == [(True, False)]  # by its own order, the opposite of bytes
    for name in ("ab", "a-c", "B", "Б", "a" * 300):
        opened.note(name * 2, name)
        opened.mark([SheetKey("section", name)])
    assert opened.recall("a" * 600) == "a" * 300
    assert [key.of for key in opened.dirty()] == ["B", "a-c", "a" * 300, "ab", "Б"]


def test_the_longest_address_fits_wherever_an_address_may_stand(opened: SqlJournal) -> None:
    page, other, picture, index = map(address, range(4))
    opened.listed(SITE, Fetch(url=index, etag="e"), [Tip(url=page)], whole=True)
    assert [tip.url for tip in opened.waiting(SITE, 5)] == [page]
    made = draft("x", keys=(other,), links=((other, page),), pictures=(picture,))
    save(opened, made, draft(page.removeprefix(SITE)))
    opened.keep_picture(picture, "key", None, "it is no picture")
    opened.keep_picture(picture, "key", None, "it is still no picture")
    assert opened.fetches([index])[index].etag == "e"
    assert {brief.url for brief in opened.known([page, other])} == {SITE + "x", page}
    linking = draft("y", links=((page, other), (other, other)))
    save(opened, linking)
    assert opened.linkers([made.brief.code]) == [linking.brief.code]


def test_what_is_unique_stays_unique(opened: SqlJournal) -> None:
    save(opened, draft("x"))
    with opened.writing.begin() as db:
        row = dict(db.execute(select(schema.story)).mappings().one())
        with pytest.raises(Exception, match="story_url_key"):
            db.execute(insert(schema.story).values({**row, "code": "another"}))


def test_the_character_that_postgresql_has_no_place_for_stops_nothing(opened: SqlJournal) -> None:
    opened.listed(SITE, Fetch(url=SITE, etag="a\0b"), [Tip(url=SITE + "\0"), Tip(url=SITE + "\ufffd")], whole=True)
    opened.queue([entry(note="a\0b")])
    opened.note("a\0b", "\0")
    assert opened.fetches([SITE])[SITE].etag == "a\ufffdb"
    assert opened.entries()[0].note == "a\ufffdb"
    assert opened.recall("a\0b") == "\ufffd"


def test_of_two_that_plan_at_once_the_second_waits_and_counts_on(server: Server, opened: SqlJournal) -> None:
    other = threading.Thread(target=opened.queue, args=([entry(part) for part in range(3)],))
    with opened.writing.begin() as db:
        assert db.scalar(text("SELECT max(id) FROM outbox")) is None
        other.start()
        while not waiting(server):  # until the other one stands at the lock
            assert other.is_alive()
        _insert(db, entry(7, id=1))
    other.join()
    assert [(one.id, one.part) for one in opened.entries()] == [(1, 7), (2, 0), (3, 1), (4, 2)]


def _insert(db: Connection, one: Any) -> None:
    from heliograph.adapters.journal.outbox import _keep, _row, _wordings

    wordings = _wordings([one])
    _keep(db, wordings)
    db.execute(insert(schema.outbox).values(_row(one, wordings)))


def test_a_reader_sees_one_moment_and_waits_for_nobody(opened: SqlJournal) -> None:
    with opened.engine.connect() as reader, opened.writing.begin() as writer:
        assert reader.scalar(text("SELECT count(*) FROM pause")) == 0
        writer.execute(insert(schema.pause).values(channel="tg", until="", note=""))
        assert opened.pauses() == {}
        writer.commit()
        assert set(opened.pauses()) == {"tg"}
        assert reader.scalar(text("SELECT count(*) FROM pause")) == 0


def test_who_waits_too_long_is_told_so(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_PATIENCE", 1)
    url = server.blank()
    with SqlJournal(url, tmp_path) as one, SqlJournal(url, tmp_path) as two, one.writing.begin():
        with pytest.raises(HeliographError, match="lock timeout") as told:
            two.note("k", "v")
        assert told.value.where == f"journal postgresql+psycopg:///{server.made[-1]}"
        assert two.recall("k") == ""
    with SqlJournal(url, tmp_path) as two:
        two.note("k", "v")


def test_journals_in_schemas_of_one_database_do_not_wait_for_each_other(server: Server, tmp_path: Path) -> None:
    url = server.empty()
    server.run("CREATE SCHEMA a", "CREATE SCHEMA b", database=server.made[-1])
    with (
        SqlJournal(url + "&options=-csearch_path%3Da", tmp_path) as one,
        SqlJournal(url + "&options=-csearch_path%3Db", tmp_path) as two,
        one.writing.begin(),
    ):
        two.note("k", "v")
        assert (one.recall("k"), two.recall("k")) == ("", "v")


def test_a_connection_that_was_cut_is_made_anew(server: Server, opened: SqlJournal) -> None:
    opened.note("k", "v")
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()"
    server.run(cut.format(server.made[-1]))
    assert opened.recall("k") == "v"
    with opened.writing.connect() as db:
        db.execute(insert(schema.note).values(key="half", value=""))
        server.run(cut.format(server.made[-1]))
        with pytest.raises(HeliographError, match="terminat") as told:
            db.execute(insert(schema.note).values(key="more", value=""))
    assert "nothing is half-written" in told.value.remedy
    assert opened.recall("half") == ""


def test_a_server_that_is_not_there_is_told_with_a_remedy(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(HeliographError, match="No such file") as told:
        SqlJournal(f"postgresql:///news?host={tmp_path}&user=me", tmp_path)
    assert "server runs" in told.value.remedy


def test_a_password_is_read_from_its_file_and_never_told(server: Server, tmp_path: Path) -> None:
    server.run(f"CREATE ROLE {LOCKED} LOGIN PASSWORD '{PASSWORD}'", f"GRANT pg_write_all_data TO {LOCKED}")
    try:
        server.empty()
        server.run(f"GRANT ALL ON SCHEMA public TO {LOCKED}", database=server.made[-1])
        secret = tmp_path / "secret"
        secret.write_text(f"*:*:*:{LOCKED}:{PASSWORD}\n", encoding="utf-8")
        secret.chmod(0o600)
        url = server.url(server.made[-1], user=LOCKED, passfile=str(secret))
        with SqlJournal(url, tmp_path) as journal:
            journal.note("k", "v")
        secret.write_text(f"*:*:*:{LOCKED}:guessed\n", encoding="utf-8")
        with pytest.raises(HeliographError, match="password authentication failed") as told:
            SqlJournal(url, tmp_path)
        assert "guessed" not in str(told.value)
        with pytest.raises(HeliographError) as told:
            SqlJournal(make_url(url).set(password="guessed").render_as_string(hide_password=False), tmp_path)
        assert "guessed" not in str(told.value)
    finally:
        server.clear()
        server.run(f"DROP ROLE {LOCKED}")


def test_a_database_that_cannot_hold_every_letter_is_refused(server: Server, tmp_path: Path) -> None:
    server.made.append("latin")
    server.run("CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LOCALE_PROVIDER libc LOCALE 'C'")
    with pytest.raises(HeliographError, match="LATIN1, not UTF8") as told:
        SqlJournal(server.url("latin"), tmp_path)
    assert "createdb" in told.value.remedy
    assert server.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database="latin") == [(0,)]


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_without_the_driver_the_remedy_is_named(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(HeliographError, match="cannot be opened") as told:
        SqlJournal(f"{scheme}://me:hidden@127.0.0.1:1/news?password=hidden", tmp_path)
    assert "pip install 'heliograph[postgresql]'" in str(told.value)
    assert "hidden" not in str(told.value)


def _old(url: str, at: str) -> Engine:
    """A journal as a former version made it."""
    from alembic import command
    from alembic.config import Config

    old = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with old.begin() as db:
        config = Config()
        config.set_main_option("script_location", "heliograph.adapters.journal:migrations")
        config.attributes["connection"] = db
        command.upgrade(config, at)
    return old


@pytest.mark.parametrize("at", ["0001", "0004"])
def test_an_old_journal_is_migrated(place: postgres.Place, at: str, tmp_path: Path) -> None:
    url = place.empty()
    old = _old(url, at)
    of, held = "name, kind, of, digest, size, born, changed, gone", "'a/x.html', 'story', 'x', 'd', 1, 1, 1, false"
    if at != "0001":  # which had no keys yet
        of, held = f"{of}, key", f"{held}, '{key_of('a/x.html').hex()}'"
    with old.begin() as db:
        db.execute(text(f"INSERT INTO file ({of}) VALUES ({held})"))
    old.dispose()
    with SqlJournal(url, tmp_path) as journal:
        (moved,) = journal.moved()
        assert (moved.path, moved.digest, moved.fresh) == ("a/x.html", "d", True)
        assert list(journal.records()) == [(key_of("a/x.html").hex(), "d", 1)]
        assert journal.queue([entry()]) == 1


def test_what_waited_in_an_old_journal_says_what_it_said(place: postgres.Place, tmp_path: Path) -> None:
    said = [Message(text="письмо"), Message(text="письмо"), Message(text="другое", tells=("a:1:b",))]
    old_said = [{key: value for key, value in asdict(message).items() if key != "tells" or value} for message in said]
    url = place.empty()
    values = {
        "channel": "mail", "kind": "day", "of": "2026-11-22", "version": 1, "told": 0, "act": "post", "digest": "d",
        "state": "sending", "urgent": False, "attempt": 0, "remotes": "[]", "not_before": "", "note": "",
        "queued": "2026-11-22T08:00:00.000000", "changed": "2026-11-22T08:00:00.000000", "by_hand": False,
    }  # fmt: skip
    outbox = table("outbox", *map(column, ("id", "part", "message", *values)))
    old = _old(url, "0005")
    with old.begin() as db:
        for number, message in enumerate(old_said, start=1):
            db.execute(insert(outbox).values(id=number, part=number, message=json.dumps(message), **values))
    old.dispose()
    with SqlJournal(url, tmp_path) as journal:
        assert len(journal.recover(NOW)) == 3
        rows = journal.entries()
        assert [row.message for row in rows] == said
        assert rows[0].message is rows[1].message
        with pytest.raises(IntegrityError), journal.writing.begin() as db:
            _insert(db, replace(rows[0], id=9))


def _open(url: str, folder: Path, together: Any, told: Any) -> None:
    together.wait()
    with SqlJournal(url, folder) as journal:
        told.put((journal.identity, journal.recall("identity")))


def test_processes_that_make_a_journal_at_once_make_one(place: postgres.Place, tmp_path: Path) -> None:
    url, together, told = place.empty(), SPAWN.Barrier(3), SPAWN.Queue()
    makers = [SPAWN.Process(target=_open, args=(url, tmp_path, together, told)) for _ in range(3)]
    for process in makers:
        process.start()
    for process in makers:
        process.join()
    assert [process.exitcode for process in makers] == [0, 0, 0]
    assert len({name for _ in makers for name in told.get(timeout=100)}) == 1


def _speak(url: str, blank: Path, folder: Path, together: Any, told: Any) -> None:
    tables = f'[state]\njournal = "{url}"\n{TABLES}'
    folder.mkdir()
    with speaking(folder, blank, tables, channels()) as here:
        together.wait()
        run(here.settle)
        told.put([(name, shown.message.text) for name in here.channels for shown in here.seen(name)])


def test_two_processes_that_plan_and_send_at_once_post_each_story_once(
    server: Server, tmp_path: Path, blank_journal: Path
) -> None:
    url, together, told = server.blank(), SPAWN.Barrier(2), SPAWN.Queue()
    with speaking(tmp_path / "first", blank_journal, f'[state]\njournal = "{url}"\n{TABLES}', channels()) as here:
        here.mirrors("https://one.example/", "https://two.example/")
        here.publish(*(a_story(number, here.now) for number in range(12)))
        both = [
            SPAWN.Process(target=_speak, args=(url, blank_journal, tmp_path / name, together, told))
            for name in ("one", "two")
        ]
        for process in both:
            process.start()
        said = [post for _ in both for post in told.get(timeout=100)]
        for process in both:
            process.join()
        assert [process.exitcode for process in both] == [0, 0]
        rows = here.rows()
    assert len({row.id for row in rows}) == len(rows)
    for name in ("tg", "fb", "hook"):
        for number in range(12):
            once = [words for where, words in said if where == name and f"Это статья номер {number}." in words]
            assert len(once) == 1, (name, number, once)
