"""The search page in Chromium: what a reader sees who types words or a code, on a mirror and from a disk."""

from __future__ import annotations

import functools
import http.server
import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.model import Brief, Issue, Material, SheetKey
from heliograph.model.code import ALPHABET, parse_code, shown, story_code
from heliograph.render import search
from heliograph.render.look import Look, Nav

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
ISSUE = Issue(number=1, made=NOW, stories=1, files=1, written=1, gone=0)
LOOK = Look(title="Берег", lang="ru", search_bits=3, nav=(Nav(key="ru/obshchestvo", label="Общество", lang="ru"),))
CODE = story_code("https://news.example/0")


def brief(number: int, title: str, tags: tuple[str, ...] = ()) -> Brief:
    url = f"https://news.example/{number}"
    when = NOW - timedelta(hours=number)
    return Brief(
        code=story_code(url), url=url, lang="ru", title=title, lead="", section="", published=when, updated=when,
        section_key="", day=f"{when:%Y-%m-%d}", tags=tags,
    )  # fmt: skip


STORIES = [
    brief(0, "Мост через лиман открыли"),
    brief(1, "Мостовая на набережной"),
    brief(2, "Открыли библиотеку", tags=("переправа",)),
    brief(3, "<img src=x onerror=alert(1)> ночью"),
    *(brief(n, f"Паром номер {n}") for n in range(4, 300)),
]

UNKNOWN = ("жираф", "слон", "верблюд", "тигр", "страус", "носорог", "пингвин", "кенгуру", "бегемот", "обезьяна", "лев")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A plain file host; ``asked`` lists the paths."""

    asked: list[str]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()


@dataclass
class Mirror:
    base: str
    folder: Path
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    folder = tmp_path_factory.mktemp("mirror")
    shards: defaultdict[int, list[Brief]] = defaultdict(list)
    for one in STORIES:
        for shard in {term >> (32 - LOOK.search_bits) for term in search.terms(one)}:
            shards[shard].append(one)
    files = list(search.page(Material(issue=ISSUE), LOOK, False))
    for shard, held in shards.items():
        material = Material(issue=ISSUE, briefs=tuple(held), tally={"ru": len(held)})
        files += search.shard(SheetKey("search", format(shard, "x")), material, LOOK, False)
    for file in files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.body)
    (folder / f"a/{CODE}.html").write_text("<title>the story</title>", encoding="utf-8")
    found = Mirror("", folder)
    handler = type("Handler", (Quiet,), {"asked": found.asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        found.base = f"http://127.0.0.1:{server.server_port}/a/search.html"
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, mirror: Mirror) -> Iterator[Page]:
    context = browser.new_context(locale="ru")
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda message: wrong.append(message.text) if "Policy" in message.text else None)
    opened.goto(mirror.base)
    mirror.asked.clear()
    yield opened
    assert wrong == []
    context.close()


def type_in(page: Page, text: str) -> None:
    page.fill("#q", text)
    page.keyboard.press("Enter")
    page.wait_for_selector("form button:enabled")


def titles(page: Page) -> list[str]:
    return page.locator("#r a").all_inner_texts()


# --- words ----------------------------------------------------------------------------------------------------------


def test_words_find_stories_whatever_their_endings(page: Page) -> None:
    type_in(page, "мосту через лимане")
    assert titles(page) == ["Мост через лиман открыли"]
    assert page.locator("#r a").get_attribute("href") == f"{CODE}.html"
    assert "20 ноября 2026" in page.inner_text("#r")


def test_the_closer_word_comes_first_and_tags_count(page: Page) -> None:
    type_in(page, "мостовые")
    assert titles(page) == ["Мостовая на набережной", "Мост через лиман открыли"]
    type_in(page, "переправы")
    assert titles(page) == ["Открыли библиотеку"]


def test_typing_asks_nothing_and_a_word_asks_for_one_file(page: Page, mirror: Mirror) -> None:
    page.type("#q", "переправа")
    assert mirror.asked == []
    type_in(page, "переправа")
    term = search.term_hash("пере")
    assert mirror.asked == [f"/a/s/3/{term >> 29:x}.json"]


def test_further_back_is_looked_only_on_request(page: Page, mirror: Mirror) -> None:
    type_in(page, "паром")
    first = titles(page)
    assert first[0] == "Паром номер 4"
    assert 40 < len(first) < 200
    assert len(mirror.asked) == 1
    while page.is_visible("#m"):
        before = len(mirror.asked)
        page.click("#m")
        page.wait_for_selector("form button:enabled")
        assert len(mirror.asked) == before + 1
    assert titles(page) == [f"Паром номер {n}" for n in range(4, 300)]


def test_partial_answers_are_called_so(page: Page) -> None:
    type_in(page, "лиман библиотека")
    assert sorted(titles(page)) == ["Мост через лиман открыли", "Открыли библиотеку"]
    assert page.inner_text("#s") == "Ни в одной статье нет всех этих слов. Вот те, где есть часть:"


def unknown(mirror: Mirror, *, goes_on: bool) -> str:
    """A word that no story has, in a shard that goes on after its first file or does not."""

    def further(word: str) -> bool:
        name = f"{search.term_hash(word[: search.STEM]) >> (32 - LOOK.search_bits):x}"
        return len(list((mirror.folder / "a/s/3").glob(f"{name}.*json"))) > 1

    return next(word for word in UNKNOWN if further(word) is goes_on)


def test_nothing_found_says_where_to_look(page: Page, mirror: Mirror) -> None:
    for nothing in (unknown(mirror, goes_on=False), "ок", "…"):
        type_in(page, nothing)
        assert page.inner_text("#s") == "Ничего не нашлось. К любой статье ведут дни и рубрики."
        assert titles(page) == []
    assert page.get_by_role("link", name="Общество").get_attribute("href") == "t/ru/obshchestvo.html"


def test_nothing_among_the_newest_is_not_called_nothing(page: Page, mirror: Mirror) -> None:
    type_in(page, unknown(mirror, goes_on=True))
    assert page.inner_text("#s").startswith("Среди новых статей с этими словами ничего нет.")
    while page.is_visible("#m"):
        page.click("#m")
        page.wait_for_selector("form button:enabled")
    assert page.inner_text("#s") == "Ничего не нашлось. К любой статье ведут дни и рубрики."


def test_a_title_is_never_markup(page: Page) -> None:
    type_in(page, "ночью")
    assert titles(page) == ["<img src=x onerror=alert(1)> ночью"]
    assert page.locator("#r img").count() == 0


def test_a_list_that_does_not_arrive_is_told_and_can_be_asked_for_again(page: Page) -> None:
    page.route("**/s/**", lambda route: route.abort())
    type_in(page, "паром")
    assert page.inner_text("#s") == "Список не пришёл. Попробуйте ещё раз чуть позже."
    page.unroute("**/s/**")
    type_in(page, "паром")
    assert titles(page)[0] == "Паром номер 4"


def test_a_host_that_answers_with_a_page_of_its_own_does_no_harm(page: Page) -> None:
    page.route("**/s/**", lambda route: route.fulfill(status=200, body="<!doctype html><p>hello"))
    type_in(page, "паром")
    assert page.inner_text("#s") == "Список не пришёл. Попробуйте ещё раз чуть позже."


def test_a_search_is_in_the_address_and_comes_back_with_it(page: Page, mirror: Mirror) -> None:
    type_in(page, "переправа через")
    address = page.url
    assert "#" in address
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("#r li")
    assert page.input_value("#q") == "переправа через"
    assert titles(page) == ["Открыли библиотеку"]


# --- codes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", [CODE, CODE.upper(), f" {shown(CODE)} ", "-".join(CODE)])
def test_a_code_opens_its_story(page: Page, mirror: Mirror, typed: str) -> None:
    page.fill("#q", typed)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{CODE}.html")
    assert page.title() == "the story"
    page.go_back()
    assert page.url == mirror.base


def test_a_code_in_the_address_opens_its_story(page: Page, mirror: Mirror) -> None:
    page.goto("about:blank")
    page.goto(f"{mirror.base}#{CODE}")
    page.wait_for_url(f"**/{CODE}.html")


def test_a_wrong_character_is_named_as_such(page: Page) -> None:
    wrong = CODE[:-1] + next(char for char in ALPHABET if char != CODE[-1])
    type_in(page, wrong)
    assert page.inner_text("#s") == "В этом коде один знак неверен. Сверьте с кодом, который вам дали."


def test_a_word_that_happens_to_be_a_code_is_searched_and_offered(page: Page) -> None:
    draw = random.Random(3)
    letters = [char for char in ALPHABET if char.isalpha()]
    words = ("".join(draw.choices(letters, k=6)) + "a" for _ in range(10_000))
    word = next(one for one in words if isinstance(parse_code(one), str))
    type_in(page, word)
    assert page.inner_text("#s")
    assert page.get_by_text(word.upper()).get_attribute("href") == f"{word}.html"


# --- from a disk, without a script, alike in both languages ---------------------------------------------------------


def test_a_copy_on_a_disk_opens_codes_and_says_that_it_cannot_search(browser: Browser, mirror: Mirror) -> None:
    page = browser.new_page()
    page.goto((mirror.folder / "a/search.html").as_uri())
    type_in(page, "паром")
    assert page.inner_text("#s").startswith("Эта копия открыта с диска")
    page.fill("#q", CODE)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{CODE}.html")
    page.close()


def test_without_a_script_the_page_leads_to_days_and_sections(browser: Browser, mirror: Mirror) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(mirror.base)
    assert "Для поиска нужен JavaScript" in page.inner_text("main")
    assert page.locator('main a[href="d/index.html"]').count() == 1
    context.close()


def samples() -> list[str]:
    draw = random.Random(11)
    alphabets = ["абвгґдеёєжзиіїйклмнопрстуфхцчшщъыьэюя", "abcçdefgğhıijklmnñoöpqrsştuüvyzâ", "ابتثجكيئأآ‌", "AZÉİßẞΣς",
                 "0123456789", "ё’'`ʼ-_. ", "漢字かな", "\u0301\u0308\u0653"]  # fmt: skip
    made = ["", "İstanbul", "об’єкт", "Straße", "ΟΔΟΣ", "می‌گوید", "Е\u0308лка", "x_y", "№ 5"]
    for _ in range(600):
        pool = "".join(draw.sample(alphabets, k=draw.randint(1, 3)))
        text = "".join(draw.choices(pool, k=draw.randint(1, 24)))
        made.append(text.upper() if draw.random() < 0.3 else text)
    return made


def test_script_and_index_fold_and_hash_alike(page: Page) -> None:
    texts = samples()
    script = "texts=>texts.map(t=>[fold(t),words(t).map(w=>[w,hash(stem(w))])])"
    for text, (folded, found) in zip(texts, page.evaluate(script, texts), strict=True):
        assert folded == search.fold(text), repr(text)
        expected = search.words(text)
        assert found == [[word, search.term_hash(word[: search.STEM])] for word in expected], repr(text)


def test_script_and_index_agree_on_shards(page: Page) -> None:
    texts = [text for text in samples() if text]
    for bits in (0, 1, 7, 16):
        page.evaluate("bits=>form.dataset.bits=bits", bits)
        names = page.evaluate("texts=>texts.map(shard)", texts)
        assert names == [format(search.term_hash(text) >> (32 - bits), "x") for text in texts]


def test_script_and_model_read_codes_alike(page: Page) -> None:
    draw = random.Random(5)
    typed = ["", "7k3vq2m", "oil oil o", "авекмно", "123456", "12345678", "u000000", "7K3–VQ2M", "7.K.3.V.Q.2.M"]
    for number in range(400):
        code = list(story_code(str(number)))
        if number % 2:
            code[draw.randrange(7)] = draw.choice(ALPHABET + "uоilавек")
        typed.append("".join(draw.choice([char, char.upper()]) + draw.choice(["", "", " ", "-"]) for char in code))
    for text, found in zip(typed, page.evaluate("texts=>texts.map(code)", typed), strict=True):
        expected = parse_code(text)
        if isinstance(expected, str):
            assert found == [expected, True], text
        elif expected.reason == "check":
            assert found[1] is False, text
        else:
            assert found is None, text
