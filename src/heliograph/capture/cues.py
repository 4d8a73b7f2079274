"""What gives a notice away: words by which a newsroom addresses its reader, in ru, uk, en, crh and fa.

A notice asks *the reader* to do something (follow, subscribe, install) with a channel, a mirror or a VPN. News about
the same things tells what *others* did or said. So a text is a notice only if every one of its sentences is such a
call, or says that the site is blocked, or is a bare address; one sentence of anything else, a word of reported speech
or a call inside quotation marks, and the text stays. A wrong cut loses news; a notice that stays costs a reader a line.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

MOST_TEXT = 1_000  # characters of a notice
MOST_LABEL = 60  # characters of a label
_SHORT = 8  # words of half a call
_CALLS = frozenset({"follow", "read", "tool"})

# Looked for one by one in lower-case text: quicker than one expression of them all. A notice holds at least one.
_HINTS = (
    "gram", "грам", "viber", "вайбер", "whats", "тсап", "facebook", "фейсбук", "youtube", "ютуб", "ютюб", "twit",
    "твит", "твіт", "tiktok", "тикток", "тікток", "дзен", "соцсет", "соцмереж", "социальн", "соціальн", "рассылк",
    "розсилк", "newsletter", "канал", "channel", "social", "vpn", "впн", "psiphon", "прокси", "проксі", "proxy", "блок",
    "зеркал", "mirror", "küzgü", "кузьгу", "://", "تلگرام", "اینستاگرام", "واتساپ", "یوتیوب", "فیلترشکن", "وی‌پی‌ان",
    "rss", "вконтакте",
)  # fmt: skip

# To follow a channel.
_FOLLOW = (
    # ru
    "подписывайтесь подпишитесь подписывайся подпишись следите присоединяйтесь присоединитесь вступайте заходите "
    "зайдите переходите перейдите ищите найдите делитесь поделитесь оставайтесь "
    "приглашаем "
    # uk
    "підписуйтесь підписуйтеся підпишіться стежте слідкуйте приєднуйтесь приєднуйтеся приєднайтесь приєднайтеся "
    "долучайтесь долучайтеся долучіться заходьте зайдіть переходьте перейдіть шукайте знайдіть "
    "діліться поділіться залишайтеся залишайтесь запрошуємо"
)
# To read or watch, which may also point to a document or a film that belongs to the story.
_READ = "читайте смотрите слушайте дивіться слухайте"
# To install or use.
_TOOL = (
    "установите устанавливайте скачайте скачивайте загрузите загружайте используйте пользуйтесь воспользуйтесь "
    "включите включайте подключите подключитесь подключайтесь откройте открывайте сохраните сохраняйте добавьте "
    "встановіть встановлюйте завантажте завантажуйте використовуйте користуйтеся користуйтесь скористайтеся "
    "скористайтесь увімкніть вмикайте підключіть підключіться відкрийте відкривайте збережіть зберігайте додайте"
)
# To do what the next verb says.
_SUGGEST = "рекомендуем советуем предлагаем просим рекомендуємо радимо пропонуємо просимо"
_TO_FOLLOW = r"\b(?:подписаться|підписат[ие]ся|следить|стежити|слідкувати|присоединиться|приєднатися|долучитися)\b"
# English has no form of its own for it, so that it counts only where a clause begins, or with "us" and "our".
_ENGLISH_START = r"^\W*(?:(?:also|please|and|or|meanwhile|you can also|to [^,]{3,80}),?\s+){0,3}"
_ENGLISH_FOLLOW = (
    _ENGLISH_START + r"(?:follow(?!-)|subscribe|join|sign up|stay)\b"
    r"|\b(?:follow|join|find|read) us\b|\b(?:subscribe to|sign up for|follow|join|watch) our\b"
)
_ENGLISH_READ = _ENGLISH_START + r"(?:read(?!er|ing)|watch|listen|visit)\b"
_ENGLISH_TOOL = (
    _ENGLISH_START + r"(?:install|use(?! of)|bookmark|get(?!ting)|turn on|download(?! (?:numbers|figures|speed)))\b"
    r"|\bwe (?:strongly )?(?:recommend|advise|suggest|encourage)\b|\b(?:install|download) our\b"
)
# Crimean Tatar: the second person plural of the imperative, in both scripts, and how it is written without "ñ".
_CRIMEAN = (
    r"\w{2,}(?:ñ[ıi]z|ñ[uü]z)\b|\w{2,}нъ(?:ыз|из|уз|юз)\b|\b(?:abune|aza)\s+ol[ıu]n[ıu]z\b|\btaqip etiniz\b"
    r"|\bqoşul[ıu]n[ıu]z\b|\boqun[ıu]z\b|\bt[ea]vsiye etemiz\b|тевсие этемиз"
)
_PERSIAN = r"دنبال کنید|بپیوندید|عضو شوید|مشترک شوید|بخوانید|نصب کنید|استفاده کنید|توصیه می‌کنیم"

_CHANNEL = (
    r"telegram|телеграм|тг-канал|viber|вайбер|whats?app|ват[сц]ап|вотсап|instagram|[иі]нстаграм|facebook|фейсбук"
    r"|youtube|ют[уюь]б|twitter|тв[иі]ттер|tik ?tok|т[иі]кток|\bдзен|dzen\.ru|вконтакте|vk\.com|одноклассник|threads\b"
    r"|bluesky|mastodon|\brss\b|рассылк|розсилк|newsletter|соцсет|соцмереж|социальных сет|соціальних мереж"
    r"|social (?:media|networks)|(?<![\w.])t\.me/|تلگرام|اینستاگرام|واتساپ|یوتیوب"
)
_OWN_CHANNEL = r"\bканал|\bchannel|приложени[еяю]|застосун|\bдодат(?:ок|к)|\bapp\b|\bkanal"
_VPN = (
    r"\bvpn|\bвпн|psiphon|псифон|tor browser|браузер\w*\s+tor|\bproxy|прокс[иі]|обход\w*\s+блокиров"
    r"|обх[оі]д\w*\s+блокуван|censor ?tracker|nthlink|فیلترشکن|وی‌پی‌ان"
)
_MIRROR = r"\bзеркал|\bдзеркал|\bmirror|küzgü|кузьгу"
_AVAILABLE = (
    r"(?:читать|смотреть|слушать|открыть|зайти)\b.{0,120}\bможно|можно\b.{0,80}\b(?:читать|смотреть|слушать|открыть)"
    r"|доступ(?:ен|на|но)\b|(?:читати|дивитися|слухати|відкрити)\b.{0,120}\bможна|можна\b.{0,80}\b(?:читати|дивитися)"
    r"|доступн(?:ий|а|о)\b|\b(?:can|may) (?:also )?(?:be )?(?:read|reach|reached|access|accessed|open|opened)|available"
    r"|(?:oqumaq|açmaq|baqmaq)\b.{0,120}\bmümkün|mümkün\b.{0,80}\b(?:oqumaq|açmaq)|окъумакъ\b.{0,120}\bмумкюн"
)
_SELF = (
    r"\b(?:мы|нас|нам|нами|наш|наша|наше|наши|нашего|нашей|нашему|нашем|нашу|нашим|нашими|наших|ми|нашого|нашої|нашому"
    r"|наші|нашою|us|our|we|biz|bizni|bizim|bizge|биз|бизни|бизим|ما)\b"
)
_BLOCKED = (
    r"(?:пыта|продолжа|намага|прод[оо]вжу)\w+\s+(?:за)?блок(?:ировать|увати)\b.{0,80}(?:сайт|доступ)"
    r"|\b(?:наш|этот|цей|данный)\s+сайт\b.{0,60}блок"
    r"|\bсайт\b.{0,60}\b(?:заблокирован|заблоковано|заблокований|блокируется|блокується)\b\s*(?:$|[.!]|[ву]\s|на\s)"
    r"|(?:is|are) (?:trying|attempting) to block\b.{0,80}(?:site|access)"
    r"|\b(?:our|this) (?:web)?site (?:is|has been) blocked"
    r"|(?=.*\b(?:sayt|kiriş))(?=.*(?:blok|qapat|yasaq)).*\btır[ıi]ş|(?=.*\bсайт)(?=.*блок).*тырыш"
)
_ABOUT_BLOCKING = r"блок(?:ир|ув)|\bblock|\bblok|цензур|censor|замедл|сповільн|مسدود|فیلتر"
_THANKS = (
    r"^\W*(?:спасибо|дякуємо|thank you|thanks|sağ ?oluñ[ıi]z|сагъ ?олунъыз)\b.{0,80}"
    r"(?:с нами|з нами|читаете|читаєте|reading|with us|biznen|бизнен|oqu|окъу)"
)
_REPORTED = (
    # ru
    r"\b(?:сказал|заявил|сообщил|рассказал|написал|призвал|посоветовал|рекомендовал|отметил|пояснил|объяснил|напомнил"
    r"|предупредил|подчеркнул|добавил|попросил|просил|предложил|ответил|опубликовал|запустил|открыл|создал)[аио]?\b"
    r"|\b(?:сообща[ею]т|пиш[еу]т|призыва[ею]т|совету[ею]т|рекоменду[ею]т|предупрежда[ею]т|говор[ия]т|утвержда[ею]т"
    r"|счита[ею]т|прос[ия]т|цитиру[ею]т|переда[ею]т|отвеча[ею]т|отмеча[ею]т|поясня[ею]т|напомина[ею]т)\b"
    r"|\bпо (?:словам|данным|мнению|сообщению|информации)\b"
    # uk
    r"|\b(?:сказа|заяви|повідоми|розпові|написа|закликa|заклика|поради|рекомендува|зазначи|поясни|нагада|попереди"
    r"|підкресли|дода|попроси|запропонува|відпові|опублікува|запусти|відкри|створи)(?:в|ла|ли)\b"
    r"|\b(?:повідомля[єю]|пиш[еу]|заклика[єю]|рекоменду[єю]|попереджа[єю]|каж[еу]|стверджу[єю]|вважа[єю])(?:ть)?\b"
    r"|\b(?:рад|прос)[ия]ть\b|\bза (?:словами|даними|інформацією)\b"
    # en
    r"|\b(?:said|says?|told|tells|according to|reported|wrote|writes|urge[ds]?|advise[ds]|recommended"
    r"|recommends|warned|warns|added|adds|noted|call(?:ed|s)? on|asked|stated|claim(?:ed|s)|announced"
    r"|explained|launched)\b"
    r"|(?<!we )\badvise\b"
    # crh
    r"|\b(?:dedi|dedılar|deye|dep|ayttı|aytqan|bildirdi|bildire|yazdı|yaza|çağırdı|qayd etti|tevsiye etti)\w{0,4}\b"
    r"|\bsözlerine köre\b|\b(?:деди|айтты|бильдирди|бильдире|язды|чагъырды)\b"
    # fa
    r"|\bگفت\b|گفته است|اعلام کرد|نوشت"
)
_ADDRESS = re.compile(r"https?://\S+|\bwww\.\S+", re.IGNORECASE)
_CDN = (
    r"\b[\w-]+(?:\.[\w-]+)*\.(?:cloudfront\.net|azureedge\.net|azurefd\.net|fastly\.net|akamaized\.net|b-cdn\.net"
    r"|workers\.dev|pages\.dev|netlify\.app|vercel\.app|web\.app|appspot\.com|github\.io|gitlab\.io|onion"
    r"|amazonaws\.com|googleapis\.com|windows\.net)\b"
)
_SOCIAL_HREF = (
    r"//(?:[\w-]+\.)*(?:t\.me|telegram\.me|instagram\.com|facebook\.com|fb\.com|youtube\.com|youtu\.be|twitter\.com"
    r"|x\.com|viber\.com|whatsapp\.com|wa\.me|dzen\.ru|vk\.com|ok\.ru|tiktok\.com|threads\.net|bsky\.app)(?:/|$)"
)
_QUOTED = re.compile(r"«[^«»]*»|“[^“”]*”|„[^„“”]*[“”]|\"[^\"]*\"")
_OPEN_QUOTE = re.compile(r"[«“„\"].*|^.*?[»”]", re.DOTALL)
_DIGIT = re.compile(r"\d")
_UNITED_STATES = re.compile(r"\bU\.?S\b")
_SPEECH = re.compile(r"^\s*[—–-]\s")
_SENTENCE = re.compile(r"(?<=[.!?…])[»”\")]*\s+|\n+")
_CONNECTOR = re.compile(r"\b(?:и|й|та|і|а также|а також|and|or|ve|ве|в|у|на|on|x)\b|[\W\d_]+")

_PLATFORM = "(?:facebook|фейсбук|вконтакте|vk|disqus|telegram|телеграм)"
_LABELS = (
    # ru
    "комментарии|комментировать|оставить комментарий|комментарии читателей|обсуждение|обсудить|читайте также"
    "|читать также|смотрите также|смотри также|также по теме|по теме|еще по теме|материалы по теме|похожие материалы"
    "|теги|метки|ключевые слова|поделиться|поделитесь|поделиться в соцсетях|реклама|на правах рекламы"
    "|подписаться|мы в соцсетях"
    "|следите за нами|самое читаемое|новости партнеров|рубрики"
    # uk
    "|коментарі|коментувати|залишити коментар|обговорення|обговорити|читайте також|читати також|дивіться також|за темою"
    "|ще за темою|матеріали за темою|схожі матеріали|мітки|ключові слова|поділитися|поширити|поділитись|підписатися"
    "|ми в соцмережах|найпопулярніше|найчитаніше|новини партнерів|рубрики"
    # en
    "|comments?|leave a comment|add a comment|discussion|read also|also read|read more|see also|related"
    "|related (?:articles|stories|news|content|topics)|more on this|tags|keywords|share"
    "|share this|share this (?:article|story)|advertisement|advertising|sponsored|subscribe|follow us"
    "|most read|most popular"
    # crh
    "|fikirler|tefsirler(?:i)?|eñ çoq oqulğanlar|izaatlar|bunı da oquñız|oquñız|paylaşmaq|paylaşıñız"
    "|etiketler|фикирлер|буны да окъунъыз"
    # fa
    "|نظرات|دیدگاه‌ها|دیدگاه‌های فیس‌بوک|همچنین بخوانید|بیشتر بخوانید|برچسب‌ها"
    "|هم‌رسانی|پرخواننده‌ترین"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a notice asks for, and how surely it is the newsroom that asks."""

    tool: bool  # it is about a VPN or a mirror
    sure: bool  # it names a mirror's address, says "us" or "our", or names two channels


def hinted(low: str) -> bool:
    """Whether ``low`` (lower case) may hold a notice at all."""
    return any(hint in low for hint in _HINTS)


def folded(text: str) -> str:
    """``text`` as the expressions here expect it."""
    return text.lower().replace("ё", "е").replace("i̇", "i")


def is_label(text: str) -> bool:
    """Whether ``text`` is nothing but the name of what used to follow: comments, tags, things to read."""
    if len(text) > MOST_LABEL:
        return False
    return _expressions().label.fullmatch(folded(text).strip(" \t\n:.…!—–-•|#►▶→↓()[]\u00a0")) is not None


def calls(text: str, hrefs: tuple[str, ...], hosts: tuple[str, ...]) -> Call | None:
    """What ``text`` asks its reader to do if it is a notice and nothing else, else None.

    ``hrefs`` are the addresses its links lead to, ``hosts`` the known hosts of mirrors.
    """
    if len(text) > MOST_TEXT:
        return None
    low = folded(text)
    if not (hinted(low) or hrefs):
        return None
    words = _expressions()
    if _SPEECH.match(low) or words.reported.search(low):
        return None
    low = folded(_UNITED_STATES.sub("usa", text))  # "US" is not "us"
    linked = any(map(words.social_href.search, hrefs))
    everywhere = " ".join((low, *hrefs))
    mirrored = words.cdn.search(everywhere) is not None or any(host and host in everywhere for host in hosts)
    listed = [_kind(sentence, linked, mirrored) for sentence in _SENTENCE.split(low.strip())]
    kinds = set(listed)
    if "other" in kinds or not _has_call(kinds):
        return None
    named = {match[0] for match in words.channel.finditer(low)}
    sure = mirrored or len(named) > 1 or words.own.search(_QUOTED.sub(" ", low)) is not None
    if "blocked" in kinds and not (sure and sum(kind in _CALLS for kind in listed) > 1):
        return None
    return Call(tool="tool" in kinds, sure=sure) if sure or kinds & {"follow", "tool"} else None


def may_be_promotional(text: str, hrefs: tuple[str, ...]) -> bool:
    """Whether ``is_promotional`` is worth asking: no call is without such a word or such a link."""
    if len(text) > MOST_TEXT:
        return False
    return hinted(folded(text)) or any(map(_expressions().social_href.search, hrefs))


def is_promotional(text: str, hrefs: tuple[str, ...]) -> bool:
    """Whether ``text`` carries a call anywhere; weaker than ``calls``, for blocks that are known to recur."""
    low = folded(text)
    if len(low) > MOST_TEXT or not (hinted(low) or hrefs):
        return False
    linked = any(map(_expressions().social_href.search, hrefs))
    return _has_call({_kind(sentence, linked, False) for sentence in _SENTENCE.split(low.strip())})


def _has_call(kinds: set[str]) -> bool:
    return bool(kinds & _CALLS) or {"ask", "place"} <= kinds


def mentions_tool(text: str) -> bool:
    """Whether ``text`` speaks of a VPN, a proxy or a mirror."""
    low = folded(text)
    words = _expressions()
    return words.vpn.search(low) is not None or words.mirror.search(low) is not None


def is_about(head: str) -> bool:
    """Whether a story with this title and lead is about what notices are about: channels, blocking, VPN, mirrors."""
    low = folded(head)
    words = _expressions()
    return bool(words.about_blocking.search(low) or words.channel.search(low)) or mentions_tool(low)


@dataclass(frozen=True, slots=True)
class _Expressions:
    label: re.Pattern[str]
    follow: re.Pattern[str]
    read: re.Pattern[str]
    suggest: re.Pattern[str]
    to_follow: re.Pattern[str]
    tool: re.Pattern[str]
    channel: re.Pattern[str]
    own_channel: re.Pattern[str]
    vpn: re.Pattern[str]
    mirror: re.Pattern[str]
    available: re.Pattern[str]
    own: re.Pattern[str]
    blocked: re.Pattern[str]
    thanks: re.Pattern[str]
    about_blocking: re.Pattern[str]
    reported: re.Pattern[str]
    cdn: re.Pattern[str]
    social_href: re.Pattern[str]


@functools.cache
def _expressions() -> _Expressions:
    """Compiled once, and only where a text is looked at."""

    def words(listed: str) -> str:
        # not "do not install", not "do you follow?"
        return r"(?<!\bне )\b(?:" + "|".join(listed.split()) + r")\b(?! ли\b)"

    return _Expressions(
        label=re.compile(
            rf"(?:\d{{1,6}} )?(?:{_PLATFORM}[ -])?(?:{_LABELS})(?: (?:в )?{_PLATFORM})?(?:\s*\(?\d{{1,6}}\)?)?"
        ),
        read=re.compile(f"{words(_READ)}|{_ENGLISH_READ}"),
        follow=re.compile(f"{words(_FOLLOW)}|{_ENGLISH_FOLLOW}|{_CRIMEAN}|{_PERSIAN}"),
        suggest=re.compile(words(_SUGGEST)),
        to_follow=re.compile(_TO_FOLLOW),
        tool=re.compile(f"{words(_TOOL)}|{_ENGLISH_TOOL}|{_CRIMEAN}|{_PERSIAN}"),
        channel=re.compile(_CHANNEL),
        own_channel=re.compile(_OWN_CHANNEL),
        vpn=re.compile(_VPN),
        mirror=re.compile(_MIRROR),
        available=re.compile(_AVAILABLE),
        own=re.compile(_SELF),
        blocked=re.compile(_BLOCKED),
        thanks=re.compile(_THANKS),
        about_blocking=re.compile(_ABOUT_BLOCKING),
        reported=re.compile(_REPORTED),
        cdn=re.compile(_CDN),
        social_href=re.compile(_SOCIAL_HREF),
    )


def _kind(sentence: str, linked: bool, mirrored: bool) -> str:
    """What a sentence is in a notice.

    A call: "follow", "read" or "tool". Half of one: "ask" (to whom is said elsewhere), "place" (where we are). What may
    stand beside a call: "support"; beside two: "blocked", which news says too. All else: "other".
    """
    words = _expressions()
    said = _OPEN_QUOTE.sub(" ", _QUOTED.sub(" ", sentence))
    own = words.own.search(said) is not None
    channel = linked or words.channel.search(said) or (own and words.own_channel.search(said))
    follow, read, use = words.follow.search(said), words.read.search(said), words.tool.search(said)
    suggest = words.suggest.search(said)
    if channel and (follow or (own and use) or (suggest and words.to_follow.search(said))):
        return "follow"
    mirror, address = words.mirror.search(said), _ADDRESS.search(said)
    tool = words.vpn.search(said) or mirror or (mirrored and address)
    if tool and (use or suggest or follow or read):
        return "tool"
    if words.available.search(said) and ((mirror and (address or mirrored)) or (own and (tool or channel))):
        return "tool"
    if channel and read:
        return "read"
    if (words.blocked.search(said) and not _DIGIT.search(_ADDRESS.sub(" ", said))) or words.thanks.search(said):
        return "support"
    short = len(said.split())
    if (follow or (channel and own)) and short <= _SHORT:
        return "ask" if follow else "place"
    if words.about_blocking.search(said) and short <= 2 * _SHORT and not _DIGIT.search(said):
        return "blocked"
    bare = _CONNECTOR.sub("", words.channel.sub(" ", _ADDRESS.sub(" ", sentence)))
    return "support" if not bare else "other"
