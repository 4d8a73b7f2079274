"""The newsletter through a strict server: what readers get, and what the outbox is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.adapters.channels.post import MESSAGE, NEWS, NOW, dkim_key, mark, paper, post

from heliograph.adapters.channels import mail as module
from heliograph.adapters.channels import mime, smtp
from heliograph.adapters.channels.mail import Mail
from heliograph.adapters.channels.smtp import Refusal, Way, audience, losses
from heliograph.lab.channels.post_office import Limits, Wrong
from heliograph.model.letter import Letter, unsealed
from heliograph.model.post import Card, Entry, Fate, Message, Sent, Topic

ANNA, BORIS, VERA = "anna@mail.example", "boris@mail.example", "vera@other.example"


def test_a_batch_is_one_mail_and_nobody_sees_another() -> None:
    async def run() -> None:
        async with post() as world:
            anna, boris = world.office.reader(ANNA), world.office.reader(BORIS)
            sent = await world.mail.send(MESSAGE, to=[ANNA, BORIS])
            assert sent.fate == "posted"
            assert world.office.calls == {"MAIL": 1, "RCPT": 2, "DATA": 1}
            assert anna.reads().data == boris.reads().data
            assert b"anna" not in anna.reads().data
            mail = anna.reads()
            assert mail.sender == NEWS
            assert mail.text == MESSAGE.text + "\n"
            parts = [part.get_content_type() for part in mail.message.iter_parts()]
            assert parts == ["text/plain", "text/html"]
            assert mail.message["Subject"] == "Мост открыт"
            assert mail.message["List-Id"] == "The Paper <mail.paper.example>"
            assert mail.message["List-Unsubscribe"] == f"<mailto:{NEWS}?subject=unsubscribe>"
            assert mail.message["List-Unsubscribe-Post"] is None
            assert mail.message["Auto-Submitted"] == "auto-generated"
            assert sent.remotes == (mail.message["Message-ID"],)
            assert unsealed(sent.remotes[0], "n", "", mark)
            assert all(byte < 128 for byte in mail.data)
            assert max(map(len, mail.data.split(b"\r\n"))) <= 998

    asyncio.run(run())


def test_the_same_message_has_the_same_id_whoever_gets_it_and_another_has_another() -> None:
    async def run() -> None:
        async with post() as world:
            anna, boris = world.office.reader(ANNA), world.office.reader(BORIS)
            first = await world.mail.send(MESSAGE, to=[ANNA])
            again = await world.mail.send(MESSAGE, to=[BORIS])
            other = await world.mail.send(Message(text="Another", subject="Мост открыт"), to=[ANNA])
            assert first.remotes == again.remotes != other.remotes
            assert len(anna.box) == 2
            assert len(boris.box) == 1

    asyncio.run(run())


def test_a_correction_stands_in_the_thread_of_what_it_mends() -> None:
    async def run() -> None:
        async with post() as world:
            anna = world.office.reader(ANNA)
            first = await world.mail.send(MESSAGE, to=[ANNA])
            mended = Message(text="Correction", subject="Correction", replies_to=first.remotes[0])
            await world.mail.send(mended, to=[ANNA])
            assert anna.reads().message["In-Reply-To"] == first.remotes[0]
            assert anna.reads().message["References"] == first.remotes[0]

    asyncio.run(run())


def test_an_edition_goes_along_where_there_is_one() -> None:
    async def run() -> None:
        held = {"1a2b3cd": b"<!doctype html><title>whole</title>"}
        async with post(edition=lambda name: held.get(name, b"")) as world:
            anna = world.office.reader(ANNA)
            await world.mail.send(Message(text="t", subject="s", attached="1a2b3cd"), to=[ANNA])
            (file,) = anna.reads().message.iter_attachments()
            assert file.get_filename() == "1a2b3cd.html"
            assert file.get_payload(decode=True) == held["1a2b3cd"]
            await world.mail.send(Message(text="t", subject="s", attached="missing"), to=[ANNA])
            assert list(anna.reads().message.iter_attachments()) == []

    asyncio.run(run())


def test_one_click_is_offered_only_where_the_address_can_say_who_clicks() -> None:
    async def run() -> None:
        async with post(one_click=lambda address: f"https://paper.example/u/{len(address)}") as world:
            anna = world.office.reader(ANNA)
            world.office.reader(BORIS)
            await world.mail.send(MESSAGE, to=[ANNA])
            assert anna.reads().message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert anna.reads().message["List-Unsubscribe"].strip().startswith("<https://paper.example/u/17>, <mailto:")
            await world.mail.send(MESSAGE, to=[ANNA, BORIS])
            assert anna.reads().message["List-Unsubscribe-Post"] is None

    asyncio.run(run())


@pytest.mark.parametrize("form", ["traditional", "pkcs8"])
def test_mail_is_signed_so_that_a_change_on_the_way_shows(tmp_path: Path, form: str) -> None:
    async def run() -> None:
        key, names = dkim_key(tmp_path, form)
        async with post(dkim=key, names=names) as world:
            anna = world.office.reader(ANNA)
            await world.mail.send(MESSAGE, to=[ANNA])
            good = anna.reads()
            assert good.signed is True
            for changed in (
                good.data.replace(b"Subject: ", b"Subject: x"),
                good.data.replace(b"\r\n\r\n", b"\r\nReply-To: thief@mail.example\r\n\r\n", 1),
                good.data + b"more\r\n",
            ):
                world.office.put(NEWS, ANNA, changed)
                assert anna.reads().signed is False
            key.chmod(0o644)
            open_key = await world.mail.send(MESSAGE, to=[ANNA])
            assert (open_key.fate, open_key.note) == ("stopped", f"{key}: others can read this key")
            assert not (await world.mail.health()).works
            key.write_text("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n")
            key.chmod(0o600)
            assert (await world.mail.send(MESSAGE, to=[ANNA])).note.startswith(f"{key}: this is no RSA key in PEM")

    asyncio.run(run())


@pytest.mark.parametrize("at_once", [False, True])
def test_mail_is_encrypted_and_the_certificate_is_looked_at(tmp_path: Path, at_once: bool) -> None:
    async def run() -> None:
        whole, alone = paper(tmp_path)
        security = "tls" if at_once else "starttls"
        way = {"host": "localhost", "security": security, "authority": alone}
        async with post(tls=whole, at_once=at_once, way=way) as world:
            anna = world.office.reader(ANNA)
            assert (await world.mail.send(MESSAGE, to=[ANNA])).fate == "posted"
            assert (await world.mail.health()).works
        for bad in ({"authority": None}, {"host": "127.0.0.1"}):  # an authority nobody knows; another name
            async with post(tls=whole, at_once=at_once, way=way | bad) as world:
                anna = world.office.reader(ANNA)
                assert (await world.mail.send(MESSAGE, to=[ANNA])).fate == "later"
                assert anna.box == []
                assert not (await world.mail.health()).works

    asyncio.run(run())


def test_no_mail_goes_unencrypted_where_encryption_was_taken_out() -> None:
    async def run() -> None:
        async with post(way={"host": "localhost", "security": "starttls"}) as world:
            anna = world.office.reader(ANNA)
            sent = await world.mail.send(MESSAGE, to=[ANNA])
            assert (sent.fate, sent.note) == ("later", "SMTPException at the encryption")
            assert anna.box == []

    asyncio.run(run())


def test_a_login_is_proved_and_a_wrong_one_stops_the_channel(tmp_path: Path) -> None:
    async def run() -> None:
        whole, alone = paper(tmp_path)
        password = tmp_path / "password"
        password.write_text("correct horse\n")
        password.chmod(0o600)
        way = {"host": "localhost", "security": "starttls", "authority": alone, "user": "news", "password": password}
        async with post(Limits(login={"news": "correct horse"}), tls=whole, way=way) as world:
            world.office.reader(ANNA)
            assert (await world.mail.send(MESSAGE, to=[ANNA])).fate == "posted"
            password.write_text("hunter2")
            wrong = await world.mail.send(MESSAGE, to=[ANNA])
            assert (wrong.fate, wrong.note) == ("stopped", "535 5.7.8 at the login")
            health = await world.mail.health()
            assert not health.works
            assert "hunter2" not in health.note
            password.chmod(0o644)
            assert (await world.mail.send(MESSAGE, to=[ANNA])).note == f"{password}: others can read this secret"
        async with post(Limits(login={"news": "x"}), tls=whole, way=way | {"user": "", "password": None}) as world:
            world.office.reader(ANNA)
            assert (await world.mail.send(MESSAGE, to=[ANNA])).fate == "stopped"  # 530: it wants a login

    asyncio.run(run())


FATES: list[tuple[Wrong, Fate, int]] = [
    ("greylist", "later", 0), ("busy", "later", 0), ("drop before", "later", 0), ("later", "later", 0),
    ("content", "refused", 0), ("drop within", "unknown", 0), ("drop after", "unknown", 1),
    ("garbage after", "unknown", 1),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "fate", "arrived"), FATES)
def test_what_goes_wrong_is_told_as_it_is(wrong: Wrong, fate: Fate, arrived: int) -> None:
    async def run() -> None:
        async with post() as world:
            anna, _ = world.office.reader(ANNA), world.office.reader(BORIS)
            world.office.fail(wrong)
            sent = await world.mail.send(MESSAGE, to=[ANNA, BORIS])
            assert sent.fate == fate
            assert len(anna.box) == arrived
            assert sent.gone == sent.bounced == ()
            assert bool(sent.remotes) == (fate == "unknown")
            assert world.office.calls["MAIL"] == 1  # never again by itself

    asyncio.run(run())


def test_silence_after_the_dot_is_unknown() -> None:
    async def run() -> None:
        async with post(way={"taken": 0.05}) as world:
            anna = world.office.reader(ANNA)
            world.office.fail("stall after")
            sent = await world.mail.send(MESSAGE, to=[ANNA])
            assert (sent.fate, len(anna.box)) == ("unknown", 1)

    asyncio.run(run())


def test_nobody_at_the_door_is_later() -> None:
    async def run() -> None:
        async with post() as world:
            pass
        assert (await world.mail.send(MESSAGE, to=[ANNA])).fate == "later"
        assert not (await world.mail.health()).works

    asyncio.run(run())


def test_who_is_gone_and_who_was_not_reached() -> None:
    async def run() -> None:
        async with post() as world:
            anna = world.office.reader(ANNA)
            world.office.reader(VERA).full = True
            sent = await world.mail.send(MESSAGE, to=[ANNA, BORIS, VERA, "no address"])
            assert sent.fate == "posted"
            assert sent.gone == ("no address", BORIS)
            assert sent.bounced == (VERA,)
            assert len(anna.box) == 1
            alone = await world.mail.send(MESSAGE, to=[BORIS])
            assert (alone.fate, alone.gone, alone.remotes) == ("refused", (BORIS,), ())
            assert ANNA not in sent.note
            assert BORIS not in alone.note
            nobody = await world.mail.send(MESSAGE, to=["x"])
            assert (nobody.fate, nobody.gone) == ("refused", ("x",))
            assert (await world.mail.send(MESSAGE)).fate == "posted"

    asyncio.run(run())


@pytest.mark.parametrize("detail", [True, False])
def test_a_server_that_refuses_everybody_costs_no_reader(detail: bool) -> None:
    async def run() -> None:
        async with post(Limits(relay=False, detail=detail)) as world:
            sent = await world.mail.send(MESSAGE, to=[ANNA, BORIS])
            assert (sent.fate, sent.gone, sent.bounced) == ("stopped", (), ())
        async with post(Limits(detail=detail)) as world:  # it has lost its list of mailboxes
            sent = await world.mail.send(MESSAGE, to=[ANNA, BORIS])
            assert (sent.fate, sent.gone, sent.bounced) == ("refused", (), (ANNA, BORIS))
        async with post(Limits(senders=frozenset({"other@paper.example"}), detail=detail)) as world:
            assert (await world.mail.send(MESSAGE, to=[ANNA])).fate == "stopped"

    asyncio.run(run())


def test_limits_of_the_server_at_their_edges() -> None:
    async def run() -> None:
        async with post(Limits(recipients=2)) as world:
            for reader in (ANNA, BORIS, VERA):
                world.office.reader(reader)
            assert (await world.mail.send(MESSAGE, to=[ANNA, BORIS])).fate == "posted"
            over = await world.mail.send(MESSAGE, to=[ANNA, BORIS, VERA])
            assert (over.fate, over.note) == ("stopped", "the server takes 2 recipients at once: set batch = 2")
            assert len(world.office.reader(ANNA).box) == 1  # nothing of it went out
        async with post() as world:
            anna = world.office.reader(ANNA)
            await world.mail.send(MESSAGE, to=[ANNA])
            size = len(anna.reads().data)
        for room, fate in ((size, "posted"), (size - 1, "refused")):
            async with post(Limits(size=room)) as world:
                world.office.reader(ANNA)
                assert (await world.mail.send(MESSAGE, to=[ANNA])).fate == fate

    asyncio.run(run())


@pytest.mark.parametrize(("utf8", "fate"), [(True, "posted"), (False, "refused")])
def test_addresses_in_other_letters_are_sent_to_where_the_server_can(utf8: bool, fate: Fate) -> None:
    async def run() -> None:
        wide = "анна@mail.example"
        async with post(Limits(utf8=utf8)) as world:
            anna = world.office.reader(wide)
            sent = await smtp.hand_over(world.mail._way, NEWS, [wide], b"Subject: x\r\n\r\n.dot\r\n..\r\n")
            assert (sent.fate, sent.bounced, len(anna.box)) == (fate, () if utf8 else (wide,), int(utf8))
            if utf8:
                assert anna.reads().data == b"Subject: x\r\n\r\n.dot\r\n..\r\n"

    asyncio.run(run())


def test_what_mail_cannot_do_is_refused_and_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with post() as world:
            entry = Entry(channel="mail", topic=Topic("day", "2026-11-26"), version=1, message=MESSAGE, digest="",
                          remotes=("<a@b>",), queued=NOW, changed=NOW)  # fmt: skip
            assert (await world.mail.edit(["<a@b>"], MESSAGE)).fate == "refused"
            assert (await world.mail.withdraw(["<a@b>"])).fate == "refused"
            assert await world.mail.proof(entry) == Sent(fate="unknown", remotes=("<a@b>",))
            assert (await world.mail.health()).works
            anna = world.office.reader(ANNA)
            await world.mail.send(MESSAGE, to=[ANNA])
            monkeypatch.setattr(module, "MOST", len(anna.reads().data))
            assert (await world.mail.send(MESSAGE, to=[ANNA])).fate == "posted"
            monkeypatch.setattr(module, "MOST", len(anna.reads().data) - 1)
            assert (await world.mail.send(MESSAGE, to=[ANNA])).fate == "refused"

    asyncio.run(run())


def test_an_answer_is_automatic_and_has_the_null_sender() -> None:
    async def run() -> None:
        async with post() as world:
            anna = world.office.reader(ANNA)
            sent = await world.mail.answer(
                Letter(
                    to=ANNA,
                    subject="Re: где",
                    text="Здесь",
                    lang="ru",
                    answers="<1@mail.example>",
                    references=("<0@mail.example>",),
                )
            )
            assert sent.fate == "posted"
            mail = anna.reads()
            assert (mail.sender, mail.text) == ("", "Здесь\n")
            assert mail.message["Auto-Submitted"] == "auto-replied"
            assert mail.message["In-Reply-To"] == "<1@mail.example>"
            assert mail.message["References"] == "<0@mail.example> <1@mail.example>"
            assert mail.message["To"] == ANNA
            assert mail.message.get_content_type() == "text/plain"
            odd = Letter(to="a b@mail.example", subject="s", text="t")
            assert (await world.mail.answer(odd)).fate == "refused"

    asyncio.run(run())


hostile = st.text(st.characters(), max_size=200) | st.sampled_from(
    [
        "a\r\nBcc: thief@mail.example",
        "a\nBcc: t@mail.example",
        "\r",
        "a\x0bBcc: x",
        "a\u2028Bcc: x",
        "a\x85Bcc: x",
        "=?utf-8?q?a=0D=0ABcc:_x?=",
        "\ud800",
        "a" * 5_000,
        "<a@b>\r\nBcc: x",
        "<a@b> <c@d\r\n>",
    ]
)


@settings(max_examples=100)
@given(hostile, hostile, hostile, hostile, st.sampled_from(["en", "fa"]))
@example("a\r\n .\r\nBcc: x", ".\r\n.\r\nQUIT", "\r\n.\r\n", "", "en")
def test_nothing_from_outside_becomes_a_header(subject: str, text: str, title: str, earlier: str, lang: str) -> None:
    mail = Mail("mail", sender=NEWS, title=title, way=Way(), mark=mark, clock=lambda: NOW)
    message = Message(text=text, subject=subject, replies_to=earlier, lang=lang, cards=(Card(title=title),))
    _, data = mail._newsletter(message, [ANNA])
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    names = [line.partition(b":")[0].decode() for line in lines if line[:1] not in (b" ", b"\t")]
    known = {
        "From", "Subject", "Date", "Message-ID", "To", "Auto-Submitted", "Precedence", "List-Id", "List-Unsubscribe",
        "In-Reply-To", "References", "Content-Language", "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert set(names) <= known
    assert len(names) == len(set(names))
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert all(0 < byte < 128 for byte in data)
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert rest


@given(st.text(max_size=3_000), st.sampled_from(["en", "ru", "fa"]))
def test_html_holds_no_markup_of_strangers_and_loads_nothing(text: str, lang: str) -> None:
    made = mime.page(text + "<img src=x><script>1</script>", lang, text)
    body = made.partition("<body")[2]
    assert "<img" not in made
    assert "<script" not in made
    assert "src=" not in body.replace("&lt;img src=x&gt;", "")
    assert ('dir="rtl"' in made) == (lang == "fa")


def test_persian_keeps_its_joiners_in_a_header() -> None:
    assert mime.one_line("شبه\u200cجزیره\r\n x") == "شبه\u200cجزیره x"


def test_what_is_underlined_in_text_is_a_heading_in_html() -> None:
    made = mime.page("The day\n\nA <bridge>\n=====\n\nOpen.\n\n1 + 1\n==", "en", "The day")
    assert ">The day</h1>\n" in made
    assert ">A &lt;bridge&gt;</h2>\n<p>Open.</p>\n<p>1 + 1<br>\n==</p>" in made


def test_links_end_where_the_address_ends() -> None:
    made = mime.page('See https://a.example/x?a=1&b="2" (https://b.example/), or https://c.example.', "en", "")
    assert '<a href="https://a.example/x?a=1&amp;b=">https://a.example/x?a=1&amp;b=</a>' in made
    assert '(<a href="https://b.example/">https://b.example/</a>), or <a href="https://c.example">' in made


refusals = st.builds(
    Refusal, st.sampled_from([421, 450, 452, 550, 551, 552, 553, 554]),
    st.sampled_from(["", "4.5.3", "4.7.1", "5.1.1", "5.1.10", "5.2.2", "5.7.1"]),
)  # fmt: skip


@given(st.lists(st.sampled_from([f"r{n}@mail.example" for n in range(9)]), unique=True, min_size=1), st.data())
def test_refusals_never_erase_somebody_who_was_taken_nor_count_what_is_asked_again(
    to: list[str], data: st.DataObject
) -> None:
    refused = data.draw(st.dictionaries(st.sampled_from(to), refusals))
    end = audience(to, refused)
    gone, bounced = losses(to, refused)
    assert set(gone) | set(bounced) == set(refused)
    assert not set(gone) & set(bounced)
    if end is None:
        assert set(to) - set(refused)
    elif end.fate != "refused":
        assert (end.gone, end.bounced) == ((), ())
