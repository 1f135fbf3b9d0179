"""loyalty_005: 28 rows of mail templates (C3), and the way back."""

from app.core.i18n.locale import LOCALES
from app.modules.loyalty.tests.migrations.conftest import AtVersion
from app.modules.loyalty.tests.migrations.rows import add_merchant

CATEGORIES = {
    "loyalty_enrollment": "service",
    "loyalty_welcome_bonus": "service",
    "loyalty_points_expiring": "reminder",
    "loyalty_points_expired": "reminder",
    "loyalty_reward_ready": "reminder",
    "loyalty_birthday": "marketing",
    "loyalty_reengagement": "marketing",
}
ROWS = "SELECT code, locale, category, has_card, subject, html, text FROM email_templates WHERE code = ANY($1) ORDER BY code, locale"


async def test_seven_mails_in_four_languages(at_version: AtVersion) -> None:
    step = await at_version("loyalty_004")
    step.upgrade("messaging_003")
    assert await step.conn.fetch(ROWS, list(CATEGORIES)) == []
    step.upgrade("loyalty_005")
    rows = await step.conn.fetch(ROWS, list(CATEGORIES))
    assert len(rows) == 28
    assert {(row["code"], row["locale"]) for row in rows} == {(code, locale) for code in CATEGORIES for locale in LOCALES}
    for row in rows:
        assert (row["category"], row["has_card"]) == (CATEGORIES[row["code"]], True)
        assert all(row[part].strip() for part in ("subject", "html", "text"))
        assert ("{{unsubscribe_link}}" in row["html"]) is (row["category"] != "service")


async def test_going_back_takes_them_away_with_a_merchants_own_and_leaves_the_others(at_version: AtVersion) -> None:
    step = await at_version("loyalty_005")
    merchant = await add_merchant(step.conn)
    before = await step.conn.fetchval("SELECT count(*) FROM email_templates")
    await step.conn.execute(
        """INSERT INTO email_template_overrides (merchant_id, code, locale, copy, subject, html, text, updated_at)
           SELECT $1, code, locale, copy, 'Mir', html, text, now() FROM email_templates
           WHERE code IN ('loyalty_birthday', 'customer_sign_in') AND locale = 'lb'""",
        merchant.id,
    )
    step.downgrade("loyalty_004")
    assert await step.conn.fetch(ROWS, list(CATEGORIES)) == []
    assert await step.conn.fetchval("SELECT count(*) FROM email_templates") == before - 28
    assert [row["code"] for row in await step.conn.fetch("SELECT code FROM email_template_overrides")] == ["customer_sign_in"]
    step.upgrade("loyalty_005")
    assert len(await step.conn.fetch(ROWS, list(CATEGORIES))) == 28


async def test_an_edited_row_stays_as_it_is(at_version: AtVersion) -> None:
    step = await at_version("loyalty_005")
    await step.conn.execute("UPDATE email_templates SET subject = 'Edited' WHERE code = 'loyalty_birthday' AND locale = 'en'")
    step.upgrade("loyalty_006")
    edited = "SELECT subject FROM email_templates WHERE code = 'loyalty_birthday' AND locale = 'en'"
    assert await step.conn.fetchval(edited) == "Edited"
