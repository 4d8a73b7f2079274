"""What the emulated service says no with: a code, as its documentation spells it, and the status that goes with it."""

from __future__ import annotations

from types import MappingProxyType

# Every code but these is a 400.
_STATUS = MappingProxyType(
    {
        "AccessDenied": 403,
        "ExpiredToken": 403,
        "InvalidClientTokenId": 403,
        "MissingAuthenticationToken": 403,
        "RequestTimeTooSkewed": 403,
        "SignatureDoesNotMatch": 403,
        "NoSuchCachePolicy": 404,
        "NoSuchDistribution": 404,
        "NoSuchInvalidation": 404,
        "NoSuchOperation": 404,
        "NoSuchOrigin": 404,
        "NoSuchOriginAccessControl": 404,
        "NoSuchOriginRequestPolicy": 404,
        "NoSuchResource": 404,
        "NoSuchResponseHeadersPolicy": 404,
        "CNAMEAlreadyExists": 409,
        "DistributionAlreadyExists": 409,
        "DistributionNotDisabled": 409,
        "OriginAccessControlAlreadyExists": 409,
        "OriginAccessControlInUse": 409,
        "ResourceInUse": 409,
        "PreconditionFailed": 412,
        "BatchTooLarge": 413,
        "RequestEntityTooLarge": 413,
        "InternalError": 500,
        "ServiceUnavailable": 503,
    }
)


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """The call is not done, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, _STATUS.get(code, 400)
