"""Which columns of customers hold personal data, and what an erasure does to them."""

from collections.abc import Mapping, Sequence

from app.core.personal import PersonalColumn, columns

_FROM_THE_NAME = "the name as it is searched"

PERSONAL: Sequence[PersonalColumn] = (
    *columns("customers", "null", "first_name last_name email phone birth_date"),
    *columns("customers", "null", "first_name_search last_name_search", _FROM_THE_NAME),
    *columns("customers", "null", "email_normalized phone_normalized", "as it is compared"),
    *columns("customers", "null", "phone_reversed email_key", "generated from the normal form"),
    *columns("customer_consents", "delete_row", "purpose action source text_version locale", "what the person agreed to, and where"),
    *columns("customer_login_links", "delete_row", "purpose token_hash"),
    *columns("customer_returning_guards", "keyed_hash", "fingerprint", "of the address: no second welcome bonus within 12 months"),
    *columns("customer_returning_guards", "keyed_hash", "erased_on guarded_until", "goes with the hash"),
)

IMPERSONAL: Mapping[str, str] = {
    "customers": "locale",
    "erasure_log": "actor_kind",
}
