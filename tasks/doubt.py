"""Published statements whose facts have changed since: found, and marked on record, in whatever transaction changed them."""

from dataclasses import dataclass

from crisis.reliance import Broken, broken
from crisis.statement import Statement
from records import StatementStatus, Transaction
from records.work import Act

IN_DOUBT, HOLDS = "statement.in_doubt", "statement.holds"
"""Kinds of records: a published statement no longer holds; it holds again, because the fact is as it was."""


@dataclass(frozen=True)
class Doubt:
    """A published statement, and what it relied on that has changed."""

    statement: Statement
    changed: tuple[Broken, ...]


async def in_doubt(tx: Transaction, incident_id: str) -> tuple[Doubt, ...]:
    """The published statements of an incident that no longer hold, oldest first. The page of questions and answers is not
    among them: the next version takes its place (``tasks.answers.renew_pages``), and corrects it there."""
    facts = await tx.facts.list(incident_id)
    found = []
    for statement in await tx.statements.list(incident_id):
        changed = () if statement.page else broken(statement, facts)
        if changed and await tx.statements.status(statement.id, statement.version) is StatementStatus.PUBLISHED:
            found.append(Doubt(statement, changed))
    return tuple(found)


async def mark_doubts(tx: Transaction, incident_id: str, act: Act) -> tuple[Doubt, ...]:
    """Put on record which published statements no longer hold, and which hold again. Repeats record nothing twice."""
    doubts = await in_doubt(tx, incident_id)
    told: dict[tuple[str, int, str], tuple[str, str]] = {}
    """What the newest record says of each fact in each statement: text and status; empty when it holds again."""
    records = [r for kind in (IN_DOUBT, HOLDS) for r in await tx.ledger.list(kind=kind, incident=incident_id)]
    for record in sorted(records, key=lambda r: r.seq):
        data = record.data
        where = (str(data["statement"]), int(data["version"]), str(data["fact"]))
        told[where] = (data["text"], data["status"]) if record.kind == IN_DOUBT else ("", "")
    open_now = set()
    for doubt in doubts:
        for one in doubt.changed:
            where = (doubt.statement.id, doubt.statement.version, one.was.id)
            open_now.add(where)
            now = (one.now.text, one.now.status.value)
            if told.get(where) != now:
                data = _data(where) | {"said": one.was.text, "text": now[0], "status": now[1]}
                await tx.ledger.append(IN_DOUBT, incident=incident_id, data=data, **_why(act, one.says))
    for where, last in told.items():
        if last != ("", "") and where not in open_now and await _is_out(tx, *where[:2]):
            why = _why(act, f"{where[2]} is again as it was")
            await tx.ledger.append(HOLDS, incident=incident_id, data=_data(where), **why)
    return doubts


def _why(act: Act, reason: str) -> Act:
    return {**act, "reason": reason}


async def _is_out(tx: Transaction, statement: str, version: int) -> bool:
    return await tx.statements.status(statement, version) is StatementStatus.PUBLISHED


def _data(where: tuple[str, int, str]) -> dict[str, object]:
    return {"statement": where[0], "version": where[1], "fact": where[2]}
