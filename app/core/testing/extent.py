"""How much a test repeats: a short form at every change, the full one with ORION_TEST_FULL=1 (reliability.md)."""

import os
import random

VARIABLE = "ORION_TEST_FULL"
SEED_VARIABLE = "ORION_TEST_SEED"
VARIABLES = frozenset({VARIABLE, SEED_VARIABLE})


def is_full() -> bool:
    """Whether the full form is wanted."""
    return os.environ.get(VARIABLE) == "1"


def times(*, short: int, full: int) -> int:
    """Return how often to do something."""
    return full if is_full() else short


def seed_of(name: str) -> int:
    """Return the seed for the test `name`: of ORION_TEST_SEED, to repeat a run, else a fresh one. A test prints it."""
    wanted = os.environ.get(SEED_VARIABLE)
    seed = int(wanted) if wanted else int.from_bytes(os.urandom(4), "big")
    print(f"{name}: {SEED_VARIABLE}={seed}")  # noqa: T201 - shown by pytest when the test fails
    return seed


def source_of(name: str) -> random.Random:
    """Return a source of choices for the test `name`, with a seed that is printed."""
    return random.Random(seed_of(name))  # noqa: S311 - choices of a test, no secrets
