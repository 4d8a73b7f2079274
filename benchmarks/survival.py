"""What arrives behind which censor: an edition from ``serve``, nginx and Caddy, beside a usual site.

    python -m benchmarks.survival [--rows NAME ...] [--no-margins] [--browser NAME ... | --browser-only] [--json]

What is measured whole is written into ``docs/survival.md``, between the markers: without --rows and --no-margins the
tables of the plain reader, without --rows and --browser those of Chromium.

One edition (``heliograph demo``), four visits: a front page, a story of one part, a story of three parts opened one
right after the other, a story and then one of its pictures. Profiles are taken as they are: the mirror is fresh, on no
list. Single rules are aimed at it: they name its name and its network, so that a row shows whether anything of ours can
survive that rule. The reader is plain (``benchmarks/reader.py``): a hello as long as a browser's, one connection for
each page, finished on Content-Length, 1.3 s between visits, round trip 40 ms. The chain is Let's Encrypt's shortest for
ECDSA (875, 655 and 682 B), and 1,088 B more stand for the post-quantum key share that OpenSSL 3.0 does not have.

Beside it, from nginx as Debian configures it: the same files over one kept connection; and the usual site, a page of
60 KB with ten sub-resources (300 KB in all), over six connections and over HTTP/2. Needs nginx, Caddy, curl, and root
or user namespaces.

Then the same visits by Chromium (``benchmarks/browser.py``), which needs Chromium and Playwright.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import track

from benchmarks.grounds import (
    CHAIN,
    CHROMIUM,
    IN_CHROMIUM,
    POST_QUANTUM,
    SERVERS,
    Grounds,
    Row,
    Server,
    build,
    read,
    rows,
)
from benchmarks.report import Figure, Section, Table, machine, markdown, show, to_plain, write_between
from heliograph.lab.censor import library
from heliograph.lab.world import missing, need

AT_ONCE: Final = 5  # rows at a time
BROWSERS: Final = 3  # the same, where Chromium reads
VISITS: Final = ("front page", "story", "three parts", "picture")
OURS: Final = ("serve", "nginx", "caddy")
HEADS: Final[Mapping[str, str]] = {
    "nginx": "nginx, mirror-config",
    "caddy": "Caddy, mirror-config",
    "kept": "nginx as it comes, same files",
    "usual": "nginx as it comes, usual site",
    "usual-h2": "the same, HTTP/2",
    "serve-chromium": "serve",
    "nginx-chromium": "nginx, mirror-config",
    "caddy-chromium": "Caddy, mirror-config",
    "kept-chromium": "nginx as it comes, same files",
}
COMMAND: Final = "python -m benchmarks.survival"
SUFFIX: Final = "-chromium"  # of the names of servers that Chromium reads from
IN: Final = ", in Chromium"


def matrix(
    grounds: Grounds, found: Sequence[Row], servers: Sequence[Server], rtt: float, **more: float
) -> list[dict[str, Any]]:
    """For each row what became of the visits to each server, and the most hellos within the censor's window."""
    computes = any(server.manner == "browser" for server in servers)  # the others mostly wait
    at_once, beside = (BROWSERS, 1) if computes else (AT_ONCE, len(servers))
    with ExitStack() as stack:
        world = build(stack, grounds, found, servers, rtt)

        def one(number: int) -> dict[str, Any]:
            visits = grounds.visits[: 1 if found[number].fatal else None]
            with ThreadPoolExecutor(beside) as side:  # each server has a name of its own
                told = dict(
                    zip(
                        (server.name for server in servers),
                        side.map(lambda server: read(world, f"r{number}", server, grounds, visits, **more), servers),
                        strict=True,
                    )
                )
            counted = world.box(f"r{number}").stats()
            names = {name: value["most_within_window"] for name, value in counted["names"].items()}
            return {"row": found[number], "told": told, "hellos": names, "packets": packets(counted)}

        with ThreadPoolExecutor(at_once) as pool:
            return list(
                track(
                    pool.map(one, range(len(found))), "rows", len(found), transient=True, console=Console(stderr=True)
                )
            )


def packets(counted: Mapping[str, Any]) -> dict[str, int]:
    """The largest number of the packet that brought a connection's last payload, by host."""
    most: dict[str, int] = {}
    for one in counted["connections"]:
        if one["transport"] == "tcp" and one["name"]:
            most[one["name"]] = max(most.get(one["name"], 0), one["last_data_down"])
    return most


def cell(server: Server, told: Sequence[Mapping[str, Any]]) -> str:
    """One cell of the table: what arrived, in how many seconds, bytes and connections."""
    lost = [(name, one["lost"]) for name, one in zip(VISITS, told, strict=False) if one["lost"]]
    seconds, came = sum(one["seconds"] for one in told), sum(one["bytes"] for one in told)
    cost = f"{seconds:.1f} s, {came / 1e3:.0f} KB, {sum(one['connections'] for one in told)}"
    if not lost:
        return f"arrives: {cost}"
    if len(lost) == len(told):
        return f"**fails** ({lost[0][1]})"
    return f"**fails**: {', '.join(name for name, _ in lost)} ({lost[0][1]}); {cost}"


CHAINS: Final[Mapping[str, tuple[int, ...]]] = {
    "ECDSA to Root X2, X25519": (875, 655, 682),
    "ECDSA to Root X2, ML-KEM": CHAIN,
    "ECDSA by default, ML-KEM": (875, 655 + POST_QUANTUM, 682, 1_140),
    "RSA by default, ML-KEM": (1_239 + 512, 1_247 + POST_QUANTUM, 1_528),  # 512: a longer signature of the handshake
}
LIMITS: Final = (
    *(f"curtain-25p:limit={number}" for number in (18, 20, 22, 25, 32)),
    *(f"curtain-16k:limit={number}" for number in (12_000, 14_000, 16_384)),
)


def margins(folder: Path, grounds: Grounds, rtt: float) -> Table:
    """How many of the seven pages of the visits arrive from each server, by chain and limit of the curtain."""
    found = [Row(name=text, profile=library.profile(text)) for text in LIMITS]
    lines = []
    for number, (name, chain) in enumerate(CHAINS.items()):
        own = Grounds(folder / f"chain-{number}", chain=chain)
        own.edition, own.usual, own.visits = (
            grounds.edition,
            grounds.usual,
            [[page] for visit in grounds.visits for page in visit],
        )
        results = matrix(own, found, SERVERS[:3], rtt, resume=False, silence=3.0)
        for server in SERVERS[:3]:
            arrived = [sum(not one["lost"] for one in result["told"][server.name]) for result in results]
            most = max(result["packets"].get(server.host, 0) for result in results)
            lines.append((f"{name}, {server.name}", *(str(count) for count in arrived), most))
    return Table(
        title="Of seven pages how many arrive, by chain and limit",
        columns=(
            "chain, server",
            *(f"{text.rpartition('=')[2]} {'packets' if '25p' in text else 'B'}" for text in LIMITS),
            "most packets",
        ),
        rows=tuple(lines),
        command=COMMAND,
        notes=(
            "most packets: the largest number, both ways counted, of a connection's last packet with payload",
            "sizes are those of Let's Encrypt's chains of 2026; keys and signatures are of P-256 everywhere, filled up",
        ),
    )


def summary(date: str, plain: Sequence[Mapping[str, Any]], browser: Sequence[Mapping[str, Any]]) -> Section:
    """How many censors each server stands, with the README's line; either reader may be left out."""
    stood = {**counted(plain, SERVERS), **counted(browser, IN_CHROMIUM)}
    fair = sum(not one["row"].fatal for one in plain or browser)
    table = Table(
        title="Censors, of those that a server can survive, behind which everything arrives",
        columns=("server", f"of {fair}"),
        rows=tuple((f"{HEADS.get(name, name)}{IN * name.endswith(SUFFIX)}", count) for name, count in stood.items()),
        command=COMMAND,
        notes=("each row, and what is compared: docs/survival.md",),
    )
    figures = {"": [stood[name] for name in OURS if name in stood]}
    figures[IN] = [stood[name + SUFFIX] for name in OURS if name + SUFFIX in stood]
    return Section(
        name="Survival",
        date=date,
        tables=(table,),
        figures=tuple(
            Figure(
                what=f"censors, of those that a server can survive, behind which all pages arrive{reader}",
                value=f"{min(counts)} of {fair}",
                goal="all",
                beside="" if reader else f"a usual site: {stood['usual']}",
                command=COMMAND,
            )
            for reader, counts in figures.items()
            if counts
        ),
    )


def counted(results: Sequence[Mapping[str, Any]], servers: Sequence[Server]) -> dict[str, int]:
    """Behind how many censors everything arrived from each server that was read from."""
    fair = [one["told"] for one in results if not one["row"].fatal]
    read_from = [server.name for server in servers if fair and server.name in fair[0]]
    return {name: sum(not any(page["lost"] for page in told[name]) for told in fair) for name in read_from}


def main() -> int:
    """Measure, print tables, and with --json a line that ``benchmarks`` writes into the documents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="*", default=[], metavar="NAME", help="only these profiles and rules")
    parser.add_argument("--no-margins", action="store_true", help="leave out the chains and limits")
    wanted = [one.kind for one in IN_CHROMIUM]
    reads = "from which servers Chromium reads; none: no Chromium"
    parser.add_argument("--browser", nargs="*", choices=wanted, default=wanted, help=reads)
    parser.add_argument("--browser-only", action="store_true", help="leave out the plain reader")
    parser.add_argument("--rtt", type=float, default=40.0, help="round trip in milliseconds")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if reason := unfit(browser=bool(args.browser)):
        print(f"cannot be measured here: {reason}", file=sys.stderr)
        return 1
    now = datetime.now(UTC)  # noqa: TID251 - a command, the only place where the clock is read
    date, found, rtt = f"{now:%Y-%m-%d}", rows(args.rows), args.rtt / 1_000
    with tempfile.TemporaryDirectory(prefix="heliograph-survival-") as place:
        grounds = Grounds(Path(place))
        grounds.make()
        plain, browser = [], []
        if not args.browser_only:
            plain = matrix(grounds, found, SERVERS, rtt)
            more = [] if args.no_margins else [margins(Path(place), grounds, rtt)]
            tell("survival", date, [*tables(plain, SERVERS), *more], whole=bool(not args.rows and more))
        if columns := [one for one in IN_CHROMIUM if one.kind in args.browser]:
            browser = matrix(grounds, found, columns, rtt)
            told = tables(browser, columns, by="in Chromium: ")
            tell("survival-chromium", date, told, whole=not args.rows and len(columns) == len(IN_CHROMIUM))
    short = summary(date, plain, browser)
    show(short.tables[0], Console(width=160))
    if args.json:
        print(json.dumps({"sections": [to_plain(short)]}))
    return 0


def unfit(*, browser: bool) -> str:
    """Why nothing can be measured on this machine; "" if it can."""
    lacks = [tool for tool in ("nginx", "caddy", "curl") if not which(tool)]
    lacks += ["chromium"] if browser and not Path(CHROMIUM).exists() else []
    lacks += ["playwright"] if browser and find_spec("playwright") is None else []
    return missing() or (f"{lacks[0]} is not installed" if lacks else "")


def tell(marker: str, date: str, told: Sequence[Table], *, whole: bool) -> None:
    """Show tables; write them into the document, where the measurement is ``whole``."""
    for table in told:
        show(table, Console(width=160))
    if whole:
        text = "\n".join([f"Measured on {date}. Machine: {machine()}.", "", *map(markdown, told)])
        write_between(Path(__file__).resolve().parents[1] / "docs" / "survival.md", marker, text)


def which(tool: str) -> str | None:
    """Where ``tool`` is, also in the places that an ordinary user's search path lacks."""
    return shutil.which(tool, path=need.path())


def tables(results: Sequence[Mapping[str, Any]], servers: Sequence[Server], by: str = "") -> list[Table]:
    """The matrix as two tables: what a server can survive, and what none can. ``by`` begins their titles."""
    found = []
    for fatal, end in ((False, "what can be survived"), (True, "what no server at this name and address survives")):
        title = f"{by}{end}"
        chosen = [one for one in results if bool(one["row"].fatal) is fatal]
        if not chosen:
            continue
        lines = tuple(
            (
                one["row"].name,
                *([one["row"].fatal] if fatal else []),
                *(cell(server, one["told"][server.name]) for server in servers),
            )
            for one in chosen
        )
        columns = (
            "censor",
            *(["blocked by"] if fatal else []),
            *(HEADS.get(server.name, server.name) for server in servers),
        )
        hosts = {server.host for server in servers}
        most = max((count for one in chosen for name, count in one["hellos"].items() if name in hosts), default=0)
        notes = (
            "seconds and KB of the four visits (six pages, one twice) without pauses, TLS included, and connections",
            f"the most hellos to one name within the time that `tls-burst` looks at: {most}",
        )
        found.append(
            Table(
                title=title[0].upper() + title[1:],
                columns=columns,
                rows=lines,
                command=COMMAND,
                notes=() if fatal else notes,
            )
        )
    return found


if __name__ == "__main__":
    sys.exit(main())
