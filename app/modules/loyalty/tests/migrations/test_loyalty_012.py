"""loyalty_012: the texts that count when it comes are kept from then on, and the application cannot change them."""

import asyncpg
import pytest

from app.modules.loyalty.tests.migrations.conftest import AtVersion
from app.modules.loyalty.tests.migrations.rows import AT, add_merchant


async def test_the_present_text_is_kept_with_its_number(at_version: AtVersion) -> None:
    step = await at_version("loyalty_011")
    merchant = await add_merchant(step.conn, terms_version=3, terms_text="Eng Kaart pro Persoun.")
    step.upgrade("loyalty_012")
    rows = await step.conn.fetch("SELECT merchant_id, program_id, version, text, created_at FROM loyalty_terms_texts")
    assert [tuple(row) for row in rows] == [(merchant.id, merchant.program_id, 3, "Eng Kaart pro Persoun.", AT)]
    app = await asyncpg.connect(step.urls.app)
    try:
        await app.execute("SELECT set_config('app.merchant_id', $1, false)", str(merchant.id))
        for statement in ("UPDATE loyalty_terms_texts SET text = ''", "DELETE FROM loyalty_terms_texts"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(statement)
    finally:
        await app.close()
    step.downgrade("loyalty_011")
    assert await step.conn.fetchval("SELECT terms_text FROM loyalty_programs") == "Eng Kaart pro Persoun."
