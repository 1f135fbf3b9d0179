"""`orion doctor`: what is configured, reachable and missing, one line each, with the way to mend it."""

import json
import re
import shutil
import smtplib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
from rich.console import Console
from rich.table import Table

from app.core.config import Settings, get_settings, read_key
from app.core.db import migrate
from app.core.db.blocking import run_blocking
from app.ops import browser, embedded_valkey, postgres_binaries
from app.ops.bootstrap_roles import APP_ROLE, OWNER_ROLE, PLATFORM_ROLE
from app.ops.demo_environment import read_env_file
from app.ops.errors import OpsException, explain

TIMEOUT_SECONDS = 5.0
OLDEST_NODE = 20
MANIFEST = Path(__file__).resolve().parents[1] / "core" / "static" / "dist" / "manifest.json"
ROLE_FLAGS = """
SELECT current_user AS role, r.rolsuper AS is_superuser, r.rolbypassrls AS bypasses,
       EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%') AS owns_tables,
       current_setting('server_version_num')::int / 10000 AS version, current_setting('synchronous_commit') AS synchronous_commit
FROM pg_roles r WHERE r.rolname = current_user
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `state` is ok, failed (something needed is wrong) or absent (fine to go without)."""

    what: str
    state: str
    note: str


def run_doctor() -> bool:
    """Print the findings as a table; return whether everything that is needed works."""
    findings = list(examine())
    table = Table(title="orion doctor", title_justify="left")
    for heading in ("", "what", "finding"):
        table.add_column(heading, overflow="fold")
    marks = {"ok": "[green]ok[/green]", "failed": "[red]failed[/red]", "absent": "[yellow]absent[/yellow]"}
    for finding in findings:
        table.add_row(marks[finding.state], finding.what, finding.note)
    Console().print(table, highlight=False)
    return all(finding.state != "failed" for finding in findings)


def examine() -> Iterator[Finding]:
    """Yield all findings; without readable settings there is only one."""
    try:
        read_env_file(Path(".env"))
        get_settings.cache_clear()
        settings = get_settings()
    except Exception as error:
        yield Finding("settings", "failed", explain(error))
        return
    yield Finding("settings", "ok", f"ORION_ENV={settings.env}, ORION_BASE_URL={settings.base_url}")
    yield from examine_database(settings)
    yield examine_broker(settings)
    yield examine_mail(settings)
    if settings.mail_webhook_secret_file is not None:
        yield examine_key(settings, "ORION_MAIL_WEBHOOK_SECRET_FILE", settings.mail_webhook_secret_file)
    for variable, path in (("ORION_SECRET_KEY_FILE", settings.secret_key_file), ("ORION_PIN_PEPPER_FILE", settings.pin_pepper_file)):
        yield examine_key(settings, variable, path)
    yield examine_build()
    yield examine_node()
    yield examine_browser()


def attempt(what: str, act: Callable[[], str]) -> Finding:
    """Return ok with the note that `act` returns, or failed with the reason why it raised."""
    try:
        return Finding(what, "ok", act())
    except Exception as error:
        return Finding(what, "failed", explain(error))


def examine_database(settings: Settings) -> Iterator[Finding]:
    """Yield findings on the three connections and the migrations, or on what the demo would start."""
    roles = {"database_url": APP_ROLE, "owner_database_url": OWNER_ROLE, "platform_database_url": PLATFORM_ROLE}
    if not settings.is_production and settings.database_url is None:
        yield attempt("database", describe_binaries)
        return
    for name, role in roles.items():
        yield attempt(f"ORION_{name.upper()}", lambda name=name, role=role: describe_role(settings.require_url(name), role))  # type: ignore[misc]
    yield attempt("migrations", lambda: describe_migrations(settings.require_url("database_url")))


def describe_binaries() -> str:
    """Say which PostgreSQL the demo would start."""
    found = postgres_binaries.find_binaries()
    return f"ORION_DATABASE_URL is not set: `orion demo` starts PostgreSQL {found.major_version} from {found.bindir}"


def describe_role(url: str, role: str) -> str:
    """Connect and say as whom; OpsException when the role is stronger than it may be."""
    row = run_blocking(fetch_role(url))
    if row["is_superuser"] or row["bypasses"]:
        raise OpsException(f"{row['role']} is a superuser or bypasses row-level security; connect as {role}.")
    if row["owns_tables"] and role != OWNER_ROLE:
        raise OpsException(f"{row['role']} owns tables; connect as {role}, and let {OWNER_ROLE} run the migrations.")
    if row["version"] < postgres_binaries.OLDEST_MAJOR_VERSION:
        raise OpsException(f"PostgreSQL {row['version']} is too old; {postgres_binaries.OLDEST_MAJOR_VERSION} or newer is needed.")
    if row["synchronous_commit"] != "on":
        raise OpsException("synchronous_commit is off: acknowledged points could be lost. Set it to on.")
    return f"PostgreSQL {row['version']} as {row['role']}: no superuser, bound by row-level security"


async def fetch_role(url: str) -> Any:
    """Return what the server says about the role that `url` signs in as."""
    connection = await asyncpg.connect(url, timeout=TIMEOUT_SECONDS)
    try:
        return await connection.fetchrow(ROLE_FLAGS)
    finally:
        await connection.close()


def describe_migrations(url: str) -> str:
    """Say which versions the database has; OpsException when newer ones wait."""
    status = migrate.read_status(url)
    if not status.is_at_head:
        raise OpsException("not at the newest version; run `orion migrate`")
    return ", ".join(sorted(status.current))


def examine_broker(settings: Settings) -> Finding:
    """Return whether the broker answers."""
    if settings.broker_url is None and not settings.is_production:
        return attempt("broker", lambda: f"ORION_BROKER_URL is not set: `orion demo` starts {embedded_valkey.find_server()}")

    def connect() -> str:
        import kombu.connection

        open_connection: Any = kombu.connection.Connection
        with open_connection(settings.require_url("broker_url"), connect_timeout=TIMEOUT_SECONDS) as connection:
            connection.ensure_connection(max_retries=1, timeout=TIMEOUT_SECONDS)
            return f"{connection.transport_cls} answers"

    return attempt("ORION_BROKER_URL", connect)


def examine_mail(settings: Settings) -> Finding:
    """Return whether the mail provider that the settings name answers."""
    return examine_postmark(settings) if settings.mail_provider == "postmark" else examine_smtp(settings)


def examine_postmark(settings: Settings) -> Finding:
    """Return whether the API answers and takes the token; without a webhook nobody would tell of bounces."""

    def ask() -> str:
        answer = httpx.get(
            f"{settings.mail_api_url.rstrip('/')}/server",
            headers={"Accept": "application/json", "X-Postmark-Server-Token": settings.mail_api_token},
            timeout=TIMEOUT_SECONDS,
        )
        if answer.status_code != 200:
            raise OpsException(f"{settings.mail_api_url} answers {answer.status_code}: check the token in ORION_MAIL_API_TOKEN_FILE.")
        if settings.mail_webhook_secret_file is None:
            return "postmark answers; set ORION_MAIL_WEBHOOK_SECRET_FILE and a webhook there, or bounces stay unknown"
        return "postmark answers and takes the token"

    return attempt("ORION_MAIL_PROVIDER", ask)


def examine_smtp(settings: Settings) -> Finding:
    """Return whether the mail server answers."""
    if settings.smtp_url is None and not settings.is_production:
        return Finding("mail", "absent", "ORION_SMTP_URL is not set: `orion demo` keeps mails in its own mailbox")

    def connect() -> str:
        parts = urlsplit(settings.require_url("smtp_url"))
        client = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
        with client(parts.hostname or "localhost", parts.port or 0, timeout=TIMEOUT_SECONDS) as server:
            code, _ = server.noop()
            return f"{parts.hostname} answers ({code})"

    return attempt("ORION_SMTP_URL", connect)


def examine_key(settings: Settings, variable: str, path: Path) -> Finding:
    """Return whether a key file is there, long enough, and readable by its owner alone."""
    if not settings.is_production and not path.exists():
        return Finding(variable, "absent", f"{path} does not exist yet: `orion demo` creates its own")

    def read() -> str:
        read_key(path, variable)
        return f"{path}, mode {path.stat().st_mode & 0o777:04o}"

    return attempt(variable, read)


def examine_build() -> Finding:
    """Return whether the front end is built: pages need it."""

    def count() -> str:
        if not MANIFEST.exists():
            raise OpsException("style sheets and scripts are not built; run `make setup`")
        return f"{len(json.loads(MANIFEST.read_text(encoding='utf-8')))} files"

    return attempt("front-end build", count)


def examine_node() -> Finding:
    """Return which Node would build the front end; a built installation needs none."""
    node = shutil.which("node")
    if node is None:
        return Finding("Node", "absent", "only needed to build the front end; `make setup` installs one from PyPI")
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    found = re.match(r"v(\d+)", answer)
    if found is None or int(found.group(1)) < OLDEST_NODE:
        return Finding("Node", "absent", f"{answer or node} is older than {OLDEST_NODE}; `make setup` installs one from PyPI")
    return Finding("Node", "ok", answer)


def examine_browser() -> Finding:
    """Return which browser the tests would drive."""
    found = browser.find_browser()
    if found is None:
        return Finding("Chromium", "absent", "only browser tests need it: install chromium or set CHROMIUM_PATH")
    return Finding("Chromium", "ok", str(found))
