"""Who was told something and not how it ended, or carried an error and not its correction; and the reasons why not.

Everything follows from deliveries, recipients and records: nothing is kept beside them, so nothing can be forgotten. An
incident is not closed while somebody is stranded, unless a person says why they are not told (``tasks.close``).
"""

from collections.abc import Iterable, Sequence

from crisis.access import VIEWER
from crisis.approval import NotAllowed
from crisis.delivery import ARRIVED, Delivery, Purpose
from crisis.incident import Incident, IncidentState
from crisis.stranded import Audience, AudienceKind, End, Excuse, by_audience, end_of, excused, is_last_word
from crisis.values import StatementKind
from records import Transaction
from records.work import Act
from tasks.installation import Installation
from tasks.mailing import is_mailing

EXCUSED = "audience.excused"
RESOLUTION = "the resolution"
LONGEST_REASON = 2_000


async def audiences(tx: Transaction, incident: Incident) -> tuple[Audience, ...]:
    """Every audience of an incident: whether the last word reached it, and whether each correction did.

    Whoever was answered under their own post is owed no resolution of their own: nobody gets a second reply, and they read
    the channel. An error that their reply carried is owed to them. Those who are stranded come first.
    """
    deliveries = await tx.outbox.list(incident=incident.id)
    back = frozenset(d.withdraws for d in deliveries if d.purpose is Purpose.WITHDRAWAL and d.state in ARRIVED)
    grouped = by_audience(deliveries)
    kinds = {s.id: s for s in await tx.statements.list(incident.id)}
    excuses = await excuses_of(tx, incident.id)
    found: list[Audience] = []
    for (key, kind), own in grouped.items():
        last = [d for d in own if d.statement in kinds and is_last_word(kinds[d.statement])]
        earlier = [d for d in own if d not in last and _was_heard(d)]
        if earlier and kind is not AudienceKind.REPLY:
            found.append(await _audience(tx, key, kind, earlier, last, back, RESOLUTION))
    for statement in kinds.values():
        if statement.kind is StatementKind.CORRECTION and statement.corrects:
            found += await _corrected(
                tx, grouped, statement.corrects, {s.id for s in kinds.values() if s.corrects}, back
            )
    found += await _colleagues(tx, incident)
    unique = {(a.key, a.wants): a for a in found}
    told = [excused(a, excuses) for a in unique.values()]
    return tuple(sorted(told, key=lambda a: (not a.open, a.wants, a.kind, a.key)))


async def left_behind(tx: Transaction, incident: Incident, found: Iterable[Audience]) -> tuple[Audience, ...]:
    """Those of ``found`` who are left behind now: while it goes on and no last word is on its way, whoever is owed the
    resolution is not."""
    last_words = {s.id for s in await tx.statements.list(incident.id) if is_last_word(s)}
    deliveries = await tx.outbox.list(incident=incident.id)
    ended = incident.closed_at is not None or any(d.statement in last_words for d in deliveries)
    return tuple(a for a in found if a.open and (ended or a.wants != RESOLUTION))


def _was_heard(delivery: Delivery) -> bool:
    return delivery.arrived or is_mailing(delivery)


async def _audience(
    tx: Transaction,
    key: str,
    kind: AudienceKind,
    earlier: Sequence[Delivery],
    last: Sequence[Delivery],
    back: frozenset[str],
    wants: str,
) -> Audience:
    heard = tuple(dict.fromkeys(f"{d.statement} v{d.version}" for d in earlier))
    if any(is_mailing(d) for d in earlier):
        return await _readers(tx, key, heard, earlier, last, wants)
    end, says = end_of(earlier, last, back, wants)
    return Audience(key=key, kind=kind, heard=heard, wants=wants, end=end, says=says)


async def _readers(
    tx: Transaction, key: str, heard: tuple[str, ...], earlier: Sequence[Delivery], last: Sequence[Delivery], wants: str
) -> Audience:
    """Of a mailing, recipient by recipient: who had an earlier one and not the last."""
    channel = earlier[0].rendering.target.channel
    missing, suppressed = await tx.mailings.missed([d.id for d in earlier], [d.id for d in last], channel)
    open_still = missing - suppressed
    away = f"{suppressed:,} may not be written to any more" if suppressed else ""
    if last and not open_still:
        end, says = End.TOLD, "every reader who can be written to has it"
    elif any(d.state not in ARRIVED and d.problem == "" for d in last):
        end, says = End.ON_ITS_WAY, f"{open_still:,} readers do not have it yet"
    elif not open_still:
        end, says = End.TOLD, "nobody is left who can be written to"
    else:
        end, says = End.STRANDED, f"{open_still:,} readers of earlier mails have not got {wants}"
    return Audience(
        key=key,
        kind=AudienceKind.MAILING,
        heard=heard,
        wants=wants,
        end=end,
        says="; ".join(filter(None, (says, away))),
        missing=missing,
        suppressed=suppressed,
    )


async def _corrected(
    tx: Transaction,
    grouped: dict[tuple[str, AudienceKind], list[Delivery]],
    wrong: str,
    corrections: Iterable[str],
    back: frozenset[str],
) -> list[Audience]:
    """Every audience that carried a wrong statement, and whether a correction of the incident reached it since."""
    fixes = set(corrections)
    found = []
    for (key, kind), own in grouped.items():
        carried = [d for d in own if d.statement == wrong and _was_heard(d)]
        if carried:
            since = min(d.created_at for d in carried)
            last = [d for d in own if d.statement in fixes and d.created_at >= since]
            found.append(await _audience(tx, key, kind, carried, last, back, f"the correction of {wrong}"))
    return found


async def _colleagues(tx: Transaction, incident: Incident) -> list[Audience]:
    """Colleagues who were told that it had opened: before it is closed they are going to be told, after it they were."""
    reached = [
        (str(r.data.get("stakeholder")), str(r.data.get("occasion")))
        for r in await tx.ledger.list(kind="stakeholder.reached", incident=incident.id)
    ]
    ended = {person for person, occasion in reached if occasion == "resolved"}
    found = []
    for person in dict.fromkeys(person for person, occasion in reached if occasion == "opened"):
        if person in ended:
            end, says = End.TOLD, "was told that it is over"
        elif incident.closed_at is None:
            end, says = End.ON_ITS_WAY, "is told when the incident is closed"
        elif incident.merged_into:
            end, says = End.EXCUSED, f"it goes on as {incident.merged_into}"
        elif incident.state is IncidentState.DISMISSED:
            end, says = End.EXCUSED, "it was dismissed as a false alarm"
        else:
            end, says = End.STRANDED, "was not reached when it was closed"
        found.append(
            Audience(key=person, kind=AudienceKind.COLLEAGUE, heard=("opened",), wants=RESOLUTION, end=end, says=says)
        )
    return found


async def excuses_of(tx: Transaction, incident_id: str) -> tuple[Excuse, ...]:
    """The reasons on record why audiences are not told."""
    records = await tx.ledger.list(kind=EXCUSED, incident=incident_id)
    return tuple(
        Excuse(key=str(r.data.get("key")), wants=str(r.data.get("wants")), reason=r.reason, by=r.actor) for r in records
    )


async def excuse(
    here: Installation, incident_id: str, key: str, *, by: str, reason: str, wants: str = RESOLUTION
) -> Audience:
    """Put on record why an audience is not told.

    Raises:
        NotAllowed: the actor does not answer for that, no reason was given, or no such audience is stranded.
        records.NotFound: there is no such incident.
    """
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        person = await tx.stakeholders.get(by)
        if person is None or not set(person.roles_on(incident.watch)) - {VIEWER}:
            raise NotAllowed(f"{by or 'nobody'} is not among the stakeholders who answer for what is said")
        if not reason.strip():
            raise NotAllowed("say why they are not told: it goes on record")
        open_ones = [a for a in await audiences(tx, incident) if a.open]
        chosen = next((a for a in open_ones if (a.key, a.wants) == (key, wants)), None)
        if chosen is None:
            there = ", ".join(a.key for a in open_ones) or "nobody is"
            raise NotAllowed(f"nobody called {key!r} is stranded; stranded: {there}")
        await _excuse(here, tx, incident, chosen, by, reason)
    return chosen.model_copy(update={"end": End.EXCUSED, "says": f"{reason.strip()} ({by})"})


async def excuse_all(here: Installation, tx: Transaction, incident: Incident, *, by: str, reason: str) -> None:
    """The same for everybody who is stranded now."""
    for audience in await audiences(tx, incident):
        if audience.open:
            await _excuse(here, tx, incident, audience, by, reason)


async def _excuse(
    here: Installation, tx: Transaction, incident: Incident, audience: Audience, by: str, reason: str
) -> None:
    act: Act = {
        "actor": by,
        "via": here.via,
        "reason": reason.strip()[:LONGEST_REASON],
        "flow_run_id": here.flow_run_id,
    }
    data = {"key": audience.key, "wants": audience.wants, "kind": audience.kind.value, "heard": list(audience.heard)}
    await tx.ledger.append(EXCUSED, incident=incident.id, data=data, **act)
