"""The people of an incident, and whom nobody writes to: who reaches many and what they say, with the posts that show it,
what might be said to each, and the do-not-engage list, which is kept here by named people with a reason.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import config
from crisis.access import VIEWER
from crisis.approval import NotAllowed
from crisis.handles import NamesNobody, identified, network_of, unmatched
from crisis.influence import Person, people
from crisis.replies import EVERYWHERE, MARKS, PER_BATCH, NotToEngage, name_of
from crisis.stakeholder import Stakeholder
from crisis.statement import Statement
from crisis.triage import Strategy
from crisis.typed_in import one_line
from crisis.understanding import understood
from integrations import IntegrationError
from records import NotFound, Transaction
from records.work import Act
from tasks.claims import looked_at
from tasks.installation import Installation
from tasks.kinds import networks_of
from tasks.people import sees
from tasks.reply_drafts import Answer, addressed, draft_replies, language_of, suggestions, unanswerable

BLUESKY = "bluesky"
"""Where people change their names, and posts name their authors by what they keep (a DID)."""
SHOWN = 30
"""People of an incident that are listed."""
REASON = 300


@dataclass(frozen=True)
class Reachable:
    """Somebody who posts about an incident, and whether they can be replied to."""

    person: Person
    hinders: str
    """Why they get no reply; empty when they may."""

    @property
    def name(self) -> str:
        """As the command and the forms name them."""
        return f"{self.person.source}:{self.person.author}"


async def people_of(here: Installation, incident_id: str, *, most: int = SHOWN) -> tuple[list[Reachable], bool]:
    """The people whose posts go furthest, and whether not all posts were looked at.

    Raises:
        records.NotFound: there is no such incident.
    """
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        posts, sample = await looked_at(tx, incident_id)
        found = await asyncio.to_thread(lambda: people(understood(posts), most=most))
        why = await unanswerable(here, tx, incident, [p.quotes[0] for p in found])
    return [Reachable(p, why(p.quotes[0]) or _care(p)) for p in found], sample


def _care(person: Person) -> str:
    if not person.care:
        return ""
    return f"may be under age or in distress (“{person.care[:60]}”): look, then hand them over to customer care"


async def reply_to(
    here: Installation, incident_id: str, said: dict[str, str], *, author: str, language: str = ""
) -> Statement:
    """Draft one proposal of replies to people (``network:author``), each with a person's text, or with the template's where
    it is empty.

    Raises:
        NotAllowed: one of them gets no reply, and why.
        crisis.rendering.DoesNotFit: a text is longer than its channel takes.
        records.NotFound: there is no such incident, or such a person in it.
    """
    picked = await _chosen(here, incident_id, list(said))
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        made = await suggestions(here, tx, incident, picked, language=language)
    typed = [" ".join(text.split()) for text in said.values()]
    answers = [
        Answer(a.mention, addressed(here, a.mention, text), language_of(here, a.mention, Strategy.INSTRUCT, language))
        if text
        else a
        for a, text in zip(made, typed, strict=True)
    ]
    return await draft_replies(here, incident_id, answers, author=author)


async def _chosen(here: Installation, incident_id: str, chosen: Sequence[str]) -> list[Person]:
    if not chosen or len(chosen) > PER_BATCH:
        raise NotAllowed(f"choose one to {PER_BATCH} people: that is what one approval covers")
    everybody, _ = await people_of(here, incident_id, most=10_000)
    by_name = {f"{r.person.source}:{name_of(r.person.author)}": r for r in everybody}
    picked = []
    for given in chosen:
        network, _, author = given.partition(":")
        found = by_name.get(f"{network}:{name_of(author)}")
        if found is None:
            raise NotFound(
                f"nobody called {given!r} posts about {incident_id}: `fireline people {incident_id}` lists them"
            )
        if found.hinders:
            raise NotAllowed(f"{found.name} gets no reply: {found.hinders}")
        picked.append(found.person)
    return picked


async def acting(tx: Transaction, email: str) -> Stakeholder:
    """The person who acts. Raises ``NotAllowed`` for whoever only looks on, or is nobody."""
    person = await tx.stakeholders.get(email)
    if person is None:
        raise NotAllowed(f"{email or 'nobody'} is not among the stakeholders")
    if set(person.roles) <= {VIEWER} and not person.watch_roles:
        raise NotAllowed(f"{person.name} may look, not act")
    return person


async def acting_on(tx: Transaction, incident_id: str, email: str) -> Stakeholder:
    """The same for an incident that they see. Raises ``records.NotFound`` for one that is not there for them."""
    person = await acting(tx, email)
    incident = await tx.incidents.get(incident_id)
    if not await sees(tx, incident, person):
        raise NotAllowed(f"{incident.id} is restricted, and {person.name} is not among those who may see it")
    if not set(person.roles_on(incident.watch)) - {VIEWER}:
        raise NotAllowed(f"{person.name} may look, not act, on {incident.id}")
    return person


async def bar(here: Installation, who: str, *, mark: str, reason: str, actor: str) -> NotToEngage:
    """Put somebody (``network:author``; ``*:author`` for every network; the address of a profile) on the do-not-engage list.

    Where people may change their names (Bluesky), they are listed by what they keep, so that a new name frees nobody.

    Raises:
        NotAllowed: the mark is unknown, the name can match nobody or could not be looked up, or the actor may not act.
        crisis.typed_in.NotOneLine: there is no reason.
    """
    network, author = _named(who)
    kept = await _kept(here, network, author)
    if kept and network != EVERYWHERE:
        network, author = kept
    answered_on = {place for channel in here.settings.channels for place in networks_of(channel)}
    doubtful = unmatched(network, author, answered_on)
    if mark not in MARKS:
        raise NotAllowed(f"{mark!r} is no reason that the list knows: {', '.join(MARKS)}")
    why = one_line(reason, "the reason", longest=REASON)
    async with here.store.transaction() as tx:
        await acting(tx, actor)
        if doubtful and not any(network_of(m.source) == network for m in await tx.erasing.texts_of(author)):
            raise NotAllowed(doubtful)
        act: Act = {"actor": actor, "via": here.via, "reason": why, "flow_run_id": here.flow_run_id}
        if kept and network == EVERYWHERE:
            await tx.engagement.bar(*kept, mark=mark, why=why, **act)
        return await tx.engagement.bar(network, author, mark=mark, why=why, **act)


async def _kept(here: Installation, network: str, author: str) -> tuple[str, str] | None:
    """The network on which somebody may change that name, and what they keep there; None where it is not such a name.

    Raises:
        NotAllowed: nobody on that network has the name now, or it could not be looked up: the list would protect nobody.
    """
    if network not in (BLUESKY, EVERYWHERE) or "." not in author or name_of(author).startswith("did:"):
        return None
    named = name_of(author)
    for chosen in here.settings.channels:
        if BLUESKY not in networks_of(chosen):
            continue
        try:
            ask = getattr(await here.channel(chosen.name), "lasting_name", None)
            kept = await ask(named) if ask else ""
        except (config.ConfigError, IntegrationError) as error:
            says = f"{named!r} could not be looked up on Bluesky, so nobody is on the list yet"
            raise NotAllowed(f"{says}: try again, or write bluesky:did:plc:… ({error})") from None
        if kept:
            return BLUESKY, kept
        if ask and network == BLUESKY:
            raise NotAllowed(
                f"nobody on Bluesky is called {named!r} now: look at the spelling, or write bluesky:did:plc:…"
            )
    return None


async def allow(here: Installation, who: str, *, reason: str, actor: str) -> None:
    """Take somebody off the list. Raises as ``bar``, and ``records.NotFound`` when they are not on it."""
    why = one_line(reason, "the reason", longest=REASON)
    written, _, name = who.strip().partition(":")
    act: Act = {"actor": actor, "via": here.via, "reason": why, "flow_run_id": here.flow_run_id}
    async with here.store.transaction() as tx:
        await acting(tx, actor)
        # As it stands on the list first: names were taken as they were typed once.
        if await tx.engagement.allow(written, name, **act):
            return
    named = _named(who)
    if named[0] == BLUESKY:
        named = await _kept(here, *named) or named
    async with here.store.transaction() as tx:
        if not await tx.engagement.allow(*named, **act):
            raise NotFound(f"{who} is not on the do-not-engage list")


def _named(who: str) -> tuple[str, str]:
    try:
        return identified(who)
    except NamesNobody as nobody:
        raise NotAllowed(str(nobody)) from None
