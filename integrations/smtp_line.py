"""One SMTP connection on which the mails of a mailing go out, one recipient each.

Promises: a recipient the server refuses keeps no other from being written to; only a message that was on its way when
the answer failed to come is ``unknown``. Replies: RFC 5321 §4.2, enhanced codes: RFC 3463.
"""

import re
from collections.abc import Awaitable, Callable

import aiosmtplib
from aiosmtplib import SMTPResponse

from crisis.mailing import RecipientState
from integrations.http import redact
from integrations.mail import Letters
from integrations.mailing import Letter, Sent
from integrations.outcomes import IntegrationError, Unreachable

_NOBODY = re.compile(r"5\.1\.[16]\b")
"""No such mailbox, or it has moved away."""
R = RecipientState
_TAKEN = Sent(R.ACCEPTED)


class SmtpLine:
    """A ``Line``. ``connect`` gives a connection, ``no`` says what a reply means that concerns the sender."""

    def __init__(
        self,
        sender: str,
        letters: Letters,
        secrets: set[str],
        *,
        connect: Callable[[], Awaitable[aiosmtplib.SMTP]],
        no: Callable[[SMTPResponse, str], IntegrationError],
    ) -> None:
        self._from = f"FROM:<{sender}>".encode("ascii")
        self._letters, self._secrets = letters, secrets
        self._connect, self._no = connect, no
        self._client: aiosmtplib.SMTP | None = None

    @property
    def ready(self) -> bool:
        return self._client is not None and self._client.is_connected

    async def open(self) -> None:
        await self.close()
        self._client = await self._connect()

    async def send(self, letter: Letter) -> Sent:
        if self._client is None:
            await self.open()
        client = self._client
        assert client is not None  # noqa: S101 - open() made it
        try:
            reply = await client.execute_command(b"MAIL", self._from)
            if reply.code != 250:
                raise self._left(reply) if reply.code == 421 else self._no(reply, "the sender")
            reply = await client.execute_command(b"RCPT", b"TO:<%s>" % letter.to.encode("ascii"))
            if reply.code == 421:
                raise self._left(reply)
            if reply.code // 100 != 2:
                await self._reset(client)
                return self._refused(reply)
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            why = redact(str(error), self._secrets)
            raise Unreachable(f"nothing was sent, the mail server broke off: {why}") from None
        except ValueError:  # a control character that no list lets through
            client.close()
            return Sent(R.REFUSED, "it cannot be written to")
        return await self._data(client, letter)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            try:
                await client.quit(timeout=2)
            except (aiosmtplib.SMTPException, OSError):
                pass
            finally:
                client.close()

    async def _data(self, client: aiosmtplib.SMTP, letter: Letter) -> Sent:
        """The text itself. aiosmtplib's own ``data`` would look for dots and line ends in every mail anew."""
        try:
            reply = await client.execute_command(b"DATA")
            if reply.code == 354:
                protocol = client.protocol
                if protocol is None:
                    raise aiosmtplib.SMTPServerDisconnected("the connection is gone")
                protocol.write(self._letters.on_the_wire(*letter))
                reply = await protocol.read_response(timeout=client.timeout)
            if reply.code != 250:  # before or after the text: in either case the server did not take it
                if 400 <= reply.code < 600:
                    await self._reset(client)
                    return self._refused(reply)
                raise aiosmtplib.SMTPResponseException(reply.code, reply.message)
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            why = redact(str(error), self._secrets)
            return Sent(R.UNKNOWN, f"no clear answer after the message was on its way: {why}")
        except BaseException:
            client.close()
            raise
        return _TAKEN

    def _left(self, reply: SMTPResponse) -> Unreachable:
        """The server closes the connection, as many do after so many mails; another one may serve."""
        return Unreachable(f"nothing was sent, {self._says(reply)}")

    def _refused(self, reply: SMTPResponse) -> Sent:
        if 400 <= reply.code < 500:
            return Sent(R.PENDING, self._says(reply))
        return Sent(R.REFUSED, self._says(reply), bounced=reply.code >= 500 and bool(_NOBODY.match(reply.message)))

    def _says(self, reply: SMTPResponse) -> str:
        return f"{reply.code} {redact(reply.message, self._secrets)}"

    async def _reset(self, client: aiosmtplib.SMTP) -> None:
        """Leave the transaction, so that the next one can begin; a connection that cannot do so is made anew."""
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, OSError):
            client.close()
