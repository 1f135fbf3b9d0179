"""Any history of a card: what holds after each row, whatever was done before (reliability.md, case 54, without a database)."""

import dataclasses
import datetime as dt
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.core.errors import Conflict
from app.modules.loyalty.domain import expiry, points, stamps, voids
from app.modules.loyalty.domain.balances import CardState, Decision, Entry
from app.modules.loyalty.domain.enums import TransactionType, VoidPolicy
from app.modules.loyalty.domain.voids import Original
from app.modules.loyalty.tests.domain.builders import LUXEMBOURG, NOW, make_card, make_rules, original_of


class CardHistory(RuleBasedStateMachine):
    """One card and the list of its rows; every step is one call of a rule, refused or booked."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.card: CardState = make_card(last_activity_at=NOW)
        self.entries: list[Entry] = []
        self.originals: list[Original] = []
        self.program = make_rules(points_expiration_days=30, max_stamps_per_day=12, stamp_cooldown_minutes=5, points_rate=1_500)

    def write(self, decision: Decision | None) -> None:
        if decision is None:
            return
        self.card = decision.card
        self.entries.extend(decision.entries)
        self.originals.extend(original_of(entry, at=self.now) for entry in decision.entries)

    def try_to(self, decide: Callable[[], Decision]) -> None:
        before = self.card
        try:
            self.write(decide())
        except Conflict:
            assert self.card == before

    @rule(hours=st.integers(1, 24 * 40))
    def wait(self, hours: int) -> None:
        self.now += dt.timedelta(hours=hours)

    @rule(policy=st.sampled_from(VoidPolicy), new_target=st.integers(1, 12))
    def change_settings(self, policy: VoidPolicy, new_target: int) -> None:
        self.program = dataclasses.replace(self.program, void_policy=policy, stamps_target=new_target)

    @rule(count=st.integers(1, 12))
    def stamp(self, count: int) -> None:
        self.try_to(lambda: stamps.stamp(self.card, self.program, count=count, now=self.now, store_zone=LUXEMBOURG))

    @rule()
    def redeem_stamps(self) -> None:
        self.try_to(lambda: stamps.redeem_stamps(self.card, self.program, now=self.now))

    @rule(amount=st.integers(1, 100_000))
    def earn(self, amount: int) -> None:
        self.try_to(lambda: points.earn_points(self.card, self.program, amount_cents=amount, now=self.now))

    @rule(share=st.integers(1, 4))
    def redeem(self, share: int) -> None:
        self.try_to(lambda: points.redeem_points(self.card, self.program, points=self.card.points_balance // share, now=self.now))

    @rule(delta=st.integers(-200, 200))
    def adjust(self, delta: int) -> None:
        self.try_to(lambda: points.adjust_points(self.card, points=delta))

    @rule()
    def sweep(self) -> None:
        self.write(expiry.expire_points(self.card, self.program, now=self.now))

    @precondition(lambda self: self.originals)
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.originals) - 1))
        original, written = self.originals[index], len(self.entries)
        self.try_to(lambda: voids.void(self.card, self.program, original))
        if len(self.entries) > written:
            self.originals[index] = dataclasses.replace(original, is_voided=True)

    @precondition(lambda self: any(row.type is TransactionType.POINTS_EARNED for row in self.originals))
    @rule(data=st.data(), cents=st.integers(1, 50_000))
    def refund(self, data: st.DataObject, cents: int) -> None:
        earns = [index for index, row in enumerate(self.originals) if row.type is TransactionType.POINTS_EARNED]
        index = data.draw(st.sampled_from(earns))
        original, written = self.originals[index], len(self.entries)
        self.try_to(lambda: voids.refund(self.card, self.program, original, refund_cents=cents))
        if len(self.entries) > written:
            entry = self.entries[-1]
            self.originals[index] = dataclasses.replace(
                original,
                refunded_cents=original.refunded_cents + cents,
                refunded_points=original.refunded_points - entry.points_delta + entry.points_forgiven,
                refunded_owed=original.refunded_owed + entry.owed_delta,
            )

    @invariant()
    def rows_add_up_to_the_card(self) -> None:
        assert sum(entry.points_delta for entry in self.entries) == self.card.points_balance - self.card.points_owed
        assert sum(entry.stamps_delta for entry in self.entries) == self.card.stamp_count

    @invariant()
    def nothing_is_negative(self) -> None:
        assert min(self.card.points_balance, self.card.points_owed, self.card.stamp_count, self.card.stamps_today) >= 0
        assert self.card.points_balance == 0 or self.card.points_owed == 0

    @invariant()
    def totals_explain_the_balances(self) -> None:
        card = self.card
        assert card.net_points == card.total_points_earned - card.total_points_redeemed - card.total_points_voided
        assert card.stamp_count == card.total_stamps_earned - card.total_stamps_redeemed - card.total_stamps_voided

    @invariant()
    def each_row_carries_the_balances_after_it(self) -> None:
        if self.entries:
            last = self.entries[-1]
            assert (last.stamps_after, last.points_after, last.owed_after) == (
                self.card.stamp_count,
                self.card.points_balance,
                self.card.points_owed,
            )


TestCardHistory = CardHistory.TestCase
TestCardHistory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
