"""Scheduled posts under a freeze: each whole, as it was before anything was done to it, and how far it has come."""

from collections.abc import Iterable
from typing import Any, Unpack

from sqlalchemy import select

from crisis.freeze import FreezeState, FrozenPost
from records.ledger import Ledger
from records.tables import frozen_posts
from records.work import Act, Work, body, read


class FrozenPosts:
    """What the freezes of incidents hold back."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def put(self, frozen: FrozenPost, *, seen: FrozenPost | None = None, **act: Unpack[Act]) -> bool:
        """Store a post or its next state; a change of state goes on record. False when it has moved on since ``seen``.

        Raises:
            ValueError: that state cannot follow the present one.
        """
        before = await self.get(frozen.key)
        if seen is not None and before != seen:
            return False
        if before is not None and not before.may_become(frozen.state):
            raise ValueError(f"a post that is {before.state} cannot become {frozen.state}")
        incident, scheduler, post = frozen.key
        row = {"incident": incident, "scheduler": scheduler, "post": post, "state": frozen.state.value}
        await self._work.upsert(frozen_posts, row | {"body": body(frozen)})
        if before is None or (before.state, before.post) != (frozen.state, frozen.post):
            await self._tell(frozen, act)
        return True

    async def get(self, key: tuple[str, str, str]) -> FrozenPost | None:
        """The post of that incident, scheduler and id."""
        incident, scheduler, post = key
        query = select(frozen_posts.c.body).where(
            frozen_posts.c.incident == incident,
            frozen_posts.c.scheduler == scheduler,
            frozen_posts.c.post == post,
        )
        row = await self._work.first(query)
        return None if row is None else read(FrozenPost, row.body)

    async def list(self, *, incident: str = "", states: Iterable[FreezeState] | None = None) -> list[FrozenPost]:
        """Posts of the given incident and states."""
        query = select(frozen_posts.c.body).order_by(
            frozen_posts.c.incident, frozen_posts.c.scheduler, frozen_posts.c.post
        )
        if incident:
            query = query.where(frozen_posts.c.incident == incident)
        if states is not None:
            query = query.where(frozen_posts.c.state.in_([state.value for state in states]))
        return [read(FrozenPost, row.body) for row in await self._work.all(query)]

    async def _tell(self, frozen: FrozenPost, act: Act) -> None:
        told: dict[str, Any] = {"scheduler": frozen.scheduler, "problem": frozen.problem}
        if frozen.state is FreezeState.FREEZING:
            told["post"] = frozen.post.model_dump(mode="json")  # whole, before anything is done to it
        else:
            told["post"] = frozen.post.model_dump(mode="json", include={"id", "at", "text", "where", "url"})
        if frozen.put_off:
            told["put_off"] = frozen.put_off[-1].isoformat()
        noun = "scheduler" if frozen.whole else "post"
        verb = frozen.state.value.replace(" ", "_")
        await self._ledger.append(f"{noun}.{verb}", incident=frozen.incident, data=told, **act)
