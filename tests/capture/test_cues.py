"""What is a notice to the reader, and what is news about the same things."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import cues

MIRROR = "https://d3x5y7z9.cloudfront.net/"


@pytest.mark.parametrize(
    "text",
    [
        # ru
        "Подписывайтесь на наш Telegram-канал!",
        "Мы есть в Viber. Подписывайтесь!",
        "Читайте нас в Telegram и Instagram.",
        "Следите за новостями Вестей в Telegram и YouTube.",
        "Наш сайт заблокирован в России. Рекомендуем установить VPN.",
        f"Чтобы читать нас без блокировок, откройте зеркало {MIRROR}",
        f"Беспрепятственно читать Вести можно с помощью зеркала: {MIRROR}.",
        "Присоединяйтесь к нам в Facebook. Спасибо, что вы с нами!",
        "Скачайте наше приложение, чтобы читать без VPN.",
        "Советуем подписаться на Telegram-канал Вестей.",
        "Вести снова заблокированы. Читайте нас в Telegram и Viber. Установите VPN.",
        # uk
        "Підписуйтесь на наш канал у Telegram та Viber.",
        "Стежте за новинами у Facebook.",
        "Роскомнагляд намагається заблокувати доступ до сайту. Рекомендуємо встановити VPN.",
        f"Читати Вісті можна за допомогою дзеркального сайту: {MIRROR}",
        # en
        "Follow us on Telegram.",
        "Subscribe to our newsletter.",
        "To read us without blocking, install a VPN.",
        "Russia is trying to block our website. We recommend that you install a VPN.",
        f"You can read us through the mirror {MIRROR}",
        # crh
        "Telegramda abune oluñız!",
        "Esas haberlerni Telegram, Instagram ve Viberde taqip etiñiz. VPN qurmağa tevsiye etemiz.",
        f"Küzgü saytını açmaq mümkün: {MIRROR}",
        # fa
        "ما را در تلگرام دنبال کنید",
    ],
)
def test_a_call_to_the_reader_is_a_notice(text: str) -> None:
    assert cues.calls(text, (), ()) is not None
    assert cues.is_promotional(text, ())


@pytest.mark.parametrize(
    "text",
    [
        # ru
        "Роскомнадзор пытается заблокировать доступ к сайту газеты с марта 2022 года.",
        "Роскомнадзор заблокировал сайт издания. Теперь читать его можно только через VPN.",
        "«Установите VPN и подписывайтесь на наш Telegram-канал», — сказал редактор.",
        "Редактор добавил: «Читайте нас в Telegram».",
        "— Подписывайтесь на нас в Telegram. Так надёжнее.",
        "Эксперты рекомендуют установить VPN заранее.",
        "Суд отложил заседание до 5 декабря. Подписывайтесь на наш Telegram-канал.",
        "Издание открыло зеркало: " + MIRROR,
        "Не устанавливайте VPN из непроверенных источников.",
        "Следите ли вы за новостями в Telegram?",
        "По словам активистов, жители следят за новостями в Telegram и Viber.",
        "Смотрите полную версию интервью на YouTube.",
        "В Telegram-канале ведомства написали: подписывайтесь на нас в новом мессенджере.",
        "Вести снова заблокированы. Рекомендуем установить VPN.",
        "Вести снова заблокированы с 7 ноября. Читайте нас в Telegram и Viber. Установите VPN.",
        "Если вам нужна помощь, пишите юристам в Telegram.",
        "Читайте внимательно договор и пишите в суд.",
        "А мы предлагаем вам выбрать лучший снимок моста из Instagram.",
        # uk
        "Користувачі радять одне одному встановити VPN і читати новини в Telegram.",
        "Роскомнагляд заблокував доступ до Telegram, люди встановлюють VPN.",
        "Міністр закликав: підписуйтесь на Telegram-канал міністерства.",
        # en
        "Users then installed VPNs and followed Telegram channels.",
        "Install Psiphon before the vote, activists advise.",
        "Use of VPN services grew tenfold after YouTube was slowed down.",
        "The regulator said: follow the rules or be blocked on YouTube.",
        "Follow-up hearings on the Telegram ban are due in May.",
        # crh
        "VPN qurmaq kerek, dep bildirdi faal.",
        "Telegram qanalınıñ 5000 abunesi bar.",
        # labels and nothing
        "Комментарии:",
        "",
        "   ",
    ],
)
def test_news_about_such_things_is_no_notice(text: str) -> None:
    assert cues.calls(text, (), ()) is None


def test_a_link_may_say_what_the_words_do_not() -> None:
    assert cues.calls("Подписывайтесь на канал!", (), ()) is None
    assert cues.calls("Подписывайтесь на канал!", ("https://t.me/vesti",), ()) is not None
    assert cues.calls("Нажмите здесь.", ("https://t.me/vesti",), ()) is None


def test_a_known_host_of_a_mirror_makes_a_notice_sure() -> None:
    text = "Читайте наши новости: https://vesti-two.example/"
    assert cues.calls(text, (), ()) is None
    known = cues.calls(text, (), ("vesti-two.example",))
    assert known is not None
    assert known.sure


@pytest.mark.parametrize(
    ("text", "sure"),
    [("Рекомендуем установить VPN.", False), ("Рекомендуем вам читать нас через VPN.", True),
     ("Подписывайтесь на Telegram.", False), ("Подписывайтесь на Telegram и Viber.", True),
     ("Follow US sanctions on Telegram.", False), ("Follow us on Telegram.", True)],
)  # fmt: skip
def test_the_newsroom_shows_itself_or_not(text: str, sure: bool) -> None:
    call = cues.calls(text, (), ())
    assert call is not None
    assert call.sure is sure


@pytest.mark.parametrize(
    "text",
    ["FACEBOOK КОММЕНТАРИИ:", "Комментарии (12)", "Читайте также:", "Теги:", "Коментарі", "Читайте також", "Мітки:",
     "Comments", "12 Comments", "Read also:", "Tags", "Share this article", "Fikirler",
     "Поделиться в Facebook", "— Реклама —", "نظرات"],
)  # fmt: skip
def test_bare_labels_are_known(text: str) -> None:
    assert cues.is_label(text)


@pytest.mark.parametrize(
    "text",
    [
        "Комментарии отключены решением суда.",
        "Итоги:",
        "Что известно",
        "Tags were sewn into the coats",
        ":",
        "",
        "Подписаться под письмом решили сорок писателей",
    ],
)
def test_other_short_texts_are_no_labels(text: str) -> None:
    assert not cues.is_label(text)


def test_a_story_is_about_such_things_by_its_head() -> None:
    assert cues.is_about("Как выбрать VPN")
    assert cues.is_about("YouTube замедлили")
    assert cues.is_about("Суд заблокировал сайт")
    assert not cues.is_about("Мост закрыли до весны")


@settings(max_examples=150)
@given(st.text(max_size=200), st.lists(st.text(max_size=20), max_size=2).map(tuple))
def test_any_text_is_safe(text: str, hrefs: tuple[str, ...]) -> None:
    cues.calls(text, hrefs, ("a.example",))
    cues.is_promotional(text, hrefs)
    cues.is_label(text)
    cues.is_about(text)


@pytest.mark.parametrize(
    "unit", ["читать ", "blok sayt ", "сайт ", "«", "vpn. ", "to x", "telegram ", "https://", "а.", "можно читать "]
)
def test_long_texts_end_soon(unit: str) -> None:
    text = (unit * 1_000)[: cues.MOST_TEXT]
    cues.calls(text, (), ())
    cues.is_promotional(text, ())
    cues.is_about(unit * 20_000)
