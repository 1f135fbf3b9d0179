"""Customers for tests of every module: committed rows, made by the service itself."""

import datetime as dt
import itertools
import uuid

from app.core.db.engine import Database
from app.modules.customers import public as customers
from app.modules.customers.domain.customer import CustomerRecord
from app.modules.tenancy.tests.factories import MadeMerchant, merchant_ctx

_numbers = itertools.count(1)


def fresh_email() -> str:
    """Return an address that no other test uses."""
    return f"kundin-{next(_numbers)}-{uuid.uuid4().hex[:12]}@example.lu"


async def make_customer(
    database: Database,
    merchant: MadeMerchant,
    *,
    first_name: str = "Léa",
    last_name: str = "Weber",
    email: str | None = None,
    phone: str | None = None,
    locale: str = "fr",
    birth_date: dt.date | None = None,
    accepts_marketing: bool = False,
) -> CustomerRecord:
    """Make a customer registered at the merchant's first store, with consent to the terms."""
    async with merchant_ctx(database, merchant) as ctx:
        customer, _ = await customers.create_customer(
            ctx,
            first_name=first_name,
            last_name=last_name,
            email=email or fresh_email(),
            phone=phone,
            locale=locale,
            birth_date=birth_date,
            registered_store_id=merchant.store.id,
        )
        await customers.record_consents(
            ctx,
            customer.id,
            terms=True,
            marketing=accepts_marketing or None,
            text_version="1",
            source=customers.ConsentSource.STOREFRONT,
            locale=locale,
        )
    return customer
