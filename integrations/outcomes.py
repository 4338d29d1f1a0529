"""What a call to the outside world can come to, named after what the caller can do about it."""

from datetime import datetime


class IntegrationError(Exception):
    """An integration could not do what was asked. Messages hold no secrets and say the next step."""


class Misconfigured(IntegrationError):
    """The settings or credentials are wrong; nothing was sent. Mend them and run ``fireline check``."""


class Refused(IntegrationError):
    """The platform said no, and the post is certainly not there. Sending the same again will fail again."""


class RateLimited(IntegrationError):
    """The platform did not take it now, and the post is certainly not there. ``until`` is when to come back (UTC)."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class Unknown(IntegrationError):
    """There was no clear answer: the post may or may not be there. Look it up before anything is sent again."""
