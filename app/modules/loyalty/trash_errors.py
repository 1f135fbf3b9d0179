"""What the trash of programs and cards refuses. Codes are part of the API; sentences say what to do instead."""

import uuid

from app.core.errors import N_, Conflict


class ProgramInTrashException(Conflict):
    """A card comes back into its program; that one is in the trash as well."""

    code = "program_in_trash"
    message = N_("The program of this card is in the trash. Restore the program first; its cards come back with it.")


class ProgramRestoreConflictException(Conflict):
    """A merchant has one live program; `params` name the one that is live by now."""

    code = "program_restore_conflict"
    message = N_("The program %(live_program_name)s runs now, and there can be only one. Move it to the trash before you restore this one.")

    def __init__(self, *, live_program_id: uuid.UUID, live_program_name: str) -> None:
        super().__init__(params={"live_program_id": str(live_program_id), "live_program_name": live_program_name})


class CardHasHistoryException(Conflict):
    """The card has rows in the history, which stays for ever."""

    code = "card_has_history"
    message = N_(
        "This card has transactions, which must be kept, so it cannot be deleted for good. "
        "You can delete the customer’s personal data instead; the card then stays without a name."
    )


class ProgramHasHistoryException(Conflict):
    """Cards of the program have rows in the history."""

    code = "program_has_history"
    message = N_("Cards of this program have transactions, which must be kept, so it cannot be deleted for good. It can stay in the trash.")


class StoreHasHistoryException(Conflict):
    """Cards were enrolled at the store, or something was booked there."""

    code = "store_has_history"
    message = N_("Cards or transactions belong to this store and must be kept, so it cannot be deleted for good. It can stay in the trash.")


class MerchantHasHistoryException(Conflict):
    """Cards of the merchant have rows in the history."""

    code = "merchant_has_history"
    message = N_(
        "Cards of this merchant have transactions, which must be kept, so it cannot be deleted for good. It can stay in the trash, and "
        "the personal data of its customers can be deleted one by one."
    )


class CardsOnTheirWayException(Conflict):
    """Cards of a large program are still following it into the trash."""

    code = "cards_on_their_way"
    message = N_("The cards are still being moved to the trash. Please try again in a minute.")
