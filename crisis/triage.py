"""Triage's answer: how severe, what kind, whose responsibility, which clocks. Scoring is in ``crisis.severity``."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from crisis.questions import Question
from crisis.values import CrisisType, Frozen, Severity, Share, UtcDatetime


class Cluster(StrEnum):
    """Coombs' responsibility clusters (SCCT)."""

    VICTIM = "victim"
    ACCIDENTAL = "accidental"
    PREVENTABLE = "preventable"


class Strategy(StrEnum):
    """Coombs' response postures; ``INSTRUCT`` is instructing and adjusting information alone."""

    INSTRUCT = "instruct"
    DENY = "deny"
    DIMINISH = "diminish"
    REBUILD = "rebuild"


REPORTED = "reported by a person"
"""The name of the factor that stands for a person's word."""


class Factor(Frozen):
    """One reason for an alert or a severity, in words and numbers."""

    name: str
    value: float
    baseline: float | None = None
    points: float = 0.0
    """What it adds to the severity score."""
    says: str
    """The factor as a sentence a person reads at night."""


class Narrative(Frozen):
    """A cluster of mentions that make the same claim or complaint."""

    id: str
    label: str
    size: int = Field(ge=0)
    """Distinct mentions in it."""
    quote: str = ""
    """A representative mention, as posted."""
    questions: tuple[Question, ...] = ()
    """What people ask in it, the most frequent first."""


class Clocks(Frozen):
    """How long each stage may take, from the moment the incident opens (DESIGN §5)."""

    acknowledge: timedelta = timedelta(minutes=5)
    """How long somebody may take to say that they are on it, before the next way to reach somebody is tried."""
    triage: timedelta = timedelta(minutes=10)
    holding: timedelta = timedelta(minutes=30)
    substantive: timedelta = timedelta(hours=4)
    update_every: timedelta = timedelta(minutes=60)


class Signal(Frozen):
    """What a window of mentions says against the baseline, at ``at``."""

    watch: str
    at: UtcDatetime
    window: timedelta
    mentions: int
    """Posts in the window, copies included."""
    distinct_texts: int
    authors: int
    """Unique authors with words of their own."""
    usual_authors: float
    """What the baseline expects in this window."""
    negative_share: Share
    """Of the authors whose text could be read, those whose latest one is negative."""
    usual_negative_share: Share
    copies: int = 0
    """Posts that repeat another's text exactly."""
    reach: int = 0
    """Sum of the authors' audiences, where known, plus reposts."""
    sources: dict[str, int] = Field(default_factory=dict)
    """Distinct texts by network."""
    languages: dict[str, int] = Field(default_factory=dict)
    anger_share: Share = 0.0
    score: Share = 0.0
    """0 usual to 1 beyond doubt."""
    alert: Literal["", "attention", "outrage"] = ""
    """``attention``: volume alone; ``outrage``: volume and negativity."""
    copying_authors: int = 0
    """Authors who only repeated others' words; they are not among ``authors``."""
    unread: int = 0
    """Distinct texts in languages that cannot be read; no share counts them."""
    acceleration: float = 0.0
    """Voices per minute in the last 5 minutes against those of the last hour; 1 is steady."""
    started_at: UtcDatetime
    """The first mention of the episode the signal belongs to."""
    cold: bool = False
    """The baseline has seen too little to be narrow."""
    novelty: Share | None = None
    """Share of the episode's authors that the watch had not heard before; None when it cannot be told."""


class Assessment(Frozen):
    """What triage says of an incident."""

    severity: Severity
    type: CrisisType
    score: float = Field(ge=0)
    """Sum of the factors' points, after floors and discounts."""
    factors: tuple[Factor, ...] = ()
    cluster: Cluster
    why_cluster: str = ""
    """What speaks for the responsibility cluster."""
    cluster_quotes: tuple[str, ...] = ()
    """Posts that attribute responsibility so, as posted."""
    confidence: Share = 1.0
    """How far to trust it; never part of the severity."""
    why_confidence: str = ""
    """The confidence in words, with every reason for doubt."""
    strategy: Strategy
    why_strategy: str = ""
    """Which rule and which evidence led to the strategy."""
    clocks: Clocks = Clocks()
    negative_share: Share = 0.0
    authors: int = 0
    narratives: tuple[Narrative, ...] = ()
    narratives_at: UtcDatetime | None = None
    """When the narratives were looked at, where that was after the assessment (``crisis.retelling``)."""
    newcomers: tuple[str, ...] = ()
    """Ids of those that were not told when it was rated: another matter may begin as one (``crisis.correlation``)."""
    assessed_at: UtcDatetime
    assessed_by: str = "triage"
    """``triage``, or the person who overrode it."""
    override_reason: str = ""

    @property
    def looked_at(self) -> datetime:
        """When its narratives were what people say."""
        return self.narratives_at or self.assessed_at

    @property
    def retold(self) -> bool:
        """Whether only its narratives were renewed since it was made."""
        return self.looked_at > self.assessed_at
