"""Rivals at the same moment: counters, codes and links hold."""

import asyncio
import uuid

import pytest

from app.core import clock
from app.core.db.engine import Database
from app.core.errors import OrionException
from app.modules.tenancy.services import auth_service, login_guard, password_service, totp_service
from app.modules.tenancy.tests.factories import PASSWORD, account_ctx, make_admin, make_member, make_merchant, platform_ctx

pytestmark = pytest.mark.concurrency
ROUNDS = 5


async def code_of(attempt: object) -> str:
    """The refusal's code, or "done"."""
    try:
        await attempt  # type: ignore[misc]
    except OrionException as refusal:
        return refusal.error_code
    return "done"


async def test_thirty_guesses_at_once_are_checked_ten_times_at_most(database: Database) -> None:
    for _ in range(ROUNDS):
        user = await make_member(database, await make_merchant(database), password=PASSWORD)
        now = clock.now()

        async def guess(email: str = user.email, now: object = now) -> None:
            async with account_ctx(database, address=str(uuid.uuid4()), now=now) as ctx:  # type: ignore[arg-type]
                await auth_service.sign_in(ctx, email=email, password="wrong")

        answers = await asyncio.gather(*[code_of(guess()) for _ in range(30)])
        checked, locked = login_guard.BY_EMAIL.tries, 30 - login_guard.BY_EMAIL.tries
        assert (answers.count("sign_in_failed"), answers.count("sign_in_locked")) == (checked, locked)


async def test_one_code_opens_one_session_however_many_try_it_at_once(database: Database) -> None:
    for _ in range(ROUNDS):
        admin, now = await make_admin(database, password=PASSWORD), clock.now()
        tokens = []
        for _ in range(4):
            async with account_ctx(database, now=now) as ctx:
                tokens.append((await auth_service.sign_in(ctx, email=admin.email, password=PASSWORD)).session.token)
        code = totp_service.code_at(admin.totp_secret or "", now)

        async def enter(token: str, code: str = code, now: object = now) -> None:
            async with account_ctx(database, token=token, now=now) as ctx:  # type: ignore[arg-type]
                await auth_service.pass_second_factor(ctx, code=code)

        answers = await asyncio.gather(*[code_of(enter(token)) for token in tokens])
        assert sorted(answers) == ["done", "sign_in_failed", "sign_in_failed", "sign_in_failed"]


async def test_a_link_works_once_however_many_follow_it_at_once(database: Database) -> None:
    for _ in range(ROUNDS):
        user = await make_member(database, await make_merchant(database))
        async with platform_ctx(database) as ctx:
            token = password_service.link_token(await password_service.make_link(ctx, user.id))

        async def follow(number: int, token: str = token) -> None:
            async with account_ctx(database) as ctx:
                await password_service.set_password_by_link(ctx, token=token, password=f"seven-lamps-over-the-river-{number}")

        answers = await asyncio.gather(*[code_of(follow(number)) for number in range(4)])
        assert sorted(answers) == ["done", *["password_link_invalid"] * 3]
