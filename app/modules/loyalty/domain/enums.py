"""The closed vocabularies of loyalty. Values are stored in the database and shown in the API: they never change."""

import enum


class ProgramType(enum.StrEnum):
    """What a program hands out (B1)."""

    STAMPS = "stamps"
    POINTS = "points"
    BOTH = "both"

    @property
    def has_stamps(self) -> bool:
        """Whether purchases add stamps."""
        return self is not ProgramType.POINTS

    @property
    def has_points(self) -> bool:
        """Whether purchases earn points."""
        return self is not ProgramType.STAMPS


class TransactionType(enum.StrEnum):
    """Why a row of a card's history exists. A void is a row of its own, it never changes the row it reverses."""

    WELCOME_BONUS = "welcome_bonus"
    BONUS_GRANTED = "bonus_granted"
    STAMP_EARNED = "stamp_earned"
    STAMP_REDEEMED = "stamp_redeemed"
    STAMP_VOIDED = "stamp_voided"
    POINTS_EARNED = "points_earned"
    POINTS_REDEEMED = "points_redeemed"
    POINTS_VOIDED = "points_voided"
    POINTS_REFUNDED = "points_refunded"
    POINTS_EXPIRED = "points_expired"
    REDEMPTION_CANCELLED = "redemption_cancelled"
    POINTS_ADJUSTED = "points_adjusted"
    ADMIN_ADJUSTMENT = "admin_adjustment"
    BALANCE_IMPORTED = "balance_imported"
    MERGE_IN = "merge_in"
    MERGE_OUT = "merge_out"


class CardStatus(enum.StrEnum):
    """Whether a card can be used. A merged card's balance lives on the card it was merged into (A12)."""

    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    MERGED = "merged"


class VoidPolicy(enum.StrEnum):
    """What happens when an earn is voided whose points are already spent (domain.md, Voids)."""

    BLOCK = "block"
    FORGIVE = "forgive"
    OWE = "owe"


class PinPolicy(enum.StrEnum):
    """Whether staff type a PIN at a store's terminal (B7)."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    OFF = "off"


class PinRole(enum.StrEnum):
    """Whose PIN it is; a manager's PIN also unlocks what staff alone may not do."""

    STAFF = "staff"
    MANAGER = "manager"


class PinDemand(enum.StrEnum):
    """Which PIN an action asks for at this moment."""

    NONE = "none"
    STAFF = "staff"
    MANAGER = "manager"


class TerminalAction(enum.StrEnum):
    """What somebody can do at a terminal, as far as the PIN rules tell actions apart."""

    ENROLL = "enroll"
    STAMP = "stamp"
    EARN = "earn"
    REDEEM = "redeem"
    VOID = "void"
    REFUND = "refund"
    ADJUST = "adjust"


class MergeRunStatus(enum.StrEnum):
    """How a run that merges cards stands. It stops when the merchant goes back to a card per store."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class ImportStatus(enum.StrEnum):
    """How an import stands: its file arrives, waits for choices, is looked through, waits for a yes, is imported."""

    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a person: choices can be made, the file can be checked or removed."""
        return self in (ImportStatus.UPLOADED, ImportStatus.CHECKED, ImportStatus.FAILED)
