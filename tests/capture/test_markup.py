"""HTML of strangers to blocks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import elements, tree
from heliograph.capture.markup import MAX_BLOCKS, MAX_PICTURES, blocks, blocks_in
from heliograph.model import Block, Embed, Figure, Heading, Listing, Paragraph, Picture, Quote, Rule, Run, Table
from heliograph.model.story import block_texts

BASE = "https://news.example/ru/story.html"


def read(html: str) -> tuple[Block, ...]:
    return blocks(html, BASE)


def texts(html: str) -> list[str]:
    return list(block_texts(read(html)))


def paragraph(*runs: Run | str) -> Paragraph:
    return Paragraph(runs=tuple(Run(run) if isinstance(run, str) else run for run in runs))


# ---------------------------------------------------------------- text


def test_paragraphs_keep_marks_links_and_line_breaks() -> None:
    html = (
        "<p>Мост <b>через <i>пролив</i></b> открыт<br>в "
        '<a href="/b.html#x">субботу</a>, H<sub>2</sub>O, <code>x</code>.</p>'
    )
    assert read(html) == (
        paragraph(
            "Мост ",
            Run("через ", "b"),
            Run("пролив", "bi"),
            " открыт\nв ",
            Run("субботу", href="https://news.example/b.html#x"),
            ", H",
            Run("2", "sub"),
            "O, ",
            Run("x", "code"),
            ".",
        ),
    )


def test_white_space_collapses_across_elements() -> None:
    assert read("<p> \n Мост\t<b> открыт </b>\n сегодня <br> \n днём </p>") == (
        paragraph("Мост ", Run("открыт ", "b"), "сегодня\nднём"),
    )


def test_text_right_in_a_container_is_a_paragraph() -> None:
    assert texts("один<div>два <span>слова</span><section>три</section>четыре</div>пять") == [
        "один",
        "два слова",
        "три",
        "четыре",
        "пять",
    ]


def test_blank_lines_of_line_breaks_part_paragraphs() -> None:
    assert texts("<div>один<br>строка<br><br>&nbsp;<br>два<br/>\n<br/>три</div>") == ["один\nстрока", "два", "три"]


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>нет</script>", "<style>нет</style>", "<template><p>нет</p></template>", "<svg><text>нет</text></svg>",
        "<form><p>нет</p><input value=нет></form>", "<object><p>нет</p></object>", "<p hidden>нет</p>",
        '<p aria-hidden="true">нет</p>', '<div style="color:red; display : none">нет</div>', "<button>нет</button>",
        '<span style="visibility:hidden">нет</span>', '<span class="icon sr-only">нет</span>', "<!-- нет -->",
        "<select><option>нет</select>", "<textarea>нет</textarea>", "<nav>нет</nav>", "<del>нет</del>", "<s>нет</s>",
        "<dialog>нет</dialog>", "<canvas>нет</canvas>", "<noscript><style>нет</style></noscript>",
    ],
)  # fmt: skip
def test_what_a_browser_does_not_show_as_text_is_none(hidden: str) -> None:
    assert texts(f"<p>да</p>{hidden}<p>и да</p>") == ["да", "и да"]


def test_a_page_that_stands_in_a_form_is_read() -> None:
    assert texts("<form action=/x><h1>Заголовок</h1><p>Текст</p><form><p>поиск</p></form></form>")[:2] == [
        "Заголовок",
        "Текст",
    ]


def test_characters_that_deceive_are_gone() -> None:
    assert texts("<p>при\u202eвет &#8203;ми\u00adр\u2066</p>") == ["привет мир"]
    assert texts("<p dir=rtl>می\u200cشود</p>") == ["می\u200cشود"]


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "data:text/html,x", "#top", "file:///etc/passwd", "\x01java\nscript:x"]
)
def test_a_link_nobody_should_follow_is_text(href: str) -> None:
    assert read(f'<p>см. <a href="{href}">здесь</a></p>') == (paragraph("см. здесь"),)


def test_quotation_elements_get_marks_of_their_own() -> None:
    assert texts("<p>он сказал <q>нет</q></p>") == ["он сказал “нет”"]


# ---------------------------------------------------------------- structures


def test_headings_are_levels_two_to_four() -> None:
    html = "".join(f"<h{level}>a<br>{level}</h{level}>" for level in range(1, 7))
    assert [(block.level, block.runs[0].text) for block in read(html) if isinstance(block, Heading)] == [
        (2, "a 1"),
        (2, "a 2"),
        (3, "a 3"),
        (4, "a 4"),
        (4, "a 5"),
        (4, "a 6"),
    ]


def test_nested_lists_are_flat() -> None:
    html = "<ol><li>один<ul><li>два</li></ul>после</li><li><p>три</p><p>и ещё</p></li><li> </li></ol>"
    assert read(html) == (Listing(ordered=True, items=((Run("один"),), (Run("два\nпосле"),), (Run("три\nи ещё"),))),)


def test_a_list_of_sections_is_read_as_sections() -> None:
    found = read("<ul><li><h3>Первое</h3><p>Текст</p></li><li><h3>Второе</h3><p>Ещё</p></li></ul>")
    assert [type(block) for block in found] == [Heading, Paragraph, Heading, Paragraph]


def test_a_quotation_has_lines_and_a_source() -> None:
    html = "<blockquote><p>Первая.</p><p>Вторая.</p><footer>— Мэр <cite>города</cite></footer></blockquote>"
    assert read(html) == (Quote(runs=(Run("Первая.\nВторая."),), source="— Мэр города"),)


def test_preformatted_text_keeps_its_lines() -> None:
    assert read("<pre>раз\nдва  три</pre>") == (paragraph(Run("раз\nдва три", "code")),)


def test_rules_stand_between_blocks_only() -> None:
    assert [type(block) for block in read("<hr><p>a</p><hr><hr><p>b</p><hr>")] == [Paragraph, Rule, Paragraph]


def test_a_table_has_rows_cells_and_a_head() -> None:
    html = (
        "<table><caption>Явка</caption><thead><tr><th>Город<th>%</thead>"
        "<tr><td rowspan=2>Север<td><b>41</b><tr><td>42<tr><td colspan=2>всего"
        "</table>"
    )
    cell = Run
    assert read(html) == (
        paragraph("Явка"),
        Table(
            head=True,
            rows=(
                ((cell("Город"),), (cell("%"),)),
                ((cell("Север"),), (cell("41", "b"),)),
                ((), (cell("42"),)),
                ((cell("всего"),), ()),
            ),
        ),
    )


@pytest.mark.parametrize(
    "html",
    [
        "<table><tr><td><p>Абзац</p></td></tr></table>",
        "<table role=presentation><tr><td>Абзац</td><td></td></tr><tr><td></td><td></td></tr></table>",
        "<table><tr><td><table><tr><td>Абзац</table></table>",
        "<table><tr><td><h2>х</h2></td><td>Абзац</td></tr><tr><td></td><td></td></tr></table>",
    ],
)
def test_a_table_for_layout_is_unwrapped(html: str) -> None:
    found = read(html)
    assert "Абзац" in list(block_texts(found))
    assert not any(isinstance(block, Table) for block in found)


def test_long_tables_are_several_and_wide_rows_lose_no_text() -> None:
    long = "<table>" + "<tr><td>a<td>b" * 450 + "</table>"
    assert [len(block.rows) for block in read(long) if isinstance(block, Table)] == [200, 200, 50]
    wide = "<table><tr>" + "".join(f"<td>{number}" for number in range(25)) + "<tr><td>x<td>y</table>"
    (table,) = read(wide)
    assert isinstance(table, Table)
    assert len(table.rows[0]) == 20
    assert "".join(run.text for run in table.rows[0][19]) == "19 · 20 · 21 · 22 · 23 · 24"


# ---------------------------------------------------------------- pictures and cards


def test_a_figure_has_picture_caption_and_credit() -> None:
    html = (
        '<figure><img src="/p.jpg" alt="Мост" width="1200" height="800px"><figcaption>Новый мост. Фото: Агентство'
        "</figcaption></figure>"
    )
    picture = Picture(url="https://news.example/p.jpg", alt="Мост", width=1200, height=800)
    assert read(html) == (Figure(picture=picture, caption=(Run("Новый мост"),), credit="Фото: Агентство"),)


def test_a_credit_with_an_element_of_its_own_is_told_from_the_caption() -> None:
    caption = "<figcaption>Новый мост <span class='media__author'>Агентство</span></figcaption>"
    (figure,) = read(f"<figure><img src=p.jpg>{caption}</figure>")
    assert isinstance(figure, Figure)
    assert (figure.caption, figure.credit) == ((Run("Новый мост"),), "Агентство")


@pytest.mark.parametrize(
    "image",
    [
        '<img src="data:image/gif;base64,R0" data-src="/p.jpg">',
        '<img src="/img/blank.gif" data-original="/p.jpg">',
        '<img class="lazy" data-lazy-src="/p.jpg">',
        '<img data-srcset="/s.jpg 300w, /p.jpg 1200w, /l.jpg 3000w">',
        '<picture><source srcset="/p.jpg 800w"><img alt=""></picture>',
        "<noscript><img src=/p.jpg></noscript>",
        '<img srcset="/p.jpg">',
        "<amp-img src=/p.jpg></amp-img>",
    ],
)
def test_late_loading_hides_no_picture(image: str) -> None:
    (figure,) = read(image)
    assert isinstance(figure, Figure)
    assert figure.picture.url == "https://news.example/p.jpg"


def test_the_copy_for_browsers_without_scripts_is_the_same_picture() -> None:
    html = '<figure><img src="data:x" data-src="/p.jpg" alt="Мост"><noscript><img src="/p.jpg"></noscript></figure>'
    assert [block.picture.alt for block in read(html) if isinstance(block, Figure)] == ["Мост"]
    assert len(read('<img data-src="/p.jpg"><noscript><img src="/p.jpg"></noscript>')) == 1


@pytest.mark.parametrize(
    "image",
    ["<img src=/i.png width=16 height=16>", "<img src=/pixel.gif width=1 height=1>", "<img src=/logo.svg>",
     "<img src='data:x'>", "<img>", "<img src='javascript:x'>", "<img src='file:///etc/passwd'>"],
)  # fmt: skip
def test_icons_counters_and_drawings_are_no_pictures(image: str) -> None:
    assert read(f"<p>текст</p>{image}") == (paragraph("текст"),)


def test_an_emoji_is_a_character() -> None:
    assert texts("<p>ура <img class='wp-smiley' alt='🎉' src=/e.png></p>") == ["ура 🎉"]


def test_a_picture_within_a_paragraph_follows_it() -> None:
    found = read("<p>до <img src=/p.jpg> после</p><p>ещё</p>")
    assert [type(block) for block in found] == [Paragraph, Figure, Paragraph]
    assert next(block_texts(found)) == "до после"


def test_a_caption_by_class_belongs_to_the_picture_before_it() -> None:
    (figure,) = read('<div class="wp-caption"><img src=/p.jpg><p class="wp-caption-text">Мост</p></div>')
    assert isinstance(figure, Figure)
    assert figure.caption == (Run("Мост"),)
    assert [type(block) for block in read("<img src=/p.jpg><p>не подпись</p>")] == [Figure, Paragraph]


def test_a_gallery_has_all_its_pictures() -> None:
    found = read("<figure><img src=/a.jpg><img src=/b.jpg><figcaption>Две</figcaption></figure>")
    assert [(block.picture.url[-5:], block.caption) for block in found if isinstance(block, Figure)] == [
        ("a.jpg", ()),
        ("b.jpg", (Run("Две"),)),
    ]


@pytest.mark.parametrize(
    ("html", "href", "provider"),
    [
        (
            '<iframe src="//www.youtube.com/embed/abcdefghijk?rel=0" title="Мост"></iframe>',
            "https://www.youtube.com/watch?v=abcdefghijk",
            "youtube.com",
        ),
        ('<iframe data-src="https://player.vimeo.com/video/123456"></iframe>', "https://vimeo.com/123456", "vimeo.com"),
        ('<video controls><source src="/v.mp4">Ваш браузер стар</video>', "https://news.example/v.mp4", "news.example"),
        ('<audio src="/a.mp3"></audio>', "https://news.example/a.mp3", "news.example"),
        ('<figure><iframe src="https://t.me/news/1?embed=1"></iframe></figure>', "https://t.me/news/1", "t.me"),
    ],
)
def test_players_become_cards(html: str, href: str, provider: str) -> None:
    (card,) = read(html)
    assert isinstance(card, Embed)
    assert (card.href, card.provider) == (href, provider)


@pytest.mark.parametrize(
    "html",
    ['<iframe src="https://ads.doubleclick.net/x"></iframe>', '<iframe src="/p" width=1 height=1></iframe>',
     "<iframe></iframe>",
     '<iframe src="about:blank"></iframe>', '<iframe src="javascript:x"></iframe>', "<video></video>"],
)  # fmt: skip
def test_advertisements_and_empty_players_are_no_cards(html: str) -> None:
    assert read(html) == ()


def test_a_post_of_a_network_is_its_text_and_a_card() -> None:
    html = (
        '<blockquote class="twitter-tweet"><p>Мост открыт</p>— Город <a href="https://twitter.com/c/status/1">вчера</a>'
        "</blockquote>"
    )
    quote, card = read(html)
    assert isinstance(quote, Quote)
    assert isinstance(card, Embed)
    assert quote.runs[0].text.startswith("Мост открыт")
    assert (card.href, card.provider) == ("https://twitter.com/c/status/1", "twitter.com")


def test_the_apology_beside_a_player_goes() -> None:
    html = (
        "<div><iframe src=https://video.example/1></iframe><p>Ваш браузер не поддерживает видео</p></div><p>Далее</p>"
    )
    assert texts(html) == ["Далее"]
    assert texts("<p>Ваш браузер не поддерживает видео, пишет газета.</p>") != []


def test_pictures_of_files_are_for_the_operators_own_folder() -> None:
    html = '<img src="file:///news/p.jpg">'
    assert read(html) == ()
    assert blocks(html, "file:///a.md", files=True) == (Figure(picture=Picture(url="file:///news/p.jpg")),)


# ---------------------------------------------------------------- parts of a page


def test_elements_to_skip_and_to_mute() -> None:
    page = tree.parse(
        b"<div><aside>no</aside><div class=m>no<img src=/p.jpg><p class=caption>cap</p></div><p>yes</p></div>"
    )
    root, skip, mute = (page.css_first(selector) for selector in ("div", "aside", ".m"))
    assert root is not None
    assert skip is not None
    assert mute is not None
    found = blocks_in(root, BASE, skip={skip.mem_id}, mute={mute.mem_id})
    figure = Figure(picture=Picture(url="https://news.example/p.jpg"), caption=(Run("cap"),))
    assert found == (figure, paragraph("yes"))


def test_each_element_has_one_meaning() -> None:
    assert elements.is_block("p")
    assert not elements.is_block("b")
    assert not elements.is_block("x-unknown")


# ---------------------------------------------------------------- limits


def test_a_million_nested_tags_are_read_without_recursion() -> None:
    assert texts("начало" + "<div>" * 1_000_000)[0] == "начало"


@pytest.mark.parametrize("tag", ["blockquote", "ul><li", "figure", "table><tr><td", "a href=/x", "b"])
def test_deep_structures_keep_their_text(tag: str) -> None:
    assert "текст" in "".join(texts(f"<{tag}>" * 3_000 + "текст"))


def test_there_are_at_most_five_thousand_blocks() -> None:
    assert len(read("<p>x" * 6_000)) == MAX_BLOCKS


def test_there_are_not_endlessly_many_pictures() -> None:
    found = read("".join(f"<img src=/{number}.jpg>" for number in range(MAX_PICTURES + 50)))
    assert len(found) == MAX_PICTURES


def test_many_line_breaks_take_no_square_of_time() -> None:
    (found,) = read("<p>" + "a<br>" * 150_000)
    assert isinstance(found, Paragraph)
    assert found.runs[0].text.count("\n") == 150_000 - 1


TAGS = (
    *("p", "div", "b", "i", "a", "ul", "ol", "li", "blockquote", "table", "tr", "td", "th", "h2", "figure"),
    *("figcaption", "img", "br", "hr", "pre", "span", "form", "iframe", "q", "section"),
)
MARKUP = st.lists(
    st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS])
    | st.sampled_from(
        ["слово ", "a\u00a0b", "<img src=/p.jpg>", "<a href='/x'>", "<br><br>", "<p class=caption>", " ", "<"]
    ),
    max_size=60,
).map("".join)


@given(MARKUP)
@settings(max_examples=200)
def test_any_markup_gives_whole_blocks(html: str) -> None:
    for block in read(html):
        match block:
            case Paragraph(runs=runs) | Heading(runs=runs) | Quote(runs=runs):
                groups = [runs]
            case Listing(items=items):
                assert items
                groups = list(items)
            case Table(rows=rows):
                assert len({len(row) for row in rows}) == 1
                groups = []
            case _:
                groups = []
        for runs in groups:
            text = "".join(run.text for run in runs)
            assert runs
            assert text == text.strip()
            assert "\n\n" not in text
            assert "  " not in text
            assert all(run.text for run in runs)
            assert not any(one.mark == two.mark and one.href == two.href for one, two in pairwise(runs))


@given(st.text(max_size=500))
@settings(max_examples=150)
def test_any_text_is_read(html: str) -> None:
    read(html)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="<&\r"), max_size=300))
def test_no_word_of_a_paragraph_is_lost(text: str) -> None:
    words = [word for word in text.split() if word.isalnum() and word.isascii()]
    assert "".join(words) in "".join("".join(texts(f"<div>{' '.join(words)}</div>")).split()) or not words
