"""The trash of merchants and stores: who put them there, why, and what went with them (G1, G2).

Revision ID: tenancy_002
"""

import sqlalchemy as sa
from alembic import op

from app.core.db import table_locks, trash

revision = "tenancy_002"
down_revision = "tenancy_001"
branch_labels = None
depends_on = None

MERCHANTS, STORES = "tenancy_merchants", "tenancy_stores"
CODE = "uq_tenancy_stores_code"

# A store in the trash keeps its code from other merchants, whose customers would find themselves with strangers. Its own merchant
# may give it to another store; the first then comes back when the code is free again.
IS_STORE_CODE_FREE = """
CREATE FUNCTION tenancy_is_store_code_free(p_code text, p_merchant_id uuid DEFAULT NULL) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT NOT EXISTS (SELECT 1 FROM tenancy_stores WHERE code = p_code
                       AND (deleted_at IS NULL OR merchant_id IS DISTINCT FROM p_merchant_id))
$$
"""
IS_STORE_CODE_FREE_BEFORE = """
CREATE FUNCTION tenancy_is_store_code_free(p_code text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT NOT EXISTS (SELECT 1 FROM tenancy_stores WHERE code = p_code)
$$
"""
# The newest of several stores with one code keeps it, a live one before all others.
RENAME = """
UPDATE tenancy_stores SET code = 'store-' || right(replace(id::text, '-', ''), 24)
WHERE (merchant_id, id) IN (
    SELECT merchant_id, id FROM (
        SELECT merchant_id, id, row_number() OVER (PARTITION BY code ORDER BY deleted_at DESC NULLS FIRST, id DESC) AS place
        FROM tenancy_stores) AS numbered
    WHERE place > 1)
"""


def upgrade() -> None:
    """Add columns, free the codes of stores in the trash for their own merchant, and let what lies there be deleted."""
    table_locks.take(MERCHANTS, STORES)
    for table in (MERCHANTS, STORES):
        trash.add_columns(table)
        trash.lock_live_rows(table)
        op.create_index(f"ix_{table}_deleted_at_id", table, ["deleted_at", "id"], postgresql_where=sa.text("deleted_at IS NOT NULL"))
    op.drop_constraint(CODE, STORES, type_="unique")
    op.create_index(CODE, STORES, ["code"], unique=True, postgresql_where=sa.text("deleted_at IS NULL"))
    op.create_index("ix_tenancy_stores_code", STORES, ["code"])
    _replace_door("text", IS_STORE_CODE_FREE, "text, uuid")
    op.execute(f"GRANT DELETE ON {STORES}, tenancy_sessions, tenancy_api_keys TO orion_app")
    op.execute(f"GRANT DELETE ON {MERCHANTS} TO orion_platform")


def downgrade() -> None:
    """Drop them: what lies in the trash stays there, a store whose code was given to another gets one made from its id."""
    table_locks.take(MERCHANTS, STORES)
    op.execute(f"REVOKE DELETE ON {MERCHANTS} FROM orion_platform")
    op.execute(f"REVOKE DELETE ON {STORES}, tenancy_sessions, tenancy_api_keys FROM orion_app")
    _replace_door("text, uuid", IS_STORE_CODE_FREE_BEFORE, "text")
    op.drop_index("ix_tenancy_stores_code", STORES)
    op.drop_index(CODE, STORES)
    op.execute(RENAME)
    op.create_unique_constraint(CODE, STORES, ["code"])
    for table in (STORES, MERCHANTS):
        op.drop_index(f"ix_{table}_deleted_at_id", table)
        trash.unlock_live_rows(table)
        trash.drop_columns(table)


def _replace_door(old: str, statement: str, new: str) -> None:
    """Drop `tenancy_is_store_code_free` with the arguments `old` and make the one with `new`."""
    op.execute(f"DROP FUNCTION tenancy_is_store_code_free({old})")
    op.execute(statement)
    op.execute(f"REVOKE ALL ON FUNCTION tenancy_is_store_code_free({new}) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION tenancy_is_store_code_free({new}) TO orion_app, orion_platform")
