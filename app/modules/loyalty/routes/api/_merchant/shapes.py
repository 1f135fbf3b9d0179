"""Shaping what the merchant's face takes and answers."""

import uuid

from app.core.errors import N_
from app.core.web import theme
from app.modules.customers.public import CustomerRecord
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.errors import ProgramInvalidException
from app.modules.loyalty.queries.merges import CardHolder, HeldCard, MergeRun
from app.modules.loyalty.queries.overview import DayNumbers
from app.modules.loyalty.queries.pins import StaffPin
from app.modules.loyalty.queries.programs import MerchantSettings, Program
from app.modules.loyalty.queries.rewards import Reward
from app.modules.loyalty.routes.api._shapes import card_detail
from app.modules.loyalty.schemas.merchant import (
    MerchantCard,
    PinAnswer,
    ProgramAnswer,
    ProgramBody,
    RewardAnswer,
    SettingsAnswer,
    SettingsBody,
    TerminalAnswer,
)
from app.modules.loyalty.schemas.merging import CardHolderAnswer, DayAnswer, HeldCardAnswer, MergeRunAnswer, OverviewAnswer
from app.modules.loyalty.schemas.people import PersonAnswer
from app.modules.loyalty.services.card_service import FoundCard
from app.modules.loyalty.services.overview_service import Overview
from app.modules.loyalty.services.people_service import Person
from app.modules.loyalty.services.program_service import ProgramForm, SettingsForm
from app.modules.loyalty.services.terminal_service import SeenTerminal


def program_form(body: ProgramBody) -> ProgramForm:
    """Return a program as the service takes it; ProgramInvalidException for a colour on which no text is readable."""
    require_readable_colour(body.colour)
    return ProgramForm(**body.model_dump())


def require_readable_colour(colour: str) -> None:
    """Refuse a colour on which text would be hard to read, with a shade of it that would do. What is no colour at all passes:
    the program's own rule names it, together with all its other fields."""
    try:
        check = theme.check_accent(colour)
    except ValueError:
        return
    if not check.ok:
        sentence = N_("Text on this colour would be hard to read. Please choose a darker or lighter one, for example %(suggestion)s.")
        raise ProgramInvalidException(fields={"colour": sentence}, params={"suggestion": check.suggestion})


def settings_form(body: SettingsBody) -> SettingsForm:
    """Return settings as the service takes them."""
    return SettingsForm(**body.model_dump())


def program_answer(program: Program) -> ProgramAnswer:
    """Return the program as it is answered."""
    values = {name: getattr(program, name) for name in ProgramAnswer.model_fields}
    return ProgramAnswer(**values | {"points_per_euro": format(program.points_per_euro.normalize(), "f")})


def reward_answer(reward: Reward) -> RewardAnswer:
    """Return a reward as it is answered."""
    return RewardAnswer(**{name: getattr(reward, name) for name in RewardAnswer.model_fields})


def settings_answer(settings: MerchantSettings) -> SettingsAnswer:
    """Return the settings as they are answered."""
    return SettingsAnswer(**{name: getattr(settings, name) for name in SettingsAnswer.model_fields})


def pin_answer(pin: StaffPin, store_names: dict[uuid.UUID, str]) -> PinAnswer:
    """Return a staff member as they are answered."""
    values = {name: getattr(pin, name) for name in PinAnswer.model_fields if name != "store_name"}
    return PinAnswer(**values, store_name=store_names.get(pin.store_id, ""))


def terminal_answer(seen: SeenTerminal, store_names: dict[uuid.UUID, str]) -> TerminalAnswer:
    """Return a terminal as it is answered."""
    terminal = seen.terminal
    return TerminalAnswer(
        id=terminal.id,
        store_id=terminal.store_id,
        store_name=store_names.get(terminal.store_id, ""),
        name=terminal.name,
        paired_at=terminal.paired_at,
        last_seen_at=seen.last_seen_at,
    )


def merchant_card(found: FoundCard, store_names: dict[uuid.UUID, str]) -> MerchantCard:
    """Return a card as the merchant sees it."""
    card = found.card
    return MerchantCard(
        **card_detail(found).model_dump(),
        store_name=store_names.get(card.enrolled_at_store_id, ""),
        qr_token=card.qr_token,
        merged_into_id=card.merged_into_id,
        last_activity_at=card.state.last_activity_at,
        visit_count=card.state.visit_count,
    )


def person_answer(person: Person, store_names: dict[uuid.UUID, str]) -> PersonAnswer:
    """Return somebody with their cards as the merchant sees them."""
    customer = person.customer
    own = {name: getattr(customer, name) for name in PersonAnswer.model_fields if hasattr(customer, name)}
    return PersonAnswer(
        **own,
        wants_marketing=person.wants_marketing,
        last_visit_at=person.last_visit_at,
        visit_count=person.visit_count,
        cards=[merchant_card(FoundCard(card, customer), store_names) for card in person.cards],
    )


def merge_run(run: MergeRun) -> MergeRunAnswer:
    """Return a run as it is answered."""
    return MergeRunAnswer(**{name: getattr(run, name) for name in MergeRunAnswer.model_fields})


def card_holder(holder: CardHolder, person: CustomerRecord | None, store_names: dict[uuid.UUID, str]) -> CardHolderAnswer:
    """Return a person with several cards as the preview shows them."""
    return CardHolderAnswer(
        customer_id=holder.customer_id,
        first_name=person.first_name if person else None,
        last_name=person.last_name if person else None,
        cards=[_held_card(card, store_names) for card in holder.cards],
        stamps_in_all=sum(card.stamp_count for card in holder.cards),
        points_in_all=sum(card.points_balance - card.points_owed for card in holder.cards),
    )


def _held_card(card: HeldCard, store_names: dict[uuid.UUID, str]) -> HeldCardAnswer:
    return HeldCardAnswer(
        id=card.id,
        card_number=format_number(card.card_number),
        enrolled_at_store_id=card.enrolled_at_store_id,
        store_name=store_names.get(card.enrolled_at_store_id, ""),
        created_at=card.created_at,
        stamp_count=card.stamp_count,
        points_balance=card.points_balance,
        points_owed=card.points_owed,
    )


def overview_answer(found: Overview) -> OverviewAnswer:
    """Return the home page's numbers as they are answered."""
    return OverviewAnswer(today=_day(found.today), active_cards=found.active_cards, days=[_day(day) for day in found.days])


def _day(numbers: DayNumbers) -> DayAnswer:
    return DayAnswer(**{name: getattr(numbers, name) for name in DayAnswer.model_fields})
