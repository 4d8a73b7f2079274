"""One rule of a censor: what it looks for, and what it does then. A rule is a file of fields; this is their meaning.

No number of any censor stands in the code: a field that an action needs and a file lacks is an error that names both.
What the fields mean, and where the figures in the files come from, is told in docs/lab.md.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from ipaddress import ip_network
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from heliograph.lab.censor.dns import clean
from heliograph.model.errors import ConfigError

Action = Literal[
    "freeze", "drop", "mute", "reset", "police", "delay", "inject", "page", "reject", "burst", "protocols", "intercept"
]
Scope = Literal["flow", "service", "server", "name"]
Ways = Literal["both", "up", "down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Fields of a rule file. Times in seconds, sizes in bytes, rates in bytes a second, probabilities from 0 to 1.

    "Server" is whoever the reader talks to. An empty list in what a rule looks for means "any".
    """

    name: str  # of the file
    about: str  # a sentence
    behaviour: str  # B1 to B14 of docs/lab.md
    grade: Literal["A", "B", "C"]  # of the evidence for its numbers
    action: Action
    probability: float  # that a connection is subject to the rule at all
    # --- which connections
    transport: tuple[str, ...]  # tcp, udp, icmp, other
    to: tuple[str, ...] = ()  # networks of servers
    except_to: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()  # of servers
    except_ports: tuple[int, ...] = ()
    high_source_port: bool = False  # only if the reader's port is not below the server's
    # --- what must show in them; without any of these the first packet is enough
    protocols: tuple[str, ...] = ()  # tls, http, ssh, rdp, dns, quic
    except_protocols: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # suffixes of SNI, Host or DNS name
    except_names: tuple[str, ...] = ()
    extension: Literal["", "ech", "esni"] = ""  # that the ClientHello carries
    versions: tuple[int, ...] = ()  # of QUIC
    min_payload: int = 0  # of the datagram that shows it
    # --- numbers of the actions
    limit: int | None = None  # what still passes
    unit: Literal["packets", "bytes"] | None = None  # bytes are payload of TCP or UDP
    count: Ways | None = None  # which direction is counted
    drops: Ways | None = None  # which direction is silenced
    window: float | None = None
    prefix4: int | None = None  # bits of the server's network that share one fate
    prefix6: int | None = None
    rate: float | None = None
    bucket: int | None = None
    delay: float | None = None
    loss: float | None = None
    towards: Ways | None = None  # who gets forged packets: down is the reader
    copies: int | None = None
    moment: Literal["hello", "answer"] | None = None  # of the reset: in place of the hello, or of the server's answer
    cut: bool | None = None  # whether the real packets are dropped, too
    tcp_window: int | None = None
    ip_id: int | None = None
    ttl: int | None = None
    rcode: int | None = None
    answers: tuple[str, ...] = ()
    lifetime: int | None = None  # of a DNS answer
    status: str | None = None  # "302 Found"
    location: str | None = None
    body: str | None = None
    reply: Literal["icmp", "reset"] | None = None
    # --- aftermath
    scope: Scope = "flow"
    duration: float = 0.0  # 0: as long as the connection lasts
    restart: bool = False  # whether what is dropped starts the duration anew


_SILENCES: Final = ("drops", "scope", "duration")
NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "freeze": ("limit", "unit", "count", *_SILENCES),
    "drop": _SILENCES,
    "mute": ("limit", *_SILENCES),
    "reset": ("towards", "copies", "moment", "cut", "tcp_window", "ip_id", "ttl", "scope", "duration"),
    "police": ("rate", "bucket"),
    "delay": ("delay", "loss"),
    "inject": ("rcode", "answers", "lifetime", "copies", "cut", "ttl"),
    "page": ("status", "location", "body", "tcp_window", "ttl"),
    "reject": ("reply",),
    "burst": ("limit", "window", "prefix4", "prefix6", "duration"),
    "protocols": ("protocols", "limit", "drops", "duration"),
    "intercept": ("ports",),
}
_ALWAYS: Final = ("about", "behaviour", "grade", "action", "probability", "transport")
_SELECT: Final = (
    "to",
    "except_to",
    "ports",
    "except_ports",
    "high_source_port",
    "protocols",
    "except_protocols",
    "names",
    "except_names",
    "extension",
    "versions",
    "min_payload",
    "restart",
)
_ADDRESSES, _NAMES = ("to", "except_to"), ("names", "except_names")


def make(name: str, values: Mapping[str, Any], where: str) -> Rule:
    """A rule out of the fields of its file. Raises ConfigError, which names ``where`` and the field."""
    action = str(values.get("action"))
    if action not in NEEDS:
        known = ", ".join(NEEDS)
        raise ConfigError(f"action {action!r} is not one of: {known}", where=where, remedy="name one of them")
    allowed = {*_ALWAYS, *_SELECT, *NEEDS[action]}
    for field in values:
        if field not in allowed:
            raise ConfigError(
                f"field {field!r} means nothing to the action {action!r}",
                where=where,
                remedy=f"its fields: {', '.join(sorted(allowed))}",
            )
    for field in (*_ALWAYS, *NEEDS[action]):
        if field not in values:
            raise ConfigError(f"field {field!r} is missing", where=where, remedy=f"{action!r} needs it")
    checked = {field: _checked(field, value, where) for field, value in values.items()}
    return Rule(name=name, **checked)


def change(rule: Rule, field: str, text: str, where: str) -> Rule:
    """``rule`` with a field set to what a person typed: lists with commas. Raises ConfigError."""
    if field not in {*_ALWAYS[4:], *_SELECT, *NEEDS[rule.action]}:
        allowed = sorted({*_ALWAYS[4:], *_SELECT, *NEEDS[rule.action]})
        raise ConfigError(
            f"rule {rule.name} has no field {field!r}", where=where, remedy=f"its fields: {', '.join(allowed)}"
        )
    return replace(rule, **{field: _checked(field, _typed(field, text), where)})


def _typed(field: str, text: str) -> Any:  # noqa: ANN401 - the type of a field is known only by its name
    """What a person typed, as TOML would have given it; as it is where that fails, for ``_checked``."""
    kind = _kinds(field)
    if tuple in kind:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [int(part) if int in kind and part.isdecimal() else part for part in parts]
    if bool in kind:
        return {"true": True, "false": False}.get(text.lower(), text)
    for number in (int, float):
        if number in kind:
            try:
                return number(text)
            except ValueError:
                continue
    return text


def _checked(field: str, value: Any, where: str) -> Any:  # noqa: ANN401
    kinds = _kinds(field)
    if tuple in kinds:
        item = int if int in kinds else str
        if not isinstance(value, list | tuple) or not all(type(one) is item for one in value):
            raise _wrong(field, value, f"a list of {'whole numbers' if item is int else 'texts'}", where)
        return tuple(_item(field, one, where) for one in value)
    if float in kinds and type(value) is int:
        value = float(value)
    choices = [kind for kind in kinds if isinstance(kind, str)]
    if choices and value not in choices:
        raise _wrong(field, value, f"one of {', '.join(map(repr, choices))}", where)
    if not choices and type(value) not in kinds:
        names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
        raise _wrong(field, value, " or ".join(names[kind] for kind in kinds if kind in names), where)
    if isinstance(value, int | float) and not 0 <= value < 1e15:
        raise _wrong(field, value, "0 or more", where)
    if field in ("probability", "loss") and value > 1:
        raise _wrong(field, value, "between 0 and 1", where)
    return value


def _item(field: str, value: Any, where: str) -> Any:  # noqa: ANN401
    if field in _ADDRESSES or field == "answers":
        try:
            return str(ip_network(value, strict=False)) if field in _ADDRESSES else value
        except ValueError as error:
            raise _wrong(field, value, "a network such as 203.0.113.0/24", where) from error
    return clean(value) if field in _NAMES else value


def _wrong(field: str, value: object, expected: str, where: str) -> ConfigError:
    return ConfigError(f"field {field!r} is {value!r}", where=where, remedy=f"give {expected}")


@cache  # the same for every rule of every profile, and slow to find out
def _kinds(field: str) -> tuple[Any, ...]:
    """The types a field may have, ``tuple`` with the type of its items; the choices of a Literal as themselves."""
    return _flat(get_type_hints(Rule)[field])


def _flat(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401
    origin = get_origin(hint)
    if origin in (Union, types.UnionType, Literal):
        return tuple(kind for arg in get_args(hint) for kind in (_flat(arg) if origin is not Literal else (arg,)))
    return (tuple, get_args(hint)[0]) if origin is tuple else (hint,)


def plain(rule: Rule) -> dict[str, Any]:
    """The fields of a rule that say something, ready for JSON; ``make`` makes the same rule of it."""
    given = {*_ALWAYS, *NEEDS[rule.action]}
    shown: dict[str, Any] = {}
    for field in fields(rule):
        value = getattr(rule, field.name)
        if field.name in given or (field.name in _SELECT and value != field.default):
            shown[field.name] = list(value) if isinstance(value, tuple) else value
    return shown
