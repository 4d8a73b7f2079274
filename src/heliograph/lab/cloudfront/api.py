"""The API of 2020-05-31 as a function: a request in, an answer out, no socket.

Rule 1: whatever is asked, there is an answer, and it is one that the service documents. Rule 2: a call is admitted
before anything of it is read. Rule 3: signatures have the right form and scope; that they are right is not checked,
since keys are no business of the lab.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from heliograph.lab.cloudfront import catalogue as forms
from heliograph.lab.cloudfront import replies
from heliograph.lab.cloudfront.account import Account
from heliograph.lab.cloudfront.markup import Element, parse
from heliograph.lab.cloudfront.refusals import Refusal
from heliograph.lab.cloudfront.replies import Reply
from heliograph.lab.cloudfront.shapes import Fields, Struct

VERSION = "/2020-05-31/"
_ID = "([A-Za-z0-9-]{1,64})"
_CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([A-Za-z0-9_]{3,128})/[0-9]{8}/([a-z0-9-]{1,30})/([a-z0-9-]{1,30})/aws4_request, "
    r"SignedHeaders=[a-z0-9;-]{1,2000}, Signature=[0-9a-f]{64}"
)
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to the API. Header names are of small letters."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


class _Route(NamedTuple):
    method: str
    path: re.Pattern[str]
    mark: str  # what must stand in the query, "Operation=Tag"
    name: str  # as the API calls it
    act: Callable[[Api, Call, str, str], Reply]  # with what stands in the path


class Api:
    """Answers calls from an account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def name(self, call: Call) -> str:
        """What the API calls this operation; "" for none."""
        route = self._route(call)
        return route[0].name if route else ""

    def answer(self, call: Call) -> Reply:
        """Do what is asked, or refuse it."""
        try:
            self._account.admit(_key(call.headers.get("authorization", "")))
            found = self._route(call)
            if found is None:
                return replies.refused(Refusal("NoSuchOperation", "there is no such operation here"))
            route, (first, second) = found
            return route.act(self, call, first, second)
        except Refusal as refusal:
            return replies.refused(refusal)

    def _route(self, call: Call) -> tuple[_Route, tuple[str, str]] | None:
        for route in _ROUTES:
            match = route.path.fullmatch(call.path)
            key, _, value = route.mark.partition("=")
            if route.method == call.method and match and (not key or call.query.get(key) == value):
                first, second, *_ = (*match.groups(), "", "")
                return route, (first, second)
        return None

    # --- distributions ---

    def _create(self, call: Call, first: str, second: str) -> Reply:
        made = self._account.create(_read(call, "DistributionConfig", forms.CONFIG))
        return replies.made(made, self._now)

    def _create_with_tags(self, call: Call, first: str, second: str) -> Reply:
        given = _read(call, "DistributionConfigWithTags", forms.TAGGED)
        tags = {tag["Key"]: tag["Value"] for tag in given["Tags"]["Items"]}
        return replies.made(self._account.create(given["DistributionConfig"], tags), self._now)

    def _list(self, call: Call, first: str, second: str) -> Reply:
        marker, most = self._page(call)
        return replies.distributions(*self._account.listed(marker, most), marker, most, self._now)

    def _get(self, call: Call, first: str, second: str) -> Reply:
        return replies.distribution(self._account.look(first), self._now)

    def _get_config(self, call: Call, first: str, second: str) -> Reply:
        return replies.config(self._account.look(first))

    def _update(self, call: Call, first: str, second: str) -> Reply:
        self._account.find(first)
        config = _read(call, "DistributionConfig", forms.CONFIG)
        return replies.updated(self._account.update(first, call.headers.get("if-match", ""), config), self._now)

    def _delete(self, call: Call, first: str, second: str) -> Reply:
        self._account.delete(first, call.headers.get("if-match", ""))
        return Reply(status=204)

    # --- invalidations ---

    def _invalidate(self, call: Call, first: str, second: str) -> Reply:
        self._account.find(first)
        batch = _read(call, "InvalidationBatch", forms.BATCH)
        made = self._account.invalidate(first, batch["CallerReference"], batch["Paths"]["Items"])
        return replies.invalidation(made, self._now, 201)

    def _invalidations(self, call: Call, first: str, second: str) -> Reply:
        marker, most = self._page(call)
        return replies.invalidations(*self._account.invalidations(first, marker, most), marker, most, self._now)

    def _get_invalidation(self, call: Call, first: str, second: str) -> Reply:
        return replies.invalidation(self._account.invalidation(first, second), self._now, 200)

    # --- origin access controls and policies ---

    def _create_control(self, call: Call, first: str, second: str) -> Reply:
        config = _read(call, "OriginAccessControlConfig", forms.ACCESS_CONTROL)
        return replies.control(self._account.create_control(config), 201)

    def _controls(self, call: Call, first: str, second: str) -> Reply:
        marker, most = self._page(call)
        return replies.controls(*self._account.listed_controls(marker, most), marker, most)

    def _get_control(self, call: Call, first: str, second: str) -> Reply:
        return replies.control(self._account.control(first), 200)

    def _delete_control(self, call: Call, first: str, second: str) -> Reply:
        self._account.delete_control(first, call.headers.get("if-match", ""))
        return Reply(status=204)

    def _cache_policy(self, call: Call, first: str, second: str) -> Reply:
        if first not in forms.CACHE_POLICIES:
            raise Refusal("NoSuchCachePolicy", "there is no such cache policy")
        return replies.cache_policy(first, forms.CACHE_POLICIES[first])

    # --- tags ---

    def _tags(self, call: Call, first: str, second: str) -> Reply:
        return replies.tags(self._account.by_arn(call.query.get("Resource", "")).tags)

    def _tag(self, call: Call, first: str, second: str) -> Reply:
        found = self._account.by_arn(call.query.get("Resource", ""))
        new = {tag["Key"]: tag["Value"] for tag in _read(call, "Tags", forms.TAGS)["Items"]}
        if len({**found.tags, **new}) > forms.MAX_TAGS:
            raise Refusal("InvalidTagging", f"more than {forms.MAX_TAGS} tags")
        found.tags.update(new)
        return Reply(status=204)

    def _untag(self, call: Call, first: str, second: str) -> Reply:
        found = self._account.by_arn(call.query.get("Resource", ""))
        for key in _read(call, "TagKeys", forms.TAG_KEYS)["Items"]:
            found.tags.pop(key, None)
        return Reply(status=204)

    @property
    def _now(self) -> float:
        return self._account.clock()

    def _page(self, call: Call) -> tuple[str, int]:
        """Where a listing goes on, and how long a page is."""
        most = call.query.get("MaxItems", str(self._account.terms.page))
        if not _NUMBER.fullmatch(most) or not int(most):
            raise Refusal("InvalidArgument", "MaxItems is no whole number above 0")
        return call.query.get("Marker", ""), min(int(most), self._account.terms.page)


def _read(call: Call, root: str, shape: Struct) -> Fields:
    node: Element = parse(call.body)
    if node.name != root:
        raise Refusal("MalformedXML", f"the body is not {root}")
    return shape.read(node)


def _key(authorization: str) -> str:
    """The access key id that a call is signed with."""
    if not authorization:
        raise Refusal("MissingAuthenticationToken", "the request is not signed")
    match = _CREDENTIAL.fullmatch(authorization)
    if match is None:
        raise Refusal("IncompleteSignature", "the signature has another form")
    if match[2] != "us-east-1" or match[3] != "cloudfront":
        raise Refusal("SignatureDoesNotMatch", "the credential is scoped to another region or service")
    return match[1]


def _route(method: str, path: str, mark: str, name: str, act: Callable[[Api, Call, str, str], Reply]) -> _Route:
    return _Route(method, re.compile(re.escape(VERSION) + path), mark, name, act)


_CONTROL = "origin-access-control"
_ROUTES = (  # those with a mark before those without
    _route("POST", "distribution", "WithTags=", "CreateDistributionWithTags", Api._create_with_tags),
    _route("POST", "distribution", "", "CreateDistribution", Api._create),
    _route("GET", "distribution", "", "ListDistributions", Api._list),
    _route("GET", f"distribution/{_ID}", "", "GetDistribution", Api._get),
    _route("DELETE", f"distribution/{_ID}", "", "DeleteDistribution", Api._delete),
    _route("GET", f"distribution/{_ID}/config", "", "GetDistributionConfig", Api._get_config),
    _route("PUT", f"distribution/{_ID}/config", "", "UpdateDistribution", Api._update),
    _route("POST", f"distribution/{_ID}/invalidation", "", "CreateInvalidation", Api._invalidate),
    _route("GET", f"distribution/{_ID}/invalidation", "", "ListInvalidations", Api._invalidations),
    _route("GET", f"distribution/{_ID}/invalidation/{_ID}", "", "GetInvalidation", Api._get_invalidation),
    _route("POST", _CONTROL, "", "CreateOriginAccessControl", Api._create_control),
    _route("GET", _CONTROL, "", "ListOriginAccessControls", Api._controls),
    _route("GET", f"{_CONTROL}/{_ID}", "", "GetOriginAccessControl", Api._get_control),
    _route("DELETE", f"{_CONTROL}/{_ID}", "", "DeleteOriginAccessControl", Api._delete_control),
    _route("GET", f"cache-policy/{_ID}", "", "GetCachePolicy", Api._cache_policy),
    _route("GET", "tagging", "", "ListTagsForResource", Api._tags),
    _route("POST", "tagging", "Operation=Tag", "TagResource", Api._tag),
    _route("POST", "tagging", "Operation=Untag", "UntagResource", Api._untag),
)
