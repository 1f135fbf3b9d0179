"""The three database roles and the privileges they start with, on any PostgreSQL, embedded or not.

`orion_owner` owns the database and runs migrations. `orion_app` serves tenants: it owns nothing and row-level security binds
it. `orion_platform` serves the platform's own faces; policies are granted to it by name, it bypasses nothing either.
Everything may run again at any time. Tables get their grants in the migration that creates them.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg

from app.ops.errors import OpsException

DATABASE = "orion"
OWNER_ROLE = "orion_owner"
APP_ROLE = "orion_app"
PLATFORM_ROLE = "orion_platform"
ROLES = (OWNER_ROLE, APP_ROLE, PLATFORM_ROLE)


def passwords_from_urls(urls: Mapping[str, str | None]) -> dict[str, str]:
    """Return the password of each role in `urls` (role → its connection URL) that carries one; OpsException for another user name."""
    passwords: dict[str, str] = {}
    for role, url in urls.items():
        if url is None:
            continue
        parts = urlsplit(url)
        if parts.username is not None and unquote(parts.username) != role:
            raise OpsException(f"The connection URL for {role} signs in as {unquote(parts.username)}: use the role {role}.")
        if parts.password is not None:
            passwords[role] = unquote(parts.password)
    return passwords


async def bootstrap_roles(admin_url: str, *, database: str = DATABASE, passwords: Mapping[str, str] | None = None) -> None:
    """Create the roles and the database where missing, set `passwords` (by role), and set the privileges.

    `admin_url` signs in as a superuser or as a role that may create roles and databases. OpsException when an existing role
    is stronger than row-level security allows.
    """
    admin = await asyncpg.connect(admin_url)
    try:
        for role in ROLES:
            await _ensure_role(admin, role, (passwords or {}).get(role))
        if not await admin.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            await admin.execute(f"GRANT {OWNER_ROLE} TO CURRENT_USER")
        if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
            await admin.execute(await _format(admin, f"CREATE DATABASE %I OWNER {OWNER_ROLE} TEMPLATE template0", database))
    finally:
        await admin.close()
    inside = await asyncpg.connect(admin_url, database=database)
    try:
        await _set_privileges(inside, database)
    finally:
        await inside.close()


async def _ensure_role(admin: "asyncpg.Connection[Any]", role: str, password: str | None) -> None:
    """Create `role` with no power of its own, or check that an existing one has none."""
    found = await admin.fetchrow("SELECT rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = $1", role)
    if found is None:
        await admin.execute(f"CREATE ROLE {role} LOGIN")
    elif found["rolsuper"] or found["rolbypassrls"]:
        raise OpsException(f"The role {role} would bypass row-level security. Fix: ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS;")
    elif not found["rolcanlogin"]:
        await admin.execute(f"ALTER ROLE {role} LOGIN")
    if password is not None:
        await admin.execute(await _format(admin, f"ALTER ROLE {role} PASSWORD %L", password))


async def _set_privileges(connection: "asyncpg.Connection[Any]", database: str) -> None:
    """Let the owner own the schema and the other two connect and use it, nobody else anything."""
    await connection.execute(await _format(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", database))
    await connection.execute(await _format(connection, f"GRANT CONNECT ON DATABASE %I TO {APP_ROLE}, {PLATFORM_ROLE}", database))
    await connection.execute(
        f"""
        ALTER SCHEMA public OWNER TO {OWNER_ROLE};
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
        GRANT USAGE ON SCHEMA public TO {APP_ROLE}, {PLATFORM_ROLE};
        """
    )


async def _format(connection: "asyncpg.Connection[Any]", template: str, value: str) -> str:
    """Quote `value` into `template` by the server's own rules: such statements take no parameters."""
    return str(await connection.fetchval("SELECT format($1::text, $2::text)", template, value))
