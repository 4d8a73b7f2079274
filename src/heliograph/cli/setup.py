"""``init``: set up a newsroom, asking nothing that can be guessed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from heliograph import __version__
from heliograph.adapters.web import WebSources
from heliograph.capture import survey
from heliograph.cli import keys
from heliograph.cli.screen import out
from heliograph.config import Config, FolderMirror, fields, load
from heliograph.model import Ask, ConfigError, Source
from heliograph.trust.keys import check_passphrase

_NAME = "heliograph.toml"
_ARTICLE = (
    "Where it is a list of tables, write the header again for each: "
    "[[source]], [[mirror]], [[link]], [[channel]], [[vantage]]."
)
_LISTS = ("source", "mirror", "host", "link", "channel", "vantage")


def init(folder: Path, given: list[str], title: str, passphrase_file: Path | None = None) -> None:
    """Write ``folder``/heliograph.toml, keys, the journal and a first folder mirror; says what to do next.

    Raises:
        ConfigError: there is a configuration already, or a source cannot be found.
        KeyFileError: the passphrase is too short.
    """
    target = folder / _NAME
    if target.exists():
        raise ConfigError("there is one already", where=str(target), remedy="edit it, or name another folder")
    if passphrase := keys.passphrase_from(passphrase_file):
        check_passphrase(passphrase)
    folder.mkdir(parents=True, exist_ok=True)
    surveyed = [_survey(text) for text in given]
    found = [source for one in surveyed for source in one.sources]
    title = title or next((one.title for one in surveyed if one.title), "") or folder.resolve().name[:60] or "Newsroom"
    lang = next((one.lang for one in surveyed if one.lang), "") or "en"
    home = next((_home(source.url) for source in found if source.url.startswith("http")), "")
    target.write_text(manual(title, lang, home, found), encoding="utf-8")
    config = load(target)
    _first_state(config)
    made = keys.make(config, passphrase_file)
    out.print(f"wrote     {target}", soft_wrap=True)
    for source in found:
        out.print(f"source    {source.kind}: {source.url}", soft_wrap=True)
    out.print(f"mirror    first: {config.mirror_place(config.mirror[0])}", soft_wrap=True)
    keys.tell(made)
    if not found:
        out.print(f"No source yet: add one under \\[\\[source]] in {target}.", soft_wrap=True)
    out.print(f"Next: heliograph publish --config {target}", soft_wrap=True)


def manual(title: str, lang: str, home: str, sources: Sequence[Source], mirrors: Sequence[str] = ("first",)) -> str:
    """The text of a configuration file that explains every field; those with a default are commented out."""
    lines = [f"# heliograph {__version__}. Each field that is commented out shows its default.", f"# {_ARTICLE}"]
    table = ""
    for name, words, default in fields():
        place, _, field = name.rpartition(".")
        if ":" in place:
            continue  # other kinds of mirrors stand in docs/operating/config.md
        if place != table:
            table = place
            if place in _LISTS:
                lines += _list_table(place, sources, mirrors)
            else:
                lines += ["", f"[{place}]"]
        if place in _LISTS:
            if place in _EXAMPLES:
                lines.append(f"# # {words}\n# {field} = {_toml(_EXAMPLES[place].get(field, default))}")
            continue
        value = {"newsroom.title": title, "newsroom.language": lang, "newsroom.home": home, "newsroom.zone": _zone()}
        if name in value:
            lines += [f"# {words}", f"{field} = {_toml(value[name])}"]
        else:
            lines += [f"# {words}", f"# {field} = {_toml(default)}"]
    return "\n".join(lines) + "\n"


# Tables that stand in a new configuration as a comment, to be filled in when there is such a thing.
_EXAMPLES: Mapping[str, Mapping[str, object]] = {
    "host": {"name": "ahead", "kind": "given", "provider": "example", "urls": ("https://quiet-lake.example/",)},
    "link": {"name": "Telegram", "url": "https://t.me/example"},
    "channel": {"name": "telegram", "kind": "telegram", "chat": "@example", "token": "secrets/telegram"},
    "vantage": {"name": "anna", "network": "AS64500"},
}


def _list_table(place: str, sources: Sequence[Source], mirrors: Sequence[str]) -> list[str]:
    about = {name: words for name, words, _ in fields() if name.startswith(f"{place}.")}
    if place in _EXAMPLES:
        return ["", f"# [[{place}]]"]
    lines = ["", *(f"# {name.partition('.')[2]}: {words}" for name, words in about.items())]
    if place == "mirror":
        for name in mirrors:
            lines += ["[[mirror]]", f"name = {_toml(name)}", f"path = {_toml(f'mirrors/{name}')}"]
        return lines
    for source in sources:
        lines += ["[[source]]", f"kind = {_toml(source.kind)}", f"url = {_toml(_shown(source.url))}"]
    return lines


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return url if parts.scheme != "file" else unquote(parts.path)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    text = str(value)
    escaped = "".join(_escaped(char) for char in text)
    return f'"{escaped}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if char.isprintable() else f"\\u{ord(char):04x}"


def _zone() -> str:
    """The zone of this machine, where it says."""
    try:
        link = os.readlink("/etc/localtime")  # noqa: PTH115 - the target is text here, not a path to follow
    except OSError:
        return "UTC"
    zone = link.partition("/zoneinfo/")[2]
    return zone if zone and zone not in {"Etc/UTC", "UCT", "Universal"} else "UTC"


def _home(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _survey(text: str) -> survey.Surveyed:
    """The sources behind what the operator typed: a folder, an export file, or an address.

    Raises:
        ConfigError: there is nothing that can be read.
    """
    if urlsplit(text).scheme not in {"http", "https"}:
        path = Path(text)
        if path.is_dir():
            return survey.Surveyed(sources=(Source(kind="folder", url=path.resolve().as_uri() + "/"),))
        if path.is_file():
            return survey.Surveyed(sources=(Source(kind="wordpress", url=path.resolve().as_uri()),))
        remedy = "give an address that starts with https://, or a folder of this machine"
        raise ConfigError("is no folder and no address", where=f"--source {text}", remedy=remedy)
    found, failure = asyncio.run(_ask(text))
    if not found.sources:
        raise ConfigError(
            failure or "no stories found there", where=f"--source {text}", remedy="give its feed or sitemap"
        )
    return found


async def _ask(url: str) -> tuple[survey.Surveyed, str]:
    async with WebSources(agent=f"heliograph/{__version__}", own=[url]) as web:
        answers = {address: await web.fetch(Ask(url=address)) for address in survey.asks(url)}
    failure = answers[url].failure or (f"the site answers {answers[url].status}" if answers[url].status != 200 else "")
    return survey.judge(url, answers), failure


def _first_state(config: Config) -> None:
    from heliograph.cli.wiring import open_journal

    for mirror in config.mirror:
        if isinstance(mirror, FolderMirror):
            config.mirror_path(mirror).mkdir(parents=True, exist_ok=True)
    with open_journal(config):
        pass
