"""What the public asks about an incident: questions, the posts that ask them, and how far the posts have been read."""

import builtins
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Unpack

from sqlalchemy import ColumnElement, func, select, update

from crisis.personal import ERASED
from crisis.public_questions import Asking, PublicQuestion, Tally
from crisis.values import Frozen, UtcDatetime
from records.counters import next_number
from records.ledger import Ledger
from records.tables import askings, public_questions, question_progress
from records.work import Act, NotFound, Work, body, read


class Progress(Frozen):
    """How far the posts of an incident were looked through."""

    until: UtcDatetime
    """When the newest of them was written."""
    posts: int
    """How many there were in all; -1 while a pass was not done."""
    early: int
    """How many of them were written so early that no post is expected to come before them any more."""


class Questions:
    """The questions of each incident."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def next_id(self, incident: str) -> str:
        """The next id for a question of ``incident``: ``INC-7-Q2``."""
        return f"{incident}-Q{await next_number(self._work, f'{incident}-Q')}"

    async def begin(self, question: PublicQuestion) -> None:
        """Keep a question that was found; whoever found it records the finding (``found``)."""
        row = {"id": question.id, "incident": question.incident, "merged_into": "", "body": body(question)}
        await self._work.write(public_questions.insert().values(row))

    async def found(self, incident: str, data: dict[str, Any], **act: Unpack[Act]) -> None:
        """Put on record that questions were found in posts, or that a person merged or parted some."""
        await self._ledger.append("questions.found", incident=incident, data=data, **act)

    async def change(self, question: PublicQuestion, **act: Unpack[Act]) -> None:
        """Save a question as a person wants it; nothing happens when nothing changed.

        Raises:
            NotFound: there is no such question.
        """
        before = await self.get(question.id)
        if before == question:
            return
        await self._put(question)
        data = question.model_dump(mode="json")
        await self._ledger.append("question.changed", incident=question.incident, data=data, **act)

    async def merge(self, question: PublicQuestion, into: PublicQuestion, **act: Unpack[Act]) -> None:
        """Make one question part of another: whoever asked the first asks the second from now on."""
        await self._put(question.model_copy(update={"merged_into": into.id}))
        moved = update(askings).where(askings.c.incident == question.incident, askings.c.question == question.id)
        result = await self._work.write(moved.values(question=into.id))
        data = {"question": question.id, "into": into.id, "askings": result.rowcount}
        await self._ledger.append("question.merged", incident=question.incident, data=data, **act)

    async def part(
        self, question: PublicQuestion, new: PublicQuestion, texts: Sequence[str], **act: Unpack[Act]
    ) -> int:
        """Give some wordings of a question to a new one; how many askings were moved."""
        await self.begin(new)
        own = (askings.c.incident == question.incident, askings.c.question == question.id, askings.c.text.in_(texts))
        result = await self._work.write(update(askings).where(*own).values(question=new.id))
        data = {"question": question.id, "new": new.id, "text": new.text, "askings": result.rowcount}
        await self._ledger.append("question.parted", incident=question.incident, data=data, **act)
        return int(result.rowcount)

    async def get(self, id: str) -> PublicQuestion:
        """The question of that id.

        Raises:
            NotFound: there is none.
        """
        row = await self._work.first(select(public_questions.c.body).where(public_questions.c.id == id))
        if row is None:
            raise NotFound(f"there is no question {id!r}")
        return read(PublicQuestion, row.body)

    async def list(self, incident: str) -> builtins.list[PublicQuestion]:
        """The questions of an incident that are not part of another, in the order in which they were found."""
        query = select(public_questions.c.body).where(
            public_questions.c.incident == incident, public_questions.c.merged_into == ""
        )
        found = [read(PublicQuestion, row.body) for row in await self._work.all(query)]
        return sorted(found, key=lambda q: (len(q.id), q.id))

    async def ask(self, incident: str, new: Iterable[Asking]) -> int:
        """Keep who asks; how many askings were new. One post asks in one place once."""
        rows = [
            {
                "incident": incident,
                "post": one.post,
                "place": one.place,
                "question": one.question,
                "author": one.author,
                "text": one.text,
                "at": one.at,
                "reach": one.reach,
                "url": one.url,
            }
            for one in new
        ]
        return await self._work.insert_new(askings, rows)

    async def known(self, incident: str, posts: Iterable[str]) -> set[tuple[str, int]]:
        """Which askings of these posts are kept already: post and place."""
        names, found = sorted(posts), set[tuple[str, int]]()
        for start in range(0, len(names), 500):
            query = select(askings.c.post, askings.c.place).where(
                askings.c.incident == incident, askings.c.post.in_(names[start : start + 500])
            )
            found |= {(row[0], int(row[1])) for row in await self._work.all(query)}
        return found

    async def wordings(self, incident: str) -> builtins.list[tuple[str, str, int]]:
        """Every question with each wording of it and how many askings use it, the earliest wording first."""
        count = func.count()
        query = (
            select(askings.c.question, askings.c.text, count, func.min(askings.c.at))
            .where(askings.c.incident == incident, askings.c.text != ERASED)
            .group_by(askings.c.question, askings.c.text)
            .order_by(func.min(askings.c.at), askings.c.text)
        )
        return [(row[0], row[1], int(row[2])) for row in await self._work.all(query)]

    async def posts(self, question: PublicQuestion, *, limit: int) -> builtins.list[Asking]:
        """The askings of a question, those with the widest reach first."""
        query = (
            select(askings)
            .where(askings.c.incident == question.incident, askings.c.question == question.id)
            .where(askings.c.text != ERASED)
            .order_by(askings.c.reach.desc(), askings.c.at)
            .limit(limit)
        )
        return [Asking.model_validate(_asking(dict(row._mapping))) for row in await self._work.all(query)]

    async def tallies(self, incident: str, now: datetime) -> dict[str, Tally]:
        """Who asks each question of an incident, counted."""
        hour = timedelta(hours=1)
        people = func.count(func.distinct(askings.c.author))
        of_all = select(
            askings.c.question, people, func.count(), func.max(askings.c.reach), func.max(askings.c.at)
        ).where(askings.c.incident == incident)
        last = await self._authors(incident, askings.c.at > now - hour)
        before = await self._authors(incident, askings.c.at > now - 2 * hour, askings.c.at <= now - hour)
        return {
            row[0]: Tally(
                authors=int(row[1]),
                posts=int(row[2]),
                reach=int(row[3] or 0),
                last_asked_at=row[4],
                last_hour=last.get(row[0], 0),
                hour_before=before.get(row[0], 0),
            )
            for row in await self._work.all(of_all.group_by(askings.c.question))
        }

    async def _authors(self, incident: str, *when: ColumnElement[bool]) -> dict[str, int]:
        people = func.count(func.distinct(askings.c.author))
        query = select(askings.c.question, people).where(askings.c.incident == incident, *when)
        return {row[0]: int(row[1]) for row in await self._work.all(query.group_by(askings.c.question))}

    async def progress(self, incident: str) -> Progress | None:
        """How far the incident's posts were looked through for questions; None before the first time."""
        query = select(question_progress).where(question_progress.c.incident == incident)
        row = await self._work.first(query)
        return None if row is None else Progress(until=row.until, posts=int(row.posts), early=int(row.early))

    async def came_to(self, incident: str, progress: Progress) -> None:
        """Remember how far an incident's posts were looked through."""
        await self._work.upsert(question_progress, {"incident": incident, **progress.model_dump()})

    async def _put(self, question: PublicQuestion) -> None:
        change = update(public_questions).where(public_questions.c.id == question.id)
        await self._work.write(change.values(merged_into=question.merged_into, body=body(question)))


def _asking(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "incident"}
