"""Mails while the mail server fails: every mail arrives once (reliability.md, promise 4, cases 20 and 22)."""

import pytest

from app.core.testing import extent
from tests.faults.mail_shop import MailShop
from tests.faults.mail_sink import REFUSALS, Mood

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def start(mail_shop: MailShop) -> None:
    """Start relay and worker."""
    mail_shop.stack.start("relay")
    mail_shop.stack.start("worker")


async def test_a_mail_server_that_refuses_for_a_while_costs_no_mail_and_doubles_none(mail_shop: MailShop) -> None:
    """Case 20. Time is scaled: the pauses between tries, half a minute and more, are over as soon as every mail has had its try."""
    source = extent.source_of("mail server refuses")
    start(mail_shop)
    await mail_shop.enroll(5)
    await mail_shop.wait_settled()  # connections are kept open now, and break when the server goes
    for mood in source.sample(REFUSALS, k=extent.times(short=2, full=len(REFUSALS))):
        await mail_shop.sink.change(mood)
        await mail_shop.enroll(extent.times(short=15, full=100))
        await mail_shop.let_pauses_pass()
        await mail_shop.wait("bool_and(done_at IS NOT NULL OR (available_at > now() AND lease_until IS NULL))")
    failed = {row["id"] for row in await mail_shop.messages() if row["done_at"] is None}
    assert failed
    await mail_shop.sink.change(Mood.TAKES)
    await mail_shop.enroll(5)
    await mail_shop.wait_settled()
    messages = await mail_shop.messages()
    assert all(row["done_at"] is not None and row["deaths"] == 0 for row in messages)
    assert all(row["attempts"] > 1 for row in messages if row["id"] in failed)
    await mail_shop.assert_mailed_once(await mail_shop.everybody())


async def test_one_address_that_is_refused_for_good_is_dead_and_suppressed_and_costs_nobody_else_a_mail(mail_shop: MailShop) -> None:
    """Case 22."""
    addresses = await mail_shop.enroll(99)
    everybody = await mail_shop.everybody()
    assert len(everybody) == 100
    bad = addresses[57]
    mail_shop.sink.refused[bad] = "550 5.1.1 User unknown"
    start(mail_shop)
    await mail_shop.wait_settled()
    await mail_shop.assert_mailed_once(address for address in everybody if address != bad)
    dead = [row for row in await mail_shop.messages() if row["dead_at"] is not None]
    assert [(row["attempts"], row["error"]) for row in dead] == [(1, "smtp_550_5.1.1")]
    log = await mail_shop.pool.fetchrow("SELECT state, attempts, error FROM email_logs WHERE outbox_id = $1", dead[0]["id"])
    assert log is not None
    assert tuple(log) == ("failed", 1, "smtp_550_5.1.1")
    assert [row["reason"] for row in await mail_shop.pool.fetch("SELECT reason FROM email_suppressions")] == ["hard_bounce"]

    asked = mail_shop.sink.asked[bad]
    await mail_shop.mail_card_link(bad)
    await mail_shop.wait_settled()
    states = await mail_shop.pool.fetch("SELECT state, error FROM email_logs WHERE recipient = $1 ORDER BY created_at", bad)
    assert [tuple(row) for row in states] == [("failed", "smtp_550_5.1.1"), ("suppressed", "suppressed")]
    assert mail_shop.sink.asked[bad] == asked, "an address that is suppressed is not tried again"
