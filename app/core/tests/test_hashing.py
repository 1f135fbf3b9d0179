"""Hashing of passwords and PINs."""

import asyncio

from argon2 import extract_parameters

from app.core.hashing import hash_secret, verify_secret


async def test_the_hash_is_argon2id_with_the_agreed_cost_and_a_salt() -> None:
    first, second = await asyncio.gather(hash_secret("café"), hash_secret("café"))
    parameters = extract_parameters(first)
    assert (parameters.type.name, parameters.memory_cost, parameters.time_cost, parameters.parallelism) == ("ID", 19_456, 2, 1)
    assert first != second


async def test_only_the_same_secret_with_the_same_pepper_matches() -> None:
    plain, peppered = await hash_secret("493817"), await hash_secret("493817", pepper=b"one")
    assert await verify_secret(plain, "493817")
    assert await verify_secret(peppered, "493817", pepper=b"one")
    for stored, secret, pepper in (
        (plain, "493818", None),
        (plain, "493817", b"one"),
        (peppered, "493817", None),
        (peppered, "493817", b"two"),
        (None, "493817", None),
        (None, "no secret of anybody", None),
        ("", "", None),
        ("$argon2id$broken", "493817", None),
    ):
        assert not await verify_secret(stored, secret, pepper=pepper)


async def test_any_text_can_be_hashed() -> None:
    for secret in ("", "\x00", "\udcff", "x" * 10_000, "\U0001f511"):
        assert await verify_secret(await hash_secret(secret), secret)
