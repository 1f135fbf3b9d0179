"""What the customers module refuses. Codes are part of the API; sentences are msgids and say what to do next."""

from typing import Any

from app.core.errors import N_, Conflict, Gone, Invalid, NotFound


class CustomerNotFoundException(NotFound):
    """No customer that the caller may see matches."""

    code = "customer_not_found"
    message = N_("We could not find that customer.")


class CustomerAnonymizedException(Gone):
    """The customer's data was erased; what is left belongs to nobody."""

    code = "customer_anonymized"
    message = N_("The data of this customer was erased.")


class SamePersonException(Conflict):
    """Nobody is merged with themselves."""

    code = "same_person"
    message = N_("Please choose two different people.")


class CustomerEmailTakenException(Conflict):
    """Another customer of the merchant has this e-mail address.

    `customer` is that customer, for the caller alone: nothing of it is in `params`.
    """

    code = "customer_email_taken"
    message = N_("Another customer already uses this e-mail address.")

    def __init__(self, customer: Any = None) -> None:
        super().__init__()
        self.customer = customer


class CustomerInvalidException(Invalid):
    """Personal details that cannot be right; `fields` has a sentence for each."""

    code = "customer_invalid"


class TermsNotAcceptedException(Invalid):
    """Nobody is enrolled without accepting the terms (A9)."""

    code = "terms_not_accepted"

    def __init__(self) -> None:
        super().__init__(fields={"accepts_terms": N_("Please accept the terms to get a card.")})


class SignInLinkException(Gone):
    """The mailed link is unknown, used or older than 15 minutes: the three are told apart by nobody."""

    code = "sign_in_link_invalid"
    message = N_("This link is not valid any more. Please ask for a new one.")
