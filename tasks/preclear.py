"""Pre-clearance: asking for it, deciding on it by the normal policy, ending it, and releasing a holding statement by it.

Off unless a playbook allows it. A release is decided in the very transaction that proposes the statement, with its
count of uses; every bound is checked there, and when one does not hold, why is on record and people are asked instead.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from crisis import drafting
from crisis.approval import (
    Decision,
    NotAllowed,
    Seat,
    Standing,
    Verdict,
    Via,
    check_decision,
    counting,
    seat_of,
    standing,
)
from crisis.clearance import BY, CHANGED, Clearance, ClearanceState, digest, policy_for, why_not
from crisis.incident import Incident
from crisis.release import Means, Release
from crisis.statement import Statement
from crisis.values import ContentHash, CrisisType, Severity, StatementKind
from records import AlreadyDecided, StatementStatus, Transaction
from records.work import Act
from tasks.binding import what_changed
from tasks.installation import Installation
from tasks.notify import Notice, tell
from tasks.publish import hand_over
from tasks.runs import emit
from tasks.standing import mark

LONGEST = timedelta(days=366)
"""How far ahead a pre-clearance may expire."""


async def ask_for_clearance(
    here: Installation,
    *,
    watch: str,
    types: Sequence[CrisisType],
    mildest: Severity,
    worst: Severity,
    channels: Sequence[str],
    lasts: timedelta,
    most_uses: int,
    by: str,
) -> Clearance:
    """Ask for words to be cleared within these bounds; nothing is cleared until everybody needed has approved.

    Raises:
        NotAllowed: a playbook forbids it, or the bounds make no sense.
        config.ConfigError: no such watch or channel.
    """
    watched = here.settings.watch(watch)
    names = tuple(here.settings.channel(name).name for name in dict.fromkeys(channels))
    if mildest > worst:
        raise NotAllowed(f"the mildest severity {mildest} is graver than the worst {worst}: turn them round")
    if not timedelta(0) < lasts <= LONGEST:
        raise NotAllowed(f"a pre-clearance lasts a day at least and {LONGEST.days} days at most")
    if not 1 <= most_uses <= 100:
        raise NotAllowed("a pre-clearance may be used once at least and 100 times at most")
    policy = policy_for([here.playbook(kind) for kind in types])
    now = here.clock.now()
    async with here.store.transaction() as tx:
        clearance = Clearance(
            id=await tx.clearances.next_id(),
            watch=watched.name,
            types=tuple(dict.fromkeys(types)),
            mildest=mildest,
            worst=worst,
            channels=names,
            expires_at=now + lasts,
            most_uses=most_uses,
            digests={kind: digest_now(here, watched.name, kind) for kind in types},
            shown={kind: _shown(here, watched.name, kind) for kind in types},
            policy=policy,
            author=by,
            proposed_at=now,
        )
        await tx.clearances.propose(clearance, actor=by, via=here.via, flow_run_id=here.flow_run_id)
    return clearance


def digest_now(here: Installation, watch: str, kind: CrisisType) -> ContentHash:
    """What the holding template of a kind of crisis is now, with everything that is put into it by configuration."""
    name = drafting.template_name(here.playbook(kind), StatementKind.HOLDING, here.templates.names)
    watched, voice = here.settings.watch(watch), here.settings.voice
    words = {
        "organisation": here.settings.organisation,
        "brand": watched.brand,
        "contact": watched.contact or voice.contact_url,
        "sign_off": voice.sign_off,
        "audience": here.playbook(kind).audience,
        "template": name,
    }
    return digest(here.templates.sources(name), words)


def _shown(here: Installation, watch: str, kind: CrisisType) -> str:
    from config.specimen import ASSESSMENT, INCIDENT

    watched, now = here.settings.watch(watch), here.clock.now()
    incident = INCIDENT.model_copy(
        update={"watch": watch, "assessment": ASSESSMENT.model_copy(update={"type": kind}), "opened_at": now}
    )
    return _rendered(here, incident, now_=now, brand_of=watched.name)


def _rendered(here: Installation, incident: Incident, *, now_: object, brand_of: str) -> str:
    """What the template says of an incident without any facts."""
    playbook = here.playbook(incident.assessment.type)
    context = drafting.template_context(
        kind=StatementKind.HOLDING,
        incident=incident,
        facts=(),
        watch=here.settings.watch(brand_of),
        playbook=playbook,
        now=now_,  # type: ignore[arg-type]
        organisation=here.settings.organisation,
        contact=here.settings.voice.contact_url,
        sign_off=here.settings.voice.sign_off,
    )
    name = drafting.template_name(playbook, StatementKind.HOLDING, here.templates.names)
    return here.templates.render(here.templates.choose(name, incident.assessment.strategy), **context)


async def clearance_standing(here: Installation, tx: Transaction, clearance: Clearance) -> Standing:
    """Where a pre-clearance stands before its approvers."""
    return standing(
        clearance.policy,
        await tx.decisions.list(clearance.content_hash),
        content_hash=clearance.content_hash,
        statement=clearance.id,
        version=1,
        proposed_at=clearance.proposed_at,
        now=here.clock.now(),
    )


async def decide_clearance(
    here: Installation, id: str, *, approver: str, role: str, verdict: Verdict, via: Via, reason: str = ""
) -> Standing:
    """Record one decision on a pre-clearance, with the checks of every other decision.

    Raises:
        NotAllowed: it does not count; why is in the message and on record.
        records.NotFound: there is no such pre-clearance.
    """
    try:
        async with here.store.transaction() as tx:
            return await _decide(here, tx, id, approver, role, verdict, via, reason)
    except NotAllowed as refusal:
        async with here.store.transaction() as tx:
            data = {"clearance": id, "role": role}
            act: Act = {"actor": approver, "via": via.value, "reason": str(refusal), "flow_run_id": here.flow_run_id}
            await tx.ledger.append("decision.refused", data=data, **act)
        raise


async def _decide(
    here: Installation, tx: Transaction, id: str, approver: str, role: str, verdict: Verdict, via: Via, reason: str
) -> Standing:
    clearance, state = await tx.clearances.get(id)
    before = await clearance_standing(here, tx, clearance)
    if state is not ClearanceState.PROPOSED or clearance.expires_at <= here.clock.now():
        gone = state.value if state is not ClearanceState.PROPOSED else "expired"
        raise NotAllowed(f"{id} is {gone}, so it waits for no decision")
    decisions, now = await tx.decisions.list(clearance.content_hash), here.clock.now()
    bound = {
        "content_hash": clearance.content_hash,
        "statement": id,
        "version": 1,
        "proposed_at": clearance.proposed_at,
    }
    earlier = counting(decisions, **bound)  # type: ignore[arg-type]
    seat = Seat(role=role)
    if role in clearance.policy.roles:
        seat = seat_of(
            approver,
            role,
            at=now,
            statement=id,
            author=clearance.author,
            people=await tx.stakeholders.list(),
            deputies=(),
            delegations=await tx.delegations.list(delegate=approver),
            used={email for d in earlier for email in d.people},
        )
    decision = Decision(
        content_hash=clearance.content_hash,
        statement=id,
        version=1,
        approver=approver,
        role=role,
        verdict=verdict,
        via=via,
        reason=reason,
        decided_at=now,
        on_behalf_of=seat.on_behalf_of,
    )
    check_decision(
        decision,
        policy=clearance.policy,
        author=clearance.author,
        proposed_at=clearance.proposed_at,
        current_hash=clearance.content_hash,
        stands=before,
        earlier=earlier,
    )
    act: Act = {"actor": approver, "via": via.value, "reason": reason, "flow_run_id": here.flow_run_id}
    try:
        await tx.decisions.add(decision, **act)
    except AlreadyDecided as decided:
        raise NotAllowed(str(decided)) from None
    after = await clearance_standing(here, tx, clearance)
    if after.approved:
        await tx.clearances.set_state(id, ClearanceState.APPROVED, **act)
    elif after.returned:
        await tx.clearances.set_state(id, ClearanceState.RETURNED, **act)
    return after


async def end_clearance(here: Installation, id: str, *, by: str, reason: str) -> None:
    """End a pre-clearance for good. Anybody who holds a role may: haste in taking back harms nobody.

    Raises:
        NotAllowed: they hold no role, or give no reason.
        records.NotFound: there is no such pre-clearance.
    """
    async with here.store.transaction() as tx:
        person = await tx.stakeholders.get(by)
        if person is None or not person.roles:
            raise NotAllowed(f"{by} holds no role here, so they cannot end a pre-clearance")
        if not reason.strip():
            raise NotAllowed("say why the pre-clearance ends: the reason goes on record")
        act: Act = {"actor": by, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}
        await tx.clearances.set_state(id, ClearanceState.VOIDED, **act)


async def release_if_cleared(
    here: Installation, tx: Transaction, incident: Incident, statement: Statement
) -> Release | None:
    """Release a statement that was just proposed by the first pre-clearance whose every bound holds; None when none does.

    A clearance whose template has changed is void from then on. Why each one did not serve is on record.
    """
    for clearance, _ in await tx.clearances.list(state=ClearanceState.APPROVED):
        if statement.kind is not StatementKind.HOLDING or clearance.watch != incident.watch:
            continue
        why = await _why_not(here, tx, clearance, incident, statement)
        if why:
            act: Act = {"actor": BY, "via": here.via, "reason": why, "flow_run_id": here.flow_run_id}
            data = {"clearance": clearance.id, "statement": statement.id, "version": statement.version}
            await tx.ledger.append("clearance.refused", incident=incident.id, data=data, **act)
            if why == CHANGED:
                await tx.clearances.set_state(clearance.id, ClearanceState.VOIDED, incident=incident.id, **act)
            continue
        cleared = await tx.decisions.list(clearance.content_hash)
        by = [d.approver for d in cleared if d.approves]
        release = Release(
            statement=statement.id,
            version=statement.version,
            content_hash=statement.content_hash,
            means=Means.PRECLEARED,
            by=BY,
            reason=f"its words were cleared beforehand by {', '.join(by)}: {clearance.says}",
            via=Via.PRECLEARANCE,
            clearance=clearance.id,
            released_at=here.clock.now(),
        )
        act = {"actor": BY, "via": here.via, "reason": release.reason, "flow_run_id": here.flow_run_id}
        await tx.releases.add(release, data={"cleared_by": by}, **act)
        await mark(here, tx, statement, StatementStatus.APPROVED, release.says, actor=BY)
        await hand_over(here, tx, statement)
        return release
    return None


async def _why_not(
    here: Installation, tx: Transaction, clearance: Clearance, incident: Incident, statement: Statement
) -> str:
    kind = incident.assessment.type
    if changed := await what_changed(tx, statement):
        return changed
    if not (await clearance_standing(here, tx, clearance)).approved:
        return "its approvals do not hold"
    same = _rendered(here, incident, now_=statement.created_at, brand_of=incident.watch)
    headline_and_body = drafting.headline_and_body(same)
    return why_not(
        clearance,
        statement,
        incident=incident,
        facts=await tx.facts.list(incident.id),
        allowed=here.playbook(kind).preclear,
        digest=digest_now(here, incident.watch, kind),
        as_template=statement.author == drafting.AUTHOR and headline_and_body == (statement.headline, statement.body),
        uses=await tx.releases.uses(clearance.id),
        now=here.clock.now(),
    )


async def tell_of_release(here: Installation, incident: Incident, statement: Statement, release: Release) -> None:
    """Tell everybody with a role, at once and whatever their conditions, that a text went out without its approvals."""
    emit(
        "approval.glass_broken" if release.means is Means.BREAK_GLASS else "approval.precleared",
        incident=incident,
        reference=f"{statement.id}/{statement.version}",
        payload={"statement": statement.id, "version": statement.version},
    )
    async with here.store.reading() as tx:
        people = [p for p in await tx.stakeholders.list() if p.roles]
    notice = Notice(
        occasion=f"released/{statement.id}/{statement.version}",
        template="released",
        context={"statement": statement, "release": release},
    )
    why = "a text went out without its approvals, so everybody with a role is told"
    await asyncio.gather(*(tell(here, incident, person, notice, why=why) for person in people))
