"""What lies in the stage, held against what the journal says of it: nothing else is carried to a mirror.

A disk that fails, a hand that slips or a thief who cannot sign may change staged bytes. Rule 1: a file is hashed as it
is read, and wrong bytes end the delivery before they travel. Rule 2: what is damaged is made again: a page is rendered,
a part of the map or signed metadata comes with a new release. Rule 3: the newsroom is told which file it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from heliograph.flows import keyring
from heliograph.model import DamageError, StoreError
from heliograph.model.ledger import Change
from heliograph.ports import Outside, Stage

MADE_AGAIN = (
    "it is made again by itself, then published; if this comes back, check the disk and who may write to the stage"
)


def reading(
    stage: Stage, remedy: str = MADE_AGAIN, name: Callable[[Change], str] = lambda change: change.name
) -> Callable[[Change], bytes]:
    """What reads the file of a change from ``stage``, where it is called ``name``.

    Raises, when it reads:
        DamageError: the file is not there, or not what the change says.
    """

    def read(change: Change) -> bytes:
        try:
            data = stage.get(name(change))
        except StoreError as error:
            raise damage(change.name, error.what, remedy) from error
        if sha256(data).hexdigest() != change.digest:
            raise damage(change.name, remedy=remedy)
        return data

    return read


def damaged(stage: Stage, steps: Iterable[Sequence[Change]]) -> tuple[str, ...]:
    """The names of all files of ``steps`` that ``stage`` has not as they were made."""
    read, found = reading(stage), []
    for change in (change for step in steps for change in step if not change.gone):
        try:
            read(change)
        except DamageError:
            found.append(change.name)
    return tuple(found)


def mend(outside: Outside, names: Iterable[str]) -> None:
    """Have these files made again, by the next rendering or the next release."""
    if outside.journal.lost(sorted(names)):
        note = outside.journal.recall(keyring.STANDING)
        outside.journal.note(keyring.STANDING, keyring.to_build_anew(note))


def damage(name: str, what: str = "it is not what was made", remedy: str = MADE_AGAIN) -> DamageError:
    """The error that says so."""
    return DamageError(f"{name} is damaged: {what}", where="stage", remedy=remedy, name=name)
