"""SMTP: the standard library's client in a thread, its connections kept for the next mail.

Addresses: `smtp://user:password@host:587` (STARTTLS when the server offers it, and always when there is a password to protect),
`smtps://host:465` (TLS from the start). `?tls=required` insists on STARTTLS, `?tls=off` does without, on a trusted network.
"""

import asyncio
import contextlib
import ipaddress
import re
import smtplib
import ssl
import threading
import time
from urllib.parse import parse_qs, unquote, urlsplit

from app.core.config import ConfigurationError
from app.modules.messaging.domain.delivery import Delivery
from app.modules.messaging.domain.message import OutgoingMail
from app.modules.messaging.errors import PermanentFailure, TemporaryFailure

STEP_SECONDS = 10.0
WHOLE_SECONDS = 40.0
IDLE_SECONDS = 30.0
MAX_IDLE = 16
NO_SUCH_MAILBOX, MAILBOX_FULL = (550, 551, 553), 552
ADDRESS_STATUS, MAILBOX_STATUS, MAILBOX_DISABLED = "5.1.", "5.2.", "5.2.1"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ENHANCED = re.compile(rb"^([245]\.\d{1,3}\.\d{1,3})\b")


class _Refusal(Exception):
    """An answer of the server other than success; `reason` is the codes without its text, which may repeat the address."""

    def __init__(self, code: int, answer: bytes) -> None:
        found = _ENHANCED.match(answer or b"")
        self.code = code
        self.enhanced = found[1].decode() if found else ""
        self.is_permanent = 500 <= code <= 599
        self.reason = f"smtp_{code}" + (f"_{self.enhanced}" if found else "")
        super().__init__(self.reason)

    @property
    def bounce(self) -> Delivery | None:
        """What a refused recipient says about the address (RFC 3463): nobody there, a full mailbox, or nothing.

        A server that refuses us by its policy (5.7) says the same to every address: none of them is to blame.
        """
        if self.enhanced.startswith(ADDRESS_STATUS) or (not self.enhanced and self.code in NO_SUCH_MAILBOX):
            return Delivery.HARD_BOUNCE
        if self.enhanced.startswith(MAILBOX_STATUS) or (not self.enhanced and self.code == MAILBOX_FULL):
            return Delivery.HARD_BOUNCE if self.enhanced == MAILBOX_DISABLED else Delivery.SOFT_BOUNCE
        return None


class SmtpProvider:
    """One SMTP server. Safe to use from several tasks and threads; one connection serves one mail at a time."""

    name = "smtp"

    def __init__(self, url: str, *, own_host: str = "localhost", step_seconds: float = STEP_SECONDS) -> None:
        """Read `url`; ConfigurationError when it is no SMTP address. `own_host` is what we call ourselves in the greeting."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ConfigurationError("ORION_SMTP_URL must look like smtp://user:password@host:587 or smtps://host:465")
        self._is_tls = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or (465 if self._is_tls else 587)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._tls = parse_qs(parts.query).get("tls", ["auto"])[0]
        self._own_host = f"[{own_host}]" if _is_ip(own_host) else own_host  # given: the library would ask the DNS, without a time-out
        self._step_seconds = step_seconds
        self._idle: list[tuple[float, smtplib.SMTP]] = []
        self._lock = threading.Lock()

    async def send(self, mail: OutgoingMail) -> str:
        """Hand `mail` over and return the server's queue id or answer; see MailProvider."""
        return await asyncio.to_thread(self._send, mail)

    async def close(self) -> None:
        """Close the kept connections."""
        with self._lock:
            connections = [connection for _, connection in self._idle]
            self._idle.clear()
        for connection in connections:
            await asyncio.to_thread(_close, connection)

    def _send(self, mail: OutgoingMail) -> str:
        deadline = time.monotonic() + WHOLE_SECONDS
        try:
            connection = self._begin(mail.sender, deadline)
            try:
                answer = self._deliver(connection, mail, deadline)
            except BaseException:
                _close(connection)
                raise
            self._keep(connection)
            return answer
        except smtplib.SMTPResponseException as error:  # greeting, STARTTLS or sign-in: our set-up, not this mail's fault
            raise TemporaryFailure(f"smtp_{error.smtp_code}") from error
        except ssl.SSLError as error:
            raise TemporaryFailure("smtp_tls") from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            is_late = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)  # smtplib wraps it
            raise TemporaryFailure("smtp_timeout" if is_late else "smtp_connection") from error

    def _begin(self, sender: str, deadline: float) -> smtplib.SMTP:
        """Return a connection that has taken the sender. Nothing of the mail has left by then: a kept one that is gone is replaced."""
        while (kept := self._pop_kept()) is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._step(kept, deadline)
                if kept.mail(sender)[0] == 250:
                    return kept
            _close(kept)
        connection = self._connect(deadline)
        try:
            self._step(connection, deadline)
            _expect(connection.mail(sender))
        except _Refusal as refusal:  # a refused sender is our set-up, not this mail's fault
            _close(connection)
            raise TemporaryFailure(refusal.reason) from refusal
        except BaseException:
            _close(connection)
            raise
        return connection

    def _deliver(self, connection: smtplib.SMTP, mail: OutgoingMail, deadline: float) -> str:
        """The rest of one transaction. Only an answer to this recipient or this content can be final."""
        try:
            self._step(connection, deadline)
            self._name_recipient(connection, mail.recipient)
            self._step(connection, deadline)
            answer = _expect(_send_content(connection, mail.content))
        except _Refusal as refusal:
            raise (PermanentFailure if refusal.is_permanent else TemporaryFailure)(refusal.reason) from refusal
        return " ".join(answer.decode("utf-8", "replace").split())[:200]

    @staticmethod
    def _name_recipient(connection: smtplib.SMTP, recipient: str) -> None:
        try:
            _expect(connection.rcpt(recipient))
        except _Refusal as refusal:
            if not refusal.is_permanent:
                raise
            raise PermanentFailure(refusal.reason, bounce=refusal.bounce) from refusal

    def _pop_kept(self) -> smtplib.SMTP | None:
        """Return the connection that was used last, if it is still young enough to be worth a try."""
        with self._lock:
            since, connection = self._idle.pop() if self._idle else (0.0, None)
        if connection is None or time.monotonic() - since < IDLE_SECONDS:
            return connection
        _close(connection)
        return self._pop_kept()

    def _keep(self, connection: smtplib.SMTP) -> None:
        with self._lock:
            if len(self._idle) < MAX_IDLE:
                self._idle.append((time.monotonic(), connection))
                return
        _close(connection)

    def _connect(self, deadline: float) -> smtplib.SMTP:
        if self._is_tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, self._own_host, timeout=self._step_seconds, context=ssl.create_default_context()
            )
        else:
            connection = smtplib.SMTP(self._host, self._port, self._own_host, timeout=self._step_seconds)
        try:
            connection.ehlo_or_helo_if_needed()
            self._secure(connection, deadline)
            if self._user:
                self._step(connection, deadline)
                connection.login(self._user, self._password)
        except BaseException:
            _close(connection)
            raise
        return connection

    def _secure(self, connection: smtplib.SMTP, deadline: float) -> None:
        """Start TLS where the server offers it; refuse to show a password, or to go on, where it must be and cannot be had."""
        if self._is_tls or self._tls == "off":
            return
        if connection.has_extn("starttls"):
            self._step(connection, deadline)
            connection.starttls(context=ssl.create_default_context())
            connection.ehlo()
        elif self._tls == "required" or (self._user and self._host not in LOOPBACK):
            raise TemporaryFailure("smtp_no_tls")

    def _step(self, connection: smtplib.SMTP, deadline: float) -> None:
        """Bound the next answer's time, and with it the whole mail's: a worker's lease must outlast it."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:
            connection.sock.settimeout(min(self._step_seconds, left))


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _send_content(connection: smtplib.SMTP, content: bytes) -> tuple[int, bytes]:
    try:
        return connection.data(content)
    except smtplib.SMTPDataError as error:
        answer = error.smtp_error
        return error.smtp_code, answer if isinstance(answer, bytes) else answer.encode()


def _expect(answer: tuple[int, bytes]) -> bytes:
    """Return the text of a positive answer; _Refusal for any other."""
    code, text = answer
    if not 200 <= code <= 299:
        raise _Refusal(code, text)
    return text


def _close(connection: smtplib.SMTP) -> None:
    with contextlib.suppress(OSError, smtplib.SMTPException):
        if connection.sock is not None:
            connection.sock.settimeout(1.0)
        connection.quit()
    connection.close()
