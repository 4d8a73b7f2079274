"""The commands under ``heliograph vantage``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heliograph.cli.options import HERE, ConfigPath, Json

vantage_app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Volunteers who measure from inside: tokens for them, lists of what to look at, and what they report.",
)


@vantage_app.command("new")
def vantage_new(
    name: Annotated[str, typer.Argument(help="A nickname that names nobody: small letters, digits, hyphens.")],
    config: ConfigPath = HERE,
    network: Annotated[str, typer.Option(help="The network it stands in; one word for one network.")] = "home",
    country: Annotated[str, typer.Option(help='Two letters; "ZZ" withholds it.')] = "ZZ",
    qr: Annotated[bool, typer.Option("--qr", help="A QR code instead of text, to be read from this screen.")] = False,
) -> None:
    """Make a token for a volunteer, on standard output: `heliograph vantage new anna > anna.token`.

    It is shown this once. The vantage is added to the configuration, the public half of its key to the key folder.
    """
    from heliograph.cli import vantages

    raise typer.Exit(vantages.new(name, config, network=network, country=country, qr=qr))


@vantage_app.command("list")
def vantage_list(config: ConfigPath = HERE, as_json: Json = False) -> None:
    """The vantages of the configuration, which of them have a token, and when each was last heard."""
    from heliograph.cli import vantages

    raise typer.Exit(vantages.show(config, as_json=as_json))


@vantage_app.command("remove")
def vantage_remove(name: Annotated[str, typer.Argument(help="Its nickname.")], config: ConfigPath = HERE) -> None:
    """After a phone was lost: believe nothing of this vantage any more, and make no more lists for it."""
    from heliograph.cli import vantages

    raise typer.Exit(vantages.remove(name, config))


@vantage_app.command("lists")
def vantage_lists(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders of drops.")],
    config: ConfigPath = HERE,
) -> None:
    """Sign and seal what each vantage shall look at in the next two weeks, and lay it into drops."""
    from heliograph.cli import vantages

    raise typer.Exit(vantages.lists(folders, config))


@vantage_app.command("collect")
def vantage_collect(
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PLACE]...",
            help="Folders of drops, or files with mailed text; else the spools of the configuration.",
        ),
    ] = None,
    config: ConfigPath = HERE,
    as_json: Json = False,
) -> None:
    """Open what came in, and put what vantages saw into the journal; the folders are emptied."""
    from heliograph.cli import vantages

    raise typer.Exit(vantages.collect(places or [], config, as_json=as_json))


@vantage_app.command("forward")
def vantage_forward(
    folder: Annotated[Path, typer.Argument(help="The folder of a drop.")],
    url: Annotated[str, typer.Argument(help="A mirror nearer to the newsroom that has a drop.")],
    as_json: Json = False,
) -> None:
    """A volunteer's drop: pass on what came in, sealed as it is. Exit 1 if something is left."""
    from heliograph.cli import dropping

    raise typer.Exit(dropping.forward(folder, url, as_json=as_json))


@vantage_app.command("run")
def vantage_run(
    token: Annotated[Path, typer.Argument(metavar="FILE", help="The token.")],
    once: Annotated[bool, typer.Option("--once", help="One round, then end.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Look for a curtain in the first round, too.")] = False,
    report: Annotated[
        str,
        typer.Option(help="Where reports go: a mirror's address, a folder (a stick), or - for text to mail."),
    ] = "",
    work: Annotated[Path | None, typer.Option(help="A work list that was carried here, as a file.")] = None,
    state: Annotated[Path | None, typer.Option(help="Folder for what waits; else FILE.state.")] = None,
    authorities: Annotated[
        Path | None, typer.Option(help="Certificates to trust instead of the system's, PEM.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look at the newsroom's mirrors from here, and report what was seen, until SIGTERM.

    Exit 0: done; 1: with --once, there was no list to go by, or reports wait for a better day.
    """
    from heliograph.cli import lookout

    given = lookout.Given(
        token=token, once=once, deep=deep, report=report, work=work, state=state, authorities=authorities
    )
    raise typer.Exit(lookout.run(given, as_json=as_json))
