"""What people said and changed, as labelled data: one line an incident, one line a statement.

An incident is labelled by acts of people only: taken for real, dismissed and why, merged, or nothing yet. A statement is
held against the words it was approved with, sentence by sentence: kept, changed, dropped, added. Addresses and handles
are taken out of all words, and who said it is not told; what was erased is already gone where this comes from. The
fields are documented in ``docs/learning.md``. Pure.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import pairwise

from rapidfuzz.distance import Indel

from crisis.cutting import sentences
from crisis.incident import Dismissal, Incident, IncidentState
from crisis.triage import Assessment
from crisis.values import CrisisType, Frozen, Severity, StatementKind, UtcDatetime

CRISIS, MERGED, UNSAID = "crisis", "merged", "unsaid"
FALSE = frozenset({Dismissal.FALSE_ALARM, Dismissal.PRAISE, Dismissal.OFF_TOPIC, Dismissal.BRIGADE})
"""Dismissals by which an alert should not have come. A duplicate, or what was known already, was no false alert."""
ALIKE = 0.5
"""How alike (1 - insertions and deletions over both lengths) two sentences must be for one to be the other, changed."""
_ADDRESS = re.compile(r"(?<![\w/@.])@[\w][\w.\-]*\w|[\w.+\-]+@[\w\-]+\.[\w.\-]*\w")
_CLOSED = frozenset({IncidentState.RESOLVED, IncidentState.REVIEWED})
"""States that an incident reaches only by what people do."""


class Override(Frozen):
    """A person's word against triage's."""

    at: UtcDatetime
    severity_before: Severity
    severity: Severity
    type_before: CrisisType
    type: CrisisType
    score: float
    """Triage's severity score then."""
    reason: str


class EpisodeLabel(Frozen):
    """One line of ``episodes.jsonl``."""

    incident: str
    watch: str
    start: UtcDatetime
    end: UtcDatetime
    """When it was closed, or when this was written."""
    opened_by: str
    """``detector`` or ``person``."""
    label: str
    """``crisis``, one of ``Dismissal``, ``merged``, or ``unsaid`` while nobody has said anything."""
    reason: str
    merged_into: str = ""
    severity: Severity
    """As it stood at the end."""
    type: CrisisType
    score: float
    """Triage's last severity score."""
    overrides: tuple[Override, ...] = ()

    @property
    def real(self) -> bool | None:
        """Whether an alert was right; None when that was not said."""
        if self.label == CRISIS:
            return True
        return False if self.label in FALSE else None


class Said(StrEnum):
    """What may become of a sentence."""

    KEPT = "kept"
    CHANGED = "changed"
    DROPPED = "dropped"
    ADDED = "added"


class SentenceEdit(Frozen):
    """What became of one sentence."""

    change: Said
    before: str = ""
    after: str = ""


class StatementLabel(Frozen):
    """One line of ``statements.jsonl``: the first draft against the words that were approved."""

    statement: str
    incident: str
    kind: StatementKind
    language: str
    drafted_by: str
    """``template``, ``writer`` or ``person``."""
    versions: int
    draft_version: int
    approved_version: int
    sentences: tuple[SentenceEdit, ...]
    mended: tuple[str, ...]
    """Rules of lint that the draft broke and the approved words do not."""
    kept: tuple[str, ...]
    """Rules that both break."""
    new: tuple[str, ...]
    """Rules that only the approved words break."""


def without_addresses(text: str) -> str:
    """``text`` with every handle and e-mail address taken out."""
    return _ADDRESS.sub("[address]", text)


def label_of(incident: Incident, dismissed_as: str, *, confirmed: bool) -> str:
    """What people said of an incident. ``confirmed``: a person opened it, confirmed it, or approved a
    statement on it."""
    if incident.merged_into:
        return MERGED
    if incident.state is IncidentState.DISMISSED:
        return dismissed_as or Dismissal.FALSE_ALARM.value
    return CRISIS if confirmed or incident.state in _CLOSED else UNSAID


def overrides_of(history: Sequence[Assessment]) -> tuple[Override, ...]:
    """Each assessment by a person that says something else than the one before it."""
    found = []
    for before, after in pairwise(history):
        if after.assessed_by != "triage" and (before.severity, before.type) != (after.severity, after.type):
            found.append(
                Override(
                    at=after.assessed_at,
                    severity_before=before.severity,
                    severity=after.severity,
                    type_before=before.type,
                    type=after.type,
                    score=after.score,
                    reason=without_addresses(after.override_reason),
                )
            )
    return tuple(found)


def edits(draft: str, approved: str) -> tuple[SentenceEdit, ...]:
    """What became of each sentence of ``draft``, and what ``approved`` has besides, in reading order."""
    old, new = ([one.text.strip() for one in sentences(without_addresses(text))] for text in (draft, approved))
    found: list[SentenceEdit] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [SentenceEdit(change=Said.KEPT, before=text, after=text) for text in old[a:b]]
        else:
            found += _changed(old[a:b], new[c:d])
    return tuple(found)


def _changed(old: Sequence[str], new: Sequence[str]) -> Iterable[SentenceEdit]:
    """A stretch that is not the same: each old sentence with the first new one behind the last pair that is like it."""
    at = 0
    for before in old:
        match = next((n for n in range(at, len(new)) if Indel.normalized_similarity(before, new[n]) >= ALIKE), None)
        if match is None:
            yield SentenceEdit(change=Said.DROPPED, before=before)
            continue
        yield from (SentenceEdit(change=Said.ADDED, after=text) for text in new[at:match])
        yield SentenceEdit(change=Said.CHANGED, before=before, after=new[match])
        at = match + 1
    yield from (SentenceEdit(change=Said.ADDED, after=text) for text in new[at:])
