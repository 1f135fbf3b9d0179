"""From what happens to a card to the mail about it: once, in the reader's language, as things are when it goes out (C1, C2, C4, C5)."""

import dataclasses
import datetime as dt

import asyncpg
import pytest
from pydantic import SecretStr

from app.core.config import Settings
from app.core.context import Ctx
from app.core.db.engine import Database
from app.modules.loyalty.domain.enums import ProgramType
from app.modules.loyalty.events import BonusGranted, PointsExpired
from app.modules.loyalty.services import notification_service, points_service, stamp_service
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, a_key, earn, make_card, make_shop, stamp
from app.modules.loyalty.tests.mails.conftest import Holder, Post, html_of, text_of
from app.modules.messaging.tests.factories import MailServer
from app.modules.tenancy.tests.factories import merchant_ctx

NOW = dt.datetime(2026, 3, 10, 9, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def _nothing(_change: object) -> str:
    return "{}"


async def redeem(database: Database, shop: MadeShop, card: MadeCard, now: dt.datetime) -> None:
    async with merchant_ctx(database, shop.merchant, role="manager", now=now) as ctx:
        await stamp_service.redeem_stamps(ctx, card_id=card.id, key=a_key(), present=_nothing)


# --- Enrollment: C4


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (0, "a sammelt."),
        (1, "a sammelt. Fir d’Begréissung steet direkt 1 Punkt drop."),
        (50, "a sammelt. Fir d’Begréissung stinn direkt 50 Punkten drop."),
    ],
)
async def test_an_enrollment_is_confirmed_in_one_mail_that_tells_of_the_bonus(
    post: Post, database: Database, server: MailServer, points: int, sentence: str
) -> None:
    shop = await make_shop(database, welcome_bonus_points=points)
    card = await make_card(database, shop.merchant, locale="lb")
    assert await post.send(shop) == ["done", "done"]
    [mail] = server.messages
    assert mail["To"] == card.email
    assert str(mail["Subject"]).startswith("Är Treiekaart ass prett – ")
    assert any(line.rstrip().endswith(sentence) for line in text_of(mail).splitlines())
    assert await post.logs(shop) == [("loyalty_enrollment", "sent", None)]


async def test_nothing_is_asked_for_when_the_enrollment_is_rolled_back(
    post: Post, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    card = await post.holder(shop)

    def ask_and_fail(ctx: Ctx) -> None:
        notification_service.send_points_expired(ctx, Holder.of(card), 5)
        raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        await post.ask(shop, ask_and_fail)
    assert await superuser.fetchval("SELECT count(*) FROM core_outbox WHERE merchant_id = $1", shop.merchant.id) == 0


# --- Full stamp cards: C4


async def test_the_stamp_that_fills_the_card_announces_the_reward(post: Post, database: Database, server: MailServer) -> None:
    shop = await make_shop(database, stamps_target=3)
    card = await post.holder(shop, locale="fr", stamps=2)
    await stamp(database, shop.merchant, card)
    assert await post.send(shop) == ["done", "done"]
    [mail] = server.messages
    assert str(mail["Subject"]).startswith("Votre récompense est prête – ")
    assert "Une récompense vous attend\u00a0: Ein Kaffee." in text_of(mail)
    assert "●●●" in text_of(mail)


async def test_two_rewards_at_once_are_one_mail(post: Post, database: Database, server: MailServer) -> None:
    shop = await make_shop(database, stamps_target=2, stamp_reward="")
    card = await post.holder(shop, locale="en")
    await stamp(database, shop.merchant, card, 5)
    await post.send(shop)
    [mail] = server.messages
    assert "2 rewards are waiting for you.\r\n" in text_of(mail)
    assert "●○" in text_of(mail)


async def test_a_reward_that_was_redeemed_meanwhile_is_not_announced(post: Post, database: Database, server: MailServer) -> None:
    shop = await make_shop(database, stamps_target=2, now=NOW)
    card = await post.holder(shop, now=NOW)
    await stamp(database, shop.merchant, card, 2, now=NOW)
    await redeem(database, shop, card, NOW)
    await post.send(shop, now=NOW)
    assert server.messages == []
    assert await post.logs(shop) == [("loyalty_reward_ready", "suppressed", "no_reward_ready")]


# --- Points as a gift


async def test_a_bonus_is_told_as_a_gift_in_the_singular_too(post: Post, database: Database, server: MailServer) -> None:
    shop = await make_shop(database)
    card = await post.holder(shop, locale="de")
    given = await earn(database, shop.merchant, card, 1_00)
    await post.forget(shop)
    assert given.transaction_id is not None
    event = BonusGranted(card_id=card.id, transaction_id=given.transaction_id, points=1)
    await post.ask(shop, lambda ctx: ctx.emit(event))
    assert await post.send(shop) == ["done", "done"]
    [mail] = server.messages
    assert str(mail["Subject"]).startswith("Für Sie: 1 Punkt – ")
    assert "Wir haben Ihrer Karte 1 Punkt gutgeschrieben, als Geschenk von uns." in text_of(mail)


async def test_a_bonus_that_was_taken_back_is_not_told(post: Post, database: Database, server: MailServer) -> None:
    shop = await make_shop(database)
    card = await post.holder(shop)
    given = await earn(database, shop.merchant, card, 5_00)
    assert given.transaction_id is not None
    transaction_id = given.transaction_id
    async with merchant_ctx(database, shop.merchant, role="manager") as ctx:
        await points_service.void_points(ctx, transaction_id=transaction_id, key=a_key(), present=_nothing)
    await post.forget(shop)
    await post.ask(shop, lambda ctx: ctx.emit(BonusGranted(card_id=card.id, transaction_id=transaction_id, points=5)))
    await post.send(shop)
    assert server.messages == []
    assert await post.logs(shop) == [("loyalty_welcome_bonus", "suppressed", "voided")]


# --- Expiry: C5


async def warned(post: Post, database: Database, **options: int) -> tuple[MadeShop, MadeCard]:
    """A card with 12 points, 14 days before they expire, and a warning that waits."""
    shop = await make_shop(database, points_expiration_days=90, now=NOW)
    card = await post.holder(shop, now=NOW, locale="en", amount_cents=12_00)
    then = NOW + 76 * DAY
    await post.ask(
        shop,
        lambda ctx: notification_service.send_points_expiration_warning(ctx, Holder.of(card), 14, 12, (NOW + 90 * DAY).date()),
        now=then,
    )
    return shop, card


async def test_a_warning_shows_the_balance_as_of_sending(
    post: Post, database: Database, superuser: asyncpg.Connection, server: MailServer
) -> None:
    shop, card = await warned(post, database)
    await superuser.execute("UPDATE loyalty_cards SET points_balance = 20 WHERE id = $1", card.id)  # a gift is no visit
    assert await post.send(shop, now=NOW + 76 * DAY) == ["done"]
    [mail] = server.messages
    assert str(mail["Subject"]).startswith("Your points expire on 8 June 2026 – ")
    assert "20 points on your card expire at the end of 8 June 2026." in text_of(mail)


async def test_a_visit_after_the_warning_was_asked_for_stops_it(post: Post, database: Database, server: MailServer) -> None:
    shop, card = await warned(post, database)
    await stamp(database, shop.merchant, card, now=NOW + 76 * DAY)
    await post.send(shop, now=NOW + 76 * DAY)
    assert server.messages == []
    assert await post.logs(shop) == [("loyalty_points_expiring", "suppressed", "expires_later")]


@pytest.mark.parametrize(
    ("change", "later", "reason"),
    [
        ("UPDATE loyalty_cards SET points_balance = 0 WHERE id = $1", 0, "no_points"),
        ("UPDATE loyalty_programs SET points_expiration_days = NULL FROM loyalty_cards c WHERE c.id = $1", 0, "expires_later"),
        ("UPDATE loyalty_programs SET points_expiration_days = 120 FROM loyalty_cards c WHERE c.id = $1", 0, "expires_later"),
        ("UPDATE loyalty_cards SET notes = 'unchanged, but too late' WHERE id = $1", 20, "no_points"),
    ],
)
async def test_a_warning_that_is_wrong_by_now_is_not_sent(
    post: Post, database: Database, superuser: asyncpg.Connection, server: MailServer, change: str, later: int, reason: str
) -> None:
    shop, card = await warned(post, database)
    if "loyalty_programs" in change:
        change += " AND c.program_id = loyalty_programs.id"
    await superuser.execute(change, card.id)
    await post.send(shop, now=NOW + (76 + later) * DAY)
    assert server.messages == []
    assert await post.logs(shop) == [("loyalty_points_expiring", "suppressed", reason)]


async def test_points_that_expired_are_told(post: Post, database: Database, server: MailServer) -> None:
    shop = await make_shop(database, type=ProgramType.POINTS)
    card = await post.holder(shop, locale="lb")
    event = PointsExpired(card_id=card.id, transaction_id=card.id, points=1250)
    await post.ask(shop, lambda ctx: ctx.emit(event))
    assert await post.send(shop) == ["done", "done"]
    [mail] = server.messages
    assert str(mail["Subject"]).startswith("Är Punkte si verfall – ")
    assert "1.250 Punkten op Ärer Kaart si verfall" in text_of(mail)
    assert "\r\n0 Punkten\r\n" in text_of(mail)


# --- Birthdays and calls to come back C6 and C7


@pytest.mark.parametrize(("points", "ends"), [(0, "alles Guddes."), (25, "Als Kaddo hu mir Ärer Kaart 25 Punkte guttgeschriwwen.")])
async def test_a_greeting_names_the_present_there_is(post: Post, database: Database, server: MailServer, points: int, ends: str) -> None:
    shop = await make_shop(database)
    card = await post.holder(shop, locale="lb")
    await post.ask(shop, lambda ctx: notification_service.send_birthday_message(ctx, Holder.of(card), bonus_points=points))
    await post.send(shop)
    [mail] = server.messages
    assert any(line.rstrip().endswith(ends) for line in text_of(mail).splitlines())


async def test_whoever_came_back_is_not_called(post: Post, database: Database, server: MailServer) -> None:
    shop = await make_shop(database, now=NOW)
    card = await post.holder(shop, now=NOW)
    await post.ask(shop, lambda ctx: notification_service.send_reengagement(ctx, Holder.of(card), 61), now=NOW + 61 * DAY)
    await stamp(database, shop.merchant, card, now=NOW + 61 * DAY)
    await post.send(shop, now=NOW + 61 * DAY)
    assert server.messages == []
    assert await post.logs(shop) == [("loyalty_reengagement", "suppressed", "came_back")]


async def test_marketing_needs_consent_when_it_goes_out_and_service_does_not(post: Post, database: Database, server: MailServer) -> None:
    shop = await make_shop(database, now=NOW)
    card = await post.holder(shop, now=NOW, marketing=False)

    def ask(ctx: Ctx) -> None:
        notification_service.send_birthday_message(ctx, Holder.of(card))
        notification_service.send_reengagement(ctx, Holder.of(card), 61)
        notification_service.send_points_expired(ctx, Holder.of(card), 5)

    await post.ask(shop, ask, now=NOW + 61 * DAY)
    await post.send(shop, now=NOW + 61 * DAY)
    assert len(server.messages) == 1
    assert sorted(await post.logs(shop), key=str) == [
        ("loyalty_birthday", "suppressed", "no_consent"),
        ("loyalty_points_expired", "sent", None),
        ("loyalty_reengagement", "suppressed", "no_consent"),
    ]


# --- Cards and stores that are gone


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE loyalty_cards SET deleted_at = now() WHERE id = $1", "card_gone"),
        ("UPDATE loyalty_cards SET customer_id = NULL WHERE id = $1", "card_gone"),
        ("UPDATE loyalty_cards SET status = 'deactivated' WHERE id = $1", "card_not_active"),
        ("UPDATE loyalty_cards SET status = 'merged', merged_into_id = NULL WHERE id = $1", "card_not_active"),
        ("UPDATE loyalty_programs p SET deleted_at = now() FROM loyalty_cards c WHERE c.id = $1 AND c.program_id = p.id", "card_gone"),
        (
            "UPDATE tenancy_stores s SET status = 'closed' FROM loyalty_cards c WHERE c.id = $1 AND c.merchant_id = s.merchant_id",
            "no_open_store",
        ),
    ],
)
async def test_a_card_that_nobody_can_use_is_written_to_nobody(
    post: Post, database: Database, superuser: asyncpg.Connection, server: MailServer, change: str, reason: str
) -> None:
    shop = await make_shop(database)
    card = await post.holder(shop)
    await post.ask(shop, lambda ctx: notification_service.send_points_expired(ctx, Holder.of(card), 5))
    await superuser.execute(change, card.id)
    assert await post.send(shop) == ["done"]
    assert server.messages == []
    assert await post.logs(shop) == [("loyalty_points_expired", "suppressed", reason)]


async def test_a_card_without_a_holder_is_not_even_asked_for(post: Post, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    card = await post.holder(shop)
    holder = dataclasses.replace(Holder.of(card), customer_id=None)
    await post.ask(shop, lambda ctx: notification_service.send_points_expired(ctx, holder, 5))
    assert await superuser.fetchval("SELECT count(*) FROM core_outbox WHERE merchant_id = $1", shop.merchant.id) == 0


async def test_events_of_a_card_in_the_trash_cause_nothing(post: Post, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    card = await post.holder(shop)
    await superuser.execute("UPDATE loyalty_cards SET deleted_at = now() WHERE id = $1", card.id)
    await post.ask(shop, lambda ctx: ctx.emit(PointsExpired(card_id=card.id, transaction_id=card.id, points=5)))
    assert await post.send(shop) == ["done"]
    assert await post.logs(shop) == []


async def test_when_a_store_has_closed_address_and_link_are_the_merchants_first_stores(
    post: Post, database: Database, superuser: asyncpg.Connection, server: MailServer
) -> None:
    shop = await make_shop(database, stores=3)
    card = await post.holder(shop, store=shop.merchant.stores[0])
    named = "UPDATE tenancy_stores SET name = $2, address_line = $3 WHERE id = $1"
    await superuser.execute(named, shop.merchant.stores[1].id, "B", "2, rue Neuve")
    await superuser.execute(named, shop.merchant.stores[2].id, "A", "3, rue Haute")
    await superuser.execute("UPDATE tenancy_stores SET status = 'closed' WHERE id = $1", shop.merchant.stores[0].id)
    await post.ask(shop, lambda ctx: notification_service.send_points_expired(ctx, Holder.of(card), 5))
    await post.send(shop)
    [mail] = server.messages
    assert f"/s/{shop.merchant.stores[2].code}/loyalty/dashboard" in text_of(mail)
    assert "3, rue Haute" in html_of(mail)


# --- Once, whatever fails (C2; reliability.md, promise 4)


async def test_a_long_refusal_loses_no_mail_and_doubles_none(
    post: Post, database: Database, superuser: asyncpg.Connection, server: MailServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three retries a minute apart, as C2 names them, would have given up: the outbox goes on for days."""
    shop = await make_shop(database, now=NOW)
    cards = [await post.holder(shop, now=NOW) for _ in range(3)]

    def ask(ctx: Ctx) -> None:
        for card in cards:
            notification_service.send_points_expired(ctx, Holder.of(card), 5)

    await post.ask(shop, ask, now=NOW)
    with monkeypatch.context() as patch:
        patch.setattr(settings, "smtp_url", SecretStr("smtp://127.0.0.1:9"))
        for hours in range(0, 60, 12):
            assert await post.send(shop, now=NOW + dt.timedelta(hours=hours)) == ["retried"] * 3
    assert await post.send(shop, now=NOW + dt.timedelta(hours=72)) == ["done"] * 3
    assert sorted(server.recipients) == sorted(card.email for card in cards)
    assert len({mail["Message-ID"] for mail in server.messages}) == len(server.messages) == 3
    attempts = [
        row["attempts"] for row in await superuser.fetch("SELECT attempts FROM email_logs WHERE merchant_id = $1", shop.merchant.id)
    ]
    assert attempts == [6, 6, 6]


async def test_a_task_that_runs_twice_sends_once(post: Post, database: Database, superuser: asyncpg.Connection, server: MailServer) -> None:
    shop = await make_shop(database)
    card = await post.holder(shop)
    await post.ask(shop, lambda ctx: notification_service.send_welcome_bonus(ctx, Holder.of(card), 5))
    assert await post.send(shop) == ["done"]
    await superuser.execute("UPDATE core_outbox SET done_at = NULL WHERE merchant_id = $1", shop.merchant.id)
    assert await post.send(shop) == ["done"]
    assert len(server.messages) == 1


async def test_the_outbox_holds_ids_numbers_and_dates_only(post: Post, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    card = await post.holder(shop)
    await post.ask(shop, lambda ctx: notification_service.send_points_expiration_warning(ctx, Holder.of(card), 14, 12, dt.date(2026, 6, 8)))
    row = await superuser.fetchrow("SELECT task, payload FROM core_outbox WHERE merchant_id = $1", shop.merchant.id)
    assert row is not None
    assert row["task"] == "loyalty.send_notification_email"
    assert row["payload"] == {
        "template": "loyalty_points_expiring", "customer_id": str(card.customer_id), "card_id": str(card.id),
        "store_id": str(card.store_id), "days_before": 14, "expiring_points": 12, "expiration_date": "2026-06-08",
    }  # fmt: skip
