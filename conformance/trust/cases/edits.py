"""Small changes to metadata that several groups make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.trust.papers import Change
from conformance.trust.signing import Value

Edit = Callable[[Value], None]


def put(**members: Any) -> Edit:  # noqa: ANN401
    """Replaces or adds members of ``signed``."""
    return lambda signed: signed.update(members)


def also(*edits: Edit) -> Edit:
    """All of ``edits``, one after the other."""

    def edit(signed: Value) -> None:
        for one in edits:
            one(signed)

    return edit


def version(number: int) -> Edit:
    """Another version."""
    return put(version=number)


def names(meta: str, number: int) -> Edit:
    """A snapshot that names another version of ``meta``."""
    return lambda signed: signed["meta"].update({meta: {"version": number}})


def raw(old: bytes, new: bytes) -> Change:
    """The bytes of the file changed after it was signed: once, and the place must exist."""

    def change(data: bytes) -> bytes:
        assert old in data, (old, data[-300:])
        return data.replace(old, new, 1)

    return Change(raw=change)
