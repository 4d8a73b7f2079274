"""The commands. Each answers ``--help`` with what it does, and ``--json`` where a script might read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from heliograph import __version__

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Keeps a blocked newsroom's news readable: a light edition of its site on many mirrors.",
)

ConfigPath = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object for scripts instead of text.")]
_HERE = Path("heliograph.toml")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"heliograph {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Nothing by itself."""


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to set up.")] = Path(),
    source: Annotated[
        list[str] | None, typer.Option("--source", "-s", help="The newsroom's site, feed or sitemap; or a folder.")
    ] = None,
    title: Annotated[str, typer.Option(help="The newsroom's name; else it is taken from its site.")] = "",
) -> None:
    """Set up a newsroom: a commented configuration, the journal and a first mirror in a folder."""
    from heliograph.cli import setup

    setup.init(folder, source or [], title)


@app.command()
def publish(config: ConfigPath = _HERE, as_json: Json = False) -> None:
    """One pass: read the sources, render what changed, bring every mirror up to date."""
    from heliograph.cli import passes

    raise typer.Exit(passes.publish(config, as_json=as_json))


@app.command()
def run(config: ConfigPath = _HERE, as_json: Json = False) -> None:
    """The service: publish again and again until SIGTERM; resumes after any end."""
    from heliograph.cli import passes

    raise typer.Exit(passes.run(config, as_json=as_json))


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a mirror.")],
    listen: Annotated[str, typer.Option(help="Address and port.")] = "127.0.0.1:8080",
    cert: Annotated[Path | None, typer.Option(help="TLS certificate chain, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key, PEM, if not in the same file.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
) -> None:
    """A mirror: serve a folder so that every response survives a censor that freezes long connections."""
    from heliograph.adapters import serve as server
    from heliograph.cli.screen import out

    raise typer.Exit(server.run(folder, listen, cert=cert, key=key, workers=workers, say=lambda line: out.print(line)))


@app.command()
def status(
    config: ConfigPath = _HERE,
    as_json: Json = False,
    find: Annotated[str, typer.Option(help="Find a story by its code or address.")] = "",
) -> None:
    """What a newsroom wants to know at a glance."""
    from heliograph.cli import glance

    raise typer.Exit(glance.status(config, as_json=as_json, find=find))


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Option(help="Where to build it; else a new temporary folder.")] = None,
    port: Annotated[int, typer.Option(help="Port of the first mirror; 0 takes any free one.")] = 8080,
    once: Annotated[bool, typer.Option(help="Build, check and end instead of serving.")] = False,
    as_json: Json = False,
) -> None:
    """A whole small world on this machine: a newsroom with a dozen stories, three mirrors, a reader."""
    from heliograph.cli import world

    report = world.demo(folder, port, once=once, quiet=as_json)
    if as_json:
        print(json.dumps(report))
