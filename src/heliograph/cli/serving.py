"""``serve`` and its ``--check``, and ``mirror-config``: a mirror, what its certificate costs, another server told to do
what ours does."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path

from heliograph.adapters import serve as server
from heliograph.adapters.serve import address, chain, cost
from heliograph.adapters.serve.caddy import caddy
from heliograph.adapters.serve.nginx import nginx
from heliograph.adapters.serve.onward import own_address
from heliograph.adapters.serve.outfit import Site, write_rungs
from heliograph.adapters.spool import drop_at
from heliograph.cli.files import write_whole
from heliograph.cli.screen import out
from heliograph.model import ConfigError
from heliograph.model.onions import onion_base

_WRITERS = {"nginx": nginx, "caddy": caddy}


def serve(
    folder: Path,
    listen: str,
    *,
    cert: Path | None,
    key: Path | None,
    workers: int,
    drop: Path | None,
    sensing: server.Sensing | None,
    hidden: server.Hidden | None,
    onion_location: str,
    retired: str,
) -> int:
    """Serve until a signal ends it; the exit code.

    Raises:
        ConfigError, StoreError: something cannot be used; nothing was served.
    """
    return server.run(
        folder,
        listen,
        cert=cert,
        key=key,
        workers=workers,
        drop=drop_at(drop, beside=folder) if drop else None,
        sensing=sensing,
        hidden=hidden,
        onion=_offered(onion_location),
        retired=own_address(retired) if retired else "",
        say=lambda line: out.print(line, markup=False, soft_wrap=True),
    )


def _offered(onion_location: str) -> str:
    return onion_base(onion_location, "--onion-location") if onion_location else ""


def mirror_config(
    kind: str,
    folder: Path,
    *,
    names: Sequence[str],
    listen: Sequence[str],
    cert: Path | None,
    key: Path | None,
    ladder: Path | None,
    onion_location: str,
    output: Path | None,
) -> None:
    """Write the configuration for a server of this ``kind`` to ``output``, or show it.

    Raises:
        ConfigError: a folder, file, name or address cannot be used.
    """
    if not folder.is_dir():
        raise ConfigError("no such folder", where=str(folder), remedy="name the folder of a mirror")
    for file in (cert, key):
        if file is not None and not file.is_file():
            raise ConfigError("no such file", where=str(file), remedy="name the chain and its key in PEM")
    places = list(listen) or [":443" if cert else ":80"]
    site = Site(
        folder=folder.absolute(),
        names=tuple(names),
        listens=tuple(address(text) for text in places),
        cert=cert.absolute() if cert else None,
        key=key.absolute() if key else None,
        ladder=ladder.absolute() if ladder else None,
        onion=_offered(onion_location),
    )
    if site.ladder is not None:
        write_rungs(site.ladder)
    text = _WRITERS[kind](site)
    if output is None:
        print(text, end="")
    else:
        write_whole(output, text.encode("utf-8"))


def check(cert: Path | None, key: Path | None, *, as_json: bool) -> int:
    """Measure what the certificate costs each reader, tell it and how to make it cheaper; the exit code.

    Raises:
        ConfigError: there is no certificate, or it cannot be used.
    """
    if cert is None:
        remedy = "add --cert CHAIN.pem; without TLS there is nothing to measure"
        raise ConfigError("what to check is missing", where="serve --check", remedy=remedy)
    costs = cost.measure(cert, key)
    sent = chain.read_chain(cert)
    tips = chain.advice(sent, chain.trusted_names())
    good = all(one.survives for one in costs)
    if as_json:
        print(json.dumps(_as_object(costs, sent, tips, good=good)))
        return 0 if good else 1
    for line in _lines(costs, sent, tips, good=good):
        out.print(line, markup=False, soft_wrap=True)
    return 0 if good else 1


def _as_object(
    costs: Sequence[cost.Cost], sent: Sequence[chain.Certificate], tips: Sequence[str], *, good: bool
) -> dict[str, object]:
    rows = [
        {
            "connection": one.name,
            "handshake": one.handshake,
            "packets": one.packets,
            "computed": one.computed,
            "room": {f"{cost.PACKETS} packets": one.room_in_packets}
            | {f"{limit} bytes": one.room(limit) for limit in cost.BYTES},
            "ok": one.survives,
        }
        for one in costs
    ]
    certificates = [{"size": one.size, "key": one.key, "name": one.common_name} for one in sent]
    return {"ok": good, "page": cost.PAGE, "connections": rows, "chain": certificates, "advice": list(tips)}


def _lines(
    costs: Sequence[cost.Cost], sent: Sequence[chain.Certificate], tips: Sequence[str], *, good: bool
) -> Sequence[str]:
    """The report, at most 80 columns wide."""
    sizes = " + ".join(f"{one.size:,}" for one in sent)
    found = [f"chain      {sizes} B, key {sent[0].key}", ""]
    found.append(f"{'connection':<17}{'handshake':>10}{'packets':>9}   room for an answer within")
    limits = "".join(f"{f'{limit:,} B':>10}" for limit in cost.BYTES)
    found.append(f"{'':<17}{'':>10}{'':>9}{f'{cost.PACKETS} packets':>12}{limits}")
    for one in costs:
        name = one.name + ("*" if one.computed else "")
        room = "".join(f"{one.room(limit):>8,} B" for limit in cost.BYTES)
        found.append(f"{name:<17}{one.handshake:>8,} B{one.packets:>9}{one.room_in_packets:>10,} B{room}")
    if any(one.computed for one in costs):
        found.append("* reckoned, since this OpenSSL does not have it; browsers prefer it")
    found.append(f"packets: for a page of {cost.PAGE:,} B, both ways, {cost.LONG_LINE} of them for a long line")
    found.append("")
    verdict = "arrives under each of these limits" if good else "does NOT arrive under one of these limits"
    found.append(f"A page of {cost.PAGE:,} B {verdict}.")
    for tip in tips:
        found += textwrap.wrap(tip, 80, initial_indent="- ", subsequent_indent="  ")
    if not tips:
        found.append("Nothing to gain: the chain is as short as it can be, one session ticket is sent.")
    return found
