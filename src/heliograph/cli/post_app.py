"""The commands under ``heliograph post``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from heliograph.cli.options import HERE, ConfigPath, Json

post_app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="What channels are given to say, and what is printed.",
)


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
