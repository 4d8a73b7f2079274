"""Whatever is sent to the emulated CloudFront, it answers, and with nothing that its documentation does not name."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.lab.cloudfront_world import Clock, Serving, serving

from heliograph.lab.cloudfront import Cloud, Terms
from heliograph.lab.cloudfront.account import Account
from heliograph.lab.cloudfront.api import Api, Call
from heliograph.lab.cloudfront.markup import MAX_BODY, MAX_DEPTH, MAX_ELEMENTS, NAMESPACE, parse
from heliograph.lab.cloudfront.refusals import Refusal

SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261122/us-east-1/cloudfront/aws4_request, "
    f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
)
GOOD = f"""<DistributionConfig xmlns="{NAMESPACE}"><CallerReference>r</CallerReference><Comment>c</Comment>
<Enabled>true</Enabled><Origins><Quantity>1</Quantity><Items><Origin><Id>o</Id><DomainName>news.example</DomainName>
<CustomOriginConfig><HTTPPort>80</HTTPPort><HTTPSPort>443</HTTPSPort>
<OriginProtocolPolicy>https-only</OriginProtocolPolicy></CustomOriginConfig></Origin></Items></Origins>
<DefaultCacheBehavior><TargetOriginId>o</TargetOriginId><ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy>
<ForwardedValues><QueryString>false</QueryString><Cookies><Forward>none</Forward></Cookies></ForwardedValues>
<MinTTL>0</MinTTL></DefaultCacheBehavior></DistributionConfig>""".encode()
PATHS = (
    "distribution",
    "distribution/{id}",
    "distribution/{id}/config",
    "distribution/{id}/invalidation",
    "distribution/{id}/invalidation/{id}",
    "origin-access-control",
    "origin-access-control/{id}",
    "cache-policy/{id}",
    "tagging",
    "",
)


def call(method: str, path: str, body: bytes = b"", query: dict[str, str] | None = None, **headers: str) -> Call:
    signed = {"authorization": SIGNED, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Call(method=method, path="/2020-05-31/" + path, query=query or {}, headers=signed, body=body)


def fresh() -> tuple[Api, str, str]:
    """An account with one distribution; its id and version."""
    account = Account(Terms(polls=0), Clock())
    api = Api(account)
    made = api.answer(call("POST", "distribution", GOOD))
    assert made.status == 201
    return api, next(iter(account.distributions)), dict(made.headers)["ETag"]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The good body with a piece of it replaced."""
    start = draw(st.integers(0, len(GOOD)))
    end = draw(st.integers(start, min(len(GOOD), start + 40)))
    piece = draw(st.binary(max_size=20) | st.sampled_from([b"", b"<Items/>", b"9" * 13, b"-1", b"&#0;", b"\xff"]))
    return GOOD[:start] + piece + GOOD[end:]


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    path=st.sampled_from(PATHS) | st.text(max_size=60),
    body=st.binary(max_size=300) | damaged(),
    query=st.dictionaries(st.sampled_from(["Marker", "MaxItems", "Resource", "Operation", "WithTags"]), st.text()),
    match=st.sampled_from(["", "*", "right"]) | st.text(max_size=20),
    known=st.booleans(),
)
@settings(max_examples=600)
def test_every_call_has_an_answer_that_is_no_accident(
    method: str, path: str, body: bytes, query: dict[str, str], match: str, known: bool
) -> None:
    api, id_, etag = fresh()
    path = path.replace("{id}", id_ if known else "ENONE")
    reply = api.answer(call(method, path, body, query, if_match=etag if match == "right" else match))
    assert reply.status < 500
    if reply.body:
        parse(reply.body)
    if reply.code:
        assert reply.code.encode() in reply.body


@given(authorization=st.text(max_size=80) | st.just(SIGNED))
def test_a_signature_of_another_form_is_no_accident(authorization: str) -> None:
    api, _, _ = fresh()
    asked = call("GET", "distribution", authorization=authorization)
    assert api.answer(asked).status in (200, 400, 403)


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "MissingAuthenticationToken"),
        ("Basic YTpi", "IncompleteSignature"),
        (SIGNED.replace("us-east-1", "eu-central-1"), "SignatureDoesNotMatch"),
        (SIGNED.replace("cloudfront/", "s3/"), "SignatureDoesNotMatch"),
        (SIGNED, ""),
    ],
)
def test_who_asks_must_say_so_and_in_the_right_scope(authorization: str, code: str) -> None:
    api, _, _ = fresh()
    assert api.answer(call("GET", "distribution", authorization=authorization)).code == code


def test_a_call_that_nobody_knows_is_refused() -> None:
    api, _, _ = fresh()
    assert api.answer(call("GET", "function")).code == "NoSuchOperation"
    assert api.answer(call("POST", "tagging", b"<Tags/>", {"Operation": "Other"})).code == "NoSuchOperation"


def refusal(body: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        parse(body)
    return caught.value.code


def test_entities_are_never_declared_and_sizes_are_bounded() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
    assert refusal(bomb) == "MalformedXML"
    assert refusal(b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>') == "MalformedXML"
    assert refusal(b"<a>&unknown;</a>") == "MalformedXML"
    assert refusal(b"") == "MissingBody"
    assert refusal(b"<a>" + b" " * MAX_BODY + b"</a>") == "RequestEntityTooLarge"
    assert refusal(b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1)) == "MalformedXML"
    assert parse(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH).name == "a"
    assert refusal(b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>") == "MalformedXML"
    assert refusal(b'<a xmlns="urn:other"/>') == "MalformedXML"
    assert refusal(b'<a b="c"/>') == "MalformedXML"
    assert refusal(b'<?xml version="1.0" encoding="utf-7"?><a>+ADw-</a>'[:-1]) == "MalformedXML"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<Comment>c</Comment>", b"<Comment>c</Comment><Comment>d</Comment>"),
        (b"<Comment>c</Comment>", b"<Comment><b/></Comment>"),
        (b"<Comment>c</Comment>", b""),
        (b"<Comment>c</Comment>", b"<Remark>c</Remark>"),
        (b"<Comment>c</Comment>", b"<Comment>c</Comment>stray"),
        (b"<Enabled>true", b"<Enabled>yes"),
        (b"<MinTTL>0", b"<MinTTL>zero"),
        (b"<MinTTL>0", b"<MinTTL>0x0"),
        (b"<Quantity>1</Quantity>", b""),
        (b"<Origin>", b"<Source>"),
    ],
)
def test_what_a_form_does_not_name_is_refused(old: bytes, new: bytes) -> None:
    api, _, _ = fresh()
    body = GOOD.replace(b">r<", b">s<").replace(old, new).replace(b"<Source>", b"<Source>", 1)
    assert api.answer(call("POST", "distribution", body)).code == "MalformedXML"


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving(Cloud()) as found:
        yield found


def exchange(url: str, data: bytes) -> bytes:
    """What comes back for bytes that are sent as they are."""
    host = urlsplit(url)
    with socket.create_connection((host.hostname, host.port or 0), 10) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        found = b""
        while piece := line.recv(65_536):
            found += piece
        return found


@given(
    head=st.binary(max_size=200)
    | st.builds(
        lambda method, path, rest: method + b" " + path + b" HTTP/1.1\r\n" + rest + b"\r\n\r\n",
        st.sampled_from([b"GET", b"POST", b"PUT", b"\x00"]),
        st.binary(max_size=40) | st.sampled_from([b"/2020-05-31/distribution", b"/%ff%00", b"//", b"http://[::1"]),
        st.binary(max_size=80)
        | st.sampled_from([b"Host: a\r\nContent-Length: 5\r\n\r\n<a/>", b"Host: :\r\nRange: bytes=-"]),
    ),
    port=st.sampled_from(["api", "edge"]),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_of_any_kind_end_in_no_traceback(
    served: Serving, caplog: pytest.LogCaptureFixture, head: bytes, port: str
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = exchange(getattr(served.at, port), head)
    assert not answer.startswith(b"HTTP/1.1 500")
    assert b"Traceback" not in answer
    # aiohttp logs a malformed request line as an error of its own, without us in it.
    ours = [record for record in caplog.records if "Error handling request" in record.message and not _of_http(record)]
    assert ours == []
    caplog.clear()


def _of_http(record: logging.LogRecord) -> bool:
    from aiohttp.http_exceptions import HttpProcessingError

    return record.exc_info is not None and isinstance(record.exc_info[1], HttpProcessingError)


def test_a_body_without_end_is_cut(served: Serving) -> None:
    head = f"POST /2020-05-31/distribution HTTP/1.1\r\nHost: a\r\nContent-Length: {MAX_BODY * 2}\r\n\r\n".encode()
    host = urlsplit(served.at.api)
    with socket.create_connection((host.hostname, host.port or 0), 10) as line:
        line.sendall(head + b" " * (MAX_BODY + 1))
        assert line.recv(12) == b"HTTP/1.1 413"
