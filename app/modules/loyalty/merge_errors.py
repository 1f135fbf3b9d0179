"""What merging two people refuses. Codes are part of the API; sentences say what to do next."""

from app.core.errors import N_, Conflict


class CardsNotMergeableException(Conflict):
    """Cards of two people who are one cannot become one."""

    code = "cards_not_mergeable"
    message = N_("One of the cards is switched off or too full to become one with the other. Please look at the cards first.")
