"""A card as a person would keep it on paper: domain.md in plain Python, without a line of the platform's own rules."""

import dataclasses
from typing import Any


class Refused(Exception):
    """The rule refuses; `code` is what the API has to answer with 409."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclasses.dataclass(slots=True)
class Row:
    """One line of the history."""

    kind: str
    stamps: int = 0
    points: int = 0
    cents: int = 0
    debt_paid: int = 0
    is_voided: bool = False
    refunds: "list[Row]" = dataclasses.field(default_factory=list)
    due: int = 0


@dataclasses.dataclass(slots=True)
class Rules:
    """What the merchant has set."""

    stamps_target: int = 5
    void_policy: str = "block"


@dataclasses.dataclass(slots=True)
class PaperCard:
    """Stamps, and points less debt, with every line that led there. A euro is a point."""

    rules: Rules
    target: int = 5
    stamps: int = 0
    net: int = 0
    rows: list[Row] = dataclasses.field(default_factory=list)

    @property
    def points(self) -> int:
        """Points that can be spent."""
        return max(self.net, 0)

    @property
    def owed(self) -> int:
        """Points that are owed."""
        return max(-self.net, 0)

    def write(self, kind: str, *, stamps: int = 0, points: int = 0, **more: Any) -> Row:
        """Add a line."""
        owed = self.owed
        self.stamps += stamps
        self.net += points
        row = Row(kind, stamps, points, debt_paid=owed - self.owed, **more)
        self.rows.append(row)
        return row

    def stamp(self, count: int) -> Row:
        """Add stamps."""
        return self.write("stamp_earned", stamps=count)

    def redeem_stamps(self) -> Row:
        """Take a full card; the merchant's present target counts from now on."""
        if self.stamps < self.target:
            raise Refused("not_enough_stamps")
        row = self.write("stamp_redeemed", stamps=-self.target)
        self.target = self.rules.stamps_target
        return row

    def earn(self, cents: int) -> Row:
        """Book a purchase."""
        return self.write("points_earned", points=cents // 100, cents=cents)

    def redeem_points(self, cost: int) -> Row:
        """Spend points on a reward."""
        if self.owed:
            raise Refused("points_owed")
        if cost > self.points:
            raise Refused("not_enough_points")
        return self.write("points_redeemed", points=-cost)

    def adjust(self, points: int) -> Row:
        """Correct the balance; never into debt."""
        if -points > self.points:
            raise Refused("not_enough_points")
        return self.write("points_adjusted", points=points)

    def void(self, row: Row, *, by_points: bool) -> Row:
        """Take a line back."""
        if row.kind not in ("stamp_earned", "stamp_redeemed", "points_earned", "points_redeemed"):
            raise Refused("transaction_not_voidable")
        if row.is_voided:
            raise Refused("transaction_already_voided")
        if row.kind.startswith("points") is not by_points:
            raise Refused("transaction_not_voidable")
        if row.kind.endswith("redeemed"):
            taken = self.write("redemption_cancelled", stamps=-row.stamps, points=-row.points)
            self.target = -row.stamps if row.kind == "stamp_redeemed" else self.target
        elif row.kind == "stamp_earned":
            missing = max(0, row.stamps - self.stamps)
            if missing and self.rules.void_policy != "forgive":
                raise Refused("stamps_already_spent")
            taken = self.write("stamp_voided", stamps=missing - row.stamps)
        else:
            taken = self.take(row, row.points - sum(refund.due for refund in row.refunds), "points_voided")
        row.is_voided = True
        return taken

    def refund(self, row: Row, cents: int) -> Row:
        """Take back the points of money that was given back."""
        if row.kind != "points_earned":
            raise Refused("transaction_not_refundable")
        if row.is_voided:
            raise Refused("transaction_already_voided")
        left = row.cents - sum(refund.cents for refund in row.refunds)
        if cents > left:
            raise Refused("refund_exceeds_purchase")
        due = left // 100 - (left - cents) // 100
        taken = self.take(row, due, "points_refunded")
        taken.cents, taken.due = cents, due
        row.refunds.append(taken)
        return taken

    def take(self, row: Row, due: int, kind: str) -> Row:
        """Take points of a purchase; those it paid a debt with are owed again, those that were spent follow the policy."""
        still_paid = max(0, row.debt_paid + sum(refund.debt_paid for refund in row.refunds))
        spent = max(0, due - self.points - still_paid)
        if spent and self.rules.void_policy == "block":
            raise Refused("points_already_spent")
        return self.write(kind, points=-(due - spent if self.rules.void_policy == "forgive" else due))
