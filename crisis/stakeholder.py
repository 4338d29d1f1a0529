"""Stakeholders: who is told, by which route, under which conditions."""

from pydantic import Field

from crisis.values import CrisisType, Frozen, Names, Severity


class Route(Frozen):
    """One way to reach somebody: ``email:ana@example.com`` is notifier ``email``, address ``ana@example.com``."""

    notifier: str
    address: str

    @classmethod
    def parse(cls, text: str) -> "Route":
        """Read ``notifier:address``.

        Raises:
            ValueError: there is no colon, or one side is empty.
        """
        notifier, _, address = text.partition(":")
        if not notifier or not address:
            raise ValueError(f"a route is written notifier:address, such as email:ana@example.com, not {text!r}")
        return cls(notifier=notifier, address=address)

    def __str__(self) -> str:
        return f"{self.notifier}:{self.address}"


class Stakeholder(Frozen):
    """A person or group with a role and conditions under which they are told."""

    name: str
    email: str
    """Identity as well as address: approvals are recorded under it."""
    roles: Names = ()
    """``incident_lead``, ``comms``, ``legal``, ``support``, ``executive``, ``on_call`` ..."""
    routes: Names = ()
    """``notifier:address``, tried in order; the e-mail address is used when there is none."""
    told_from: Severity = Severity.SEV4
    """Told of incidents at least this severe."""
    told_types: tuple[CrisisType, ...] = ()
    """Told only of these types; empty means all."""
    watches: Names = ()
    """Told only of these watches; empty means all. A ``viewer`` sees only these, too."""
    watch_roles: dict[str, Names] = Field(default_factory=dict)
    """Roles that somebody holds on one watch only, besides ``roles``: ``{"acme-air": ["incident_lead"]}``."""

    def roles_on(self, watch: str) -> Names:
        """Every role that this person holds where ``watch`` is concerned."""
        return tuple(dict.fromkeys((*self.roles, *self.watch_roles.get(watch, ()))))

    def on(self, watch: str) -> "Stakeholder":
        """This person as seen from ``watch``: with the roles that count there."""
        return self.model_copy(update={"roles": self.roles_on(watch)}) if watch in self.watch_roles else self

    def contact_routes(self) -> tuple[Route, ...]:
        return tuple(Route.parse(r) for r in self.routes) or (Route(notifier="email", address=self.email),)


class Telling(Frozen):
    """Whether one stakeholder is told, and why or why not."""

    stakeholder: str
    told: bool
    why: str = Field(min_length=1)


def whom_to_tell(
    stakeholders: tuple[Stakeholder, ...], *, watch: str, severity: Severity, crisis_type: CrisisType
) -> tuple[Telling, ...]:
    """For every stakeholder, told or not, and the condition that decided it."""
    tellings = []
    for person in stakeholders:
        if person.watches and watch not in person.watches:
            told, why = False, f"follows {', '.join(person.watches)}, not {watch}"
        elif severity < person.told_from:
            told, why = False, f"is told from {person.told_from} on; this is {severity}"
        elif person.told_types and crisis_type not in person.told_types:
            told, why = False, f"is told of {', '.join(person.told_types)}; this is {crisis_type}"
        else:
            told, why = True, f"is told from {person.told_from} on; this is {severity}"
        tellings.append(Telling(stakeholder=person.email, told=told, why=why))
    return tuple(tellings)
