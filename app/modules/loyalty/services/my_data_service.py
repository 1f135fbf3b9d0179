"""Everything that is held on a person, for them to see and to take away (G4; docs/modules/loyalty/privacy.md has the form)."""

import datetime as dt
import io
import json
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from app.core import audit_log, csv_text, files
from app.core.context import Ctx
from app.core.errors import NotFound
from app.core.files import StoredFile
from app.modules.customers import public as customers
from app.modules.loyalty.queries import privacy
from app.modules.messaging import public as messaging
from app.modules.tenancy import public as tenancy

FORMAT, VERSION = "orion-customer-data", 1
EXPORT = "loyalty.export_my_data"
LASTS = dt.timedelta(hours=24)
MEDIA_TYPE = "application/zip"
TABLES = ("consents", "cards", "transactions", "mails", "sign_ins", "birthday_greetings", "log")
"""The sections that are lists, each of which is a CSV file of the download as well."""

Document = dict[str, Any]


async def collect(ctx: Ctx, customer_id: uuid.UUID) -> Document:
    """Return all data held on the customer, by section, ready for JSON. CustomerNotFoundException, CustomerAnonymizedException."""
    customer = await customers.get_customer(ctx, customer_id)
    if customer.is_anonymized:
        raise customers.CustomerAnonymizedException
    merchant = await tenancy.get_merchant(ctx)
    cards = await privacy.list_cards(ctx, customer_id)
    card_ids = [card["id"] for card in cards]
    consents = await customers.list_consents(ctx, customer_id)
    return {
        "format": FORMAT,
        "version": VERSION,
        "made_at": ctx.now,
        "merchant": {"name": merchant.name, "contact_email": merchant.contact_email},
        "profile": {
            "id": customer.id,
            "first_name": customer.first_name,
            "last_name": customer.last_name,
            "email": customer.email,
            "phone": customer.phone,
            "birth_date": customer.birth_date,
            "language": customer.locale,
            "registered_at": customer.created_at,
            "changed_at": customer.updated_at,
            "without_reminders": await messaging.does_without_reminders(ctx, customer_id),
        },
        "consents": [
            {
                "at": item.at,
                "purpose": item.purpose,
                "action": item.action,
                "source": item.source,
                "text_version": item.text_version,
                "language": item.locale,
            }
            for item in consents
        ],
        "cards": cards,
        "transactions": await privacy.list_transactions(ctx, card_ids),
        "mails": await messaging.list_whole_log_of_customer(ctx, customer_id),
        "sign_ins": await tenancy.list_sessions_of_customer(ctx, customer_id),
        "birthday_greetings": await privacy.list_greetings(ctx, customer_id),
        "log": await audit_log.list_about(ctx, [customer_id, *card_ids]),
    }


async def request_download(ctx: Ctx, customer_id: uuid.UUID) -> StoredFile:
    """Ask for the download and return its file, which is empty until the task has made it; one that is being made is not begun twice."""
    await customers.lock_customer(ctx, customer_id)
    waiting = next((file for file in await files.list_of_customer(ctx, customer_id) if not file.parts), None)
    if waiting is not None:
        return waiting
    name = f"my-data-{ctx.now:%Y-%m-%d}.zip"
    file_id = await files.create(ctx, name=name, media_type=MEDIA_TYPE, lasts=LASTS, customer_id=customer_id)
    ctx.enqueue(EXPORT, customer_id=customer_id, file_id=file_id)
    return await files.read(ctx, file_id)


async def list_downloads(ctx: Ctx, customer_id: uuid.UUID) -> list[StoredFile]:
    """Return the customer's downloads that have not expired, the latest first."""
    return await files.list_of_customer(ctx, customer_id)


async def read_download(ctx: Ctx, customer_id: uuid.UUID, file_id: uuid.UUID) -> StoredFile:
    """Return a finished download of the customer's own; NotFound for anybody else's, an unfinished and an expired one alike."""
    file = await files.read(ctx, file_id)
    if file.customer_id != customer_id or not file.parts:
        raise NotFound
    return file


async def make_download(ctx: Ctx, *, customer_id: uuid.UUID, file_id: uuid.UUID) -> None:
    """Fill the file of a download; one that is filled, and one of somebody erased since, is left alone."""
    try:
        await customers.lock_customer(ctx, customer_id)  # nobody is erased while their data is being written down
        file = await files.read(ctx, file_id)
    except (NotFound, customers.CustomerAnonymizedException):
        return
    if not file.parts:
        await files.append(ctx, file_id, pack(await collect(ctx, customer_id)))


def pack(document: Document) -> bytes:
    """Return the document as a zip: `my-data.json`, and a CSV of the profile and of every list."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("my-data.json", json.dumps(document, ensure_ascii=False, indent=2, default=as_text))
        archive.writestr("profile.csv", csv_text.write_table(["field", "value"], list(document["profile"].items())))
        for name in TABLES:
            archive.writestr(f"{name}.csv", _table(document[name]))
    return out.getvalue()


def as_text(value: object) -> str:
    """Return an instant as ISO 8601 in UTC, anything else as its text."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    head = list(rows[0]) if rows else []
    return csv_text.write_table(head, [[json.dumps(v) if isinstance(v, dict) else v for v in row.values()] for row in rows])
