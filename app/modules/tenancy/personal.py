"""Which columns of tenancy hold personal data: those of people who work for a merchant, whom no erasure of a customer touches."""

from collections.abc import Mapping, Sequence

from app.core.personal import PersonalColumn, columns

PERSONAL: Sequence[PersonalColumn] = (
    *columns("tenancy_users", "team", "email email_normalized display_name password_hash totp_secret"),
    *columns("tenancy_memberships", "team", "display_name"),
    *columns("tenancy_merchants", "team", "contact_email deletion_reason"),
    *columns("tenancy_stores", "team", "phone", "the store's"),
    *columns("tenancy_stores", "team", "deletion_reason"),
    *columns("tenancy_api_keys", "team", "key_hash name"),
    *columns(
        "tenancy_sessions", "keyed_hash", "token_hash", "of a random secret; a customer's sessions end at once, the row goes with its time"
    ),
    *columns("tenancy_login_counters", "keyed_hash", "subject", "of an address or a caller; goes within a day"),
)

IMPERSONAL: Mapping[str, str] = {
    "tenancy_api_keys": "role",
    "tenancy_memberships": "role",
    "tenancy_merchants": "name time_zone locale currency status",
    "tenancy_sessions": "kind",
    "tenancy_stores": "code name address_line postal_code city country time_zone locale opening_text status",
    "tenancy_users": "locale",
}
