"""What an erasure takes, in words, in the order in which people read it."""

from collections.abc import Mapping

from app.core.errors import N_

CATEGORIES: Mapping[str, str] = {
    "profile": N_("Name, e-mail address, phone number and birthday"),
    "cards": N_("Cards: number, code and notes"),
    "consents": N_("Consents and their history"),
    "mails": N_("Addresses in the log of mails"),
    "mail_choices": N_("Choices of mails"),
    "bounces": N_("Mails that came back"),
    "waiting": N_("Mails and tasks that still wait"),
    "greetings": N_("Birthday greetings"),
    "sign_in_links": N_("Mailed sign-in links"),
    "sessions": N_("Signed-in devices"),
    "files": N_("Downloads of their own data"),
    "lists": N_("Exports that may name them"),
    "answers": N_("Kept answers to requests"),
    "audit_entries": N_("Notes in the audit log"),
}
"""Every category of an erasure's counts, with its msgid."""
