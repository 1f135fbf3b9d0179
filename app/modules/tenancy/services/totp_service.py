"""Codes of an authenticator app (RFC 6238): six digits, 30 seconds, one step of tolerance, each code once.

The secret is encrypted with a key that the database does not hold, and bound to its user.
"""

import base64
import datetime as dt
import hmac
import secrets
import uuid

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.config import Settings

ISSUER = "Orion Loyalty"
STEP_SECONDS = 30
TOLERATED_STEPS = 1
SECRET_BYTES = 20
_NONCE_BYTES = 12


def new_secret() -> str:
    """Return a fresh secret as base32, 160 bits (RFC 4226, section 4)."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def encrypt_secret(settings: Settings, user_id: uuid.UUID, secret: str) -> bytes:
    """Return `secret` encrypted with AES-256-GCM for `user_id`: nonce, then ciphertext."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(settings.derive_key("totp")).encrypt(nonce, secret.encode("ascii"), user_id.bytes)


def decrypt_secret(settings: Settings, user_id: uuid.UUID, stored: bytes) -> str | None:
    """Return the secret, or None when it was encrypted with another key or for somebody else."""
    try:
        return AESGCM(settings.derive_key("totp")).decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], user_id.bytes).decode("ascii")
    except InvalidTag:
        return None


def provisioning_uri(secret: str, email: str) -> str:
    """Return the otpauth:// address that authenticator apps read."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=email, issuer_name=ISSUER)


def code_at(secret: str, now: dt.datetime) -> str:
    """Return the code of the instant `now`."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).at(now)


def matching_step(secret: str, code: str, now: dt.datetime, *, last_step: int | None) -> int | None:
    """Return the time step whose code is `code`, later than the last one used; None when there is none.

    A code counts one step early and late, for clocks that differ; a step counts once, so that a code seen over the shoulder is worthless.
    """
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    present = int(now.timestamp()) // STEP_SECONDS
    digits = "".join(character for character in code if character.isascii() and character.isdigit())
    for step in range(present - TOLERATED_STEPS, present + TOLERATED_STEPS + 1):
        is_match = hmac.compare_digest(totp.generate_otp(step), digits)
        if is_match and (last_step is None or step > last_step):
            return step
    return None
