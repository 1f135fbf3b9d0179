"""Settings: environment variables `ORION_*` or the file `.env`, checked when the process starts."""

import functools
import hashlib
import hmac
import stat
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MIN_SECRET_BYTES = 32


class ConfigurationError(ValueError):
    """A setting is wrong; the text names the setting and what to do."""


class Settings(BaseSettings):
    """All settings of the platform; every one has a default that suits a demo on one machine."""

    model_config = SettingsConfigDict(env_prefix="ORION_", env_file=".env", extra="ignore", hide_input_in_errors=True)

    env: Literal["demo", "test", "production"] = "demo"
    base_url: str = "http://127.0.0.1:8000"

    database_url: SecretStr | None = Field(default=None, description="Connection as the application's role (orion_app).")
    owner_database_url: SecretStr | None = Field(default=None, description="Connection as orion_owner, for migrations only.")
    platform_database_url: SecretStr | None = Field(
        default=None, description="Connection as orion_platform: admin face, relay, worker claims."
    )
    pool_size: int = Field(default=10, ge=1, le=100)
    pool_timeout_seconds: float = Field(default=6.0, gt=0, description="How long a request waits for a connection, within its deadline.")
    connect_timeout_seconds: float = Field(default=3.0, gt=0)
    statement_timeout_ms: int = 5_000
    lock_timeout_ms: int = 3_000
    idle_in_transaction_timeout_ms: int = 10_000

    broker_url: SecretStr | None = None
    worker_concurrency: int = Field(default=8, ge=1, le=64, description="Messages that a worker process runs side by side.")
    rate_limits_enabled: bool = True
    trusted_proxies: list[str] = Field(default_factory=list, description="Addresses whose X-Forwarded-For is believed.")
    request_deadline_seconds: float = 8.0
    request_log_sample: float = Field(default=0.0, ge=0, le=1, description="Share of successful requests that are logged.")
    metrics_port: int | None = Field(default=None, ge=1, le=65535, description="Port for Prometheus; each process needs one of its own.")
    metrics_host: str = Field(default="127.0.0.1", description="Address that serves the metrics.")

    mail_provider: Literal["smtp", "postmark"] = Field(default="smtp", description="Who delivers mails.")
    contact_email: str | None = Field(default=None, description="Address that anybody may write to about the platform; shown to all.")
    alert_email: str | None = Field(default=None, description="Address that is told when an alert opens and when it is over.")
    alert_locale: Literal["en", "fr", "de", "lb"] = Field(default="en", description="Language of the operator's alerts.")
    alert_webhook_url: SecretStr | None = Field(default=None, description="Address that gets the same as JSON; may hold a secret.")

    smtp_url: SecretStr | None = None
    mail_api_url: str = Field(default="https://api.postmarkapp.com", description="Where the API of ORION_MAIL_PROVIDER is.")
    mail_api_token_file: Path | None = Field(default=None, description="File with the API's token, mode 0600.")
    mail_api_stream: str = Field(default="outbound", description="The provider's message stream for service mails and reminders.")
    mail_api_marketing_stream: str = Field(default="broadcast", description="The provider's message stream for marketing mails.")
    mail_webhook_secret_file: Path | None = Field(default=None, description="File with the webhook's password, mode 0600.")
    mail_from: str = "Orion Loyalty <loyalty@localhost>"
    mailbox_dir: Path = Path("var/mailbox")

    secret_key_file: Path = Path("var/keys/secret")
    pin_pepper_file: Path = Path("var/keys/pin_pepper")

    google_issuer_id: str | None = None
    google_service_account_json: Path | None = None

    @property
    def is_production(self) -> bool:
        """Whether strict production rules apply."""
        return self.env == "production"

    @property
    def is_https(self) -> bool:
        """Whether people reach us over TLS: cookies are then Secure and carry the __Host- prefix."""
        return self.base_url.startswith("https://")

    @model_validator(mode="after")
    def _production_needs_tls(self) -> "Settings":
        if self.is_production and not self.is_https:
            raise ValueError("ORION_BASE_URL must start with https:// when ORION_ENV=production")
        return self

    @model_validator(mode="after")
    def _mail_api_needs_tls(self) -> "Settings":
        address = urlsplit(self.mail_api_url)
        if address.scheme != "https" and not (address.scheme == "http" and address.hostname in ("127.0.0.1", "localhost", "::1")):
            raise ValueError("ORION_MAIL_API_URL must start with https://: mails and the token travel there")
        return self

    def require_url(self, name: Literal["database_url", "owner_database_url", "platform_database_url", "broker_url", "smtp_url"]) -> str:
        """Return the URL setting `name`; ConfigurationError that names the variable when it is not set."""
        value: SecretStr | None = getattr(self, name)
        if value is None:
            raise ConfigurationError(f"ORION_{name.upper()} is not set. Set it in .env, or start everything with `orion demo`.")
        return value.get_secret_value()

    @functools.cached_property
    def secret_key(self) -> bytes:
        """The installation's secret, read from `secret_key_file`."""
        return read_key(self.secret_key_file, "ORION_SECRET_KEY_FILE")

    @functools.cached_property
    def mail_api_token(self) -> str:
        """The token of the mail provider's API, read from `mail_api_token_file`."""
        if self.mail_api_token_file is None:
            raise ConfigurationError("ORION_MAIL_API_TOKEN_FILE is not set. Write the provider's token to a file, mode 0600, and name it.")
        return read_key(self.mail_api_token_file, "ORION_MAIL_API_TOKEN_FILE").decode("ascii", "replace")

    @functools.cached_property
    def mail_webhook_secret(self) -> bytes | None:
        """The password with which the mail provider calls our webhook, None while there is no webhook."""
        if self.mail_webhook_secret_file is None:
            return None
        return read_key(self.mail_webhook_secret_file, "ORION_MAIL_WEBHOOK_SECRET_FILE")

    @functools.cached_property
    def pin_pepper(self) -> bytes:
        """The pepper of staff PINs, read from `pin_pepper_file`; it is never stored in the database."""
        return read_key(self.pin_pepper_file, "ORION_PIN_PEPPER_FILE")

    def derive_key(self, purpose: str) -> bytes:
        """Return a 256-bit key for one `purpose`, derived from the installation's secret."""
        return hmac.new(self.secret_key, purpose.encode(), hashlib.sha256).digest()


def read_key(path: Path, variable: str) -> bytes:
    """Return the key in the file `path`; ConfigurationError when it is missing, short, a default, or readable by others."""
    if not path.is_file():
        raise ConfigurationError(
            f"{variable}: there is no file {path}. Create one: head -c 32 /dev/urandom | base64 > {path}; chmod 600 {path}"
        )
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigurationError(f"{variable}: {path} has mode {mode:04o} and others can read it. Fix: chmod 600 {path}")
    key = path.read_bytes().strip()
    if len(key) < MIN_SECRET_BYTES or len(set(key)) < MIN_SECRET_BYTES // 4 or b"change" in key.lower():
        raise ConfigurationError(
            f"{variable}: {path} holds a default or short secret. Write 32 random bytes: head -c 32 /dev/urandom | base64 > {path}"
        )
    return key


@functools.lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the process's settings, read once."""
    return Settings()
