"""Which columns of messaging hold personal data, and what an erasure does to them. Subjects and bodies of mails are never kept."""

from collections.abc import Mapping, Sequence

from app.core.personal import PersonalColumn, columns

_TEXTS = "code locale copy subject html text"

PERSONAL: Sequence[PersonalColumn] = (
    *columns("email_logs", "null", "recipient"),
    *columns("email_logs", "null", "provider_message_id", "the mail server's answer, by which it knows the address"),
    *columns("email_opt_outs", "delete_row", "category"),
    *columns("email_soft_bounces", "delete_row", "fingerprint", "a keyed hash; all of them go after 30 days"),
    *columns(
        "email_suppressions",
        "keyed_hash",
        "fingerprint reason",
        "of an address that bounced or complained: it protects whoever has it next",
    ),
)

IMPERSONAL: Mapping[str, str] = {
    "email_logs": "template locale state provider error delivery",
    "email_template_overrides": _TEXTS,
    "email_templates": f"{_TEXTS} title occasion category sender button_link variables required samples standard_copy",
}
