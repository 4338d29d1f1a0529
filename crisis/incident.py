"""The incident, and its life cycle as an explicit state machine."""

from enum import StrEnum

from crisis.triage import Assessment
from crisis.values import Frozen, Severity, UtcDatetime


class IncidentState(StrEnum):
    """Where an incident stands."""

    CANDIDATE = "candidate"
    OPEN = "open"
    RESPONDING = "responding"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    REVIEWED = "reviewed"
    DISMISSED = "dismissed"


S = IncidentState
STEPS: dict[IncidentState, dict[IncidentState, str]] = {
    S.CANDIDATE: {S.OPEN: "somebody confirms that it is real", S.DISMISSED: "it is a false alarm"},
    S.OPEN: {S.RESPONDING: "a response is started", S.DISMISSED: "it is a false alarm"},
    S.RESPONDING: {S.MONITORING: "a statement is out", S.DISMISSED: "it is a false alarm"},
    S.MONITORING: {S.RESPONDING: "another statement is needed", S.RESOLVED: "the reaction has calmed"},
    S.RESOLVED: {S.RESPONDING: "it flares up again", S.REVIEWED: "the after-action report is done"},
    S.REVIEWED: {},
    S.DISMISSED: {},
}
"""Each legal step, with the condition under which it is taken."""

LIVE = frozenset({S.CANDIDATE, S.OPEN, S.RESPONDING, S.MONITORING})
"""States in which a new signal joins the incident instead of opening another."""

ASSESSED = ("incident.assessed", "incident.retold")
"""Kinds of records that hold a whole assessment: rated anew, or only what people say renewed."""


class IllegalStep(ValueError):
    """A state was asked for that cannot follow the present one; the message says which can, and when."""


class Incident(Frozen):
    """The unit of response."""

    id: str
    """For people, too: ``INC-7``."""
    watch: str
    title: str
    state: IncidentState
    opened_at: UtcDatetime
    started_at: UtcDatetime
    """The first mention of the episode: the start of the one clock."""
    closed_at: UtcDatetime | None = None
    assessment: Assessment
    narrative: str = ""
    opened_by: str = "detector"
    lead: str = ""
    """E-mail address of the incident lead."""
    flow_run_id: str = ""
    """The Prefect run that has claimed the response."""
    lower_since: UtcDatetime | None = None
    """Since when triage has seen less than the severity says (``crisis.escalation``)."""
    merged_into: str = ""
    """The incident that this one was merged into; its state is ``dismissed`` then."""

    @property
    def severity(self) -> Severity:
        return self.assessment.severity

    def step(self, to: IncidentState, at: UtcDatetime) -> "Incident":
        """The incident after one legal step.

        Raises:
            IllegalStep: ``to`` cannot follow the present state.
        """
        allowed = STEPS[self.state]
        if to not in allowed:
            ways = "; ".join(f"{state} when {why}" for state, why in allowed.items()) or "it is final"
            raise IllegalStep(f"{self.id} is {self.state} and cannot become {to} ({ways})")
        closed = at if to in (S.RESOLVED, S.DISMISSED) else None if to is S.RESPONDING else self.closed_at
        return self.model_copy(update={"state": to, "closed_at": closed})

    def merge(self, into: "Incident", at: UtcDatetime) -> "Incident":
        """The incident after it was merged into another of the same watch: it ends, and says where it went on.

        Raises:
            IllegalStep: one of them is over, they are one, or they are of two watches.
        """
        for incident in (self, into):
            if incident.state not in LIVE:
                raise IllegalStep(f"{incident.id} is {incident.state}: only incidents that are not over are merged")
        if self.id == into.id:
            raise IllegalStep(f"{self.id} cannot be merged into itself: name two incidents")
        if self.watch != into.watch:
            raise IllegalStep(f"{self.id} is of {self.watch} and {into.id} of {into.watch}: one incident has one watch")
        return self.model_copy(update={"state": S.DISMISSED, "closed_at": at, "merged_into": into.id})


class Dismissal(StrEnum):
    """Why an alarm was dismissed: the label that later tuning learns from."""

    FALSE_ALARM = "false_alarm"
    PRAISE = "praise"
    OFF_TOPIC = "off_topic"
    BRIGADE = "brigade"
    DUPLICATE = "duplicate"
    KNOWN = "known"


class Label(Frozen):
    """What a person said of a stretch of a watch's time: data for ``fireline backtest --labels``."""

    start: UtcDatetime
    end: UtcDatetime
    label: str
    """``crisis``, or one of ``Dismissal``."""
    incident: str
    watch: str
    severity: Severity
    """As it stood at the end, overrides included."""
    by: str
    reason: str = ""
