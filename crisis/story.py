"""The story an evidence bundle tells, held against itself and against its ledger.

Every statement must have the hash that was decided on, every decision, proposal and arrival must stand in the ledger,
and nothing may have reached the public that was not approved, byte for byte, by as many people as the policy asked,
before it was sent. What does not hold is named; a bundle that is altered does not stop the check.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from crisis.approval import Decision, Policy, standing
from crisis.delivery import ARRIVED, Delivery, Purpose
from crisis.pictures import Picture
from crisis.record import Record
from crisis.statement import Statement, hash_of
from crisis.values import ContentHash, Frozen, UtcDatetime

STATEMENTS, PROPOSALS, DECISIONS, DELIVERIES = "statements.json", "proposals.json", "decisions.json", "deliveries.json"
_PROVING = frozenset(
    {
        "statement.drafted",
        "statement.proposed",
        "decision.made",
        "decision.taken_back",
        "statement.released",
        "delivery.armed",
        "delivery.accepted",
        "delivery.reconciled",
    }
)
"""Kinds of records that bear out the other files."""

T = TypeVar("T")


class BundleProblem(Frozen):
    """One thing that does not hold."""

    where: str
    """The file or the record it is about."""
    says: str


class StatementEvidence(Frozen):
    """One statement version and what became of it."""

    status: str
    statement: Statement


class ProposalEvidence(BaseModel):
    """The request for approval of one statement version."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    statement: str
    version: int
    content_hash: ContentHash
    policy: Policy
    proposed_at: UtcDatetime


class Story:
    """What was said, decided and delivered, held against itself and against the ledger."""

    def __init__(self, files: Mapping[str, bytes], records: list[Record], incident: str) -> None:
        self._files = files
        self._own = [r for r in records if r.incident == incident]
        self._told: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for record in records:
            if record.kind in _PROVING:
                for value in {record.actor, *_strings(record.data)}:
                    self._told[record.kind, value].append(record)
        self._unreadable: list[BundleProblem] = []
        self._statements = self._read(STATEMENTS, StatementEvidence)
        self._proposals = {(p.statement, p.version): p for p in self._read(PROPOSALS, ProposalEvidence)}
        self._decisions = self._read(DECISIONS, Decision)
        self._deliveries = self._read(DELIVERIES, Delivery)
        self._versions = {(s.statement.id, s.statement.version): s.statement for s in self._statements}
        self._renderings = {
            (text.id, text.version, rendering.place): rendering
            for text in self._versions.values()
            for rendering in text.renderings
        }

    def problems(self) -> Iterator[BundleProblem]:
        yield from self._unreadable
        yield from self._statement_problems()
        yield from self._picture_problems()
        yield from self._proposal_problems()
        yield from self._decision_problems()
        for delivery in self._deliveries:
            if delivery.state in ARRIVED:
                yield from self._delivery_problems(delivery)
        yield from self._left_out()

    def _left_out(self) -> Iterator[BundleProblem]:
        """What the ledger tells of this incident, and the other files keep back."""
        arrived = {d.id for d in self._deliveries if d.state in ARRIVED}
        decided = {(d.content_hash, d.approver, d.number) for d in self._decisions}
        for record in self._own:
            data = record.data
            if record.kind in ("delivery.accepted", "delivery.reconciled"):
                public = data.get("purpose") in (Purpose.STATEMENT.value, Purpose.WITHDRAWAL.value)
                if public and data.get("delivery") not in arrived:
                    says = f"delivery {data.get('delivery')} of {data.get('statement')} arrived by record {record.seq}"
                    yield BundleProblem(where=DELIVERIES, says=f"{says}, and is left out")
            elif record.kind == "decision.made":
                key = (data.get("content_hash"), data.get("approver"), data.get("number", 1))
                if key not in decided:
                    says = f"the decision of {data.get('approver')} on {data.get('statement')} of record {record.seq}"
                    yield BundleProblem(where=DECISIONS, says=f"{says} is left out")

    def _read(self, name: str, kind: type[T]) -> list[T]:
        try:
            return TypeAdapter(list[kind]).validate_json(self._files.get(name, b""))  # type: ignore[valid-type]
        except ValidationError:
            self._unreadable.append(BundleProblem(where=name, says="it cannot be read"))
            return []

    def _statement_problems(self) -> Iterator[BundleProblem]:
        for evidence in self._statements:
            text = evidence.statement
            if hash_of(text) != text.content_hash:
                yield BundleProblem(where=STATEMENTS, says=f"{text.label} does not match its content hash")
            elif not self._recorded("statement.drafted", text.content_hash):
                says = f"{text.label} with this content hash was never recorded in the ledger"
                yield BundleProblem(where=STATEMENTS, says=says)

    def _picture_problems(self) -> Iterator[BundleProblem]:
        for text in self._versions.values():
            for picture in text.media:
                path = picture_path(picture)
                if hashlib.sha256(self._files.get(path, b"")).hexdigest() != picture.sha256:
                    yield BundleProblem(where=path, says=f"it is not the picture of {text.label} that was approved")

    def _proposal_problems(self) -> Iterator[BundleProblem]:
        for proposal in self._proposals.values():
            told = self._recorded("statement.proposed", proposal.statement, proposal.content_hash)
            name = f"{proposal.statement} v{proposal.version}"
            if told is None or ProposalEvidence.model_validate(told.data) != proposal:
                yield BundleProblem(where=PROPOSALS, says=f"the proposal of {name} is not the one on record")

    def _decision_problems(self) -> Iterator[BundleProblem]:
        for d in self._decisions:
            if not self._recorded("decision.made", d.content_hash, d.approver, d.verdict.value, d.role):
                says = (
                    f"the decision of {d.approver} on {d.statement} v{d.version} is not in the ledger as it stands here"
                )
                yield BundleProblem(where=DECISIONS, says=says)
            elif self._taken_back(d) != (d.taken_back_at is not None):
                says = f"the ledger tells otherwise whether {d.approver} took back their decision on {d.statement}"
                yield BundleProblem(where=DECISIONS, says=says)

    def _taken_back(self, decision: Decision) -> bool:
        told = self._told.get(("decision.taken_back", decision.content_hash), ())
        return any((r.actor, r.data.get("number")) == (decision.approver, decision.number) for r in told)

    def _recorded(self, kind: str, *values: str) -> Record | None:
        """The first record of ``kind`` that holds all of ``values`` somewhere in its data or as its actor."""
        for record in self._told.get((kind, values[0]), ()):
            if set(values) <= {record.actor, *_strings(record.data)}:
                return record
        return None

    def _delivery_problems(self, delivery: Delivery) -> Iterator[BundleProblem]:
        target = delivery.rendering.target
        name = f"{delivery.statement} v{delivery.version} on {target.channel}"
        told = self._recorded("delivery.accepted", delivery.id) or self._recorded("delivery.reconciled", delivery.id)
        if told is None:
            yield BundleProblem(
                where=DELIVERIES, says=f"delivery {delivery.id} arrived, but the ledger has no such record"
            )
        elif delivery.receipt is not None and told.data.get("receipt") not in (
            None,
            delivery.receipt.model_dump(mode="json"),
        ):
            yield BundleProblem(
                where=DELIVERIES, says=f"the receipt of delivery {delivery.id} is not the one on record"
            )
        if delivery.purpose is not Purpose.STATEMENT:
            return
        text = self._versions.get((delivery.statement, delivery.version))
        approved = self._renderings.get((delivery.statement, delivery.version, delivery.rendering.place))
        if text is None or text.content_hash != delivery.content_hash or delivery.rendering != approved:
            yield BundleProblem(
                where=DELIVERIES, says=f"{name} is not what {delivery.statement} v{delivery.version} says"
            )
            return
        yield from self._approval_problems(delivery, text, name)
        yield from self._published_problems(delivery, name)

    def _approval_problems(self, delivery: Delivery, text: Statement, name: str) -> Iterator[BundleProblem]:
        proposal = self._proposals.get((text.id, text.version))
        if proposal is None or proposal.content_hash != text.content_hash:
            yield BundleProblem(where=DELIVERIES, says=f"{name} was published, but never proposed for approval")
            return
        sent = self._recorded("delivery.armed", delivery.id)
        if self._released(text, sent):
            return
        until = proposal.proposed_at + proposal.policy.expires_after
        before = [d for d in self._decisions if d.decided_at <= until and (sent is None or self._decided(d) < sent.seq)]
        stands = standing(
            proposal.policy,
            before,
            content_hash=text.content_hash,
            statement=text.id,
            version=text.version,
            proposed_at=proposal.proposed_at,
            now=proposal.proposed_at,
        )
        if not stands.approved:
            says = f"{name} was published without the decisions it needs: {stands.says}"
            yield BundleProblem(where=DELIVERIES, says=says)

    def _released(self, text: Statement, sent: Record | None) -> bool:
        """Whether exactly this content was released without its approvals before it was sent, on record."""
        told = self._recorded("statement.released", text.id, text.content_hash)
        return told is not None and told.data.get("version") == text.version and (sent is None or told.seq < sent.seq)

    def _decided(self, decision: Decision) -> int:
        """The number of the record that tells of the decision."""
        for record in self._told.get(("decision.made", decision.content_hash), ()):
            if (record.actor, record.data.get("number", 1)) == (decision.approver, decision.number):
                return record.seq
        return 0

    def _published_problems(self, delivery: Delivery, name: str) -> Iterator[BundleProblem]:
        for path, content in published_files(delivery).items():
            if self._files.get(path) != content:
                yield BundleProblem(where=path, says=f"it is not the text of {name} that was delivered")


def picture_path(picture: Picture) -> str:
    """Where a bundle holds the bytes of a picture."""
    return f"pictures/{picture.sha256}.{picture.media_type.suffix}"


def published_files(delivery: Delivery) -> dict[str, bytes]:
    """The exact bytes that one delivery carried, and its receipt, by their paths in a bundle."""
    folder = f"published/{_safe(delivery.statement)}-v{delivery.version}/{_safe(delivery.rendering.target.channel)}"
    folder += f"-{_safe(delivery.id)[:12]}"
    if delivery.purpose is not Purpose.STATEMENT:
        folder += f"-{delivery.purpose.value}"
    files: dict[str, str] = {}
    if delivery.purpose is Purpose.STATEMENT:
        files = {f"{folder}/part-{n}.txt": part.text for n, part in enumerate(delivery.rendering.parts, start=1)}
        if delivery.rendering.subject:
            files[f"{folder}/subject.txt"] = delivery.rendering.subject
        if delivery.rendering.html:
            files[f"{folder}/body.html"] = delivery.rendering.html
        for n, picture in enumerate(delivery.rendering.media, start=1):
            files[f"{folder}/picture-{n}.txt"] = f"{picture_path(picture)}\n\n{picture.alt}\n"
    if delivery.receipt is not None:
        files[f"{folder}/receipt.json"] = json.dumps(delivery.receipt.model_dump(mode="json"), indent=1, sort_keys=True)
    return {path: text.encode("utf-8", "replace") for path, text in files.items()}


def _safe(name: str) -> str:
    """``name`` as a part of a path: nothing in it can leave its folder."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name) or "_"


def _strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value, at any depth."""
    walk: dict[type, Callable[[Any], Iterator[str]]] = {
        str: lambda v: iter((v,)),
        dict: lambda v: (s for inner in v.values() for s in _strings(inner)),
        list: lambda v: (s for inner in v for s in _strings(inner)),
    }
    return walk.get(type(value), lambda v: iter(()))(value)
