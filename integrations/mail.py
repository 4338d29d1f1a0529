"""E-mails as they are written, whichever service carries them: statements to a list, notices to stakeholders.

Promises: text from outside adds no header and no recipient; mails of one incident form one thread; a recipient never
sees another one. Rules: RFC 5322 (headers), 2369 and 2919 (lists), 3834 (automatic mail), 8058 (one-click unsubscribe).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from crisis.counting import Limits, Unit
from crisis.pictures import MediaType, Picture, PictureLimits
from crisis.statement import Rendering
from integrations.http import redact
from integrations.outcomes import Misconfigured, Refused
from integrations.pacing import Pace
from integrations.protocols import Message

LIMITS = Limits(
    length=48_000,  # the least that every mail server must take; the encoded message is about a third longer
    unit=Unit.BYTES,
    subject=255,
    html=True,
    pictures=PictureLimits(
        most=4,
        size=1_000_000,  # per reader: providers take 10 to 25 MB, and a mail may go to 100,000 people
        types=frozenset({MediaType.JPEG, MediaType.PNG, MediaType.GIF}),
        alt=1_000,
        address="cid:{name}@fireline",
        source="https://www.rfc-editor.org/rfc/rfc2392",
    ),
    source="https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.7",
)
"""Of a mail that every mail server on its way takes."""
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\n)")
_DOT = re.compile(rb"(?m)^\.")
_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")


class _Ids(UnstructuredHeader, BaseHeader):
    """One message id a line: the standard library encodes long ones, and then no mail program threads by them."""

    def fold(self, *, policy: "Policy[Any]") -> str:
        return f"{self.name}: {f'{policy.linesep} '.join(str(self).split())}{policy.linesep}"


def _wire() -> "EmailPolicy[EmailMessage]":
    registry = HeaderRegistry()
    for name in ("in-reply-to", "references"):
        registry.map_to_type(name, _Ids)
    return SMTP.clone(header_factory=registry)


WIRE = _wire()
"""How a mail is written out."""


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


class Letterhead(BaseModel):
    """Settings that every kind of mail takes: who writes, to whom, and how one leaves the list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sender: str = Field(examples=["news@example.com"], description="Address that mails come from")
    sender_name: str = Field(default="", description="Name shown with it")
    recipients: tuple[str, ...] = Field(
        default=(), description="A channel without an address mails each of these people a statement"
    )
    recipients_file: str = Field(
        default="",
        description="The same from a file: one address a line, or a CSV with a column email; an absolute path",
    )
    reply_to: str = Field(default="", description="Where answers go, when not to the sender")
    list_id: str = Field(default="", description="List-Id of a mailing list, such as status.example.com")
    list_unsubscribe: str = Field(default="", description="https:// or mailto: address to leave the list")
    transactional: bool = Field(
        default=False, description="Safety notices and the like: mailings carry no List-Id and no link to leave"
    )
    connections: int = Field(default=4, ge=1, le=50, description="Connections on which a mailing goes out at once")
    pace: dict[str, Pace] = Field(
        default={}, description='Pace of a mailing by domain ("*": all others): per_minute, at_once'
    )

    @field_validator("sender", "reply_to")
    @classmethod
    def _address(cls, value: str) -> str:
        return value and str(address(value))

    @field_validator("recipients")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(mailbox(one) for one in value)

    @field_validator("recipients_file")
    @classmethod
    def _whole_path(cls, value: str) -> str:
        if value and not Path(value).is_absolute():
            raise ValueError("must be an absolute path, such as /srv/lists/customers.csv")
        return value

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if self.recipients and self.recipients_file:
            raise ValueError("recipients and recipients_file are two lists: set one")
        return self

    @field_validator("list_id", "list_unsubscribe", "sender_name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable() or any(c in value for c in "<>"):
            raise ValueError("must be one line without angle brackets")
        return value


def mailbox(text: str) -> str:
    """An address that any mail server takes: ASCII before the @, the domain in its ASCII form.

    Raises:
        ValueError: it is none.
    """
    written = str(address(text.strip()))
    if written.startswith("@") or written.endswith(".") or "@" not in written or "@." in written:
        raise ValueError(f"{redact(text, ())!r} is no e-mail address; write it like ana@example.com")
    if not written.isascii() or len(written) > 254 or len(written.rpartition("@")[0]) > 64:
        raise ValueError(f"{redact(text, ())!r} is too long, or has letters before the @ that few mail servers take")
    return written


def address_of(rendering: Rendering) -> str:
    """The target's address.

    Raises:
        Misconfigured: it has none: a mailing goes out by itself, recipient by recipient.
    """
    if not rendering.target.address:
        raise Misconfigured("nobody to write to: give the channel an address, recipients or recipients_file")
    return rendering.target.address


def statement(rendering: Rendering, key: str, head: Letterhead) -> EmailMessage:
    """A statement as a mail to the target's address.

    Raises:
        Refused: no subject, or the address is none.
    """
    mail = _statement(rendering, key, head)
    mail["To"] = _to(rendering.target.address)
    mail["Message-ID"] = message_id(key, head)
    if head.list_unsubscribe:
        mail["List-Unsubscribe"] = f"<{head.list_unsubscribe}>"
        if head.list_unsubscribe.startswith("https:"):
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return mail


class Letters:
    """The mails of one mailing: the same to all but for the recipient's own headers, so that each costs little.

    Each has a message id of its own and refers to the mailing's, under which mail programs thread a correction.

    Raises:
        Refused: no subject.
    """

    def __init__(self, rendering: Rendering, key: str, head: Letterhead) -> None:
        mail = _statement(rendering, key, head)
        if "References" not in mail:
            mail["References"] = message_id(key, head)
        if head.transactional:
            del mail["List-Id"]
        same = _LINE_END.sub(b"\r\n", mail.as_bytes())
        self._same = same if same.endswith(b"\r\n") else same + b"\r\n"
        self._same_on_the_wire = _DOT.sub(b"..", self._same) + b".\r\n"
        name, _, domain = message_id(key, head)[1:-1].rpartition("@")
        self._id = f"Message-ID: <{name}.{{}}@{domain}>"
        self._head = head

    def write(self, position: int, to: str, leave: str) -> bytes:
        """The mail to one recipient, an address as ``mailbox`` gives it; ``leave``: their link for leaving the list."""
        return self._own(position, to, leave) + self._same

    def on_the_wire(self, position: int, to: str, leave: str) -> bytes:
        """The same as it goes out after DATA: dots at the start of lines doubled, its end marked (RFC 5321 §4.5.2)."""
        return self._own(position, to, leave) + self._same_on_the_wire

    def _own(self, position: int, to: str, leave: str) -> bytes:
        """The recipient's own headers; none of them begins with a dot."""
        own = f"To: {to}\r\n{self._id.format(position)}\r\n"
        if not self._head.transactional and (leave or self._head.list_unsubscribe):
            ways = [way for way in (leave, self._head.list_unsubscribe) if way]
            own += f"List-Unsubscribe: {', '.join(f'<{way}>' for way in ways)}\r\n"
            if ways[0].startswith("https:"):
                own += "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        return own.encode("ascii")


def _statement(rendering: Rendering, key: str, head: Letterhead) -> EmailMessage:
    """What all mails of a statement have in common."""
    mail = _mail(rendering.subject, _with_alt(rendering), rendering.html, head)
    _show(mail, rendering.media)
    mail["Content-Language"] = _line(rendering.language)
    _thread(mail, head, rendering.options.get("thread", ""), rendering.reply_to)
    if head.list_id:
        mail["List-Id"] = f"<{head.list_id}>"
    return mail


def notice(message: Message, recipient: str, head: Letterhead) -> EmailMessage:
    """A notice as a mail to one person; raises like ``statement``."""
    html = message.html
    if html and message.link and escape(message.link) not in html and message.link not in html:
        html += f'<p><a href="{escape(message.link)}">{escape(message.link)}</a></p>'
    mail = _mail(message.subject, message.full_text, html, head)
    mail["Message-ID"] = message_id(message.key, head)
    mail["To"] = _to(recipient)
    _thread(mail, head, message.thread, "")
    return mail


def message_id(key: str, head: Letterhead) -> str:
    """The ``Message-ID`` of the mail sent under ``key``: always the same."""
    plain = key if key.isascii() and key.isalnum() and len(key) <= 64 else sha256(key.encode()).hexdigest()
    return f"<{plain}@{head.sender.partition('@')[2]}>"


def _mail(subject: str, text: str, html: str, head: Letterhead) -> EmailMessage:
    if not _line(subject):
        raise Refused("a mail needs a subject; nothing was sent")
    mail = EmailMessage(policy=WIRE)
    name, _, domain = head.sender.partition("@")
    mail["From"] = Address(head.sender_name, name, domain)
    mail["Subject"] = _line(subject)
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if head.reply_to:
        mail["Reply-To"] = head.reply_to
    mail.set_content(text, cte="quoted-printable")
    if html:
        mail.add_alternative(html, subtype="html", cte="quoted-printable")
    return mail


def _with_alt(rendering: Rendering) -> str:
    """The plain text, with what the pictures show for those who see no HTML."""
    return "\n\n".join((rendering.text, *(f"[{picture.alt}]" for picture in rendering.media)))


def _show(mail: EmailMessage, media: Sequence[Picture]) -> None:
    """The pictures that the HTML shows, inside the mail: nothing is fetched from anywhere when it is read."""
    page = mail.get_body(preferencelist=("html",))
    if not isinstance(page, EmailMessage):
        return
    for picture in media:
        kind = picture.media_type.value.removeprefix("image/")
        cid = f"<{picture.name}@fireline>"
        page.add_related(picture.content, "image", kind, cid=cid, filename=picture.name, disposition="inline")


def _to(recipient: str) -> Address:
    try:
        return address(recipient)
    except ValueError as error:
        raise Refused(f"{error}; nothing was sent") from None


def _thread(mail: EmailMessage, head: Letterhead, incident: str, reply_to: str) -> None:
    """Hang the mail under one made-up root per incident, which every mail program shows as one thread."""
    root = message_id(f"thread {incident}", head) if incident else ""
    answered = reply_to if _ID.fullmatch(reply_to) else ""
    if root or answered:
        mail["In-Reply-To"] = answered or root
        mail["References"] = " ".join(r for r in (root, answered) if r)


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
