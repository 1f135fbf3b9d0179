"""Demo data: the starter pages of the demo's merchants, published before the first customers came. Names are invented."""

import dataclasses
import datetime as dt

from app.core.context import unit_of_work
from app.core.db.engine import Database
from app.core.errors import NotFound
from app.modules.cms.services import starter_service
from app.modules.tenancy import public as tenancy

FIRST_STORES = ("muselbrout-ville", "kaweechelchen")
DAYS = 100
DEMO_PAGES = (("Bakery: terms of the program", "/s/muselbrout-ville/pages/terms"),)


async def seed_demo(database: Database) -> None:
    """Publish the pages to begin with of the demo's merchants; those that are there stay as they are."""
    for code in FIRST_STORES:
        try:
            async with unit_of_work(database, tenancy.as_system_at(code)) as ctx:
                (store,) = [store for store in await tenancy.list_stores(ctx) if store.code == code]
                before = dataclasses.replace(ctx, now=ctx.now - dt.timedelta(days=DAYS))
                await starter_service.make_starter_pages(before, store, is_published=True)
        except NotFound:
            continue
