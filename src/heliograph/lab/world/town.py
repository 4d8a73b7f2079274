"""A world ready to walk about in: one network, one reader, and a host for each way in which a rule can look at it.

Every host answers ``/N`` with N bytes, in cleartext and under TLS with a certificate that its processes trust; the
resolver answers over UDP, TCP and HTTPS.
"""

from __future__ import annotations

from typing import Final

from heliograph.lab.censor.library import Profile
from heliograph.lab.censor.line import Line
from heliograph.lab.world import plan
from heliograph.lab.world.need import LabError
from heliograph.lab.world.world import World

NETWORK: Final = "home"
PLACES: Final = {
    "ordinary": (plan.ORDINARY4.format(10), plan.ORDINARY6.format(16)),
    "second": (plan.ORDINARY4.format(20), plan.ORDINARY6.format(32)),
    "listed": plan.LISTED,
    "gone": plan.BLOCKED,
}
NAMES: Final = {
    "news.example": ["ordinary"],
    "mirror.example": ["second"],
    "blocked.example": ["ordinary"],
    "throttled.example": ["ordinary"],
    "intercepted.example": ["ordinary"],
    "warning.example": ["listed"],
    "allowed.example": ["listed"],
    "gone.example": ["gone"],
    "resolver.example": ["resolver"],
}


def town(profile: Profile, *, line: Line | None = None, seed: int = 0) -> World:
    """The world, not yet started. Its only network is "home"; ``settle`` brings its hosts to life."""
    return World({NETWORK: profile}, PLACES, names=NAMES, line=line, seed=seed)


def missing() -> str:
    """Why no lab can be built on this machine, "" if one can: the smallest one is built to find out."""
    try:
        with World({NETWORK: "none"}):
            return ""
    except LabError as error:
        return str(error)


def settle(world: World) -> None:
    """Start the hosts. Raises LabError."""
    given = {"certificate": world.certificate(sorted(NAMES))}
    world.serve("resolver", "doh", {**given, "zone": world.zone()})
    for place in PLACES:
        world.serve(place, "host", given)
