"""What a call to the outside world can come to, named after what the caller can do about it.

A write that never left this machine (connection refused, no such host, a log-in that failed first) is ``Unreachable``,
a kind of ``RateLimited``: the post is certainly not there, and ``until`` says when trying again makes sense.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

AGAIN = timedelta(seconds=15)
"""When to try again where nobody said when."""


class IntegrationError(Exception):
    """An integration could not do what was asked. Messages hold no secrets and say the next step."""


class Misconfigured(IntegrationError):
    """The settings or credentials are wrong; nothing was sent. Mend them and run ``fireline check``."""


class Refused(IntegrationError):
    """The platform said no, and the post is certainly not there. Sending the same again will fail again."""


class RateLimited(IntegrationError):
    """The platform did not take it now, and the post is certainly not there. ``until`` is when to come back (UTC).

    Of a thread, earlier parts may be there; publishing again under the same key finishes it.
    """

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class Unreachable(RateLimited):
    """Nothing was sent: no connection or no log-in came about. Try again from ``until`` (UTC) on."""

    def __init__(self, message: str, until: datetime | None = None) -> None:
        super().__init__(message, until or datetime.now(UTC) + AGAIN)


class Unknown(IntegrationError):
    """There was no clear answer: the post may or may not be there. Look it up before anything is sent again.

    ``status`` is the HTTP status of an answer that told nothing; 0 when there was no answer at all.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def before_sending() -> Iterator[None]:
    """Around reads and log-ins that precede a write: no clear answer there means that nothing was sent."""
    try:
        yield
    except Unknown as error:
        raise Unreachable(f"nothing was sent: {error}") from error


@contextmanager
def looking_up() -> Iterator[None]:
    """Around ``find``: a look-up that fails, in whatever way, says nothing about the post, so it is ``Unknown``."""
    try:
        yield
    except Unknown:
        raise
    except IntegrationError as error:
        raise Unknown(f"it could not be looked up: {error}") from error
