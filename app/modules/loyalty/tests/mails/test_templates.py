"""All 28 mails (C3) as they arrive: sent through the outbox and a real mail server, in the language of who reads them."""

import datetime as dt
import re
from email.message import EmailMessage

import asyncpg
import pytest

from app.core.context import Ctx
from app.core.db.engine import Database
from app.core.i18n.locale import LOCALES
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.services import notification_service
from app.modules.loyalty.services.mail_content import TEMPLATES
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, make_reward, make_shop
from app.modules.loyalty.tests.mails.conftest import Holder, Post, html_of, text_of
from app.modules.messaging.tests.factories import MailServer

MAILS = {
    "loyalty_enrollment": "service",
    "loyalty_welcome_bonus": "service",
    "loyalty_points_expiring": "reminder",
    "loyalty_points_expired": "reminder",
    "loyalty_reward_ready": "reminder",
    "loyalty_birthday": "marketing",
    "loyalty_reengagement": "marketing",
}
MERCHANT = "Bäckerei Käppchen & Fils"
STREET = "1, rue du Fort, L-1234 Luxembourg"
NOW = dt.datetime(2026, 9, 16, 9, tzinfo=dt.UTC)
LAST_VISIT = dt.datetime(2025, 9, 30, 9, tzinfo=dt.UTC)
EXPIRES_ON = dt.date(2026, 9, 30)
DAY = {"en": "30 September 2026", "fr": "30 septembre 2026", "de": "30. September 2026", "lb": "30. September 2026"}

SUBJECTS = {
    "loyalty_enrollment": {
        "en": f"Your loyalty card is ready – {MERCHANT}",
        "fr": f"Votre carte de fidélité est prête – {MERCHANT}",
        "de": f"Ihre Treuekarte ist bereit – {MERCHANT}",
        "lb": f"Är Treiekaart ass prett – {MERCHANT}",
    },
    "loyalty_welcome_bonus": {
        "en": f"For you: 1,250 points – {MERCHANT}",
        "fr": f"Pour vous\u00a0: 1\u202f250 points – {MERCHANT}",
        "de": f"Für Sie: 1.250 Punkte – {MERCHANT}",
        "lb": f"Fir Iech: 1.250 Punkten – {MERCHANT}",
    },
    "loyalty_points_expiring": {
        "en": f"Your points expire on {DAY['en']} – {MERCHANT}",
        "fr": f"Vos points expirent le {DAY['fr']} – {MERCHANT}",
        "de": f"Ihre Punkte verfallen am {DAY['de']} – {MERCHANT}",
        "lb": f"Är Punkte verfalen um {DAY['lb']} – {MERCHANT}",
    },
    "loyalty_points_expired": {
        "en": f"Your points have expired – {MERCHANT}",
        "fr": f"Vos points ont expiré – {MERCHANT}",
        "de": f"Ihre Punkte sind verfallen – {MERCHANT}",
        "lb": f"Är Punkte si verfall – {MERCHANT}",
    },
    "loyalty_reward_ready": {
        "en": f"Your reward is ready – {MERCHANT}",
        "fr": f"Votre récompense est prête – {MERCHANT}",
        "de": f"Ihre Prämie ist bereit – {MERCHANT}",
        "lb": f"Är Belounung ass prett – {MERCHANT}",
    },
    "loyalty_birthday": {
        "en": f"Happy birthday from {MERCHANT}",
        "fr": f"Joyeux anniversaire – {MERCHANT}",
        "de": f"Alles Gute zum Geburtstag – {MERCHANT}",
        "lb": f"Alles Guddes fir de Gebuertsdag – {MERCHANT}",
    },
    "loyalty_reengagement": {
        "en": f"We would be glad to see you again – {MERCHANT}",
        "fr": f"Au plaisir de vous revoir – {MERCHANT}",
        "de": f"Wir freuen uns auf ein Wiedersehen – {MERCHANT}",
        "lb": f"Mir freeën eis, Iech erëmzegesinn – {MERCHANT}",
    },
}
SENTENCES = {
    "loyalty_enrollment": {
        "en": "As a welcome, 50 points are already on it.",
        "fr": "En guise de bienvenue, 50 points y sont déjà.",
        "de": "Zur Begrüßung sind schon 50 Punkte darauf.",
        "lb": "Fir d’Begréissung stinn direkt 50 Punkten drop.",
    },
    "loyalty_welcome_bonus": {
        "en": "As a welcome, we have added 1,250 points to your card.",
        "fr": "En guise de bienvenue, nous avons ajouté 1\u202f250 points à votre carte.",
        "de": "Zur Begrüßung haben wir Ihrer Karte 1.250 Punkte gutgeschrieben.",
        "lb": "Fir d’Begréissung hu mir Ärer Kaart 1.250 Punkte guttgeschriwwen.",
    },
    "loyalty_points_expiring": {
        "en": f"170 points on your card expire at the end of {DAY['en']}.",
        "fr": f"170 points de votre carte expirent à la fin de la journée du {DAY['fr']}.",
        "de": f"170 Punkte auf Ihrer Karte verfallen mit Ablauf des {DAY['de']}.",
        "lb": f"170 Punkten op Ärer Kaart verfalen um Enn vum {DAY['lb']}.",
    },
    "loyalty_points_expired": {
        "en": "1 point on your card has expired, as the card had not been used for a long time.",
        "fr": "1 point de votre carte a expiré, car elle n’a pas été utilisée pendant longtemps.",
        "de": "1 Punkt auf Ihrer Karte ist verfallen, weil die Karte lange nicht benutzt wurde.",
        "lb": "1 Punkt op Ärer Kaart ass verfall, well d’Kaart laang net benotzt gouf.",
    },
    "loyalty_reward_ready": {
        "en": "A reward is waiting for you: Ein Kaffee.",
        "fr": "Une récompense vous attend\u00a0: Ein Kaffee.",
        "de": "Eine Prämie wartet auf Sie: Ein Kaffee.",
        "lb": "Eng Belounung waart op Iech: Ein Kaffee.",
    },
    "loyalty_birthday": {
        "en": "As a present, we have added 25 points to your card.",
        "fr": "En cadeau, nous avons ajouté 25 points à votre carte.",
        "de": "Als Geschenk haben wir Ihrer Karte 25 Punkte gutgeschrieben.",
        "lb": "Als Kaddo hu mir Ärer Kaart 25 Punkte guttgeschriwwen.",
    },
    "loyalty_reengagement": {
        "en": "Your card is still valid. A reward is waiting for you: Ein Kaffee.",
        "fr": "Votre carte est toujours valable. Une récompense vous attend\u00a0: Ein Kaffee.",
        "de": "Ihre Karte gilt weiterhin. Eine Prämie wartet auf Sie: Ein Kaffee.",
        "lb": "Är Kaart gëllt nach ëmmer. Eng Belounung waart op Iech: Ein Kaffee.",
    },
}
ENGLISH = re.compile(r"\b(the|your|you|with|this|have|visit|card|points? on)\b", re.IGNORECASE)
FAMILIAR = {"fr": r"\b(tu|te|ta|ton|tes|toi)\b", "de": r"\b(du|dich|dir|dein\w*)\b", "lb": r"\b(du|dech|däin\w*|deng\w*)\b"}
LEFT_OVER = re.compile(r"\{\{|\}\}|\[\[|\]\]|%\(|\(n\)")
OUTSIDE = re.compile(r"(src|background)=[\"']|@import|url\(|<link|<script|<img", re.IGNORECASE)
ADDRESS = re.compile(r"https?://[^\s\"<>]+")


async def ask_for_all(post: Post, database: Database, superuser: asyncpg.Connection, locale: str) -> tuple[MadeShop, MadeCard]:
    """Make a shop whose customer reads `locale`, and ask for each of the seven mails."""
    shop = await make_shop(database, now=LAST_VISIT, stamps_target=3, welcome_bonus_points=50, points_expiration_days=365)
    await superuser.execute("UPDATE tenancy_merchants SET name = $2 WHERE id = $1", shop.merchant.id, MERCHANT)
    await make_reward(database, shop.merchant, cost_points=300)
    card = await post.holder(shop, now=LAST_VISIT, locale=locale, first_name="Léa", stamps=3, amount_cents=120_00)
    holder = Holder.of(card)

    def ask(ctx: Ctx) -> None:
        notification_service.send_enrollment_confirmation(ctx, holder)
        notification_service.send_welcome_bonus(ctx, holder, 1250)
        notification_service.send_points_expiration_warning(ctx, holder, 14, 170, EXPIRES_ON)
        notification_service.send_points_expired(ctx, holder, 1)
        notification_service.send_reward_available(ctx, holder, "Ein Kaffee")
        notification_service.send_birthday_message(ctx, holder, bonus_points=25)
        notification_service.send_reengagement(ctx, holder, 351)

    await post.ask(shop, ask, now=NOW)
    return shop, card


def check_words(mail: EmailMessage, locale: str) -> None:
    """Nothing is left of the template, of another language, or of anything outside."""
    subject, text, html = str(mail["Subject"]), text_of(mail), html_of(mail)
    assert 0 < len(subject) <= 78, subject
    for part in (subject, text, html):
        assert not LEFT_OVER.search(part)
    assert f'lang="{locale}"' in html
    assert not OUTSIDE.search(html)
    words = ADDRESS.sub("", f"{subject}\n{text}").replace(STREET, "")
    if locale != "en":
        assert not ENGLISH.search(words), ENGLISH.findall(words)
        assert not re.search(FAMILIAR[locale], words.lower())
    assert words.count("!") == 0


@pytest.mark.parametrize("locale", LOCALES)
async def test_each_mail_arrives_whole_in_the_readers_language(
    post: Post, database: Database, superuser: asyncpg.Connection, server: MailServer, locale: str
) -> None:
    shop, card = await ask_for_all(post, database, superuser, locale)
    assert await post.send(shop, now=NOW) == ["done"] * len(MAILS)
    assert {log[:2] for log in await post.logs(shop)} == {(code, "sent") for code in MAILS}
    assert len(server.messages) == len(MAILS)
    by_subject = {str(mail["Subject"]): mail for mail in server.messages}
    link = f"/s/{shop.merchant.store.code}/loyalty/dashboard"
    number = format_number(card.number)
    greeting = {"en": "Hello Léa,", "fr": "Bonjour Léa,", "de": "Guten Tag Léa,", "lb": "Moien Léa,"}[locale]
    balance = {"en": "170 points", "fr": "170 points", "de": "170 Punkte", "lb": "170 Punkten"}[locale]
    for code, category in MAILS.items():
        mail = by_subject[SUBJECTS[code][locale]]
        text, html = text_of(mail), html_of(mail)
        check_words(mail, locale)
        assert mail["To"] == card.email
        assert SENTENCES[code][locale] in text
        for part in (greeting, "Brotkarte", f"●●● · {balance}", number, link, f"{MERCHANT} · {STREET}"):
            assert part in text, part
        for part in (greeting, number, link, "#12654b", MERCHANT.replace("&", "&amp;"), SENTENCES[code][locale]):
            assert part in html, part
        switchable = category != "service"
        assert ("/mail/unsubscribe/" in text) is ("/mail/unsubscribe/" in html) is ("/mail/preferences/" in html) is switchable
        assert (mail["List-Unsubscribe"] is not None) is (mail["List-Unsubscribe-Post"] is not None) is switchable


@pytest.mark.parametrize("code", sorted(MAILS))
async def test_every_language_uses_the_same_variables_and_words_of_its_own(superuser: asyncpg.Connection, code: str) -> None:
    rows = await superuser.fetch("SELECT * FROM email_templates WHERE code = $1", code)
    assert {row["locale"] for row in rows} == set(LOCALES)
    used = [[sorted(set(re.findall(r"\{\{(\w+)\}\}", row[part]))) for part in ("subject", "html", "text")] for row in rows]
    assert all(mine == used[0] for mine in used)
    spec = next(spec for spec in TEMPLATES if spec.code == code)
    for row in rows:
        assert set(row["variables"]) == spec.variables
        assert spec.variables <= {name for part in used[0] for name in part}
        assert row["samples"].keys() == spec.variables - {"card_link"}
    lines = [{line for line in row["text"].splitlines() if re.sub(r"\{\{\w+\}\}|\W", "", line)} for row in rows]
    for index, mine in enumerate(lines):
        for other in lines[index + 1 :]:
            assert not mine & other
    assert len({row["title"] for row in rows}) == len({row["occasion"] for row in rows}) == len(LOCALES)


async def test_nobody_else_is_asked_for_values() -> None:
    assert set(MAILS) < {spec.code for spec in TEMPLATES}
