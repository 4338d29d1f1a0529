"""Who may see what: incidents that only named people see, viewers bound to watches, and what a program's token may do.

An incident is open to everybody who may use the desk, unless it is *restricted*. Then its lead sees it, the people named,
and whoever holds a named role on its watch; nobody else, and never a visitor whom the desk does not know by name.
"""

from datetime import timedelta
from enum import StrEnum

from crisis.stakeholder import Stakeholder
from crisis.values import Frozen, Names, UtcDatetime

VIEWER = "viewer"
"""The role of people who look and do nothing; one bound to watches sees only incidents of those."""


class Scope(StrEnum):
    """What a program's token may do. No scope lets one decide on a statement."""

    READ = "read"
    """Read incidents that are not restricted."""
    INGEST = "ingest"
    """Hand in posts."""


class Restriction(Frozen):
    """Who alone sees one incident."""

    incident: str
    people: Names = ()
    """By e-mail address."""
    roles: Names = ()
    """Whoever holds one of them on the incident's watch."""
    by: str
    at: UtcDatetime
    reason: str = ""

    @property
    def circle(self) -> tuple[frozenset[str], frozenset[str]]:
        """Who is named, whatever the order."""
        return frozenset(self.people), frozenset(self.roles)


def may_see(person: Stakeholder | None, *, watch: str, lead: str, restriction: Restriction | None) -> bool:
    """Whether ``person`` may see an incident of ``watch`` that ``lead`` leads; None is somebody without a name."""
    if restriction is None:
        return person is None or sees_watch(person, watch)
    if person is None:
        return False
    mine = person.email.casefold()
    named = mine == lead.casefold() or mine in {email.casefold() for email in restriction.people}
    return named or bool(set(person.roles_on(watch)) & set(restriction.roles))


def sees_watch(person: Stakeholder, watch: str) -> bool:
    """Whether somebody sees what is not restricted on ``watch``: everybody does, but for viewers of other watches."""
    return VIEWER not in person.roles or not person.watches or watch in person.watches or watch in person.watch_roles


class Method(StrEnum):
    """How somebody came in."""

    KEY = "desk_key"
    """With the installation's key: somebody on its machine, without a name."""
    LINK = "email_link"
    OIDC = "oidc"


class Session(Frozen):
    """A browser that is signed in. Times are real times, whatever the clock of a replay says."""

    id: str
    """Public: the secret is the cookie's, and only its hash is kept."""
    person: str = ""
    """By e-mail address; empty for whoever came with the desk key."""
    method: Method
    agent: str = ""
    """What the browser calls itself."""
    address: str = ""
    began_at: UtcDatetime
    seen_at: UtcDatetime
    ends_at: UtcDatetime
    ended_at: UtcDatetime | None = None

    def lives(self, now: UtcDatetime, idle: timedelta) -> bool:
        """Whether it is good at ``now``: not ended, not too old, and used within ``idle``."""
        return self.ended_at is None and now < self.ends_at and now - self.seen_at < idle


class Token(Frozen):
    """A program's token. Times are real times."""

    id: str
    """Public, and part of the token, so that one that was found somewhere can be revoked."""
    name: str
    scopes: tuple[Scope, ...]
    made_by: str
    made_at: UtcDatetime
    expires_at: UtcDatetime | None = None
    used_at: UtcDatetime | None = None
    used_from: str = ""
    """Addresses that it came from, with spaces between, the last one at the end."""
    revoked_at: UtcDatetime | None = None

    def lives(self, now: UtcDatetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
