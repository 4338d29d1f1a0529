"""Value types that carry their own rules, so that a value parsed at the edge can be trusted inside."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Frozen(BaseModel):
    """An immutable value; unknown fields are errors, so a typo is never silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs its offset from UTC, for example 2026-03-01T14:05:00+00:00")
    return value.astimezone(UTC)


UtcDatetime = Annotated[datetime, AfterValidator(_aware)]
"""An aware datetime, always held in UTC."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
"""A proportion, 0..1."""

ContentHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, lower-case hexadecimal."""


class Severity(StrEnum):
    """How bad an incident is. Ordered: ``SEV1`` is the worst, and ``SEV1 > SEV2`` holds."""

    SEV4 = "SEV4"
    SEV3 = "SEV3"
    SEV2 = "SEV2"
    SEV1 = "SEV1"

    @property
    def weight(self) -> int:
        """1 for SEV4 up to 4 for SEV1."""
        return 5 - int(self.value[3])

    def __lt__(self, other: str) -> bool:
        return self.weight < Severity(other).weight

    def __le__(self, other: str) -> bool:
        return self.weight <= Severity(other).weight

    def __gt__(self, other: str) -> bool:
        return self.weight > Severity(other).weight

    def __ge__(self, other: str) -> bool:
        return self.weight >= Severity(other).weight


class CrisisType(StrEnum):
    """The causes of DESIGN §5; each has a playbook of the same name."""

    NEGATIVE_FEEDBACK = "negative_feedback"
    MISINFORMATION = "misinformation"
    DATA_BREACH = "data_breach"
    POORLY_WORDED_STATEMENT = "poorly_worded_statement"
    INSENSITIVE_CAMPAIGN = "insensitive_campaign"
    SERVICE_FAILURE = "service_failure"
    SAFETY_HARM = "safety_harm"
    CONDUCT = "conduct"
    OUTSIDE_EVENT = "outside_event"
    UNKNOWN = "unknown"


class StatementKind(StrEnum):
    """What a statement is for."""

    HOLDING = "holding"
    SUBSTANTIVE = "substantive"
    UPDATE = "update"
    CORRECTION = "correction"
    RESOLUTION = "resolution"
    ANSWER = "answer"
    REPLY = "reply"
    """Answers single posts, one rendering each (``crisis.replies``)."""

    @property
    def to_all(self) -> bool:
        """It speaks to the public, not to single people."""
        return self is not StatementKind.REPLY


def _tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_tuple)]
"""One name or several; a single string is read as one name."""
