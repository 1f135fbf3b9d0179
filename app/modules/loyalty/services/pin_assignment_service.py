"""Giving many staff members of a store their PINs at once (G5). The digits exist in the answer alone."""

import asyncio
import dataclasses
import secrets
import uuid
from collections.abc import Collection, Sequence

from app.core import audit, hashing
from app.core.config import get_settings
from app.core.context import Ctx
from app.core.errors import Invalid
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.loyalty.domain import pins
from app.modules.loyalty.domain.enums import PinRole
from app.modules.loyalty.queries import pins as pin_queries
from app.modules.loyalty.services import store_scope

INSERT = """
INSERT INTO loyalty_staff_pins (merchant_id, id, store_id, display_name, role, email_normalized, pin_hash, failed_attempts, is_active,
                                created_at, updated_at)
SELECT $1, p.id, $2, p.display_name, p.role, p.email, p.pin_hash, 0, true, $8, $8
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[]) AS p (id, display_name, role, email, pin_hash)
"""


@dataclasses.dataclass(frozen=True, slots=True)
class NewPin:
    """Somebody who is to get a PIN; without `pin` one is made."""

    display_name: str
    role: PinRole = PinRole.STAFF
    email: str | None = None
    pin: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class AssignedPin:
    """A staff member and their PIN, to be shown once."""

    id: uuid.UUID
    display_name: str
    role: PinRole
    pin: str = dataclasses.field(repr=False)


async def assign_pins(ctx: Ctx, *, store_id: uuid.UUID, people: Sequence[NewPin]) -> list[AssignedPin]:
    """Give each of `people` a PIN at the store, all of them or nobody, and return the digits: they are stored as hashes only.

    Made PINs differ from each other and from the given ones. Raises Invalid naming each weak one (`pins.3.pin`), NotFound for a
    store that is not the caller's. About 15 ms of hashing each.
    """
    await store_scope.require_store(ctx, store_id)
    length = (await pin_queries.get_pin_settings(ctx)).pin_length
    _require_strong(people, length)
    taken = {person.pin for person in people if person.pin}
    assigned = []
    for person in people:
        digits = person.pin or generate_pin(length, taken)
        taken.add(digits)
        assigned.append(AssignedPin(new_id(), person.display_name, person.role, digits))
    pepper = get_settings().pin_pepper
    hashes = await asyncio.gather(*(hashing.hash_secret(one.pin, pepper=pepper) for one in assigned))
    emails = [customers.normalize_email(person.email) if person.email else None for person in people]
    ids, names, roles = [one.id for one in assigned], [one.display_name for one in assigned], [one.role.value for one in assigned]
    await ctx.conn.execute(INSERT, ctx.merchant_id, store_id, ids, names, roles, emails, hashes, ctx.now)
    await audit.record_many(ctx, "loyalty.pin.created", "staff_pin", ids, store_id=str(store_id))
    return assigned


def _require_strong(people: Sequence[NewPin], length: int) -> None:
    problems = {number: pins.pin_problem(person.pin, length=length) for number, person in enumerate(people) if person.pin}
    if refused := {f"pins.{number}.pin": pins.PIN_SENTENCES[problem] for number, problem in problems.items() if problem}:
        raise Invalid(code="pin_weak", fields=refused)


def generate_pin(length: int, taken: Collection[str]) -> str:
    """Return a random PIN of `length` digits that is not weak and not in `taken`."""
    while True:
        digits = "".join(secrets.choice("0123456789") for _ in range(length))
        if digits not in taken and pins.pin_problem(digits, length=length) is None:
            return digits
