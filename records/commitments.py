"""Commitments: promises that statements made, tracked until they are kept or broken."""

from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import select, update

from crisis.commitment import Commitment, CommitmentState
from records.ledger import Ledger
from records.tables import commitments
from records.work import Act, KnownAct, NotFound, Work, act_of


class Commitments:
    """What the company owes the public."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def add(self, commitment: Commitment, **act: Unpack[Act]) -> bool:
        """Track a promise; false when it is tracked already."""
        if await self._work.insert_new(commitments, [commitment.model_dump()]) == 0:
            return False
        data = commitment.model_dump(mode="json")
        await self._ledger.append("commitment.made", incident=commitment.incident, data=data, **act)
        return True

    async def get(self, id: str) -> Commitment:
        """The commitment of that id.

        Raises:
            NotFound: there is none.
        """
        row = await self._work.first(select(commitments).where(commitments.c.id == id))
        if row is None:
            raise NotFound(f"there is no commitment {id!r}")
        return Commitment.model_validate(dict(row._mapping))

    async def list(self, incident: str = "", state: CommitmentState | None = None) -> list[Commitment]:
        """Commitments by due time, of the given incident and state."""
        query = select(commitments).order_by(commitments.c.due_at, commitments.c.id)
        if incident:
            query = query.where(commitments.c.incident == incident)
        if state is not None:
            query = query.where(commitments.c.state == state.value)
        return [Commitment.model_validate(dict(row._mapping)) for row in await self._work.all(query)]

    async def settle(
        self, id: str, state: CommitmentState, by: str, at: datetime, *, evidence: str = "", **act: Unpack[Act]
    ) -> Commitment:
        """Say that a promise was kept (by statement or person ``by``), broken or withdrawn; it is settled once.

        ``evidence``: what shows it, in a person's words.

        Raises:
            NotFound: there is no such commitment.
            ValueError: it was settled otherwise before, or ``state`` is open.
        """
        before = await self.get(id)
        if before.state is state:
            return before
        if before.state is not CommitmentState.OPEN or state is CommitmentState.OPEN:
            raise ValueError(f"the commitment {id} is {before.state} and cannot become {state}")
        kept = state is CommitmentState.KEPT
        changed: dict[str, Any] = {"state": state, "kept_at": at if kept else None, "kept_by": by if kept else ""}
        changed["evidence"] = evidence
        await self._work.write(update(commitments).where(commitments.c.id == id).values(changed))
        data = {"commitment": id, "text": before.text, "due_at": before.due_at, "by": by, "at": at}
        if evidence:
            data["evidence"] = evidence
        await self._ledger.append(f"commitment.{state}", incident=before.incident, data=data, **act)
        return before.model_copy(update=changed)

    async def reminded(self, id: str, at: datetime, *, step: str = "", **act: Unpack[KnownAct]) -> None:
        """Note that the people concerned were reminded of a promise.

        Raises:
            NotFound: there is no such commitment.
        """
        before = await self.get(id)
        await self._work.write(update(commitments).where(commitments.c.id == id).values(reminded_at=at))
        data = {"commitment": id, "text": before.text, "due_at": before.due_at, "step": step, "at": at}
        by = act_of(act, "follow_up")
        await self._ledger.append("commitment.reminded", incident=before.incident, data=data, **by)

    async def hand_to(self, id: str, owner: str, **act: Unpack[Act]) -> Commitment:
        """Make somebody the owner of an open promise.

        Raises:
            NotFound: there is no such commitment.
            ValueError: it is settled.
        """
        return await self._change(id, "handed", {"owner": owner}, act)

    async def move(self, id: str, due_at: datetime, statement: str, **act: Unpack[Act]) -> Commitment:
        """Move an open promise to another time, because the published ``statement`` says so; reminders begin anew.

        Raises:
            NotFound: there is no such commitment.
            ValueError: it is settled.
        """
        before = await self.get(id)
        changed = {"due_at": due_at, "made_at": self._work.clock.now(), "reminded_at": None}
        return await self._change(id, "moved", changed, act, statement=statement, was_due_at=before.due_at)

    async def _change(
        self, id: str, verb: str, changed: dict[str, Any], act: Act, **more: str | datetime
    ) -> Commitment:
        before = await self.get(id)
        if before.state is not CommitmentState.OPEN:
            raise ValueError(f"the commitment {id} is {before.state}: nothing about it changes any more")
        await self._work.write(update(commitments).where(commitments.c.id == id).values(changed))
        after = before.model_copy(update=changed)
        data = {"commitment": id, "text": after.text, "due_at": after.due_at, "owner": after.owner, **more}
        await self._ledger.append(f"commitment.{verb}", incident=before.incident, data=data, **act)
        return after
