"""Decisions: one approver's verdict on one content hash, once."""

from typing import Unpack

from sqlalchemy import select

from crisis.approval import Decision
from records.ledger import Ledger
from records.tables import decisions, statements
from records.work import KnownAct, NotFound, Work, act_of


class AlreadyDecided(ValueError):
    """The approver has decided on this content before; ``earlier`` is that decision, and it stands."""

    def __init__(self, earlier: Decision) -> None:
        super().__init__(f"{earlier.approver} has already decided: {earlier.verdict} as {earlier.role}")
        self.earlier = earlier


class Decisions:
    """What approvers decided."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def add(self, decision: Decision, **act: Unpack[KnownAct]) -> None:
        """Save a decision. The transaction may go on after a refusal.

        Raises:
            AlreadyDecided: this approver has decided on this content.
            NotFound: there is no such statement version.
        """
        for earlier in await self.list(decision.content_hash):
            if earlier.approver == decision.approver:
                raise AlreadyDecided(earlier)
        version = (statements.c.id == decision.statement) & (statements.c.version == decision.version)
        statement = await self._work.first(select(statements.c.incident).where(version))
        if statement is None:
            raise NotFound(f"there is no statement {decision.statement!r} version {decision.version}")
        await self._work.write(decisions.insert().values(decision.model_dump()))
        by = act_of(act, decision.approver, decision.via)
        by["reason"] = by.get("reason") or decision.reason
        data = decision.model_dump(mode="json")
        await self._ledger.append("decision.made", incident=statement.incident, data=data, **by)

    async def list(self, content_hash: str) -> list[Decision]:
        """The decisions on one content, in order of time."""
        query = select(decisions).where(decisions.c.content_hash == content_hash)
        rows = await self._work.all(query.order_by(decisions.c.decided_at, decisions.c.approver))
        return [Decision.model_validate(dict(row._mapping)) for row in rows]
