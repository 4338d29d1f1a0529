"""Receivers that count what reaches them: one small loopback server for each delivery class.

They keep the promises their class is about (Mastodon's Idempotency-Key, Bluesky's create-if-absent, Statuspage's
metadata, SMTP's nothing at all) and nothing else, run in threads of their own, and remember every accepted post in
``accepted``, duplicates included. ``faults`` makes the next writes go wrong, each in its own way.
"""

import asyncio
from collections import Counter
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from loopback import LoopThread


class SmtpReceiver(LoopThread):
    """At most once: keeps every mail it was given, however often. ``answers`` are replies to say instead of 250."""

    def __init__(self, **options: Any) -> None:
        self.mails: list[tuple[tuple[str, ...], EmailMessage]] = []
        """Recipients and mail, in the order of arrival."""
        self.mail_answers: list[str] = []
        """Replies to the next MAIL FROM commands."""
        self.rcpt_answers: dict[str, str] = {}
        """Replies to RCPT TO, by address."""
        self.data_answers: list[str] = []
        """Replies to the next messages; what is accepted is decided by the first digit."""
        self._options = options
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def accepted(self) -> Counter[tuple[str, str]]:
        """How often each (recipient, Message-ID) arrived."""
        return Counter((to, str(mail["Message-ID"])) for recipients, mail in self.mails for to in recipients)

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="receiver.test", loop=loop, **self._options), "127.0.0.1", 0
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        await super().stop()

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.mail_answers:
            return self.mail_answers.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.rcpt_answers:
            return self.rcpt_answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.data_answers.pop(0) if self.data_answers else "250 OK"
        if answer.startswith("2"):
            mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
            self.mails.append((tuple(envelope.rcpt_tos), mail))
        return answer
