"""``post card`` and ``post poster``: what is printed, or put where no adapter reaches."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from rich.markup import escape

from heliograph.adapters.journal import SqlJournal
from heliograph.adapters.keys import Keys
from heliograph.announce import cards, carousel
from heliograph.announce import poster as sheet
from heliograph.announce.poster import Poster
from heliograph.cli.files import write_whole
from heliograph.cli.fonts import fonts, style
from heliograph.cli.glance import CODE_FAULTS
from heliograph.cli.screen import out
from heliograph.cli.wiring import open_journal
from heliograph.config import Config, MailChannel, load
from heliograph.flows import keyring
from heliograph.flows.house import addresses
from heliograph.model import ConfigError
from heliograph.model.code import BadCode, parse_code
from heliograph.model.onions import is_onion
from heliograph.model.words import LANGUAGES
from heliograph.trust import keys


def poster(path: Path, *, lang: str, file: Path | None, as_json: bool) -> int:
    """Write the sheet for a wall as of now.

    Raises:
        ConfigError: there is nothing to tell readers of, or no font.
    """
    config = load(path)
    lang = lang or (config.newsroom.language if config.newsroom.language in LANGUAGES else "en")
    if lang not in LANGUAGES:
        raise ConfigError("there are no texts in that language", where=f"--lang {lang}", remedy=", ".join(LANGUAGES))
    now = datetime.now(UTC)  # noqa: TID251
    with open_journal(config) as journal:
        facts = gathered(config, journal, lang, now.astimezone(ZoneInfo(config.newsroom.zone)).date())
    bold, plain = fonts(config)
    data = sheet.draw(facts, accent=style(config).accent, bold=bold, plain=plain)
    target = file or Path(f"poster-{lang}.pdf")
    write_whole(target, data)
    shown = min(len(facts.addresses), sheet.MOST_ADDRESSES)
    _say([target], f"{shown} of {len(facts.addresses)} addresses", as_json=as_json)
    return 0


def gathered(config: Config, journal: SqlJournal, lang: str, day: date) -> Poster:
    """What there is to tell readers.

    Raises:
        ConfigError: nothing.
    """
    newest = next(iter(journal.briefs()), None)
    onions = (link.url for link in config.link if is_onion(urlsplit(link.url).hostname or ""))
    made = Poster(
        newsroom=config.newsroom.title,
        lang=lang,
        day=day,
        addresses=addresses(journal, config),
        code=newest.code if newest else "",
        mail=next((one.sender for one in config.channel if isinstance(one, MailChannel) and one.listen), ""),
        bot=config.announce.bot,
        onion=next(onions, ""),
        fingerprint=_fingerprint(config),
    )
    if not (made.addresses or made.mail or made.bot or made.onion):
        remedy = "give a [[mirror]] its url, or look at the pool: heliograph mirrors list"
        raise ConfigError("there is no address yet that readers could be told", where="post poster", remedy=remedy)
    return made


def _fingerprint(config: Config) -> str:
    """That of the root key; "" for a newsroom without keys."""
    folder = Keys(config.keys_folder)
    found = any(name.startswith("tuf/") and name.endswith(".root.json") for name in folder.names())
    return keys.fingerprint(keyring.roots(folder)[0]) if found else ""


def card(text: str, path: Path, *, shape: str, slides: int, qr: bool, file: Path | None, as_json: bool) -> int:
    """Write the card of a story, or several, as JPEG.

    Raises:
        ConfigError: there is no such story, or no font.
    """
    code = parse_code(text)
    if isinstance(code, BadCode):
        raise ConfigError(CODE_FAULTS[code.reason], where=text, remedy="compare it with the page it is from")
    config = load(path)
    with open_journal(config) as journal:
        stories = journal.stories([code])
        mirrors = addresses(journal, config)
    if not stories:
        raise ConfigError("no story of this edition has that code", where=text, remedy="heliograph status --find TITLE")
    link = f"{mirrors[0]}a/{code}.html" if mirrors and qr else ""
    if qr and not link:
        remedy = "give a [[mirror]] its url, or leave --qr out"
        raise ConfigError("there is no mirror yet that readers are told of", where="--qr", remedy=remedy)
    drawn = carousel.of_story(stories[0], link=link, most=slides)
    look, first = style(config), file or Path(f"{code}.jpg")
    several = len(drawn) > 1
    files = [
        first.with_name(f"{first.stem}-{number}{first.suffix}") if several else first
        for number in range(1, len(drawn) + 1)
    ]
    for target, one in zip(files, drawn, strict=True):
        write_whole(target, cards.draw(one, look, cards.SHAPES[shape]))
    _say(files, stories[0].title, as_json=as_json)
    return 0


def _say(files: list[Path], what: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"files": [{"path": str(file), "bytes": file.stat().st_size} for file in files]}))
        return
    for file in files:
        out.print(f"{file.stat().st_size:>9,} B  {escape(str(file))}", soft_wrap=True)
    out.print(escape(what), soft_wrap=True)
