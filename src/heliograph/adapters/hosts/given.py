"""Addresses that somebody prepared, to be told to readers one after the other. See ``ports.Host``.

For servers and names bought ahead: each address already shows what it shall show. Rule 1: an address that was used is
never used again, since whoever blocked it knows it. Rule 2: which id has which address is noted before it is told. Rule
3: the notes are not the only ones that know: what the pool remembers counts, too, so that a lost file costs nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import anyio.to_thread

from heliograph.model import QuotaError, StoreError
from heliograph.model.mirror import SitePage, Stand

_MOST = 10_000_000  # bytes of the notes


class Given:
    """``urls`` are the prepared addresses in the order of their use; ``notes`` is the file that remembers it.

    ``former`` is what the pool knows: addresses that were used by id, and whether they still stand.
    """

    def __init__(
        self,
        name: str,
        provider: str,
        urls: Sequence[str],
        notes: Path,
        former: Callable[[], Mapping[str, tuple[str, bool]]] = dict,
    ) -> None:
        self.name, self.provider = name, provider
        self.site: SitePage | None = None
        self._urls, self._notes, self._former = tuple(urls), notes, former

    @property
    def most(self) -> int:
        """Those that stand, and those that were never used: who was retired does not come back."""
        known = self._read()
        used = {url for url, _ in known.values()}
        return sum(on for _, on in known.values()) + sum(url not in used for url in self._urls)

    async def stands(self) -> tuple[Stand, ...]:
        """See ``ports.Host``."""
        found = await anyio.to_thread.run_sync(self._stands)
        return tuple(one for one in found if one.state != "gone")

    async def raise_(self, id: str) -> Stand:  # noqa: A002
        """See ``ports.Host``."""
        return await anyio.to_thread.run_sync(self._raise, id)

    async def retire(self, id: str) -> Stand:  # noqa: A002
        """See ``ports.Host``."""
        return await anyio.to_thread.run_sync(self._retire, id)

    def _raise(self, name: str) -> Stand:
        known = self._read()
        if name not in known:
            used = {url for url, _ in known.values()}
            url = next((url for url in self._urls if url not in used), None)
            if url is None:
                what = f"all {len(self._urls)} prepared addresses are used"
                raise QuotaError(what, where=f"host {self.name}", remedy="prepare more, and add them to its `urls`")
            known[name] = (url, True)
            self._write(known)
        return Stand(id=name, state="up" if known[name][1] else "gone", url=known[name][0])

    def _retire(self, name: str) -> Stand:
        known = self._read()
        if name in known and known[name][1]:
            known[name] = (known[name][0], False)
            self._write(known)
        return Stand(id=name, state="gone", url=known[name][0] if name in known else "")

    def _stands(self) -> tuple[Stand, ...]:
        return tuple(
            Stand(id=name, state="up" if on else "gone", url=url) for name, (url, on) in sorted(self._read().items())
        )

    def _read(self) -> dict[str, tuple[str, bool]]:
        return {**self._former(), **self._noted()}

    def _noted(self) -> dict[str, tuple[str, bool]]:
        try:
            with self._notes.open("rb") as file:
                plain = json.loads(file.read(_MOST))
            return {str(name): (str(url), bool(on)) for name, (url, on) in plain.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            remedy = "it tells which prepared addresses were used; take it from a backup, or remove it"
            raise StoreError(f"cannot be read: {error}", where=str(self._notes), remedy=remedy) from error

    def _write(self, known: dict[str, tuple[str, bool]]) -> None:
        try:
            self._notes.parent.mkdir(parents=True, exist_ok=True)
            beside = self._notes.with_name(f"{self._notes.name}.part")
            with beside.open("w", encoding="utf-8") as file:
                json.dump(known, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._notes)
        except OSError as error:
            raise StoreError(f"cannot be written: {error.strerror or error}", where=str(self._notes)) from error
