"""From the file to a configuration, or to an error that names the field and how to mend it."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, Tag, ValidationError
from pydantic.fields import FieldInfo

from heliograph.config.whole import Config
from heliograph.model import ConfigError

MAX_BYTES = 1_000_000  # of a configuration file


def load(path: Path) -> Config:
    """Read ``path``.

    Raises:
        ConfigError: the file is missing, no TOML, or a field is wrong; names the field and the remedy.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as err:
        remedy = "make one with: heliograph init DIR --source URL"
        raise ConfigError("there is no such file", where=str(path), remedy=remedy) from err
    except OSError as err:
        raise ConfigError(f"cannot be read: {err.strerror}", where=str(path)) from err
    if len(data) > MAX_BYTES:
        raise ConfigError("is larger than 1 MB", where=str(path))
    return parse(data.decode("utf-8", "replace"), path)


def parse(text: str, path: Path) -> Config:
    """The configuration in ``text``, whose file is ``path``.

    Raises:
        ConfigError: as ``load``.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise ConfigError(f"is not TOML: {err}", where=str(path)) from err
    if "folder" in tables:
        raise ConfigError("unknown field", where=f"{path}: folder", remedy=_suggest("folder", Config))
    try:
        return Config.model_validate({**tables, "folder": path.resolve().parent})
    except ValidationError as err:
        raise _explained(err, path) from err


def fields(table: type[BaseModel] = Config, prefix: str = "") -> Iterator[tuple[str, str, object]]:
    """Every field as (dotted name, description, default), for the manual and its test.

    Where a table has kinds, the first one's fields come whole; of each other, as ``mirror:s3.bucket``, what differs.
    """
    for name, info in table.model_fields.items():
        if info.exclude:
            continue
        kinds = _inner_tables(info)
        if not kinds:
            yield f"{prefix}{name}", info.description or "", None if info.is_required() else info.default
        first: dict[str, tuple[str, object]] = {}
        for tag, inner in kinds.items():
            place = f"{prefix}{name}:{tag}." if first else f"{prefix}{name}."
            listed = {field: (words, default) for field, words, default in fields(inner, place)}
            for field, told in listed.items():
                if first.get(field.rpartition(".")[2]) != told:
                    yield field, *told
            first = first or {field.rpartition(".")[2]: told for field, told in listed.items()}


def _inner_tables(info: FieldInfo) -> dict[str, type[BaseModel]]:
    """The tables that a field holds, by kind; under "" where there is one."""
    found: dict[str, type[BaseModel]] = {}

    def walk(annotation: Any, tag: str) -> None:  # noqa: ANN401
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found[tag] = annotation
        arguments = get_args(annotation)
        tag = next((one.tag for one in arguments if isinstance(one, Tag)), tag)
        for inner in arguments:
            walk(inner, tag)

    walk(info.annotation, "")
    return found


def _explained(err: ValidationError, path: Path) -> ConfigError:
    """The first fault of ``err`` as what, where and how to mend it."""
    faults = err.errors()
    # a misspelt field is also a missing one: the slip is what helps
    fault = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])
    loc, table = _place(fault["loc"])
    if fault["type"] == "union_tag_invalid":
        loc = (*loc, "kind")
    place = ".".join(f"[{part}]" if isinstance(part, int) else str(part) for part in loc).replace(".[", "[")
    where = f"{path}: {place}" if place else str(path)
    if fault["type"] == "extra_forbidden":
        return ConfigError("unknown field", where=where, remedy=_suggest(str(loc[-1]), table))
    if fault["type"] == "union_tag_invalid":
        known = str(fault["ctx"]["expected_tags"]).replace("'", '"')
        return ConfigError(f'"{fault["ctx"]["tag"]}" is none of {known}', where=where)
    if fault["type"] == "missing":
        return ConfigError("is missing", where=where, remedy="every newsroom needs it; see docs/operating/config.md")
    message = fault["msg"].removeprefix("Value error, ")
    given = fault.get("input")
    shown = f", not {given!r}" if isinstance(given, str | int | float | bool) and fault["type"] != "value_error" else ""
    return ConfigError(f"{message}{shown}", where=where)


def _place(loc: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], type[BaseModel]]:
    """Where a fault is, without the kinds of tables that pydantic puts in between; and the table that it is in."""
    table: type[BaseModel] = Config
    kinds: dict[str, type[BaseModel]] = {}
    parts: list[int | str] = []
    for part in loc:
        if isinstance(part, str) and part in kinds:
            table, kinds = kinds[part], {}
            continue
        parts.append(part)
        if isinstance(part, str) and part in table.model_fields:
            kinds = _inner_tables(table.model_fields[part])
            table = kinds.get("", table)
    return tuple(parts), table


def _suggest(name: str, table: type[BaseModel]) -> str:
    known = [field for field, info in table.model_fields.items() if not info.exclude]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f'did you mean "{near[0]}"?' if near else f"fields here: {', '.join(known)}"
