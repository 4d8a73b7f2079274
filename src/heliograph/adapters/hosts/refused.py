"""What a provider's refusal means, in words for the newsroom.

The library hands on the provider's answer as text: the status and, in XML, a code that is part of the provider's
interface. Rule 1: the code decides, then the status. Rule 2: nothing of that text is shown but the code: it may hold an
address with a signature in it. Rule 3: what may be over by itself is ``BusyError``.
"""

from __future__ import annotations

import re
from typing import Final

from heliograph.adapters.hosts.objects import BusyError
from heliograph.model import StoreError

_STATUS = re.compile(r"non-2xx status code: ([0-9]{3})\b|\(code: ([0-9]{3})\)")
_CODE = re.compile(r"<Code>\s*([A-Za-z0-9._-]{1,80})\s*</Code>|\(code: ([A-Za-z][A-Za-z0-9._-]{0,79})\)")
_NO_PLACE: Final = ("NoSuchBucket", "ContainerNotFound", "The specified container does not exist")
_WRONG: Final = frozenset(
    {
        "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidSecurity", "AuthenticationRequired",
        "AuthenticationFailed", "AuthorizationFailure", "InvalidAuthenticationInfo", "NoAuthenticationInformation",
        "InvalidClientTokenId", "NotSignedUp", "AccountProblem",
    }
)  # fmt: skip
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_SKEWED: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_ELSEWHERE: Final = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)
_FULL: Final = frozenset(
    {
        "QuotaExceeded", "AccountQuotaExceeded", "StorageQuotaExceeded", "InsufficientStorage", "EntityTooLarge",
        "XMinioStorageFull", "UserProjectAccountProblem", "BillingDisabled", "AccountIsDisabled", "AccountDisabled",
    }
)  # fmt: skip
_BUSY: Final = frozenset(
    {
        "SlowDown", "Throttling", "RequestTimeout", "RequestLimitExceeded", "OperationAborted", "InternalError",
        "ServiceUnavailable", "ServerBusy", "OperationTimedOut", "ContainerBeingDeleted", "TooManyRequests",
        "RateLimitExceeded", "ConditionalRequestConflict",
    }
)  # fmt: skip


def refused(error: Exception, *, place: str, source: str) -> StoreError:
    """What came of a request to ``place`` with the credentials of ``source``."""
    text = str(error)
    status, code = _found(_STATUS, text), _found(_CODE, text)
    number = int(status or 0)
    told = f" ({code or status})" if code or status else ""
    if number == 404 or any(name in text for name in _NO_PLACE):
        remedy = "make it at the provider, or mend its name; heliograph makes no buckets"
        return StoreError(f"there is no such bucket or container{told}", where=place, remedy=remedy)
    if "configured region" in text or code in _ELSEWHERE:
        remedy = "set region to the one in which the bucket was made"
        return StoreError(f"the bucket is in another region{told}", where=place, remedy=remedy)
    if code in _EXPIRED:
        remedy = f"put fresh credentials, token included, into {source}"
        return StoreError(f"the credentials have expired{told}", where=place, remedy=remedy)
    if code in _SKEWED:
        remedy = "set this machine's clock: it is off by minutes, and requests are signed with the time"
        return StoreError(f"the provider's clock says otherwise{told}", where=place, remedy=remedy)
    if code in _FULL or number in {402, 507}:
        remedy = "look at the account's quota and bills; what was written stays whole"
        return StoreError(f"the account may not store more{told}", where=place, remedy=remedy)
    if code in _BUSY or number in {408, 429} or (number >= 500 and number != 501):
        return BusyError(f"the provider cannot answer now{told}", where=place, remedy="the next pass tries again")
    if code in _WRONG or number == 401:
        remedy = f"compare {source} with what the provider gave out; an ended SAS and a wrong clock look the same"
        return StoreError(f"the credentials are not accepted{told}", where=place, remedy=remedy)
    if number == 403:
        remedy = f"allow reading, writing, listing and deleting to {source}: docs/operating/buckets.md has the policy"
        return StoreError(f"the credentials do not allow this{told}", where=place, remedy=remedy)
    if named := re.search(r'object with invalid path: Path "([^"]{0,120})', text):
        remedy = "remove it, or give the mirror a folder of its own: prefix = ..."
        return StoreError(f"it holds a file whose name hides all others: {named[1]!r}", where=place, remedy=remedy)
    if not number and ("HTTP error" in text or "error decoding response" in text):
        what = "it does not answer in time" if "TimedOut" in text or "Timeout" in text else "it cannot be reached"
        return BusyError(what, where=place, remedy="see whether the address is right and the network is up")
    return StoreError(f"an answer that makes no sense{told}", where=place, remedy=_remedy(text))


def missing(error: Exception) -> bool:
    """Whether ``error`` says no more than that the object is not there."""
    return isinstance(error, FileNotFoundError) and not any(name in str(error) for name in _NO_PLACE)


def _remedy(text: str) -> str:
    if "ETag" in text:
        return "this service does not name its objects' versions (ETag): it cannot be used"
    return "see whether the endpoint is that of an object store"


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return next((group for group in match.groups() if group), "") if match else ""
