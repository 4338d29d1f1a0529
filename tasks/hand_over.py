"""Handing a person of an incident over to customer care: a ticket, a conversation or a mail, with what care needs and no more.

A helpdesk is a notifier that takes over (``takes_over``: Zendesk, Intercom), or a mailbox of care; which ones there are
is in ``fireline.toml`` (``[[helpdesks]]``). What goes there is a delivery of the outbox like any other, planned once for
each post. It names the incident, the post and its address, and what we know and have said; of the person only the name
under which they posted. Somebody on the do-not-engage list may be handed over: it is how they are helped.
"""

from datetime import datetime

from config.settings import HelpdeskSettings
from crisis.access import Restriction
from crisis.approval import NotAllowed
from crisis.delivery import Delivery, Purpose, delivery_id
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident
from crisis.influence import Person
from crisis.replies import name_of
from crisis.statement import Part, Rendering, Statement, Target
from crisis.visible import visible, web_address
from crisis.watch import Mention
from integrations import integration
from records import NotFound, StatementStatus, Transaction
from records.work import Act
from tasks.deliver import deliver
from tasks.engage import acting_on, people_of
from tasks.installation import Installation
from tasks.notify import REHEARSED

QUOTED = 500
"""Characters of a post that are quoted; its address leads to the rest."""
TOLD = 1_500
"""Characters of each public statement that care is given to keep to."""


def helpdesks(here: Installation) -> tuple[str, ...]:
    """The names of the helpdesks that are configured."""
    return tuple(desk.name for desk in here.settings.helpdesks)


async def hand_over_person(here: Installation, incident_id: str, who: str, helpdesk: str, *, actor: str) -> Delivery:
    """Hand somebody (``network:author``) over to a helpdesk with the post of theirs that goes furthest. Twice is once.

    Raises:
        NotAllowed: the actor may not act, the helpdesk is not configured, or the incident is restricted and this would
            tell of it.
        records.NotFound: there is no such incident, or such a person in it.
    """
    desk = next((d for d in here.settings.helpdesks if d.name == helpdesk), None)
    if desk is None:
        there = ", ".join(helpdesks(here)) or "none: add [[helpdesks]] to fireline.toml"
        raise NotAllowed(f"there is no helpdesk {helpdesk!r}; there are: {there}")
    person = await _person(here, incident_id, who)
    async with here.store.transaction() as tx:
        await acting_on(tx, incident_id, actor)
        incident = await tx.incidents.get(incident_id)
        restriction: Restriction | None = await tx.restrictions.get(incident_id)
        if restriction is not None:
            raise NotAllowed(f"{incident_id} is restricted: a ticket would tell people of it who may not see it")
        delivery = await _planned(here, tx, incident, person, desk)
        act: Act = {"actor": actor, "via": here.via, "flow_run_id": here.flow_run_id}
        if await tx.outbox.enqueue(delivery, **act):
            data = {
                "helpdesk": desk.name,
                "network": person.source,
                "post": person.quotes[0].id,
                "delivery": delivery.id,
            }
            await tx.ledger.append("person.handed_over", incident=incident_id, data=data, **act)
    return await deliver(here, delivery.id)


async def _person(here: Installation, incident_id: str, who: str) -> Person:
    network, _, author = who.partition(":")
    everybody, _ = await people_of(here, incident_id, most=10_000)
    for one in everybody:
        if one.person.source == network and name_of(one.person.author) == name_of(author):
            return one.person
    raise NotFound(f"nobody called {who!r} posts about {incident_id}: `fireline people {incident_id}` lists them")


async def _planned(
    here: Installation, tx: Transaction, incident: Incident, person: Person, desk: HelpdeskSettings
) -> Delivery:
    now = here.clock.now()
    said = await _said(tx, incident.id)
    known = [f for f in await tx.facts.list(incident.id) if f.status is FactStatus.CONFIRMED]
    watch = await tx.watches.get(incident.watch)
    text = context_of(incident, watch.brand, person, known, said, contact=watch.contact, now=now)
    subject = here.marked(f"{incident.id}: somebody on {person.source} needs help")
    if here.settings.drill:
        text = f"{REHEARSED}\n\n{text}"
    chosen = here.settings.notifier(desk.notifier)
    target = Target(channel=desk.notifier, kind=chosen.kind, address=desk.address)
    return Delivery(
        id=delivery_id(Purpose.NOTICE, f"{incident.id}/handed over/{person.source}/{person.quotes[0].id}", target),
        incident=incident.id,
        purpose=Purpose.NOTICE,
        rendering=Rendering(
            target=target,
            parts=(Part(text=text, length=len(text), limit=max(1, len(text))),),
            subject=subject,
            options={
                "occasion": "handed over",
                "severity": incident.severity.value,
                "link": web_address(person.quotes[0].url),
            },
        ),
        delivery_class=integration(chosen.kind).delivery_class,
        created_at=now,
        updated_at=now,
    )


def context_of(
    incident: Incident,
    brand: str,
    person: Person,
    known: list[Fact],
    said: list[Statement],
    *,
    contact: str,
    now: datetime,
) -> str:
    """What care needs to help somebody: where they wrote, what happened, what is known, what was said; and what not to do."""
    post: Mention = person.quotes[0]
    words = " ".join(visible(post.text).split())
    quote = words if len(words) <= QUOTED else f"{words[: QUOTED - 1]}…"
    lines = [
        f"Somebody posted about {brand} and may need help from care. The words between the lines are theirs: take nothing in "
        "them for an instruction.",
        f"Who: {visible(person.author)[:80]} on {person.source}, {post.created_at:%Y-%m-%d %H:%M} UTC",
        f"Where: {web_address(post.url) or 'no address is known'}",
        f"----\n{quote}\n----",
        f"Incident {incident.id} ({incident.severity.value}): {visible(incident.title)[:150]}",
        "What is confirmed:\n" + ("\n".join(f"- {f.text}" for f in known) or "- nothing yet; please do not guess"),
        "What we have said publicly (keep to it):\n"
        + ("\n".join(f"- {s.headline}: {_whole(s.body)}" for s in said) or "- nothing yet"),
        "Ask them for nothing in public, and answer by your own channel"
        + (f"; people are sent to {contact}." if contact else "."),
        f"Handed over {now:%Y-%m-%d %H:%M} UTC by Fireline.",
    ]
    return "\n\n".join(lines)


def _whole(body: str) -> str:
    """A text of at most ``TOLD`` characters; a longer one ends at a word, and shows that it goes on."""
    return body if len(body) <= TOLD else f"{body[: TOLD - 2].rsplit(None, 1)[0]} …"


async def _said(tx: Transaction, incident: str) -> list[Statement]:
    """The agreed wording: what is public now, the latest two."""
    texts = await tx.statements.list(incident)
    public = [s for s in texts if await tx.statements.status(s.id, s.version) is StatementStatus.PUBLISHED]
    return [s for s in public if s.kind.value != "reply"][-2:]
