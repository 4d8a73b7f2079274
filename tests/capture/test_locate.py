"""Finding a known text among the elements of a page."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import locate, markup, tree
from heliograph.capture.locate import Reference, flatten, locate_prose, mark_units
from heliograph.model import Embed, Figure, Paragraph, Table
from heliograph.model.story import Block, block_texts

FIRST = "Мост через пролив открыли для пешеходов в субботу утром."
SECOND = "Строители обещают закончить дорогу к весне, если не помешают штормы."
THIRD = "Паром пока ходит по прежнему расписанию, билеты продают на причале."
TEXT = "\n".join([FIRST, SECOND, THIRD])


def found(html: str, text: str = TEXT) -> tuple[Block, ...] | None:
    body = tree.parse(html.encode()).body
    assert body is not None
    place = locate.locate(body, text)
    return markup.blocks_in(place.root, "https://news.example/", skip=place.skip, mute=place.mute) if place else None


def texts(html: str, text: str = TEXT) -> list[str]:
    return list(block_texts(found(html, text) or ()))


def test_the_text_is_found_with_what_the_reference_lost() -> None:
    html = (
        "<ul><li>меню</ul><div class=a><h1>Заголовок</h1><div class=b>"
        f"<p>{FIRST.replace('пролив', '<a href=/x>пролив</a>')}</p><figure><img src=/p.jpg></figure><p>{SECOND}</p>"
        f"<p>{THIRD}</p></div></div><div class=c><p>Другая новость о другом и о третьем.</p></div>"
    )
    blocks = found(html)
    assert blocks is not None
    assert list(block_texts(blocks)) == [FIRST, SECOND, THIRD]
    assert any(isinstance(block, Figure) for block in blocks)
    assert isinstance(blocks[0], Paragraph)
    assert blocks[0].runs[1].href == "https://news.example/x"


def test_what_stands_between_and_is_not_of_it_is_left_out() -> None:
    inset = "<div class=inset><a href=/y>Читайте также о музее и об урожае этого года</a></div>"
    assert texts(f"<div><p>{FIRST}</p>{inset}<p>{SECOND}</p><p>{THIRD}</p></div>") == [FIRST, SECOND, THIRD]


def test_prose_that_the_reference_lacks_is_kept_between_its_paragraphs() -> None:
    lost = "Мэр назвал открытие праздником."
    assert texts(f"<div><p>{FIRST}</p><p>{SECOND}</p><p>{lost}</p><p>{THIRD}</p></div>")[2] == lost


def test_a_teaser_elsewhere_is_not_taken_for_the_text() -> None:
    html = f"<aside><p>{FIRST}</p></aside><div><p>{FIRST}</p><p>{SECOND}</p><p>{THIRD}</p></div>"
    assert texts(html) == [FIRST, SECOND, THIRD]


def test_a_body_in_two_containers_is_one_text() -> None:
    more = [
        f"Абзац номер {number} продолжает рассказ о мосте, дороге и пароме через пролив в городе."
        for number in range(5)
    ]
    parts = f"<div class=text><p>{FIRST}</p><p>{SECOND}</p><p>{THIRD}</p></div><div class=ad>Реклама</div>"
    rest = "<div class=text>" + "".join(f"<p>{text}</p>" for text in more) + "</div>"
    assert texts(f"<main>{parts}{rest}</main>") == [FIRST, SECOND, THIRD, *more]


def test_tables_lists_and_posts_are_kept_whole() -> None:
    table = "<table><tr><th>Рейс<th>Время</tr><tr><td>1<td>09:30</tr><tr><td>2<td>10:30</tr></table>"
    post = '<blockquote class="twitter-tweet">Ура! <a href="https://twitter.com/c/status/1">Город</a></blockquote>'
    blocks = found(
        f"<div><p>{FIRST}</p>{table}<p>{SECOND}</p><div>{post}</div><p>{THIRD}</p></div>",
        TEXT + "\nРейс Время\n1 09:30\n2 10:30",
    )
    assert blocks is not None
    assert any(isinstance(block, Table) and len(block.rows) == 3 for block in blocks)
    assert any(isinstance(block, Embed) for block in blocks)


def test_links_at_the_end_are_not_the_text() -> None:
    others = ["Музей открыл новую выставку картин", "Урожай винограда собран полностью"]
    links = "<ul>" + "".join(f"<li><a href=/x>{other}</a>" for other in others) + "</ul>"
    text = "\n".join([TEXT, *others])
    assert texts(f"<div><p>{FIRST}</p><p>{SECOND}</p><p>{THIRD}</p>{links}</div>", text) == [FIRST, SECOND, THIRD]


def test_a_picture_keeps_none_of_the_words_around_it() -> None:
    video = "<div class=player><img src=/v.jpg><span>Смотреть видео</span><h4>Другое видео дня</h4></div>"
    blocks = found(f"<div><p>{FIRST}</p>{video}<p>{SECOND}</p><p>{THIRD}</p></div>")
    assert blocks is not None
    assert list(block_texts(blocks)) == [FIRST, SECOND, THIRD]
    assert any(isinstance(block, Figure) for block in blocks)


def test_a_text_that_is_not_there_is_not_found() -> None:
    assert found("<div><p>Совсем другая новость о погоде и об урожае.</p></div>") is None
    assert found("") is None


def test_prose_is_found_without_knowing_the_text() -> None:
    nav = "<div>" + "".join(f"<a href=/{number}>Раздел номер {number}</a> " for number in range(30)) + "</div>"
    body = tree.parse(f"{nav}<div><p>{FIRST}</p><p>{SECOND}</p><p>{THIRD}</p></div><div>© город</div>".encode()).body
    assert body is not None
    place = locate_prose(body)
    assert place is not None
    assert list(block_texts(markup.blocks_in(place.root, "", skip=place.skip))) == [FIRST, SECOND, THIRD]


def test_a_stretch_of_the_text_is_taken_only_as_often_as_it_is_there() -> None:
    reference = Reference(TEXT)
    words = ["мост", "через", "пролив", "открыли", "для", "пешеходов"]
    assert reference.has(words)
    assert reference.take(words)
    assert not reference.take(words)
    assert not reference.has(["мост", "через"])
    assert Reference("Мост\nчерез пролив").take(["мост"])


PIECES = [
    *("<div>", "</div>", "<p>", "<ul><li>", "</ul>", "<table><tr><td>", "</table>", FIRST, "слово ", "<br>"),
    *("<a href=/x>", "</a>", "<form>", "<img src=a>", "<blockquote>"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@settings(max_examples=150)
def test_any_page_is_flattened_without_losing_text(html: str) -> None:
    body = tree.parse(html.encode()).body
    assert body is not None
    spots = flatten(body)
    assert all(spot.parent < at for at, spot in enumerate(spots))
    mark_units(spots)
    locate.locate(body, TEXT)
    locate_prose(body)
