"""loyalty_007: what it adds to rows that are there, what can be deleted for good and by whom, and the way back."""

from typing import Any

import asyncpg
import pytest

from app.core.ids import new_id
from app.modules.loyalty.tests.migrations.conftest import AtVersion
from app.modules.loyalty.tests.migrations.rows import AT, add_card, add_merchant, add_transaction

TRASH = "SELECT deleted_at, deleted_by_user_id, deletion_reason, deletion_id FROM {}"


async def test_rows_that_are_there_are_live_and_trashed_ones_stay_in_the_trash(at_version: AtVersion) -> None:
    step = await at_version("loyalty_006")
    merchant = await add_merchant(step.conn)
    await add_card(step.conn, merchant)
    step.upgrade("loyalty_007")
    for table in ("loyalty_programs", "loyalty_cards"):
        assert [tuple(row) for row in await step.conn.fetch(TRASH.format(table))] == [(None, None, "", None)]
    program = await step.conn.fetchrow("SELECT terms_cms_page_slug, owning_store_id FROM loyalty_programs")
    assert program is not None
    assert tuple(program) == (None, None)


async def test_a_program_belongs_to_a_store_of_its_merchant(at_version: AtVersion) -> None:
    step = await at_version("loyalty_007")
    merchant, other = await add_merchant(step.conn), await add_merchant(step.conn)
    owning = "UPDATE loyalty_programs SET owning_store_id = $2 WHERE id = $1"
    await step.conn.execute(owning, merchant.program_id, merchant.stores[1])
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="fk_loyalty_programs_merchant_id_owning_store_id"):
        await step.conn.execute(owning, merchant.program_id, other.stores[0])


async def test_only_what_lies_in_the_trash_and_has_no_history_can_be_deleted(at_version: AtVersion) -> None:
    step = await at_version("loyalty_007")
    merchant, other = await add_merchant(step.conn), await add_merchant(step.conn)
    card_id = await add_card(step.conn, merchant, store=0)
    used, foreign = await add_card(step.conn, merchant, store=1), await add_card(step.conn, other)
    await add_transaction(step.conn, merchant, used)
    delete = "DELETE FROM loyalty_cards WHERE id = $1"
    app = await asyncpg.connect(step.urls.app)
    try:
        await app.execute(f"SET app.merchant_id = '{merchant.id}'")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="a live row of loyalty_cards cannot be deleted"):
            await app.execute(delete, card_id)
        await step.conn.execute("UPDATE loyalty_cards SET deleted_at = $1", AT)
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await app.execute(delete, used)
        assert await app.execute(delete, foreign) == "DELETE 0"
        assert await app.execute(delete, card_id) == "DELETE 1"
    finally:
        await app.close()
    assert {row["id"] for row in await step.conn.fetch("SELECT id FROM loyalty_cards")} == {used, foreign}


async def test_going_back_keeps_the_trash_and_forgets_who_and_why(at_version: AtVersion) -> None:
    step = await at_version("loyalty_007")
    merchant = await add_merchant(step.conn)
    gone: dict[str, Any] = {"deleted_at": AT, "deleted_by_user_id": new_id(), "deletion_reason": "Duebel", "deletion_id": new_id()}
    await add_card(step.conn, merchant, points_balance=7, **gone)
    step.downgrade("loyalty_006")
    row = await step.conn.fetchrow("SELECT * FROM loyalty_cards")
    assert row is not None
    assert (row["deleted_at"], row["points_balance"], "deletion_id" in dict(row)) == (AT, 7, False)
    step.upgrade("loyalty_007")
    assert [tuple(row) for row in await step.conn.fetch(TRASH.format("loyalty_cards"))] == [(AT, None, "", None)]
