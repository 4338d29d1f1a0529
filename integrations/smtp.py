"""E-mail over SMTP: statements to one address or, recipient by recipient, to many; and notices to stakeholders.

Promises: at most once. A mail cannot be looked up, so once the message itself is on its way, silence is ``Unknown`` and
a human decides; before that, a failure means that nothing was sent. Rules: RFC 5321; for the mails themselves see
``integrations.mail``.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

import aiosmtplib
from aiosmtplib import SMTPDataError, SMTPRecipientRefused, SMTPResponse, SMTPResponseException
from pydantic import Field, SecretStr, field_validator, model_validator

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.mailing import RecipientList
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations import mail
from integrations.http import redact, secrets_of
from integrations.mailing import Audience, Mailing
from integrations.outcomes import IntegrationError, Misconfigured, RateLimited, Refused, Unknown, Unreachable
from integrations.pacing import Pacer
from integrations.protocols import Health, Message, hold_to
from integrations.smtp_line import SmtpLine

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class SmtpSettings(mail.Letterhead):
    """Settings of an e-mail channel or notifier."""

    base_url: str = Field(
        examples=["smtps://mail.example.com"],
        description="The mail server: smtp://host:587, or smtps://host:465 for TLS from the start",
    )
    timeout: float = Field(default=30.0, gt=0, le=300, description="Seconds each step of a transmission may take")
    username: str = Field(default="", description="Log in as; empty: no log-in")
    password: SecretStr = Field(default=SecretStr(""), description="Password of username")
    start_tls: Literal["auto", "always", "never"] = Field(
        default="auto", description="Encrypt after connecting: when offered, always, or never"
    )

    @field_validator("base_url")
    @classmethod
    def _server(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme not in {"smtp", "smtps"} or not url.hostname or url.path.strip("/") or url.username:
            raise ValueError("must be smtp://host:port or smtps://host:port, without user or path")
        url.port  # noqa: B018 - raises ValueError when it is no port
        return value.rstrip("/")

    @model_validator(mode="after")
    def _guarded_password(self) -> Self:
        url = urlsplit(self.base_url)
        if self.username and self.start_tls == "never" and url.scheme == "smtp" and url.hostname not in _LOOPBACK:
            raise ValueError("the password would go out unencrypted; set start_tls to always or use smtps://")
        return self


class Smtp:
    """A ``Publisher``, a ``Mailer`` and a ``Notifier``."""

    kind: ClassVar[str] = "smtp"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.AT_MOST_ONCE
    settings_model: ClassVar[type[SmtpSettings]] = SmtpSettings
    platform_limits: ClassVar[Limits] = mail.LIMITS

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._secrets = secrets_of(settings)
        url = urlsplit(settings.base_url)
        self._host, self._tls = url.hostname or "", url.scheme == "smtps"
        self._port = url.port or (465 if self._tls else 25)
        self._audience = Audience(settings)

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        recipient = mail.address_of(rendering)
        return await self._send(mail.statement(rendering, key, self._settings), recipient)

    async def audience(self) -> RecipientList:
        return await self._audience.read()

    async def mailing(self, rendering: Rendering, key: str) -> Mailing:
        hold_to(self.limits, rendering)
        letters = mail.Letters(rendering, key, self._settings)
        lines = [
            SmtpLine(self._settings.sender, letters, self._secrets, connect=self._connect, no=self._refusal)
            for _ in range(self._settings.connections)
        ]
        return Mailing(mail.message_id(key, self._settings), tuple(lines), Pacer(self._settings.pace))

    async def notify(self, message: Message, route: Route) -> Receipt:
        return await self._send(mail.notice(message, route.address, self._settings), route.address)

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        raise Unknown(
            "a mail cannot be looked up: search the mail server's log for Message-ID "
            f"{mail.message_id(key, self._settings)}, or ask a recipient"
        )

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        raise Refused("a mail cannot be changed once sent; send a correction")

    async def withdraw(self, receipt: Receipt) -> None:
        raise Refused("a mail cannot be taken back; send a correction")

    async def check(self) -> Health:
        try:
            async with self._connected() as client:
                await client.mail(self._settings.sender)
                await client.rset()
            to = f"; {(await self.audience()).says}" if self._audience.named else ""
        except (IntegrationError, aiosmtplib.SMTPException) as error:
            return Health(ok=False, says=redact(str(error), self._secrets))
        login = f", logged in as {self._settings.username}" if self._settings.username else ""
        return Health(ok=True, says=f"{self._host}:{self._port} takes mail from {self._settings.sender}{login}{to}")

    async def close(self) -> None:
        """Nothing is held open."""

    async def _send(self, letter: EmailMessage, recipient: str) -> Receipt:
        async with self._connected() as client:
            await self._envelope(client, recipient)
            try:
                answer = await client.data(letter.as_bytes())
            except SMTPDataError as error:
                raise self._no(error, "the message") from None
            except (aiosmtplib.SMTPException, OSError) as error:
                why = redact(str(error), self._secrets)
                raise Unknown(f"no clear answer from {self._host} after the message was on its way: {why}") from None
        raw: dict[str, Any] = {"parts": [letter["Message-ID"]], "answer": redact(answer.message, self._secrets)}
        return Receipt(id=letter["Message-ID"], accepted_at=datetime.now(UTC), raw=raw)

    async def _envelope(self, client: aiosmtplib.SMTP, recipient: str) -> None:
        """Name sender and recipient; raises when either is refused."""
        try:
            await client.mail(self._settings.sender)
            await client.rcpt(str(mail.address(recipient)))
        except SMTPRecipientRefused as error:
            raise self._no(error, "the recipient") from None
        except SMTPResponseException as error:
            raise self._no(error, "the sender") from None
        except (UnicodeEncodeError, ValueError):
            raise Refused(f"{redact(recipient, ())!r} cannot be written to; nothing was sent") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unreachable(
                f"nothing was sent, {self._host} broke off: {redact(str(error), self._secrets)}"
            ) from None

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        client = await self._connect()
        try:
            yield client
            await _leave(client)
        finally:
            client.close()

    async def _connect(self) -> aiosmtplib.SMTP:
        """A connection, logged in and greeted."""
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            timeout=self._settings.timeout,
            use_tls=self._tls,
            start_tls={"auto": None, "always": True, "never": False}[self._settings.start_tls]
            if not self._tls
            else None,
            local_hostname=self._settings.sender.partition("@")[2],
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await _greet(client)
            if self._settings.username:
                await self._log_in(client)
        except SMTPResponseException as error:
            client.close()
            raise self._no(error, "the connection") from None
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            client.close()
            why = f"{self._host}:{self._port} cannot be used: {redact(str(error), self._secrets)}"
            if type(error) is aiosmtplib.SMTPException:  # raised where the server lacks STARTTLS or AUTH
                raise Misconfigured(f"{why}; mend start_tls or username") from None
            raise Unreachable(f"nothing was sent, {why}") from None
        except BaseException:
            client.close()
            raise
        return client

    async def _log_in(self, client: aiosmtplib.SMTP) -> None:
        if client.get_transport_info("sslcontext") is None and self._host not in _LOOPBACK:
            raise Misconfigured(f"{self._host} offers no encryption, so the password was not sent; use smtps://")
        try:
            await client.login(self._settings.username, self._settings.password.get_secret_value())
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code < 500:
                raise
            raise Misconfigured(
                f"{self._host} refused the log-in as {self._settings.username} ({error.code})"
            ) from None

    def _refusal(self, reply: SMTPResponse, what: str) -> IntegrationError:
        return self._no(SMTPResponseException(reply.code, reply.message), what)

    def _no(self, error: SMTPResponseException, what: str) -> IntegrationError:
        """A negative reply: the server has taken no responsibility for the mail (RFC 5321 §4.2.1)."""
        says = f"{self._host} answered {error.code} to {what}: {redact(error.message, self._secrets)}"
        if 400 <= error.code < 500:
            return Unreachable(f"not taken now, {says}") if what == "the connection" else _later(says)
        if error.code in {530, 535, 538}:
            return Misconfigured(f"{says}. Check username and password")
        return Refused(says)


def _later(says: str) -> RateLimited:
    """Grey-listing and full queues ask for minutes, not seconds (RFC 6647 §2.1)."""
    return RateLimited(f"not taken now, {says}", datetime.now(UTC) + timedelta(minutes=2))


async def _greet(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:  # a server of before 1995
        await client.helo()


async def _leave(client: aiosmtplib.SMTP) -> None:
    try:
        await client.quit(timeout=2)
    except (aiosmtplib.SMTPException, OSError):
        return
