"""Credentials of object stores: a file in the form in which the host gives it out, or the environment.

Rule 1: a file that others can read is refused. Rule 2: no message and no ``repr`` holds a secret; it names where the
secret is from. Rule 3: nothing is looked for elsewhere, such as in a home directory or at an address of a cloud's own
machines: which credentials are used must not depend on where this runs.
"""

from __future__ import annotations

import base64
import binascii
import configparser
import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from heliograph.model import ConfigError

_MOST: Final = 100_000  # bytes of a file of credentials
_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Secret:
    """An access key, and the token that goes with one that is lent for some hours."""

    source: str  # where it is from, for people
    id: str
    key: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSecret:
    """One of an account's two keys, or a shared access signature (SAS)."""

    source: str
    key: str = field(default="", repr=False)
    sas: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GcsSecret:
    """A service account's file, as JSON."""

    source: str
    json: str = field(repr=False)


def s3(path: Path | None) -> S3Secret:
    """From a file in AWS's form, its section [default] or without any, or else from the environment.

    Raises:
        ConfigError: there is none, or it is not in that form.
    """
    if path is None:
        found = {name: os.environ.get(name.upper(), "") for name in _S3}
        source = "AWS_ACCESS_KEY_ID"
        remedy = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file: credentials = ..."
    else:
        found, source = _ini(path), str(path)
        remedy = "write two lines: aws_access_key_id = ... and aws_secret_access_key = ..."
    if not found.get("aws_access_key_id") or not found.get("aws_secret_access_key"):
        raise ConfigError("there is no access key", where=source, remedy=remedy)
    return S3Secret(source=source, **{_S3[name]: value for name, value in found.items() if name in _S3})


_S3: Final = {"aws_access_key_id": "id", "aws_secret_access_key": "key", "aws_session_token": "token"}


def azure(path: Path | None) -> AzureSecret:
    """From a file with one line, or else from AZURE_STORAGE_ACCOUNT_KEY.

    Raises:
        ConfigError: there is none, or it is neither a key nor a SAS.
    """
    source = "AZURE_STORAGE_ACCOUNT_KEY" if path is None else str(path)
    text = (os.environ.get(source, "") if path is None else _read(path)).strip()
    remedy = "put one line there: a key of the storage account (88 characters), or a SAS (sv=...&sig=...)"
    if not text:
        raise ConfigError("there is neither an account key nor a SAS", where=source, remedy=remedy)
    if text.startswith(("?", "sv=")) or "&" in text:
        if "sig=" not in text:
            raise ConfigError("this is no SAS: it has no signature", where=source, remedy=remedy)
        return AzureSecret(source=source, sas=text.removeprefix("?"))
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        # not chained: the error might quote it
        raise ConfigError("this is no account key: it is not in base64", where=source, remedy=remedy) from None
    return AzureSecret(source=source, key=text)


def gcs(path: Path | None) -> GcsSecret:
    """From a service account's JSON file, or the one that GOOGLE_APPLICATION_CREDENTIALS names.

    Raises:
        ConfigError: there is none, or it is not that of a service account.
    """
    remedy = "make a key of type JSON for the service account in Google's console, and name its file"
    named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    if path is None and not named:
        where = "GOOGLE_APPLICATION_CREDENTIALS"
        raise ConfigError("there is no service account", where=where, remedy=f"{remedy}: credentials = ...")
    path = path or Path(named)
    text = _read(path)
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not {"client_email", "private_key"} <= given.keys():
        raise ConfigError("this is not the JSON of a service account", where=str(path), remedy=remedy)
    return GcsSecret(source=str(path), json=text)


def _read(path: Path) -> str:
    """The text of a file that its owner alone can read."""
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & _OTHERS:
                raise ConfigError("others can read these credentials", where=str(path), remedy=f"chmod 600 {path}")
            return file.read(_MOST).decode()
    except OSError as error:
        remedy = "put the credentials there, or name another file"
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path), remedy=remedy) from error
    except UnicodeDecodeError:
        raise ConfigError("this is no text", where=str(path), remedy="put the credentials there") from None


def _ini(path: Path) -> dict[str, str]:
    text = _read(path)
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    whole = text if text.lstrip().startswith(("[", "#", ";")) and "[" in text else f"[default]\n{text}"
    try:
        parser.read_string(whole)
    except configparser.Error:
        # not chained: the error might quote a secret
        raise ConfigError("this is not in AWS's form", where=str(path), remedy="one name = value in a line") from None
    if not parser.has_section("default"):
        raise ConfigError("there is no section [default]", where=str(path), remedy="name the one to use [default]")
    return dict(parser["default"])
