"""Demo data: every module that has a `seeds.py` adds its part, in the order in which modules stand on each other."""

import asyncio
import importlib
from pathlib import Path
from types import ModuleType

from app.core.config import get_settings
from app.core.db.engine import Database
from app.core.modules import MODULES

MODULES_DIR = Path(__file__).resolve().parents[1] / "modules"


def seed_modules() -> list[ModuleType]:
    """Return the `seeds` of the modules that have one."""
    return [importlib.import_module(f"app.modules.{name}.seeds") for name in MODULES if (MODULES_DIR / name / "seeds.py").exists()]


def seed_demo() -> None:
    """Write the demo data of all modules; running it again adds nothing. Blocks until done."""
    asyncio.run(_seed_demo())


async def _seed_demo() -> None:
    database = Database.from_settings(get_settings(), application="orion-seed")
    try:
        for seeds in seed_modules():
            await seeds.seed_demo(database)
    finally:
        await database.dispose()
