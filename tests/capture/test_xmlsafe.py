"""XML that was written to hurt."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from heliograph.capture import xmlsafe

WANTED = {"item": frozenset({"title", "deep/title"})}


def titles(text: str, most: int = 1_000) -> list[str]:
    return [field.text for _, record in xmlsafe.stream(text, WANTED, most).records for field in record]


def test_records_hold_the_fields_that_were_asked_for() -> None:
    body = "<r><title>no</title><item><title> A </title><x>no</x><deep><title k='v'>B</title></deep></item><item/></r>"
    streamed = xmlsafe.stream(body, WANTED, 10)
    assert (streamed.root, streamed.trouble) == ("r", "")
    first, second = streamed.records
    assert first == ("item", (("title", "title", {}, "A"), ("deep/title", "title", {"k": "v"}, "B")))
    assert second == ("item", ())


def test_names_are_told_apart_with_and_without_prefix() -> None:
    streamed = xmlsafe.stream("<a:r><b:item><c:title>A</c:title></b:item></a:r>", WANTED, 10)
    assert streamed.root == "r"
    assert streamed.records == (("item", (("title", "c:title", {}, "A"),)),)


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE r [<!ENTITY a "b">]>',
        '<!DOCTYPE r [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>',
        '<?xml version="1.0"?><!-- c --><!DOCTYPE r SYSTEM "x.dtd" [<!ATTLIST r a CDATA "b">]>',
        '\ufeff \n<!DOCTYPE r PUBLIC "a" "b" [ ]>',
    ],
)
def test_declarations_are_refused_by_both_readers(prolog: str) -> None:
    body = prolog + "<r><item><title>A&a;</title></item></r>"
    assert "entit" in xmlsafe.refused(body)
    streamed = xmlsafe.stream(body.lstrip("\ufeff \n"), WANTED, 10)
    assert streamed.records == ()
    assert "entit" in streamed.trouble


def test_a_bare_document_type_and_comments_that_look_like_one_are_harmless() -> None:
    for prolog in ('<!DOCTYPE r SYSTEM "x.dtd">', "<!-- <!DOCTYPE r [<!ENTITY a 'b'>]> <r> -->", "<?pi <!ENTITY ?>"):
        body = prolog + "<r><item><title>A</title></item></r>"
        assert xmlsafe.refused(body) == ""
        assert titles(body) == ["A"]
        clean, trouble = xmlsafe.well_formed(body)
        assert (clean, trouble) == (b"<r><item><title>A</title></item></r>", "")


def test_what_is_well_formed_comes_back_without_comments_and_instructions() -> None:
    clean, trouble = xmlsafe.well_formed("<?xml version='1.0' encoding='x'?><r><!-- c -->Ж<?pi x?><![CDATA[<b>]]></r>")
    assert trouble == ""
    assert etree.fromstring(clean).text == "Ж<b>"
    assert b"<!--" not in clean
    assert b"<?" not in clean


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("<r>a & b</r>", "a & b"),
        ("<r>a&nbsp;&laquo;b&raquo;</r>", "a\u00a0«b»"),
        ("<r>a\x00\x0bb</r>", "ab"),
        ("<r>a&#0;&#xFFFF;b</r>", "ab"),
        ("<r>a&bogus;b</r>", "a&bogus;b"),
        ("<r>a<![CDATA[& &nbsp;]]>&b</r>", "a& &nbsp;&b"),
        ("<r>a &amp;lt; &lt;</r>&", "a &lt; <"),
        ("<r>cut off", "cut off"),
        ("<r>&LT;script&GT; & </r>", "&LT;script&GT; & "),
    ],
)
def test_common_faults_are_mended_and_told(broken: str, text: str) -> None:
    clean, trouble = xmlsafe.well_formed(broken)
    assert etree.fromstring(clean).text == text
    assert "not well-formed" in trouble


def test_too_much_of_anything_ends_the_reading_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "tags" in xmlsafe.refused("<r>" + "<a/>" * (xmlsafe.MAX_TAGS + 1))
    assert xmlsafe.stream("<item>" * 1_000, WANTED, 10).trouble
    three = xmlsafe.stream("<r>" + "<item><title>A</title></item>" * 9 + "</r>", WANTED, 3)
    assert len(three.records) == 3
    assert "more than 3" in three.trouble
    monkeypatch.setattr(xmlsafe, "MAX_ELEMENTS", 10)
    assert "elements" in xmlsafe.stream("<r>" + "<a/>" * 20 + "</r>", WANTED, 3).trouble


@pytest.mark.parametrize(
    "body",
    ["<" * 2_000_000, "<a>" * 100_000, "<a " * 300_000, "<a b='" * 300_000, "<!--" * 500_000, "<![CDATA[" * 300_000,
     "<r>" + "<![CDATA[" * 100_000, "<r>" + "&" * 2_000_000, "<r>" + "&a" * 500_000, "<?x " * 300_000, "\0" * 1_000_000,
     "<r " + " ".join(f"a{n}='1'" for n in range(100_000)) + "/>", "<r>" + "]]>" * 500_000,
     "<r xmlns:" + "a" * 500_000 + "='x'/>"],
)  # fmt: skip
def test_hostile_documents_end_soon(body: str) -> None:
    assert isinstance(xmlsafe.refused(body), str)
    assert isinstance(xmlsafe.well_formed(body)[0], bytes)
    assert xmlsafe.stream(body, WANTED, 10).records == ()


PIECES = (
    "<item>", "</item>", "<title>", "</title>", "<r>", "</r>", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>",
    "<!DOCTYPE r>", "&", "&#1;", "\x00", "'", '"', "=", " ", "x",
)  # fmt: skip


@settings(max_examples=200)
@given(st.text(max_size=100) | st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_any_text_is_safe_and_what_comes_back_is_well_formed(text: str) -> None:
    clean, _ = xmlsafe.well_formed(text)
    if clean:
        etree.fromstring(clean)
    assert isinstance(xmlsafe.refused(text), str)
    assert isinstance(xmlsafe.stream(text, WANTED, 5).trouble, str)
