"""A page is taken down while a program takes it as its terms: one of the two is refused, never both done."""

import asyncio

import pytest

from app.core.db.engine import Database
from app.core.errors import OrionException
from app.core.modules import load_modules
from app.modules.cms.tests.factories import delete_page, make_page
from app.modules.loyalty.services import program_service, terms_service
from app.modules.loyalty.tests.factories import make_shop, program_form
from app.modules.tenancy.tests.factories import merchant_ctx

ROUNDS = 10


@pytest.fixture(autouse=True, scope="module")
def modules() -> None:
    """What rests upon pages is announced when the modules are loaded, as every process does."""
    load_modules()


@pytest.mark.parametrize("_round", range(ROUNDS))
async def test_a_program_never_names_a_page_that_is_gone(database: Database, _round: int) -> None:
    shop = await make_shop(database)
    page = await make_page(database, shop.merchant)

    async def choose() -> None:
        async with merchant_ctx(database, shop.merchant) as ctx:
            await program_service.save_program(ctx, program_form(terms_cms_page_slug="terms"))

    outcomes = await asyncio.gather(choose(), delete_page(database, shop.merchant, page), return_exceptions=True)
    refused = [outcome for outcome in outcomes if outcome is not None]
    assert len(refused) == 1, outcomes
    assert isinstance(refused[0], OrionException)
    async with merchant_ctx(database, shop.merchant) as ctx:
        is_chosen = outcomes[0] is None
        assert await terms_service.is_page_used(ctx, page.id) is is_chosen
