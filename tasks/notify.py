"""Telling people: who is told what, by which route, and on record why others are not.

A notice is planned in the outbox before it goes out, under an id made of the occasion and the person, so that telling
twice tells once. Routes are tried in the stakeholder's order until one gets there: whatever refuses, asks to wait or
gives no clear answer leads to the next at once, and all of them together stay within the playbook's time for somebody to
take it on. So a notice may arrive twice, by two routes; a statement never does.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from crisis.delivery import Delivery, DeliveryState, Purpose, delivery_id
from crisis.incident import Incident
from crisis.oncall import calls
from crisis.stakeholder import Route, Stakeholder, whom_to_tell
from crisis.statement import Part, Rendering, Target
from integrations import integration
from records import Transaction
from tasks.deliver import deliver
from tasks.installation import Installation
from tasks.links import ACTING_PLACEHOLDER, ON_IT_PLACEHOLDER, READING_PLACEHOLDER
from tasks.on_it import TAKER, acknowledged_by
from tasks.people import sees

REHEARSED = "This is a drill. The incident and its posts are invented, and nothing you approve is published."
"""First line of every notice of a drill."""
ROUTE_SECONDS = 10.0
"""Real time that one route may take while there is another one to try."""


@dataclass(frozen=True)
class Notice:
    """What is told on one occasion."""

    occasion: str
    """Names the occasion within the incident: ``opened``, ``approval/INC-7-S1/1``. Told once per person and occasion."""
    template: str
    """``notice.<template>.txt.j2``."""
    context: dict[str, object] = field(default_factory=dict)
    link: str = ""
    """Where to act; may hold a placeholder of ``tasks.links``. Empty: the incident's page, which this person may then read."""
    button: str = "Open the incident"
    options: dict[str, str] = field(default_factory=dict)


async def tell(here: Installation, incident: Incident, person: Stakeholder, notice: Notice, *, why: str) -> bool:
    """Tell one person, by their routes in order. True when one of them got there; which one, and why others did not, is
    on record."""
    if not await _may_be_told(here, incident, person, notice):
        return False
    routes = person.contact_routes()
    tried: list[Delivery] = []
    for route in routes:
        hurry = None if route == routes[-1] else hurry_of(incident, len(routes))
        tried.append(await _tell_by(here, incident, person, notice, route, why=why, hurry=hurry))
        if tried[-1].arrived:
            break
    await _record_reach(here, incident, person, notice, tried)
    return bool(tried) and tried[-1].arrived


def hurry_of(incident: Incident, routes: int) -> float:
    """Seconds that one of so many routes may take, so that all together stay within the time for an acknowledgement."""
    return min(ROUTE_SECONDS, incident.assessment.clocks.acknowledge.total_seconds() / (routes + 1))


async def tell_by(
    here: Installation, incident: Incident, person: Stakeholder, notice: Notice, route: Route, *, why: str
) -> bool:
    """Tell one person by one route, in a hurry, because there are others. True when it got there."""
    if not await _may_be_told(here, incident, person, notice):
        return False
    told = await _tell_by(here, incident, person, notice, route, why=why, hurry=hurry_of(incident, 1))
    await _record_reach(here, incident, person, notice, [told])
    return told.arrived


async def _may_be_told(here: Installation, incident: Incident, person: Stakeholder, notice: Notice) -> bool:
    """Whether somebody may see the incident at all; that they were not told for that reason goes on record once."""
    async with here.store.reading() as tx:
        if await sees(tx, incident, person):
            return True
    async with here.store.transaction() as tx:
        kind = "stakeholder.not_told"
        told = {"stakeholder": person.email, "occasion": notice.occasion}
        earlier = await tx.ledger.list(kind=kind, incident=incident.id)
        if not any(told.items() <= record.data.items() for record in earlier):
            why = "the incident is restricted, and they are not among those who may see it"
            await _record(tx, here, kind, incident, person, why, notice, "")
    return False


async def _tell_by(
    here: Installation,
    incident: Incident,
    person: Stakeholder,
    notice: Notice,
    route: Route,
    *,
    why: str,
    hurry: float | None,
) -> Delivery:
    async with here.store.transaction() as tx:
        taken_by = await acknowledged_by(here, tx, incident.id) if calls(notice.occasion) else ""
        delivery = _planned(here, incident, person, notice, route, taken_by=taken_by)
        new = await tx.outbox.enqueue(delivery, actor="outbox", via=here.via, flow_run_id=here.flow_run_id)
        if new:
            await _record(tx, here, "stakeholder.told", incident, person, why, notice, str(route))
    return await deliver(here, delivery.id, hurry=hurry)


async def _record_reach(
    here: Installation, incident: Incident, person: Stakeholder, notice: Notice, tried: Sequence[Delivery]
) -> None:
    """Put on record by which route somebody was reached, and what became of those before it. Once for each outcome."""
    reached = next((_route(d) for d in tried if d.arrived), "")
    failed = [{"route": _route(d), "state": d.state.value, "problem": d.problem} for d in tried if not d.arrived]
    kind = "stakeholder.reached" if reached else "stakeholder.not_reached"
    async with here.store.transaction() as tx:
        earlier = await tx.ledger.list(kind=kind, incident=incident.id)
        told = {"stakeholder": person.email, "occasion": notice.occasion, "route": reached or _route(tried[-1])}
        if any(told.items() <= record.data.items() for record in earlier):
            return
        why = "; ".join(f"{f['route'].partition(':')[0]}: {f['problem'] or f['state']}" for f in failed)
        await _record(tx, here, kind, incident, person, why, notice, told["route"], failed=failed)


def name_of(here: Installation, actor: str) -> str:
    """What a stakeholder is called; whoever is none, as they are on record."""
    return next((p.name for p in here.settings.stakeholders if p.email == actor), actor)


def _route(delivery: Delivery) -> str:
    return f"{delivery.rendering.target.channel}:{delivery.rendering.target.address}"


async def tell_stakeholders(here: Installation, incident: Incident, notice: Notice, *, after: str = "") -> None:
    """Tell everybody whose conditions this incident meets, all at once; for the others, record why not.

    Args:
        after: an earlier occasion; whoever was told of that is told of this too, whatever their conditions say now.
    """
    async with here.store.transaction() as tx:
        before = await told_of(tx, incident, after)
        people = tuple(await tx.stakeholders.list())
        already = {
            str(r.data.get("stakeholder"))
            for r in await tx.ledger.list(kind="stakeholder.not_told", incident=incident.id)
            if r.data.get("occasion") == notice.occasion
        }
        tellings = whom_to_tell(
            people, watch=incident.watch, severity=incident.severity, crisis_type=incident.assessment.type
        )
        why = "was told of what this changes"
        tellings = tuple(
            t.model_copy(update={"told": True, "why": why}) if not t.told and t.stakeholder in before else t
            for t in tellings
        )
        by_email = {p.email: p for p in people}
        for telling in tellings:
            if not telling.told and telling.stakeholder not in already:
                person = by_email[telling.stakeholder]
                await _record(tx, here, "stakeholder.not_told", incident, person, telling.why, notice, "")
    await asyncio.gather(
        *(tell(here, incident, by_email[t.stakeholder], notice, why=t.why) for t in tellings if t.told)
    )


async def told_of(tx: Transaction, incident: Incident, occasion: str) -> frozenset[str]:
    """Who was told on one occasion of an incident, by e-mail address."""
    told = await tx.ledger.list(kind="stakeholder.told", incident=incident.id)
    return frozenset(str(r.data.get("stakeholder")) for r in told if occasion and r.data.get("occasion") == occasion)


async def tell_lead(here: Installation, incident: Incident, notice: Notice, *, why: str) -> bool:
    """Tell the incident lead, or whoever holds that role."""
    async with here.store.reading() as tx:
        people = [p.on(incident.watch) for p in await tx.stakeholders.list()]
    leads = [p for p in people if p.email == incident.lead] or [p for p in people if "incident_lead" in p.roles]
    return any(await asyncio.gather(*(tell(here, incident, p, notice, why=why) for p in leads)))


async def _record(
    tx: Transaction,
    here: Installation,
    kind: str,
    incident: Incident,
    person: Stakeholder,
    why: str,
    notice: Notice,
    route: str,
    **more: object,
) -> None:
    await tx.ledger.append(
        kind,
        actor="outbox",
        incident=incident.id,
        via=here.via,
        reason=why,
        flow_run_id=here.flow_run_id,
        data={
            "stakeholder": person.email,
            "name": person.name,
            "roles": list(person.roles),
            "occasion": notice.occasion,
            "route": route,
            **more,
        },
    )


def _planned(
    here: Installation, incident: Incident, person: Stakeholder, notice: Notice, route: Route, *, taken_by: str = ""
) -> Delivery:
    link = notice.link or READING_PLACEHOLDER
    signed = {"": "reader", ACTING_PLACEHOLDER: "handler"}.get(notice.link)
    reading = {"incident": incident.id, signed: person.email} if signed else {}
    on_it = ON_IT_PLACEHOLDER if calls(notice.occasion) and not taken_by else ""
    taking = {"incident": incident.id, TAKER: person.email} if on_it else {}
    context = {"incident": incident, "assessment": incident.assessment, "person": person, "link": link}
    context |= {"on_it": on_it, "taken_by": name_of(here, taken_by)}
    context |= {"organisation": here.settings.organisation, **notice.context}
    subject, _, text = here.templates.render(f"notice.{notice.template}.txt.j2", **context).partition("\n")
    subject, text = here.marked(subject.strip()), text.strip()
    if here.settings.drill:
        text = f"{REHEARSED}\n\n{text}"
    html = here.templates.render(
        "notice.html.j2",
        title=subject,
        lines=[
            line for line in text.splitlines() if line.strip() and link not in line and not (on_it and on_it in line)
        ],
        first_label="I am on it",
        first_link=on_it,
        button_label=notice.button,
        button_link=link,
        footer=f"Fireline · {here.settings.organisation} · {incident.id}",
    )
    chosen = here.settings.notifier(route.notifier)
    target = Target(channel=route.notifier, kind=chosen.kind, address=route.address)
    now = here.clock.now()
    return Delivery(
        id=delivery_id(Purpose.NOTICE, f"{incident.id}/{notice.occasion}/{person.email}", target),
        incident=incident.id,
        purpose=Purpose.NOTICE,
        rendering=Rendering(
            target=target,
            parts=(Part(text=text, length=len(text), limit=max(1, len(text))),),
            subject=subject,
            html=html,
            options={
                **notice.options,
                **reading,
                **taking,
                "to": person.email,
                "link": link,
                "occasion": notice.occasion,
                "severity": incident.severity.value,
            },
        ),
        delivery_class=integration(chosen.kind).delivery_class,
        state=DeliveryState.PENDING,
        created_at=now,
        updated_at=now,
    )
