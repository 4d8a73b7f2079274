"""``vantage`` on the newsroom's side: tokens for volunteers, lists for them, and what they report."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from heliograph.adapters.keys import Keys
from heliograph.adapters.spool import Spool
from heliograph.cli.screen import err, out
from heliograph.cli.wiring import open_journal
from heliograph.config import Config, load, parse
from heliograph.flows import vantages
from heliograph.flows.patrol import watched
from heliograph.flows.vantages import Collected
from heliograph.model import ConfigError, StoreError
from heliograph.ports import Journal, Mailbox
from heliograph.trust.drop import from_text
from heliograph.trust.vantage import write_token

_LISTS = "drop lists"  # the journal's note of what was laid out last
_MOST_TEXT = 6_000_000  # bytes of a file with mailed text: a thousand messages
_WHY = {
    "size": "have not the length of a message",
    "sealed": "are not for this newsroom, or were changed",
    "kind": "are of a kind that this version does not know",
    "unknown": "are of a vantage that was removed, or never made",
    "forged": "are not of the vantage they name",
    "replayed": "were read before",
    "many": "are more than one vantage may send at a time",
    "report": "are no reports",
    "time": "are of another time: is the clock there right?",
    "vantage": "name another vantage or network than their own",
    "mirror": "are about mirrors that are not ours",
}


class Letters:
    """``ports.Mailbox`` of one file with mailed text; the file is left as it is."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                text = file.read(_MOST_TEXT).decode("ascii", "replace")
        except OSError as error:
            raise StoreError(f"cannot be read: {error.strerror}", where=str(path)) from error
        self._held = {str(number): data for number, data in enumerate(from_text(text))}

    def take(self, message: bytes) -> bool:
        """See ``ports.Mailbox``."""
        raise NotImplementedError

    def names(self) -> list[str]:
        """See ``ports.Mailbox``."""
        return list(self._held)

    def read(self, name: str) -> bytes:
        """See ``ports.Mailbox``."""
        return self._held[name]

    def remove(self, name: str) -> None:
        """See ``ports.Mailbox``."""
        del self._held[name]


def new(name: str, path: Path, *, network: str, country: str, qr: bool) -> int:
    """Print a token, and add its vantage to the configuration unless it is there."""
    config, keys = load(path), Keys(load(path).keys_folder)
    table = next((table for table in config.vantage if table.name == name), None)
    text = ""
    if table is None:
        text = _with(path, name, network, country)
        config = parse(text, path)  # refused before anything is made
    else:
        network, country = table.network, table.country
    token = vantages.invite(keys, config, name, network, country, os.urandom)
    if text:
        try:
            _replace(path, text)
        except ConfigError:
            vantages.forget(keys, name)
            raise
    line = write_token(token).decode("ascii")
    if qr:
        import segno

        picture = io.StringIO()
        segno.make(line, micro=False, error="l").terminal(out=picture, compact=True, border=2)
        print(picture.getvalue())
    else:
        print(line)
    err.print(f"vantage   {name} in {escape(network)}; the token is shown this once", soft_wrap=True)
    err.print("          Hand it over in person or by an encrypted messenger: who has it can read", soft_wrap=True)
    err.print(f"          its lists and speak as {name}.", soft_wrap=True)
    err.print("Next: heliograph vantage lists FOLDER, where FOLDER is the drop of a mirror", soft_wrap=True)
    return 0


def show(path: Path, *, as_json: bool) -> int:
    """Who measures, and when each was last heard."""
    config = load(path)
    keyed = vantages.known(Keys(config.keys_folder), config)
    heard: dict[str, datetime] = {}
    with open_journal(config) as journal:
        for sighting in journal.sightings(_now() - timedelta(days=7), newest=1):
            heard[sighting.vantage] = max(sighting.started, heard.get(sighting.vantage, sighting.started))
    rows = [
        {
            "name": one.name,
            "network": one.network,
            "country": one.country,
            "token": one.name in keyed,
            "heard": heard[one.name].isoformat() if one.name in heard else None,
        }
        for one in config.vantage
    ]
    if as_json:
        print(json.dumps({"vantages": rows}, ensure_ascii=False))
        return 0
    table = Table(box=None, pad_edge=False)
    for column in ("vantage", "network", "country", "token", "last seen"):
        table.add_column(column, overflow="fold")
    for row in rows:
        last = str(row["heard"])[:16].replace("T", " ") if row["heard"] else "not within a week"
        table.add_row(
            str(row["name"]), escape(str(row["network"])), str(row["country"]), "yes" if row["token"] else "no", last
        )
    out.print(table if rows else "No vantages yet: heliograph vantage new NAME")
    return 0


def remove(name: str, path: Path) -> int:
    """Forget the key of a vantage."""
    config = load(path)
    vantages.forget(Keys(config.keys_folder), name)
    out.print(f"{name} is believed no more, and gets no more lists.", soft_wrap=True)
    if any(table.name == name for table in config.vantage):
        out.print(f"Take its {escape('[[vantage]]')} table out of {path}, too: what it saw until now still counts.")
    out.print("Next: heliograph vantage lists FOLDER, and new addresses for mirrors that were on its list")
    return 0


def lists(folders: Sequence[Path], path: Path) -> int:
    """Sign, seal and lay out the work lists."""
    config = load(path)
    keys = Keys(config.keys_folder)
    with open_journal(config) as journal:
        sheets, who = vantages.lists(journal, keys, config, _now()), vantages.known(keys, config)
    for folder in folders:
        Spool(folder).publish(sheets)
        out.print(f"{len(who)} vantages, {len(sheets)} files: {folder / 'out'}", markup=False, soft_wrap=True)
    return 0


def collect(places: Sequence[Path], path: Path, *, as_json: bool) -> int:
    """Read drops and mailed text into the journal."""
    config = load(path)
    if not places and not config.watch.spools:
        remedy = "name the folder of a drop, or set spools in the configuration"
        raise ConfigError("nothing to collect from", where=f"{path}: watch.spools", remedy=remedy)
    with open_journal(config) as journal:
        got = gather(journal, config, places)
    if as_json:
        told = {"messages": got.messages, "sightings": got.sightings}
        print(json.dumps({**told, "vantages": dict(got.vantages), "refused": dict(got.refused)}))
        return 0
    named = ", ".join(f"{name} {count:,}" for name, count in sorted(got.vantages.items()))
    out.print(f"{got.messages:,} messages, {got.sightings:,} new sightings")
    if named:
        out.print(f"from {named}", markup=False)
    for line in refusals(got):
        out.print(line, markup=False)
    return 0


def refusals(got: Collected) -> list[str]:
    """What was refused, in sentences."""
    return [f"refused   {count:,} that {_WHY[reason]}" for reason, count in sorted(got.refused.items())]


def gather(journal: Journal, config: Config, places: Sequence[Path] = ()) -> Collected:
    """Collect from ``places``, or from the configured folders.

    Raises:
        HeliographError: there are no keys, or a folder cannot be used.
    """
    boxes: list[Mailbox] = [Spool(place) if place.is_dir() else Letters(place) for place in places]
    if not places:
        boxes = [Spool(config.folder / spool) for spool in config.watch.spools]
    return vantages.collect(journal, Keys(config.keys_folder), config, boxes, _now())


def attend(journal: Journal, config: Config) -> None:
    """Before a round of the watch: collect from the configured folders, and lay lists into them.

    Raises:
        HeliographError: keys are damaged, or a folder cannot be used.
    """
    if config.watch.spools and vantages.are_any(Keys(config.keys_folder)):
        gather(journal, config)
        renew(journal, config)


def renew(journal: Journal, config: Config) -> None:
    """Lay new lists into the configured folders: once a day, and when what stands in them has changed.

    Raises:
        HeliographError: there are no keys, or a folder cannot be used.
    """
    keys, now = Keys(config.keys_folder), _now()
    told = watched(journal, config, told=True)
    about = repr((config.watch, told, config.vantage, sorted(vantages.known(keys, config).items())))
    mark = f"{now:%Y-%m-%d} {sha256(about.encode()).hexdigest()}"
    if journal.recall(_LISTS) == mark:
        return
    sheets = vantages.lists(journal, keys, config, now)
    for spool in config.watch.spools:
        Spool(config.folder / spool).publish(sheets)
    journal.note(_LISTS, mark)


def _with(path: Path, name: str, network: str, country: str) -> str:
    """The configuration with one vantage more."""
    words = {"name": name, "network": network, "country": country}
    lines = [f"{key} = {json.dumps(value)}" for key, value in words.items()]  # JSON strings are TOML strings
    return "\n".join([path.read_text(encoding="utf-8").rstrip("\n"), "", "[[vantage]]", *lines, ""])


def _replace(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.part")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.chmod(path.stat().st_mode & 0o777)
        scratch.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
