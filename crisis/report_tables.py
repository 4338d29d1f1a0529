"""What a report exports: the tables as typed rows, one JSON document of them all, and CSV that no spreadsheet obeys.

The shapes below are a contract: ``docs/report.schema.json`` is made from them, and ``VERSION`` grows whenever a field
changes its meaning or goes; new fields may come at any time. Times are UTC in ISO 8601; spans are seconds.

CSV is RFC 4180 (comma, CRLF, quotes doubled) in UTF-8 with a byte order mark: without it the spreadsheet most people
use reads UTF-8 as the local code page and garbles every accent, and every CSV reader can skip it (``utf-8-sig``). A text
that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV Injection"); numbers do not.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from crisis.values import Frozen, UtcDatetime
from crisis.visible import visible

FORMAT, VERSION = "fireline.report", 1
_OBEYED = tuple("=+-@＝＋－＠\t\r\n")


class TimelineRow(Frozen):
    """One entry of the timeline, small print included."""

    at: UtcDatetime
    who: str
    what: str
    why: str = ""
    side: str
    """``public``, ``inside``, ``word`` or ``trouble``."""
    detail: bool
    record: int | None = None
    """The number of the ledger record that tells it."""
    link: str = ""


class DecisionRow(Frozen):
    """One decision, release or refused attempt to decide."""

    at: UtcDatetime
    who: str
    role: str
    verdict: str
    """``approved``, ``returned``, ``taken back``, ``released`` or ``refused`` (the attempt did not count)."""
    route: str
    statement: str
    content_hash: str
    reason: str = ""


class DeliveryRow(Frozen):
    """One rendering on its way to one public target."""

    statement: str
    version: int
    purpose: str
    channel: str
    address: str
    state: str
    attempts: int
    delivery_class: str
    receipt: str = ""
    link: str = ""
    accepted_at: UtcDatetime | None = None
    changed_at: UtcDatetime
    problem: str = ""
    content_hash: str


class CommitmentRow(Frozen):
    """One promise to the public."""

    id: str
    statement: str
    text: str
    due_at: UtcDatetime
    state: str
    kept_at: UtcDatetime | None = None
    kept_by: str = ""


class TaskRow(Frozen):
    """One task of the review."""

    id: str
    text: str
    owner: str
    due_at: UtcDatetime
    state: str
    overdue: bool
    note: str = ""
    closed_at: UtcDatetime | None = None


class MentionRow(Frozen):
    """One post that was relied on; its author by number, unless it is a widely followed account."""

    id: str
    """Of the post on its network; empty where that would name its author."""
    source: str
    at: UtcDatetime
    author: str
    followers: int
    reposts: int
    language: str
    text: str
    link: str = ""


class ToldRow(Frozen):
    """One stakeholder, and when they knew."""

    who: str
    roles: str
    told: bool
    first_at: UtcDatetime | None = None
    times: int = 0
    routes: str = ""
    acted_at: UtcDatetime | None = None
    """Their first own act on record."""
    why: str = ""


class ClockRow(Frozen):
    """One clock against its target."""

    name: str
    state: str
    target_seconds: float
    took_seconds: float | None = None
    due_at: UtcDatetime
    met_at: UtcDatetime | None = None
    met_by: str = ""


class NormRow(Frozen):
    """The first response against one published norm."""

    says: str
    source: str
    norm_seconds: float
    took_seconds: float | None = None
    within: bool | None = None


class StatementRow(Frozen):
    """One published statement version; the exact bytes are in the evidence bundle."""

    label: str
    kind: str
    status: str
    headline: str
    author: str
    published_at: UtcDatetime
    content_hash: str
    texts: dict[str, tuple[str, ...]]
    """What each channel carried, part by part."""


class EffectRow(Frozen):
    """The newest judgement of one statement's effect."""

    at: UtcDatetime
    statement: str
    verdict: str
    says: str
    proposal: str
    negative: float | None = None
    """Negative authors in a window, on average of those measured; None before any was."""
    expected_low: float | None = None
    expected_high: float | None = None
    """The forecast of the same without the statement, nine cases of ten."""
    settled: str = ""
    """Why the judgement is final."""


class MeasurementRow(Frozen):
    """One measurement of the reaction."""

    at: UtcDatetime
    statement: str
    """The last that was public then."""
    verdict: str
    says: str


class ReadBackRow(Frozen):
    """How one published text stood on its platform when it was last looked at."""

    statement: str
    channel: str
    stand: str
    """``matched``, ``edited`` or ``gone``."""
    since: UtcDatetime | None = None
    says: str = ""


class QuestionRow(Frozen):
    """One question of the public that counts, those without an answer first."""

    id: str
    text: str
    authors: int
    standing: str
    unanswered: bool
    """No answer that holds."""
    owner: str
    first_asked_at: UtcDatetime
    answer: str = ""
    """The statement that answers it, or is on its way to."""
    why: str = ""
    """Why it was set aside."""


class FeltRow(Frozen):
    """One finding of the empathy map."""

    group: str
    cell: str
    """``says``, ``thinks``, ``feels`` or ``does``."""
    what: str
    count: int | None = None
    """Posts that show it; None for a quotation."""


class NeedRow(Frozen):
    """Something that a group feels or demands, and the published statement that answers it."""

    kind: str
    group: str
    what: str
    count: int
    answered_by: str = ""


class SignatureRow(Frozen):
    """One role's signature under the review."""

    role: str
    who: str
    at: UtcDatetime
    covers: str
    stands: bool
    """Nothing was changed since."""


class ReviewPart(Frozen):
    """What people wrote, and who signed."""

    state: str
    """``draft`` or ``reviewed``."""
    sections: dict[str, str]
    held_at: UtcDatetime | None = None
    participants: tuple[str, ...] = ()
    notes: str = ""
    signatures: tuple[SignatureRow, ...] = ()
    still_to_sign: tuple[str, ...] = ()


class ReportDocument(Frozen):
    """Everything a report tells, for programs."""

    format: str = FORMAT
    version: int = VERSION
    organisation: str
    drill: str = ""
    written_at: UtcDatetime
    incident: str
    title: str
    state: str
    severity: str
    type: str
    opened_at: UtcDatetime
    started_at: UtcDatetime
    closed_at: UtcDatetime | None = None
    summary: tuple[str, ...]
    clocks: tuple[ClockRow, ...]
    norms: tuple[NormRow, ...]
    told: tuple[ToldRow, ...]
    timeline: tuple[TimelineRow, ...]
    decisions: tuple[DecisionRow, ...]
    statements: tuple[StatementRow, ...]
    deliveries: tuple[DeliveryRow, ...]
    effects: tuple[EffectRow, ...]
    measurements: tuple[MeasurementRow, ...]
    read_back: tuple[ReadBackRow, ...]
    felt: tuple[FeltRow, ...]
    needs: tuple[NeedRow, ...]
    questions: tuple[QuestionRow, ...]
    commitments: tuple[CommitmentRow, ...]
    worked: tuple[str, ...]
    did_not: tuple[str, ...]
    review: ReviewPart
    tasks: tuple[TaskRow, ...]
    mentions: tuple[MentionRow, ...]
    ledger_holds: bool
    ledger_head: str


TABLES: Mapping[str, type[BaseModel]] = {
    "timeline": TimelineRow,
    "decisions": DecisionRow,
    "deliveries": DeliveryRow,
    "commitments": CommitmentRow,
    "tasks": TaskRow,
    "mentions": MentionRow,
    "questions": QuestionRow,
    "felt": FeltRow,
    "needs": NeedRow,
    "effects": EffectRow,
    "told": ToldRow,
    "clocks": ClockRow,
}
"""The parts of ``ReportDocument`` that are CSV files, too."""


def csv_files(document: ReportDocument) -> dict[str, bytes]:
    """``timeline.csv`` and so on; the first row names the fields."""
    return {
        f"{name}.csv": csv_table(tuple(row.model_fields), [r.model_dump() for r in getattr(document, name)])
        for name, row in TABLES.items()
    }


def csv_table(fields: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as CSV for people and programs alike."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(fields)
    writer.writerows([[_cell(row.get(name)) for name in fields] for row in rows])
    return b"\xef\xbb\xbf" + written.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return harmless(str(value))


def harmless(text: str) -> str:
    """``text`` with hidden characters written out, and never a formula."""
    shown = visible(text)
    return f"'{shown}" if shown.lstrip(" \u00a0\u3000").startswith(_OBEYED) or shown.startswith(_OBEYED) else shown
