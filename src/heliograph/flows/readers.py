"""reader -> question -> answer: a bot that readers ask, answered in turn.

questions -> effect, number -> queue -> answer

Rule 1: what a question changes (a subscription) is in the journal before its number is, and the number before the next
ones are asked for. Rule 2: an answer is made when its turn comes, so that a long queue holds questions and no texts.
Rule 3: nothing of a reader is kept or logged but a subscriber's chat and language; what waits is lost with the process,
and its readers ask again. Rule 4: "not now" of the provider stops all answers for as long as it says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Final

from heliograph.announce import bot as speech
from heliograph.announce import seek
from heliograph.announce.bot import Wish
from heliograph.announce.rules import Facts, Rules
from heliograph.announce.turns import Turn, Turns
from heliograph.capture import cut
from heliograph.config import Config
from heliograph.flows.announce import facts_of, speaker
from heliograph.flows.house import house_rules
from heliograph.model.post import Sent
from heliograph.model.question import Question, Reply
from heliograph.model.words import LANGUAGES, Words
from heliograph.ports import Bot, Journal

AT_ONCE: Final = 8  # answers under way: enough for the rate at 400 ms each
WAIT: Final = 25  # seconds of a long poll
FRESH: Final = 60.0  # seconds for which what is looked up for all is good
FIRST, LONGEST = 2.0, 120.0  # seconds of rest after a failure
LONG: Final = 40  # chats before one that are worth telling him
OFTEN: Final = 5.0  # seconds between two notes of the queue
TRIES: Final = 5  # of one message that certainly did not go out
_SHELF: Final = 64  # stories whose messages are kept for those who ask for the same one
_TONGUES: Final = ("", "ru", "uk", "en", "fa")  # languages of apps; "" is any other


class Readers:
    """Answers for one channel's bot; ``run`` does so until it is cancelled.

    ``clock`` gives seconds and only grows; ``pause`` waits so many of them.
    """

    def __init__(
        self,
        journal: Journal,
        config: Config,
        rules: Rules,
        bot: Bot,
        *,
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]],
        turns: Turns | None = None,
    ) -> None:
        self.turns = turns if turns is not None else Turns()
        self.answered, self.failed = 0, 0  # questions since this began; those that could not be, by a fault of ours
        self._journal, self._config, self._rules, self._bot = journal, config, rules, bot
        self._clock, self._pause = clock, pause
        self._speaks = speaker(config)
        self._known = _Known(journal, config, rules)
        self._more, self._free = asyncio.Event(), asyncio.Semaphore(AT_ONCE)
        self._hearing = asyncio.Semaphore(AT_ONCE)
        self._tries: dict[str, int] = {}  # by busy chat
        self._noted = float("-inf")
        self._deaf, self._mute = "", ""  # why nothing comes in, why nothing goes out

    @property
    def trouble(self) -> str:
        """What the provider says now, if it is no."""
        return "; ".join(dict.fromkeys(filter(None, (self._deaf, self._mute))))

    async def run(self) -> None:
        """Ask for questions and answer them, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(group))
            group.create_task(self._speak(group))

    # --- questions come in ---

    async def _listen(self, group: asyncio.TaskGroup) -> None:
        rest = FIRST
        await self._bot.introduce({lang: speech.commands_in(self._speaks(lang)) for lang in _TONGUES})
        journal, name = self._journal, self._rules.name
        while True:
            asked = await self._bot.questions(journal.offset(name), WAIT)
            if asked.failure is not None:
                self._deaf = asked.failure.note
                await self._pause(max(asked.failure.wait, rest))
                rest = min(rest * 2, LONGEST)
                continue
            self._deaf, rest = "", FIRST
            for question in asked.questions:
                self._take(question, group)
            if asked.newest:
                journal.offset(name, asked.newest)
            self._tell()

    def _tell(self) -> None:
        """How long the queue is, for whoever looks at the newsroom's state."""
        now = self._clock()
        if now >= self._noted + OFTEN or not self.turns:
            self._noted = now
            self._journal.note(f"queue {self._rules.name}", str(len(self.turns)))

    def _take(self, question: Question, group: asyncio.TaskGroup) -> None:
        """Its effect at once, its answer in turn."""
        wish = speech.wish(question)
        journal, name = self._journal, self._rules.name
        if question.left or wish.kind == "stop":
            journal.unsubscribe(name, question.chat)
        if question.left:
            return
        if wish.kind == "daily" and wish.of == "off":
            journal.unsubscribe(name, question.chat)
        if wish.kind == "daily" and wish.of == "on":
            journal.subscribe(name, question.chat, self._words(question, wish).lang)
        if wish.kind == "lang" and wish.of and journal.subscriber(name, question.chat):
            journal.subscribe(name, question.chat, wish.of)
        ahead = self.turns.ahead
        if not self.turns.add(question):
            return
        self._more.set()
        if question.press:
            told = speech.place(ahead, self._words(question, wish)) if ahead > LONG else ""
            group.create_task(self._hear(question.press, told))

    async def _hear(self, press: str, told: str) -> None:
        async with self._hearing:
            await self._bot.acknowledge(press, told)

    # --- answers go out ---

    async def _speak(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._free.acquire()
            turn = self.turns.take(self._clock())
            if isinstance(turn, Turn):
                group.create_task(self._answer(turn))
                continue
            self._free.release()
            self._more.clear()
            await self._rest(turn)

    async def _rest(self, seconds: float | None) -> None:
        """So long, or until something changes."""
        ends: list[asyncio.Future[object]] = [asyncio.ensure_future(self._more.wait())]
        if seconds is not None:
            ends.append(asyncio.ensure_future(self._pause(seconds)))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in ends:
                one.cancel()

    async def _answer(self, turn: Turn) -> None:
        try:
            replies = turn.replies or self._made(turn.question)
            self._settle(turn.chat, replies, await self._bot.answer(turn.chat, replies[0]))
            self._tell()
        except Exception as error:  # noqa: BLE001 - one story that cannot be told must not silence the bot
            self._mute = f"an answer could not be made: {type(error).__name__}"
            self.failed += 1
            self.turns.done(turn.chat, (), self._clock())
        finally:
            self._free.release()
            self._more.set()

    def _settle(self, chat: str, replies: Sequence[Reply], sent: Sent) -> None:
        now = self._clock()
        if sent.gone:
            self._journal.unsubscribe(self._rules.name, chat)
            self._tries.pop(chat, None)
            self.turns.gone(chat)
            return
        tries = self._tries.pop(chat, 0) + 1
        if sent.fate in ("later", "stopped") and tries < TRIES:
            self._mute = sent.note
            self._tries[chat] = tries
            self.turns.again(chat, replies, max(sent.wait, FIRST * 2**tries if sent.wait == 0 else 0), now)
            return
        self._mute = "" if sent.fate == "posted" else sent.note
        rest = replies[1:] if sent.fate in ("posted", "unknown") else ()
        self.answered += not rest
        self.turns.done(chat, rest, now)

    # --- what is answered ---

    def _words(self, question: Question, wish: Wish) -> Words:
        """Of the button, else of the subscriber, else of the reader's app, else of the newsroom."""
        if wish.lang:
            return self._speaks(wish.lang)
        kept = self._journal.subscriber(self._rules.name, question.chat)
        lang = kept.lang if kept else question.lang
        return self._speaks(lang if lang in LANGUAGES else self._rules.voice)

    def _made(self, question: Question | None) -> tuple[Reply, ...]:
        if question is None:
            raise RuntimeError("a turn without a question")
        wish = speech.wish(question)
        words, facts = self._words(question, wish), self._known.facts(self._clock())
        match wish.kind:
            case "story":
                told = self._known.story(wish.of, self._clock())
                return told or (self._found(wish.typed, words),)
            case "find":
                return (self._found(wish.of, words, spoilt=wish.spoilt),)
            case "where":
                return (speech.where(self._rules, facts, words, self._speaks),)
            case "stop":
                return (speech.stopped(words),)
            case "daily" if wish.of:
                room = self._journal.subscriber(self._rules.name, question.chat) is not None
                return (speech.daily(words, on=wish.of == "on", room=room),)
            case "daily":
                return (speech.asks_daily(words),)
            case "lang" if wish.of:
                kept = self._journal.subscriber(self._rules.name, question.chat) is not None
                return (speech.language(self._speaks(wish.of), kept=kept),)
            case "lang":
                return (speech.asks_language(words),)
        return (speech.welcome(facts, words),)

    def _found(self, text: str, words: Words, *, spoilt: bool = False) -> Reply:
        return speech.found(seek.seek(self._known.lines(self._clock()), text), words, spoilt=spoilt)


class _Known:
    """What is looked up for all readers alike, good for a minute."""

    def __init__(self, journal: Journal, config: Config, rules: Rules) -> None:
        self._journal, self._config, self._rules = journal, config, rules
        self._until = float("-inf")
        self._facts: Facts | None = None
        self._lines: tuple[seek.Line, ...] | None = None
        self._cuts: cut.Rules | None = None
        self._stories: dict[str, tuple[Reply, ...]] = {}

    def facts(self, now: float) -> Facts:
        """What may be said of the newsroom."""
        self._renew(now)
        if self._facts is None:
            self._facts = facts_of(self._journal, self._config)
        return self._facts

    def lines(self, now: float) -> tuple[seek.Line, ...]:
        """The newest stories, to look through."""
        self._renew(now)
        if self._lines is None:
            self._lines = seek.lines(islice(self._journal.briefs(), seek.NEWEST))
        return self._lines

    def story(self, code: str, now: float) -> tuple[Reply, ...]:
        """One story as pages show it, () where there is none."""
        facts = self.facts(now)
        if code not in self._stories:
            if self._cuts is None:
                self._cuts, _ = house_rules(self._journal, self._config)
            found = [cut.cut(one, self._cuts)[0] for one in self._journal.stories([code])]
            told = speech.story(found[0], self._rules, facts, speaker(self._config)) if found else ()
            if len(self._stories) >= _SHELF:
                del self._stories[next(iter(self._stories))]
            self._stories[code] = told
        return self._stories[code]

    def _renew(self, now: float) -> None:
        if now >= self._until:
            self._until = now + FRESH
            self._facts = self._lines = self._cuts = None
            self._stories.clear()
