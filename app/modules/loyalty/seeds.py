"""Demo data: programs, rewards, staff PINs, and people whose cards were used over the last 90 days. Names are invented, PINs are public.

Everything is booked by the real services at instants in the past, so that histories, balances and charts agree. The same seed
of chance makes the same people and habits each time.
"""

import dataclasses
import datetime as dt
import decimal
import random
import uuid
import zoneinfo
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

from app.core.context import Actor, Ctx, unit_of_work
from app.core.db.engine import Database
from app.core.errors import NotFound
from app.core.idempotency import IdempotencyKey, fingerprint
from app.core.ids import new_id
from app.modules.customers.public import ConsentSource
from app.modules.loyalty.domain.enums import PinRole, ProgramType
from app.modules.loyalty.errors import LoyaltyRuleException
from app.modules.loyalty.queries import programs
from app.modules.loyalty.queries.rewards import Reward
from app.modules.loyalty.services import card_service, pin_service, points_service, program_service, reward_service, stamp_service
from app.modules.loyalty.services.card_service import Applicant
from app.modules.loyalty.services.ledger import Posted
from app.modules.loyalty.services.program_service import ProgramForm
from app.modules.tenancy import public as tenancy

DAYS = 90
NO_MAILS = "UPDATE core_outbox SET done_at = $2 WHERE merchant_id = $1 AND task LIKE 'loyalty.%' AND done_at IS NULL"


@dataclasses.dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody at a store's counter, with a PIN that the demo prints."""

    store_code: str
    name: str
    role: PinRole
    pin: str


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """A merchant of the demo, named by its first store: the program, what points buy, who works there, how many people come."""

    store_code: str
    form: ProgramForm
    rewards: Sequence[tuple[str, str, int]]
    team: Sequence[Colleague]
    people: int
    chance: int


BAKERY = Scene(
    store_code="muselbrout-ville",
    form=ProgramForm(
        type=ProgramType.BOTH,
        name="Muselbrout & vous",
        card_name="Carte Muselbrout",
        colour="#7b3f00",
        stamps_target=10,
        stamp_reward="un pain de votre choix",
        stamp_cooldown_minutes=30,
        max_stamps_per_day=5,
        points_per_euro=decimal.Decimal(1),
        welcome_bonus_points=20,
        minimum_redemption_points=30,
        points_expiration_days=365,
        terms_text=(
            "La carte est gratuite et personnelle. Elle est valable dans toutes les boulangeries Muselbrout.\n\n"
            "Un achat donne un tampon et un point par euro. Dix tampons donnent droit à un pain au choix.\n\n"
            "Les récompenses ne sont pas remboursées en argent. Les points expirent un an après votre dernière visite."
        ),
        terms_cms_page_slug="terms",
    ),
    rewards=(
        ("Café ou thé", "Une boisson chaude au choix", 40),
        ("Petit-déjeuner", "Croissant, jus et boisson chaude", 90),
        ("Tarte du dimanche", "Pour quatre personnes, sur commande", 220),
    ),
    team=(
        Colleague("muselbrout-ville", "Lis Faber", PinRole.STAFF, "614829"),
        Colleague("muselbrout-ville", "Tom Reding", PinRole.MANAGER, "907346"),
        Colleague("muselbrout-esch", "Maya Thill", PinRole.STAFF, "358172"),
        Colleague("muselbrout-esch", "Tom Reding", PinRole.MANAGER, "907346"),
        Colleague("muselbrout-ettelbruck", "Jos Kieffer", PinRole.STAFF, "593817"),
        Colleague("muselbrout-ettelbruck", "Tom Reding", PinRole.MANAGER, "907346"),
    ),
    people=42,
    chance=1661,
)
COFFEE_BAR = Scene(
    store_code="kaweechelchen",
    form=ProgramForm(
        type=ProgramType.STAMPS,
        name="Kaweechelchen Club",
        card_name="Kaffiskaart",
        colour="#0f5257",
        stamps_target=8,
        stamp_reward="ee Kaffi no Wiel",
        max_stamps_per_day=3,
        terms_cms_page_slug="terms",
    ),
    rewards=(),
    team=(
        Colleague("kaweechelchen", "Nora Steichen", PinRole.MANAGER, "861357"),
        Colleague("kaweechelchen", "Kim Hoffmann", PinRole.STAFF, "274961"),
    ),
    people=26,
    chance=2310,
)
SCENES = (BAKERY, COFFEE_BAR)

FIRST_NAMES = (
    "Léa", "Anouk", "Pol", "Sophie", "Marc", "Joana", "Tiago", "Claudine", "Ben", "Mia", "Laurent", "Inês", "Jeff", "Carole", "Amir",
    "Nathalie", "Yves", "Chiara", "Max", "Fabienne", "Luc", "Elena", "Gilles", "Sara", "Philippe", "Maëlle",
)  # fmt: skip
LAST_NAMES = (
    "Weber",
    "Schmit",
    "Ferreira",
    "Wagner",
    "Da Silva",
    "Thill",
    "Kremer",
    "Muller",
    "Santos",
    "Reuter",
    "Biver",
    "Rossi",
    "Klein",
)

DEMO_PAGES = (("Bakery: join the program", "/s/muselbrout-ville"), ("Coffee bar: join the program", "/s/kaweechelchen"))
DEMO_LOGINS = (
    ("Customer of the bakery", "/s/muselbrout-ville/loyalty/sign-in", "lea.weber@kundschaft.example", "the link in the mailbox"),
    *(
        (f"PIN at {colleague.store_code}: {colleague.role.value}", "/store/terminal", colleague.name, colleague.pin)
        for scene in SCENES
        for colleague in scene.team
    ),
)


async def seed_demo(database: Database) -> None:
    """Give the demo's merchants programs and 90 days of history; a merchant that has a program, or is not there, is left alone."""
    for scene in SCENES:
        try:
            async with unit_of_work(database, tenancy.as_system_at(scene.store_code)) as ctx:
                if await programs.find_program(ctx) is None:
                    await _seed(ctx, scene)
        except NotFound:
            continue


async def _seed(ctx: Ctx, scene: Scene) -> None:
    opening = dataclasses.replace(ctx, now=ctx.now - dt.timedelta(days=DAYS + 1), actor=dataclasses.replace(ctx.actor, store_id=None))
    await program_service.save_program(opening, scene.form)
    rewards = [
        await reward_service.create_reward(opening, name=name, description=text, cost_points=cost) for name, text, cost in scene.rewards
    ]
    stores = {store.code: store for store in await tenancy.list_stores(ctx)}
    team: dict[str, list[uuid.UUID]] = {}
    for colleague in scene.team:
        store = stores[colleague.store_code]
        pin_id = await pin_service.create_pin(
            opening, store_id=store.id, display_name=colleague.name, role=colleague.role, pin=colleague.pin
        )
        team.setdefault(store.code, []).append(pin_id)
    dice = random.Random(scene.chance)  # noqa: S311 - a demo's habits, not a secret
    card_ids: dict[str, uuid.UUID] = {}
    for visit in _plan(scene, dice, list(stores.values()), ctx.now):
        counter = _at_counter(ctx, visit, dice.choice(team[visit.store.code]))
        email = visit.applicant.email
        if email not in card_ids:
            card_ids[email] = (await card_service.enroll_customer(counter, store_id=visit.store.id, applicant=visit.applicant)).card.id
        await _visit(counter, card_ids[email], visit, dice, rewards, scene.form.type)
    # What happened in the past is not announced today.
    ctx.pending.clear()
    await ctx.conn.execute(NO_MAILS, ctx.merchant_id, ctx.now)


@dataclasses.dataclass(frozen=True, slots=True)
class Visit:
    """Somebody comes to a store; the first time they get a card. `cents` is what they buy for."""

    at: dt.datetime
    store: tenancy.StoreView
    applicant: Applicant
    cents: int


def _plan(scene: Scene, dice: random.Random, stores: Sequence[tenancy.StoreView], now: dt.datetime) -> list[Visit]:
    """Return all visits of all people, oldest first. Some people come every few days, some rarely, some stay away after a while."""
    visits: list[Visit] = []
    for number in range(scene.people):
        person = _person(number, dice)
        favourite = stores[number % len(stores)]
        joined = 0 if number == 0 else int(DAYS * dice.random() ** 1.3)
        leaves = DAYS if number == 0 or dice.random() < 0.75 else joined + dice.randint(5, 35)
        rhythm = 4.0 if number == 0 else dice.choice((2.5, 4.0, 7.0, 7.0, 12.0, 18.0))
        for day in _days(joined, min(leaves, DAYS), rhythm, dice):
            store = favourite if dice.random() < 0.8 else dice.choice(list(stores))
            at = _opening_hour(now, DAYS - day, store, dice)
            if at < now:
                visits.append(Visit(at, store, person, round(dice.lognormvariate(6.7, 0.55))))
    return sorted(visits, key=lambda visit: visit.at)


def _days(joined: int, leaves: int, rhythm: float, dice: random.Random) -> Iterator[int]:
    day = float(joined)
    while day <= leaves:
        yield int(day)
        day += max(1.0, dice.gauss(rhythm, rhythm / 3))


def _opening_hour(now: dt.datetime, days_ago: int, store: tenancy.StoreView, dice: random.Random) -> dt.datetime:
    """Return an instant on a day in the past at which people buy bread and coffee: most in the morning."""
    zone = zoneinfo.ZoneInfo(store.time_zone)
    minutes = int(dice.triangular(7 * 60, 18 * 60, 9 * 60))
    day = (now.astimezone(zone) - dt.timedelta(days=days_ago)).date()
    return dt.datetime.combine(day, dt.time(minutes // 60, minutes % 60, dice.randrange(60)), zone).astimezone(dt.UTC)


def _person(number: int, dice: random.Random) -> Applicant:
    first, last = FIRST_NAMES[number % len(FIRST_NAMES)], LAST_NAMES[(number * 5 + number // len(LAST_NAMES)) % len(LAST_NAMES)]
    plain = f"{first}.{last}".lower().translate(str.maketrans("éèëêïî", "eeeeii")).replace(" ", "")
    has_phone, has_birthday = dice.random() < 0.5, dice.random() < 0.6
    born = dt.date(1950, 1, 1) + dt.timedelta(days=dice.randrange(55 * 365))
    return Applicant(
        first_name=first,
        last_name=last,
        email=f"{plain}@kundschaft.example",
        phone=f"+352 621 {dice.randrange(100, 999)} {dice.randrange(100, 999)}" if has_phone else None,
        birth_date=born if has_birthday else None,
        locale=dice.choice(("fr", "fr", "lb", "lb", "de", "en")),
        wants_marketing=dice.random() < 0.45,
        source=dice.choice((ConsentSource.STOREFRONT, ConsentSource.TERMINAL)),
    )


def _at_counter(ctx: Ctx, visit: Visit, pin_id: uuid.UUID) -> Ctx:
    """Return the context of the staff member who serves `visit`."""
    actor = Actor(
        kind="user",
        role="manager",
        store_id=visit.store.id,
        store_zone=visit.store.time_zone,
        staff_pin_id=pin_id,
        unlocked_until=visit.at + dt.timedelta(minutes=1),
    )
    return dataclasses.replace(ctx, now=visit.at, actor=actor)


async def _visit(ctx: Ctx, card_id: uuid.UUID, visit: Visit, dice: random.Random, rewards: Sequence[Reward], kind: ProgramType) -> None:
    """Book what one visit brings: stamps and points, now and then a reward or a mistake."""
    posted: Posted | None = None
    if kind.has_stamps:
        posted = await _try(stamp_service.add_stamps(ctx, card_id=card_id, count=2 if dice.random() < 0.15 else 1, **_key()))
        if posted is not None and posted.transaction_id is not None and dice.random() < 0.015:
            posted = await _try(stamp_service.void_stamps(ctx, transaction_id=posted.transaction_id, **_key()))
    if kind.has_points:
        posted = await _try(points_service.earn_points(ctx, card_id=card_id, amount_cents=visit.cents, **_key())) or posted
    if posted is None or posted.decision is None:
        return
    state = posted.decision.card
    if state.rewards_ready and dice.random() < 0.6:
        await _try(stamp_service.redeem_stamps(ctx, card_id=card_id, **_key()))
    affordable = [reward for reward in rewards if reward.cost_points <= state.points_balance]
    if affordable and dice.random() < 0.3:
        await _try(points_service.redeem_points(ctx, card_id=card_id, reward_id=affordable[-1].id, **_key()))


async def _try(action: Coroutine[Any, Any, Posted]) -> Posted | None:
    """Book one thing and return the outcome; None when a rule refuses it (two visits a day, a pause between stamps)."""
    try:
        return await action
    except LoyaltyRuleException:
        return None


def _key() -> dict[str, Any]:
    """Return what every booking needs: a key of its own, and an answer that nobody waits for."""
    key = str(new_id())
    return {"key": IdempotencyKey(key, fingerprint(key)), "present": lambda _change: "{}"}
