"""The ledger's API against a card on paper (reliability.md, case 54): a few hundred steps, 10,000 with ORION_TEST_FULL=1.

Hypothesis chooses what happens at the counter; after every step answer and database say what the paper says. A failing run is
shortened to the fewest steps that show it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from app.core.db.engine import Database
from app.core.ids import new_id
from app.core.testing import extent
from app.modules.loyalty.domain.enums import PinPolicy, VoidPolicy
from app.modules.loyalty.services import verification_service
from app.modules.loyalty.tests.counter import Shop, make_card, make_reward, make_shop, post
from app.modules.loyalty.tests.factories import make_program, make_settings
from tests.fuzz.ledger_model import PaperCard, Refused, Row, Rules

pytestmark = pytest.mark.slow
STEPS = 40
COSTS = (3, 20)


class World:
    """The real system, asked from Hypothesis's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient, database: Database, conn: asyncpg.Connection) -> None:
        self.loop, self.client, self.database, self.conn = loop, client, database, conn
        self.steps = 0

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do `work` in the application's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)


def on_paper(expected: Callable[[PaperCard], Row], paper: PaperCard) -> Row | Refused:
    """Do it on paper and return the line, or why it is refused."""
    try:
        return expected(paper)
    except Refused as refusal:
        return refusal


class Counter(RuleBasedStateMachine):
    """What can happen at a counter with two cards."""

    world: ClassVar[World]
    rows = Bundle("rows")
    purchases = Bundle("purchases")

    @initialize(policy=st.sampled_from(list(VoidPolicy)))
    def open_shop(self, policy: VoidPolicy) -> None:
        """A merchant, two cards, two rewards."""
        self.shop: Shop = self.world.wait(make_shop(self.world.database, stamps_target=5, points_per_euro=1))
        self.world.wait(make_settings(self.world.database, self.shop.merchant, pin_policy=PinPolicy.OFF, void_policy=policy))
        self.terms = Rules(void_policy=policy.value)
        self.cards = [self.world.wait(make_card(self.world.database, self.shop)) for _ in range(2)]
        self.rewards = {cost: self.world.wait(make_reward(self.world.database, self.shop, cost_points=cost)) for cost in COSTS}
        self.paper = [PaperCard(self.terms) for _ in self.cards]
        self.done: list[tuple[str, dict[str, Any], str, bytes]] = []

    def act(self, index: int, path: str, body: dict[str, Any], expected: Callable[[PaperCard], Row]) -> tuple[int, str, Row] | None:
        """Do it on paper and at the counter; return card, id and line of what was booked."""
        self.world.steps += 1
        key = str(new_id())
        paper = self.paper[index]
        row = on_paper(expected, paper)
        answer = self.world.wait(post(self.world.client, self.shop, path, body, key=key))
        if isinstance(row, Refused):
            assert (answer.status_code, answer.json()["code"]) == (409, row.code), answer.text
            return None
        assert answer.status_code == 200, answer.text
        found = answer.json()
        booked = found["transaction"]
        assert (booked["type"], booked["stamps_delta"], booked["points_delta"]) == (row.kind, row.stamps, row.points)
        assert (found["card"]["stamp_count"], found["card"]["points_balance"], found["card"]["points_owed"]) == (
            paper.stamps,
            paper.points,
            paper.owed,
        )
        assert (found["card"]["stamps_target"], found["card"]["rewards_ready"]) == (paper.target, paper.stamps // paper.target)
        self.done.append((path, body, key, answer.content))
        return index, booked["id"], row

    @rule(target=rows, index=st.integers(0, 1), count=st.integers(1, 8))
    def stamp(self, index: int, count: int) -> Any:
        return self.act(index, "/stamp", {"card_id": str(self.cards[index].id), "stamps": count}, lambda card: card.stamp(count))

    @rule(target=rows, index=st.integers(0, 1))
    def redeem_stamps(self, index: int) -> Any:
        return self.act(index, "/stamp/redeem", {"card_id": str(self.cards[index].id)}, lambda card: card.redeem_stamps())

    @rule(target=purchases, index=st.integers(0, 1), cents=st.sampled_from([99, 100, 500, 1_250, 2_999]))
    def earn(self, index: int, cents: int) -> Any:
        body = {"card_id": str(self.cards[index].id), "amount_cents": cents}
        return self.act(index, "/points/earn", body, lambda card: card.earn(cents))

    @rule(target=rows, index=st.integers(0, 1), cost=st.sampled_from(COSTS))
    def redeem_points(self, index: int, cost: int) -> Any:
        body = {"card_id": str(self.cards[index].id), "reward_id": str(self.rewards[cost])}
        return self.act(index, "/points/redeem", body, lambda card: card.redeem_points(cost))

    @rule(target=rows, index=st.integers(0, 1), points=st.integers(-12, 12).filter(bool))
    def adjust(self, index: int, points: int) -> Any:
        body = {"points": points, "reason": "Counted again", "pin": self.shop.counter.manager_proof()}
        return self.act(index, f"/cards/{self.cards[index].id}/points/adjust", body, lambda card: card.adjust(points))

    @rule(target=rows, booked=st.one_of(rows, purchases, purchases), slip=st.integers(0, 9))
    def void(self, booked: Any, slip: int) -> Any:
        """Take a line back, now and then at the wrong place."""
        if booked is None:
            return None
        index, transaction_id, row = booked
        by_points = row.kind.startswith("points") is not (slip == 9)
        path = "/points/void" if by_points else "/stamp/void"
        return self.act(index, path, {"transaction_id": transaction_id}, lambda card: card.void(row, by_points=by_points))

    @rule(target=rows, booked=st.one_of(purchases, purchases, rows), cents=st.sampled_from([1, 100, 500, 1_250]))
    def refund(self, booked: Any, cents: int) -> Any:
        if booked is None:
            return None
        index, transaction_id, row = booked
        body = {"transaction_id": transaction_id, "refund_cents": cents}
        return self.act(index, "/points/refund", body, lambda card: card.refund(row, cents))

    @rule(target=purchases, index=st.integers(0, 1))
    def regret(self, index: int) -> Any:
        """A purchase is spent and then taken back, as the policy lets it; the next one may have a debt to pay."""
        bought = self.earn(index, 2_000)
        self.redeem_points(index, 20)
        self.void(bought, 0)
        return self.earn(index, 1_250)

    @rule(choice=st.randoms(use_true_random=False), is_changed=st.booleans())
    def repeat(self, choice: Any, is_changed: bool) -> None:
        """A key is used again: for the same, or for something else."""
        if not self.done:
            return
        self.world.steps += 1
        path, body, key, content = choice.choice(self.done)
        again = {"card_id": str(self.cards[0].id), "stamps": 7} if is_changed else body
        answer = self.world.wait(post(self.world.client, self.shop, "/stamp" if is_changed else path, again, key=key))
        if is_changed and (path, body) != ("/stamp", again):
            assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        else:
            assert (answer.status_code, answer.content, answer.headers["idempotent-replayed"]) == (200, content, "true")

    @rule(policy=st.sampled_from(list(VoidPolicy)))
    def change_policy(self, policy: VoidPolicy) -> None:
        self.world.steps += 1
        self.world.wait(make_settings(self.world.database, self.shop.merchant, pin_policy=PinPolicy.OFF, void_policy=policy))
        self.terms.void_policy = policy.value

    @rule(target_stamps=st.integers(2, 9))
    def change_target(self, target_stamps: int) -> None:
        """Cards keep the target they were promised until their next redemption."""
        self.world.steps += 1
        self.world.wait(make_program(self.world.database, self.shop.merchant, stamps_target=target_stamps))
        self.terms.stamps_target = target_stamps

    @invariant()
    def paper_and_database_agree(self) -> None:
        for card, paper in zip(getattr(self, "cards", []), getattr(self, "paper", []), strict=True):
            row = self.world.wait(self.world.conn.fetchrow(STATE, card.id))
            assert tuple(row) == (paper.stamps, paper.points, paper.owed, paper.target, *sums(paper), len(paper.rows))

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            found = self.world.wait(verification_service.verify_ledger(self.world.database, self.shop.id))
            assert (found.checked, found.broken) == (2, [])


STATE = """
SELECT c.stamp_count, c.points_balance, c.points_owed, c.stamps_target, coalesce(sum(t.stamps_delta), 0)::int,
       coalesce(sum(t.points_delta), 0)::int, count(t.id)::int
FROM loyalty_cards c LEFT JOIN loyalty_transactions t ON t.merchant_id = c.merchant_id AND t.card_id = c.id WHERE c.id = $1
GROUP BY c.merchant_id, c.id
"""


def sums(paper: PaperCard) -> tuple[int, int]:
    """Return the sums of the lines."""
    return sum(row.stamps for row in paper.rows), sum(row.points for row in paper.rows)


async def test_the_ledger_is_what_the_paper_says(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    Counter.world = world = World(asyncio.get_running_loop(), client, database, superuser)
    chosen = settings(
        max_examples=15,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    source = extent.source_of("ledger model")
    wanted = extent.times(short=600, full=10_000)
    while world.steps < wanted:
        before = world.steps
        machine = seed(source.getrandbits(64))(Counter)
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)
        assert world.steps > before, "each step asserts that counter and paper agree; no step proves nothing"
