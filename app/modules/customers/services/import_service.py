"""People of another system, many at once (G8): new ones are created, of known ones only what is empty is filled."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.context import Ctx
from app.core.errors import Unavailable
from app.core.ids import new_id
from app.modules.customers.domain.consent import ConsentAction, ConsentPurpose, ConsentSource
from app.modules.customers.queries import customers, locks
from app.modules.customers.services.customer_service import CREATE_ATTEMPTS, CREATED_COLUMNS
from app.modules.customers.services.profile import check_profile

NAMES = {"last_name": "", "last_name_search": ""}
"""What somebody without a family name has there; other systems do not always ask for one."""

# Sorted by address: two imports at once wait for each other in one order.
CREATE = """
INSERT INTO customers (merchant_id, id, first_name, last_name, first_name_search, last_name_search, email, email_normalized, phone,
                       phone_normalized, locale, birth_date, registered_store_id, created_at, updated_at)
SELECT $1, p.*, $2, $2
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
            $13::date[], $14::uuid[])
  AS p (id, first_name, last_name, first_name_search, last_name_search, email, email_normalized, phone, phone_normalized, locale,
        birth_date, registered_store_id)
ORDER BY p.email_normalized COLLATE "C"
ON CONFLICT (merchant_id, email_normalized) WHERE anonymized_at IS NULL DO NOTHING
RETURNING id, email_normalized
"""
FILL = """
UPDATE customers c
SET phone = coalesce(c.phone, p.phone), phone_normalized = coalesce(c.phone_normalized, p.phone_normalized),
    birth_date = coalesce(c.birth_date, p.birth_date), updated_at = $2
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::date[]) AS p (id, phone, phone_normalized, birth_date)
WHERE c.merchant_id = $1 AND c.id = p.id
  AND ((c.phone IS NULL AND p.phone IS NOT NULL) OR (c.birth_date IS NULL AND p.birth_date IS NOT NULL))
"""
# What somebody has once said of marketing counts more than what another system says of them.
# Asked person by person: as a join it reads the consents of all the merchant's people.
CONSENT = f"""
INSERT INTO customer_consents (merchant_id, id, customer_id, purpose, action, source, text_version, locale, at)
SELECT $1, p.id, p.customer_id, '{ConsentPurpose.MARKETING}', '{ConsentAction.GRANTED}', '{ConsentSource.IMPORT}', $2, p.locale, p.at
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[]) AS p (id, customer_id, locale, at)
WHERE (
  SELECT s.id FROM customer_consents s
  WHERE s.merchant_id = $1 AND s.customer_id = p.customer_id AND s.purpose = '{ConsentPurpose.MARKETING}' LIMIT 1) IS NULL
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonToImport:
    """A person of another system; `columns` are what `check_person` gave. `wants_marketing` since `marketing_at`, or since now."""

    columns: Mapping[str, Any]
    registered_store_id: uuid.UUID
    wants_marketing: bool = False
    marketing_at: dt.datetime | None = None

    @property
    def address(self) -> str:
        """The e-mail address as addresses are compared."""
        address: str = self.columns["email_normalized"]
        return address


@dataclasses.dataclass(frozen=True, slots=True)
class ImportedPerson:
    """The customer of an imported person, locked; `is_new`: nobody had this address before."""

    id: uuid.UUID
    is_new: bool


def check_person(
    *, first_name: str, last_name: str, email: str, phone: str | None, birth_date: dt.date | None, locale: str, today: dt.date
) -> tuple[dict[str, Any], frozenset[str]]:
    """Return what of a person is right, in the form in which it is stored, and which fields are wrong.

    Of first and last name one may be empty. `today` is the merchant's local day.
    """
    given: dict[str, Any] = {"email": email, "locale": locale, "phone": phone, "birth_date": birth_date}
    given |= {"first_name": first_name or last_name}
    if first_name and last_name:
        given["last_name"] = last_name
    columns, problems = check_profile(given, today=today)
    return {"phone": None, "phone_normalized": None, "birth_date": None} | NAMES | columns, frozenset(problems)


async def import_people(ctx: Ctx, people: Sequence[PersonToImport], *, text_version: str) -> list[ImportedPerson]:
    """Create those of `people` whose address is new, fill what is empty of the others, lock all; return them in order.

    Several of one address are one person, the first one's words count. Phone and birthday are filled, names and languages never
    changed. Consent to marketing is noted for whoever has said nothing of it yet, about the text `text_version`.
    """
    by_address: dict[str, PersonToImport] = {}
    for person in people:
        by_address.setdefault(person.address, person)
    known = await locks.lock_by_addresses(ctx, list(by_address))
    created: dict[str, uuid.UUID] = {}
    for _attempt in range(CREATE_ATTEMPTS):
        missing = [person for address, person in by_address.items() if address not in known and address not in created]
        if not missing:
            break
        created |= await _create(ctx, missing)
        late = [person.address for person in missing if person.address not in created]
        known |= await locks.lock_by_addresses(ctx, late) if late else {}
    else:
        raise Unavailable
    await _fill(ctx, [(known[address], by_address[address]) for address in known])
    found = {address: ImportedPerson(customer_id, address in created) for address, customer_id in (known | created).items()}
    await _note_consents(ctx, [(found[address].id, person) for address, person in by_address.items()], text_version)
    return [found[person.address] for person in people]


async def _create(ctx: Ctx, people: Sequence[PersonToImport]) -> dict[str, uuid.UUID]:
    columns = [[person.columns[name] for person in people] for name in CREATED_COLUMNS]
    stores = [person.registered_store_id for person in people]
    rows = await ctx.conn.fetch(CREATE, ctx.merchant_id, ctx.now, [new_id() for _ in people], *columns, stores)
    return {row["email_normalized"]: row["id"] for row in rows}


async def _fill(ctx: Ctx, known: Sequence[tuple[uuid.UUID, PersonToImport]]) -> None:
    useful = [(customer_id, person.columns) for customer_id, person in known if person.columns["phone"] or person.columns["birth_date"]]
    if useful:
        names = ("phone", "phone_normalized", "birth_date")
        values = [[columns[name] for _, columns in useful] for name in names]
        await ctx.conn.execute(FILL, ctx.merchant_id, ctx.now, [customer_id for customer_id, _ in useful], *values)


async def _note_consents(ctx: Ctx, people: Sequence[tuple[uuid.UUID, PersonToImport]], text_version: str) -> None:
    granting = [(customer_id, person) for customer_id, person in people if person.wants_marketing]
    if granting:
        await ctx.conn.execute(
            CONSENT,
            ctx.merchant_id,
            text_version,
            [new_id() for _ in granting],
            [customer_id for customer_id, _ in granting],
            [person.columns["locale"] for _, person in granting],
            [person.marketing_at or ctx.now for _, person in granting],
        )


async def find_ids_by_addresses(ctx: Ctx, addresses: Sequence[str]) -> dict[str, uuid.UUID]:
    """Return which of `addresses` (as they are compared) live customers of the merchant have, with their ids."""
    return await customers.find_ids_by_addresses(ctx, addresses)
