"""What went wrong and what was left out, as values: a bad page must not stop the rest of the edition."""

from __future__ import annotations

from dataclasses import dataclass

from heliograph.model.story import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something the newsroom should know about: where, what and how to mend it."""

    where: str  # file, field or URL
    what: str
    remedy: str = ""
    fatal: bool = False  # True when a whole source or mirror failed, so that the pass exits with 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A block that was taken out of a story as boilerplate, shown to the newsroom so that it can object."""

    url: str
    text: str  # at most 300 characters of it
    reason: str  # "recurs", "tail notice", "label", "pattern"


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What a stage made of hostile bytes: the stories it could read and what it could not."""

    stories: tuple[Story, ...] = ()
    problems: tuple[Problem, ...] = ()
