"""Demo data: a bakery chain with three stores, a coffee bar, and an admin. Names are invented, passwords are public."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.core.context import SYSTEM, Ctx, PlatformCtx, Principal, platform_unit_of_work
from app.core.db.engine import Database
from app.core.hashing import hash_secret
from app.core.ids import new_id
from app.modules.tenancy.config import DEMO_ADMIN_TOTP_SECRET
from app.modules.tenancy.models import User
from app.modules.tenancy.queries import users as user_queries
from app.modules.tenancy.services import admin_service, merchant_service, store_service, user_service

ZONE = "Europe/Luxembourg"
DEMO_ADMIN_EMAIL = "admin@orion.example"


class DemoLogin(NamedTuple):
    """How to sign in to the demo: who, on which page, as whom, with what."""

    label: str
    path: str
    user: str
    password: str


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the demo; `store_code` binds them to one store."""

    role: str
    name: str
    email: str
    password: str
    locale: str
    store_code: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Business:
    """A merchant of the demo: its stores, the first of which it opens with, and its people, the owner first."""

    name: str
    contact_email: str
    locale: str
    stores: Sequence[Mapping[str, Any]]
    people: Sequence[Person]


def _store(code: str, name: str, address_line: str, postal_code: str, city: str, phone: str, opening_text: str) -> dict[str, Any]:
    place = {"address_line": address_line, "postal_code": postal_code, "city": city, "country": "LU"}
    return {"code": code, "name": name, "time_zone": ZONE, "locale": "fr", "phone": phone, "opening_text": opening_text} | place


BAKERY = Business(
    name="Boulangerie Muselbrout",
    contact_email="bonjour@muselbrout.example",
    locale="fr",
    stores=(
        _store(
            "muselbrout-ville",
            "Muselbrout Grand-Rue",
            "38, Grand-Rue",
            "L-1660",
            "Luxembourg-Ville",
            "+352 26 10 38 01",
            "Lu–Ve 6:30–18:30 · Sa 7:00–18:00 · Di 7:30–12:30",
        ),
        _store(
            "muselbrout-esch",
            "Muselbrout Esch",
            "51, rue de l’Alzette",
            "L-4011",
            "Esch-sur-Alzette",
            "+352 26 54 38 02",
            "Lu–Sa 6:00–18:30 · Di 7:00–12:00",
        ),
        _store(
            "muselbrout-ettelbruck",
            "Muselbrout Ettelbruck",
            "22, Grand-Rue",
            "L-9051",
            "Ettelbruck",
            "+352 26 81 38 03",
            "Ma–Sa 6:00–18:00 · Di 6:30–12:30 · lundi fermé",
        ),
    ),
    people=(
        Person("owner", "Claire Wagener", "claire@muselbrout.example", "warm bread at sunrise", "fr"),
        Person("manager", "Tom Reding", "tom@muselbrout.example", "flour on every sleeve", "lb"),
        Person("staff", "Lis Faber", "lis@muselbrout.example", "first the crust then crumb", "de", "muselbrout-ville"),
    ),
)
COFFEE_BAR = Business(
    name="Kaweechelchen Coffee",
    contact_email="hello@kaweechelchen.example",
    locale="lb",
    stores=(
        _store(
            "kaweechelchen",
            "Kaweechelchen",
            "7, avenue Pasteur",
            "L-2310",
            "Luxembourg-Limpertsberg",
            "+352 26 20 07 10",
            "Méi–Fre 7:00–18:00 · Sam 8:30–17:00",
        ),
    ),
    people=(Person("owner", "Nora Steichen", "nora@kaweechelchen.example", "two sugars and a window", "lb"),),
)
BUSINESSES = (BAKERY, COFFEE_BAR)
ADMIN = Person("admin", "Alex Admin", DEMO_ADMIN_EMAIL, "quiet keys open doors", "en")

_SIGN_IN = {"owner": "/merchants/sign-in", "manager": "/merchants/sign-in", "staff": "/merchants/sign-in"}
DEMO_LOGINS: tuple[DemoLogin, ...] = (
    *(
        DemoLogin(f"{business.name}: {person.role}", _SIGN_IN[person.role], person.email, person.password)
        for business in BUSINESSES
        for person in business.people
    ),
    DemoLogin("Platform: admin", "/admin/sign-in", ADMIN.email, f"{ADMIN.password}, then the code of `orion demo-code`"),
)


async def seed_demo(database: Database) -> list[DemoLogin]:
    """Write what is missing of the demo and return how to sign in; running it again adds nothing."""
    for business in BUSINESSES:
        async with platform_unit_of_work(database, Principal(SYSTEM), locale=business.locale) as ctx:
            if await user_queries.find_for_sign_in(ctx.conn, business.people[0].email) is None:
                await _seed_business(ctx, business)
    async with platform_unit_of_work(database, Principal(SYSTEM)) as ctx:
        if await user_queries.find_for_sign_in(ctx.conn, ADMIN.email) is None:
            await admin_service.create_admin(
                ctx, email=ADMIN.email, password=ADMIN.password, display_name=ADMIN.name, totp_secret=DEMO_ADMIN_TOTP_SECRET
            )
    return list(DEMO_LOGINS)


async def _seed_business(ctx: PlatformCtx, business: Business) -> None:
    for person in business.people:
        await _add_user(ctx, person)
    owner, *team = business.people
    new = await merchant_service.create_merchant(
        ctx,
        name=business.name,
        contact_email=business.contact_email,
        time_zone=ZONE,
        locale=business.locale,
        owner_email=owner.email,
        owner_name=owner.name,
        store=business.stores[0],
    )
    inside: Ctx = merchant_service.act_for_merchant(ctx, new.merchant.id)
    stores = [new.store, *[await store_service.create_store(inside, **store) for store in business.stores[1:]]]
    store_ids = {store.code: store.id for store in stores}
    for person in team:
        store_id = store_ids[person.store_code] if person.store_code else None
        await user_service.invite_member(inside, email=person.email, display_name=person.name, role=person.role, store_id=store_id)


async def _add_user(ctx: PlatformCtx, person: Person) -> None:
    """Add somebody who has a password already and needs no invitation."""
    user = User(
        id=new_id(),
        email=person.email,
        email_normalized=person.email,
        display_name=person.name,
        password_hash=await hash_secret(person.password),
        password_changed_at=ctx.now,
        locale=person.locale,
        created_at=ctx.now,
    )
    ctx.session.add(user)
    await ctx.session.flush()
