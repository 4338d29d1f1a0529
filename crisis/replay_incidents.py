"""The incidents of a replay: what looks at a watch's episodes do to them, in memory, by the rules of the live service.

Nobody answers in a replay. So it is taken that people close every incident of an episode once its alert has closed, and
that they leave candidates alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crisis.coordination import Coordination
from crisis.correlation import incident_for
from crisis.episode_triage import Look
from crisis.incident import Incident, IncidentState
from crisis.opening import again, answered, opening
from crisis.playbook import Playbook
from crisis.retelling import retold
from crisis.sensitivity import USUAL, Sensitivity
from crisis.triage import Assessment, Signal
from crisis.values import CrisisType
from crisis.watch import Watch


@dataclass
class Episode:
    """One incident of a replay."""

    incident: Incident
    history: list[Assessment]
    """Assessments as they came to hold: the first one, then each that changed the severity."""
    says: list[str]
    """Why each of them came to hold."""
    assessment: Assessment
    """The worst that was seen."""
    coordination: Coordination
    """What was known of it then."""
    signal: Signal
    """Then."""
    closed_at: datetime | None = None
    first: Assessment = field(init=False)

    def __post_init__(self) -> None:
        self.first = self.assessment

    @property
    def opened_at(self) -> datetime:
        return self.incident.opened_at

    @property
    def started_at(self) -> datetime:
        return self.incident.started_at

    def line(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        worst = self.assessment
        return {
            "opened_at": self.opened_at.isoformat(),
            "closed_at": self.closed_at.isoformat() if self.closed_at else None,
            "started_at": self.started_at.isoformat(),
            "state": self.incident.state.value,
            "severity": worst.severity.value,
            "severity_at_opening": self.first.severity.value,
            "severity_at_end": self.history[-1].severity.value,
            "severities": [
                {"at": held.assessed_at.isoformat(), "severity": held.severity.value, "score": held.score, "says": why}
                for held, why in zip(self.history, self.says, strict=True)
            ],
            "type": worst.type.value,
            "score": worst.score,
            "confidence": worst.confidence,
            "why_confidence": worst.why_confidence,
            "coordination": self.arranged(),
            "authors": worst.authors,
            "negative_share": round(worst.negative_share, 4),
            "factors": [
                {"name": f.name, "value": f.value, "baseline": f.baseline, "points": f.points, "says": f.says}
                for f in worst.factors
            ],
            "narratives": [n.model_dump() for n in worst.narratives],
            "cluster": worst.cluster.value,
            "why_cluster": worst.why_cluster,
            "cluster_quotes": list(worst.cluster_quotes),
            "strategy": worst.strategy.value,
            "why_strategy": worst.why_strategy,
        }

    def arranged(self) -> dict[str, Any]:
        """How far it looks arranged, in numbers and words."""
        found = {sign.name: sign.value for sign in self.coordination.signs}
        return {
            "copies": self.signal.copies,
            "copying_authors": self.signal.copying_authors,
            "same_text_authors": int(found.get("same text", 0)),
            "repeats_within_10_s": int(found.get("repeats", 0)),
            "young_accounts_share": found.get("young accounts"),
            "confidence_discount": self.coordination.confidence_discount,
            "says": self.coordination.says,
        }


class Incidents:
    """All incidents of one replay, in the order in which they opened."""

    def __init__(
        self, watch: Watch, playbooks: Mapping[CrisisType, Playbook], sensitivity: Sensitivity = USUAL
    ) -> None:
        self._sensitivity = sensitivity
        self._watch, self._playbooks = watch, playbooks
        self.episodes: list[Episode] = []

    @property
    def live(self) -> list[Incident]:
        return [episode.incident for episode in self.episodes if episode.closed_at is None]

    def take(self, look: Look) -> Episode | None:
        """Let a look open an incident, or change the one that it is about; the new one, if there is one."""
        live = self.live
        incident = incident_for(live, look.matter, look.signal.at)
        if incident is None and not live:
            incident = answered([episode.incident for episode in self.episodes], look.signal)
        if incident is None:
            return self._open(look, another=bool(live))
        episode = next(known for known in self.episodes if known.incident.id == incident.id)
        episode.closed_at = None  # the same episode goes on
        self._look_again(episode, look)
        return None

    def _open(self, look: Look, *, another: bool) -> Episode:
        new = opening(
            self._watch,
            look.signal,
            look.assessment,
            look.mentions,
            another=look.matter if another else None,
            playbooks=self._playbooks,
        )
        incident = Incident(
            id=f"replay-{len(self.episodes) + 1}",
            watch=self._watch.name,
            title=new.title,
            state=new.state,
            opened_at=look.signal.at,
            started_at=new.started_at,
            assessment=look.assessment,
            narrative=new.narrative,
        )
        found = look.assessment
        episode = Episode(incident, [found], ["it opened"], found, look.coordination, look.signal)
        self.episodes.append(episode)
        return episode

    def _look_again(self, episode: Episode, look: Look) -> None:
        seen = look.assessment
        changed = again(
            episode.incident, episode.history, seen, playbooks=self._playbooks, sensitivity=self._sensitivity
        )
        incident = episode.incident.model_copy(update={"lower_since": changed.settled.lower_since})
        if changed.settled.assessment is not None:
            episode.history.append(changed.settled.assessment)
            episode.says.append(changed.settled.says)
            incident = incident.model_copy(update={"assessment": changed.settled.assessment})
        elif renewed := retold(incident.assessment, seen):
            incident = incident.model_copy(update={"assessment": renewed.assessment})
        if changed.opens:
            incident = incident.model_copy(update={"state": IncidentState.OPEN})
        episode.incident = incident
        worst = episode.assessment
        if (seen.severity.weight, seen.score) > (worst.severity.weight, worst.score):
            episode.assessment, episode.coordination, episode.signal = seen, look.coordination, look.signal

    def close(self, at: datetime) -> None:
        """The alert of the episode has closed."""
        for episode in self.episodes:
            if episode.closed_at is None:
                episode.closed_at = at
