"""After-action reviews and their tasks. What people write, who signs, and every change of a task is on record, whole."""

import builtins
from datetime import datetime
from typing import Unpack

from sqlalchemy import select, update

from crisis.after_action import Review, ReviewTask, SignOff, TaskState
from crisis.approval import NotAllowed
from records.counters import next_number
from records.ledger import Ledger
from records.tables import review_tasks, reviews
from records.work import Act, KnownAct, NotFound, Work, act_of, body, read


class Changed(NotAllowed):
    """Somebody saved a review meanwhile; the message says who, and nothing was overwritten."""


class Reviews:
    """At most one review for each incident."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def get(self, incident: str) -> Review:
        """What was made of an incident so far; an empty review before anybody wrote."""
        row = await self._work.first(select(reviews.c.body).where(reviews.c.incident == incident))
        return Review(incident=incident) if row is None else read(Review, row.body)

    async def save(self, review: Review, **act: Unpack[Act]) -> Review:
        """Save what ``review`` says over the version that it counts; its version is one higher then.

        Raises:
            Changed: another version was saved meanwhile.
        """
        return await self._put(review, "review.saved", act)

    async def sign(self, review: Review, signed: SignOff, *, final: str, **act: Unpack[Act]) -> Review:
        """Add a signature; ``final`` is the hash that all have signed by it, or empty.

        Raises:
            Changed: another version was saved meanwhile.
        """
        with_it = review.model_copy(update={"sign_offs": (*review.sign_offs, signed), "final": final})
        return await self._put(with_it, "review.signed", act)

    async def _put(self, review: Review, kind: str, act: Act) -> Review:
        before = await self.get(review.incident)
        if before.version != review.version:
            who = before.edited_by or "somebody"
            raise Changed(f"{who} saved this review meanwhile: nothing was overwritten; look, then save again")
        after = review.model_copy(update={"version": review.version + 1})
        await self._work.upsert(reviews, {"incident": after.incident, "body": body(after)})
        await self._ledger.append(kind, incident=after.incident, data=after.model_dump(mode="json"), **act)
        return after


class ReviewTasks:
    """What people took on in reviews."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def next_id(self, incident: str) -> str:
        """``INC-7-T1`` and so on; each is given once."""
        return f"{incident}-T{await next_number(self._work, f'task/{incident}')}"

    async def get(self, id: str) -> ReviewTask:
        """The task of that id.

        Raises:
            NotFound: there is none.
        """
        row = await self._work.first(select(review_tasks.c.body).where(review_tasks.c.id == id))
        if row is None:
            raise NotFound(f"there is no task {id!r}")
        return read(ReviewTask, row.body)

    async def list(self, incident: str = "", state: TaskState | None = None) -> builtins.list[ReviewTask]:
        """Tasks by due time, of the given incident and state."""
        query = select(review_tasks.c.body).order_by(review_tasks.c.due_at, review_tasks.c.id)
        if incident:
            query = query.where(review_tasks.c.incident == incident)
        if state is not None:
            query = query.where(review_tasks.c.state == state.value)
        return [read(ReviewTask, row.body) for row in await self._work.all(query)]

    async def due(self, now: datetime) -> builtins.list[ReviewTask]:
        """Open tasks whose time is past at ``now``."""
        query = select(review_tasks.c.body).where(
            review_tasks.c.state == TaskState.OPEN.value, review_tasks.c.due_at < now
        )
        return [read(ReviewTask, row.body) for row in await self._work.all(query.order_by(review_tasks.c.id))]

    async def put(self, task: ReviewTask, kind: str, **act: Unpack[Act]) -> None:
        """Save a task as it now stands; ``kind`` says what happened: ``made``, ``changed``, ``done`` or ``dropped``."""
        await self._work.upsert(review_tasks, _row(task))
        data = task.model_dump(mode="json", exclude={"reminded_at"})
        await self._ledger.append(f"review_task.{kind}", incident=task.incident, data=data, **act)

    async def reminded(self, task: ReviewTask, at: datetime, **act: Unpack[KnownAct]) -> None:
        """Note that its owner was reminded."""
        after = task.model_copy(update={"reminded_at": at})
        await self._work.write(update(review_tasks).where(review_tasks.c.id == task.id).values(_row(after)))
        data = {"id": task.id, "text": task.text, "owner": task.owner, "due_at": task.due_at.isoformat()}
        await self._ledger.append(
            "review_task.reminded", incident=task.incident, data=data, **act_of(act, "sweep", "flow")
        )


def _row(task: ReviewTask) -> dict[str, object]:
    row = {"id": task.id, "incident": task.incident, "state": task.state.value, "due_at": task.due_at}
    return {**row, "body": body(task)}
