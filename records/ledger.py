"""The ledger: append-only, hash-chained, its end signed with every record and its length with every checkpoint.

Whoever changes state appends here in the same transaction, so that there is no change without its record and no record
of a change that did not happen. How the chain is computed is ``crisis.record``; how it is proven, ``crisis.chain``.
Words of the public are kept beside it, where they can be erased (``crisis.personal``); whoever reads a record sees them
in their places.
"""

import builtins
import json
import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Literal, Unpack

from pydantic import ValidationError
from pydantic_core import to_jsonable_python
from sqlalchemy import Row, func, select, update
from sqlalchemy.exc import DBAPIError

from crisis.canonical import canonical
from crisis.chain import CHECKPOINT, Chain, Checkpoint, Head, sign_checkpoint, sign_head
from crisis.personal import ERASURE, MARK, Disclosed, Openness, disclosed, withheld
from crisis.record import Problem, Record, record_hash
from crisis.values import Frozen
from records.tables import checkpoints, disclosures, ledger, ledger_head, storable
from records.work import Act, Work

_BATCH = 1000
_MOST_SHOWN = 4_000
"""Records that a process keeps as people read them; ``verify`` never looks at these."""
_shown: dict[tuple[Any, ...], Record] = {}


class Verification(Frozen):
    """What proving the whole ledger found."""

    ok: bool
    records: int
    """Records that hold."""
    checkpoints: int
    problem: str = ""
    seq: int | None = None
    """The first record that does not hold, or that the tables contradict."""
    of: Literal["ledger", "tables"] = "ledger"
    """What does not hold."""

    @property
    def fault(self) -> str:
        """What does not hold and why, as a clause; empty when all holds."""
        if self.ok:
            return ""
        what = "the ledger does not hold" if self.of == "ledger" else "the tables are not as the ledger recorded them"
        return f"{what}: {self.problem}"


class Ledger:
    """The installation's record of who knew, decided, did and said what, and when."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def append(
        self, kind: str, *, incident: str = "", data: dict[str, Any] | None = None, **act: Unpack[Act]
    ) -> Record:
        """Add one record; it becomes part of the chain when the transaction commits.

        Raises:
            ValueError: ``data`` holds what JSON cannot (RFC 8785: whole numbers beyond 2^53, broken text).
            RuntimeError: the ledger was begun with another key than this installation's.
        """
        key = self._work.keys
        head = await self._head()
        if head.key not in ("", key.fingerprint):
            raise RuntimeError("this ledger is signed with another key: put the installation's own key folder back")
        # Stored as canonical text, so that what is hashed, stored and read back is one and the same.
        canonical = _canonical(data or {})
        reason = storable(act.get("reason", ""))
        kept, marks = withheld(kind, reason, _parse(canonical), _salt)
        content = {
            "seq": head.seq + 1,
            "at": self._work.clock.now(),
            "kind": kind,
            "incident": storable(incident),
            "actor": storable(act["actor"]),
            "via": storable(act.get("via", "")),
            "reason": reason,
            "flow_run_id": storable(act.get("flow_run_id", "")),
            "data": _parse(canonical),
            "previous": head.hash,
        }
        unsealed = Record.model_validate(content | {"hash": head.hash})
        unsealed = unsealed.model_copy(update={"committed": marks})
        record = unsealed.model_copy(update={"hash": record_hash(unsealed)})
        written = record.written
        data_as_written = _canonical(written.data) if marks else canonical
        row = {**content, "at": record.at, "reason": written.reason, "data": data_as_written, "hash": record.hash}
        await self._work.write(ledger.insert().values(row))
        if kept:
            body = _disclosures_body(kept)
            await self._work.write(disclosures.insert().values(seq=record.seq, incident=record.incident, body=body))
        signed = sign_head(key.ledger, record.seq, record.hash)
        await self._work.write(update(ledger_head).where(ledger_head.c.id == 1).values(signed.model_dump()))
        return record

    async def list(
        self,
        *,
        incident: str = "",
        kind: str = "",
        kinds: Collection[str] = (),
        after: int = 0,
        limit: int | None = None,
        newest: int = 0,
    ) -> builtins.list[Record]:
        """Records in order, of one incident, kind or some ``kinds`` if given, ``seq`` above ``after``, at most ``limit``.

        ``newest``: only so many, the last ones.
        """
        query = select(ledger).where(ledger.c.seq > after).order_by(ledger.c.seq).limit(limit)
        if incident:
            query = query.where(ledger.c.incident == incident)
        if kind:
            query = query.where(ledger.c.kind == kind)
        if kinds:
            query = query.where(ledger.c.kind.in_(kinds))
        if newest:
            rows = await self._work.all(query.order_by(None).order_by(ledger.c.seq.desc()).limit(newest))
            return await shown(self._work, rows[::-1])
        return await shown(self._work, await self._work.all(query))

    async def written(self, *, after: int = 0, limit: int | None = None) -> builtins.list[Record]:
        """Every record as the chain has it, whoever looks: without the personal values."""
        query = select(ledger).where(ledger.c.seq > after).order_by(ledger.c.seq).limit(limit)
        return [record_of(row) for row in await self._work.whole.all(query)]

    async def disclosures(self, incident: str) -> dict[int, dict[str, Disclosed]]:
        """The personal values of the records of one incident that are there, by the record's number."""
        query = select(disclosures).where(disclosures.c.incident == incident).order_by(disclosures.c.seq)
        return {row.seq: read_disclosures(row.body) for row in await self._work.all(query)}

    async def end(self) -> int:
        """``seq`` of the newest record; 0 when there is none. Costs next to nothing: pages ask it several times a second."""
        row = await self._work.first(select(ledger_head.c.seq).where(ledger_head.c.id == 1))
        return 0 if row is None else int(row.seq)

    async def ends(self, incidents: Collection[str]) -> dict[str, int]:
        """``seq`` of the newest record of each of these incidents: what tells whether anything of one has changed."""
        newest = select(ledger.c.incident, func.max(ledger.c.seq)).where(ledger.c.incident.in_(incidents))
        return {row[0]: int(row[1]) for row in await self._work.all(newest.group_by(ledger.c.incident))}

    async def first_acts(self, incident: str) -> dict[str, Record]:
        """By actor, the first record of an incident that each one made."""
        firsts = select(func.min(ledger.c.seq)).where(ledger.c.incident == incident).group_by(ledger.c.actor)
        rows = await self._work.all(select(ledger).where(ledger.c.seq.in_(firsts)))
        return {record.actor: record for record in await shown(self._work, rows)}

    async def last_acts(
        self, incidents: Collection[str], *, actors: Collection[str], kinds: Collection[str]
    ) -> dict[str, datetime]:
        """By incident, the time of the last record that one of ``actors`` made, or that is of one of ``kinds``."""
        found: dict[str, datetime] = {}
        for wanted in (ledger.c.actor.in_(actors), ledger.c.kind.in_(kinds)):  # one index answers each
            query = select(ledger.c.incident, func.max(ledger.c.at)).where(ledger.c.incident.in_(incidents), wanted)
            for incident, at in await self._work.all(query.group_by(ledger.c.incident)):
                found[incident] = max(at, found.get(incident, at))
        return found

    async def newest(self, incident: str, *, limit: int) -> builtins.list[Record]:
        """The newest records of an incident, newest first."""
        query = select(ledger).where(ledger.c.incident == incident).order_by(ledger.c.seq.desc()).limit(limit)
        return await shown(self._work, await self._work.all(query))

    async def checkpoints(self) -> builtins.list[Checkpoint]:
        """Every checkpoint, in order."""
        rows = await self._work.all(select(checkpoints).order_by(checkpoints.c.seq))
        return [Checkpoint.model_validate(dict(row._mapping)) for row in rows]

    async def checkpoint(self, **act: Unpack[Act]) -> Checkpoint | None:
        """Sign the ledger as it stands; None when nothing but the last checkpoint's own record was added since."""
        head = await self._head()
        last = (await self._work.all(select(func.max(checkpoints.c.seq))))[0][0] or 0
        if head.seq == 0 or head.seq == last + 1:
            return None
        checkpoint = sign_checkpoint(self._work.keys.ledger, head.seq, head.hash, self._work.clock.now())
        await self._work.write(checkpoints.insert().values(checkpoint.model_dump()))
        await self.append(CHECKPOINT, data=checkpoint.model_dump(mode="json"), **act)
        return checkpoint

    async def verify(self, told: Callable[[int, int], None] = lambda done, total: None) -> Verification:
        """Prove the whole ledger, whoever looks, naming the first record that does not hold.

        ``told`` hears now and then how many records are proven, of how many.
        """
        return await Ledger(self._work.whole)._proven(told)

    async def _proven(self, told: Callable[[int, int], None]) -> Verification:
        row = await self._work.first(select(ledger_head).where(ledger_head.c.id == 1))
        total = (await self._work.all(select(func.count()).select_from(checkpoints)))[0][0]
        try:
            kept = await self.checkpoints()
        except ValidationError:
            return Verification(ok=False, records=0, checkpoints=total, problem="a checkpoint cannot be read")
        chain = Chain(self._work.keys.public_key_pem, kept)
        problem = await self._walk(chain, lambda: told(chain.count, 0 if row is None else row.seq))
        if problem is None:
            missing = sorted(set(chain.told) - {c.seq for c in kept})
            if missing:
                problem = Problem(seq=missing[0], says=f"the checkpoint of record {missing[0]} was removed")
        if problem is None:
            problem = chain.end(None if row is None else _head(row))
        if problem is None and row is None:
            problem = Problem(
                seq=None, says="the ledger's end was removed: nobody can tell whether records are missing"
            )
        if problem is None:
            problem = await self._openness()
        if problem is not None:
            return Verification(ok=False, records=chain.count, checkpoints=total, problem=problem.says, seq=problem.seq)
        return Verification(ok=True, records=chain.count, checkpoints=total)

    async def _openness(self) -> Problem | None:
        """Whether the personal values beside the ledger are those that were recorded. The chain must hold already."""
        openness, after = Openness(), 0
        while rows := await self._work.all(
            select(ledger).where(ledger.c.seq > after, _speaks(ledger)).order_by(ledger.c.seq).limit(_BATCH)
        ):
            known = await _known(self._work, rows)
            for row in rows:
                try:
                    disclosures_there = read_disclosures(known.get(row.seq, "{}"))
                except ValueError:
                    return Problem(seq=row.seq, says=f"the personal values of record {row.seq} cannot be read")
                if problem := openness.take(record_of(row), disclosures_there):
                    return problem
            after = rows[-1].seq
        strange = (
            select(disclosures.c.seq)
            .where(disclosures.c.body != "{}")
            .where(disclosures.c.seq.not_in(select(ledger.c.seq).where(_speaks(ledger))))
        )
        if odd := await self._work.first(strange):
            return Problem(seq=odd.seq, says=f"personal values were put beside record {odd.seq}, which tells of none")
        return openness.end()

    async def _walk(self, chain: Chain, further: Callable[[], None]) -> Problem | None:
        for_all = select(ledger).order_by(ledger.c.seq)
        after = None
        while True:
            query = for_all if after is None else for_all.where(ledger.c.seq > after)
            try:
                batch = await self._work.all(query.limit(_BATCH))
            except (ValueError, TypeError, DBAPIError) as error:
                _only_unreadable(error)
                return await self._walk_singly(chain, after)
            for row in batch:
                if problem := _take(chain, row):
                    return problem
            further()
            if len(batch) < _BATCH:
                return None
            after = batch[-1].seq

    async def _walk_singly(self, chain: Chain, after: int | None) -> Problem | None:
        numbers = select(ledger.c.seq).order_by(ledger.c.seq)
        for (seq,) in await self._work.all(numbers if after is None else numbers.where(ledger.c.seq > after)):
            try:
                row = await self._work.first(select(ledger).where(ledger.c.seq == seq))
            except (ValueError, TypeError, DBAPIError) as error:
                _only_unreadable(error)
                row = None
            problem = _unreadable(seq) if row is None else _take(chain, row)
            if problem:
                return problem
        return None

    async def _head(self) -> Head:
        row = await self._work.first(select(ledger_head).where(ledger_head.c.id == 1))
        if row is None:
            raise RuntimeError("the ledger's end was removed: run `fireline verify --store`")
        return _head(row)


def _salt() -> str:
    return secrets.token_hex(16)


def _speaks(table: Any) -> Any:
    """Records that hold digests of personal values, or tell of their erasure."""
    marked = table.c.data.contains(MARK, autoescape=True) | table.c.reason.startswith(MARK, autoescape=True)
    return marked | (table.c.kind == ERASURE)


def _disclosures_body(kept: dict[str, Disclosed]) -> str:
    return json.dumps({pointer: [one.salt, one.value] for pointer, one in kept.items()}, ensure_ascii=False)


def read_disclosures(body: str) -> dict[str, Disclosed]:
    """The personal values that a row of ``disclosures`` holds.

    Raises:
        ValueError: it is not as any was written.
    """
    try:
        return {pointer: Disclosed(salt=salt, value=value) for pointer, (salt, value) in json.loads(body).items()}
    except (AttributeError, TypeError) as error:
        raise ValueError("not as it was written") from error


def _text(stored: str | bytes) -> str:
    """What a column of text holds; somebody else may have put the same letters there as a blob."""
    return stored.decode(errors="replace") if isinstance(stored, bytes) else stored


async def _known(work: Work, rows: Sequence[Row[Any]]) -> dict[int, str]:
    marked = [row.seq for row in rows if MARK in _text(row.data) or _text(row.reason).startswith(MARK)]
    found: dict[int, str] = {}
    for start in range(0, len(marked), 500):
        query = select(disclosures).where(disclosures.c.seq.in_(marked[start : start + 500]))
        found |= {row.seq: row.body for row in await work.all(query)}
    return found


async def shown(work: Work, rows: Sequence[Row[Any]]) -> list[Record]:
    """The records that rows of the ledger hold, as people read them.

    Raises:
        ValueError: a row is not as any record was written.
    """
    known = await _known(work, rows)
    return [_as_shown(row, known.get(row.seq, "{}")) for row in rows]


def _as_shown(row: Row[Any], body: str) -> Record:
    """One of them; kept, since pages read the same ones again and again, under all that is stored of it."""
    key = (*row, body)
    record = _shown.get(key)
    if record is None:
        record = disclosed(record_of(row), _readable(body))
        while len(_shown) >= _MOST_SHOWN:
            _shown.pop(next(iter(_shown)), None)
        _shown[key] = record
    return record


def _readable(body: str) -> dict[str, Disclosed]:
    try:
        return read_disclosures(body)
    except ValueError:  # ``verify`` names it
        return {}


def _head(row: Row[Any]) -> Head:
    return Head.model_construct(seq=row.seq, hash=row.hash, key=row.key, signature=row.signature)


def _canonical(data: dict[str, Any]) -> str:
    plain = to_jsonable_python(data)
    try:
        return canonical(plain).decode()
    except ValueError:  # lone surrogates in hostile text can be mended; anything else is refused again
        return canonical(json.loads(storable(json.dumps(plain, ensure_ascii=False)))).decode()


def _parse(canonical: str) -> Any:
    # RFC 8785 writes the float 1e20 without an exponent; only as a float is it written the same way again.
    return _DECODER.decode(canonical)


_DECODER = json.JSONDecoder(parse_int=lambda digits: int(digits) if len(digits) < 16 else float(digits))


def _only_unreadable(error: Exception) -> None:
    # SQLite lets anything be written into a column of times, and bytes that are no UTF-8 into one of text; any other
    # answer of the database says nothing about the ledger.
    if isinstance(error, DBAPIError) and "decode" not in str(error):
        raise error


def _unreadable(seq: int) -> Problem:
    return Problem(seq=seq, says=f"record {seq} was altered: it cannot be read")


def _take(chain: Chain, row: Row[Any]) -> Problem | None:
    try:
        record = record_of(row)
    except (ValueError, TypeError):
        return _unreadable(row.seq)
    return chain.take(record)


def record_of(row: Row[Any]) -> Record:
    """The record that a row of the ledger holds.

    Raises:
        ValueError: the row is not as any record was written.
    """
    data = _parse(row.data)
    if canonical(data).decode() != row.data:
        raise ValueError("not canonical")
    return Record.model_validate(dict(row._mapping) | {"data": data})
