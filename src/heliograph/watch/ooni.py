"""Sightings as OONI measurements, data format 0.2.0, and back.

Rule 1: who measured is never in it: no address, no network unless given, times to the minute. Rule 2: what OONI has a
key for is under that key; what is ours begins with ``x_``. Rule 3: a measurement that is read may be anybody's: every
list has a limit, and what is not understood is left out. Source: ooni/spec, data-formats df-000 to df-008.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from heliograph.model.sighting import BLOCKED, Diagnosis, Fetch, Outcome, Resolve, Result, Sighting

TEST_NAME, TEST_VERSION = "heliograph_mirror", "0.1.0"
_TIME = "%Y-%m-%d %H:%M:%S"
_MOST = 400  # entries read of one list
_BLOCKING = {"dns": "dns", "tcp_ip": "tcp_ip", "blockpage": "http-diff"}  # all other verdicts are "http-failure"
_HOW = {"getaddrinfo": "system", "udp": "udp", "tcp": "tcp", "doh": "doh"}
_ENGINE = {ours: theirs for theirs, ours in _HOW.items()}


def to_ooni(
    sighting: Sighting,
    diagnosis: Diagnosis,
    *,
    version: str,
    country: str = "ZZ",
    asn: str = "AS0",
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """One measurement. ``version`` is this software's; ``country`` and ``asn`` are withheld unless given."""
    started = sighting.started.astimezone(UTC).replace(second=0, microsecond=0)
    ended = max((one.outcome.ended for one in sighting.results), default=0.0)
    return {
        "annotations": {"engine_name": "heliograph", "engine_version": version, **(annotations or {})},
        "data_format_version": "0.2.0",
        "extensions": {"httpt": 0, "dnst": 0, "tcpconnect": 0, "tlshandshake": 0, "netevents": 0},
        "input": sighting.mirror,
        "measurement_start_time": started.strftime(_TIME),
        "probe_asn": asn,
        "probe_cc": country,
        "probe_ip": "127.0.0.1",
        "probe_network_name": "",
        "report_id": "",
        "resolver_asn": "AS0",
        "resolver_ip": "127.0.0.2",
        "resolver_network_name": "",
        "software_name": "heliograph",
        "software_version": version,
        "test_keys": _test_keys(sighting.results, diagnosis),
        "test_name": TEST_NAME,
        "test_runtime": round(ended, 3),
        "test_start_time": started.strftime(_TIME),
        "test_version": TEST_VERSION,
    }


def _test_keys(results: Sequence[Result], diagnosis: Diagnosis) -> dict[str, Any]:
    keys: dict[str, Any] = {
        "queries": [],
        "tcp_connect": [],
        "tls_handshakes": [],
        "requests": [],
        "network_events": [],
        "x_tcp_info": [],
    }
    for number, one in enumerate(results, 1):
        common = {
            "t0": round(one.outcome.started, 4),
            "t": round(one.outcome.ended, 4),
            "tags": one.check.tag.split(),
            "transaction_id": number,
            "x_tag": one.check.tag,
        }
        if isinstance(one.check, Resolve):
            keys["queries"].append(_query(one.check, one.outcome) | common)
        else:
            for name, entry in _connection(one.check, one.outcome):
                keys[name].append(entry | common)
    keys["requests"].reverse()  # newest first, as OONI has it
    blocked = diagnosis.kind in BLOCKED and not diagnosis.readable
    keys |= {
        "control_failure": None,
        "accessible": diagnosis.readable,
        "blocking": _BLOCKING.get(diagnosis.kind, "http-failure") if blocked else False,
        "x_class": diagnosis.kind,
        "x_evidence": list(diagnosis.evidence),
        "x_controlled": diagnosis.controlled,
    }
    if diagnosis.kind == "curtain":
        keys["x_curtain"] = _curtain(results, diagnosis)
    return keys


def _query(check: Resolve, outcome: Outcome) -> dict[str, Any]:
    def answers(addresses: Sequence[str]) -> list[dict[str, Any]]:
        return [
            {"answer_type": "AAAA", "ipv6": ip, "ttl": None}
            if ":" in ip
            else {"answer_type": "A", "ipv4": ip, "ttl": None}
            for ip in addresses
        ]

    return {
        "hostname": check.name,
        "query_type": "A",
        "engine": _ENGINE[check.how],
        "resolver_address": check.server,
        "answers": answers(outcome.addresses),
        "failure": outcome.failure or None,
        "x_second_answers": answers(outcome.more),
    }


def _connection(check: Fetch, outcome: Outcome) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of one connection, by list, as far as it got."""
    failure = outcome.failure or None
    address = f"[{check.ip}]:{check.port}" if ":" in check.ip else f"{check.ip}:{check.port}"
    if outcome.stage == "resolve":
        return
    at_connect = outcome.stage == "connect" and bool(failure)
    status = {"failure": failure if at_connect else None, "success": not at_connect}
    yield "tcp_connect", {"ip": check.ip, "port": check.port, "status": status}
    if check.tls and outcome.stage in ("tls", "http"):
        yield (
            "tls_handshakes",
            {
                "network": "tcp",
                "address": address,
                "server_name": check.sni,
                "no_tls_verify": not check.verify,
                "failure": failure if outcome.stage == "tls" else None,
                "so_error": None,
                "peer_certificates": [],
            },
        )
    if check.path and outcome.stage == "http":
        host = f"[{check.host}]" if ":" in check.host else check.host
        url = f"{'https' if check.tls else 'http'}://{host}:{check.port}{check.path}"
        yield (
            "requests",
            {
                "network": "tcp",
                "address": address,
                "alpn": "http/1.1" if check.tls else "",
                "failure": failure,
                "request": {"method": "POST" if check.upload else "GET", "url": url, "x_transport": "tcp"},
                "response": {"code": outcome.status, "body_is_truncated": bool(failure), "x_body_length": outcome.body},
            },
        )
    for at, size in outcome.reads:
        event = {"operation": "read", "num_bytes": size, "address": address, "proto": "tcp", "failure": None}
        yield "network_events", event | {"x_at": round(at, 4)}
    yield "x_tcp_info", _kernel(outcome)


_SECONDS = ("rtt", "hello", "first", "silence")
_NUMBERS = ("received", "sent", "acked", "segments", "unacked", "retransmits", "answers")


def _kernel(outcome: Outcome) -> dict[str, Any]:
    return {name: round(getattr(outcome, name), 4) for name in (*_SECONDS, *_NUMBERS)}


def _kernel_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    seconds = {name: _real(entry.get(name)) for name in _SECONDS}
    return {**seconds, **{name: _whole(entry.get(name)) for name in _NUMBERS}}


def _curtain(results: Sequence[Result], diagnosis: Diagnosis) -> dict[str, Any]:
    rungs = [one for one in results if one.check.tag.startswith("ladder=")]
    stalled = [one for one in rungs if not one.outcome.ok]

    def size(one: Result) -> int:
        return int(one.check.tag.partition("=")[2].partition(" ")[0]) * 1_024

    def fine(tag: str) -> bool | None:
        found = [one.outcome.ok for one in results if one.check.tag == tag]
        return any(found) if found else None

    return {
        "verdict": "curtain",
        "unit": diagnosis.unit or None,
        "x_threshold": diagnosis.threshold,
        "stall_bytes": [one.outcome.received for one in stalled],
        "stall_segments": [one.outcome.segments for one in stalled],
        "largest_ok_body": max((size(one) for one in rungs if one.outcome.ok), default=0),
        "smallest_failed_body": min((size(one) for one in stalled), default=0),
        "repeats": diagnosis.repeats,
        "fresh_conn_ok": fine("fresh"),
        "control_ok": fine("control=large"),
        "dribble_ok": fine("dribble"),
        "upload_ok": fine("upload"),
    }


# ---------------------------------------------------------------- reading


def from_ooni(measurement: Any, *, vantage: str, network: str = "") -> Sighting | None:  # noqa: ANN401 - anybody's
    """The sighting in a measurement of ours or of OONI's ``web_connectivity``; None if there is none in it.

    ``vantage`` is whom the newsroom takes it for; ``network`` is the measurement's own where it is "".
    """
    whole = _dict(measurement)
    keys, url = _dict(whole.get("test_keys")), _text(whole.get("input"))
    try:
        started = datetime.strptime(_text(whole.get("measurement_start_time")), _TIME).replace(tzinfo=UTC)
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    queries = [_resolved(entry) for entry in _entries(keys.get("queries"))]
    results = [*queries, *_fetched(keys, parts.hostname, tls=parts.scheme == "https")]
    if not results:
        return None
    base = url if url.endswith("/") else url + "/"
    return Sighting(
        mirror=base,
        vantage=vantage,
        network=network or _text(whole.get("probe_asn")) or "AS0",
        started=started,
        results=tuple(results),
    )


def _resolved(entry: Mapping[str, Any]) -> Result:
    how = _HOW.get(_text(entry.get("engine")), "system")
    check = Resolve(
        name=_text(entry.get("hostname")),
        how=how,  # type: ignore[arg-type]
        server=_text(entry.get("resolver_address")),
        tag=_tag(entry) or how,
    )
    outcome = Outcome(
        failure=_failure(entry.get("failure")),
        stage="resolve",
        addresses=_addresses(entry.get("answers")),
        more=_addresses(entry.get("x_second_answers")),
        started=_real(entry.get("t0")),
        ended=_real(entry.get("t")),
    )
    return Result(check=check, outcome=outcome)


def _fetched(keys: Mapping[str, Any], host: str, *, tls: bool) -> Iterator[Result]:
    """One result for each connection: its entries have one ``transaction_id``, or one address where there is none."""
    by_line: dict[str, Result] = {}

    def line(entry: Mapping[str, Any], address: str) -> str:
        number = entry.get("transaction_id")
        return str(number) if isinstance(number, int) and number else address

    for entry in _entries(keys.get("tcp_connect")):
        ip, port = _text(entry.get("ip")), _whole(entry.get("port"), 443)
        failure = _failure(_dict(entry.get("status")).get("failure"))
        check = Fetch(ip=ip, port=port, tls=False, host=host, tcp_only=True, tag=_tag(entry) or "page")
        started, ended = _real(entry.get("t0")), _real(entry.get("t"))
        outcome = Outcome(failure=failure, stage="connect", started=started, ended=ended)
        by_line.setdefault(line(entry, f"{ip}:{port}"), Result(check=check, outcome=outcome))
    for entry in _entries(keys.get("tls_handshakes")):
        if (held := by_line.get(key := line(entry, _text(entry.get("address"))))) is not None:
            sni, verify = _text(entry.get("server_name")), entry.get("no_tls_verify") is not True
            known = {"check": _as_fetch(held, tls=True, sni=sni, verify=verify, tcp_only=False)}
            outcome = replace(held.outcome, failure=_failure(entry.get("failure")), stage="tls")
            by_line[key] = Result(outcome=outcome, **known)
    for entry in _entries(keys.get("requests")):
        if (held := by_line.get(key := line(entry, _text(entry.get("address"))))) is not None:
            response = _dict(entry.get("response"))
            path = urlsplit(_text(_dict(entry.get("request")).get("url"))).path or "/"
            status = _whole(response.get("code"))
            body = response.get("body")
            opening = body[:4_096] if isinstance(body, str) else ""
            size = _whole(response.get("x_body_length")) or len(opening)
            failure = _failure(entry.get("failure"))
            outcome = replace(
                held.outcome, failure=failure, stage="http", status=status, body=size, opening=opening,
                first=held.outcome.first or (0.001 if status else 0.0), answers=int(not failure),
            )  # fmt: skip
            by_line[key] = Result(check=_as_fetch(held, path=path, tcp_only=False), outcome=outcome)
    for entry in _entries(keys.get("x_tcp_info")):
        if (held := by_line.get(key := line(entry, ""))) is not None:
            by_line[key] = replace(held, outcome=replace(held.outcome, **_kernel_of(entry)))
    yield from by_line.values()


def _as_fetch(held: Result, **more: object) -> Fetch:
    assert isinstance(held.check, Fetch)
    return replace(held.check, **more)  # type: ignore[arg-type]


def _entries(value: object) -> list[Mapping[str, Any]]:
    return [_dict(entry) for entry in value[:_MOST]] if isinstance(value, list) else []


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value[:2_000] if isinstance(value, str) else ""


def _failure(value: object) -> str:
    return value[:100] if isinstance(value, str) else ""


def _whole(value: object, other: int = 0) -> int:
    """A number that can be one of bytes, ports or statuses, else ``other``."""
    return int(value) if _is_number(value) else other


def _real(value: object) -> float:
    return float(value) if _is_number(value) else 0.0


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12


def _tag(entry: Mapping[str, Any]) -> str:
    return _text(entry.get("x_tag"))[:40]


def _addresses(value: object) -> tuple[str, ...]:
    found = [_text(entry.get("ipv4")) or _text(entry.get("ipv6")) for entry in _entries(value)]
    return tuple(dict.fromkeys(ip for ip in found if ip))[:16]
