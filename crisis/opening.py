"""What follows from a look at an episode: no incident, a new one or a candidate, or a change of the one it joins.

Rules only; whoever keeps incidents (records, or a replay's memory) does what they say.
"""

from collections.abc import Mapping, Sequence

from crisis.correlation import Matter
from crisis.escalation import Settled, settle
from crisis.incident import Incident, IncidentState
from crisis.playbook import Playbook
from crisis.sensitivity import USUAL, Sensitivity
from crisis.triage import Assessment, Signal
from crisis.values import CrisisType, Frozen, UtcDatetime
from crisis.watch import Mention, Watch

Playbooks = Mapping[CrisisType, Playbook]


class Opening(Frozen):
    """A new incident."""

    title: str
    narrative: str
    """The id that stays with it, whatever narratives come and go."""
    started_at: UtcDatetime
    state: IncidentState
    """``open``, or ``candidate`` where the playbook asks a person first."""


class Again(Frozen):
    """What one more look changes about an incident."""

    settled: Settled
    opens: bool
    """It is a candidate and has grown beyond what waits for a person."""


def answered(past: Sequence[Incident], signal: Signal) -> Incident | None:
    """The incident of the same episode that was closed or dismissed already: people decide whether to reopen it."""
    return next((known for known in reversed(past) if known.opened_at >= signal.started_at), None)


def opening(
    watch: Watch,
    signal: Signal,
    assessment: Assessment,
    mentions: Sequence[Mention],
    *,
    another: Matter | None,
    playbooks: Playbooks,
) -> Opening:
    """How a new incident begins. ``another``: the matter that makes it another one than those that are live."""
    kind = assessment.type.value.replace("_", " ")
    about = assessment.narratives[0] if assessment.narratives else None
    return Opening(
        title=f"{watch.brand}: {kind}" + (f" ({about.label})" if about and about.label else ""),
        narrative=another.narrative if another else about.id if about else "",
        started_at=mentions[0].created_at if another and mentions else signal.started_at,
        state=IncidentState.CANDIDATE if waits_for_a_person(assessment, playbooks) else IncidentState.OPEN,
    )


def waits_for_a_person(assessment: Assessment, playbooks: Playbooks) -> bool:
    """Whether the playbook wants a person to confirm what is so severe at most."""
    playbook = playbooks.get(assessment.type)
    up_to = playbook.confirm_up_to if playbook else None
    return up_to is not None and assessment.severity <= up_to


def again(
    incident: Incident,
    history: Sequence[Assessment],
    seen: Assessment,
    *,
    may_lower: bool = True,
    playbooks: Playbooks,
    sensitivity: Sensitivity = USUAL,
) -> Again:
    """What it means that triage has ``seen`` this of an incident whose assessments so far are ``history``.

    ``may_lower``: as in ``crisis.escalation.settle``.
    """
    settled = settle(history, seen, incident.lower_since, may_lower=may_lower, sensitivity=sensitivity)
    waited = incident.state is IncidentState.CANDIDATE and settled.assessment is not None
    opens = waited and not waits_for_a_person(settled.assessment or seen, playbooks)
    return Again(settled=settled, opens=opens)
