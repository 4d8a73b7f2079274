"""The commands. Each answers ``--help`` with what it does, and ``--json`` where a script might read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import typer.core

from heliograph import __version__
from heliograph.cli.keys_app import keys_app
from heliograph.cli.lab_app import lab_app
from heliograph.cli.mirrors_app import mirrors_app
from heliograph.cli.options import HERE, ConfigPath, Json, OnionLocation, Paced, PassphraseFile, Pinned, Socks
from heliograph.cli.post_app import post_app
from heliograph.cli.vantage_app import vantage_app
from heliograph.model import ConfigError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Keeps a blocked newsroom's news readable: a light edition of its site on many mirrors.",
)


app.add_typer(keys_app, name="keys")
app.add_typer(lab_app, name="lab")
app.add_typer(mirrors_app, name="mirrors")
app.add_typer(post_app, name="post")
app.add_typer(vantage_app, name="vantage")


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
    passphrase_file: PassphraseFile = None,
) -> None:
    """Set up a newsroom: a commented configuration, keys, the journal and a first mirror in a folder."""
    from heliograph.cli import setup

    setup.init(folder, source or [], title, passphrase_file)


@app.command()
def publish(config: ConfigPath = HERE, as_json: Json = False) -> None:
    """One pass: read the sources, render what changed, bring every mirror up to date."""
    from heliograph.cli import passes

    raise typer.Exit(passes.publish(config, as_json=as_json))


@app.command()
def run(config: ConfigPath = HERE, as_json: Json = False) -> None:
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
    check: Annotated[
        bool, typer.Option("--check", help="Serve nothing: measure what the certificate costs, and give advice.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --check: one JSON object instead of text.")] = False,
    drop: Annotated[
        Path | None, typer.Option(help="Folder for sealed messages to the newsroom; without it none are taken.")
    ] = None,
    sensor: Annotated[
        Path | None, typer.Option(help="Count where connections freeze, for the watch; by network, never by reader.")
    ] = None,
    networks: Annotated[
        Path | None, typer.Option(help="Table of networks for --sensor: a prefix and an AS on each line.")
    ] = None,
    sensor_share: Annotated[
        float, typer.Option(min=0.001, max=1.0, help="Share of connections that --sensor looks at.")
    ] = 0.25,
    onion: Annotated[
        Path | None,
        typer.Option(metavar="KEYFILE", help="Serve it as an onion service, too; its key, made at first use."),
    ] = None,
    tor: Annotated[
        str, typer.Option(metavar="PLACE", help="Control port or socket of the tor that publishes it.")
    ] = "/run/tor/control",
    tor_password: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The control port's password, if tor wants one.")
    ] = None,
    onion_location: OnionLocation = "",
    retired: Annotated[
        str,
        typer.Option(
            metavar="URL", help="Its own address, if the newsroom retired it: pages lead on to a mirror that lives."
        ),
    ] = "",
) -> None:
    """A mirror: serve a folder so that every response survives a censor that freezes long connections.

    With --check, exit 1 if a page of 6 KB would not arrive within 25 packets, or 14,000 bytes.
    """
    from heliograph.adapters.serve import Sensing
    from heliograph.cli import serving
    from heliograph.cli.tor import hidden

    if check:
        raise typer.Exit(serving.check(cert, key, as_json=as_json))
    if networks and not sensor:
        remedy = "add --sensor FILE, or leave --networks out"
        raise ConfigError("a table of networks without a sensor", where=str(networks), remedy=remedy)
    code = serving.serve(
        folder,
        listen,
        cert=cert,
        key=key,
        workers=workers,
        drop=drop,
        sensing=Sensing(file=sensor, networks=networks, share=sensor_share) if sensor else None,
        hidden=hidden(onion, tor, tor_password, folder) if onion else None,
        onion_location=onion_location,
        retired=retired,
    )
    raise typer.Exit(code)


@app.command("mirror-config")
def mirror_config(
    server: Annotated[Literal["nginx", "caddy"], typer.Argument(help="The server that shall carry the mirror.")],
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The folder of the mirror.")] = Path(),
    name: Annotated[
        list[str] | None, typer.Option(help="The mirror's host name; may be given again. None: whatever is asked for.")
    ] = None,
    listen: Annotated[
        list[str] | None,
        typer.Option(help="Address and port; may be given again. Else port 443 with a certificate, 80 without."),
    ] = None,
    cert: Annotated[Path | None, typer.Option(help="TLS certificate chain, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key, PEM, if not in the same file.")] = None,
    ladder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write test bodies for probers there, and let them be served.")
    ] = None,
    onion_location: OnionLocation = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of standard output.")] = None,
) -> None:
    """A configuration with which nginx or Caddy serves a mirror as `heliograph serve` does."""
    from heliograph.cli import serving

    serving.mirror_config(
        server,
        folder,
        names=name or [],
        listen=listen or [],
        cert=cert,
        key=key,
        ladder=ladder,
        onion_location=onion_location,
        output=output,
    )


@app.command("sync")
def sync_command(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Mirrors: addresses or folders.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The copy.")],
    root: Pinned = Path("1.root.json"),
    paced: Paced = False,
    keep: Annotated[bool, typer.Option("--keep", help="Remove no part of an old release.")] = False,
    socks: Socks = "",
    as_json: Json = False,
) -> None:
    """A volunteer's copy from any mirrors, verified before anything is replaced; resumes after any end.

    Exit 0: copied; 1: refused, and the copy is what it was; 2: copied, but authentic and old.
    """
    from heliograph.cli import copying

    raise typer.Exit(copying.run(sources, folder, root, paced=paced, keep=keep, socks=socks, as_json=as_json))


class _Usage64(typer.core.TyperCommand):
    """Wrong usage of ``verify`` and ``monitor`` exits with 64, since 2 says that a page is authentic but old."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if getattr(error, "exit_code", 0) == 2:  # Typer does not export the class of its usage errors
                error.exit_code = 64  # type: ignore[attr-defined]
            raise


@app.command(cls=_Usage64)
def verify(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Mirrors: addresses or folders.")],
    path: Annotated[
        str | None, typer.Option(help="One page, relative to the mirror; else the whole mirror is audited.")
    ] = None,
    root: Pinned = Path("1.root.json"),
    at: Annotated[str, typer.Option(help="Judge as of this time, such as 2026-11-22T08:00:00Z.")] = "",
    state: Annotated[
        Path | None, typer.Option(help="Folder that keeps what was seen, so that a rollback shows.")
    ] = None,
    accept_stale: Annotated[bool, typer.Option("--accept-stale", help="Exit 0 for what is authentic but old.")] = False,
    paced: Paced = False,
    socks: Socks = "",
) -> None:
    """Whether a page or a mirror is the newsroom's, and of now: one JSON line.

    Exit 0: verified; 1: refused or withdrawn; 2: authentic but stale; 64: wrong usage.
    """
    from heliograph.cli import verifying
    from heliograph.cli.screen import complain

    try:
        code = verifying.verify(
            sources, path, root, at=at, state=state, accept_stale=accept_stale, paced=paced, socks=socks
        )
    except ConfigError as error:
        complain(error)
        code = 64
    raise typer.Exit(code)


@app.command("monitor", cls=_Usage64)
def monitor_command(
    mirrors: Annotated[list[str], typer.Argument(metavar="MIRROR...", help="Addresses or folders.")],
    root: Pinned = Path("1.root.json"),
    state: Annotated[
        Path | None, typer.Option(help="Folder that keeps what was seen of each mirror, so that a change shows.")
    ] = None,
    paced: Paced = False,
    socks: Socks = "",
    as_json: Json = False,
) -> None:
    """An auditor's round: metadata, code and release log of each mirror, compared with each other and with before.

    Exit 0: nothing wrong; 1: a finding; 2: authentic but stale; 64: wrong usage.
    """
    from heliograph.cli import watching
    from heliograph.cli.screen import complain

    try:
        code = watching.run(mirrors, root, state=state, paced=paced, socks=socks, as_json=as_json)
    except ConfigError as error:
        complain(error)
        code = 64
    raise typer.Exit(code)


@app.command("probe")
def probe_command(
    urls: Annotated[list[str], typer.Argument(metavar="URL...", help="Mirrors.")],
    config: ConfigPath = HERE,
    address: Annotated[
        list[str] | None, typer.Option(help="The mirror's true IP address, where it is known; may be given again.")
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Look for a curtain though pages arrive.")] = False,
    burst: Annotated[
        bool, typer.Option("--burst", help="Try four handshakes at once: a rule against it freezes you for minutes.")
    ] = False,
    authorities: Annotated[
        Path | None, typer.Option(help="Certificates to trust instead of the system's, PEM.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="OONI measurements, one a line, instead of text.")] = False,
) -> None:
    """One look from here at each mirror: whether a page arrives, and if not, how it is blocked.

    Exit 0: pages of all of them arrive; 1: of one they do not.
    """
    from heliograph.cli import probing

    code = probing.run(
        urls, config, addresses=address or [], deep=deep, burst=burst, authorities=authorities, as_json=as_json
    )
    raise typer.Exit(code)


@app.command("patrol")
def patrol_command(
    config: ConfigPath = HERE,
    deep: Annotated[bool, typer.Option("--deep", help="Look for a curtain though pages arrive.")] = False,
    as_json: Json = False,
) -> None:
    """One round: look at every mirror from here, and judge it with what other vantages reported.

    Exit 0: readers reach all of them; 1: one is blocked, or fails.
    """
    from heliograph.cli import patrolling

    raise typer.Exit(patrolling.run(config, deep=deep, as_json=as_json))


@app.command()
def status(
    config: ConfigPath = HERE,
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
