"""Whose session a request belongs to, as ``desk.access`` found it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request

from crisis.access import Session
from crisis.stakeholder import Stakeholder

SIGNED_IN = "fireline.signed_in"
"""Where a request's scope keeps whose session it belongs to."""


@dataclass(frozen=True)
class SignedIn:
    """A session that holds, and who has it."""

    session: Session
    person: Stakeholder | None
    """None for whoever came with the desk key."""


def real_now() -> datetime:
    """Sessions live in real time, whatever the clock of a replay says."""
    return datetime.now(UTC)


def session_of(request: Request) -> Session | None:
    """The session that a request belongs to."""
    signed_in = request.scope.get(SIGNED_IN)
    return signed_in.session if isinstance(signed_in, SignedIn) else None


def person_of(request: Request) -> Stakeholder | None:
    """The stakeholder who is signed in; None for whoever came with the desk key or by a link."""
    signed_in = request.scope.get(SIGNED_IN)
    return signed_in.person if isinstance(signed_in, SignedIn) else None
