"""The queue of questions: fair, within the rates, and bounded."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from heliograph.announce.turns import MOST_OPEN, Turn, Turns
from heliograph.model.question import Question, Reply

PART = Reply(html="x")


def question(chat: str, number: int = 1) -> Question:
    return Question(number=number, chat=chat, text="x")


def drained(turns: Turns, parts: int = 1) -> list[tuple[float, str]]:
    """When each message goes out, and to whom; each answer has so many."""
    now, sent = 0.0, list[tuple[float, str]]()
    while True:
        turn = turns.take(now)
        if turn is None:
            return sent
        if isinstance(turn, float):
            assert turn > 0
            now += turn
            continue
        sent.append((now, turn.chat))
        replies = turn.replies or (PART,) * parts
        turns.done(turn.chat, replies[1:], now)


def test_chats_take_turns() -> None:
    turns = Turns(rate=1_000)
    for chat in "aaabbc":
        assert turns.add(question(chat))
    assert turns.ahead == 3
    assert [chat for _, chat in drained(turns)] == list("abcaba")


def test_a_long_answer_is_one_message_a_turn() -> None:
    turns = Turns(rate=1_000)
    turns.add(question("a"))
    turns.add(question("b"))
    assert [chat for _, chat in drained(turns, parts=3)] == list("ababab")


def test_a_chat_has_three_questions_open_and_no_more() -> None:
    turns = Turns()
    assert [turns.add(question("a")) for _ in range(MOST_OPEN + 1)] == [True, True, True, False]
    assert (len(turns), turns.dropped) == (3, 1)
    assert turns.add(question("b"))


def test_a_full_queue_takes_no_more() -> None:
    turns = Turns(in_all=2)
    assert [turns.add(question(chat)) for chat in "abc"] == [True, True, False]


def test_a_busy_chat_is_not_given_twice() -> None:
    turns = Turns(rate=1_000)
    turns.add(question("a"))
    turns.add(question("a"))
    assert isinstance(turns.take(0.0), Turn)
    assert turns.take(5.0) is None


def test_a_pause_holds_everybody_and_the_message_comes_again() -> None:
    turns = Turns(rate=1_000)
    turns.add(question("a"))
    turns.add(question("b"))
    first = turns.take(0.0)
    assert isinstance(first, Turn)
    turns.again("a", (PART,), 30.0, 0.0)
    assert turns.take(1.0) == 29.0
    second = turns.take(30.0)
    assert isinstance(second, Turn)
    assert second.chat == "b"
    third = turns.take(31.0)
    assert third == Turn(chat="a", replies=(PART,))


def test_who_wants_no_more_is_forgotten_with_all_he_asked() -> None:
    turns = Turns()
    for _ in range(3):
        turns.add(question("a"))
    assert isinstance(turns.take(0.0), Turn)
    turns.gone("a")
    assert len(turns) == 0
    assert turns.take(9.0) is None


def test_a_chat_is_forgotten_after_its_answer() -> None:
    turns = Turns()
    turns.add(question("a"))
    drained(turns)
    assert turns._chats == {}


@given(st.lists(st.sampled_from("abcdefgh"), max_size=60), st.integers(1, 4), st.floats(1, 50))
def test_everything_taken_is_answered_within_the_rates(chats: list[str], parts: int, rate: float) -> None:
    turns = Turns(rate=rate, gap=1.05)
    taken = [chat for chat in chats if turns.add(question(chat))]
    sent = drained(turns, parts)
    assert sorted(chat for _, chat in sent) == sorted(taken * parts)
    assert len(turns) == 0
    moments = [moment for moment, _ in sent]
    assert all(later - sooner >= 1 / rate - 1e-5 for sooner, later in pairwise(moments))
    for chat in set(taken):
        own = [moment for moment, name in sent if name == chat]
        assert all(later - sooner >= 1.05 - 1e-5 for sooner, later in pairwise(own))
