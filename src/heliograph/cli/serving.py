"""``mirror-config``, and ``serve --check``: another server told to do what ours does, and what a certificate costs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from heliograph.adapters.serve import address
from heliograph.adapters.serve.caddy import caddy
from heliograph.adapters.serve.nginx import nginx
from heliograph.adapters.serve.outfit import Site, write_rungs
from heliograph.model import ConfigError

_WRITERS = {"nginx": nginx, "caddy": caddy}


def mirror_config(
    server: str,
    folder: Path,
    *,
    names: Sequence[str],
    listen: Sequence[str],
    cert: Path | None,
    key: Path | None,
    ladder: Path | None,
    output: Path | None,
) -> None:
    """Write the configuration for ``server`` to ``output``, or show it.

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
    )
    if site.ladder is not None:
        write_rungs(site.ladder)
    text = _WRITERS[server](site)
    if output is None:
        print(text, end="")
    else:
        _write(output, text)


def _write(file: Path, text: str) -> None:
    """Whole or not at all. Raises ConfigError."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(file)) from error
