"""What the demo tells when it is up: where to go and how to sign in."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from app.ops.seeding import seed_modules


def collect(attribute: str) -> list[Any]:
    """Return the entries of the sequence `attribute` in every module's `seeds.py`, in module order."""
    return [entry for seeds in seed_modules() for entry in getattr(seeds, attribute, ())]


def print_summary(console: Console, *, base_url: str, has_mailbox: bool, var_dir: Path) -> None:
    """Print addresses and logins.

    A module's seeds may name `DEMO_PAGES`, pairs of (what it is, path), and `DEMO_LOGINS`, tuples of
    (who, path of the sign-in, user name, password or code).
    """
    pages = [("Start page", "/"), *collect("DEMO_PAGES")]
    if has_mailbox:
        pages.append(("Mailbox: every mail that was sent", "/mailbox"))
    table = Table(title="Addresses", title_justify="left", show_header=False, box=None, padding=(0, 2))
    for what, path in pages:
        table.add_row(what, f"{base_url}{path}")
    console.print()
    console.print(table, highlight=False)
    logins = collect("DEMO_LOGINS")
    if logins:
        table = Table(title="Sign in as", title_justify="left", box=None, padding=(0, 2))
        for heading in ("who", "where", "name", "password or code"):
            table.add_column(heading, style="bold" if heading == "who" else "")
        for who, path, name, secret in logins:
            table.add_row(who, f"{base_url}{path}", name, secret)
        console.print()
        console.print(table, highlight=False)
    console.print(f"\nData and logs: {var_dir}\nStop with Ctrl-C; the data stays.\n", highlight=False, soft_wrap=True)
