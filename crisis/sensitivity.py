"""From which score on an alert opens and a severity holds: the numbers that people may set, in one place.

The listener, replays, back-tests and the desk's preview all ask here, so what is shown of the past is what the service
would have done. Left alone, everything is as the mathematics was tuned (``crisis.surprise``, ``crisis.severity``).
``fireline learn`` proposes other numbers and never sets them: a person does, in ``[detection]`` of ``fireline.toml``.
"""

from math import log2
from typing import Annotated, Self

from pydantic import Field, model_validator

from crisis.values import Frozen, Severity

ALERT = 0.5
"""Score at which an alert opens unless a person set another."""
LEAST, MOST = 0.35, 0.9
"""What may be set: below, a moment counts as calm (``crisis.surprise.REST``); above, little could ever be seen."""
SEVERITIES = (Severity.SEV1, Severity.SEV2, Severity.SEV3)

AlertScore = Annotated[float, Field(ge=LEAST, le=MOST)]
Edge = Annotated[float, Field(gt=0, le=130)]


def height(score: float) -> float:
    """The surprise that is told as ``score``: 1 is 0.5, 2 is 0.75 (the inverse of ``1 - 0.5 ** height``)."""
    return -log2(1.0 - score)


class Sensitivity(Frozen):
    """``[detection]``: how much it takes."""

    alert_score: AlertScore = ALERT
    """Score of a signal at which an alert opens; higher is quieter."""
    alert_scores: dict[str, AlertScore] = Field(default_factory=dict)
    """The same for single watches, by name."""
    sev1: Edge = 70.0
    """Points of the severity score from which an incident is ``SEV1``."""
    sev2: Edge = 50.0
    sev3: Edge = 30.0

    @model_validator(mode="after")
    def _graver_takes_more(self) -> Self:
        if not self.sev1 > self.sev2 > self.sev3:
            raise ValueError("a graver severity takes more points: sev1 must be above sev2, and sev2 above sev3")
        return self

    def alert_at(self, watch: str) -> float:
        """The score at which an alert of a watch opens."""
        return self.alert_scores.get(watch, self.alert_score)

    def edge(self, severity: Severity) -> float:
        """Points from which a severity holds; 0 for the least."""
        return {Severity.SEV1: self.sev1, Severity.SEV2: self.sev2, Severity.SEV3: self.sev3}.get(severity, 0.0)

    def severity_of(self, score: float) -> Severity:
        """The severity a score of the severity scale stands for."""
        return next((level for level in SEVERITIES if score >= self.edge(level)), Severity.SEV4)


USUAL = Sensitivity()
"""As it comes."""
