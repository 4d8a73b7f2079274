"""Facebook's pages: what is taken and refused, each error's fate, and what is said after each way to fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.adapters.channels.meta import START, Clock, entry, honest, jpeg, patience, put, run

from heliograph.adapters.channels.facebook import Facebook
from heliograph.lab.channels.graph import Graph
from heliograph.lab.channels.provider import DONE, FAULTS, Fault
from heliograph.model.post import Drawn, Fate, Message, Sent


@dataclass
class At:
    lab: Graph
    channel: Facebook
    clock: Clock
    token: Path

    async def say(self, text: str, link: str = "", *drawn: Drawn) -> Sent:
        return await self.channel.send(Message(text=text, link=link), drawn)

    @property
    def texts(self) -> list[str]:
        """What readers see."""
        return [str(post["message"]) for post in self.lab.page.seen]


@asynccontextmanager
async def world(folder: Path, *, fault: str = "", proof: bool = False) -> AsyncIterator[At]:
    clock = Clock()
    lab = Graph(clock)
    lab.terms.proof = proof
    token = put(folder / "page.token", lab.issue("page"))
    secret = put(folder / "app.secret", lab.secret) if proof else None
    async with (
        lab.running() as door,
        Facebook(
            "facebook", page=lab.page.id, token=token, secret=secret, base=door + "/", timeout=patience(fault)
        ) as channel,
    ):
        yield At(lab, channel, clock, token)


def test_a_post_is_made_changed_and_taken_back(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path, proof=True) as at:
            sent = await at.say("Новина", "https://a.example/a/7k3m9qx.html")
            assert sent.fate == "posted"
            assert at.lab.page.seen[0]["link"] == "https://a.example/a/7k3m9qx.html"
            assert (await at.channel.edit(sent.remotes, Message(text="Виправлено"))) == sent
            assert at.texts == ["Виправлено"]
            assert (await at.channel.withdraw(sent.remotes)).fate == "posted"
            assert at.texts == []
            again = await at.channel.withdraw(sent.remotes)  # what is not there is done
            assert again.fate == "posted"

    run(body)


def test_a_picture_goes_along_as_bytes(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            sent = await at.say('Підпис; "quoted"', "", Drawn(data=jpeg(120, 90), alt="Прапор"))
            assert sent.fate == "posted"
            post = at.lab.page.seen[0]
            assert (post["id"], post["message"], post["picture"]) == (
                sent.remotes[0], "Підпис; \"quoted\"", len(jpeg(120, 90))
            )  # fmt: skip
            assert (await at.say("я", "", Drawn(data=b"no picture"))).fate == "refused"
            assert (await at.say("я", "", Drawn(data=b"x"), Drawn(data=b"y"))).fate == "refused"
            assert len(at.texts) == 1

    run(body)


@pytest.mark.parametrize(
    ("text", "link", "taken"),
    [
        ("я" * 63_206, "", True), ("я" * 63_207, "", False), ("", "", False), ("", "https://a.example/", True),
        ("я", "no address", False), ("\ud83d", "", False), ("a\x00b", "", True),
    ],
)  # fmt: skip
def test_each_limit_at_its_edge(tmp_path: Path, text: str, link: str, taken: bool) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            assert (await at.say(text, link)).fate == ("posted" if taken else "refused")
            assert len(at.texts) == taken

    run(body)


def test_the_same_text_twice_in_a_row_is_unknown(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            assert (await at.say("Одне")).fate == "posted"
            sent = await at.say("Одне")
            assert (sent.fate, at.texts) == ("unknown", ["Одне"])
            assert "(506/1455006)" in sent.note
            assert (await at.say("Друге")).fate == "posted"
            assert (await at.say("Одне")).fate == "posted"  # no more in a row

    run(body)


@pytest.mark.parametrize(
    ("code", "subcode", "fate"),
    [
        (1, 0, "unknown"), (2, 0, "unknown"), (4, 0, "later"), (17, 0, "later"), (32, 0, "later"), (341, 0, "later"),
        (613, 0, "later"), (80001, 0, "later"), (80002, 0, "later"), (10, 0, "stopped"), (200, 0, "stopped"),
        (299, 0, "stopped"), (300, 0, "refused"), *((190, sub, "stopped") for sub in range(458, 468)),
        (102, 0, "stopped"), (368, 0, "stopped"), (506, 0, "unknown"), (1609005, 0, "refused"), (100, 0, "refused"),
    ],
)  # fmt: skip
def test_each_error_has_its_fate(tmp_path: Path, code: int, subcode: int, fate: Fate) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            at.lab.declare(code, subcode)
            sent = await at.say("Новина")
            assert (sent.fate, at.texts) == (fate, [])
            assert (f"({code}/{subcode})" if subcode else f"({code})") in sent.note

    run(body)


def test_an_error_that_passes_is_unknown_for_posts(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            at.lab.declare(987_654, transient=True)
            assert (await at.say("Новина")).fate == "unknown"
            at.lab.declare(190, status=500)
            assert (await at.say("Новина")).fate == "unknown"

    run(body)


def test_who_is_throttled_waits_as_long_as_is_told(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            at.lab.throttle(80001, 7)
            sent = await at.say("Новина")
            assert (sent.fate, sent.wait, at.texts) == ("later", 420, [])
            at.clock.now += 420
            assert (await at.say("Новина")).fate == "posted"

    run(body)


def test_who_spends_the_day_is_told_when_it_goes_on(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            at.lab._asked.extend([START] * (4_800 * at.lab.terms.engaged - 1))
            at.clock.now += 3_600
            assert (await at.say("Ще одна")).fate == "posted"
            sent = await at.say("Зайва")
            assert (sent.fate, sent.wait) == ("later", 86_400 - 3_600)
            at.clock.now = START + 86_400
            assert (await at.say("Зайва")).fate == "posted"

    run(body)


def test_a_token_that_dies_stops_the_channel_and_a_new_one_counts_at_once(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            at.lab.kill(at.token.read_text().strip(), 460)
            assert (await at.say("Новина")).fate == "stopped"
            assert not (await at.channel.health()).works
            put(at.token, at.lab.issue("page", life=3_600))
            assert (await at.say("Новина")).fate == "posted"
            told = await at.channel.health()
            assert told.works
            assert told.expires is not None
            assert told.expires.timestamp() == START + 3_600
            at.clock.now += 3_600
            sent = await at.say("Інша")
            assert (sent.fate, "(190/463)" in sent.note) == ("stopped", True)

    run(body)


@pytest.mark.parametrize("lacks", ["pages_manage_posts", "pages_read_engagement"])
def test_a_token_without_a_right_is_told(tmp_path: Path, lacks: str) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            put(at.token, at.lab.issue("page", lacks=lacks))
            assert (await at.say("Новина")).fate == "stopped"
            told = await at.channel.health()
            assert not told.works
            assert lacks in told.note
            put(at.token, at.lab.issue("user"))  # no page's token
            assert (await at.say("Новина")).fate == "stopped"

    run(body)


def test_health_where_the_token_may_not_ask_about_itself(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            assert (await at.channel.health()).works
            at.lab.terms.self_inspection = False
            told = await at.channel.health()
            assert (told.works, told.expires) == (True, None)
            assert told.note

    run(body)


def test_no_note_holds_the_token_or_the_secret(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path, proof=True) as at:
            put(at.token, "EAAB-malformed-token-of-the-page")  # the answer quotes it
            sent, told = await at.say("Новина"), await at.channel.health()
            assert sent.fate == "stopped"
            assert "malformed" not in sent.note + told.note
            at.token.chmod(0o640)
            assert "chmod 600" in (await at.say("Новина")).note
            at.token.unlink()
            assert (await at.say("Новина")).fate == "stopped"

    run(body)


def test_a_wrong_secret_of_the_app_is_refused(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path, proof=True) as at:
            put(tmp_path / "app.secret", "another")
            assert (await at.say("Новина")).fate == "refused"

    run(body)


def test_another_apps_post_is_mended_by_hand_and_the_channel_goes_on(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            sent = await at.say("Новина")
            put(at.token, at.lab.issue("page", app="another"))
            for told in (
                await at.channel.edit(sent.remotes, Message(text="інша")), await at.channel.withdraw(sent.remotes)
            ):  # fmt: skip
                assert told.fate == "refused"
                assert "by hand" in told.note
            assert at.texts == ["Новина"]

    run(body)


@pytest.mark.parametrize(
    "form",
    [
        "https://www.facebook.com/peninsula/posts/{post}",
        "https://facebook.com/peninsula/posts/a-bridge-is-open/{post}/?ref=share",
        "https://m.facebook.com/story.php?story_fbid={post}&id={page}&m=1",
        "https://www.facebook.com/permalink.php?story_fbid={post}&id={page}",
        " {page}_{post}",
    ],
)
def test_a_post_is_found_again_by_the_address_that_an_editor_copied(tmp_path: Path, form: str) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            page, _, post = (await at.say("Новина")).remotes[0].partition("_")
            address = form.format(page=page, post=post)
            assert (await at.channel.edit([address], Message(text="Виправлено"))).fate == "posted"
            assert at.texts == ["Виправлено"]
            assert (await at.channel.withdraw([address])).fate == "posted"
            assert at.texts == []

    run(body)


@pytest.mark.parametrize(
    "form",
    ["https://www.facebook.com/peninsula/posts/{post}1", "https://m.facebook.com/story.php?story_fbid={post}1&id=7"],
)
def test_an_address_that_was_typed_wrong_is_no_post_that_is_gone(tmp_path: Path, form: str) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            _, _, post = (await at.say("Новина")).remotes[0].partition("_")
            address = form.format(post=post)
            assert (await at.channel.withdraw([address])).fate == "refused"
            gone = entry("Новина", at.clock, act="withdraw", remotes=(address,))
            assert (await at.channel.proof(gone)).fate == "unknown"
            assert at.texts == ["Новина"]

    run(body)


@pytest.mark.parametrize(
    "remotes",
    [
        (),
        ("https://www.facebook.com/p/posts/pfbid02x",),
        ("https://x.example/posts/1",),
        ("a", "b"),
        ("../me",),
        ("1?fields=access_token",),
    ],
)
def test_what_is_no_posts_number_is_never_asked_for(tmp_path: Path, remotes: tuple[str, ...]) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            assert (await at.channel.edit(remotes, Message(text="x"))).fate == "refused"
            assert (await at.channel.withdraw(remotes)).fate == "refused"
            assert not at.lab.calls

    run(body)


# --- proofs ---


def test_a_post_that_is_there_proves_itself(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            await at.say("Сьогодні")
            at.clock.now += 3_600
            row = entry("Сьогодні", at.clock)
            missing = await at.channel.proof(row)
            assert missing.fate == "unknown"  # an older post with the same text is another one
            await at.say("Інша")
            at.lab.fail("drop after")
            assert (await at.say("Сьогодні")).fate == "unknown"
            found = await at.channel.proof(row)
            assert (found.fate, found.remotes) == ("posted", (at.lab.page.seen[-1]["id"],))

    run(body)


def test_spaces_and_composed_letters_that_were_changed_do_not_hide_it(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            await at.say("Крим  йде\n")
            assert (await at.channel.proof(entry("Крим\u00a0йде", at.clock))).fate == "posted"

    run(body)


def test_after_a_crash_it_is_looked_for_since_it_was_queued(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            row = entry("Новина", at.clock)
            await at.say("Новина")
            at.clock.now += 86_400
            # changed is when the restart found it
            found = await at.channel.proof(replace(row, changed=at.clock.moment))
            assert found.fate == "posted"

    run(body)


@pytest.mark.parametrize("code", [1, 190, 4])
def test_a_proof_that_cannot_be_had_changes_nothing(tmp_path: Path, code: int) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            for act in ("post", "edit", "withdraw"):
                at.lab.declare(code)
                row = entry("Новина", at.clock, act=act, remotes=("1_2",))  # type: ignore[arg-type]
                assert (await at.channel.proof(row)).fate == "unknown"

    run(body)


def test_edits_and_deletions_are_looked_up(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            made = (await at.say("Стара")).remotes
            assert (await at.channel.proof(entry("Нова", at.clock, act="edit", remotes=made))).fate == "later"
            assert (await at.channel.proof(entry("Стара", at.clock, act="edit", remotes=made))).fate == "posted"
            gone = entry("Стара", at.clock, act="withdraw", remotes=made)
            assert (await at.channel.proof(gone)).fate == "later"
            await at.channel.withdraw(made)
            assert (await at.channel.proof(gone)).fate == "posted"
            # whoever sees no post at all does not know that this one is gone
            put(at.token, at.lab.issue("page", lacks="pages_read_engagement"))
            assert (await at.channel.proof(gone)).fate == "unknown"
            assert (await at.channel.withdraw(made)).fate == "refused"

    run(body)


def test_that_a_post_is_not_to_be_seen_does_not_mean_that_it_is_gone(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            made = (await at.say("Новина")).remotes
            at.lab.declare(100, 33, on="DELETE node")
            assert (await at.channel.withdraw(made)).fate == "refused"  # the page lists it
            await at.channel.withdraw(made)
            # where the page lists nothing to us a person looks; where it does not answer now it is asked again
            for code, fate in ((10, "refused"), (2, "unknown"), (32, "unknown")):
                at.lab.declare(code, on="GET published_posts")
                assert (await at.channel.withdraw(made)).fate == fate
            assert (await at.channel.withdraw(made)).fate == "posted"

    run(body)


# --- what is certain is true ---


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("picture", [False, True])
def test_what_is_said_of_a_post_after_a_fault_is_true(tmp_path: Path, fault: Fault, picture: bool) -> None:
    async def body() -> None:
        async with world(tmp_path, fault=fault) as at:
            at.lab.fail(fault)
            sent = await at.say("Новина", "", *([Drawn(data=jpeg(120, 90))] if picture else []))
            honest(sent, 0, len(at.texts))
            assert sent.fate == ("posted" if fault == "slow" else "unknown")
            assert len(at.texts) == (fault in DONE)
            proof = await at.channel.proof(entry("Новина", at.clock))
            assert proof.fate == ("posted" if fault in DONE else "unknown")

    run(body)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("act", ["edit", "withdraw"])
def test_what_is_said_of_a_change_after_a_fault_is_true(tmp_path: Path, fault: Fault, act: str) -> None:
    async def body() -> None:
        async with world(tmp_path, fault=fault) as at:
            made = (await at.say("Стара")).remotes
            at.lab.fail(fault)
            sent = await (at.channel.edit(made, Message(text="Нова")) if act == "edit" else at.channel.withdraw(made))
            done = at.texts != ["Стара"]
            if act == "withdraw" and "drop" in fault:  # aiohttp asks once more for what may be asked for twice
                assert (done, sent.fate) == (True, "posted")
            else:
                assert done == (fault in DONE)
                assert sent.fate == ("posted" if fault == "slow" else "unknown")

    run(body)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    faults=st.lists(st.none() | st.sampled_from([fault for fault in FAULTS if "stall" not in fault]), max_size=8),
    errors=st.lists(st.none() | st.sampled_from([(1, 0), (4, 0), (10, 0), (190, 463), (506, 0), (77, 7)]), max_size=4),
    acts=st.lists(st.sampled_from(["send", "edit", "withdraw", "proof"]), min_size=1, max_size=6),
)
def test_no_certainty_is_ever_false(
    tmp_path: Path, faults: list[Fault | None], errors: list[tuple[int, int] | None], acts: list[str]
) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            at.lab.fail(*faults)
            made: tuple[str, ...] = ()
            for number, act in enumerate(acts):
                if number < len(errors) and (error := errors[number]):
                    at.lab.declare(*error)
                text, before = f"Новина {number}", list(at.texts)
                if act == "proof":
                    row = entry(before[-1] if before else text, at.clock)
                    assert (await at.channel.proof(row)).fate in ({"posted", "unknown"} if before else {"unknown"})
                elif act == "send":
                    sent = await at.say(text)
                    honest(sent, len(before), len(at.texts))
                    made = sent.remotes or made
                else:
                    change = Message(text=text)
                    sent = await (at.channel.edit(made, change) if act == "edit" else at.channel.withdraw(made))
                    if sent.fate == "posted":
                        ids = [post["id"] for post in at.lab.page.seen]
                        assert (text in at.texts) if act == "edit" else made[0] not in ids
                    elif sent.fate != "unknown":
                        assert at.texts == before
            at.lab.fail(*[None] * 20)

    run(body)
