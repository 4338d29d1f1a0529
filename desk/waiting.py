"""What an incident waits for, from whom, until when, and how that person does it.

Each comes with the command that does it, and those that the desk has a page for with its address.
"""

from dataclasses import dataclass
from datetime import datetime

from config import Settings
from crisis.commitment import CommitmentState, PromiseKind
from crisis.delivery import Delivery, Purpose
from crisis.incident import Incident, IncidentState
from crisis.values import StatementKind
from desk.picture import Picture, Version
from records import StatementStatus

YOU = "--as YOUR@ADDRESS"


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
    since: datetime | None = None
    """Since when it waits."""


def waits(picture: Picture, settings: Settings) -> tuple[Wait, ...]:
    """What the incident waits for, the most urgent first."""
    incident = picture.incident
    lead = _name(settings, incident.lead) or people(settings, "incident_lead")
    found = [
        Wait(
            f"Look whether {_about(d)} reached {d.rendering.target.channel}",
            lead,
            link=_place(d),
            since=d.updated_at,
        )
        for d in picture.unknown
        if d.needs_human
    ]
    for version in picture.versions:
        wait = _waits_for(version, settings, lead, word_due(incident, version.statement.kind))
        found += [wait] if wait else []
    found += [
        Wait(
            f"Keep the promise: {c.text}",
            _name(settings, c.owner) or lead,
            c.due_at,
            (_draft(incident, StatementKind.UPDATE),) if c.kind is PromiseKind.UPDATE else (_kept(c.id),),
            act=f"/promises?incident={incident.id}#{c.id}" if c.kind is not PromiseKind.UPDATE else "",
            act_label="Say what became of it",
        )
        for c in picture.commitments
        if c.state is CommitmentState.OPEN
    ]
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
        found.append(Wait("Draft a first statement", lead, due_at, how, since=incident.opened_at))
    elif incident.state is IncidentState.MONITORING and picture.closing_proposed:
        close = f'fireline resolve {incident.id} {YOU} --reason "WHY"'
        found.append(Wait("Decide whether to close: the reaction has calmed", lead, commands=(close,)))
    return tuple(found)


def next_step(incident: Incident, waiting: tuple[Wait, ...]) -> tuple[str, str]:
    """The one obvious next step and where it is taken: what is most overdue, else what is asked for first."""
    if not waiting:
        return "Watch how it goes on", f"/incidents/{incident.id}"
    first = min(waiting, key=lambda w: (w.due_at is None, w.due_at or incident.opened_at))
    chosen = waiting[0] if waiting[0].act or waiting[0].link else first
    return chosen.what, chosen.act or chosen.link or f"/incidents/{incident.id}#f-{_section(chosen)}"


def _section(wait: Wait) -> str:
    return "words" if "statement" in wait.what or "promise" in wait.what else "head"


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
    begin = f"fireline draft {statement.incident} --kind {statement.kind}"
    again = (begin if statement.kind.to_all else f"fireline people {statement.incident}", *propose)
    if version.status is StatementStatus.PROPOSED and version.proposal and version.standing:
        if version.standing.expired:
            return Wait(f"Draft and propose {label} again: the time to approve it has passed", lead, due_at, again)
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
    return Wait(what, author, due_at, commands, since=since) if what else None


def _draft(incident: Incident, kind: StatementKind) -> str:
    return f"fireline draft {incident.id} --kind {kind}"


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
