"""Whether the tables still say what the ledger recorded: facts, incidents, statements, pictures, decisions,
delegations, releases, pre-clearances, deliveries, recipients of mailings (``records.agreement_mailings``), frozen posts,
legal holds.

The ledger proves itself; the tables are what people read and what is published from. Whoever changes a table writes a
record in the same transaction, so the records, read from the first to the last, tell how each row must look. A row that
looks otherwise, is missing, or has no record was changed behind Fireline's back.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import Row, Select, select

from crisis.after_action import Review, ReviewTask
from crisis.approval import Decision
from crisis.clearance import Clearance, ClearanceState
from crisis.delegation import Delegation
from crisis.delivery import DeliveryState, Receipt
from crisis.fact import Fact
from crisis.freeze import FreezeState, FrozenPost, ScheduledPost
from crisis.hold import Hold
from crisis.incident import ASSESSED, Incident, IncidentState
from crisis.personal import ERASURE
from crisis.record import Problem, Record
from crisis.release import Release
from crisis.statement import Rendering, Statement, hash_of
from crisis.triage import Assessment
from records.agreement_mailings import MailingAgreement
from records.ledger import Ledger
from records.tables import (
    assessments,
    clearances,
    decisions,
    delegations,
    deliveries,
    do_not_engage,
    facts,
    frozen_posts,
    holds,
    incidents,
    pictures,
    releases,
    renderings,
    review_tasks,
    reviews,
    statements,
    storable,
    take_backs,
)
from records.work import Model, Work, read

_BATCH = 1000
_UNRECORDED = {"flow_run_id", "lower_since", "closed_at"}
"""Of an incident: who works on it, what triage saw, and when it ended, which its records tell in other ways."""
_ABOUT = ("purpose", "statement", "version", "content_hash", "channel", "kind", "address", "withdraws")
_STATES = {f"delivery.{state}": state.value for state in DeliveryState}
_APPROVALS = ("decision.", "statement.released", "delegation.", "clearance.")
_CLEARED = {f"clearance.{state}" for state in ClearanceState} - {"clearance.proposed"}
_TAKEN_BACK = ("content_hash", "approver", "number", "via", "reason")
Fields = dict[str, Any]


@dataclass
class _Noted:
    """How a row must look, and which record says so."""

    seq: int
    fields: Fields
    changed: dict[str, int] = field(default_factory=dict)
    """Later records that changed a field."""
    assessments: int = 1
    """Of an incident: how many it has had."""

    def change(self, seq: int, **fields: Any) -> None:
        self.fields |= fields
        self.changed |= dict.fromkeys(fields, seq)


class Agreement:
    """The tables held against the ledger."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def problem(self) -> Problem | None:
        """The first record that a table contradicts; None when they agree. The ledger itself must hold already."""
        noted: dict[str, _Noted] = {}
        mailings = MailingAgreement()
        unreadable: list[Problem] = []
        after = 0
        while batch := await self._ledger.list(after=after, limit=_BATCH):
            for record in batch:
                try:
                    _note(noted, record)
                    mailings.note(record)
                except (KeyError, TypeError, ValueError, AttributeError):
                    unreadable.append(
                        Problem(
                            seq=record.seq, says=f"record {record.seq} ({record.kind}) is malformed: it cannot be read"
                        )
                    )
            after = batch[-1].seq
        found = [*unreadable, *_differences(noted, await self._rows()), *await mailings.problems(self._work)]
        return min(found, key=lambda p: (p.seq is None, p.seq or 0), default=None)

    async def _rows(self) -> dict[str, Fields | None]:
        """Every row by its name; None for one that cannot be read."""
        rows: dict[str, Fields | None] = {}
        for row in await self._all(select(facts)):
            rows[_fact(row.id, row.number)] = _read(Fact, row.body, incident=row.incident)
        for row in await self._all(select(incidents)):
            rows[f"incident {row.id}"] = _incident(row)
        for row in await self._all(select(assessments)):
            rows[_assessment(row.incident, row.number)] = _read(Assessment, row.body)
        parts: dict[tuple[str, int], list[str]] = {}
        for row in await self._all(select(renderings).order_by(renderings.c.position)):
            parts.setdefault((row.statement, row.version), []).append(row.body)
        for row in await self._all(select(statements)):
            rows[_statement(row.id, row.version)] = _text(row, parts.get((row.id, row.version), []))
        for row in await self._all(select(pictures.c.sha256)):
            rows[_picture(row.sha256)] = {"sha256": await self._sha256_of(row.sha256)}
        await self._approval_rows(rows)
        for row in await self._all(select(frozen_posts)):
            rows[_frozen(row.incident, row.scheduler, row.post)] = _frozen_row(row)
        for row in await self._all(select(holds)):
            rows[f"the legal hold of {row.incident}"] = _read(Hold, row.body, state=row.state)
        for row in await self._all(select(deliveries)):
            rows[f"delivery {row.id}"] = _delivery(row)
        for row in await self._all(select(reviews)):
            rows[f"the review of {row.incident}"] = _read(Review, row.body)
        for row in await self._all(select(review_tasks)):
            rows[f"task {row.id}"] = _task(row)
        for row in await self._all(select(do_not_engage)):
            rows[_person(row.network, row.fingerprint)] = {"mark": row.mark, "by": row.by}
        return rows

    async def _approval_rows(self, rows: dict[str, Fields | None]) -> None:
        for row in await self._all(select(decisions)):
            rows[_decision(row._mapping)] = _model(Decision, dict(row._mapping))
        for row in await self._all(select(take_backs)):
            rows[f"the take-back of {_decision(row._mapping)}"] = _taken_back(row._mapping)
        for row in await self._all(select(releases)):
            rows[f"release of {_statement(row.statement, row.version)}"] = _model(Release, dict(row._mapping))
        for row in await self._all(select(delegations)):
            rows[f"delegation {row.id}"] = _read(Delegation, row.body)
        for row in await self._all(select(clearances)):
            rows[f"pre-clearance {row.id}"] = _read(Clearance, row.body, state=row.state)

    async def _sha256_of(self, picture: str) -> str:
        """One picture at a time: together they may be larger than memory."""
        row = await self._work.first(select(pictures.c.content).where(pictures.c.sha256 == picture))
        return "" if row is None else hashlib.sha256(bytes(row.content)).hexdigest()

    async def _all(self, query: Select[Any]) -> list[Row[Any]]:
        return list(await self._work.all(query))


def _differences(noted: dict[str, _Noted], rows: dict[str, Fields | None]) -> Iterator[Problem]:
    for name, told in noted.items():
        if name not in rows:
            yield Problem(seq=told.seq, says=f"{name} is missing, of which record {told.seq} tells")
            continue
        row = rows[name]
        if row is None:
            yield Problem(seq=told.seq, says=f"{name} was altered: it cannot be read")
            continue
        wrong = sorted(k for k in told.fields.keys() | row.keys() if told.fields.get(k) != row.get(k))
        if wrong:
            seq = min(told.changed.get(k, told.seq) for k in wrong)
            what = ", ".join(k.replace("_", " ") for k in wrong)
            yield Problem(seq=seq, says=f"{name} was altered: its {what} is not what record {seq} tells")
    for name in sorted(rows.keys() - noted.keys()):
        yield Problem(seq=None, says=f"{name} was put in behind Fireline's back: no record tells of it")


def _note(noted: dict[str, _Noted], record: Record) -> None:
    """Take one record into account."""
    data, kind, seq = record.data, record.kind, record.seq
    if kind == "fact.saved":
        known = {name: value for name, value in data.items() if name != "number"}
        noted[_fact(data["id"], data["number"])] = _Noted(seq, _told(Fact, known))
    elif kind == "statement.drafted" and "renderings" in data:
        noted[_statement(data["id"], data["version"])] = _Noted(seq, _told(Statement, data))
        for picture in data.get("media", ()):
            noted.setdefault(_picture(picture["sha256"]), _Noted(seq, {"sha256": picture["sha256"]}))
    elif kind.startswith(_APPROVALS):
        _note_approval(noted, record)
    elif kind.startswith("incident."):
        _note_incident(noted, record)
    elif kind.startswith("delivery."):
        _note_delivery(noted, record)
    elif kind.startswith(("post.", "scheduler.")):
        _note_frozen(noted, record)
    elif kind == ERASURE:
        for delivery, left in data.get("messages", {}).items():
            noted[f"delivery {delivery}"].change(seq, rendering=left)
    elif kind.startswith("hold."):
        noted[f"the legal hold of {record.incident}"] = _Noted(seq, _told(Hold, data))
    elif kind in ("review.saved", "review.signed"):
        noted[f"the review of {record.incident}"] = _Noted(seq, _told(Review, data))
    elif kind.startswith("review_task.") and "state" in data:
        noted[f"task {data['id']}"] = _Noted(seq, _told(ReviewTask, data))
    elif kind == "person.barred":
        noted[_person(data["network"], data["person"])] = _Noted(seq, {"mark": data["mark"], "by": record.actor})
    elif kind == "person.allowed":
        noted.pop(_person(data["network"], data["person"]), None)


def _person(network: str, fingerprint: str) -> str:
    """The name of an entry of the do-not-engage list."""
    return f"do-not-engage {network} {fingerprint[:16]}"


def _note_approval(noted: dict[str, _Noted], record: Record) -> None:
    data, kind, seq = record.data, record.kind, record.seq
    if kind == "decision.made":
        noted[_decision(data)] = _Noted(seq, _told(Decision, data))
    elif kind == "decision.taken_back":
        noted[f"the take-back of {_decision(data)}"] = _Noted(seq, _taken_back(data))
    elif kind == "statement.released":
        known = {name: data[name] for name in Release.model_fields}
        noted[f"release of {_statement(data['statement'], data['version'])}"] = _Noted(seq, _told(Release, known))
    elif kind == "delegation.given":
        noted[f"delegation {data['id']}"] = _Noted(seq, _told(Delegation, data))
    elif kind == "delegation.revoked":
        noted[f"delegation {data['id']}"].change(seq, **_told(Delegation, data))
    elif kind == "clearance.proposed":
        state = {"state": ClearanceState.PROPOSED.value}
        noted[f"pre-clearance {data['id']}"] = _Noted(seq, _told(Clearance, data) | state)
    elif kind in _CLEARED:
        noted[f"pre-clearance {data['id']}"].change(seq, state=data["to"])


def _note_incident(noted: dict[str, _Noted], record: Record) -> None:
    data, seq, name = record.data, record.seq, f"incident {record.incident}"
    if record.kind == "incident.opened":
        fields = _told(Incident, data)
        noted[name] = _Noted(seq, {k: v for k, v in fields.items() if k not in _UNRECORDED})
        noted[_assessment(record.incident, 1)] = _Noted(seq, fields["assessment"])
    elif name not in noted:
        return
    elif record.kind in ASSESSED:
        fields = _told(Assessment, data)
        noted[name].assessments += 1
        noted[_assessment(record.incident, noted[name].assessments)] = _Noted(seq, fields)
        noted[name].change(seq, assessment=fields)
    elif record.kind == "incident.merged":
        noted[name].change(seq, state=IncidentState.DISMISSED.value, merged_into=data["into"])
    elif record.kind == f"incident.{data.get('to')}":
        noted[name].change(seq, state=data["to"])


def _note_delivery(noted: dict[str, _Noted], record: Record) -> None:
    data, seq, name = record.data, record.seq, f"delivery {record.data.get('delivery')}"
    if record.kind == "delivery.planned":
        fields = {about: data[about] for about in _ABOUT} | {"incident": record.incident, "receipt": None}
        fields |= {"rendering": data["rendering_sha256"], "state": DeliveryState.PENDING.value}
        noted[name] = _Noted(seq, _stored(fields))
    elif name in noted and record.kind in _STATES:
        noted[name].change(seq, state=_STATES[record.kind])
        if "receipt" in data:
            noted[name].change(seq, receipt=_told(Receipt, data["receipt"]))


def _note_frozen(noted: dict[str, _Noted], record: Record) -> None:
    """A post is told whole when it is about to be frozen, and afterwards by what names it."""
    data, state = record.data, record.kind.partition(".")[2].replace("_", " ")
    post = data["post"]
    name = _frozen(record.incident, data["scheduler"], post["id"])
    if state == FreezeState.FREEZING or name not in noted:
        whole = _told(ScheduledPost, post) if state == FreezeState.FREEZING else _stored(post)
        noted[name] = _Noted(record.seq, whole | {"state": state})
    else:
        noted[name].change(record.seq, state=state, **_stored(post))


def _frozen_row(row: Row[Any]) -> Fields | None:
    try:
        known = read(FrozenPost, row.body)
    except ValueError:
        return None
    named = known.key == (row.incident, row.scheduler, row.post)
    return _plain(known.post) | {"state": known.state.value if named and row.state == known.state else "of another"}


def _incident(row: Row[Any]) -> Fields | None:
    fields = {k: v for k, v in row._mapping.items() if k not in _UNRECORDED | {"number"}}
    try:
        known = _model(Incident, fields | {"assessment": read(Assessment, row.assessment)})
    except ValueError:
        return None
    return None if known is None else {k: v for k, v in known.items() if k not in _UNRECORDED}


def _text(row: Row[Any], parts: list[str]) -> Fields | None:
    """A statement version with its renderings, its content hash computed anew."""
    try:
        text = read(Statement, row.body)
        text = text.model_copy(update={"renderings": tuple(read(Rendering, part) for part in parts)})
        fits = hash_of(text) == text.content_hash == row.content_hash
    except ValueError:
        return None
    return _plain(text) | {"incident": row.incident, "content_hash": row.content_hash if fits else "of another text"}


def _delivery(row: Row[Any]) -> Fields | None:
    try:
        target = read(Rendering, row.rendering).target
        receipt = None if row.receipt is None else _plain(read(Receipt, row.receipt))
    except ValueError:
        return None
    columns = ("purpose", "statement", "version", "content_hash", "withdraws", "incident", "state")
    known = {name: getattr(row, name) for name in columns}
    known |= {"channel": target.channel, "kind": target.kind, "address": target.address, "receipt": receipt}
    known["rendering"] = hashlib.sha256(row.rendering.encode()).hexdigest()
    plain: Fields = _stored(known)
    return plain


def _task(row: Row[Any]) -> Fields | None:
    """A task without when its owner was reminded, which changes nothing of it."""
    known = _read(ReviewTask, row.body)
    fits = known is not None and (known["state"], known["incident"]) == (row.state, row.incident)
    return {**known, "reminded_at": None} if known is not None and fits else None


def _read(model: type[Model], text: str, **columns: str) -> Fields | None:
    try:
        return _plain(read(model, text)) | columns
    except ValueError:
        return None


def _model(model: type[Model], fields: Fields) -> Fields | None:
    try:
        return _plain(model.model_validate(fields))
    except ValidationError:
        return None


def _told(model: type[Model], data: Fields) -> Fields:
    """What a record tells, as the model has it today."""
    return _plain(read(model, json.dumps(data)))


def _plain(model: BaseModel) -> Fields:
    plain: Fields = _stored(model.model_dump(mode="json"))
    return plain


def _stored(value: Any) -> Any:
    """A value as a column holds it: text made storable, at whatever depth."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {name: _stored(inner) for name, inner in value.items()}
    return [_stored(inner) for inner in value] if isinstance(value, list) else value


def _fact(id: str, number: int) -> str:
    return f"fact {id} (version {number})"


def _assessment(incident: str, number: int) -> str:
    return f"assessment of {incident} ({number})"


def _statement(id: str, version: int) -> str:
    return f"statement {id} v{version}"


def _frozen(incident: str, scheduler: str, post: str) -> str:
    return (
        f"scheduled post {post} of {scheduler} under {incident}"
        if post
        else f"the freeze of {scheduler} under {incident}"
    )


def _picture(sha256: str) -> str:
    return f"picture {sha256[:12]}"


def _decision(known: Mapping[Any, Any]) -> str:
    number = known.get("number", 1)  # records of before decisions could be taken back have none
    which = "" if number == 1 else f" ({number})"
    return f"the decision of {known['approver']} on {known['content_hash'][:12]}{which}"


def _taken_back(known: Mapping[Any, Any]) -> Fields:
    at = known["taken_back_at"]
    plain: Fields = _stored({name: known[name] for name in _TAKEN_BACK})
    return plain | {"taken_back_at": at if isinstance(at, str) else at.isoformat()}
