"""The policy: what the newsroom says of itself beside its keys, signed with its targets. Release format, "Policy".

It says which release log is the newsroom's, if any. Members that are not known here are kept when it is written again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from heliograph.trust import form
from heliograph.trust.note import KEY, WITNESS, LogPolicy, Verifier, is_name, verifier
from heliograph.trust.refusal import RefusalError

TARGET: Final = "code/policy.json"
FORMAT: Final = "heliograph-policy/1"
MAX_POLICY: Final = 16_384  # bytes
MAX_WITNESSES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What of a policy matters here."""

    log: LogPolicy | None = None


def read_policy(data: bytes) -> Policy:
    """The policy in ``data``.

    Raises:
        RefusalError: ``too-long``, ``json``, ``format`` or ``field``.
    """
    value = form.parse(data, MAX_POLICY)
    if not isinstance(value, dict) or not isinstance(value.get("format"), str):
        raise RefusalError("field", "it is no policy")
    if value["format"] != FORMAT:
        raise RefusalError("format", f"its policy is a {value['format'][:40]}")
    return Policy(log=_log(value["log"]) if "log" in value else None)


def with_log(data: bytes, log: LogPolicy | None) -> bytes:
    """The policy ``data``, b"" for none yet, that names ``log``, or no log."""
    value: dict[str, Any] = form.parse(data, MAX_POLICY) if data else {"format": FORMAT}
    value.pop("log", None)
    if log is not None:
        value["log"] = {"key": log.key.hex(), "origin": log.origin}
        if log.witnesses:
            value["log"] |= {"quorum": log.quorum, "witnesses": [one.text for one in log.witnesses]}
    return form.write(value)


def _log(value: object) -> LogPolicy:
    """The log that a policy names; ``key`` is 64 hex digits, ``witnesses`` are keys as they are handed around."""
    if not isinstance(value, dict):
        raise RefusalError("field", "log is no object")
    origin, key = value.get("origin"), value.get("key")
    if not isinstance(origin, str) or not is_name(origin):
        raise RefusalError("field", "the origin of the log is no name")
    if not isinstance(key, str) or len(key) != 2 * KEY or not set(key) <= set("0123456789abcdef"):
        raise RefusalError("field", "the key of the log is not 64 hex digits")
    witnesses = _witnesses(value.get("witnesses", []))
    quorum = value.get("quorum", 0)
    able = {one.key for one in witnesses if one.kind == WITNESS}
    if not isinstance(quorum, int) or isinstance(quorum, bool) or not 0 <= quorum <= len(able):
        raise RefusalError("field", "the quorum of the log is more than it has witnesses")
    return LogPolicy(origin=origin, key=bytes.fromhex(key), witnesses=witnesses, quorum=quorum)


def _witnesses(value: object) -> tuple[Verifier, ...]:
    if not isinstance(value, list) or len(value) > MAX_WITNESSES or not all(isinstance(one, str) for one in value):
        raise RefusalError("field", f"the witnesses of the log are no list of at most {MAX_WITNESSES} keys")
    try:
        return tuple(verifier(one) for one in value)
    except ValueError as error:
        raise RefusalError("field", f"a witness of the log: {error}") from error
