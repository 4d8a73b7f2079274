"""The commands under ``heliograph mirrors``."""

from __future__ import annotations

from typing import Annotated

import typer

from heliograph.cli.options import HERE, ConfigPath, Json

mirrors_app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The pool of mirrors: what readers are told of, what is ready behind it, and every move with its reason.",
)

_Name = Annotated[str, typer.Argument(help="Its nickname.")]


@mirrors_app.command("list")
def mirrors_list(
    config: ConfigPath = HERE,
    as_json: Json = False,
    moves: Annotated[int, typer.Option(min=0, help="How many of the newest moves to show.")] = 10,
) -> None:
    """Every mirror: whether readers are told of it, since when, whose network it is in; and the newest moves."""
    from heliograph.cli import mirrors

    raise typer.Exit(mirrors.show(config, moves, as_json=as_json))


@mirrors_app.command("cost")
def mirrors_cost(config: ConfigPath = HERE, as_json: Json = False) -> None:
    """What uploads to each mirror have cost this month, and what the next delivery would.

    Exit 1: it would pass the mirror's `most_a_month`, or the mirror cannot be read.
    """
    from heliograph.cli import cost

    raise typer.Exit(cost.show(config, as_json=as_json))


@mirrors_app.command("rotate")
def mirrors_rotate(
    config: ConfigPath = HERE,
    as_json: Json = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; change nothing.")] = False,
) -> None:
    """One round: look how far new mirrors are, then promote, rest, raise and retire as the policy wants.

    `heliograph run` does this after every look at the mirrors. Exit 1: the policy cannot be met, and what is missing.
    """
    from heliograph.cli import mirrors

    raise typer.Exit(mirrors.rotate(config, dry=dry_run, as_json=as_json))


@mirrors_app.command("add")
def mirrors_add(
    host: Annotated[str, typer.Argument(help="The nickname of a host in the configuration.")],
    config: ConfigPath = HERE,
) -> None:
    """Raise one more mirror at a host; when it works it is a spare."""
    from heliograph.cli import mirrors

    raise typer.Exit(mirrors.add(host, config))


@mirrors_app.command("promote")
def mirrors_promote(name: _Name, config: ConfigPath = HERE) -> None:
    """Tell readers of a mirror, and leave it so for a day, whatever the plan wants."""
    from heliograph.cli import mirrors

    raise typer.Exit(mirrors.put(name, "promote", config))


@mirrors_app.command("rest")
def mirrors_rest(name: _Name, config: ConfigPath = HERE) -> None:
    """No longer tell readers of a mirror, and leave it so for a day, whatever the plan wants."""
    from heliograph.cli import mirrors

    raise typer.Exit(mirrors.put(name, "rest", config))


@mirrors_app.command("retire")
def mirrors_retire(name: _Name, config: ConfigPath = HERE) -> None:
    """Take a raised mirror down at its host, for good."""
    from heliograph.cli import mirrors

    raise typer.Exit(mirrors.put(name, "retire", config))


@mirrors_app.command("adopt")
def mirrors_adopt(name: _Name, config: ConfigPath = HERE) -> None:
    """Take a place that holds somebody's files: those with names of an edition are replaced by the next pass."""
    from heliograph.cli import mirrors

    raise typer.Exit(mirrors.adopt(name, config))


@mirrors_app.command("undo")
def mirrors_undo(config: ConfigPath = HERE) -> None:
    """Take the newest move back, where that can be: what was promoted, rested or returned."""
    from heliograph.cli import mirrors

    raise typer.Exit(mirrors.undo(config))
