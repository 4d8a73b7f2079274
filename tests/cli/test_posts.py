"""``post`` and the voice of ``run``, against the emulated channels over the network."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.test_commands import STORY, heliograph

from heliograph.adapters.journal import SqlJournal
from heliograph.config import load, parse
from heliograph.lab.channels.rehearsal import Rehearsal
from heliograph.lab.channels.wall import Post
from heliograph.lab.loopback import in_thread
from heliograph.model.post import Entry, Message, Topic

WAIT = 120.0  # seconds until a service that says nothing counts as stuck


@contextmanager
def emulated(*, share: float = 0.0) -> Iterator[Rehearsal]:
    """The emulators, in a thread of their own."""
    rehearsal = Rehearsal(time.time, share=share)
    with in_thread(rehearsal.running()):
        yield rehearsal


@contextmanager
def newsroom(folder: Path, rehearsal: Rehearsal, journal: str = "") -> Iterator[Path]:
    """A newsroom of two stories that has published, with the tables of a rehearsal; ``journal`` is a URL."""
    (folder / "texts").mkdir()
    for name, title in (("one", "Мост открыт"), ("two", "Паром стоит")):
        (folder / "texts" / f"{name}.md").write_text(STORY.format(title=title, day=1) + "\nПодробности.\n", "utf-8")
    heliograph("init", folder / "room", "--source", folder / "texts", "--title", "Полуостров")
    file = folder / "room" / "heliograph.toml"
    text = file.read_text(encoding="utf-8")
    text = re.sub(r'^language = "\w+"$', 'language = "ru"', text, count=1, flags=re.MULTILINE)
    text = text.replace('path = "mirrors/first"\n', f'path = "mirrors/first"\nurl = "{rehearsal.door}/"\n')
    text = re.sub(r"^\[announce\]$", '[announce]\nshelf = "first"', text, flags=re.MULTILINE)
    text = re.sub(r'^# journal = ""$', f'journal = "{journal}"', text, flags=re.MULTILINE)
    file.write_text(text + "\n" + rehearsal.tables(folder / "tokens"), encoding="utf-8")
    heliograph("publish", "--config", file)
    yield file


def code_of(config: Path, title: str) -> str:
    """The code of the story with this title."""
    for page in (config.parent / "mirrors/first/a").glob("*.html"):
        if title in page.read_text("utf-8") and re.fullmatch(r"[0-9a-z]{7}", page.stem):
            return page.stem
    raise AssertionError(title)


def on(rehearsal: Rehearsal, channel: str) -> list[Post]:
    return [post for post in rehearsal.wall() if post.channel == channel]


def eventually(holds: Callable[[], bool]) -> None:
    """Until it is so; ends the test where it never is."""
    until = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Rehearsal, str]]:
    with emulated() as rehearsal, newsroom(tmp_path_factory.mktemp("posts"), rehearsal) as config:
        yield config, rehearsal, code_of(config, "Мост открыт")


def test_a_preview_shows_each_channel_and_queues_nothing(room: tuple[Path, Rehearsal, str]) -> None:
    config, rehearsal, code = room
    done = heliograph("post", "preview", code, "--config", config)
    for name in ("telegram", "viber", "instagram", "facebook", "webhook", "mail"):
        assert name in done.stdout
    assert "Мост открыт" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    told = json.loads(heliograph("post", "preview", code, "--json", "--config", config).stdout)
    assert {one["channel"] for one in told} == {"telegram", "viber", "instagram", "facebook", "webhook", "mail"}
    assert rehearsal.wall() == []


def test_a_story_is_sent_edited_and_withdrawn_by_hand(room: tuple[Path, Rehearsal, str]) -> None:
    config, rehearsal, code = room
    told = json.loads(heliograph("post", "send", code, "--channel", "telegram", "--json", "--config", config).stdout)
    assert [row["state"] for row in told] == ["posted"]
    (post,) = on(rehearsal, "telegram")
    assert post.text.startswith("Мост открыт")
    assert f"a/{code}.html" in post.text
    heliograph("post", "edit", code, "--channel", "telegram", "--config", config)
    heliograph("post", "withdraw", code, "--channel", "telegram", "--config", config)
    assert on(rehearsal, "telegram") == []
    again = heliograph("post", "outbox", "--all", "--config", config)
    assert "withdraw" in again.stdout


def test_viber_holds_a_story_until_an_editor_says_so_or_sends_it(room: tuple[Path, Rehearsal, str]) -> None:
    config, rehearsal, code = room
    heliograph("post", "send", code, "--channel", "viber", "--config", config)
    assert [post.text[:11] for post in on(rehearsal, "viber")] == ["Мост открыт"]
    done = heliograph("post", "withdraw", code, "--channel", "viber", "--config", config, code=1)
    assert "hand" in done.stdout
    rows = json.loads(heliograph("post", "outbox", "--json", "--config", config, code=1).stdout)["entries"]
    (task,) = [row for row in rows if row["state"] == "hand"]
    heliograph("post", "settle", str(task["id"]), "--done", "--config", config)
    assert "hand" not in heliograph("post", "outbox", "--config", config).stdout


def test_what_is_unclear_is_listed_and_settled_by_a_person(room: tuple[Path, Rehearsal, str]) -> None:
    config, rehearsal, _ = room
    other = code_of(config, "Паром стоит")
    rehearsal.telegram.fail("drop after")
    heliograph("post", "send", other, "--channel", "telegram", "--config", config, code=1)
    done = heliograph("post", "outbox", "--config", config, code=1)
    assert "unknown" in done.stdout
    assert "heliograph post settle" in done.stdout
    rows = json.loads(heliograph("post", "outbox", "--json", "--config", config, code=1).stdout)["entries"]
    (row,) = [row for row in rows if row["state"] == "unknown"]
    (post,) = on(rehearsal, "telegram")
    heliograph("post", "settle", str(row["id"]), "--there", post.remote, "--config", config)
    heliograph("post", "withdraw", other, "--channel", "telegram", "--config", config)
    assert on(rehearsal, "telegram") == []


def test_a_card_is_drawn_laid_out_and_fetched(room: tuple[Path, Rehearsal, str]) -> None:
    config, rehearsal, code = room
    mirror = config.parent / "mirrors/first"
    known = set(rehearsal.pictures)

    class Served(dict[str, bytes]):
        """The mirror's own files, where the emulated Instagram fetches them."""

        def __contains__(self, name: object) -> bool:
            return (mirror / str(name).lstrip("/")).is_file()

        def __getitem__(self, name: str) -> bytes:
            return (mirror / name.lstrip("/")).read_bytes()

    rehearsal.pictures = Served()
    heliograph("post", "send", code, "--channel", "instagram", "--config", config)
    (post,) = on(rehearsal, "instagram")
    assert post.text.startswith("Мост открыт")
    assert len(list((mirror / "s").glob("*.jpg"))) == 1
    rehearsal.pictures = dict.fromkeys(known, b"")


def test_no_story_is_sent_by_mail_to_nobody(room: tuple[Path, Rehearsal, str]) -> None:
    config, _, code = room
    mail = config.with_name("with-mail.toml")
    letter = '[[channel]]\nname = "letter"\nkind = "mail"\nsender = "news@peninsula.example"\n'
    mail.write_text(f"{config.read_text('utf-8')}\n{letter}", "utf-8")
    done = heliograph("post", "send", code, "--channel", "letter", "--config", mail, code=2)
    assert "it is no public place" in done.stderr
    rows = json.loads(heliograph("post", "outbox", "--all", "--channel", "letter", "--json", "--config", mail).stdout)
    assert rows["entries"] == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("send", "0000000", "--channel", "nowhere"), "channels here: telegram"),
        (("send", "xx"), "is no story code"),
        (("preview", "0000000"), "the edition holds no such story"),
        (("send", "0000000"), "the edition holds no such story"),
        (("settle", "9999", "--done"), "there is no such entry"),
        (("settle", "1"), "give one of --there"),
        (("confirm",), "--all"),
    ],
)
def test_mistakes_are_told_with_a_remedy(
    room: tuple[Path, Rehearsal, str], command: tuple[str, ...], said: str
) -> None:
    done = heliograph("post", *command, "--config", room[0], code=2)
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_the_service_posts_what_is_new_and_status_tells_how_channels_stand(tmp_path: Path) -> None:
    with emulated() as rehearsal, newsroom(tmp_path, rehearsal) as config:
        command = [sys.executable, "-m", "heliograph", "run", "--config", str(config)]
        text = config.read_text("utf-8")
        config.write_text(re.sub(r'^# every = "5m"', 'every = "1s"', text, flags=re.MULTILINE), "utf-8")
        service = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            eventually(lambda: any(post.pinned for post in on(rehearsal, "telegram")))  # where to read now
            story = STORY.format(title="Новый паром пришёл", day=1)
            story = re.sub(
                r"^date: .*$", f"date: {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}", story, flags=re.MULTILINE
            )
            (tmp_path / "texts" / "three.md").write_text(story, "utf-8")
            eventually(lambda: any("Новый паром" in post.text for post in on(rehearsal, "telegram")))
            eventually(lambda: any("Новый паром" in post.text for post in on(rehearsal, "facebook")))
            assert not any("Мост открыт" in post.text for post in rehearsal.wall())  # published before
            told = json.loads(heliograph("status", "--json", "--config", config).stdout)["channels"]
            assert all(one["works"] for one in told), told
            assert {one["name"]: one["decide"] for one in told}["viber"] == 1  # held
        finally:
            service.send_signal(signal.SIGTERM)
            printed, _ = service.communicate(timeout=WAIT)
        assert "Traceback" not in printed
        assert "telegram: post story" in printed


def test_the_rehearsal_is_started_by_a_command_and_ends_with_it(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "heliograph", "lab", "channels", str(tmp_path / "lab"), "--port", "0"]
    lab = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        tables = tmp_path / "lab/channels.toml"
        eventually(lambda: tables.exists() and "webhook" in tables.read_text("utf-8"))
        found = re.search(r'webhook = "(http://127\.0\.0\.1:\d+/)"', tables.read_text("utf-8"))
        assert found
        with urllib.request.urlopen(found[1], timeout=30) as page:
            assert "<iframe src=/wall" in page.read().decode()
        with urllib.request.urlopen(f"{found[1]}wall", timeout=30) as page:
            assert "telegram: 0" in page.read().decode()
        assert (tmp_path / "lab/telegram").stat().st_mode & 0o077 == 0
        parse('[newsroom]\ntitle = "П"\n' + tables.read_text("utf-8"), tmp_path / "heliograph.toml")
    finally:
        lab.send_signal(signal.SIGINT)
        printed, _ = lab.communicate(timeout=WAIT)
    assert lab.returncode == 0, printed
    assert "all posts" in printed


def test_what_takes_a_post_away_is_confirmed_by_its_number_alone(tmp_path: Path) -> None:
    with emulated() as rehearsal, newsroom(tmp_path, rehearsal) as file:
        config, now = load(file), datetime(2026, 11, 22, tzinfo=UTC)
        one = Entry(
            channel="instagram", topic=Topic("day", "2026-11-22"), version=1, message=Message(text="т"), digest="d",
            state="held", queued=now, changed=now,
        )  # fmt: skip
        with SqlJournal(config.journal_url, config.state_folder) as journal:
            journal.queue([one, replace(one, act="withdraw", remotes=("5",))])
            last = max(
                row.id for row in journal.entries(channel="instagram", states=("held",)) if row.act == "withdraw"
            )
            held = len(journal.entries(states=("held",)))
        told = heliograph("post", "confirm", "--all", "--config", file).stdout
        assert f"{held - 1} confirmed" in told
        assert f"confirm by number: {last}" in told
        assert "1 confirmed" in heliograph("post", "confirm", str(last), "--config", file).stdout
