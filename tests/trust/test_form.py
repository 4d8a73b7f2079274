"""Metadata is read in one form only, and nothing that is not in it costs more than a glance."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.trust import form
from heliograph.trust.refusal import RefusalError

LIMIT = 4_096
TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.just("\n"), max_size=20)
NAMES = TEXTS.filter(lambda text: text != "__proto__")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, form.MAX_NUMBER) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)


def code_of(data: bytes, limit: int = LIMIT) -> str:
    """Why ``data`` is refused, "" if it is not."""
    try:
        form.parse(data, limit)
    except RefusalError as refusal:
        return refusal.code
    return ""


@given(VALUES)
def test_what_is_written_is_read_as_it_was(value: object) -> None:
    data = form.write(value)
    assert form.parse(data, len(data)) == value


@given(VALUES, st.data())
def test_what_is_read_has_one_spelling(value: object, data: st.DataObject) -> None:
    written = form.write(value)
    place = data.draw(st.integers(0, len(written)))
    more = data.draw(st.sampled_from([b" ", b"\n", b"\t", b"\xef\xbb\xbf", b"0", b"\x7f", b"\xff", b","]))
    changed = written[:place] + more + written[place:]
    code = code_of(changed)
    assert code in ("", "json")
    assert code or form.write(form.parse(changed, LIMIT)) == changed


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert code_of(data) in ("", "json")


@given(st.text('{}[]":,\\n0e.- tfu_pro', max_size=60))
def test_anything_like_json_is_read_or_refused(text: str) -> None:
    assert code_of(text.encode()) in ("", "json")


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}', '{"b":1,"a":1}', '{"a": 1}', "1.0", "1e3", "1e400", "NaN", "-0", "-1", "01", str(2**53),
        "9" * 400, '"\\u0041"', '"\\ud800"', '"\\/"', '"\\t"', '"\t"', '"é"', "", " 1", "1 ", "truE", '{"__proto__":1}',
        '[{"a":{"__proto__":[]}}]', '{"a":1}{"b":1}', "'a'", "[1,]", '"', '"\\', '{"a":"\\"}', "\ufeff1",
    ],
)  # fmt: skip
def test_other_spellings_are_refused(text: str) -> None:
    assert code_of(text.encode()) == "json"


def test_a_member_may_hold_the_forbidden_name_as_its_value() -> None:
    assert form.parse(b'["__proto__"]', LIMIT) == ["__proto__"]


def test_the_limit_counts_before_everything() -> None:
    assert code_of(b"[" * 100_000, 65_536) == "too-long"
    assert code_of(b"\xff" * (LIMIT + 1)) == "too-long"
    assert code_of(form.write("x" * (LIMIT - 2))) == ""


def test_depth_is_counted_outside_of_strings_only() -> None:
    deepest = b"[" * form.MAX_DEPTH + b"]" * form.MAX_DEPTH
    assert code_of(deepest) == ""
    assert code_of(b"[" + deepest + b"]") == "json"
    assert code_of(b'{"a":' * 1_000 + b"1" + b"}" * 1_000, 65_536) == "json"
    assert code_of(json.dumps("[" * 500 + '"' + "{" * 500).encode()) == ""


@pytest.mark.parametrize("piece", [b'\\"', b'"', b"\\", b'\\\\"', b'"\\', b"["])
def test_no_bytes_take_long(piece: bytes) -> None:
    data = b'"' + piece * (65_535 // len(piece))
    begun = time.process_time()
    assert code_of(data, 65_536) == "json"
    assert time.process_time() - begun < 1.0  # quadratic, it was half a minute


def test_signatures_are_over_canonical_json_in_which_a_line_feed_is_itself() -> None:
    value = {"b": [1, True, None, False], "a": 'x\n"\\'}
    assert form.canonical(value) == b'{"a":"x\n\\"\\\\","b":[1,true,null,false]}'
