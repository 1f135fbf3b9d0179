"""Codes of the authenticator app, against the vectors of RFC 6238, appendix B (the last six digits)."""

import base64
import datetime as dt
import uuid
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from app.core.config import Settings
from app.modules.tenancy.services import totp_service

SECRET = base64.b32encode(b"12345678901234567890").decode()


def at(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    assert totp_service.code_at(SECRET, at(seconds)) == code
    assert totp_service.matching_step(SECRET, code, at(seconds), last_step=None) == seconds // 30


@pytest.mark.parametrize(("late", "matches"), [(-31, False), (-30, True), (0, True), (30, True), (59, True), (60, False), (90, False)])
def test_a_code_counts_one_step_early_and_late(late: int, matches: bool) -> None:
    code = totp_service.code_at(SECRET, at(1_000_000_020))
    assert (totp_service.matching_step(SECRET, code, at(1_000_000_020 + late), last_step=None) is not None) is matches


def test_a_used_step_and_those_before_it_count_no_more() -> None:
    now = at(1_000_000_020)
    step = totp_service.matching_step(SECRET, totp_service.code_at(SECRET, now), now, last_step=None)
    assert step == 1_000_000_020 // 30
    for moment in (now, now - dt.timedelta(seconds=30)):
        assert totp_service.matching_step(SECRET, totp_service.code_at(SECRET, moment), now, last_step=step) is None
    later = now + dt.timedelta(seconds=30)
    assert totp_service.matching_step(SECRET, totp_service.code_at(SECRET, later), now, last_step=step) == step + 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "٢٨٧٠٨٢"])
def test_other_texts_match_nothing(code: str) -> None:
    assert totp_service.matching_step(SECRET, code, at(59), last_step=None) is None


def test_a_secret_is_read_with_its_user_and_key_only(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    user_id, secret = uuid.uuid4(), totp_service.new_secret()
    stored = totp_service.encrypt_secret(settings, user_id, secret)
    assert len(base64.b32decode(secret)) == 20
    assert secret.encode() not in stored
    assert stored != totp_service.encrypt_secret(settings, user_id, secret)
    assert totp_service.decrypt_secret(settings, user_id, stored) == secret
    assert totp_service.decrypt_secret(settings, uuid.uuid4(), stored) is None
    assert totp_service.decrypt_secret(settings, user_id, stored[:-1] + bytes([stored[-1] ^ 1])) is None
    other_key = tmp_path_factory.mktemp("keys") / "secret"
    other_key.write_text("another-installation-0123456789abcdefghij")
    other_key.chmod(0o600)
    assert totp_service.decrypt_secret(Settings(secret_key_file=other_key), user_id, stored) is None


def test_the_address_for_the_app_names_issuer_and_person() -> None:
    uri = urlsplit(totp_service.provisioning_uri(SECRET, "anna@example.lu"))
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", "/Orion Loyalty:anna@example.lu")
    assert parse_qs(uri.query) == {"secret": [SECRET], "issuer": ["Orion Loyalty"]}
