"""Verbs on incidents: list, open by hand, assess, dismiss, resolve. The same acts as on the desk, by name."""

import csv
import sys
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from crisis.incident import Dismissal, Label
from crisis.values import CrisisType, Severity
from crisis.visible import visible
from fireline.errors import Stop
from fireline.session import session, show

Actor = Annotated[str, Parameter(name="--as", help="Your e-mail address, as it stands among the stakeholders.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object a line on stdout.")]


def says_something(_: object, text: str) -> None:
    """Refuses a reason that was given but is blank."""
    if not text.strip():
        raise ValueError("the reason is empty: say why, in your own words")


Reason = Annotated[str, Parameter(help="Why, in your own words; it is on record.", validator=says_something)]


async def incidents(
    *,
    labels: Annotated[
        bool, Parameter(negative="", help="What people said of each episode, for backtest --labels.")
    ] = False,
    json: Json = False,
) -> None:
    """List incidents with their state and what they wait for, the newest last; then what is not being heard.

    --labels prints instead, as CSV (start,end,label,...) or with --json as JSON lines, which episodes people took for
    real ("crisis") and why they dismissed the others.
    """
    from tasks.coverage import coverage_lines
    from tasks.waiting import waiting_for

    async with session() as here:
        if labels:
            from tasks.incidents import labels as said

            _show_labels(await said(here), as_json=json)
            return
        async with here.store.reading() as tx:
            found = await tx.incidents.list()
        for incident in found:
            waits = await waiting_for(here, incident)
            row = incident.model_dump(mode="json", include={"id", "watch", "title", "state", "opened_at", "closed_at"})
            row |= {"severity": incident.severity.value, "type": incident.assessment.type.value, "waits_for": waits}
            title = " ".join(incident.title.split())
            words = f"{incident.id}  {incident.severity}  {incident.state:<11} {title}\n        {waits}"
            show(row, as_json=json, words=words)
        if not found and not json:
            print("No incidents. That is good news.")
        for line in await coverage_lines(here):
            print(visible(line), file=sys.stderr if json else sys.stdout)


async def counsel(incident: str, *, json: Json = False) -> None:
    """Say what crisis communication advises for an incident: the posture, what was ruled out and why, what to do.

    Every line names its evidence and its source.

    Args:
        incident: Such as INC-7.
    """
    from crisis.counsel import sources
    from tasks.advise import advise

    async with session() as here:
        async with here.store.reading() as tx:
            found = await advise(tx, incident)
        works = sources(found)
        lines = [f"{incident}: {found.strategy.value}. {found.why}", "", "It rests on:"]
        lines += [f"  - {line}" for line in found.evidence]
        lines += ["", "Do:"]
        lines += [f"  - {a.do}\n      {a.why} [{a.reference}]" for a in found.advice]
        lines += ["", "Ruled out:"]
        lines += [f"  - {r.strategy.value}: {r.why}" for r in found.ruled_out]
        lines += ["", "Sources:", *(f"  [{key}] {work}" for key, work in works.items())]
        row = {"incident": incident, **found.model_dump(mode="json"), "sources": works}
        show(row, as_json=json, words="\n".join(lines))


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
    from tasks.first_word import alert
    from tasks.triage import open_by_hand

    async with session() as here:
        here.settings.stakeholder(actor)
        if watch not in (known := [w.name for w in here.settings.watches]):
            raise Stop(f"there is no watch {watch!r}: there is {', '.join(known) or 'none yet'}", 1)
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
    from tasks.first_word import reassessed
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
        await reassessed(here, after)
        show(
            {"incident": incident, "severity": after.severity.value, "type": after.assessment.type.value},
            as_json=json,
            words=f"{incident} is {after.severity} now, {after.assessment.type.value.replace('_', ' ')}.",
        )


async def confirm(incident: str, *, actor: Actor, reason: Reason, json: Json = False) -> None:
    """Confirm that a candidate is real: it opens, people are told, the response starts.

    Args:
        incident: Such as INC-7.
    """
    from tasks import incidents

    async with session() as here:
        here.settings.stakeholder(actor)
        after = await incidents.confirm(here, incident, actor=actor, reason=reason)
        show({"incident": incident, "state": after.state.value}, as_json=json, words=f"{incident} is open.")


async def acknowledge(incident: str, *, actor: Actor, json: Json = False) -> None:
    """Say that you are on it: nobody else is called, and paging services are told.

    Args:
        incident: Such as INC-7.
    """
    from tasks.acknowledge import acknowledge as take_on

    async with session() as here:
        here.settings.stakeholder(actor)
        first = await take_on(here, incident, actor=actor)
        words = f"You are on {incident}." if first == actor else f"{first} is on {incident} already."
        show({"incident": incident, "acknowledged_by": first}, as_json=json, words=words)


async def dismiss(
    incident: str,
    *,
    actor: Actor,
    reason: Reason,
    label: Dismissal = Dismissal.FALSE_ALARM,
    json: Json = False,
) -> None:
    """Call it a false alarm, with your reason; it becomes a label for tuning.

    Args:
        incident: Such as INC-7.
        label: What it was instead, for tuning: praise, a brigade, off topic, known already, a duplicate.
    """
    from tasks import incidents

    async with session() as here:
        here.settings.stakeholder(actor)
        after = await incidents.dismiss(here, incident, actor=actor, reason=reason, label=label)
        row = {"incident": incident, "state": after.state.value, "label": label.value}
        show(row, as_json=json, words=f"{incident} is dismissed ({label.value.replace('_', ' ')}).")


async def merge(incident: str, into: str, *, actor: Actor, reason: Reason, json: Json = False) -> None:
    """Two incidents are one: INCIDENT ends, its mentions go to INTO, which goes on.

    Args:
        incident: The one that ends, such as INC-8. What was said under it stays on record there.
        into: The one that goes on, such as INC-7.
    """
    from tasks import incidents

    async with session() as here:
        here.settings.stakeholder(actor)
        after = await incidents.merge(here, incident, into, actor=actor, reason=reason)
        row = {"incident": incident, "state": after.state.value, "merged_into": into}
        show(row, as_json=json, words=f"{incident} is part of {into} now.")


async def split(
    incident: str,
    *,
    narrative: Annotated[str, Parameter(help="Its id or label, as `fireline narrative` lists them.")],
    actor: Actor,
    reason: Reason,
    json: Json = False,
) -> None:
    """One incident is two: a narrative and its mentions become an incident of their own, with its own response.

    Args:
        incident: The one that is split, such as INC-7.
    """
    from tasks import incidents

    async with session() as here:
        here.settings.stakeholder(actor)
        new = await incidents.split(here, incident, narrative, actor=actor, reason=reason)
        row = {"incident": new.id, "split_from": incident, "severity": new.severity.value, "title": new.title}
        show(row, as_json=json, words=f"{new.id} is open ({new.severity}): {new.title}")


async def narrative(
    incident: str,
    narrative: str = "",
    *,
    fact: Annotated[str, Parameter(help="The fact that answers it, such as INC-7-F2; none unties it.")] = "",
    actor: Annotated[str, Parameter(name="--as", help="Your e-mail address; needed to tie.")] = "",
    json: Json = False,
) -> None:
    """List an incident's narratives and what people ask, or tie one to the fact that answers its claim.

    Args:
        incident: Such as INC-7.
        narrative: The id or label of the one to tie; left out, all are listed.
    """
    from tasks import incidents as acts
    from tasks.triage import find

    async with session() as here:
        if narrative:
            here.settings.stakeholder(actor)
            tied = "" if fact == "none" else fact
            chosen = await acts.tie(here, incident, narrative, tied, actor=actor)
            words = f"{chosen.label} is answered by {tied}." if tied else f"{chosen.label} is answered by no fact."
            show({"incident": incident, "narrative": chosen.id, "fact": tied}, as_json=json, words=words)
            return
        found = await find(here, incident)
        async with here.store.reading() as tx:
            facts = await acts.answers(tx, incident)
        for one in found.assessment.narratives:
            answer = facts.get(one.id)
            row = one.model_dump(mode="json") | {"fact": answer.id if answer else ""}
            lines = [f"{one.id}  {one.size:>6,} posts  {one.label}", f"    {' '.join(one.quote.split())[:160]}"]
            lines += [f"    asked {q.count}×: {q.text}" for q in one.questions]
            lines += [f"    answered by {answer.id} ({answer.status}): {answer.text}"] if answer else []
            show(row, as_json=json, words="\n".join(lines))


def _show_labels(found: Sequence[Label], *, as_json: bool) -> None:
    columns = ("start", "end", "label", "incident", "watch", "severity", "by", "reason")
    rows = [label.model_dump(mode="json", include=set(columns)) for label in found]
    if as_json:
        for row in rows:
            show({name: row[name] for name in columns}, as_json=True, words="")
        return
    table = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    table.writeheader()
    table.writerows({name: visible(str(value)) for name, value in row.items()} for row in rows)


async def resolve(
    incident: str,
    *,
    actor: Actor,
    reason: Reason,
    unreached: Annotated[str, Parameter(help="Why those who are stranded are not told that it is over.")] = "",
    json: Json = False,
) -> None:
    """Close an incident and start its review. Refused while the public is still owed a word, or somebody is stranded.

    Args:
        incident: Such as INC-7.
    """
    from tasks import close

    async with session() as here:
        here.settings.stakeholder(actor)
        after = await close.resolve(here, incident, actor=actor, reason=reason, unreached=unreached)
        async with here.store.reading() as tx:
            left = (await close.owed(here, tx, after)).questions
        words = f"{incident} is resolved. The after-action report follows: `fireline report {incident} -o DIR`."
        words += f"\n{left}" if left else ""
        show({"incident": incident, "state": after.state.value}, as_json=json, words=words)
