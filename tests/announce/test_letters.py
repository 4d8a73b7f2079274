"""What readers' mail asks for, who is never answered, and what nobody can make up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.adapters.channels.post import mark

from heliograph.announce import letters, replies
from heliograph.announce.letters import Question, ask
from heliograph.announce.pace import Pace
from heliograph.announce.replies import House
from heliograph.lab.channels.mail_programs import bounce
from heliograph.model.code import shown, story_code
from heliograph.model.edition import Brief
from heliograph.model.letter import Envelope, is_address, plain_address, sealed, unsealed
from heliograph.model.story import Paragraph, Run, Story

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
NEWS, ANNA = "news@paper.example", "anna@mail.example"
OWN = frozenset({NEWS})
CODE = story_code("https://paper.example/bridge")
HOUSE = House(title="Газета", lang="ru", mirrors=("https://one.example/", "https://two.example/x/"))


def envelope(subject: str = "", text: str = "", sender: str = ANNA, **headers: str) -> Envelope:
    mail = EmailMessage(policy=SMTP)
    for name, value in {"From": ANNA, "To": NEWS, "Message-ID": "<1@mail.example>", **headers}.items():
        if value:
            mail[name.replace("_", "-")] = value
    mail["Subject"] = subject
    mail.set_content(text)
    return Envelope(sender=sender, to=NEWS, data=mail.as_bytes())


def asked(*args: str, **headers: str) -> Question:
    return ask(envelope(*args, **headers), OWN, mark, NOW)


@pytest.mark.parametrize(
    ("subject", "text", "kind", "lang"),
    [
        ("where", "", "where", "en"),
        ("", "где?", "where", "ru"),
        ("Де?", "", "where", "uk"),
        ("qayda", "", "where", "crh"),
        ("کجا", "", "where", "fa"),
        ("", "", "where", ""),
        ("Привіт", "що у вас нового?", "where", "uk"),
        (shown(CODE), "", "code", ""),
        (CODE, "", "code", ""),
        ("Fwd: story", f"Please send {shown(CODE)}, thanks", "code", ""),
        ("", f"> {shown(CODE)}", "where", ""),  # he only quotes it
        ("subscribe", "", "subscribe", "en"),
        ("Подписка", "", "subscribe", "ru"),
        ("", "Хочу підписатися", "subscribe", "uk"),
        ("UNSUBSCRIBE", "", "unsubscribe", "en"),
        ("", "стоп", "unsubscribe", "ru"),
        ("Where can I unsubscribe?", "", "unsubscribe", "en"),
    ],
)
def test_what_is_asked(subject: str, text: str, kind: str, lang: str) -> None:
    question = asked(subject, text)
    assert (question.kind, question.lang, question.why) == (kind, lang, "")
    assert question.asker == ANNA
    assert question.code == (CODE if kind == "code" else "")
    assert question.id == "<1@mail.example>"


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"sender": ""}, "null sender"),
        ({"sender": "News@Paper.example"}, "our own address"),
        ({"sender": "MAILER-DAEMON@mail.example"}, "a machine's name"),
        ({"sender": "no-reply@mail.example"}, "a machine's name"),
        ({"sender": "owner-list@mail.example"}, "a machine's name"),
        ({"sender": "list-request@mail.example"}, "a machine's name"),
        ({"sender": "bounce+a=b@mail.example"}, "a machine's name"),
        ({"Auto_Submitted": "auto-replied"}, "automatic"),
        ({"Auto_Submitted": "auto-generated; owner=a"}, "automatic"),
        ({"List_Id": "a list <l.example>"}, "a list"),
        ({"List_Unsubscribe": "<mailto:a@b>"}, "a list"),
        ({"Precedence": "bulk"}, "bulk"),
        ({"Precedence": "List"}, "bulk"),
        ({"Precedence": "junk"}, "bulk"),
        ({"X_Auto_Response_Suppress": "All"}, "automatic"),
        ({"To": "other@paper.example"}, "not addressed to us"),
        ({"To": ""}, "not addressed to us"),
    ],
)
def test_machines_are_not_answered(headers: dict[str, str], why: str) -> None:
    assert asked("where", **headers) == Question(kind="none", why=why)


def test_who_is_no_machine_is_answered() -> None:
    assert asked("where", Auto_Submitted="no").kind == "where"
    assert asked("where", To="Some One <x@y.example>", Cc=f"The Paper <{NEWS.upper()}>").kind == "where"
    assert asked("where", Precedence="first-class").kind == "where"


def test_a_button_of_a_provider_ends_a_subscription_without_an_answer() -> None:
    question = asked("unsubscribe", Auto_Submitted="auto-generated")
    assert (question.kind, question.quiet) == ("unsubscribe", True)


def test_only_an_answer_to_our_question_confirms() -> None:
    first = asked("Подписка")
    letter = replies.confirm(first, HOUSE, mark, NOW)
    id_ = f"<{letter.id}@paper.example>"
    assert asked("Re: x", In_Reply_To=id_).kind == "confirm"
    assert asked("Re: x", In_Reply_To=id_).lang == "ru"
    assert asked("Re: x", References=f"<0@a.example> {id_}").kind == "confirm"
    assert asked(f"Re: {letter.subject}").kind == "confirm"  # a program that drops the other headers
    assert asked("Re: x", sender="boris@mail.example", In_Reply_To=id_).kind == "where"  # another's address
    assert asked("Re: x", In_Reply_To=id_.replace(letter.id[-3:], "aaa")).kind == "where"
    assert asked("unsubscribe", In_Reply_To=id_).kind == "unsubscribe"
    assert asked("Re: x", "unsubscribe", In_Reply_To=id_).kind == "unsubscribe"
    assert asked("Re: unsubscribe", "yes, subscribe me again", In_Reply_To=id_).kind == "confirm"
    assert asked("Отв: Stop Press?", In_Reply_To=id_).kind == "confirm"  # the newsroom's name
    other = f"<{sealed('n', 'ru-20261126', ANNA, mark)}@paper.example>"
    assert asked("Re: x", In_Reply_To=other).kind == "where"
    for days, kind in ((letters.VALID - 1, "confirm"), (letters.VALID, "where")):
        late = NOW + timedelta(days=days)
        assert ask(envelope("Re: x", In_Reply_To=id_), OWN, mark, late).kind == kind


def test_a_bounce_counts_only_if_it_gives_back_a_mail_of_ours() -> None:
    ours = f"<{sealed('n', 'abc', '', mark)}@paper.example>"
    probe = f"<{sealed('p', '20261126', ANNA, mark)}@paper.example>"

    def bounced(id_: str, to: str = ANNA, *, sender: str = "", full: bool = False) -> Question:
        data = bounce(to, f"Message-ID: {id_}\r\nSubject: x\r\n\r\ntext".encode(), NOW, full=full)
        return ask(Envelope(sender=sender, to=NEWS, data=data), OWN, mark, NOW)

    assert bounced(ours) == Question(kind="bounce", failed=(ANNA,))
    assert bounced(probe) == Question(kind="bounce", failed=(ANNA,), probe=True, lasting=True)
    assert bounced(probe, full=True) == Question(kind="bounce", failed=(ANNA,), probe=True)
    assert bounced(probe, "boris@mail.example").kind == "none"  # a probe to another
    assert bounced("<made.up@paper.example>").kind == "none"
    assert bounced(ours.replace("abc", "abd")).kind == "none"
    assert bounced(ours, sender="thief@mail.example").kind == "none"
    assert bounced(ours, "no address").kind == "none"
    delayed = bounce(ANNA, f"Message-ID: {ours}\r\n\r\n".encode(), NOW)
    for was, is_ in ((b"Action: failed", b"Action: delayed"), (b"Status: 5.1.1", b"Status: 4.4.1")):
        later = Envelope(sender="", to=NEWS, data=delayed.replace(was, is_))
        assert ask(later, OWN, mark, NOW).kind == "none"


def test_a_bounce_with_the_whole_mail_within_is_read_too() -> None:
    ours = f"<{sealed('n', 'abc', '', mark)}@paper.example>"
    data = bounce(ANNA, f"Message-ID: {ours}\r\n\r\n".encode(), NOW)
    whole = data.replace(b"Content-Type: text/rfc822-headers", b"Content-Type: message/rfc822")
    assert ask(Envelope(sender="", to=NEWS, data=whole), OWN, mark, NOW).failed == (ANNA,)


def test_size_and_depth_have_limits() -> None:
    good = envelope("where")
    room = letters.MOST - len(good.data)
    assert ask(replace(good, data=good.data + b"a" * room), OWN, mark, NOW).kind == "where"
    assert ask(replace(good, data=good.data + b"a" * (room + 1)), OWN, mark, NOW).why == "too large"
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(2_000))
    assert ask(replace(good, data=b"To: news@paper.example\r\n" + deep), OWN, mark, NOW).why == "too many parts"
    some = b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(59))
    assert ask(replace(good, data=b"To: news@paper.example\r\n" + some), OWN, mark, NOW).kind == "where"
    within = b"To: news@paper.example\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 170
    assert ask(replace(good, data=within), OWN, mark, NOW).kind == "where"
    nested = b"Content-Type: message/rfc822\r\n\r\n" * 4_000
    assert ask(replace(good, data=b"To: news@paper.example\r\n" + nested), OWN, mark, NOW).why == "too many parts"


_lines = st.sampled_from(
    [
        b"From: anna@mail.example", b"To: news@paper.example", b"To: =?x?q?=0A?= <@", b"Subject: =?utf-8?b?////?=",
        b"Subject: =?nonsense?q?abc?=", b"Subject: where", b"Content-Type: text/plain; charset=nonsense",
        b"Content-Type: multipart/report; boundary=b", b"Content-Type: multipart/mixed; boundary=b", b"--b", b"--b--",
        b"Content-Type: message/delivery-status", b"Content-Type: text/rfc822-headers", b"Content-Type: ;;;=",
        b"Content-Type: text/html; charset*0*=utf-8''%ff; charset*1=x", b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: x-uuencode", b"begin 666 x", b"MMMM", b"", b" folded", b"=?", b"<<<<",
        b"Action: failed", b"Status: 5.1.1", b"Final-Recipient: rfc822; a@b.example", b"Message-ID: <",
        b"Content-Type: message/rfc822", b"Content-Disposition: attachment; filename*=utf-8''%00",
        b"\xff\xfe\x00: \xff",
    ]
)  # fmt: skip
_data = st.binary(max_size=400) | st.lists(_lines | st.binary(max_size=30), max_size=25).map(b"\r\n".join)


@settings(max_examples=400)
@given(_data, st.sampled_from([ANNA, "", NEWS]))
def test_no_mail_raises_and_no_machine_is_answered(data: bytes, sender: str) -> None:
    question = ask(Envelope(sender=sender, to=NEWS, data=data), OWN, mark, NOW)
    assert question.kind != "confirm"
    if sender != ANNA:
        assert question.kind in ("none", "bounce")
    if question.kind not in ("none", "bounce"):
        assert question.asker == ANNA
        house = replies.where(question, HOUSE, [])
        assert house.to == ANNA


@given(st.text(max_size=80))
def test_addresses_are_plain_or_none(text: str) -> None:
    plain = plain_address(text)
    assert plain == "" or is_address(plain)
    assert "\n" not in plain
    assert plain_address(plain) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<>", ""), ("", ""), ("<Anna@Mail.Example>", "Anna@mail.example"), ("a@b", "a@b"), ("a@b@c", ""),
        ('"a b"@c.example', ""), ("a@[127.0.0.1]", ""), ("a" * 64 + "@b.example", "a" * 64 + "@b.example"),
        ("a" * 65 + "@b.example", ""), ("а@б.example", ""), ("a@b.example\n", "a@b.example"), ("a@-", "a@-"),
    ],
)  # fmt: skip
def test_the_null_sender_and_others_at_their_one_place(text: str, plain: str) -> None:
    assert plain_address(text) == plain


@given(st.text(max_size=30), st.text(max_size=60))
def test_nobody_makes_up_an_id(about: str, text: str) -> None:
    assert unsealed(text, "c", about, mark) == ""
    assert unsealed(f"x {sealed('c', 'ru-1', about, mark)} y", "c", about, mark) == "ru-1"
    assert unsealed(sealed("c", "ru-1", about, mark), "p", about, mark) == ""
    assert unsealed(sealed("c", "ru-1", about + "x", mark), "c", about, mark) == ""


def test_strangers_are_answered_in_measure_and_forgotten_the_next_day() -> None:
    salts = iter([b"a" * 16, b"b" * 16])
    pace = Pace(salt=lambda: next(salts), a_day={"answer": 2, "confirm": 1, "probe": 1}, an_hour=4)
    assert [pace.may("answer", ANNA, NOW) for _ in range(3)] == [True, True, False]
    assert not pace.may("answer", ANNA.upper(), NOW)
    assert pace.may("confirm", ANNA, NOW)
    assert [pace.may("answer", f"r{n}@mail.example", NOW) for n in range(3)] == [True, False, False]  # four an hour
    assert pace.may("answer", "r2@mail.example", NOW + timedelta(hours=1))
    assert not pace.may("answer", ANNA, NOW + timedelta(hours=1))
    assert ANNA not in repr(pace)
    assert pace.may("answer", ANNA, NOW + timedelta(days=1))
    assert len(pace._to) == 1


def test_what_was_not_sent_after_all_does_not_count() -> None:
    pace = Pace(salt=lambda: b"a" * 16, a_day={"answer": 1, "confirm": 1, "probe": 1}, an_hour=1)
    assert pace.may("answer", ANNA, NOW)
    pace.undo("answer", ANNA)
    assert pace.may("answer", ANNA, NOW)
    assert not pace.may("answer", ANNA, NOW)


def story(text: str, count: int = 1) -> Story:
    return Story(
        url="https://paper.example/bridge", code=CODE, lang="ru", title="Мост открыт", lead="Мост открыли.",
        blocks=tuple(Paragraph(runs=(Run(text),)) for _ in range(count)), published=NOW, updated=NOW,
    )  # fmt: skip


def test_a_story_is_answered_in_full_with_where_to_read_it() -> None:
    letter = replies.story(asked(CODE), story("Движение пущено."), HOUSE)
    assert letter.subject == "Мост открыт"
    assert letter.to == ANNA
    assert letter.answers == "<1@mail.example>"
    for part in ("Мост открыли.", "Движение пущено.", f"https://two.example/x/a/{CODE}.html", shown(CODE)):
        assert part in letter.text
    assert "не вошла" not in letter.text


@given(st.text(max_size=400), st.integers(0, 400), st.text(max_size=300), st.sampled_from(["en", "fa", "ru"]))
def test_no_answer_is_larger_than_its_limit(text: str, count: int, title: str, lang: str) -> None:
    told = replace(story("мост " * 9 + text, count), title=title, lead=text * 20, lang=lang)
    house = replace(HOUSE, title=title, mirrors=tuple(f"https://m{n}.example/{'p' * 60}/" for n in range(30)))
    brief = Brief(code=CODE, url="", lang="ru", title=title * 9, lead="", section="", published=NOW, updated=NOW,
                  section_key="", day="2026-11-26")  # fmt: skip
    question = replace(asked(CODE), subject=title[:200])
    made = [
        replies.story(question, told, house),
        replies.where(question, house, [brief] * 30, missing=CODE),
        replies.confirm(question, house, mark, NOW),
        replies.subscribed(question, house),
        replies.unsubscribed(question, house, mark, NOW),
        replies.full(question, house),
        replies.probe(ANNA, lang, house, mark, NOW),
    ]
    for letter in made:
        assert len(letter.text.encode("utf-8", "replace")) * 4 / 3 * 78 / 76 < replies.MOST - 1_500
        assert letter.to == ANNA


def test_a_long_story_says_that_there_is_more() -> None:
    letter = replies.story(asked(CODE), story("Мост открыли вчера. " * 50, 40), HOUSE)
    assert "целиком не вошла" in letter.text
    assert letter.text.count("Мост открыли вчера.") > 200
