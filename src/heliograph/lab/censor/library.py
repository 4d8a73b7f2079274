"""The shelf of rules and profiles: files beside this one or a person's own, with changes such as ``name:field=value``.

A profile is a list of rules in the order in which the box asks them. Every rule is also a profile of its own. A name
that is a path (it ends in ``.toml``) is read from there: a rule if it has an ``action``, else a profile.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

from heliograph.lab.censor.rule import Rule, change, make, plain
from heliograph.model.errors import ConfigError

_PACKAGE = "heliograph.lab.censor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every box has in common, from ``box.toml``."""

    hello_window: float  # seconds within which hellos to one name are counted, for the statistics
    reassemble: int  # bytes of a client's stream that are put in order before they are recognised
    udp_idle: float  # seconds of silence after which a UDP 4-tuple is a new connection
    most_flows: int  # connections kept in memory; the longest silent ones go first


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A censor: its rules, in the order in which they are asked."""

    name: str
    about: str
    rules: tuple[Rule, ...]
    settings: Settings


def settings() -> Settings:
    """What ``box.toml`` says."""
    return Settings(**tomllib.loads((resources.files(_PACKAGE) / "box.toml").read_text(encoding="utf-8")))


def names(shelf: str) -> list[str]:
    """The names on a shelf, ``rules`` or ``profiles``."""
    entries = (resources.files(_PACKAGE) / shelf).iterdir()
    return sorted(entry.name.removesuffix(".toml") for entry in entries if entry.name.endswith(".toml"))


def rule(name: str, base: Path | None = None) -> Rule:
    """A rule by its name, or by a path relative to ``base``. Raises ConfigError."""
    values, where, stem = _read(name, "rules", base)
    return make(stem, values, where)


def profile(text: str, sets: Iterable[str] = ()) -> Profile:
    """A profile by its name, or a rule as one; ``text`` may carry changes: ``curtain-25p:limit=18,probability=0.8``.

    ``sets`` holds changes of the form ``rule.field=value``. A list's values are separated by ``+`` in ``text`` (commas
    part the changes there) and by commas in ``sets``. Raises ConfigError.
    """
    name, _, inline = text.partition(":")
    found = _profile(name)
    parts = [part for part in inline.split(",") if part]
    if parts and len(found.rules) != 1:
        lone = [part for part in parts if "." not in part.partition("=")[0]]
        if lone:
            raise ConfigError(
                f"{lone[0]!r} does not say which rule it changes",
                where=f"profile {name}",
                remedy=f"put the rule's name before the field: {_example(found)}",
            )
    changes = [part.replace("+", ",") for part in parts] + list(sets)
    return _changed(found, changes)


def _example(found: Profile) -> str:
    return f"{found.rules[0].name}.probability=0.8" if found.rules else "this profile has no rules"


def _profile(name: str) -> Profile:
    common = settings()
    if name not in names("profiles") and not name.endswith(".toml"):
        if name in names("rules"):
            one = rule(name)
            return Profile(name=name, about=one.about, rules=(one,), settings=common)
        near = get_close_matches(name, [*names("profiles"), *names("rules")], 3, 0.4)
        meant = f"did you mean {', '.join(near)}? " if near else ""
        raise ConfigError(f"no profile or rule {name!r}", remedy=f"{meant}`heliograph lab list` shows all")
    values, where, stem = _read(name, "profiles", None)
    if "action" in values:
        one = make(stem, values, where)
        return Profile(name=stem, about=one.about, rules=(one,), settings=common)
    base = Path(name).parent if name.endswith(".toml") else None
    unknown = set(values) - {"about", "rules", "set"}
    if unknown or not isinstance(values.get("about"), str) or not isinstance(values.get("rules"), list):
        raise ConfigError(
            f"a profile has the fields about, rules and set, this one {', '.join(sorted(values)) or 'none'}",
            where=where,
            remedy='about = "a sentence", rules = ["name", ...], and, where numbers differ, a table [set]',
        )
    rules = tuple(rule(one, base) for one in values["rules"])
    made = Profile(name=stem, about=values["about"], rules=rules, settings=common)
    for target, value in values.get("set", {}).items():
        made = _set(made, target, value, where)
    return made


def _set(found: Profile, target: str, value: object, where: str) -> Profile:
    """A change out of a profile's file, where values have types."""
    which, _, field = target.rpartition(".")
    if which not in {one.name for one in found.rules}:
        raise ConfigError(f"[set] {target!r} names no rule of the profile", where=where, remedy=_remedy(found))
    rules = tuple(
        make(one.name, {**plain(one), field: value}, where) if one.name == which else one for one in found.rules
    )
    return Profile(name=found.name, about=found.about, rules=rules, settings=found.settings)


def _remedy(found: Profile) -> str:
    return f"its rules: {', '.join(one.name for one in found.rules) or 'none'}"


def _changed(found: Profile, changes: Sequence[str]) -> Profile:
    rules = list(found.rules)
    for text in changes:
        target, equals, value = text.partition("=")
        which, _, field = target.strip().rpartition(".")
        if not which and len(rules) == 1:
            which = rules[0].name
        places = [place for place, one in enumerate(rules) if one.name == which]
        if not equals or not places:
            wrong = f"names no rule of profile {found.name}" if equals else "is not of the form rule.field=value"
            raise ConfigError(f"{text!r} {wrong}", remedy=_remedy(found))
        for place in places:
            rules[place] = change(rules[place], field, value.strip(), f"{text!r}")
    return Profile(name=found.name, about=found.about, rules=tuple(rules), settings=found.settings)


def _read(name: str, shelf: str, base: Path | None) -> tuple[dict[str, Any], str, str]:
    try:
        if name.endswith(".toml"):
            path = (base or Path()) / name
            return tomllib.loads(path.read_text(encoding="utf-8")), str(path), path.stem
        if name not in names(shelf):
            near = get_close_matches(name, names(shelf), 3, 0.4)
            raise ConfigError(f"no {shelf[:-1]} {name!r}", remedy=f"did you mean {', '.join(near)}?" if near else "")
        file = resources.files(_PACKAGE) / shelf / f"{name}.toml"
        return tomllib.loads(file.read_text(encoding="utf-8")), f"{shelf}/{name}.toml", name
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=name, remedy="name a file of rules") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is no TOML: {error}", where=name, remedy="mend the file") from error


def to_plain(found: Profile) -> dict[str, Any]:
    """A profile ready for JSON."""
    return {"name": found.name, "about": found.about, "rules": {one.name: plain(one) for one in found.rules}}


def from_plain(values: dict[str, Any]) -> Profile:
    """The profile that ``to_plain`` wrote."""
    rules = tuple(make(name, given, name) for name, given in values["rules"].items())
    return Profile(name=values["name"], about=values["about"], rules=rules, settings=settings())
