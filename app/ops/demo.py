"""`orion demo`: everything on one machine, started in order, watched, and stopped in order."""

import gc
import http.client
import os
import socket
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from app.core.config import get_settings
from app.ops import embedded_postgres, embedded_valkey, processes
from app.ops.demo_environment import ENV_FILE_NAME, check_port, ensure_key_file, given_settings, only_one, prepare_var_dir, write_env_file
from app.ops.demo_summary import print_summary
from app.ops.errors import OpsException, explain_log
from app.ops.supervisor import Supervisor

HOST = "127.0.0.1"
READY_SECONDS = 60.0
DATABASE_VARIABLES = ("ORION_DATABASE_URL", "ORION_OWNER_DATABASE_URL", "ORION_PLATFORM_DATABASE_URL")


@dataclass
class Demo:
    """One run of the demo: where it writes, what it listens on, what it has started."""

    var_dir: Path
    port: int
    console: Console
    given: dict[str, str]
    postgres: embedded_postgres.EmbeddedPostgres | None = None
    valkey: embedded_valkey.EmbeddedValkey | None = None
    mail_listener: socket.socket | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def log_dir(self) -> Path:
        """Where every process writes its log."""
        return self.var_dir / "log"

    @property
    def mailbox_dir(self) -> Path:
        """Where the mailbox keeps messages."""
        return Path(self.given.get("ORION_MAILBOX_DIR", str(self.var_dir / "mailbox")))

    def say(self, what: str, started: float) -> None:
        """Print one finished step with the time it took."""
        self.console.print(f"  [green]✓[/green] {what} [dim]{time.monotonic() - started:.1f} s[/dim]", highlight=False)

    def warn(self, sentence: str) -> None:
        """Print that something is not as it should be."""
        self.console.print(f"  [yellow]![/yellow] {sentence}", highlight=False, soft_wrap=True)


def run_demo(*, var_dir: Path, port: int, env_file: Path = Path(".env")) -> None:
    """Run the demo until Ctrl-C. OpsException says in one sentence why it cannot start."""
    given = given_settings(env_file, os.environ)
    if given.get("ORION_ENV", "demo") == "production":
        raise OpsException("ORION_ENV is production: the demo's passwords are known to all. Unset ORION_ENV to try it out.")
    var_dir = var_dir.absolute()
    prepare_var_dir(var_dir)
    with ExitStack() as stack:
        lock = stack.enter_context(only_one(var_dir))
        check_port(HOST, port)
        demo = Demo(var_dir=var_dir, port=port, console=Console(), given=given)
        supervisor = Supervisor(demo.log_dir, close_in_children=(lock,), tell=demo.warn)
        with supervisor.stopping_on_signals():
            try:
                start_everything(demo, supervisor)
                if not supervisor.is_stopping:
                    print_summary(
                        demo.console, base_url=get_settings().base_url, has_mailbox=demo.mail_listener is not None, var_dir=var_dir
                    )
                    supervisor.watch(lambda: restart_servers(demo))
            finally:
                stop_everything(demo, supervisor)


def start_everything(demo: Demo, supervisor: Supervisor) -> None:
    """Start servers, bring the database up to date, start the processes, wait for the first answer."""
    demo.console.print("[bold]Orion Loyalty[/bold] demo", highlight=False)
    start_servers(demo)
    prepare_environment(demo)
    started = time.monotonic()
    with supervisor.step("database", prepare_database):
        # The parent's share of the start, while the database is brought up to date on another core.
        processes.preload()
        gc.collect()
        gc.freeze()
    demo.say("database up to date, demo data in place", started)
    started = time.monotonic()
    supervisor.spawn("web", lambda: processes.run_web_here(host=HOST, port=demo.port))
    if demo.mail_listener is not None:
        supervisor.spawn("mailbox", lambda: run_mailbox(demo))
    supervisor.spawn("relay", processes.run_relay)
    supervisor.spawn("worker", processes.run_worker)
    supervisor.spawn("beat", processes.run_beat)
    wait_for_web(demo, supervisor)
    demo.say(f"{', '.join(supervisor.children)} started", started)


def start_servers(demo: Demo) -> None:
    """Start what the operator's settings do not name, and remember the addresses as settings."""
    started = time.monotonic()
    missing = [name for name in DATABASE_VARIABLES if name not in demo.given]
    if len(missing) == len(DATABASE_VARIABLES):
        demo.postgres = embedded_postgres.start(demo.var_dir / "postgres", log_file=demo.log_dir / "postgres.log")
        urls = (demo.postgres.url_app, demo.postgres.url_owner, demo.postgres.url_platform)
        demo.environment |= dict(zip(DATABASE_VARIABLES, urls, strict=True))
        demo.say(f"PostgreSQL {demo.postgres.binaries.major_version} embedded", started)
    elif missing:
        raise OpsException(f"{' and '.join(missing)} must be set together with the other database addresses; see README, Settings.")
    started = time.monotonic()
    if "ORION_BROKER_URL" not in demo.given:
        demo.valkey = embedded_valkey.start(demo.var_dir / "valkey", log_file=demo.log_dir / "valkey.log")
        demo.environment["ORION_BROKER_URL"] = demo.valkey.url
        demo.say("Valkey embedded", started)
    if "ORION_SMTP_URL" not in demo.given:
        demo.mail_listener = socket.create_server((HOST, 0))
        demo.environment["ORION_SMTP_URL"] = f"smtp://{HOST}:{demo.mail_listener.getsockname()[1]}"


def prepare_environment(demo: Demo) -> None:
    """Fill in the settings that the operator did not give, for this process and its children."""
    keys = demo.var_dir / "keys"
    defaults = {
        "ORION_ENV": "demo",
        "ORION_BASE_URL": f"http://{HOST}:{demo.port}",
        "ORION_MAILBOX_DIR": str(demo.mailbox_dir),
        "ORION_SECRET_KEY_FILE": str(keys / "secret"),
        "ORION_PIN_PEPPER_FILE": str(keys / "pin_pepper"),
        "ORION_WORKER_CONCURRENCY": "4",  # each more costs the memory of a connection
    }
    demo.environment = {name: value for name, value in (defaults | demo.environment).items() if name not in demo.given}
    os.environ.update(demo.environment)
    write_env_file(demo.var_dir / ENV_FILE_NAME, demo.environment)
    get_settings.cache_clear()
    settings = get_settings()
    ensure_key_file(settings.secret_key_file)
    ensure_key_file(settings.pin_pepper_file)


def prepare_database() -> None:
    """Bring the database up to date and write the demo data where it is missing."""
    from app.core.db.migrate import upgrade
    from app.ops.seeding import seed_demo

    upgrade(get_settings().require_url("owner_database_url"))
    seed_demo()


def run_mailbox(demo: Demo) -> None:
    """Keep every mail that the application sends."""
    from app.ops.mailbox import serve_mailbox

    listener, directory = demo.mail_listener, demo.mailbox_dir
    if listener is not None:
        processes.run_until_signal(lambda: serve_mailbox(listener, directory))


def wait_for_web(demo: Demo, supervisor: Supervisor) -> None:
    """Wait for the first answer of the web process; OpsException with its reason when it ends instead."""
    log_file = demo.log_dir / "web.log"
    log_start = log_file.stat().st_size if log_file.exists() else 0
    deadline = time.monotonic() + READY_SECONDS
    while not supervisor.is_stopping and not answers(urlsplit(f"http://{HOST}:{demo.port}").netloc):
        if not supervisor.is_alive("web") or time.monotonic() > deadline:
            raise explain_log(log_file, "The web process", log_start)
        time.sleep(0.05)


def answers(address: str) -> bool:
    """Whether `/livez` at `address` (host:port) answers 200 within a second."""
    connection = http.client.HTTPConnection(address, timeout=1)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def restart_servers(demo: Demo) -> None:
    """Start an embedded server anew when it died; its address stays the same."""
    if demo.postgres is not None and demo.postgres.process.poll() is not None:
        with suppress(OpsException):
            demo.postgres = embedded_postgres.start(demo.var_dir / "postgres", log_file=demo.log_dir / "postgres.log")
    if demo.valkey is not None and demo.valkey.process.poll() is not None:
        with suppress(OpsException):
            demo.valkey = embedded_valkey.start(demo.var_dir / "valkey", log_file=demo.log_dir / "valkey.log")


def stop_everything(demo: Demo, supervisor: Supervisor) -> None:
    """Stop the processes, then the servers they use."""
    started = time.monotonic()
    supervisor.stop()
    if demo.valkey is not None:
        demo.valkey.stop()
    if demo.postgres is not None:
        demo.postgres.stop()
    demo.say("stopped", started)
