"""What an incident waits for, from whom, until when, and how that person does it.

Each comes with the command that does it, and those that the desk has a page for with its address.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from config import Settings
from crisis.commitment import Commitment, CommitmentState, PromiseKind
from crisis.delivery import Delivery, Purpose
from crisis.incident import Incident, IncidentState
from crisis.read_back import to_mend
from crisis.values import StatementKind
from desk.picture import Picture, Version
from records import StatementStatus

YOU = "--as YOUR@ADDRESS"
PROMISE_SOON = timedelta(hours=2)
"""A promise with less time than this left is something to do now; one with more is shown quietly, and last."""
LONGEST = 160
"""Characters of a promise that are shown where it waits; its own page has all."""


UNFINISHED = (StatementStatus.DRAFT, StatementStatus.RETURNED, StatementStatus.VOIDED, StatementStatus.EXPIRED)
"""Texts that somebody has to write on before they can be approved."""


@dataclass(frozen=True)
class Wait:
    """Something that does not happen until somebody does it."""

    what: str
    who: str = ""
    due_at: datetime | None = None
    commands: tuple[str, ...] = ()
    """How it is done: what to type, the likeliest first."""
    link: str = ""
    """Where on the desk to see more."""
    act: str = ""
    """Where on the desk to do it."""
    act_label: str = ""
    link_label: str = "What is known, and how to answer"
    quiet: bool = False
    """It is not yet time to do it."""
    outside: bool = False
    """Something may have gone wrong outside, and nothing more is sent there before somebody has looked."""
    since: datetime | None = None
    """Since when it waits."""


def waits(picture: Picture, settings: Settings, now: datetime) -> tuple[Wait, ...]:
    """What the incident waits for, the most urgent first.

    Deliveries of which nobody knows whether they arrived outrank everything, on purpose: a text may be missing outside or
    stand there twice, and nothing goes on there before a person has looked. Then what has a due time, the most overdue
    first; then what has none; then promises whose time is not near.
    """
    found = _found(picture, settings, now)
    return tuple(sorted(found, key=lambda w: (not w.outside, w.quiet, w.due_at is None, w.due_at or now)))


def _found(picture: Picture, settings: Settings, now: datetime) -> list[Wait]:
    incident = picture.incident
    lead = _name(settings, incident.lead) or people(settings, "incident_lead")
    found = [
        Wait(
            f"Look whether {_about(d)} reached {d.rendering.target.channel}",
            lead,
            link=_place(d),
            since=d.updated_at,
            outside=True,
        )
        for d in picture.unknown
        if d.needs_human
    ]
    for version in picture.versions:
        if incident.closed_at and version.status in UNFINISHED:
            continue  # a draft of what is over: nobody writes on it any more
        wait = _waits_for(version, settings, lead, word_due(incident, version.statement.kind))
        found += [wait] if wait else []
    found += _to_mend(picture, lead)
    open_ones = [c for c in picture.commitments if c.state is CommitmentState.OPEN]
    found += [_promised(incident, c, _name(settings, c.owner) or lead, now) for c in open_ones]
    spoken = any(v.statement.kind.to_all for v in picture.versions)
    if incident.state is IncidentState.CANDIDATE:
        found.append(
            Wait(
                "Confirm that it is real, or dismiss it",
                lead,
                commands=(_confirm(incident), _dismiss(incident)),
                act=f"/incidents/{incident.id}/act",
                act_label="Confirm or dismiss",
                since=incident.opened_at,
            )
        )
    elif not spoken and incident.state in (
        IncidentState.OPEN,
        IncidentState.RESPONDING,
    ):
        due_at = word_due(incident, StatementKind.HOLDING)
        how = (_draft(incident, StatementKind.HOLDING),)
        act = _editor(incident, StatementKind.HOLDING)
        since = incident.opened_at
        found.append(Wait("Draft a first statement", lead, due_at, how, act=act, act_label="Draft it", since=since))
    elif incident.state is IncidentState.MONITORING and picture.closing_proposed:
        close = f'fireline resolve {incident.id} {YOU} --reason "WHY"'
        says, owed = "Decide whether to close: the reaction has calmed", f"/incidents/{incident.id}/told"
        act = f"/incidents/{incident.id}/act#close"
        label = "Who is still owed the resolution"
        found.append(Wait(says, lead, commands=(close,), act=act, act_label="Close it", link=owed, link_label=label))
    elif incident.state is IncidentState.RESOLVED:
        says = "Review it: a meeting, what was learnt, and signatures"
        place = f"/incidents/{incident.id}/review"
        found.append(Wait(says, lead, act=place, act_label="Open the review", since=incident.closed_at))
    return found


def _promised(incident: Incident, promise: Commitment, who: str, now: datetime) -> Wait:
    """A promise to keep: an update by drafting it, any other by saying what became of it."""
    is_update = promise.kind is PromiseKind.UPDATE
    text = promise.text if len(promise.text) <= LONGEST else promise.text[: LONGEST - 1].rstrip() + "…"
    return Wait(
        f"Keep the promise: {text}",
        who,
        promise.due_at,
        (_draft(incident, StatementKind.UPDATE),) if is_update else (_kept(promise.id),),
        act=_editor(incident, StatementKind.UPDATE) if is_update else f"/promises?incident={incident.id}#{promise.id}",
        act_label="Draft the update" if is_update else "Say what became of it",
        quiet=promise.due_at - now > PROMISE_SOON,
    )


def _to_mend(picture: Picture, lead: str) -> list[Wait]:
    """Published texts that do not stand as they were approved: to correct, or to take back."""
    published = [v.statement for v in picture.versions if v.status is StatementStatus.PUBLISHED]
    corrections = [s for s in published if s.corrects]
    found = []
    for name, changed in to_mend(picture.deliveries, picture.read_backs, picture.taken_back, corrections).items():
        where = ", ".join(d.rendering.target.channel for d, _ in changed)
        found.append(
            Wait(
                f"Correct or withdraw {name}: it does not stand as approved on {where}",
                lead,
                act=f"{_editor(picture.incident, StatementKind.CORRECTION)}&corrects={name}",
                act_label="Draft a correction",
                link=f"/incidents/{picture.incident.id}/deliveries#delivery-{changed[0][0].id}",
                link_label="See it, or take it back",
                since=min((one.since for _, one in changed if one.since), default=None),
            )
        )
    return found


def next_step(incident: Incident, waiting: tuple[Wait, ...]) -> tuple[str, str]:
    """The one obvious next step and where it is taken: the first of ``waits``."""
    if not waiting:
        return "Watch how it goes on", f"/incidents/{incident.id}"
    return waiting[0].what, waiting[0].act or waiting[0].link or f"/incidents/{incident.id}"


def word_due(incident: Incident, kind: StatementKind) -> datetime | None:
    """When a statement of that kind is due out by the incident's clocks; none for kinds without a clock."""
    spans = {
        StatementKind.HOLDING: incident.assessment.clocks.holding,
        StatementKind.SUBSTANTIVE: incident.assessment.clocks.substantive,
    }
    return incident.opened_at + spans[kind] if kind in spans else None


def _waits_for(version: Version, settings: Settings, lead: str, due_at: datetime | None) -> Wait | None:
    statement = version.statement
    label, author = f"the {statement.kind} statement {statement.label}", _name(settings, statement.author) or lead
    propose = (f"fireline propose {statement.id} {YOU}",)
    page = f"/statements/{statement.id}"
    begin = f"fireline draft {statement.incident} --kind {statement.kind}"
    again = (begin if statement.kind.to_all else f"fireline people {statement.incident}", *propose)
    if version.status is StatementStatus.PROPOSED and version.proposal and version.standing:
        if version.standing.expired:
            what = f"Draft and propose {label} again: the time to approve it has passed"
            return Wait(what, lead, due_at, again, act=page, act_label="Open it")
        asked = version.proposal.proposed_at
        until = asked + version.proposal.policy.expires_after
        now = {role: n for role, n in version.missing.items() if role in version.standing.asked}
        owed = [f"{n} × {role} ({people(settings, role, but=statement.author)})" for role, n in now.items()]
        approve = tuple(f"fireline approve {statement.id} --role {role} {YOU}" for role in now)
        due = min(due_at, until) if due_at else until
        act = f"/statements/{statement.id}/decide"
        return Wait(f"Approve {label}", " and ".join(owed), due, approve, since=asked, act=act, act_label="Decide")
    says = version.standing.says if version.standing else "it was returned"
    what, commands = {
        StatementStatus.DRAFT: (f"Propose {label} for approval", propose),
        StatementStatus.RETURNED: (f"Mend {label}: {says}", again),
        StatementStatus.VOIDED: (f"Draft {label} anew: it is void", again),
        StatementStatus.EXPIRED: (f"Draft {label} anew: it expired", again),
        StatementStatus.APPROVED: (f"Publish {label}: it is approved", (f"fireline publish {statement.id}",)),
    }.get(version.status, ("", ()))
    since = statement.created_at if version.status is StatementStatus.DRAFT else None
    return Wait(what, author, due_at, commands, since=since, act=page, act_label="Open it") if what else None


def _draft(incident: Incident, kind: StatementKind) -> str:
    return f"fireline draft {incident.id} --kind {kind}"


def _editor(incident: Incident, kind: StatementKind) -> str:
    return f"/incidents/{incident.id}/draft?kind={kind}"


def _kept(id: str) -> str:
    return f'fireline kept {id} {YOU} --evidence "WHAT SHOWS IT"'


def _confirm(incident: Incident) -> str:
    return f'fireline confirm {incident.id} {YOU} --reason "WHY"'


def _dismiss(incident: Incident) -> str:
    return f'fireline dismiss {incident.id} {YOU} --reason "WHY"'


def _about(delivery: Delivery) -> str:
    return {
        Purpose.NOTICE: f"the notice to {delivery.rendering.target.address}",
        Purpose.WITHDRAWAL: f"the withdrawal of {delivery.statement}",
        Purpose.STATEMENT: delivery.statement,
    }[delivery.purpose]


def _place(delivery: Delivery) -> str:
    return f"/incidents/{delivery.incident}#delivery-{delivery.id}"


def answer_commands(delivery: Delivery) -> tuple[tuple[str, str], ...]:
    """What to type once a human has looked whether an unknown delivery got there, and what each answer means."""
    by = f'{YOU} --reason "WHAT YOU SAW"'
    return (
        ("It is there:", f"fireline answer {delivery.id} --arrived {by}"),
        ("It is not there, send it again:", f"fireline answer {delivery.id} --send-again {by}"),
    )


def _name(settings: Settings, email: str) -> str:
    return next((p.name for p in settings.stakeholders if p.email == email), "")


def people(settings: Settings, role: str, *, but: str = "") -> str:
    """Who holds a role, by name, ``but`` one e-mail address."""
    names = [p.name for p in settings.stakeholders if role in p.roles and p.email != but]
    return ", ".join(names) or f"nobody holds the role {role}"
