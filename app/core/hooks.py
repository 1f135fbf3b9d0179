"""What modules do, within the same transaction, when something happens that concerns what they keep.

An event reaches other modules after the commit; a hook belongs to the act: when it refuses, nothing has happened.
"""

import importlib
from collections.abc import Mapping
from typing import Any, Literal

from app.core.context import Ctx

Moment = Literal["merchant_trashed", "merchant_restored", "store_purging", "merchant_purging"]
MOMENTS: Mapping[Moment, str] = {
    "merchant_trashed": "async def (ctx: Ctx, deletion: Deletion): the merchant was put into the trash",
    "merchant_restored": "async def (ctx: Ctx, deletion_id: UUID | None): it was taken out again",
    "store_purging": "async def (ctx: Ctx, store_id: UUID, since: datetime): a store, made at `since`, is about to be deleted for good; "
    "refuse, or delete what is only its own",
    "merchant_purging": "async def (ctx: Ctx): a merchant is about to be deleted for good; refuse where something must stay",
}

_hooks: dict[Moment, list[str]] = {}


def register(hooks: Mapping[Moment, str]) -> None:
    """Make a module's hooks known: a moment and the import path "package.module:function". Doing it twice changes nothing."""
    for moment, path in hooks.items():
        known = _hooks.setdefault(moment, [])
        if path not in known:
            known.append(path)


async def run(moment: Moment, ctx: Ctx, *values: Any) -> None:
    """Call every module's hook for `moment`, those of modules that stand on others first. Raises what a hook raises."""
    for path in reversed(_hooks.get(moment, ())):
        module, _, function = path.partition(":")
        await getattr(importlib.import_module(module), function)(ctx, *values)
