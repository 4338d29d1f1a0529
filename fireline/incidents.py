"""Verbs on incidents: list, open by hand, assess, dismiss, resolve. The same acts as on the desk, by name."""

import sys
from typing import Annotated

from cyclopts import Parameter

from crisis.values import CrisisType, Severity
from fireline.session import session, show

Actor = Annotated[str, Parameter(name="--as", help="Your e-mail address, as it stands among the stakeholders.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object a line on stdout.")]
Reason = Annotated[str, Parameter(help="Why, in your own words; it is on record.")]


async def incidents(*, json: Json = False) -> None:
    """List incidents with their state and what they wait for, the newest last; then what is not being heard."""
    from tasks.coverage import coverage_lines
    from tasks.waiting import waiting_for

    async with session() as here:
        async with here.store.reading() as tx:
            found = await tx.incidents.list()
        for incident in found:
            waits = await waiting_for(here, incident)
            row = incident.model_dump(mode="json", include={"id", "watch", "title", "state", "opened_at", "closed_at"})
            row |= {"severity": incident.severity.value, "type": incident.assessment.type.value, "waits_for": waits}
            words = f"{incident.id}  {incident.severity}  {incident.state:<11} {incident.title}\n        {waits}"
            show(row, as_json=json, words=words)
        if not found and not json:
            print("No incidents. That is good news.")
        for line in await coverage_lines(here):
            print(line, file=sys.stderr if json else sys.stdout)


async def open_incident(
    watch: str,
    title: str,
    *,
    actor: Actor,
    type: CrisisType = CrisisType.UNKNOWN,
    severity: Severity = Severity.SEV3,
    json: Json = False,
) -> None:
    """Open an incident by hand and start the response.

    Args:
        watch: The short name of the watch that is affected.
        title: What has happened, in one line.
        type: The kind of crisis; it decides which playbook is used.
        severity: How bad it is; SEV1 is the worst.
    """
    from tasks.triage import alert, open_by_hand

    async with session() as here:
        here.settings.stakeholder(actor)
        here.settings.watch(watch)
        incident = await open_by_hand(
            here, watch=watch, title=title, crisis_type=type, severity=severity, reported_by=actor
        )
        started = await alert(here, incident)
        show(
            {"incident": incident.id, "severity": severity.value, "run": started.run_id, "says": started.says},
            as_json=json,
            words=f"{incident.id} is open ({severity}). Response: {started.says}.",
        )


async def assess(
    incident: str,
    *,
    actor: Actor,
    reason: Reason,
    severity: Severity | None = None,
    type: CrisisType | None = None,
    json: Json = False,
) -> None:
    """Override triage's severity or kind, with your reason. Approvals given for another severity no longer count.

    Args:
        incident: Such as INC-7.
    """
    from tasks.triage import find, override

    async with session() as here:
        here.settings.stakeholder(actor)
        now = await find(here, incident)
        after = await override(
            here,
            incident,
            severity=severity or now.severity,
            crisis_type=type or now.assessment.type,
            actor=actor,
            reason=reason,
        )
        show(
            {"incident": incident, "severity": after.severity.value, "type": after.assessment.type.value},
            as_json=json,
            words=f"{incident} is {after.severity} now, {after.assessment.type.value.replace('_', ' ')}.",
        )


async def dismiss(incident: str, *, actor: Actor, reason: Reason, json: Json = False) -> None:
    """Call it a false alarm, with your reason; it becomes a label for tuning.

    Args:
        incident: Such as INC-7.
    """
    from tasks import triage

    async with session() as here:
        here.settings.stakeholder(actor)
        after = await triage.dismiss(here, incident, actor=actor, reason=reason)
        show({"incident": incident, "state": after.state.value}, as_json=json, words=f"{incident} is dismissed.")


async def resolve(incident: str, *, actor: Actor, reason: Reason, json: Json = False) -> None:
    """Close an incident and start its review. Refused while the public is still owed a word.

    Args:
        incident: Such as INC-7.
    """
    from tasks import close

    async with session() as here:
        here.settings.stakeholder(actor)
        after = await close.resolve(here, incident, actor=actor, reason=reason)
        words = f"{incident} is resolved. The after-action report follows: `fireline report {incident} -o DIR`."
        show({"incident": incident, "state": after.state.value}, as_json=json, words=words)
