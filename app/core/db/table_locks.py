"""Locks on tables, for migrations that change several of those that requests use."""

from alembic import op


def take(*tables: str) -> None:
    """Have `tables` for this transaction alone, one after the other in the order in which requests come to them.

    That is: merchants, stores, programs, people, cards, the ledger. A migration that took them in another order would wait for
    requests that wait for it, time and again (docs/adr/0019-migrations-give-way-early.md).
    """
    op.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
