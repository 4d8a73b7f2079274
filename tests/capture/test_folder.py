"""A folder of Markdown, HTML and plain text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import folder
from heliograph.model import Answer, Ask, Found, Problem, Source, Tip

ROOT = "file:///home/nobody/news"
SOURCE = Source(kind="folder", url=ROOT)


def read(entries: object, *, url: str = ROOT, depth: int = 0) -> Found:
    body = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    answer = Answer(url=url, status=200, body=body, media_type="inode/directory")
    return folder.read(SOURCE, Ask(url=url, depth=depth), answer)


def opened(
    text: str | bytes, name: str = "a.md", *, zone: str = "UTC", source: Source = SOURCE
) -> tuple[Tip, tuple[Problem, ...]]:
    body = text.encode() if isinstance(text, str) else text
    url = f"{ROOT}/{name}"
    return folder.opened(source, Tip(url=url, stamp="1:2"), Answer(url=url, status=200, body=body), zone)


def test_files_become_tips_and_folders_asks() -> None:
    found = read(
        [
            {"name": "Новость дня.md", "stamp": "1:2", "folder": False},
            {"name": "page.HTML", "stamp": "3:4", "folder": False},
            {"name": "note.txt", "stamp": "5:6", "folder": False},
            {"name": "photo.jpg", "stamp": "7:8", "folder": False},
            {"name": "2026", "stamp": "", "folder": True},
        ]
    )
    assert [(tip.url, tip.stamp) for tip in found.tips] == [
        (f"{ROOT}/%D0%9D%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D1%8C%20%D0%B4%D0%BD%D1%8F.md", "1:2"),
        (f"{ROOT}/page.HTML", "3:4"),
        (f"{ROOT}/note.txt", "5:6"),
    ]
    assert [(ask.url, ask.depth) for ask in found.asks] == [(f"{ROOT}/2026/", 1)]


@pytest.mark.parametrize("name", ["../secret.md", "..", ".hidden.md", "a/b.md", "a\\b.md", "a\0.md", "", 7, None])
def test_names_that_lead_elsewhere_are_passed_over(name: object) -> None:
    for is_folder in (True, False):
        found = read([{"name": name, "stamp": "1", "folder": is_folder}, "nonsense", {"folder": True}])
        assert (found.tips, found.asks) == ((), ())


def test_a_name_that_is_no_utf8_survives() -> None:
    (tip,) = read([{"name": "\udcff.md", "stamp": "1:1", "folder": False}]).tips
    assert tip.url == f"{ROOT}/%FF.md"


def test_folders_are_followed_to_a_depth() -> None:
    found = read([{"name": "x", "folder": True}], depth=folder.MAX_DEPTH)
    assert found.asks == ()
    assert "deep" in found.problems[0].what


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[" * 100_000, b"\xff", b"3"])
def test_a_list_that_cannot_be_read_is_told(body: bytes) -> None:
    assert read(body).problems[0].fatal


def test_a_source_may_be_one_file() -> None:
    source = Source(kind="folder", url=f"{ROOT}/one.txt")
    answer = Answer(url=source.url, status=200, body=b"Text", media_type="text/plain", etag="9:9")
    (tip,) = folder.read(source, Ask(url=source.url), answer).tips
    assert (tip.url, tip.stamp) == (source.url, "9:9")
    told, problems = folder.opened(source, tip, answer)
    assert (told.url, told.body, problems) == ("file:///one.txt", "Text", ())
    picture = Source(kind="folder", url=f"{ROOT}/one.jpg")
    assert folder.read(picture, Ask(url=picture.url), answer).problems[0].fatal


FRONT = """---
title: "Мост закрыли: до весны"
description: Коротко
date: 2026-11-20 09:30
updated: 2026-11-21T10:00:00+02:00
lang: uk-UA
section: Город
tags: [мост, река]
authors:
  - Анна Мостовая
  - name: Иван Речной
    role: editor
image: img/most.jpg
---
# Другой заголовок

Текст **статьи**.
"""


def test_front_matter_tells_of_the_story() -> None:
    tip, problems = opened(FRONT, "2026/most.md", zone="Europe/Kyiv")
    assert problems == ()
    assert (tip.url, tip.stamp) == ("file:///2026/most.md", "1:2")
    assert (tip.title, tip.lead, tip.lang, tip.section) == ("Мост закрыли: до весны", "Коротко", "uk", "Город")
    assert (tip.tags, tip.bylines) == (("мост", "река"), ("Анна Мостовая", "Иван Речной"))
    assert tip.published == datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
    assert tip.updated == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert tip.picture == f"{ROOT}/2026/img/most.jpg"
    assert (tip.body_kind, tip.body) == ("markdown", "# Другой заголовок\n\nТекст **статьи**.\n")


@pytest.mark.parametrize(
    ("field", "url"),
    [
        ("url: https://vesti.example/most?utm_source=x", "https://vesti.example/most"),
        ("slug: Мост закрыли", "file:///2026/most-zakryli"),
        ("url: file:///etc/passwd", "file:///2026/most.md"),
        ("url: javascript:alert(1)", "file:///2026/most.md"),
        ("title: x", "file:///2026/most.md"),
    ],
)
def test_the_url_is_the_storys_own_else_its_place_in_the_folder(field: str, url: str) -> None:
    tip, problems = opened(f"---\n{field}\n---\nText\n", "2026/most.md")
    assert tip.url == url
    assert len(problems) == (1 if "script" in field or "file:" in field else 0)


def test_the_operators_directories_are_nowhere_in_the_tip_but_in_pictures() -> None:
    tip, _ = opened(FRONT.replace("image: img/most.jpg\n", ""), "2026/most.md")
    assert "nobody" not in repr(tip)


@pytest.mark.parametrize("field", ["draft: true", "draft: yes", "withdrawn: True"])
def test_a_draft_or_withdrawn_file_comes_without_text(field: str) -> None:
    tip, _ = opened(f"---\ntitle: Тайна\n{field}\n---\nТайный текст\n")
    assert tip.withdrawn
    assert "айн" not in repr(tip)
    assert not opened("---\ndraft: false\n---\nText\n")[0].withdrawn


def test_dates_that_are_none_are_told_and_names_of_files_stand_in() -> None:
    tip, problems = opened("---\ndate: someday\n---\nText\n", "2026-11-20-most.md")
    assert tip.published == datetime(2026, 11, 20, tzinfo=UTC)
    assert "someday" in problems[0].what
    assert opened("Text\n", "note.md")[0].published is None


@pytest.mark.parametrize(
    "head",
    ["title: a: b: c", "a: &x [1]\nb: *x", "\t- x", "[" * 5_000, "- " * 5_000, "{" * 4_000, "? " * 4_000,
     "a: !!python/object:os.system x",
     "%YAML 9", "x: |\n" + "  y\n" * 3_000, "a: [" + "b, " * 5_000],
)  # fmt: skip
def test_front_matter_that_cannot_be_read_costs_only_itself(head: str) -> None:
    tip, _ = opened(f"---\n{head}\n---\nТекст остаётся.\n")
    assert tip.body == "Текст остаётся.\n"


def test_an_alias_is_refused_and_said() -> None:
    _, problems = opened("---\na: &x [1, 2]\nb: [*x, *x]\n---\nText\n")
    assert "alias" in problems[0].what


def test_front_matter_without_end_is_text_and_told() -> None:
    tip, problems = opened("---\ntitle: x\n\nText\n")
    assert "no end" in problems[0].what
    assert "Text" in tip.body


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Мост *закрыли*\n\nТекст", "Мост закрыли"),
        ("\n\n# Мост закрыли #\nТекст", "Мост закрыли"),
        ("Мост закрыли\n============\n\nТекст", "Мост закрыли"),
        ("# [Мост](https://a.example) закрыли\n", "Мост закрыли"),
        ("Текст без заголовка.\n\n# Поздний заголовок", ""),
        ("## Второй уровень\n", ""),
    ],
)
def test_a_markdown_heading_at_the_start_is_the_title(text: str, title: str) -> None:
    assert opened(text)[0].title == title


def test_relative_pictures_become_files_of_the_folder() -> None:
    text = (
        "![Мост](img/most.jpg) ![b](/top.png 'T') ![c](../top.webp) ![d](<my%20pic.gif>) ![e](https://a.example/x.jpg)"
    )
    tip, problems = opened(text, "2026/most.md")
    assert problems == ()
    for target in ("2026/img/most.jpg", "top.png", "top.webp", "2026/my%20pic.gif"):
        assert f"({ROOT}/{target}" in tip.body or f"(<{ROOT}/{target}" in tip.body
    assert "(https://a.example/x.jpg)" in tip.body


@pytest.mark.parametrize(
    "address",
    ["../../secret.jpg", "/../secret.jpg", "%2e%2e/%2e%2e/secret.jpg", "..%2f..%2fsecret.jpg", "notes.txt",
     "../most.md", ".hidden.jpg", "a/.git/x.jpg", "file:///etc/passwd", "FILE:///home/x.jpg",
     "x.jpg/../../../y.jpg", "a\\..\\b.jpg"],
)  # fmt: skip
def test_pictures_outside_the_folder_are_refused(address: str) -> None:
    for name, text in (
        ("2026/most.md", f"Текст\n\n![x]({address})"),
        ("2026/most.html", f'<p>Текст<img src="{address}">'),
    ):
        tip, _ = opened(text, name)
        assert "file:" not in tip.body.lower()
        assert "secret" not in tip.body
    tip, _ = opened(f'---\nimage: "{address}"\n---\nText\n'.replace("\\", "\\\\"), "2026/most.md")
    assert tip.picture == ""


def test_pictures_of_html_pages_are_resolved_too() -> None:
    tip, _ = opened(
        '<html><body><h1>T</h1><img alt="" src="img/a.jpg"><img src=https://a.example/b.jpg></body></html>', "d/p.html"
    )
    assert (tip.body_kind, tip.url) == ("page", "file:///d/p.html")
    assert f'src="{ROOT}/d/img/a.jpg"' in tip.body
    assert "src=https://a.example/b.jpg" in tip.body


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("Мост закрыли\n\nТекст первый.\n\nТекст второй.\n", "Мост закрыли", "Текст первый.\n\nТекст второй."),
        ("Мост закрыли до весны. Движение откроют в марте.\nВторой абзац.", "Мост закрыли до весны.",
         "Мост закрыли до весны. Движение откроют в марте.\n\nВторой абзац."),
        ("Кто закрыл мост?\n\nТекст.", "Кто закрыл мост?", "Текст."),
        ("Сообщает А. С. Речной в 2026 г. из Киева. Дальше.\n\nЕщё.", "Сообщает А. С. Речной в 2026 г. из Киева.",
         "Сообщает А. С. Речной в 2026 г. из Киева. Дальше.\n\nЕщё."),
        ("Одна строка", "Одна строка", "Одна строка"),
        ("---\ntitle: Из полей\n---\nТекст\n\nЕщё", "Из полей", "Текст\n\nЕщё"),
        ("", "", ""),
        (" \n\t\n", "", ""),
    ],
)  # fmt: skip
def test_plain_text_gives_its_title_by_a_headline_or_its_first_sentence(text: str, title: str, body: str) -> None:
    tip, problems = opened(text, "a.txt")
    assert (tip.title, tip.body, tip.body_kind, problems) == (title, body, "text", ())


def test_a_long_first_sentence_is_clipped_at_a_word_and_stays_whole_in_the_text() -> None:
    sentence = "Совет города решил " + "что мост закроют " * 30 + "до весны."
    tip, _ = opened(sentence, "a.txt")
    assert len(tip.title) <= folder.MAX_TITLE
    assert tip.title.endswith("…")
    assert tip.title[:-1] in sentence
    assert sentence[len(tip.title) - 1] == " "
    assert tip.body == sentence


def test_lines_wrapped_by_hand_become_paragraphs() -> None:
    first = "Мост через реку закрыли на ремонт до весны,\nа движение по нему откроют только в марте\nбудущего года."
    assert opened(f"{first}\n\nВторой.", "a.txt")[0].body.split("\n\n") == [first.replace("\n", " "), "Второй."]


def test_other_charsets_and_line_ends_are_repaired() -> None:
    text = "Мост через реку закрыли до весны\r\n\r\nДвижение откроют в марте будущего года.\r\n"
    for data in (text.encode("utf-8-sig"), text.encode("utf-16"), text.encode("cp1251"), text.encode("koi8-u")):
        tip, _ = opened(data, "a.txt")
        assert (tip.title, tip.body) == ("Мост через реку закрыли до весны", "Движение откроют в марте будущего года.")


def test_a_file_that_could_not_be_read_is_told_and_gives_no_text() -> None:
    tip = Tip(url=f"{ROOT}/a.md", stamp="1:2")
    told, problems = folder.opened(SOURCE, tip, Answer(url=tip.url, status=0, failure="no permission"))
    assert (told.body, problems[0].what) == ("", "no permission")
    unchanged = folder.opened(SOURCE, tip, Answer(url=tip.url, status=304))
    assert unchanged == (tip, ())


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", f"{ROOT}-other/a.md", f"{ROOT}/../x.md", "https://a.example/a.md"]
)
def test_what_lies_outside_the_folder_is_not_opened(url: str) -> None:
    told, problems = folder.opened(SOURCE, Tip(url=url), Answer(url=url, status=200, body=b"secret"))
    assert told.body == ""
    assert "outside" in problems[0].what


@pytest.mark.shared
def test_the_seed_article_keeps_every_paragraph(shared: Path) -> None:
    data = (shared / "data" / "seed-article.txt").read_bytes()
    tip, problems = opened(data, "seed-article.txt")
    assert problems == ()
    assert tip.body.split("\n\n") == data.decode().splitlines()
    assert tip.title.startswith("Кремль отказался комментировать")
    assert tip.title.removesuffix("…") in tip.body


@pytest.mark.parametrize(
    "text",
    [
        "![" * 200_000,
        "![](" * 100_000,
        "<img " * 100_000,
        "-" * 500_000,
        "\n" * 500_000,
        "a\n" * 200_000,
        "#" * 300_000,
        "a. " * 200_000,
    ],
)
@pytest.mark.parametrize("name", ["a.md", "a.html", "a.txt"])
def test_hostile_files_end_soon(text: str, name: str) -> None:
    assert isinstance(opened(text, name)[0], Tip)


@settings(max_examples=100)
@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_safe(data: bytes) -> None:
    for name in ("a.md", "a.html", "a.txt"):
        assert isinstance(opened(data, name)[0], Tip)
    assert isinstance(opened(b"---\n" + data + b"\n---\nx", "a.md")[0], Tip)
    assert isinstance(opened(b"![](" + data + b")", "a.md")[0], Tip)
    assert isinstance(read(data), Found)
