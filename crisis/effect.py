"""The effect of a statement: what came after it, against what was to be expected without it, and what to do next.

These are the words of it, as they stand on record; how they are come by is in ``crisis.judgement``. They name what happened
after a statement and claim no cause: nobody saw the same storm without the words.
"""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from crisis.forecast import Band, Expected
from crisis.record import Record
from crisis.tied import Tied
from crisis.values import Frozen, Share, StatementKind, UtcDatetime

JUDGED = "effect.judged"
"""The kind of record that holds an ``Effect``."""
WINDOWS = 3
"""Windows that are averaged, at most."""


class Verdict(StrEnum):
    """What came after a statement."""

    WORKING = "working"
    """Fewer negative authors than the forecast allows for."""
    CANNOT_TELL = "cannot tell"
    NOT_YET = "not yet"
    """As forecast, and not calm."""
    WORSE = "made it worse"
    """More negative authors than the forecast allows for."""

    @property
    def rank(self) -> int:
        """The better, the higher."""
        return {Verdict.WORKING: 3, Verdict.CANNOT_TELL: 2, Verdict.NOT_YET: 1, Verdict.WORSE: 0}[self]


class Proposal(StrEnum):
    """What to do next; people do it."""

    HOLD = "hold"
    FOLLOW_UP = "follow up"
    CORRECT = "correct"


class Shift(Frozen):
    """How a narrative's part of what is said moved with a statement."""

    narrative: str
    label: str
    """Words of posts: hostile."""
    before: Share
    """Of the posts in narratives until the statement."""
    since: Share
    """Of those since."""
    posts: int = Field(ge=0)
    """Since."""

    @property
    def new(self) -> bool:
        """Nobody said so before the statement."""
        return self.before == 0 and self.posts > 0


class Measured(Frozen):
    """What was measured after a statement, against the forecast."""

    verdict: Verdict
    at: UtcDatetime
    """The end of the newest window."""
    windows: int = Field(ge=1, le=WINDOWS)
    negative: float
    """Negative authors in a window, on average of the windows."""
    expected: Band
    """The same of the forecast."""
    authors: int
    """Of the newest window."""
    expected_authors: Band
    share: Share
    expected_share: Band
    calm: bool


class Effect(Frozen):
    """The judgement on one statement at one moment."""

    incident: str
    statement: str
    version: int
    kind: StatementKind
    published_at: UtcDatetime
    at: UtcDatetime
    """The moment of the judgement; nothing later is in it."""
    verdict: Verdict
    proposal: Proposal
    next_kind: StatementKind | None = None
    """The kind of statement that the proposal asks for."""
    says: str
    reasons: tuple[str, ...]
    """In words and numbers. They may quote narratives: hostile."""
    measured: Measured | None = None
    rising: Share | None = None
    """How likely the curve had not peaked when it was said; None without a forecast."""
    forecast: tuple[Expected, ...] = ()
    together_with: tuple[str, ...] = ()
    """Statements whose effect cannot be told from this one's."""
    settled: str = ""
    """Why the judgement is final; empty while it goes on."""
    tied: Tied = Tied()
    shifts: tuple[Shift, ...] = ()

    @property
    def open(self) -> bool:
        return not self.settled

    @property
    def judged(self) -> str:
        """The verdict and why, as the end of a sentence without its full stop."""
        says = self.says.rstrip(". ")
        if says.casefold().startswith(self.verdict.value):
            return f"{says[:1].lower()}{says[1:]}"
        return f"{self.verdict.value}: {says}" if says else self.verdict.value

    @property
    def draft_at(self) -> str:
        """Where on the desk the proposal is carried out; empty for *hold*."""
        if self.next_kind is None:
            return ""
        corrects = f"&corrects={self.statement}" if self.next_kind is StatementKind.CORRECTION else ""
        return f"/incidents/{self.incident}/draft?kind={self.next_kind.value}{corrects}"


class Surroundings(Frozen):
    """What bears on a judgement besides the curve."""

    doubts: tuple[str, ...] = ()
    """Of the statement: what it relied on that has changed since."""
    unheard: tuple[str, ...] = ()
    """Sources that were silent while the reaction was measured: fewer posts then mean nothing."""
    tied: Tied = Tied()
    shifts: tuple[Shift, ...] = ()
    closed_at: UtcDatetime | None = None


def newest_of(records: Iterable[Record]) -> list[Effect]:
    """The newest judgement of each statement version among records of ``JUDGED``, in the order of publication. What was
    recorded of a reply to single people, before these were left out, is none."""
    newest: dict[tuple[str, int], Effect] = {}
    for record in sorted((r for r in records if r.kind == JUDGED), key=lambda r: r.seq):
        effect = Effect.model_validate(record.data)
        if effect.kind.to_all:
            newest[effect.statement, effect.version] = effect
    return sorted(newest.values(), key=lambda e: (e.published_at, e.statement, e.version))
