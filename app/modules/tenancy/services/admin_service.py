"""Admins of the platform: made from the command line, by whoever runs it."""

import dataclasses

from app.core import audit
from app.core.config import get_settings
from app.core.context import PlatformCtx
from app.core.hashing import hash_secret
from app.core.ids import new_id
from app.modules.tenancy.domain.email_address import require_email
from app.modules.tenancy.domain.passwords import normalize_password, require_strong_password
from app.modules.tenancy.errors import UserEmailTakenException
from app.modules.tenancy.models import User
from app.modules.tenancy.queries import users as user_queries
from app.modules.tenancy.services import totp_service


@dataclasses.dataclass(frozen=True, slots=True)
class NewAdmin:
    """An admin just made, and the secret for their authenticator app, as text and as an otpauth:// address."""

    email: str
    totp_secret: str
    totp_uri: str


async def create_admin(
    ctx: PlatformCtx, *, email: str, password: str, display_name: str = "Admin", locale: str = "en", totp_secret: str | None = None
) -> NewAdmin:
    """Make an admin with a password and an authenticator's secret, which is shown this once.

    Raises EmailInvalidException, UserEmailTakenException, PasswordWeakException.
    """
    normalized = require_email(email)
    require_strong_password(password, has_totp=True, context=[normalized, display_name])
    if await user_queries.find_for_sign_in(ctx.conn, normalized) is not None:
        raise UserEmailTakenException
    secret = totp_secret or totp_service.new_secret()
    user_id = new_id()
    user = User(
        id=user_id,
        email=email.strip(),
        email_normalized=normalized,
        display_name=display_name,
        password_hash=await hash_secret(normalize_password(password)),
        password_changed_at=ctx.now,
        totp_secret=totp_service.encrypt_secret(get_settings(), user_id, secret),
        locale=locale,
        is_platform_admin=True,
        created_at=ctx.now,
    )
    ctx.session.add(user)
    await ctx.session.flush()
    await audit.record(ctx, "tenancy.admin.created", "user", user_id)
    return NewAdmin(user.email, secret, totp_service.provisioning_uri(secret, user.email))
