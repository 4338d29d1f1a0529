"""The promises beside a text in its editor: what was found, and what its author says of each in the form.

Every promise has one group of fields, named after a hash of its words, so that an answer stays with its sentence while the
text around it changes. Nothing is stored before the text is saved.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from crisis.commitment import PromiseKind, Ruling
from crisis.statement import Statement
from crisis.typed_in import moment_of
from desk.forms import NotTaken
from tasks.installation import Installation
from tasks.promises import Drafted, mark_promise, shown

ADDED = "p-added"
"""The group of fields of a promise that a person adds."""
TIME = "%Y-%m-%d %H:%M"


@dataclass(frozen=True)
class Asked:
    """One promise as the form shows it."""

    name: str
    """The group of its fields."""
    drafted: Drafted
    ruling: str
    """``confirmed``, ``struck`` or empty."""
    due: str
    """In UTC, as people type it."""
    owner: str
    moves: str
    reason: str

    @property
    def wants_word(self) -> bool:
        return self.drafted.wants_word and not self.ruling


def name_of(sentence: str) -> str:
    """The group of fields of a sentence."""
    return f"p-{hashlib.sha256(sentence.encode('utf-8', 'replace')).hexdigest()[:12]}"


def asked(drafted: tuple[Drafted, ...], given: Mapping[str, str]) -> tuple[Asked, ...]:
    """The promises with what lies in the form, or else with what is on record."""
    return tuple(_asked(one, given) for one in drafted)


def _asked(one: Drafted, given: Mapping[str, str]) -> Asked:
    name, mark = name_of(one.sentence), one.mark
    due = f"{one.due_at:{TIME}}" if one.due_at else ""
    return Asked(
        name,
        one,
        given.get(name, mark.ruling.value if mark else "confirmed" if one.stands else ""),
        given.get(f"{name}-due", due),
        given.get(f"{name}-owner", mark.owner if mark else ""),
        given.get(f"{name}-moves", mark.moves if mark else ""),
        given.get(f"{name}-reason", mark.reason if mark else ""),
    )


def hold_to(found: tuple[Asked, ...], given: Mapping[str, str], *, proposing: bool) -> None:
    """Refuse answers that cannot be kept, before anything is stored.

    Raises:
        NotTaken: a time cannot be read, a reason is missing, or, when approval is asked for, a promise has no answer.
    """
    for one in found:
        if one.ruling == Ruling.STRUCK and not one.reason.strip():
            raise NotTaken(400, f"say why “{shown(one.drafted.sentence)}” is no promise")
        if one.ruling == Ruling.CONFIRMED and moment(one.due) is None:
            raise NotTaken(400, f"by when at the latest? “{shown(one.drafted.sentence)}”: write the time as {_EXAMPLE}")
        if proposing and one.wants_word:
            raise NotTaken(409, f"say whether “{shown(one.drafted.sentence)}” is owed, and by when, or strike it")
    if given.get(ADDED, "").strip() and moment(given.get(f"{ADDED}-due", "")) is None:
        raise NotTaken(400, f"by when is the promise that you add owed? Write the time as {_EXAMPLE}")


_EXAMPLE = "2026-03-01 15:00, in UTC"


def moment(text: str) -> datetime | None:
    """A time as it was typed, in UTC unless it says otherwise; None when it cannot be read."""
    return moment_of(text.strip().removesuffix("UTC"))


async def store(
    here: Installation, statement: Statement, found: tuple[Asked, ...], given: Mapping[str, str], *, by: str
) -> None:
    """Put the answers on record, with the version that they were given for. Raises like ``tasks.promises.mark_promise``."""
    for one in found:
        plain = one.drafted.stands and one.ruling == Ruling.CONFIRMED and not one.owner
        if not one.ruling or (plain and moment(one.due) == _minute(one.drafted.when.due_at)):
            continue  # it stands on the statement as it is
        await mark_promise(
            here,
            statement,
            one.drafted.sentence,
            Ruling(one.ruling),
            by=by,
            due_at=_due(one),
            owner=one.owner,
            moves=one.moves,
            reason=one.reason,
        )
    if text := given.get(ADDED, "").strip():
        kind = given.get(f"{ADDED}-kind", "other")
        await mark_promise(
            here,
            statement,
            text[:500],
            Ruling.CONFIRMED,
            by=by,
            kind=PromiseKind(kind) if kind in set(PromiseKind) else PromiseKind.OTHER,
            due_at=moment(given.get(f"{ADDED}-due", "")),
            owner=given.get(f"{ADDED}-owner", ""),
        )


def _due(one: Asked) -> datetime | None:
    """The time that is meant: to the second where the form shows the minute of what was found."""
    typed, known = moment(one.due), one.drafted.due_at
    return known if typed == _minute(known) else typed


def _minute(at: datetime | None) -> datetime | None:
    return at.replace(second=0, microsecond=0) if at else None
