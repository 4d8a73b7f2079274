"""What stands around the stories of the simulated newsroom, in its five languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """The words of one language's templates; ``notice`` has a place for the mirror's address."""

    outlet: str
    share: str
    also: str
    most_read: str
    tags: str
    notice: str
    comments: str
    cookie: str
    subscribe: str
    legal: str


PHRASES = {
    "ru": Phrases(
        outlet="Полуостров",
        share="Поделиться",
        also="Читайте также",
        most_read="Самое читаемое",
        tags="Теги",
        notice="Роскомнадзор пытается заблокировать сайт «Полуостров». Читайте нас через зеркало: {mirror} "
        "Подписывайтесь на «Полуостров» в Telegram, Viber и Instagram. Советуем установить VPN.",
        comments="КОММЕНТАРИИ FACEBOOK:",
        cookie="Сайт хранит файлы cookie, чтобы помнить ваши настройки. Оставаясь здесь, вы соглашаетесь с этим.",
        subscribe="Письмо с главным за неделю",
        legal="© «Полуостров». Перепечатка разрешена со ссылкой на источник.",
    ),
    "uk": Phrases(
        outlet="Півострів",
        share="Поділитися",
        also="Читайте також",
        most_read="Найчитаніше",
        tags="Теги",
        notice="Сайт «Півострів» намагаються заблокувати. Читайте нас через дзеркало: {mirror} "
        "Підписуйтесь на «Півострів» у Telegram, Viber та Instagram. Радимо встановити VPN.",
        comments="КОМЕНТАРІ FACEBOOK:",
        cookie="Сайт зберігає файли cookie, щоб пам’ятати ваші налаштування. Залишаючись тут, ви погоджуєтеся.",
        subscribe="Лист із головним за тиждень",
        legal="© «Півострів». Передрук дозволено з посиланням на джерело.",
    ),
    "en": Phrases(
        outlet="The Peninsula",
        share="Share",
        also="Read also",
        most_read="Most read",
        tags="Tags",
        notice="Some networks block The Peninsula. Read us through our mirror: {mirror} "
        "Follow The Peninsula on Telegram, Viber and Instagram. We advise you to install a VPN.",
        comments="FACEBOOK COMMENTS:",
        cookie="This site keeps cookies to remember your settings. By staying you agree.",
        subscribe="The week in one letter",
        legal="© The Peninsula. You may reprint our stories if you link to them.",
    ),
    "crh": Phrases(
        outlet="Yarımada",
        share="Paylaşmaq",
        also="Bunı da oquñız",
        most_read="Eñ çoq oqulğanlar",
        tags="Etiketler",
        notice="«Yarımada» saytını blok etmege tırışalar. Bizni küzgü vastasınen oquñız: {mirror} "
        "«Yarımada»ğa Telegram, Viber ve Instagramda abune oluñız. VPN qurmañıznı tevsiye etemiz.",
        comments="FACEBOOK TEFSİRLERİ:",
        cookie="Sayt ayarlarıñıznı hatırlamaq içün cookie fayllarını saqlay. Mında qalsañız, razı olasıñız.",
        subscribe="Aftanıñ eñ müim haberleri mektüpte",
        legal="© «Yarımada». Menbağa bağlantınen basmaq mümkün.",
    ),
    "fa": Phrases(
        outlet="شبه‌جزیره",
        share="هم‌رسانی",
        also="بیشتر بخوانید",
        most_read="پرخواننده‌ترین",
        tags="برچسب‌ها",
        notice="وب‌سایت «شبه‌جزیره» در برخی شبکه‌ها مسدود است. ما را از راه آینه بخوانید: {mirror} "
        "«شبه‌جزیره» را در تلگرام، وایبر و اینستاگرام دنبال کنید. نصب وی‌پی‌ان را توصیه می‌کنیم.",
        comments="دیدگاه‌های فیس‌بوک:",
        cookie="این وب‌سایت برای به خاطر سپردن تنظیمات شما کوکی نگه می‌دارد. با ماندن در اینجا موافقت می‌کنید.",
        subscribe="مهم‌ترین خبرهای هفته در یک نامه",
        legal="© «شبه‌جزیره». بازنشر با پیوند به منبع آزاد است.",
    ),
}
