"""The after-action review of an incident: what people write, whom they met, the tasks they take on, and who signs it off.

The report is a draft until the roles that the installation names have signed it. A signature covers the written
sections, the meeting and the tasks as they stood, by hash: whoever changes a word afterwards voids the signatures, and
that is said. Once all have signed, the review is closed for good; only its tasks live on, until each is done or dropped.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum

import rfc8785
from pydantic import Field

from crisis.approval import NotAllowed
from crisis.incident import IncidentState
from crisis.stakeholder import Stakeholder
from crisis.values import ContentHash, Frozen, Names, UtcDatetime

LONGEST = 8_000
"""Characters of one section, and of the minutes of the meeting."""
LONGEST_TASK = 500
"""Characters of a task."""
NAG_EVERY = timedelta(hours=24)
"""How often somebody is reminded of a task that is overdue."""


class Section(StrEnum):
    """What people write in a review; the rest of the report is made from records."""

    WORKED = "worked"
    DID_NOT_WORK = "did_not_work"
    FACTORS = "contributing_factors"
    LESSONS = "lessons"


SECTIONS: dict[Section, tuple[str, str]] = {
    Section.WORKED: ("What worked", "What should we do again, and what made it possible?"),
    Section.DID_NOT_WORK: ("What did not work", "What was slow, missing or wrong in our tools, rules and hand-overs?"),
    Section.FACTORS: ("Contributing factors", "Which conditions, together, let it happen and let it grow?"),
    Section.LESSONS: ("Lessons", "What do we know now that we did not know before?"),
}
"""Each section's title, and the question it answers."""


class Meeting(Frozen):
    """The meeting in which an incident was reviewed."""

    held_at: UtcDatetime
    participants: Names
    """Stakeholders by e-mail address; guests by name and role."""
    notes: str = ""


class SignOff(Frozen):
    """One role's signature under a review."""

    role: str
    by: str
    """By e-mail address."""
    at: UtcDatetime
    via: str = ""
    covers: ContentHash
    """What was signed: ``content_hash`` of the review and its tasks at that moment."""


class Review(Frozen):
    """What people made of an incident afterwards."""

    incident: str
    version: int = 0
    """Counts what was saved: whoever saves says which version they had before them."""
    sections: dict[Section, str] = Field(default_factory=dict)
    meeting: Meeting | None = None
    authority_told_at: UtcDatetime | None = None
    """When the data protection authority was notified, where that is owed (GDPR, article 33)."""
    sign_offs: tuple[SignOff, ...] = ()
    final: str = ""
    """The hash that all signed, once they have; tasks may go on changing after that."""
    edited_by: str = ""
    edited_at: UtcDatetime | None = None


class TaskState(StrEnum):
    """Where a task of a review stands."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"
    """It is not done, on purpose, and it says why."""


class ReviewTask(Frozen):
    """One thing that somebody does so that it goes better next time."""

    id: str
    incident: str
    text: str
    owner: str
    """By e-mail address."""
    due_at: UtcDatetime
    state: TaskState = TaskState.OPEN
    note: str = ""
    """What came of it, or why it was dropped."""
    made_by: str
    made_at: UtcDatetime
    closed_at: UtcDatetime | None = None
    reminded_at: UtcDatetime | None = None

    def overdue(self, now: UtcDatetime) -> bool:
        return self.state is TaskState.OPEN and self.due_at < now

    @property
    def seen_as(self) -> str:
        """A short name of what people see of it: another one, once anybody has changed it."""
        shown = self.model_dump(mode="json", exclude={"reminded_at"})
        return hashlib.sha256(rfc8785.dumps(shown)).hexdigest()[:16]

    def to_remind(self, now: UtcDatetime) -> bool:
        """Whether its owner is to be reminded now: it is overdue, and a day has passed since the last time."""
        return self.overdue(now) and (self.reminded_at is None or now - self.reminded_at >= NAG_EVERY)


def content_hash(review: Review, tasks: Iterable[ReviewTask]) -> ContentHash:
    """SHA-256 of the canonical JSON (RFC 8785) of all that a signature covers."""
    covered = {
        "incident": review.incident,
        "sections": {s.value: text for s, text in review.sections.items() if text},
        "meeting": review.meeting.model_dump(mode="json") if review.meeting else None,
        "authority_told_at": review.authority_told_at.isoformat() if review.authority_told_at else None,
        "tasks": [
            {"id": t.id, "text": t.text, "owner": t.owner, "due_at": t.due_at.isoformat()}
            for t in sorted(tasks, key=lambda t: t.id)
        ],
    }
    return hashlib.sha256(rfc8785.dumps(covered)).hexdigest()


def standing_signatures(review: Review, tasks: Iterable[ReviewTask]) -> tuple[SignOff, ...]:
    """The signatures under the review as it stands; earlier ones were voided by a change."""
    covers = review.final or content_hash(review, tasks)
    return tuple(s for s in review.sign_offs if s.covers == covers)


def missing_roles(review: Review, tasks: Iterable[ReviewTask], roles: Sequence[str]) -> tuple[str, ...]:
    """The roles that still have to sign."""
    signed = {s.role for s in standing_signatures(review, tasks)}
    return tuple(role for role in roles if role not in signed)


def lacks(review: Review) -> tuple[str, ...]:
    """What has to be there before anybody signs."""
    missing = []
    if not review.sections.get(Section.LESSONS, "").strip():
        missing.append("what was learnt (Lessons)")
    if review.meeting is None:
        missing.append("the review meeting, with who took part")
    return tuple(missing)


def may_sign(
    review: Review,
    tasks: Sequence[ReviewTask],
    person: Stakeholder,
    role: str,
    *,
    watch: str,
    state: IncidentState,
    roles: Sequence[str],
) -> None:
    """Hold a signature to the rules.

    Raises:
        NotAllowed: the incident is not resolved or is reviewed already, something is missing, the role is not asked or
            not theirs, it was signed, or they signed in another role.
    """
    if state is not IncidentState.RESOLVED:
        raise NotAllowed(f"{review.incident} is {state.value}: a review is signed once the incident is resolved")
    if role not in roles:
        raise NotAllowed(f"no signature of {role.replace('_', ' ')} is asked for: it is {_listed(roles)}")
    if role not in person.roles_on(watch):
        raise NotAllowed(f"{person.name} does not have the role {role.replace('_', ' ')}")
    if missing := lacks(review):
        raise NotAllowed(f"there is nothing to sign yet: write down {' and '.join(missing)}")
    for signed in standing_signatures(review, tasks):
        if signed.role == role:
            raise NotAllowed(f"it is signed for {role.replace('_', ' ')} already")
        if signed.by == person.email:
            raise NotAllowed(f"{person.name} signed for {signed.role.replace('_', ' ')}: one person, one signature")


def _listed(roles: Sequence[str]) -> str:
    return ", ".join(role.replace("_", " ") for role in roles) or "nobody's"
