"""Which columns of loyalty hold personal data, and what an erasure does to them.

The history (`loyalty_transactions`) stays as it is: it holds no personal data by rule (requirements B7).
"""

from collections.abc import Mapping, Sequence

from app.core.personal import PersonalColumn, columns

PERSONAL: Sequence[PersonalColumn] = (
    *columns("loyalty_cards", "blank", "notes deletion_reason"),
    *columns("loyalty_programs", "team", "deletion_reason"),
    *columns("loyalty_cards", "replace", "card_number qr_token", "what is printed on the person's card opens nothing any more"),
    *columns("loyalty_cards", "null", "external_number", "the number of the card that another system gave the person"),
    *columns("loyalty_staff_pins", "team", "display_name email_normalized pin_hash"),
    *columns("loyalty_terminals", "team", "name", "a device's"),
    *columns("loyalty_pairing_codes", "team", "name", "a device's"),
)

IMPERSONAL: Mapping[str, str] = {
    "loyalty_cards": "status stamps_day",
    "loyalty_import_problems": "field problem",
    "loyalty_imports": "status file_name encoding choices counts error",
    "loyalty_logos": "content media_type sha256",
    "loyalty_merchant_settings": "pin_policy void_policy",
    "loyalty_merge_runs": "status",
    "loyalty_pairing_codes": "code_hash",
    "loyalty_programs": "type name card_name colour logo_path stamp_reward terms_text terms_cms_page_slug",
    "loyalty_rewards": "name description",
    "loyalty_staff_pins": "role",
    "loyalty_terms_texts": "text",
    "loyalty_transactions": "type quota_day order_reference op_key",
}
