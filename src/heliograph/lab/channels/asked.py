"""What was asked of a provider, in any of the forms in which its clients may send it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Fields of the query and of the body; ``files`` are the parts of a form that are files."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def asked(request: web.BaseRequest, body: bytes) -> Asked:
    """The fields of a request; those of the body win. What nobody can read is left out."""
    fields = dict(request.query)
    files: dict[str, bytes] = {}
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        given = parsed(body)
        fields.update({name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()})
    elif kind == "application/x-www-form-urlencoded":
        fields.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    elif kind == "multipart/form-data":
        for name, filename, value in _parts(request.headers["Content-Type"], body):
            if filename:
                files[name] = value
            else:
                fields[name] = value.decode("utf-8", "replace")
    return Asked(fields=fields, files=files)


def parsed(body: bytes) -> dict[str, Any]:
    """An object of JSON, empty where it is none."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _parts(content_type: str, body: bytes) -> list[tuple[str, str, bytes]]:
    """Name, file name and content of each part of a form."""
    mark = _parameter(content_type, "boundary")
    if not mark:
        return []
    found = []
    for piece in (b"\r\n" + body).split(b"\r\n--" + mark.encode())[1:]:
        head, gap, content = piece.partition(b"\r\n\r\n")
        if not gap or piece.startswith(b"--"):
            continue
        lines = [line for line in head.decode("utf-8", "replace").split("\r\n") if line]
        where = next((line for line in lines if line.lower().startswith("content-disposition:")), "")
        found.append((_parameter(where, "name"), _parameter(where, "filename"), content))
    return found


def _parameter(header: str, name: str) -> str:
    for part in header.split(";")[1:]:
        key, _, value = part.strip().partition("=")
        if key.lower() == name:
            return value.strip('"')
    return ""
