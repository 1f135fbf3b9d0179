"""What the demo tells when it is up: where to go and how to sign in."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from app.ops.demo_environment import ENV_FILE_NAME
from app.ops.seeding import seed_modules


def collect(attribute: str) -> list[Any]:
    """Return the entries of the sequence `attribute` in every module's `seeds.py`, in module order."""
    return [entry for seeds in seed_modules() for entry in getattr(seeds, attribute, ())]


def print_summary(console: Console, *, base_url: str, has_mailbox: bool, var_dir: Path) -> None:
    """Print addresses and logins, to be copied: nothing is cut or wrapped.

    A module's seeds may name `DEMO_PAGES`, pairs of (what it is, path), and `DEMO_LOGINS`, tuples of
    (who, path of the sign-in, user name, password or code).
    """
    pages = [("Start page", "/"), *collect("DEMO_PAGES")]
    if has_mailbox:
        pages.append(("Mailbox: every mail that was sent", "/mailbox"))
    sections: dict[str, list[tuple[str, ...]]] = {"Addresses": [(what, f"{base_url}{path}") for what, path in pages]}
    for who, path, name, secret in collect("DEMO_LOGINS"):
        sections.setdefault(f"Sign in at {base_url}{path}", []).append((who, name, secret))
    for heading, rows in sections.items():
        console.print(f"\n[bold]{escape(heading)}[/bold]", highlight=False, soft_wrap=True)
        for line in align(rows):
            console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
    env_file = shlex.quote(str(var_dir / ENV_FILE_NAME))
    console.print(
        f"\nOther orion commands on this data, in another terminal: set -a; . {escape(env_file)}", highlight=False, soft_wrap=True
    )
    console.print(f"Data and logs: {escape(str(var_dir))}\nStop with Ctrl-C; the data stays.\n", highlight=False, soft_wrap=True)


def align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return `rows` as lines with their columns below each other."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
