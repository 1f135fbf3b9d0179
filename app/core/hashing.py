"""Hashing of passwords and PINs: argon2id, in two threads, so that the event loop and the machine's memory stay free.

Parameters from stack.md: 19 MiB, two passes, one lane, about 27 ms.
"""

import asyncio
import functools
import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB = 19 * 1024
AT_ONCE = 2

_hasher = PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)


@functools.lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """The two threads that hash; more attempts at once wait their turn."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")


@functools.lru_cache(maxsize=1)
def _hash_of_nothing() -> str:
    """A hash that no secret matches in practice, to take the same time for somebody who does not exist."""
    return _hasher.hash("no secret of anybody")


def _peppered(secret: str, pepper: bytes | None) -> bytes:
    data = secret.encode("utf-8", "surrogatepass")
    return data if pepper is None else hmac.new(pepper, data, hashlib.sha256).digest()


def _hash(secret: str, pepper: bytes | None) -> str:
    return _hasher.hash(_peppered(secret, pepper))


def _verify(stored: str | None, secret: str, pepper: bytes | None) -> bool:
    try:
        matches = _hasher.verify(stored or _hash_of_nothing(), _peppered(secret, pepper))
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored is not None


async def hash_secret(secret: str, *, pepper: bytes | None = None) -> str:
    """Return the argon2id hash of `secret`; with `pepper`, of its HMAC-SHA256 under that key, which the database never holds."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), _hash, secret, pepper)


async def verify_secret(stored: str | None, secret: str, *, pepper: bytes | None = None) -> bool:
    """Return whether `secret` is the one hashed as `stored`. Without a stored hash the answer is no, after the same time."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), _verify, stored, secret, pepper)
