"""What a case consists of, in the words in which cases are written, and as JSON.

A case says what each mirror serves as a difference to a base: other or further files, files left out, replies that are
not just a file's bytes, names that are no plain file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from conformance.trust.bases import HOUR, base
from conformance.trust.papers import stamp
from heliograph.model import paths

Json = dict[str, Any]
Expect = Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One mirror. In ``http`` and ``kinds`` names are keys; ``README.md`` says what may stand there."""

    base: str
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    delete: tuple[str, ...] = ()
    http: Mapping[str, Json] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)

    def object(self, folder: str) -> Json:
        """As JSON; its files lie in ``folder``."""
        found: Json = {"base": self.base}
        if self.files:
            found["files"] = folder
        for name in ("delete", "http", "kinds"):
            if value := getattr(self, name):
                found[name] = list(value) if isinstance(value, tuple) else dict(value)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A visit before the one that is judged: the front page from ``mirror`` under two host names, or an audit of it."""

    now: datetime
    mirror: Served
    mode: Literal["read", "audit"] = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question and its one right answer.

    ``state`` is "cold", or "after:" and the base that the reader has read before. ``before`` are those earlier visits
    where they were other than one to that base, ten minutes old. With ``cut`` the state has lost its second half since.
    """

    id: str
    what: str
    mirrors: tuple[Served, ...]
    now: datetime
    expect: Expect
    request: str = ""
    mode: Literal["read", "audit"] = "read"
    state: str = "cold"
    before: tuple[Earlier, ...] = ()
    cut: bool = False

    def object(self) -> Json:
        """As it stands in ``cases.json``."""
        folder = f"cases/{self.id}"
        found: Json = {
            "id": self.id,
            "what": self.what,
            "mode": self.mode,
            "now": stamp(self.now),
            "state": self.state,
            "mirrors": [mirror.object(f"{folder}/{place}") for place, mirror in enumerate(self.mirrors)],
            "expect": self.expect,
        }
        if self.mode == "read":
            found["request"] = self.request
        if visits := self.visits():
            found["before"] = [
                {
                    "now": stamp(visit.now),
                    "mirror": visit.mirror.object(f"{folder}/before-{place}"),
                    **({"mode": "audit"} if visit.mode == "audit" else {}),
                }
                for place, visit in enumerate(visits)
            ]
        if self.cut:
            found["cut"] = True
        return found

    def visits(self) -> tuple[Earlier, ...]:
        """What the reader did before."""
        if self.before or self.state == "cold":
            return self.before
        name = self.state.removeprefix("after:")
        return (Earlier(now=base(name).time + HOUR / 6, mirror=Served(base=name)),)

    def overlays(self) -> dict[str, bytes]:
        """All files of the case by their names in the generated folder."""
        places = {str(place): mirror for place, mirror in enumerate(self.mirrors)}
        places |= {f"before-{place}": visit.mirror for place, visit in enumerate(self.visits())}
        return {
            f"cases/{self.id}/{place}/{name}": data
            for place, mirror in places.items()
            for name, data in mirror.files.items()
        }


# ---------------------------------------------------------------- words to write cases with


def served(of: str, changed: Mapping[str, bytes | None] | None = None, **more: Any) -> Served:  # noqa: ANN401
    """A mirror that differs from the base ``of`` in these files; None leaves one out."""
    changed = changed or {}
    files = base(of).files
    return Served(
        base=of,
        files={name: data for name, data in sorted(changed.items()) if data is not None and data != files.get(name)},
        delete=tuple(sorted(name for name, data in changed.items() if data is None)),
        **more,
    )


def read(
    number: str,
    what: str,
    mirror: Served | tuple[Served, ...],
    request: str,
    expect: Expect,
    *,
    now: datetime | None = None,
    **more: Any,  # noqa: ANN401
) -> Case:
    """A case that reads one page, an hour after the first mirror's base was signed."""
    mirrors = mirror if isinstance(mirror, tuple) else (mirror,)
    now = now or base(mirrors[0].base).time + HOUR
    return Case(id=number, what=what, mirrors=mirrors, request=request, expect=expect, now=now, **more)


def audit(number: str, what: str, mirror: Served, expect: Expect) -> Case:
    """A case that audits one mirror as a folder."""
    return Case(id=number, what=what, mirrors=(mirror,), mode="audit", expect=expect, now=base(mirror.base).time + HOUR)


def refused(code: str, **more: Any) -> Expect:  # noqa: ANN401
    """Refused with this code."""
    return {"verdict": "refused", "code": code, **more}


def verified(of: str, path: str = "", warn: tuple[str, ...] = ("probe",), **more: Any) -> Expect:  # noqa: ANN401
    """Verified, and shown are the bytes that ``path`` has in the base ``of``; without a path, a whole mirror."""
    found: Expect = {"verdict": "verified", "release": base(of).release, "warn": list(warn)}
    if path:
        found |= {"body": sha256(base(of).pages[path]).hexdigest(), "type": paths.MAPPED_TYPES[paths.extension(path)]}
    return found | more


def stale(of: str, path: str, warn: tuple[str, ...] = ("probe",)) -> Expect:
    """Authentic but old; shown with a banner."""
    return {**verified(of, path, warn), "verdict": "stale"}


def absent(of: str, verdict: str = "withdrawn", warn: tuple[str, ...] = ("probe",)) -> Expect:
    """The map proves that there is no such page."""
    return {"verdict": verdict, "release": base(of).release, "present": False, "warn": list(warn)}
