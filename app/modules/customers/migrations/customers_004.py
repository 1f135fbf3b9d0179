"""Erasing people: the log that is replayed after a restore, and what the application may remove of an erased person and of nobody else.

Revision ID: customers_004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from app.core.db import indexes
from app.core.db.rls import APPEND_ONLY, protect_tenant_table

revision = "customers_004"
down_revision = "customers_003"
branch_labels = None
depends_on = ("core_003",)

INSTANT = sa.DateTime(timezone=True)
WARNED = "ix_customers_retention_warned"
ROLES = "orion_app, orion_platform"

# History stays history, until the person it is about is erased.
CONSENTS_ARE_HISTORY = """
CREATE OR REPLACE FUNCTION customer_consents_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM customers c
                   WHERE c.merchant_id = OLD.merchant_id AND c.id = OLD.customer_id AND c.anonymized_at IS NOT NULL) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'customer_consents is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
CONSENTS_STAY = """
CREATE OR REPLACE FUNCTION customer_consents_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'customer_consents is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""

# The audit log is append-only for the application. Of entries about an erased person it may remove free text, and addresses that
# are not those of the people who work there: numbers, ids and the names of fields stay, as does who did what, and when.
SCRUB_AUDIT = """
CREATE FUNCTION customers_scrub_audit(p_merchant_id uuid, p_customer_id uuid, p_targets uuid[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE scrubbed bigint;
BEGIN
    IF session_user = 'orion_app' AND p_merchant_id IS DISTINCT FROM nullif(current_setting('app.merchant_id', true), '')::uuid THEN
        RAISE EXCEPTION 'not the current merchant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT EXISTS (SELECT FROM customers c
                   WHERE c.merchant_id = p_merchant_id AND c.id = p_customer_id AND c.anonymized_at IS NOT NULL) THEN
        RAISE EXCEPTION 'nobody was erased' USING ERRCODE = 'insufficient_privilege';
    END IF;
    WITH about AS (
        SELECT a.id, CASE WHEN a.actor_kind NOT IN ('anonymous', 'customer') THEN a.address END AS address,
            (SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}') FROM jsonb_each(a.details) e
             WHERE jsonb_typeof(e.value) IN ('number', 'boolean', 'null') OR e.key IN ('fields', 'sources', 'source', 'because', 'counts')
                OR e.value #>> '{}' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$') AS details
        FROM core_audit_log a WHERE a.merchant_id = p_merchant_id AND a.target_id = ANY(p_targets))
    UPDATE core_audit_log l SET address = about.address, details = about.details FROM about
    WHERE l.id = about.id AND (l.address IS DISTINCT FROM about.address OR l.details IS DISTINCT FROM about.details);
    GET DIAGNOSTICS scrubbed = ROW_COUNT;
    RETURN scrubbed;
END $$
"""
SCRUB_AUDIT_NAME = "customers_scrub_audit(uuid, uuid, uuid[])"


def upgrade() -> None:
    """Create the log, and let the application remove what it must. The column comes first and can be run again after an interruption."""
    op.add_column("customers", sa.Column("retention_warned_at", INSTANT), if_not_exists=True)
    with indexes.beside_traffic():
        indexes.build(
            WARNED, "customers (merchant_id, retention_warned_at) WHERE retention_warned_at IS NOT NULL AND anonymized_at IS NULL"
        )
    op.create_table(
        "erasure_log",
        sa.Column("merchant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("customer_id", UUID(as_uuid=True), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", UUID(as_uuid=True)),
        sa.PrimaryKeyConstraint("merchant_id", "customer_id", name="pk_erasure_log"),
    )
    op.create_index("ix_erasure_log_at", "erasure_log", ["at"])
    protect_tenant_table(op.get_bind(), "erasure_log", app=APPEND_ONLY, platform=APPEND_ONLY)
    op.execute(CONSENTS_ARE_HISTORY)
    op.execute(f"GRANT DELETE ON customer_consents TO {ROLES}")
    op.execute("GRANT UPDATE (status, body) ON core_idempotency TO orion_app")
    op.execute(SCRUB_AUDIT)
    op.execute(f"REVOKE ALL ON FUNCTION {SCRUB_AUDIT_NAME} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SCRUB_AUDIT_NAME} TO {ROLES}")


def downgrade() -> None:
    """Take it back; who was erased stays erased."""
    op.execute(f"DROP FUNCTION {SCRUB_AUDIT_NAME}")
    op.execute("REVOKE UPDATE (status, body) ON core_idempotency FROM orion_app")
    op.execute(f"REVOKE DELETE ON customer_consents FROM {ROLES}")
    op.execute(CONSENTS_STAY)
    op.drop_column("customers", "retention_warned_at")  # and its index with it
    op.drop_table("erasure_log")
