"""What automations may have done on an event: telling people, and freezing scheduled marketing.

An event comes from outside this process and may be anybody's, so only its incident is read, and looked up.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from crisis.incident import LIVE, Incident
from crisis.stakeholder import Stakeholder
from records import NotFound
from tasks import freeze as freezing
from tasks.installation import Installation
from tasks.notify import Notice, tell, tell_by
from tasks.people import circle_of

LONGEST = 300
"""Characters of what is said."""


class NoSuchEvent(ValueError):
    """The event names no incident, or the automation is not set up as it must be; the message says what to mend."""


async def tell_of_event(
    here: Installation, event: Mapping[str, Any], to: Sequence[str], says: str, by: str = ""
) -> str:
    """Tell people and roles of an event, each once for this event and sentence.

    Args:
        to: E-mail addresses of stakeholders, and roles on the incident's watch.
        by: Name of the notifier to use; empty: each by their own routes.

    Raises:
        NoSuchEvent: the event names no incident; nobody or nothing is to be told; an unknown person, role or notifier.
    """
    incident = await _incident(here, event)
    sentence = " ".join(says.split())
    if not sentence or len(sentence) > LONGEST:
        raise NoSuchEvent(f"what is said must have 1 to {LONGEST} characters: set the automation's parameter `says`")
    if by:
        here.settings.notifier(by)
    people = await _people(here, incident, to)
    told = hashlib.sha256("\n".join([sentence, by, *(f"{k}={event[k]}" for k in sorted(event))]).encode()).hexdigest()
    notice = Notice(occasion=f"event/{told[:16]}", template="event", context={"says": sentence})
    reached = []
    for person in people:
        routes = [route for route in person.contact_routes() if route.notifier == by]
        why = "an automation asks for it"
        ways = [await tell_by(here, incident, person, notice, route, why=why) for route in routes]
        if any(ways) or (not by and await tell(here, incident, person, notice, why=why)):
            reached.append(person.name)
    missed = len(people) - len(reached)
    return f"told {', '.join(reached) or 'nobody'}" + (f"; {missed} not reached" if missed else "")


async def freeze_on_event(here: Installation, event: Mapping[str, Any]) -> str:
    """Freeze scheduled marketing for the event's incident, as often as one likes; in words.

    Raises:
        NoSuchEvent: the event names no incident.
    """
    incident = await _incident(here, event)
    if incident.state not in LIVE:
        return f"{incident.id} is {incident.state}: nothing is frozen for it any more"
    posts = await freezing.freeze(here, incident.id, actor="automation", reason="an automation asks for it")
    held = sum(not post.whole for post in posts)
    return f"{held} posts looked at for {incident.id}: `fireline unfreeze` puts them back"


async def _incident(here: Installation, event: Mapping[str, Any]) -> Incident:
    named = event.get("incident")
    if not isinstance(named, str) or not named:
        raise NoSuchEvent("the event names no incident: give the automation `{{ event.payload | tojson }}` as `event`")
    try:
        async with here.store.reading() as tx:
            return await tx.incidents.get(named)
    except NotFound:
        raise NoSuchEvent(f"there is no incident {named[:40]!r} here") from None


async def _people(here: Installation, incident: Incident, to: Sequence[str]) -> list[Stakeholder]:
    async with here.store.reading() as tx:
        everybody = [p.on(incident.watch) for p in await tx.stakeholders.list()]
        circle = {p.email for p in await circle_of(tx, incident)}
    wanted = {name.casefold() for name in to}
    roles = {role for p in everybody for role in p.roles}
    unknown = wanted - {p.email.casefold() for p in everybody} - {role.casefold() for role in roles}
    if unknown or not wanted:
        what = (
            f"nobody is called {sorted(unknown)[0]!r} and nobody has that role" if unknown else "nobody is to be told"
        )
        raise NoSuchEvent(f"{what}: set the automation's parameter `to` to e-mail addresses or roles of stakeholders")
    asked = [p for p in everybody if p.email.casefold() in wanted or {r.casefold() for r in p.roles} & wanted]
    return [p for p in asked if p.email in circle]
