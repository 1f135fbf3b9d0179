"""The registry of personal data: what each column that can hold any is, and what an erasure does to it (domain.md, Privacy).

Every text, jsonb, bytea and date column of every table is in it, either as personal or among those that hold nothing personal:
`tests/architecture/test_personal_data.py` compares both with the database, so that a new column without an entry fails the build.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

Rule = Literal["null", "blank", "replace", "delete_row", "keyed_hash", "team"]

RULES: Mapping[Rule, str] = {
    "null": "emptied at an erasure; the row stays",
    "blank": "emptied, or reduced to what names nobody; the row stays",
    "replace": "replaced by a new random value, so that the old one leads nowhere; the row stays",
    "delete_row": "the row is deleted",
    "keyed_hash": "a keyed hash, which leads to nobody without a secret that is never in the database; deleted after its time",
    "team": "of the people who work there, not of customers: it belongs to their account or to what they do",
}


@dataclasses.dataclass(frozen=True, slots=True)
class PersonalColumn:
    """A column that can hold data of a person, what happens to it when a customer is erased, and a word on why."""

    table: str
    column: str
    rule: Rule
    note: str = ""


def columns(table: str, rule: Rule, names: str, note: str = "") -> tuple[PersonalColumn, ...]:
    """Return an entry for each of `names` (separated by spaces) of `table`."""
    return tuple(PersonalColumn(table, name, rule, note) for name in names.split())


CORE_PERSONAL: Sequence[PersonalColumn] = (
    *columns("core_audit_log", "null", "address", "the caller's address; of everybody after 90 days"),
    *columns("core_audit_log", "blank", "details", "free text, such as a reason, of entries about the person or their cards"),
    *columns("core_idempotency", "blank", "body", "answers that name the person or their cards; all of them go after 7 days"),
    *columns("core_bulk_items", "null", "payload", "what the work needs to know; emptied when the item is done, or the person erased"),
    *columns("core_bulk_jobs", "blank", "params", "ids and numbers, and a reason in free text, which goes when the job is done"),
    *columns("core_files", "delete_row", "name", "of a file that holds the person's data; all files go when they expire"),
    *columns("core_file_parts", "delete_row", "data", "goes with its file"),
    *columns("core_idempotency", "keyed_hash", "fingerprint", "of the request; goes after 7 days"),
)

# Ids, codes, states, numbers and counts. What goes into an outbox, a job or an alert is ids and short codes by rule.
CORE_IMPERSONAL: Mapping[str, str] = {
    "alembic_version": "version_num",
    "core_alert_notices": "phase channel error",
    "core_alerts": "rule subject severity details",
    "core_audit_log": "action target_type actor_kind request_id",
    "core_bulk_items": "key outcome reason",
    "core_bulk_jobs": "kind state counts locale error",
    "core_files": "media_type",
    "core_heartbeats": "process kind details",
    "core_idempotency": "key",
    "core_job_runs": "kind period status cursor counts error",
    "core_outbox": "task payload error",
    "core_schedule_runs": "task period",
    "core_task_stats": "task day last_outcome last_reason",
}
