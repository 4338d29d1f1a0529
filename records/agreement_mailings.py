"""Whether the recipients of mailings still are those that the ledger tells of, each in the state it came to.

A mailing's records name the positions that changed and what they became, so that the last word on each recipient can be
told. Of mailings planned by versions before this, the records only prove how many recipients there are and, while
no address is erased, that the list is the one that was approved.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import select

from crisis.mailing import RecipientState, fingerprint, in_spans, list_hash, marks_hash
from crisis.personal import ERASURE
from crisis.record import Problem, Record
from records.tables import recipients
from records.work import Work

_BATCH = 5_000


@dataclass
class _Mailing:
    """What the ledger tells of one mailing."""

    seq: int
    count: int
    list_sha256: str
    marks_sha256: str
    """Empty in records of before."""
    states: dict[int, str] = field(default_factory=dict)
    told: dict[int, int] = field(default_factory=dict)
    """The record that told the last word on a recipient, where it was not the first."""
    erased: set[int] = field(default_factory=set)


class MailingAgreement:
    """Takes every record in order; then holds the rows against them."""

    def __init__(self) -> None:
        self._mailings: dict[str, _Mailing] = {}

    def note(self, record: Record) -> None:
        """Take one record into account."""
        if record.kind == ERASURE:
            for delivery, at in record.data.get("recipients", {}).items():
                if delivery in self._mailings:
                    self._mailings[delivery].erased |= set(in_spans(at))
        if not record.kind.startswith("mailing."):
            return
        data, name = record.data, str(record.data.get("delivery"))
        if record.kind == "mailing.planned":
            told = _Mailing(record.seq, data["recipients"], data["planned_sha256"], data.get("fingerprints_sha256", ""))
            told.states = dict.fromkeys(in_spans(data.get("suppressed_at", "")), RecipientState.SUPPRESSED.value)
            self._mailings[name] = told
        elif name in self._mailings:
            mailing = self._mailings[name]
            for state, at in data.get("states", {}).items():
                for position in in_spans(at):
                    mailing.states[position] = state
                    mailing.told[position] = record.seq
            if record.kind == "mailing.erased":
                mailing.erased |= set(in_spans(data.get("erased_at", f"0-{mailing.count - 1}")))

    async def problems(self, work: Work) -> Iterator[Problem]:
        """What does not agree: at most one thing of each mailing."""
        found = [problem for name, told in self._mailings.items() if (problem := await _differs(work, name, told))]
        strange = select(recipients.c.delivery).distinct().where(recipients.c.delivery.not_in(list(self._mailings)))
        for row in await work.all(strange):
            says = f"recipients of {row.delivery} were put in behind Fireline's back: no record tells of that mailing"
            found.append(Problem(seq=None, says=says))
        return iter(found)


async def _differs(work: Work, name: str, told: _Mailing) -> Problem | None:
    marks: list[str] = []
    addresses: list[str] = []
    query = select(recipients).where(recipients.c.delivery == name).order_by(recipients.c.position)
    while rows := await work.all(query.where(recipients.c.position >= len(marks)).limit(_BATCH)):
        for row in rows:
            who = f"recipient {row.position} of mailing {name}"
            seq = told.told.get(row.position, told.seq)
            if row.position != len(marks):
                return Problem(seq=told.seq, says=f"recipient {len(marks)} of mailing {name} is missing")
            if row.address and fingerprint(row.address) != row.fingerprint:
                return Problem(seq=told.seq, says=f"{who} was altered: its address is not the one of its fingerprint")
            if not row.address and row.position not in told.erased:
                return Problem(seq=told.seq, says=f"{who} has lost its address, and no record tells that it was erased")
            if told.marks_sha256 and row.state != told.states.get(row.position, RecipientState.PENDING.value):
                return Problem(seq=seq, says=f"{who} was altered: its state is not what record {seq} tells")
            marks.append(row.fingerprint)
            addresses.append(row.address)
    if len(marks) != told.count:
        return Problem(
            seq=told.seq, says=f"mailing {name} has {len(marks)} recipients; record {told.seq} tells of {told.count}"
        )
    known = (told.marks_sha256, marks_hash(marks)) if told.marks_sha256 else (told.list_sha256, list_hash(addresses))
    if known[0] != known[1] and (told.marks_sha256 or all(addresses)):
        return Problem(seq=told.seq, says=f"mailing {name} has other recipients than record {told.seq} tells of")
    return None
