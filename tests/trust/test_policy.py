"""The policy names a release log, or none, and is strict about it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.trust import form, policy
from heliograph.trust.note import WITNESS, LogPolicy, Verifier
from heliograph.trust.policy import read_policy, with_log
from heliograph.trust.refusal import RefusalError

LOG = LogPolicy(origin="heliograph/abcde/2", key=b"\1" * 32)
WITNESSES = tuple(Verifier(name=f"w{number}", key=bytes([number]) * 32, kind=WITNESS) for number in (1, 2))


def written(**members: Any) -> bytes:
    return form.write({"format": "heliograph-policy/1", **members})


def test_a_log_is_named_changed_and_taken_out_and_all_else_stays() -> None:
    first = with_log(b"", LOG)
    assert read_policy(first).log == LOG
    assert json.loads(first) == {"format": policy.FORMAT, "log": {"key": "01" * 32, "origin": LOG.origin}}
    more = written(title="Peninsula", probes=["https://a.example/"], tomorrow=7)
    named = with_log(more, LogPolicy(origin="o", key=b"\2" * 32, witnesses=WITNESSES, quorum=2))
    found = read_policy(named).log
    assert found is not None
    assert (found.origin, found.quorum, found.witnesses) == ("o", 2, WITNESSES)
    assert with_log(named, None) == more
    assert read_policy(more).log is None


LINE = {"origin": "o", "key": "00" * 32}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "json"), (b"[]", "field"), (b"null", "field"), (b"{}", "field"), (form.write({"format": 1}), "field"),
        (form.write({"format": "heliograph-policy/2"}), "format"), (written(x="y" * 17_000), "too-long"),
        (b'{"format": "heliograph-policy/1"}', "json"),
        (written(log=None), "field"), (written(log={}), "field"), (written(log={**LINE, "origin": "a b"}), "field"),
        (written(log={**LINE, "origin": "a+b"}), "field"), (written(log={**LINE, "origin": ""}), "field"),
        (written(log={**LINE, "key": "00"}), "field"), (written(log={**LINE, "key": "0G" * 32}), "field"),
        (written(log={**LINE, "key": "AB" * 32}), "field"), (written(log={**LINE, "quorum": 1}), "field"),
        (written(log={**LINE, "quorum": True, "witnesses": [WITNESSES[0].text]}), "field"),
        (written(log={**LINE, "quorum": 2, "witnesses": [WITNESSES[0].text] * 2}), "field"),
        (written(log={**LINE, "witnesses": "w"}), "field"), (written(log={**LINE, "witnesses": ["w"]}), "field"),
        (written(log={**LINE, "witnesses": [7]}), "field"),
        (written(log={**LINE, "witnesses": [WITNESSES[0].text] * 33}), "field"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_with_its_code(data: bytes, code: str) -> None:
    with pytest.raises(RefusalError) as caught:
        read_policy(data)
    assert caught.value.code == code


def test_a_witness_that_cannot_be_checked_may_be_listed_and_counts_for_nothing() -> None:
    unknown = Verifier(name="new", key=b"\1" * 1312, kind=6).text
    assert read_policy(written(log={**LINE, "witnesses": [unknown]})).log is not None
    with pytest.raises(RefusalError, match="quorum"):
        read_policy(written(log={**LINE, "witnesses": [unknown], "quorum": 1}))


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 40) | st.sampled_from(["o", "00" * 32, WITNESSES[0].text]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["origin", "key", "quorum", "witnesses"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(values)
def test_whatever_stands_there_is_read_or_refused(value: Any) -> None:
    code = ""
    try:
        read_policy(written(log=value))
    except RefusalError as refusal:
        code = refusal.code
    assert code in ("", "field")
