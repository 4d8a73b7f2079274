"""The reader's code on a mirror is what targets names, to the byte."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import pytest
from conformance.trust.bases import HOUR, base
from conformance.trust.releaselog import logging, with_log

from heliograph.lab.readers import Host, Reply, drive
from heliograph.trust import readercode
from heliograph.trust.chain import Chain, State
from heliograph.trust.readercode import Code
from heliograph.trust.refusal import RefusalError
from heliograph.trust.visit import Visit

R2, DEEP = base("r2"), base("deep")


def check(files: Mapping[str, bytes], replies: Mapping[str, Reply] | None = None, *, deep: bool = False) -> Code:
    of = DEEP if deep else R2
    host = Host(files=files, replies=replies or {})
    chain = Chain(State(root=of.papers.roots[0]), of.time + HOUR)
    chain.settle_root()
    visit = Visit(chain, 0)
    drive(visit.head(), host.get)
    return drive(readercode.check(visit), host.get)


def code_of(files: Mapping[str, bytes], replies: Mapping[str, Reply] | None = None, *, deep: bool = False) -> str:
    with pytest.raises(RefusalError) as caught:
        check(files, replies, deep=deep)
    return caught.value.code


def name(target: str) -> str:
    return readercode.name_of(target, sha256(R2.papers.code[target]).digest())


def test_what_targets_names_is_there_and_the_policy_is_read() -> None:
    assert check(R2.files).files == 5
    assert check(R2.files).policy.log is None
    assert check({**R2.files, **with_log(R2, None)}).policy.log is not None
    assert check(DEEP.files, deep=True).files == 0


def test_what_differs_is_missing_or_too_long_is_refused() -> None:
    for one in (name("code/sw.js"), name("code/policy.json"), "sw.js", "reader.html"):
        assert code_of({**R2.files, one: R2.files[one][::-1]}) == "code"
        assert code_of({**R2.files, one: R2.files[one] + b" "}) == "code"
        assert code_of({key: data for key, data in R2.files.items() if key != one}) == "unavailable"
    assert code_of({**DEEP.files, "reader.html": b"<p>"}, deep=True) == "code"
    assert check(DEEP.files, {"sw.js": Reply(status=500)}, deep=True).files == 0


def test_a_policy_that_is_none_is_refused_though_it_is_signed() -> None:
    assert code_of({**R2.files, **with_log(R2, None, logging(R2, key="00"))}) == "field"
