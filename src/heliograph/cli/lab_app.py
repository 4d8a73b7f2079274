"""The commands under ``heliograph lab``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heliograph.cli.options import Json

lab_app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A censor on this machine: how does a page, a mirror or a program fare behind it? Nothing leaves the machine.",
)


@lab_app.command("list")
def lab_list(as_json: Json = False) -> None:
    """The censors there are: profiles, and the rules they are made of."""
    from heliograph.cli import lab

    lab.listing(as_json=as_json)


@lab_app.command("run")
def lab_run(
    profile: Annotated[str, typer.Argument(help="A profile, a rule, or a file; also `curtain-25p:limit=18`.")],
    command: Annotated[list[str], typer.Argument(metavar="-- CMD...", help="What the reader runs.")],
    rtt: Annotated[float, typer.Option(min=0, max=10_000, help="Round trip, in milliseconds.")] = 40.0,
    loss: Annotated[float, typer.Option(min=0, max=1, help="Part of the packets that is lost, each way.")] = 0.0,
    jitter: Annotated[float, typer.Option(min=0, max=10_000, help="At most so many ms more, each way.")] = 0.0,
    seed: Annotated[int, typer.Option(help="What chance follows from.")] = 0,
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="RULE.FIELD=VALUE", help="Another number.")] = None,
    stats: Annotated[Path | None, typer.Option(help="A file for what the censor counted, as JSON.")] = None,
) -> None:
    """Run a program as a reader behind a censor, in a small world of its own; its exit status.

    There, news.example, mirror.example, blocked.example, throttled.example, intercepted.example, allowed.example and
    gone.example answer `/N` with N bytes, by HTTP and HTTPS.
    """
    from heliograph.cli import lab

    raise typer.Exit(lab.run(profile, command, lab.line(rtt, loss, jitter), seed=seed, sets=sets or [], stats=stats))


@lab_app.command("channels")
def lab_channels(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where the tokens and the tables are written.")
    ] = Path("rehearsal"),
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Of the page that shows all posts; 0 takes any.")] = 8090,
    faults: Annotated[float, typer.Option(min=0, max=1, help="Share of calls that go wrong.")] = 0.0,
    seed: Annotated[int, typer.Option(help="What chance follows from.")] = 0,
) -> None:
    """Telegram, Viber, Instagram, Facebook and a webhook on this machine, strict as the real ones, until Ctrl-C.

    Put the tables of DIR/channels.toml into a newsroom's configuration, and post: nothing leaves the machine.
    """
    from heliograph.cli import rehearsing

    raise typer.Exit(rehearsing.run(folder, port, share=faults, seed=seed))
