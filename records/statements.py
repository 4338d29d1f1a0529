"""Statements in immutable versions with their renderings, where each version stands, and what was asked to be approved.

A version is written once; what it says is never changed, only where it stands. Its content hash is computed anew when
it is saved and when it is read, so that an altered text is not handed out.
"""

import builtins
import json
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any, Unpack

from sqlalchemy import Row, func, select, update

from crisis.approval import Policy
from crisis.statement import Rendering, Statement, hash_of
from crisis.values import ContentHash, Frozen, StatementKind, UtcDatetime
from records.counters import next_number
from records.ledger import Ledger
from records.pictures import Pictures
from records.tables import proposals, renderings, statement_status, statements
from records.work import Act, KnownAct, NotFound, Work, act_of, body, read


class StatementStatus(StrEnum):
    """Where a statement version stands."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    APPROVED = "approved"
    RETURNED = "returned"
    VOIDED = "voided"
    EXPIRED = "expired"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Proposal(Frozen):
    """A statement version before its approvers."""

    statement: str
    version: int
    content_hash: ContentHash
    policy: Policy
    """The policy as it was when approval was asked for."""
    proposed_at: UtcDatetime
    proposed_by: str


class Statements:
    """What the company says."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def next_id(self, incident: str) -> str:
        """The next id for a statement of ``incident``: ``INC-7-S1``."""
        return f"{incident}-S{await next_number(self._work, f'{incident}-S')}"

    async def add(self, statement: Statement, **act: Unpack[Act]) -> None:
        """Save a new version, as a draft, with the bytes of its pictures.

        Raises:
            ValueError: the version exists, is not the next one, or its content hash is not that of its content.
            NotFound: a picture brings no bytes, and none are here.
        """
        if hash_of(statement) != statement.content_hash:
            raise ValueError(f"{statement.label} does not match its content hash: compute it after the last change")
        latest = await self._latest_version(statement.id)
        if statement.version != latest + 1:
            raise ValueError(f"the next version of {statement.id} is {latest + 1}, not {statement.version}")
        row = {
            "id": statement.id,
            "version": statement.version,
            "incident": statement.incident,
            "content_hash": statement.content_hash,
            "created_at": statement.created_at,
            "body": body(statement, exclude={"renderings"}),
        }
        await self._work.write(statements.insert().values(row))
        await Pictures(self._work).keep(statement.media)
        name = {"statement": statement.id, "version": statement.version}
        for position, rendering in enumerate(statement.renderings):
            target = rendering.target
            place = {"channel": target.channel, "kind": target.kind, "address": target.address}
            await self._work.write(
                renderings.insert().values(name | place | {"position": position, "body": body(rendering)})
            )
        await self._work.write(statement_status.insert().values(name | {"status": StatementStatus.DRAFT.value}))
        data = statement.model_dump(mode="json")
        await self._ledger.append("statement.drafted", incident=statement.incident, data=data, **act)

    async def get(self, id: str, version: int | None = None) -> Statement:
        """One version of a statement; the latest when none is named.

        Raises:
            NotFound: there is no such statement or version.
            ValueError: it was altered behind the store's back.
        """
        wanted = await self._latest_version(id) if version is None else version
        query = select(statements).where(statements.c.id == id, statements.c.version == wanted)
        found = await self._read(await self._work.all(query))
        if not found:
            raise NotFound(f"there is no statement {id!r}" + (f" version {version}" if version else ""))
        return found[0]

    async def list(self, incident: str) -> builtins.list[Statement]:
        """The latest version of each statement of an incident, in order of the first version's making."""
        query = select(statements).where(statements.c.incident == incident)
        latest: dict[str, Statement] = {}
        for statement in await self._read(await self._work.all(query.order_by(statements.c.version))):
            latest[statement.id] = statement
        return sorted(latest.values(), key=lambda s: (len(s.id), s.id))

    async def kinds(self, ids: Collection[str]) -> dict[str, StatementKind]:
        """What kind of statement each of these is, by id; it is the same for all versions."""
        rows = await self._work.all(select(statements.c.id, statements.c.body).where(statements.c.id.in_(ids)))
        return {row.id: StatementKind(json.loads(row.body)["kind"]) for row in rows}

    async def versions(self, id: str) -> builtins.list[Statement]:
        """Every version of a statement, in order."""
        query = select(statements).where(statements.c.id == id).order_by(statements.c.version)
        return await self._read(await self._work.all(query))

    async def status(self, id: str, version: int) -> StatementStatus:
        """Where a version stands.

        Raises:
            NotFound: there is no such version.
        """
        query = select(statement_status.c.status).where(*_is(statement_status, id, version))
        row = await self._work.first(query)
        if row is None:
            raise NotFound(f"there is no statement {id!r} version {version}")
        return StatementStatus(row.status)

    async def set_status(
        self,
        id: str,
        version: int,
        status: StatementStatus,
        *,
        data: dict[str, Any] | None = None,
        **act: Unpack[Act],
    ) -> None:
        """Say where a version stands now; nothing happens when it stands there already.

        Raises:
            NotFound: there is no such version.
        """
        before = await self.status(id, version)
        if before is status:
            return
        change = update(statement_status).where(*_is(statement_status, id, version))
        await self._work.write(change.values(status=status.value))
        row = await self._row(id, version)
        told = {"statement": id, "version": version, "content_hash": row.content_hash, "from": before.value}
        kind = "statement.drafted" if status is StatementStatus.DRAFT else f"statement.{status}"
        await self._ledger.append(kind, incident=row.incident, data=told | (data or {}), **act)

    async def propose(self, id: str, version: int, policy: Policy, *, by: str, **act: Unpack[KnownAct]) -> Proposal:
        """Put a version before its approvers; to propose it again starts its expiry anew.

        Raises:
            NotFound: there is no such version.
        """
        row = await self._row(id, version)
        proposal = Proposal(
            statement=id,
            version=version,
            content_hash=row.content_hash,
            policy=policy,
            proposed_at=self._work.clock.now(),
            proposed_by=by,
        )
        stored = proposal.model_dump() | {"policy": body(policy)}
        await self._work.upsert(proposals, stored)
        status = {"statement": id, "version": version, "status": StatementStatus.PROPOSED.value}
        await self._work.upsert(statement_status, status)
        data = proposal.model_dump(mode="json")
        await self._ledger.append("statement.proposed", incident=row.incident, data=data, **act_of(act, by))
        return proposal

    async def proposal(self, id: str, version: int) -> Proposal | None:
        """The last proposal of a version, whatever became of it."""
        row = await self._work.first(select(proposals).where(*_is(proposals, id, version)))
        return None if row is None else _proposal(row)

    async def open_proposals(self, incident: str = "") -> builtins.list[Proposal]:
        """Proposals that still wait for decisions, oldest first."""
        query = (
            select(proposals)
            .join(
                statement_status,
                (statement_status.c.statement == proposals.c.statement)
                & (statement_status.c.version == proposals.c.version),
            )
            .where(statement_status.c.status == StatementStatus.PROPOSED.value)
            .order_by(proposals.c.proposed_at, proposals.c.statement)
        )
        if incident:
            query = query.join(
                statements,
                (statements.c.id == proposals.c.statement) & (statements.c.version == proposals.c.version),
            ).where(statements.c.incident == incident)
        return [_proposal(row) for row in await self._work.all(query)]

    async def carries(self, sha256: str) -> bool:
        """Whether a text that may be seen carries the picture of that hash. Where nothing is hidden, that is not asked."""
        if not self._work.hidden:
            return True
        query = select(renderings.c.statement).where(renderings.c.body.contains(sha256, autoescape=True)).limit(1)
        return await self._work.first(query) is not None

    async def _latest_version(self, id: str) -> int:
        row = await self._work.first(select(func.max(statements.c.version)).where(statements.c.id == id))
        return 0 if row is None or row[0] is None else int(row[0])

    async def _row(self, id: str, version: int) -> Row[Any]:
        row = await self._work.first(select(statements).where(statements.c.id == id, statements.c.version == version))
        if row is None:
            raise NotFound(f"there is no statement {id!r} version {version}")
        return row

    async def _read(self, rows: Sequence[Row[Any]]) -> builtins.list[Statement]:
        found = []
        for row in rows:
            query = select(renderings.c.body).where(*_is(renderings, row.id, row.version))
            parts = await self._work.all(query.order_by(renderings.c.position))
            statement = read(Statement, row.body).model_copy(
                update={"renderings": tuple(read(Rendering, part.body) for part in parts)}
            )
            if hash_of(statement) != statement.content_hash or statement.content_hash != row.content_hash:
                raise ValueError(f"{statement.label} was altered in the database: it is not what was approved")
            found.append(statement)
        return found


def _is(table: Any, id: str, version: int) -> tuple[Any, Any]:
    return table.c.statement == id, table.c.version == version


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal.model_validate(dict(row._mapping) | {"policy": read(Policy, row.policy)})
