"""The commands under ``heliograph post``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from heliograph.cli.options import HERE, ConfigPath, Json
from heliograph.model import ConfigError

post_app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Posts on channels: what waits, what went out, what a person must decide, and what is printed.",
)


_Code = Annotated[str, typer.Argument(metavar="CODE", help="A story's code.")]
_Channel = Annotated[str, typer.Option("--channel", help="Only this channel.")]


@post_app.command("preview")
def post_preview(code: _Code, channel: _Channel = "", config: ConfigPath = HERE, as_json: Json = False) -> None:
    """A story as it will look on each channel. Nothing is queued."""
    from heliograph.cli import posts

    raise typer.Exit(posts.preview(config, code, channel, as_json=as_json))


@post_app.command("send")
def post_send(code: _Code, channel: _Channel = "", config: ConfigPath = HERE, as_json: Json = False) -> None:
    """Post a story now: one that is held, old, of another section, or that was left out. Exit 1: it is not out."""
    from heliograph.cli import posts

    raise typer.Exit(posts.send(config, code, channel, as_json=as_json))


@post_app.command("edit")
def post_edit(code: _Code, channel: _Channel = "", config: ConfigPath = HERE, as_json: Json = False) -> None:
    """Bring a story's posts up to the story and the addresses of now, where posts can be edited."""
    from heliograph.cli import posts

    raise typer.Exit(posts.edit(config, code, channel, as_json=as_json))


@post_app.command("withdraw")
def post_withdraw(code: _Code, channel: _Channel = "", config: ConfigPath = HERE, as_json: Json = False) -> None:
    """Take a story's posts away, and leave it so, though the edition has it. Exit 1: something is still there."""
    from heliograph.cli import posts

    raise typer.Exit(posts.withdraw(config, code, channel, as_json=as_json))


@post_app.command("outbox")
def post_outbox(
    channel: _Channel = "",
    config: ConfigPath = HERE,
    as_json: Json = False,
    every: Annotated[bool, typer.Option("--all", help="What is over, too.")] = False,
) -> None:
    """What waits to be sent, and what a person must decide. Exit 1: there is something to decide."""
    from heliograph.cli import posts

    raise typer.Exit(posts.outbox(config, channel, every=every, as_json=as_json))


@post_app.command("confirm")
def post_confirm(
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Entries that are held.")] = None,
    config: ConfigPath = HERE,
    every: Annotated[bool, typer.Option("--all", help="All that are held, but for what takes posts away.")] = False,
) -> None:
    """Let posts go out that wait for an editor."""
    from heliograph.cli import posts

    if not ids and not every:
        raise ConfigError("which entries?", remedy="give their ids, or --all; see: heliograph post outbox")
    raise typer.Exit(posts.confirm(config, ids or [], every=every))


@post_app.command("settle")
def post_settle(
    number: Annotated[int, typer.Argument(metavar="ID", help="The entry, as `heliograph post outbox` shows it.")],
    config: ConfigPath = HERE,
    there: Annotated[
        str, typer.Option(metavar="POST", help="It is there: its address, as a browser shows it, or its number.")
    ] = "",
    done: Annotated[bool, typer.Option("--done", help="A task by hand is done.")] = False,
    not_there: Annotated[bool, typer.Option("--not-there", help="It is not there: send it again.")] = False,
    ignore: Annotated[bool, typer.Option("--ignore", help="Leave it as it is; nobody shall do anything.")] = False,
) -> None:
    """Say of an entry what you found on the channel: heliograph never sends twice what may be there."""
    from heliograph.cli import posts

    if sum([bool(there), done, not_there, ignore]) != 1:
        raise ConfigError("what did you find?", remedy="give one of --there POST, --done, --not-there, --ignore")
    state = "queued" if not_there else "dropped" if ignore else "posted"
    raise typer.Exit(posts.settle(config, number, state, there))  # type: ignore[arg-type]


@post_app.command("resume")
def post_resume(
    channel: Annotated[str, typer.Argument(help="A channel that was stopped.")], config: ConfigPath = HERE
) -> None:
    """Let a channel go on: its token was renewed, its bot is back, its account is free again."""
    from heliograph.cli import posts

    raise typer.Exit(posts.resume(config, channel))


@post_app.command("poster")
def post_poster(
    config: ConfigPath = HERE,
    lang: Annotated[str, typer.Option(help="ru, uk, en, crh or fa; else the newsroom's language.")] = "",
    file: Annotated[Path | None, typer.Option("--out", help="Where to write it; else poster-LANG.pdf.")] = None,
    as_json: Json = False,
) -> None:
    """A sheet for a wall, A4: where to read now, with QR codes and tabs to tear off."""
    from heliograph.cli import posters

    raise typer.Exit(posters.poster(config, lang=lang, file=file, as_json=as_json))


@post_app.command("card")
def post_card(
    code: Annotated[str, typer.Argument(help="A story's code.")],
    config: ConfigPath = HERE,
    shape: Annotated[
        Literal["tall", "square", "wide"], typer.Option(help="tall is for Instagram, wide for Telegram and Viber.")
    ] = "tall",
    slides: Annotated[
        int, typer.Option(min=1, max=10, help="At most so many pictures: the story's text in pages after its headline.")
    ] = 1,
    qr: Annotated[
        bool, typer.Option("--qr", help="With a QR code that leads to the story on a mirror of now.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option("--out", help="Where to write it; else CODE.jpg. Several get numbers.")
    ] = None,
    as_json: Json = False,
) -> None:
    """A picture that shows a story's headline, for where people post by hand."""
    from heliograph.cli import posters

    raise typer.Exit(posters.card(code, config, shape=shape, slides=slides, qr=qr, file=file, as_json=as_json))
