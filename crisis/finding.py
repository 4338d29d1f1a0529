"""What lint says about a place in a draft."""

from enum import StrEnum

from pydantic import Field

from crisis.values import Frozen


class Level(StrEnum):
    """How much a finding weighs."""

    BLOCK = "block"
    """The draft cannot be proposed like this."""
    WARN = "warn"
    """Somebody should look again."""


class Finding(Frozen):
    """One thing that is wrong with a draft, where, why, and what to do."""

    rule: str
    level: Level
    start: int = Field(ge=0)
    """Offset of the first character; for something that is missing, both are the end of the text."""
    end: int = Field(ge=0)
    says: str
    """What is wrong, in one sentence."""
    fix: str
    """What to write instead."""
    reference: str
    """Where the rule comes from."""
