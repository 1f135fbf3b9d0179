"""Merchants, stores, users, memberships, sessions, API keys, and the functions that sign callers in.

Revision ID: tenancy_001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from app.core.db.rls import CURRENT_MERCHANT, grant_global_table, protect_tenant_table

revision = "tenancy_001"
down_revision = None
branch_labels = ("tenancy",)
depends_on = "core_001"

INSTANT = sa.DateTime(timezone=True)
ID = UUID(as_uuid=True)
LOCALE_CHECK = "locale IN ('en', 'fr', 'de', 'lb')"
STORE_KEY = ["tenancy_stores.merchant_id", "tenancy_stores.id"]

# The doors through row-level security: exact match by secret or public code, and nothing else (reliability.md, promise 7).
# Each sets the transaction's merchant, so that an opener needs one round trip.
OPEN_SESSION = """
CREATE FUNCTION tenancy_open_session(p_token_hash bytea, p_kind text, p_now timestamptz)
RETURNS TABLE (
    session_id uuid, user_id uuid, user_locale text, is_platform_admin boolean, is_second_factor_due boolean,
    has_second_factor boolean, merchant_id uuid, merchant_status text, merchant_locale text, role text, membership_store_id uuid,
    store_id uuid, store_zone text, store_locale text, store_status text, terminal_id uuid, customer_id uuid,
    staff_pin_id uuid, unlocked_until timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
    found_row record;
BEGIN
    SELECT s.id AS session_id, s.user_id, u.locale AS user_locale, coalesce(u.is_platform_admin, false) AS is_platform_admin,
           u.totp_secret IS NOT NULL AND s.second_factor_at IS NULL AS is_second_factor_due,
           u.totp_secret IS NOT NULL AS has_second_factor,
           s.merchant_id, m.status AS merchant_status, m.locale AS merchant_locale, b.role, b.store_id AS membership_store_id,
           t.id AS store_id, t.time_zone AS store_zone, t.locale AS store_locale, t.status AS store_status,
           s.terminal_id, s.customer_id, s.staff_pin_id, s.unlocked_until, s.last_seen_at, u.disabled_at
      INTO found_row
      FROM tenancy_sessions s
      LEFT JOIN tenancy_users u ON u.id = s.user_id
      LEFT JOIN tenancy_merchants m ON m.id = s.merchant_id AND m.deleted_at IS NULL
      LEFT JOIN tenancy_memberships b ON b.merchant_id = s.merchant_id AND b.user_id = s.user_id
      LEFT JOIN tenancy_stores t
             ON t.merchant_id = s.merchant_id AND t.id = coalesce(b.store_id, s.store_id) AND t.deleted_at IS NULL
     WHERE s.token_hash = p_token_hash AND s.kind = p_kind AND s.revoked_at IS NULL AND s.expires_at > p_now
       AND (s.idle_seconds IS NULL OR s.last_seen_at + make_interval(secs => s.idle_seconds) > p_now);
    IF NOT FOUND OR found_row.disabled_at IS NOT NULL THEN
        RETURN;
    END IF;
    IF found_row.merchant_status = 'active' THEN
        PERFORM set_config('app.merchant_id', found_row.merchant_id::text, true);
    END IF;
    IF found_row.last_seen_at < p_now - interval '60 seconds' THEN
        -- A rival request of the same session may be touching it: nobody waits for that.
        PERFORM 1 FROM tenancy_sessions WHERE id = found_row.session_id FOR NO KEY UPDATE SKIP LOCKED;
        IF FOUND THEN
            UPDATE tenancy_sessions SET last_seen_at = p_now WHERE id = found_row.session_id;
        END IF;
    END IF;
    RETURN QUERY SELECT
        found_row.session_id, found_row.user_id, found_row.user_locale, found_row.is_platform_admin, found_row.is_second_factor_due,
        found_row.has_second_factor, found_row.merchant_id, found_row.merchant_status, found_row.merchant_locale, found_row.role,
        found_row.membership_store_id, found_row.store_id, found_row.store_zone, found_row.store_locale, found_row.store_status,
        found_row.terminal_id, found_row.customer_id, found_row.staff_pin_id, found_row.unlocked_until;
END $$
"""

OPEN_API_KEY = """
CREATE FUNCTION tenancy_open_api_key(p_key_hash bytea, p_now timestamptz)
RETURNS TABLE (
    key_id uuid, user_id uuid, user_locale text, merchant_id uuid, merchant_status text, merchant_locale text, role text,
    membership_store_id uuid, store_id uuid, store_zone text, store_locale text, store_status text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
    found_row record;
BEGIN
    -- A key never does more than the person it belongs to may do today: the lesser of both roles counts.
    SELECT k.id AS key_id, k.user_id, u.locale AS user_locale, k.merchant_id, m.status AS merchant_status, m.locale AS merchant_locale,
           CASE WHEN 'staff' IN (k.role, b.role) THEN 'staff' WHEN 'manager' IN (k.role, b.role) THEN 'manager' ELSE 'owner' END AS role,
           coalesce(b.store_id, k.store_id) AS membership_store_id, t.id AS store_id, t.time_zone AS store_zone,
           t.locale AS store_locale, t.status AS store_status, k.last_used_at
      INTO found_row
      FROM tenancy_api_keys k
      JOIN tenancy_users u ON u.id = k.user_id AND u.disabled_at IS NULL
      JOIN tenancy_memberships b ON b.merchant_id = k.merchant_id AND b.user_id = k.user_id
      JOIN tenancy_merchants m ON m.id = k.merchant_id AND m.deleted_at IS NULL
      LEFT JOIN tenancy_stores t
             ON t.merchant_id = k.merchant_id AND t.id = coalesce(b.store_id, k.store_id) AND t.deleted_at IS NULL
     WHERE k.key_hash = p_key_hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > p_now);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF found_row.merchant_status = 'active' THEN
        PERFORM set_config('app.merchant_id', found_row.merchant_id::text, true);
    END IF;
    IF found_row.last_used_at IS NULL OR found_row.last_used_at < p_now - interval '60 seconds' THEN
        PERFORM 1 FROM tenancy_api_keys WHERE id = found_row.key_id FOR NO KEY UPDATE SKIP LOCKED;
        IF FOUND THEN
            UPDATE tenancy_api_keys SET last_used_at = p_now WHERE id = found_row.key_id;
        END IF;
    END IF;
    RETURN QUERY SELECT
        found_row.key_id, found_row.user_id, found_row.user_locale, found_row.merchant_id, found_row.merchant_status,
        found_row.merchant_locale, found_row.role, found_row.membership_store_id, found_row.store_id, found_row.store_zone,
        found_row.store_locale, found_row.store_status;
END $$
"""

OPEN_STORE = """
CREATE FUNCTION tenancy_open_store(p_code text, p_customer_hash bytea DEFAULT NULL, p_now timestamptz DEFAULT NULL)
RETURNS TABLE (
    merchant_id uuid, merchant_status text, merchant_locale text, store_id uuid, store_zone text, store_locale text, store_status text,
    session_id uuid, customer_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
    found_row record;
BEGIN
    -- A customer's session counts at the merchant it was made at and nowhere else.
    SELECT m.id AS merchant_id, m.status AS merchant_status, m.locale AS merchant_locale, t.id AS store_id, t.time_zone AS store_zone,
           t.locale AS store_locale, t.status AS store_status, s.id AS session_id, s.customer_id
      INTO found_row
      FROM tenancy_stores t
      JOIN tenancy_merchants m ON m.id = t.merchant_id AND m.deleted_at IS NULL
      LEFT JOIN tenancy_sessions s
             ON s.token_hash = p_customer_hash AND s.kind = 'customer' AND s.merchant_id = m.id
            AND s.revoked_at IS NULL AND s.expires_at > p_now
     WHERE t.code = p_code AND t.deleted_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF found_row.merchant_status = 'active' AND found_row.store_status = 'open' THEN
        PERFORM set_config('app.merchant_id', found_row.merchant_id::text, true);
    END IF;
    RETURN QUERY SELECT
        found_row.merchant_id, found_row.merchant_status, found_row.merchant_locale, found_row.store_id, found_row.store_zone,
        found_row.store_locale, found_row.store_status, found_row.session_id, found_row.customer_id;
END $$
"""

# Codes are public (they are addresses), the stores behind them are not: the answer is yes or no.
IS_STORE_CODE_FREE = """
CREATE FUNCTION tenancy_is_store_code_free(p_code text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT NOT EXISTS (SELECT 1 FROM tenancy_stores WHERE code = p_code)
$$
"""

# A merchant may add anybody by e-mail without reading the table of all users; somebody without a password gets a link to set one.
INVITE_USER = """
CREATE FUNCTION tenancy_invite_user(
    p_user_id uuid, p_email text, p_email_normalized text, p_display_name text, p_locale text,
    p_link_id uuid, p_link_expires_at timestamptz, p_now timestamptz)
RETURNS TABLE (user_id uuid, link_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
    found_id uuid;
    has_password boolean;
BEGIN
    INSERT INTO tenancy_users (id, email, email_normalized, display_name, locale, created_at)
    VALUES (p_user_id, p_email, p_email_normalized, p_display_name, p_locale, p_now)
    ON CONFLICT (email_normalized) DO NOTHING;
    SELECT u.id, u.password_hash IS NOT NULL INTO found_id, has_password
      FROM tenancy_users u WHERE u.email_normalized = p_email_normalized;
    IF has_password THEN
        RETURN QUERY SELECT found_id, NULL::uuid;
    ELSE
        INSERT INTO tenancy_password_links (id, user_id, created_at, expires_at)
        VALUES (p_link_id, found_id, p_now, p_link_expires_at);
        RETURN QUERY SELECT found_id, p_link_id;
    END IF;
END $$
"""

DOORS = {
    "tenancy_open_session(bytea, text, timestamptz)": OPEN_SESSION,
    "tenancy_open_api_key(bytea, timestamptz)": OPEN_API_KEY,
    "tenancy_open_store(text, bytea, timestamptz)": OPEN_STORE,
    "tenancy_is_store_code_free(text)": IS_STORE_CODE_FREE,
    "tenancy_invite_user(uuid, text, text, text, text, uuid, timestamptz, timestamptz)": INVITE_USER,
}


def _create_merchants() -> None:
    op.create_table(
        "tenancy_merchants",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("contact_email", sa.Text),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("suspended_at", INSTANT),
        sa.Column("deleted_at", INSTANT),
        sa.CheckConstraint(LOCALE_CHECK, name="locale"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.CheckConstraint("status IN ('active', 'suspended')", name="status"),
    )
    op.create_index("ix_tenancy_merchants_name", "tenancy_merchants", [sa.text("lower(name)"), "id"])
    for statement in (
        "ALTER TABLE tenancy_merchants ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE tenancy_merchants FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant ON tenancy_merchants TO orion_app USING (id = {CURRENT_MERCHANT}) WITH CHECK (id = {CURRENT_MERCHANT})",
        "CREATE POLICY platform ON tenancy_merchants TO orion_platform USING (true) WITH CHECK (true)",
        "CREATE POLICY owner ON tenancy_merchants TO orion_owner USING (true) WITH CHECK (true)",
        # Whether a merchant is active is the platform's decision.
        "GRANT SELECT, UPDATE (name, contact_email, time_zone, locale) ON tenancy_merchants TO orion_app",
        "GRANT SELECT, INSERT, UPDATE ON tenancy_merchants TO orion_platform",
    ):
        op.execute(statement)


def _create_stores() -> None:
    op.create_table(
        "tenancy_stores",
        sa.Column("merchant_id", ID, sa.ForeignKey("tenancy_merchants.id"), primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("code", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("address_line", sa.Text, nullable=False),
        sa.Column("postal_code", sa.Text, nullable=False),
        sa.Column("city", sa.Text, nullable=False),
        sa.Column("country", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("phone", sa.Text),
        sa.Column("opening_text", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.CheckConstraint(LOCALE_CHECK, name="locale"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        sa.CheckConstraint("status IN ('open', 'closed')", name="status"),
    )
    protect_tenant_table(op.get_bind(), "tenancy_stores", app=("SELECT", "INSERT", "UPDATE"))


def _create_users() -> None:
    op.create_table(
        "tenancy_users",
        sa.Column("id", ID, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_normalized", sa.Text, nullable=False, unique=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("password_changed_at", INSTANT),
        sa.Column("totp_secret", sa.LargeBinary),
        sa.Column("totp_last_step", sa.BigInteger),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("is_platform_admin", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("disabled_at", INSTANT),
        sa.CheckConstraint(LOCALE_CHECK, name="locale"),
    )
    op.create_table(
        "tenancy_memberships",
        sa.Column("merchant_id", ID, sa.ForeignKey("tenancy_merchants.id"), primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("user_id", ID, sa.ForeignKey("tenancy_users.id"), nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("store_id", ID),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["merchant_id", "store_id"], STORE_KEY),
        sa.UniqueConstraint("merchant_id", "user_id"),
        sa.CheckConstraint("role IN ('owner', 'manager', 'staff')", name="role"),
        sa.CheckConstraint("role <> 'owner' OR store_id IS NULL", name="owner_has_all_stores"),
    )
    op.create_index("ix_tenancy_memberships_user_id", "tenancy_memberships", ["user_id"])
    protect_tenant_table(op.get_bind(), "tenancy_memberships")
    for statement in (
        "ALTER TABLE tenancy_users ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE tenancy_users FORCE ROW LEVEL SECURITY",
        # The policy's subquery obeys the memberships' own policy: a merchant sees who works for it, and of them no secrets.
        """CREATE POLICY tenant ON tenancy_users FOR SELECT TO orion_app
           USING (EXISTS (SELECT 1 FROM tenancy_memberships b WHERE b.user_id = tenancy_users.id))""",
        "CREATE POLICY platform ON tenancy_users TO orion_platform USING (true) WITH CHECK (true)",
        "CREATE POLICY owner ON tenancy_users TO orion_owner USING (true) WITH CHECK (true)",
        "GRANT SELECT (id, email, locale, disabled_at) ON tenancy_users TO orion_app",
        "GRANT SELECT, INSERT, UPDATE ON tenancy_users TO orion_platform",
    ):
        op.execute(statement)


def _create_sessions() -> None:
    op.create_table(
        "tenancy_sessions",
        sa.Column("id", ID, primary_key=True),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("user_id", ID, sa.ForeignKey("tenancy_users.id")),
        sa.Column("merchant_id", ID, sa.ForeignKey("tenancy_merchants.id")),
        sa.Column("store_id", ID),
        sa.Column("terminal_id", ID),
        sa.Column("customer_id", ID),
        sa.Column("staff_pin_id", ID),
        sa.Column("unlocked_until", INSTANT),
        sa.Column("second_factor_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("idle_seconds", sa.Integer),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.ForeignKeyConstraint(["merchant_id", "store_id"], STORE_KEY),
        sa.CheckConstraint(
            """CASE kind WHEN 'user' THEN user_id IS NOT NULL
                         WHEN 'terminal' THEN merchant_id IS NOT NULL AND store_id IS NOT NULL AND terminal_id IS NOT NULL
                         WHEN 'customer' THEN merchant_id IS NOT NULL AND customer_id IS NOT NULL
                         ELSE false END""",
            name="kind",
        ),
        sa.CheckConstraint("idle_seconds > 0", name="idle_seconds"),
    )
    op.create_index("ix_tenancy_sessions_user_id", "tenancy_sessions", ["user_id"])
    op.create_index("ix_tenancy_sessions_merchant_id_terminal_id", "tenancy_sessions", ["merchant_id", "terminal_id"])
    op.create_index("ix_tenancy_sessions_merchant_id_customer_id", "tenancy_sessions", ["merchant_id", "customer_id"])
    op.create_index("ix_tenancy_sessions_expires_at", "tenancy_sessions", ["expires_at"])
    protect_tenant_table(op.get_bind(), "tenancy_sessions", app=("SELECT", "INSERT", "UPDATE"))
    op.create_table(
        "tenancy_api_keys",
        sa.Column("merchant_id", ID, sa.ForeignKey("tenancy_merchants.id"), primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("key_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("user_id", ID, sa.ForeignKey("tenancy_users.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("store_id", ID),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT),
        sa.Column("expires_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.ForeignKeyConstraint(["merchant_id", "store_id"], STORE_KEY),
        sa.CheckConstraint("role IN ('owner', 'manager', 'staff')", name="role"),
    )
    op.create_index("ix_tenancy_api_keys_user_id", "tenancy_api_keys", ["user_id"])
    protect_tenant_table(op.get_bind(), "tenancy_api_keys", app=("SELECT", "INSERT", "UPDATE"))


def _create_sign_in_tables() -> None:
    op.create_table(
        "tenancy_password_links",
        sa.Column("id", ID, primary_key=True),
        sa.Column("user_id", ID, sa.ForeignKey("tenancy_users.id"), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
    )
    op.create_index("ix_tenancy_password_links_user_id", "tenancy_password_links", ["user_id"])
    grant_global_table(op.get_bind(), "tenancy_password_links")
    op.create_table(
        "tenancy_login_counters",
        sa.Column("subject", sa.LargeBinary, primary_key=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("window_started_at", INSTANT, nullable=False),
        sa.Column("locked_until", INSTANT),
    )
    op.create_index("ix_tenancy_login_counters_window_started_at", "tenancy_login_counters", ["window_started_at"])
    grant_global_table(op.get_bind(), "tenancy_login_counters")


def upgrade() -> None:
    """Create tables, policies and doors."""
    _create_merchants()
    _create_stores()
    _create_users()
    _create_sessions()
    _create_sign_in_tables()
    for signature, statement in DOORS.items():
        op.execute(statement)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO orion_app, orion_platform")


def downgrade() -> None:
    """Drop them."""
    for signature in DOORS:
        op.execute(f"DROP FUNCTION {signature}")
    for table in (
        "tenancy_login_counters",
        "tenancy_password_links",
        "tenancy_api_keys",
        "tenancy_sessions",
        "tenancy_memberships",
        "tenancy_users",
        "tenancy_stores",
        "tenancy_merchants",
    ):
        op.execute(f"DROP TABLE {table} CASCADE" if table == "tenancy_memberships" else f"DROP TABLE {table}")
