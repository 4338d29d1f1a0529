"""E-mail over SMTP: statements to a mailing list or a set of recipients, and notices to stakeholders.

Promises: at most once. A mail cannot be looked up, so once the message itself is on its way, silence is ``Unknown`` and
a human decides; before that, a failure means that nothing was sent. Text from outside can add no header and no
recipient. Mails of one incident form one thread. Rules: RFC 5321 (SMTP), 5322 (headers), 2369 and 2919 (lists), 3834
(automatic mail), 8058 (one-click unsubscribe).
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from hashlib import sha256
from html import escape
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

import aiosmtplib
from aiosmtplib import SMTPDataError, SMTPRecipientRefused, SMTPResponseException
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.http import redact, secrets_of
from integrations.outcomes import IntegrationError, Misconfigured, RateLimited, Refused, Unknown, Unreachable
from integrations.protocols import Health, Message, hold_to

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def address(text: str) -> Address:
    """An e-mail address, ``ana@example.com`` with nothing around it.

    Raises:
        ValueError: it is none.
    """
    if not text.isprintable() or any(c in text for c in " <>,;\"'()[]:\\") or text.count("@") != 1:
        raise ValueError(f"{redact(text, ())!r} is no e-mail address; write it like ana@example.com")
    name, _, domain = text.partition("@")
    try:
        return Address(username=name, domain=domain.encode("idna").decode("ascii"))
    except (ValueError, IndexError, TypeError):
        raise ValueError(f"{redact(text, ())!r} is no e-mail address; write it like ana@example.com") from None


class SmtpSettings(BaseModel):
    """Settings of an e-mail channel or notifier."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(
        examples=["smtps://mail.example.com"],
        description="The mail server: smtp://host:587, or smtps://host:465 for TLS from the start",
    )
    timeout: float = Field(default=30.0, gt=0, le=300, description="Seconds each step of a transmission may take")
    sender: str = Field(examples=["news@example.com"], description="Address that mails come from")
    sender_name: str = Field(default="", description="Name shown with it")
    username: str = Field(default="", description="Log in as; empty: no log-in")
    password: SecretStr = Field(default=SecretStr(""), description="Password of username")
    start_tls: Literal["auto", "always", "never"] = Field(
        default="auto", description="Encrypt after connecting: when offered, always, or never"
    )
    recipients: tuple[str, ...] = Field(
        default=(), description="Who gets a statement whose target names no address; each mail hides the others"
    )
    reply_to: str = Field(default="", description="Where answers go, when not to the sender")
    list_id: str = Field(default="", description="List-Id of a mailing list, such as status.example.com")
    list_unsubscribe: str = Field(default="", description="https:// or mailto: address to leave the list")

    @field_validator("base_url")
    @classmethod
    def _server(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme not in {"smtp", "smtps"} or not url.hostname or url.path.strip("/") or url.username:
            raise ValueError("must be smtp://host:port or smtps://host:port, without user or path")
        url.port  # noqa: B018 - raises ValueError when it is no port
        return value.rstrip("/")

    @field_validator("sender", "reply_to")
    @classmethod
    def _address(cls, value: str) -> str:
        return value and str(address(value))

    @field_validator("recipients")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(address(one)) for one in value)

    @field_validator("list_id", "list_unsubscribe", "sender_name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable() or any(c in value for c in "<>"):
            raise ValueError("must be one line without angle brackets")
        return value

    @model_validator(mode="after")
    def _guarded_password(self) -> Self:
        url = urlsplit(self.base_url)
        if self.username and self.start_tls == "never" and url.scheme == "smtp" and url.hostname not in _LOOPBACK:
            raise ValueError("the password would go out unencrypted; set start_tls to always or use smtps://")
        return self


class Smtp:
    """A ``Publisher`` and a ``Notifier``."""

    kind: ClassVar[str] = "smtp"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.AT_MOST_ONCE
    settings_model: ClassVar[type[SmtpSettings]] = SmtpSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=48_000,  # the least that every mail server must take; the encoded message is about a third longer
        unit=Unit.BYTES,
        subject=255,
        html=True,
        source="https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.7",
    )

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._secrets = secrets_of(settings)
        url = urlsplit(settings.base_url)
        self._host, self._tls = url.hostname or "", url.scheme == "smtps"
        self._port = url.port or (465 if self._tls else 25)

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        target = rendering.target.address
        recipients = (target,) if target else self._settings.recipients
        if not recipients:
            raise Misconfigured("nobody to write to: give the target an address or set recipients")
        mail = self._mail(key, rendering.subject, rendering.text, rendering.html)
        mail["To"] = self._to(target)
        mail["Content-Language"] = _line(rendering.language)
        self._thread(mail, rendering.options.get("thread", ""), rendering.reply_to)
        if self._settings.list_id:
            mail["List-Id"] = f"<{self._settings.list_id}>"
        if self._settings.list_unsubscribe:
            mail["List-Unsubscribe"] = f"<{self._settings.list_unsubscribe}>"
            if self._settings.list_unsubscribe.startswith("https:"):
                mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return await self._send(mail, recipients)

    async def notify(self, message: Message, route: Route) -> Receipt:
        html = message.html
        if html and message.link and escape(message.link) not in html and message.link not in html:
            html += f'<p><a href="{escape(message.link)}">{escape(message.link)}</a></p>'
        mail = self._mail(message.key, message.subject, message.full_text, html)
        mail["To"] = self._to(route.address)
        self._thread(mail, message.thread, "")
        return await self._send(mail, (route.address,))

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        raise Unknown(
            f"a mail cannot be looked up: search the mail server's log for Message-ID {self._message_id(key)}, "
            "or ask a recipient"
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
        except (IntegrationError, aiosmtplib.SMTPException) as error:
            return Health(ok=False, says=redact(str(error), self._secrets))
        login = f", logged in as {self._settings.username}" if self._settings.username else ""
        return Health(ok=True, says=f"{self._host}:{self._port} takes mail from {self._settings.sender}{login}")

    async def close(self) -> None:
        """Nothing is held open."""

    def _mail(self, key: str, subject: str, text: str, html: str) -> EmailMessage:
        if not _line(subject):
            raise Refused("a mail needs a subject; nothing was sent")
        mail = EmailMessage(policy=WIRE)
        name, _, domain = self._settings.sender.partition("@")
        mail["From"] = Address(self._settings.sender_name, name, domain)
        mail["Subject"] = _line(subject)
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = self._message_id(key)
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        if self._settings.reply_to:
            mail["Reply-To"] = self._settings.reply_to
        mail.set_content(text, cte="quoted-printable")
        if html:
            mail.add_alternative(html, subtype="html", cte="quoted-printable")
        return mail

    def _to(self, recipient: str) -> Address | str:
        if not recipient:
            return "undisclosed-recipients:;"
        try:
            return address(recipient)
        except ValueError as error:
            raise Refused(f"{error}; nothing was sent") from None

    def _message_id(self, key: str) -> str:
        plain = key if key.isascii() and key.isalnum() and len(key) <= 64 else sha256(key.encode()).hexdigest()
        return f"<{plain}@{self._settings.sender.partition('@')[2]}>"

    def _thread(self, mail: EmailMessage, incident: str, reply_to: str) -> None:
        """Hang the mail under one made-up root per incident, which every mail program shows as one thread."""
        root = self._message_id(f"thread {incident}") if incident else ""
        answered = _line(reply_to) if reply_to.startswith("<") and reply_to.endswith(">") else ""
        if root or answered:
            mail["In-Reply-To"] = answered or root
            mail["References"] = " ".join(r for r in (root, answered) if r)

    async def _send(self, mail: EmailMessage, recipients: tuple[str, ...]) -> Receipt:
        async with self._connected() as client:
            refused = await self._envelope(client, recipients)
            try:
                answer = await client.data(mail.as_bytes())
            except SMTPDataError as error:
                raise self._no(error, "the message") from None
            except (aiosmtplib.SMTPException, OSError) as error:
                why = redact(str(error), self._secrets)
                raise Unknown(f"no clear answer from {self._host} after the message was on its way: {why}") from None
        raw: dict[str, Any] = {"parts": [mail["Message-ID"]], "answer": redact(answer.message, self._secrets)}
        if refused:
            raw["refused"] = refused
        return Receipt(id=mail["Message-ID"], accepted_at=datetime.now(UTC), raw=raw)

    async def _envelope(self, client: aiosmtplib.SMTP, recipients: tuple[str, ...]) -> dict[str, str]:
        """Name sender and recipients; returns who was refused, raises when that is everybody."""
        refused: dict[str, str] = {}
        last: SMTPResponseException | None = None
        try:
            await client.mail(self._settings.sender)
            for recipient in recipients:
                try:
                    await client.rcpt(str(address(recipient)))
                except SMTPRecipientRefused as error:
                    refused[recipient], last = f"{error.code} {redact(error.message, self._secrets)}", error
                except (UnicodeEncodeError, ValueError):
                    raise Refused(f"{redact(recipient, ())!r} cannot be written to; nothing was sent") from None
        except SMTPResponseException as error:
            raise self._no(error, "the sender") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unreachable(
                f"nothing was sent, {self._host} broke off: {redact(str(error), self._secrets)}"
            ) from None
        if last and len(refused) == len(recipients):
            raise self._no(last, "every recipient")
        return refused

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
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
        try:
            yield client
            await _leave(client)
        finally:
            client.close()

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


async def _leave(client: aiosmtplib.SMTP) -> None:
    try:
        await client.quit(timeout=2)
    except (aiosmtplib.SMTPException, OSError):
        return


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
