"""What a censor can do: one file for each manner, one line here for each action a rule may name."""

from __future__ import annotations

import random

from heliograph.lab.censor.acts.base import Actor
from heliograph.lab.censor.acts.burst import Burst
from heliograph.lab.censor.acts.inject import Inject
from heliograph.lab.censor.acts.intercept import Intercept
from heliograph.lab.censor.acts.page import Page
from heliograph.lab.censor.acts.reset import Reset
from heliograph.lab.censor.acts.silence import Drop, Freeze, Mute, Protocols, Reject
from heliograph.lab.censor.acts.slow import Delay, Police
from heliograph.lab.censor.rule import Rule

_ACTORS: dict[str, type[Actor]] = {
    "freeze": Freeze,
    "drop": Drop,
    "mute": Mute,
    "reset": Reset,
    "police": Police,
    "delay": Delay,
    "inject": Inject,
    "page": Page,
    "reject": Reject,
    "burst": Burst,
    "protocols": Protocols,
    "intercept": Intercept,
}


def actor(rule: Rule, seed: int) -> Actor:
    """Whoever carries out ``rule``; what it leaves to chance follows from ``seed`` and the rule's name."""
    return _ACTORS[rule.action](rule, random.Random(f"{seed} {rule.name}"))  # noqa: S311 - repeatable, not secret
