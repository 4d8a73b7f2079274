"""Calls to CloudFront's API by boto3, in threads, and what went wrong with them in plain words.

Rule 1: keys come from one file or from the environment that is given; the machine's own profiles and settings of the
provider's tools count for nothing. Rule 2: what boto3 raises ends here. Its errors may quote what was sent, so none
of them is shown or chained; of what the host says, secrets are cut out. Rule 3: boto3 tries a call four times; a
throttled one is made again twice more, after a pause.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import anyio
import anyio.to_thread
import boto3.session
import botocore.session
from botocore import exceptions as boto
from botocore.config import Config

from heliograph.model import QuotaError, StoreError

_FILE = 65_536  # bytes of a file of keys that are read
_PAUSES = (2.0, 5.0)  # seconds
_SAID = 200  # characters of what the host says that are shown
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
_DOCUMENT = "docs/operating/cloudfront.md"
_NEW_KEYS = "put valid keys there; they are read again at the next try"
_CLOCK = "set this machine's clock (timedatectl set-ntp true)"
_TROUBLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "InvalidClientTokenId": ("the access key is not known there", _NEW_KEYS),
        "UnrecognizedClientException": ("the access key is not known there", _NEW_KEYS),
        "ExpiredToken": ("the session token has expired", _NEW_KEYS),
        "ExpiredTokenException": ("the session token has expired", _NEW_KEYS),
        "SignatureDoesNotMatch": (
            "the secret key does not fit the access key, or this machine's clock is wrong",
            f"{_NEW_KEYS}; or {_CLOCK}",
        ),
        "RequestTimeTooSkewed": ("this machine's clock is wrong", _CLOCK),
        "RequestExpired": ("this machine's clock is wrong", _CLOCK),
        "AccessDenied": ("the keys do not allow this", f"give them the policy of {_DOCUMENT}"),
        "InvalidOriginAccessControl": (
            "there is no such origin access control",
            f"make one as {_DOCUMENT} says, and give its id",
        ),
    }
)


class RefusedError(StoreError):
    """The host said no, with a code of its own."""

    def __init__(self, what: str, *, where: str, remedy: str, code: str) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.code = code


class Calls:
    """Makes calls with one client, which is made when it is first needed."""

    def __init__(
        self,
        *,
        where: str,
        credentials: Path | None,
        environ: Mapping[str, str],
        endpoint: str,
        patience: float,
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._where, self._credentials, self._environ = where, credentials, environ
        self._endpoint, self._patience, self._pause = endpoint, patience, pause
        self._client: Any = None  # boto3 has no types
        self._making = anyio.Lock()
        self._hidden: set[str] = set()

    def hide(self, secret: str) -> None:
        """Let no error show this."""
        self._hidden.add(secret)

    async def make(self, operation: str, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3 has no types
        """Make a call, a throttled one again up to a bound.

        Raises:
            StoreError: it failed; a ``RefusedError`` where the host gave a code.
        """
        pauses = list(_PAUSES)
        while True:
            try:
                call = partial(getattr(await self._connected(), operation), **given)
                # A call that nobody waits for any more may still be done: whoever begins again finds what it did.
                answer: dict[str, Any] = await anyio.to_thread.run_sync(call, abandon_on_cancel=True)
            except StoreError:
                raise
            except boto.ClientError as error:
                code = str(error.response.get("Error", {}).get("Code", ""))
                if code not in _THROTTLED or not pauses:
                    raise self._refusal(code, error.response) from None
                await self._pause(pauses.pop(0))
            except Exception as error:  # noqa: BLE001 - the port's promise: whatever the host does is a StoreError
                raise self._failure(error) from None
            else:
                return answer

    @contextmanager
    def read(self) -> Iterator[None]:
        """Within it, an answer that lacks what it should have is a failure of the host.

        Raises:
            StoreError: it is one.
        """
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._failure(error) from None

    def _refusal(self, code: str, response: Mapping[str, Any]) -> StoreError:
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code == "TooManyDistributions":
            return QuotaError(
                "the account may have no more distributions",
                where=self._where,
                remedy="retire one, or ask the provider for a larger quota",
            )
        if code in _THROTTLED:
            what, remedy = "it asks for fewer calls", "it is tried again later; are two publishers at work?"
        elif code in _TROUBLES:
            what, remedy = _TROUBLES[code]
        elif status >= 500:
            what, remedy = f"it is out of order (status {status})", "it is tried again later"
        else:
            what, remedy = f"it refused: {code} ({self._shown(response)})", f"see {_DOCUMENT}"
        if remedy.startswith(_NEW_KEYS):
            self._client = None
            remedy = f"{self._place}: {remedy}"
        return RefusedError(what, where=self._where, remedy=remedy, code=code)

    def _failure(self, error: Exception) -> StoreError:
        kind = type(error).__name__
        match error:
            case boto.SSLError():
                what, remedy = "its certificate is not valid", "somebody may stand in between; try another network"
            case boto.ConnectionError() | boto.HTTPClientError():
                what, remedy = f"no connection to it ({kind})", "check the network, or set HTTPS_PROXY"
            case boto.BotoCoreError():
                what, remedy = f"the call cannot be made ({kind})", f"see {_DOCUMENT}"
            case _:
                what = f"it cannot be asked, or its answer cannot be read ({kind})"
                remedy = "it is tried again later"
        return StoreError(what, where=self._where, remedy=remedy)

    def _shown(self, response: Mapping[str, Any]) -> str:
        """What the host says, without anything secret that it quotes."""
        said = str(response.get("Error", {}).get("Message", ""))
        for hidden in self._hidden:
            said = said.replace(hidden, "…")
        return "".join(letter if letter.isprintable() else " " for letter in said)[:_SAID]

    async def _connected(self) -> Any:  # noqa: ANN401 - boto3 has no types
        async with self._making:
            if self._client is None:
                self._client = await anyio.to_thread.run_sync(self._connect)
            return self._client

    def _connect(self) -> Any:  # noqa: ANN401 - boto3 has no types
        access, secret, token = self._keys()
        self._hidden |= {access, secret, token} - {""}
        none, nowhere = (None, None, None, None), (None, None, os.devnull, None)
        plain = {"profile": none, "config_file": nowhere, "credentials_file": nowhere}
        session = boto3.session.Session(
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            aws_session_token=token or None,
            region_name="us-east-1",
            botocore_session=botocore.session.Session(session_vars=plain),
        )
        config = Config(
            connect_timeout=5,
            read_timeout=self._patience,
            retries={"mode": "standard", "max_attempts": 3},  # beside the first
            ignore_configured_endpoint_urls=True,
        )
        return session.client("cloudfront", endpoint_url=self._endpoint or None, config=config)

    def _keys(self) -> tuple[str, str, str]:
        """Access key id, secret key, session token or ""."""
        given: Mapping[str, str]
        if self._credentials is None:
            given = {key.lower(): value for key, value in self._environ.items() if key.startswith("AWS_")}
        else:
            parser = configparser.RawConfigParser()
            try:
                parser.read_string(text_of(self._credentials, "the file of keys"))
                given = dict(parser["default"])
            except (configparser.Error, KeyError):
                given = {}  # the parser's error would quote a line of the file
        access, secret = given.get("aws_access_key_id", ""), given.get("aws_secret_access_key", "")
        if not access or not secret:
            raise StoreError(
                "there are no keys for it",
                where=f"{self._where}, {self._place}",
                remedy="give aws_access_key_id and aws_secret_access_key; in a file, under [default]",
            )
        return access, secret, given.get("aws_session_token", "")

    @property
    def _place(self) -> str:
        return str(self._credentials) if self._credentials else "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


def text_of(path: Path, what: str) -> str:
    """A small file of text.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(_FILE).decode()
    except OSError as error:
        why = error.strerror or "it cannot be read"
    except UnicodeDecodeError:
        why = "it is no text"
    raise StoreError(f"{what}: {why}", where=str(path), remedy="give a file that this user can read")
