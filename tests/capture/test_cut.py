"""The cut: furniture goes, news stays."""

from __future__ import annotations

import pickle
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from heliograph.capture import cut
from heliograph.capture.cut import Rules
from heliograph.model import (
    Block,
    Embed,
    Figure,
    Heading,
    Listing,
    Paragraph,
    Picture,
    Quote,
    Rule,
    Run,
    Story,
    plain_text,
)

WHEN = datetime(2026, 11, 20, tzinfo=UTC)
NOTICE = (
    "Роскомнадзор пытается заблокировать доступ к сайту Вести. Беспрепятственно читать Вести можно с помощью "
    "зеркального сайта: https://d1abc2def3.cloudfront.net/. Также следите за основными новостями в Telegram, Instagram "
    "и Viber. Рекомендуем вам установить VPN."
)
BODY = tuple(
    f"Абзац номер {word}: власти города решили, что ремонт моста продлится до весны, а движение откроют в марте, "
    "и жители соседних улиц, которые просили об этом три года, смогут ездить на работу вдвое быстрее."
    for word in ("один", "два", "три", "четыре", "пять", "шесть")
)


def para(text: str, href: str = "") -> Paragraph:
    return Paragraph(runs=(Run(text, "", href),))


def story(*blocks: Block | str, title: str = "Мост закрыли до весны", lead: str = "") -> Story:
    made = tuple(para(block) if isinstance(block, str) else block for block in blocks)
    url = "https://vesti.example/most"
    return Story(url=url, code="0000000", lang="ru", title=title, lead=lead, blocks=made, published=WHEN, updated=WHEN)


def left(*blocks: Block | str, rules: Rules | None = None, **fields: str) -> list[str]:
    """The texts that stay."""
    shown, _ = cut.cut(story(*blocks, **fields), rules or Rules())
    return [plain_text(block.runs) for block in shown.blocks if isinstance(block, Paragraph | Heading | Quote)]


def reasons(*blocks: Block | str, rules: Rules | None = None, **fields: str) -> list[str]:
    _, cuts = cut.cut(story(*blocks, **fields), rules or Rules())
    return [one.reason for one in cuts]


def marks(*texts: str) -> Rules:
    return Rules(recurring=frozenset(cut.fingerprint(text) for text in texts))


# ---------------------------------------------------------------- one story, by cues


@pytest.mark.shared
def test_the_seed_article_loses_its_notice_and_its_label_and_nothing_else(shared: Path) -> None:
    lines = (shared / "data" / "seed-article.txt").read_text("utf-8").splitlines()
    shown, cuts = cut.cut(story(*lines, title="Кремль отказался комментировать сообщения"), Rules())
    assert [plain_text(block.runs) for block in shown.blocks if isinstance(block, Paragraph)] == lines[:-2]
    assert [(one.reason, one.text) for one in cuts] == [("tail notice", lines[-2]), ("label", lines[-1])]
    assert cuts[0].url == shown.url


def test_a_notice_and_a_label_at_the_tail_are_cut_and_told() -> None:
    assert left(*BODY, NOTICE, "FACEBOOK КОММЕНТАРИИ:") == list(BODY)
    assert reasons(*BODY, NOTICE, "FACEBOOK КОММЕНТАРИИ:") == ["tail notice", "label"]


def test_a_story_without_furniture_is_the_very_same_object() -> None:
    whole = story(*BODY)
    assert cut.cut(whole, Rules()) == (whole, ())
    assert cut.cut(whole, Rules())[0] is whole


def test_the_same_words_in_the_middle_stay() -> None:
    assert reasons(*BODY[:3], NOTICE, "Комментарии:", *BODY[3:]) == []
    assert reasons(NOTICE, *BODY) == []


def test_a_notice_before_a_last_paragraph_of_text_stays() -> None:
    assert reasons(*BODY, NOTICE, "Движение по мосту откроют в марте.") == []


@pytest.mark.parametrize(
    "text",
    [
        # ru
        "Роскомнадзор пытается заблокировать доступ к сайту издания с марта 2022 года.",
        "Роскомнадзор заблокировал сайт издания. Читать его можно только через VPN.",
        "«Подписывайтесь на наш Telegram-канал и установите VPN», — написал главный редактор.",
        "По словам юриста, пользователям советуют установить VPN и следить за новостями в Telegram.",
        "Жители следят за новостями в Telegram, Viber и WhatsApp.",
        "Редакция открыла зеркало сайта: https://d1abc2def3.cloudfront.net/",
        # uk
        "Роскомнагляд заблокував сайт видання, і тепер читати його можна лише через VPN.",
        "«Стежте за нами у Telegram та Viber», — закликав головний редактор.",
        "Користувачі встановлюють VPN і стежать за новинами в Instagram.",
        # en
        "The regulator blocked the site, and readers turned to VPNs and Telegram.",
        '"Follow us on Telegram and install a VPN," the editor told readers.',
        "Rights groups urged readers to install a VPN before the vote.",
        "Read the full ruling on YouTube and Facebook is what the court's page now says.",
        # crh
        "Roskomnadzor saytnı blok etti, endi onı tek VPN ile oqumaq mümkün.",
        "«Telegramda abune oluñız», dep ayttı muarrir.",
        "Faaller VPN qurdı ve haberlerni Telegramda taqip ete.",
    ],
)
@pytest.mark.parametrize("title", ["Мост закрыли до весны", "Роскомнадзор заблокировал Telegram и VPN-сервисы"])
def test_news_about_blocks_vpns_and_channels_keeps_its_last_paragraph(text: str, title: str) -> None:
    assert left(*BODY, text, title=title) == [*BODY, text]
    assert left(*BODY, text, "Комментарии:", title=title) == [*BODY, text]


@pytest.mark.parametrize(
    ("title", "lead"),
    [
        ("Как читать новости, когда всё заблокировано", ""),
        ("Что делать", "Пять советов о VPN"),
        ("Telegram ушёл в тень", ""),
    ],
)
def test_advice_in_a_story_about_blocking_stays(title: str, lead: str) -> None:
    advice = "Установите VPN, которому доверяете. Подписывайтесь на каналы в Telegram."
    assert left(*BODY, advice, title=title, lead=lead)[-1] == advice


def test_advice_stays_where_the_body_speaks_of_the_same_thing() -> None:
    advice = "Рекомендуем установить VPN заранее."
    assert reasons(*BODY, "Продажи VPN выросли втрое.", *BODY, advice) == []
    assert reasons(*BODY, advice) == ["tail notice"]


def test_a_notice_with_the_newsrooms_mirror_is_cut_from_a_story_about_blocking_too() -> None:
    assert left(*BODY, NOTICE, title="Роскомнадзор заблокировал VPN-сервисы и Telegram") == list(BODY)


def test_a_quotation_is_speech_and_stays_unless_it_recurs() -> None:
    quote = Quote(runs=(Run("Подписывайтесь на наш Telegram и установите VPN!"),))
    assert reasons(*BODY, quote) == []
    assert reasons(*BODY, quote, rules=marks(plain_text(quote.runs))) == ["recurs"]


def test_a_known_host_of_a_mirror_is_a_cue() -> None:
    text = "Читайте наши новости: https://vesti-two.example/"
    assert reasons(*BODY, text) == []
    assert reasons(*BODY, text, rules=Rules(hosts=("vesti-two.example",))) == ["tail notice"]
    linked = Paragraph(
        runs=(Run("Читайте наши новости на "), Run("зеркале", "", "https://vesti-two.example/"), Run("."))
    )
    assert reasons(*BODY, linked, rules=Rules(hosts=("vesti-two.example",))) == ["tail notice"]


def test_links_under_a_label_go_with_it_and_links_without_one_stay() -> None:
    links = Listing(
        ordered=False,
        items=((Run("Река", "", "https://vesti.example/reka"),), (Run("Сад", "", "https://vesti.example/sad"),)),
    )
    link = para("Парк откроют летом", "https://vesti.example/park")
    assert reasons(*BODY, "Читайте также:", links) == ["label", "label"]
    assert reasons(*BODY, Heading(level=3, runs=(Run("По теме"),)), link, link) == ["label", "label", "label"]
    assert reasons(*BODY, links) == []
    assert reasons(*BODY, "Источники:", links) == []
    assert left(*BODY, link, "Комментарии") == [*BODY, "Парк откроют летом"]


def test_never_more_than_four_blocks_or_a_third_of_the_text_is_cut_by_cues() -> None:
    labels = ("Теги:", "Поделиться", "Комментарии:", "Реклама")
    assert len(reasons(*BODY, *labels)) == 4
    assert reasons(*BODY, "Читайте также:", *labels) == []
    assert reasons(BODY[0], NOTICE) == []
    assert reasons(NOTICE, "Комментарии:") == []
    assert reasons("Комментарии") == []


def test_a_break_that_parts_nothing_any_more_goes_too() -> None:
    shown, _ = cut.cut(story(*BODY, Rule(), NOTICE), Rules())
    assert shown.blocks == story(*BODY).blocks
    inside, _ = cut.cut(story(*BODY[:3], Rule(), *BODY[3:], NOTICE), Rules())
    assert Rule() in inside.blocks


def test_pictures_and_cards_among_the_furniture_stay() -> None:
    figure = Figure(picture=Picture(url="https://vesti.example/i.jpg"))
    card = Embed(href="https://t.me/vesti/1")
    shown, cuts = cut.cut(story(*BODY, figure, NOTICE, card, "Комментарии:"), Rules())
    assert shown.blocks[len(BODY) :] == (figure, card)
    assert len(cuts) == 2


def test_what_is_told_of_a_cut_is_bounded() -> None:
    _, cuts = cut.cut(story(*BODY, "Подписывайтесь на наш Telegram. " * 12), Rules())
    assert len(cuts[0].text) == 300


# ---------------------------------------------------------------- many stories, by recurrence


def test_a_fingerprint_folds_case_digits_urls_spaces_dashes_and_quotes() -> None:
    one = cut.fingerprint("Вести — «Читайте нас» с 2014 года: https://a.example/x")
    assert len(one) == 16
    for same in ('ВЕСТИ - "читайте  нас" с 2026 года:\nhttps://b.example/y?z', "вести – “Читайте\u00a0нас” с года"):
        assert cut.fingerprint(same) == one
    assert cut.fingerprint("Вести — «Читайте их» с 2014 года") != one
    for empty in ("", "2026", "* * *", " \n", "х" * 2_000):
        assert cut.fingerprint(empty) == ""


def test_edges_are_the_first_three_the_last_six_and_what_calls_the_reader() -> None:
    texts = [f"Абзац о городе {letter * 3}" for letter in "абвгдежзиклм"]
    middle = "Подписывайтесь на наш Telegram-канал!"
    found = set(cut.edges(story(*texts[:4], middle, *texts[4:])))
    assert found == {cut.fingerprint(text) for text in (*texts[:3], *texts[-6:], middle)}
    assert cut.edges(story()) == ()
    assert len(cut.edges(story("Одно", "одно!", "ОДНО"))) == 1


def test_what_stands_in_five_stories_and_a_tenth_of_them_recurs() -> None:
    counts = {"a": 4, "b": 5, "c": 10, "d": 99, "e": 100}
    assert cut.recurring(counts, 20) == {"b", "c", "d", "e"}
    assert cut.recurring(counts, 100) == {"c", "d", "e"}
    assert cut.recurring(counts, 1_000) == {"e"}
    assert cut.recurring(counts, 0) == {"b", "c", "d", "e"}


def test_furniture_of_a_site_is_learnt_from_its_stories_and_cut_from_all() -> None:
    head, tail = "Вести: новости без цензуры", "Перепечатка только со ссылкой на Вести."
    site = [story(head, f"{n} {BODY[n % 6]}", *BODY[:2], f"Итог {'аб' * n}", tail) for n in range(1, 30)]
    counts = Counter(mark for one in site for mark in cut.edges(one))
    rules = Rules(
        recurring=cut.recurring({m: c for m, c in counts.items() if m in cut.edges(story(head, tail))}, len(site))
    )
    for one in site:
        shown, cuts = cut.cut(one, rules)
        assert [block.text for block in cuts] == [head, tail]
        assert shown.blocks == one.blocks[1:-1]


def test_in_the_middle_only_what_recurs_and_calls_the_reader_is_cut() -> None:
    call, line = "Подписывайтесь на наш Telegram-канал!", "Что известно"
    rules = marks(call, line)
    assert left(*BODY[:3], call, line, *BODY[3:], rules=rules) == [*BODY[:3], line, *BODY[3:]]
    assert left(*BODY[:3], call, line, *BODY[3:]) == [*BODY[:3], call, line, *BODY[3:]]


def test_what_recurs_never_empties_a_story() -> None:
    rules = marks(*BODY)
    assert left(*BODY, rules=rules) == list(BODY)
    assert left("Новое.", *BODY, rules=rules) == ["Новое."]


def test_recurring_blocks_do_not_count_against_the_limit_of_cues() -> None:
    line = "Перепечатка материалов возможна только с активной ссылкой на источник, все права защищены законом. " * 3
    assert reasons(*BODY, *[line] * 5, "Комментарии:", rules=marks(line)) == ["recurs"] * 5 + ["label"]


# ---------------------------------------------------------------- the operator


def test_patterns_cut_anywhere_and_keep_overrules_everything() -> None:
    made, problems = cut.rules(
        patterns=[r"^ремонт моста:", "реклама"], keep=["важная реклама"], hosts=[" Mirror.Example "]
    )
    assert problems == ()
    assert made.hosts == ("mirror.example",)
    assert left("Ремонт моста: всё о нём", BODY[0], "Это реклама", "Это важная реклама", rules=made) == [
        BODY[0],
        "Это важная реклама",
    ]
    assert reasons("Ремонт моста: всё о нём", BODY[0], rules=made) == ["pattern"]
    keep, _ = cut.rules(keep=["зеркальн"], recurring=marks(NOTICE).recurring)
    assert left(*BODY, NOTICE, rules=keep) == [*BODY, NOTICE]


@pytest.mark.parametrize("pattern", ["(", "[a", "a{2,1}", "*", "", "a*", ".*", "(?P<x", "\\"])
def test_a_pattern_that_cannot_be_used_is_named(pattern: str) -> None:
    made, problems = cut.parse_patterns(["good", pattern])
    assert [compiled.pattern for compiled in made] == ["good"]
    assert problems[0].where == "[capture.cut] patterns[1]"
    assert problems[0].remedy
    _, kept = cut.rules(keep=[pattern])
    assert kept[0].where == "[capture.cut] keep[0]"


def test_rules_travel_to_other_processes() -> None:
    made, _ = cut.rules(patterns=["a"], keep=["b"], hosts=["c"], recurring=frozenset(["d"]))
    assert pickle.loads(pickle.dumps(made)) == made


# ---------------------------------------------------------------- what always holds

PIECES = st.sampled_from(
    [NOTICE, "Комментарии:", "Читайте также:", "Теги", "Рекомендуем установить VPN.", "Подписывайтесь на наш Telegram!",
     "Что известно", "Продажи VPN выросли.", "Мы есть в Viber. Подписывайтесь!", *BODY[:3]],
)  # fmt: skip
BLOCKS = st.lists(
    st.one_of(
        PIECES.map(para),
        PIECES.map(lambda text: para(text, "https://vesti.example/x")),
        st.text(max_size=30).map(para),
        st.just(Rule()),
        st.just(Figure(picture=Picture(url="https://vesti.example/i.jpg"))),
        PIECES.map(lambda text: Listing(ordered=False, items=((Run(text, "", "https://vesti.example/x"),),))),
        PIECES.map(lambda text: Quote(runs=(Run(text),))),
    ),
    max_size=12,
)
RULES = st.builds(
    lambda recurring, patterns, keep: cut.rules(
        recurring=frozenset(map(cut.fingerprint, recurring)), patterns=patterns, keep=keep, hosts=["mirror.example"]
    )[0],
    st.lists(PIECES, max_size=5),
    st.lists(st.sampled_from(["известно", "VPN"]), max_size=1),
    st.lists(st.sampled_from(["Viber", "Абзац номер один"]), max_size=1),
)


@settings(max_examples=300)
@given(BLOCKS, RULES, st.sampled_from(["Мост", "Telegram заблокирован"]))
@example(
    [
        para(BODY[0]),
        para("Рекомендуем установить VPN."),
        para("Читайте также:"),
        para("Продажи VPN выросли.", "https://a.example/"),
    ],
    Rules(),
    "Мост",
)
def test_cutting_twice_is_cutting_once(blocks: list[Block], rules: Rules, title: str) -> None:
    once, cuts = cut.cut(story(*blocks, title=title), rules)
    assert cut.cut(once, rules) == (once, ())
    assert len(cuts) <= len(blocks)


@settings(max_examples=200)
@given(BLOCKS, RULES)
def test_what_stays_keeps_its_order_and_its_words(blocks: list[Block], rules: Rules) -> None:
    shown, cuts = cut.cut(story(*blocks), rules)
    rest = iter(blocks)
    assert all(any(block == other for other in rest) for block in shown.blocks)
    gone = len(blocks) - len(shown.blocks) - sum(isinstance(block, Rule) for block in blocks)
    assert gone <= len(cuts)


@settings(max_examples=200)
@given(BLOCKS, st.lists(PIECES, max_size=5))
def test_without_rules_only_the_tail_is_touched_and_little_of_it(blocks: list[Block], tail: list[str]) -> None:
    whole = story(*BODY, *blocks, *tail)
    shown, cuts = cut.cut(whole, Rules())
    spoken = [block for block in whole.blocks if cut._text(block)]
    stays = [block for block in shown.blocks if cut._text(block)]
    assert spoken[: len(stays)] == stays
    assert len(spoken) - len(stays) == len(cuts) <= cut.MOST_BLOCKS
    length = sum(len(cut._text(block)) for block in spoken)
    assert length - sum(len(cut._text(block)) for block in stays) <= cut.MOST_SHARE * length


@settings(max_examples=100)
@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_text_is_safe(texts: list[str]) -> None:
    whole = story(*texts)
    assert all(len(mark) == 16 for mark in cut.edges(whole))
    cut.cut(whole, Rules(recurring=frozenset(cut.edges(whole))))
