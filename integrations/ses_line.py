"""One call to Amazon SES at a time, for the mails of a mailing, one recipient each.

SES takes up to fifty recipients a mail, but then all of them see one text and one link to leave the list, and nobody
could tell whose mail bounced; so each gets a mail of their own.
"""

from collections.abc import Awaitable, Callable

from crisis.mailing import RecipientState
from integrations.aws import Rejected
from integrations.mail import Letters
from integrations.mailing import Letter, Sent
from integrations.outcomes import Unknown


class SesLine:
    """A ``Line``. ``send`` sends one raw mail under a key, and raises what ``Aws.write`` raises."""

    ready = True

    def __init__(self, send: Callable[[bytes, list[str], str], Awaitable[str]], letters: Letters, key: str) -> None:
        self._send, self._letters, self._key = send, letters, key

    async def open(self) -> None:
        """SES needs no connection."""

    async def send(self, letter: Letter) -> Sent:
        try:
            await self._send(self._letters.write(*letter), [letter.to], self._key)
        except Unknown as error:
            return Sent(RecipientState.UNKNOWN, str(error))
        except Rejected as error:
            return Sent(RecipientState.REFUSED, str(error))
        return Sent(RecipientState.ACCEPTED)

    async def close(self) -> None:
        """Its client is the channel's."""
