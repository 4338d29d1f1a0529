"""Decisions: one approver's verdict on one content hash, once; and what became of those that were taken back."""

from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import and_, select

from crisis.approval import Decision
from records.ledger import Ledger
from records.tables import clearances, decisions, statements, take_backs
from records.work import Act, KnownAct, NotFound, Work, act_of


class AlreadyDecided(ValueError):
    """The approver has decided on this content before; ``earlier`` is that decision, and it stands."""

    def __init__(self, earlier: Decision) -> None:
        super().__init__(f"{earlier.approver} has already decided: {earlier.verdict} as {earlier.role}")
        self.earlier = earlier


class Decisions:
    """What approvers decided."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def add(self, decision: Decision, *, since: datetime | None = None, **act: Unpack[KnownAct]) -> Decision:
        """Save a decision, and return it with its number. The transaction may go on after a refusal.

        Args:
            since: when the decision was asked for; an earlier one was about another request. None: any counts.

        Raises:
            AlreadyDecided: this approver has decided on this version of this statement, and has not taken it back.
            NotFound: there is no such statement version, and no such pre-clearance.
        """
        own = [d for d in await self.list(decision.content_hash) if d.approver == decision.approver]
        for earlier in own:
            same = (earlier.statement, earlier.version) == (decision.statement, decision.version)
            same = same and (since is None or earlier.decided_at >= since)
            if same and earlier.taken_back_at is None:
                raise AlreadyDecided(earlier)
        incident = await self._incident(decision)
        decision = decision.model_copy(update={"number": len(own) + 1})
        await self._work.write(decisions.insert().values(decision.model_dump(exclude={"taken_back_at"})))
        by = act_of(act, decision.approver, decision.via)
        by["reason"] = by.get("reason") or decision.reason
        data = decision.model_dump(mode="json", exclude={"taken_back_at"})
        await self._ledger.append("decision.made", incident=incident, data=data, **by)
        return decision

    async def take_back(self, decision: Decision, **act: Unpack[Act]) -> Decision:
        """Put on record that its approver takes a decision back, and return it as it is now.

        Raises:
            NotFound: it was never made, or was taken back already.
        """
        stored = [d for d in await self.list(decision.content_hash) if d == decision and d.taken_back_at is None]
        if not stored:
            raise NotFound(f"{decision.approver} has no decision on {decision.statement} that could be taken back")
        name = {"content_hash": decision.content_hash, "approver": decision.approver, "number": decision.number}
        told = {"statement": decision.statement, "version": decision.version, "role": decision.role}
        at = self._work.clock.now()
        row: dict[str, Any] = {**name, "via": act.get("via", ""), "reason": act.get("reason", ""), "taken_back_at": at}
        await self._work.write(take_backs.insert().values(row))
        data = row | told | {"taken_back_at": at.isoformat()}
        await self._ledger.append("decision.taken_back", incident=await self._incident(decision), data=data, **act)
        return decision.model_copy(update={"taken_back_at": at})

    async def list(self, content_hash: str) -> list[Decision]:
        """The decisions on one content, those that were taken back included, in order of time."""
        same = [decisions.c[name] == take_backs.c[name] for name in ("content_hash", "approver", "number")]
        both = decisions.outerjoin(take_backs, and_(*same))
        query = select(decisions, take_backs.c.taken_back_at).select_from(both)
        query = query.where(decisions.c.content_hash == content_hash)
        rows = await self._work.all(query.order_by(decisions.c.decided_at, decisions.c.approver, decisions.c.number))
        return [Decision.model_validate(dict(row._mapping)) for row in rows]

    async def _incident(self, decision: Decision) -> str:
        """The incident of the statement that was decided on; none for a pre-clearance."""
        version = (statements.c.id == decision.statement) & (statements.c.version == decision.version)
        statement = await self._work.first(select(statements.c.incident).where(version))
        if statement is not None:
            return str(statement.incident)
        if await self._work.first(select(clearances.c.id).where(clearances.c.id == decision.statement)) is None:
            raise NotFound(f"there is no statement {decision.statement!r} version {decision.version}")
        return ""
