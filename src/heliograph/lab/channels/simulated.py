"""A channel without a network: what readers see of it, and the ways in which a call to it ends."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from heliograph.model.post import ChannelKind, Drawn, Entry, Health, Message, Sent

Ending = Literal["well", "later", "lost before", "lost after", "killed before", "killed after"]
ENDINGS: tuple[Ending, ...] = ("later", "lost before", "lost after", "killed before", "killed after")


class KilledError(BaseException):
    """The process ended here: nothing after this call was done."""


@dataclass(slots=True)
class Shown:
    """One post as readers see it."""

    remote: str
    message: Message
    to: tuple[str, ...] = ()
    edits: int = 0
    gone: bool = False


@dataclass(slots=True)
class SimulatedChannel:
    """See ``ports.Channel``. ``share`` of its calls end otherwise than well, as chance has it."""

    name: str
    kind: ChannelKind
    share: float = 0.0
    seed: int = 0
    endings: tuple[Ending, ...] = ENDINGS
    proves: bool = False
    edits: bool = True
    withdraws: bool = True
    posts: list[Shown] = field(default_factory=list)
    refuse: Callable[[Message], str] = lambda _: ""
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(f"{self.seed} {self.name}")  # noqa: S311 - chance, no secret

    async def send(self, message: Message, pictures: Sequence[Drawn] = (), to: Sequence[str] = ()) -> Sent:
        """See ``ports.Channel``."""
        remote = f"{self.name}-{len(self.posts) + 1}"
        if why := self.refuse(message):
            return Sent(fate="refused", note=why)
        return self._ended(lambda: self.posts.append(Shown(remote, message, tuple(to))), remote)

    async def edit(self, remotes: Sequence[str], message: Message, pictures: Sequence[Drawn] = ()) -> Sent:
        """See ``ports.Channel``."""
        shown = self._of(remotes)
        if shown is None or not self.edits:
            return Sent(fate="refused", note="there is no such post, or it cannot be edited")

        def do() -> None:
            shown.message, shown.edits = message, shown.edits + 1

        return self._ended(do, shown.remote)

    async def withdraw(self, remotes: Sequence[str]) -> Sent:
        """See ``ports.Channel``."""
        shown = self._of(remotes)
        if shown is None:
            return Sent(fate="posted")
        if not self.withdraws:
            return Sent(fate="refused", note="too old")

        def do() -> None:
            shown.gone = True

        return self._ended(do, shown.remote)

    async def proof(self, entry: Entry) -> Sent:
        """See ``ports.Channel``."""
        if not self.proves:
            return Sent(fate="unknown")
        there = [one for one in self.posts if one.message.text == entry.message.text]
        return Sent(fate="posted", remotes=(there[-1].remote,)) if there else Sent(fate="later")

    async def health(self) -> Health:
        """See ``ports.Channel``."""
        return Health(works=True)

    def seen(self) -> Mapping[str, Message]:
        """What readers see now."""
        return {one.remote: one.message for one in self.posts if not one.gone}

    def _of(self, remotes: Sequence[str]) -> Shown | None:
        return next((one for one in self.posts if one.remote in remotes and not one.gone), None)

    def _ended(self, do: Callable[[], None], remote: str) -> Sent:
        ending: Ending = self._chance.choice(self.endings) if self._chance.random() < self.share else "well"
        if ending not in ("later", "lost before", "killed before"):
            do()
        if ending.startswith("killed"):
            raise KilledError
        if ending == "later":
            return Sent(fate="later", wait=3.0, note="too many requests")
        if ending.startswith("lost"):
            return Sent(fate="unknown", note="no answer")
        return Sent(fate="posted", remotes=(remote,))
