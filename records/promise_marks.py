"""What authors say of the promises in their drafts: confirmed with a time, or struck with a reason, one word a sentence."""

import hashlib
from typing import Unpack

from sqlalchemy import delete, select

from crisis.commitment import Mark
from records.ledger import Ledger
from records.tables import promise_marks
from records.work import Act, Work, body, read


class PromiseMarks:
    """The marks of statement versions."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def of(self, statement: str, version: int) -> list[Mark]:
        """The marks of one version, in the order in which they were made."""
        query = select(promise_marks.c.body).where(
            promise_marks.c.statement == statement, promise_marks.c.version == version
        )
        found = [read(Mark, row.body) for row in await self._work.all(query)]
        return sorted(found, key=lambda mark: (mark.at, mark.sentence))

    async def put(self, statement: str, version: int, incident: str, mark: Mark, **act: Unpack[Act]) -> bool:
        """Say something of one sentence, instead of what was said before; false when the same was said already."""
        key = hashlib.sha256(mark.sentence.encode("utf-8", "replace")).hexdigest()
        same = next((m for m in await self.of(statement, version) if m.sentence == mark.sentence), None)
        if same is not None and same.model_copy(update={"at": mark.at, "by": mark.by}) == mark:
            return False
        where = (promise_marks.c.statement == statement, promise_marks.c.version == version, promise_marks.c.key == key)
        await self._work.write(delete(promise_marks).where(*where))
        row = {"statement": statement, "version": version, "key": key, "body": body(mark)}
        await self._work.write(promise_marks.insert().values(row))
        data = {"statement": statement, "version": version, **mark.model_dump(mode="json")}
        await self._ledger.append(f"promise.{mark.ruling}", incident=incident, data=data, **act)
        return True
