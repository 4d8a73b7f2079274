"""Whose question is answered next: a queue that is fair to each chat and keeps to a provider's rates.

Rule 1: chats take turns, one message each, so that whoever asks much waits behind everybody who asks once. Rule 2: a
chat has at most ``MOST_OPEN`` questions open; more are dropped, and so is what comes when the queue is full. Rule 3:
one chat is never written to twice within ``gap`` seconds, nor all of them more than ``rate`` times a second. Rule 4: a
chat is forgotten ``gap`` seconds after its last answer.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from heliograph.model.question import Question, Reply

MOST_OPEN: Final = 3  # questions of one chat
MOST_IN_ALL: Final = 20_000
_DUST: Final = 1e-6  # seconds: what adding up small times loses


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A chat is next: the rest of an answer, or a question that is not answered yet."""

    chat: str
    replies: tuple[Reply, ...] = ()
    question: Question | None = None


@dataclass(slots=True)
class _Chat:
    questions: deque[Question] = field(default_factory=deque)
    replies: tuple[Reply, ...] = ()


class Turns:
    """The queue. Times are seconds of any clock that only grows."""

    def __init__(self, *, rate: float = 20.0, gap: float = 1.05, in_all: int = MOST_IN_ALL) -> None:
        """``rate`` is below the thirty a second that a bot of Telegram has: its channel posts, too."""
        self._every, self._gap, self._most = 1 / rate, gap, in_all
        self._chats: dict[str, _Chat] = {}
        self._ready: deque[str] = deque()
        self._resting: list[tuple[float, str]] = []  # a heap
        self._next = 0.0  # no message before this moment
        self._open = 0
        self.dropped = 0  # questions that were not taken

    def __len__(self) -> int:
        """How many questions wait or are being answered."""
        return self._open

    @property
    def ahead(self) -> int:
        """How many chats are to be written to before a new one."""
        return len(self._ready)

    def add(self, question: Question) -> bool:
        """Queue a question; False where it is dropped."""
        chat = self._chats.get(question.chat)
        if self._open >= self._most or (chat and len(chat.questions) >= MOST_OPEN):
            self.dropped += 1
            return False
        if chat is None:
            chat = self._chats[question.chat] = _Chat()
            self._ready.append(question.chat)
        chat.questions.append(question)
        self._open += 1
        return True

    def take(self, now: float) -> Turn | float | None:
        """Who is next, and busy until ``done``; or for how many seconds nobody is; None until something changes."""
        while self._resting and self._resting[0][0] <= now + _DUST:
            _, rested = heapq.heappop(self._resting)
            if self._chats[rested].questions:
                self._ready.append(rested)
            else:
                del self._chats[rested]
        if not self._ready:
            return self._resting[0][0] - now if self._resting else None
        if self._next > now + _DUST:
            return self._next - now
        self._next = max(self._next, now) + self._every
        name = self._ready.popleft()
        chat = self._chats[name]
        if chat.replies:
            return Turn(chat=name, replies=chat.replies)
        return Turn(chat=name, question=chat.questions[0])

    def done(self, name: str, rest: Sequence[Reply], now: float) -> None:
        """One message to a busy chat went out, or never will; ``rest`` of the answer follows in later turns."""
        chat = self._chats[name]
        if not rest:
            chat.questions.popleft()
            self._open -= 1
        chat.replies = tuple(rest)
        self._rest(name, now + self._gap)

    def again(self, name: str, replies: Sequence[Reply], wait: float, now: float) -> None:
        """A message to a busy chat certainly did not go out: these wait, and so does everybody, ``wait`` seconds."""
        self._chats[name].replies = tuple(replies)
        self.hold(now + wait)
        self._rest(name, now + wait)

    def gone(self, name: str) -> None:
        """A busy chat wants no more."""
        chat = self._chats.pop(name)
        self._open -= len(chat.questions)

    def hold(self, until: float) -> None:
        """No message before that moment."""
        self._next = max(self._next, until)

    def _rest(self, name: str, until: float) -> None:
        heapq.heappush(self._resting, (until, name))
