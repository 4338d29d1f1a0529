"""Legal hold on an incident: nothing of it is erased or expires until two people of the law let it go.

It holds in the records at once, and is then put on every sealed bundle in an archive, and checked there; what an archive
does not take is tried again by the sweep. Each step is on record before it acts and after.
"""

from typing import Any

from crisis.approval import NotAllowed
from crisis.hold import ROLE, Hold, HoldState
from integrations import IntegrationError
from records import Transaction
from tasks.installation import Installation

MARKED = "evidence.hold_set"
"""The kind of the record that tells that an archive has a bundle under hold, or not any more."""


async def place(here: Installation, incident_id: str, *, actor: str, reason: str) -> Hold:
    """Put a legal hold on an incident, and on those it was merged into, which have its posts; on one that is held already
    nothing changes.

    Raises:
        NotAllowed: the actor does not have the role ``legal`` on its watch, or gives no reason.
        records.NotFound: there is no such incident.
    """
    async with here.store.transaction() as tx:
        who = await _of_the_law(tx, incident_id, actor, reason)
        before = await tx.holds.get(incident_id)
        if before is not None and before.holds:
            return before
        hold = Hold(incident=incident_id, by=who, reason=reason, at=here.clock.now())
        await tx.holds.put(hold, **_act(here, who, reason))
        names = [incident_id]
        while into := (await tx.incidents.get(names[-1])).merged_into:
            await carry_over(tx, here, names[-1], into, actor=who, reason=reason)
            names.append(into)
    for name in names:
        await mark_archives(here, name)
    return hold


async def carry_over(
    tx: Transaction, here: Installation, incident_id: str, to: str, *, actor: str, reason: str
) -> None:
    """Hold an incident that gets posts of a held one, too: what is held stays held wherever it goes.

    Whoever moves posts calls it in the transaction in which they go. It is released by itself, by two people of the law.
    """
    held, there = await tx.holds.get(incident_id), await tx.holds.get(to)
    if held is not None and held.holds and (there is None or not there.holds):
        why = f"{held.reason} (posts of {incident_id}, which is held, went to it)"
        await tx.holds.put(Hold(incident=to, by=held.by, reason=why, at=here.clock.now()), **_act(here, actor, reason))


async def release(here: Installation, incident_id: str, *, actor: str, reason: str) -> Hold:
    """Propose the release of a hold, or agree to one that somebody else proposed: then it ends.

    Raises:
        NotAllowed: as for ``place``; or there is no hold; or the actor proposed it and another one must agree.
        records.NotFound: there is no such incident.
    """
    async with here.store.transaction() as tx:
        who = await _of_the_law(tx, incident_id, actor, reason)
        hold = await tx.holds.get(incident_id)
        if hold is None or not hold.holds:
            raise NotAllowed(f"{incident_id} is under no legal hold")
        if hold.state is HoldState.HELD:
            hold = hold.model_copy(update={"state": HoldState.RELEASING, "release_by": who, "release_reason": reason})
        elif hold.release_by.casefold() == who.casefold():
            raise NotAllowed(
                f"{who} proposed the release of {incident_id}: another person with the role {ROLE} must agree"
            )
        else:
            over = {"state": HoldState.RELEASED, "released_by": who, "released_at": here.clock.now()}
            hold = hold.model_copy(update=over)
        await tx.holds.put(hold, **_act(here, who, reason))
    if not hold.holds:
        await mark_archives(here, incident_id)
    return hold


async def mark_archives(here: Installation, incident_id: str = "") -> str:
    """Put holds on sealed bundles, or lift them, wherever an archive does not have them as they should be.

    Cheap when nothing is to be done. What fails is told, and tried again by the next sweep.
    """
    done = failed = 0
    for name, about, on in await _unmarked(here, incident_id):
        data = {"archive": about["archive"], "file": about["file"], "version": about["version"], "hold": on}
        await _record(here, name, "evidence.hold_setting", data)
        try:
            archive = await here.archive(str(about["archive"]))
            await archive.hold(f"{name}/{about['file']}", str(about["version"]), on=on)
        except IntegrationError as problem:
            await _record(here, name, "evidence.hold_not_set", data | {"problem": str(problem)})
            await here.forget(str(about["archive"]))
            failed += 1
        else:
            await _record(here, name, MARKED, data)
            done += 1
    says = [f"{done} bundles marked as held or released"] if done else []
    return "; ".join([*says, *([f"{failed} bundles could not be marked"] if failed else [])])


async def _unmarked(here: Installation, incident_id: str) -> list[tuple[str, dict[str, Any], bool]]:
    known = {archive.name for archive in here.settings.archives}
    found = []
    async with here.store.reading() as tx:
        for hold in await tx.holds.list():
            if incident_id and hold.incident != incident_id:
                continue
            last = {
                (r.data["archive"], r.data["file"], r.data["version"]): bool(r.data["hold"])
                for r in await tx.ledger.list(kind=MARKED, incident=hold.incident)
            }
            for r in await tx.ledger.list(kind="evidence.archived", incident=hold.incident):
                bundle = (r.data["archive"], r.data["file"], r.data["version"])
                before = last.get(bundle, bool(r.data.get("legal_hold")))
                if r.data["archive"] in known and before is not hold.holds:
                    last[bundle] = hold.holds
                    found.append((hold.incident, dict(r.data), hold.holds))
    return found


async def _of_the_law(tx: Transaction, incident_id: str, actor: str, reason: str) -> str:
    if not reason.strip():
        raise NotAllowed("say why, in your own words: it goes on record")
    incident = await tx.incidents.get(incident_id)
    for person in await tx.stakeholders.list():
        if person.email.casefold() == actor.casefold() and ROLE in person.roles_on(incident.watch):
            return person.email
    raise NotAllowed(f"{actor} does not have the role {ROLE} on {incident.watch}: legal holds are theirs")


def _act(here: Installation, actor: str, reason: str) -> Any:
    return {"actor": actor, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}


async def _record(here: Installation, incident_id: str, kind: str, data: dict[str, Any]) -> None:
    async with here.store.transaction() as tx:
        await tx.ledger.append(kind, incident=incident_id, data=data, **_act(here, "hold", ""))
