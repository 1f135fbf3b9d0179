"""What lists are measured on: a merchant with half of the cards, 299 others with the other half, and an audit log of all of them."""

import uuid

import asyncpg

from app.core import clock
from app.core.credentials import USER_COOKIE
from app.core.ids import hash_token, new_id, new_token
from benchmarks import data, plans
from benchmarks.data import Tenant

OTHERS = 299
ENTRIES_PER_CARD = 0.2
CHUNK_MERCHANTS = 25

# Merchants made by `plans.fill_neighbours`, numbered; each gets as many people and cards as the next.
PEOPLE = """
WITH places AS (
  SELECT s.merchant_id AS m, s.id AS store, p.id AS program, row_number() OVER (ORDER BY s.merchant_id) AS place
  FROM tenancy_stores s JOIN loyalty_programs p ON p.merchant_id = s.merchant_id WHERE s.merchant_id <> $1),
rows AS (
  SELECT m, store, program, (place * 100000 + n)::bigint AS number, $4::timestamptz - n * interval '7 minutes' AS at
  FROM places, generate_series(1, $5::int) AS n WHERE place BETWEEN $2 AND $3),
people AS (
  INSERT INTO customers (merchant_id, id, first_name, last_name, first_name_search, last_name_search, email, email_normalized, locale,
                         registered_store_id, created_at, updated_at)
  SELECT m, bench_id('d', number), 'Luc', 'Thill' || number, 'luc', 'thill' || number, 'q' || number || '@example.lu',
         'q' || number || '@example.lu', 'fr', store, at, at FROM rows)
INSERT INTO loyalty_cards (merchant_id, id, customer_id, program_id, enrolled_at_store_id, card_number, qr_token, stamps_target,
                           last_activity_at, created_at, updated_at, status)
SELECT m, bench_id('e', number), bench_id('d', number), program, store, (200000000000 + number)::text, 'OL2' || lpad(number::text, 32, '0'),
       10, at, at, at, CASE WHEN number % 50 = 0 THEN 'deactivated' ELSE 'active' END FROM rows
"""
ENTRIES = """
INSERT INTO core_audit_log (id, merchant_id, at, action, target_type, target_id, actor_kind, actor_id, acting_admin_id, request_id, details)
SELECT bench_id('f', n), c.merchant_id, c.created_at, (ARRAY['loyalty.card.enrolled', 'loyalty.card.deactivated', 'loyalty.points.adjusted',
       'tenancy.member.invited'])[1 + n % 4], 'card', c.id, 'user', bench_id('9', n % 40), CASE WHEN n % 100 = 0 THEN bench_id('9', 1) END,
       'bench', '{}'
FROM (SELECT merchant_id, id, created_at, row_number() OVER () AS n FROM loyalty_cards) c WHERE c.n <= $1
"""
SPREAD = """
UPDATE loyalty_cards SET created_at = $2::timestamptz - (('x' || right(id::text, 12))::bit(48)::bigint) * interval '11 seconds'
WHERE merchant_id = $1
"""


USER = """
INSERT INTO tenancy_users (id, email, email_normalized, display_name, password_hash, totp_secret, locale, is_platform_admin, created_at)
VALUES ($1, $2, $2, 'Bench', 'none', $3, 'en', $4, $5)
"""
MEMBERSHIP = """
INSERT INTO tenancy_memberships (merchant_id, id, user_id, role, display_name, created_at) VALUES ($1, $2, $3, 'owner', 'Bench', $4)
"""
SESSION = """
INSERT INTO tenancy_sessions (id, token_hash, kind, user_id, merchant_id, second_factor_at, created_at, last_seen_at, expires_at)
VALUES ($1, $2, 'user', $3, $4, $5, $5, $5, $5::timestamptz + interval '1 day')
"""


async def sign_in(conn: asyncpg.Connection, merchant_id: uuid.UUID | None) -> str:
    """Make an owner of the merchant, or an admin of the platform, who is signed in; return their cookie."""
    user_id, token, now = new_id(), new_token(), clock.now()
    secret = b"bench" if merchant_id is None else None
    await conn.execute(USER, user_id, f"{user_id}@example.lu", secret, merchant_id is None, now)
    if merchant_id is not None:
        await conn.execute(MEMBERSHIP, merchant_id, new_id(), user_id, now)
    await conn.execute(SESSION, new_id(), hash_token(token), user_id, merchant_id, now)
    return f"{USER_COOKIE}={token}"


async def create(superuser_url: str, *, cards: int) -> tuple[Tenant, dict[bool, str]]:
    """Create `cards` cards of 300 merchants with their people, and the audit log.

    Return the merchant that has half of them, and the cookies of its owner (False) and of an admin of the platform (True).
    """
    tenant = await data.create_tenant(superuser_url, cards=cards // 2)
    conn = await asyncpg.connect(superuser_url, command_timeout=None)
    try:
        now = clock.now()
        await plans.fill_neighbours(conn, OTHERS)
        await conn.execute(SPREAD, tenant.merchant_id, now)
        each = max(1, (cards - cards // 2) // OTHERS)
        for first in range(1, OTHERS + 1, CHUNK_MERCHANTS):
            await conn.execute(PEOPLE, tenant.merchant_id, first, first + CHUNK_MERCHANTS - 1, now, each)
        await conn.execute(ENTRIES, int(cards * ENTRIES_PER_CARD))
        cookies = {False: await sign_in(conn, tenant.merchant_id), True: await sign_in(conn, None)}
        await conn.execute("VACUUM ANALYZE")
        await conn.execute("CHECKPOINT")
    finally:
        await conn.close()
    return tenant, cookies
