"""What a client gave with a call: a form, a form with files, or JSON, each within bounds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from heliograph.lab.channels.telegram.refused import Refused, bad

MOST_FIELDS = 200
_BOUNDARY = re.compile(r'boundary="?([^";,]{1,70})"?')
_NAME = re.compile(rb'name="([^"]{1,200})"')
_FILE = re.compile(rb'filename="([^"]{0,200})"')


class Given:
    """The parameters of one call. Each reader raises ``Refused`` for what the API would not take."""

    def __init__(self, fields: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        self._fields, self._files = fields, files

    def text(self, name: str) -> str:
        """A string, "" where there is none."""
        value = self._fields.get(name, "")
        if isinstance(value, bool):
            return str(value).lower()
        return value if isinstance(value, str) else json.dumps(value)

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        try:
            return int(self.text(name) or ("" if default is None else default))
        except ValueError:
            raise bad(f"parameter {name} must be a number") from None

    def flag(self, name: str) -> bool:
        """Whether it is true."""
        return self.text(name).lower() in ("true", "1", "yes")

    def json(self, name: str) -> Any:  # noqa: ANN401 - it may be anything
        """JSON that stands in a string, or in the body itself; None where there is none."""
        value = self._fields.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise bad(f"can't parse {name.replace('_', ' ')} JSON object") from None

    def file(self, name: str) -> bytes | None:
        """An uploaded file, by its field or by the field that it names; None where nothing was uploaded."""
        said = self.text(name) if name in self._fields else ""
        return self._files.get(said.removeprefix("attach://") if said.startswith("attach://") else name)

    def attached(self, said: str) -> bytes | None:
        """The file that "attach://..." stands for."""
        return self._files.get(said.removeprefix("attach://")) if said.startswith("attach://") else None


def given(kind: str, query: Mapping[str, str], body: bytes) -> Given:
    """Out of a request whose Content-Type is ``kind``.

    Raises:
        Refused: it is none of the forms.
    """
    fields: dict[str, Any] = dict(query)
    files: dict[str, bytes] = {}
    try:
        if kind.startswith("application/json"):
            told = json.loads(body or b"{}")
            fields |= told if isinstance(told, dict) else {}
        elif kind.startswith("multipart/form-data"):
            more, files = _parts(kind, body)
            fields |= more
        elif body:
            fields |= dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except (ValueError, RecursionError):
        raise Refused(400, "Bad Request: can't parse the request") from None
    return Given(fields, files)


def _parts(kind: str, body: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    match = _BOUNDARY.search(kind)
    if match is None:
        raise ValueError("no boundary")
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    pieces = (b"\r\n" + body).split(b"\r\n--" + match[1].encode())
    for piece in pieces[1 : MOST_FIELDS + 1]:
        head, found, content = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not found or name is None:
            continue
        if _FILE.search(head):
            files[name[1].decode()] = content
        else:
            fields[name[1].decode()] = content.decode()
    return fields, files
