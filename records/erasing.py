"""Erasing personal data: where somebody's words and addresses are, taking them out, and keeping them from coming back.

What is changed and the ``personal.erased`` record that tells of it become true together. The ledger itself is never
changed: its records hold digests, and the values beside them go (``crisis.personal``).
"""

import builtins
import json
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple, Unpack

from sqlalchemy import Table, delete, func, or_, select, tuple_, update

from crisis.copies import compared
from crisis.delivery import Purpose
from crisis.erasure import Erasure, ErasureState, Matcher, blotted
from crisis.incident import ASSESSED
from crisis.mailing import fingerprint, spans
from crisis.personal import ERASED, ERASURE, MARK, WRITTEN, Disclosed, lasts, readable
from crisis.record import replaced
from crisis.retention import Kept
from crisis.triage import Assessment
from crisis.watch import Mention
from records import erasing_public
from records.erased import BLOTTED, mark_of, marks_of, naming_mark, words_mark
from records.ledger import Ledger, read_disclosures
from records.tables import (
    assessments,
    deliveries,
    disclosures,
    erased_posts,
    erasures,
    facts,
    inbox,
    incidents,
    ledger,
    mentions,
    read_backs,
    recipients,
    renderings,
    review_tasks,
    reviews,
    run_copies,
    shared_mentions,
    statements,
    suppressions,
    watch_progress,
)
from records.watches import key_of
from records.work import Act, Work, body, read

_BATCH = 1000


class Place(NamedTuple):
    """One row that holds something of somebody."""

    table: str
    key: tuple[Any, ...]
    incident: str
    texts: int


class Erasing:
    """What is personal in this store, found and erased."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    def mark(self, *what: str) -> str:
        """See ``mark_of``."""
        return mark_of(self._work, *what)

    async def put(self, erasure: Erasure) -> None:
        """Keep a request as it stands."""
        row = {"id": erasure.id, "state": erasure.state.value, "asked_at": erasure.asked_at, "body": body(erasure)}
        await self._work.upsert(erasures, row)

    async def list(self, *states: ErasureState, since: datetime | None = None) -> builtins.list[Erasure]:
        """Requests in the given states, or all, the newest first; ``since``: those asked for after it."""
        query = select(erasures.c.body).order_by(erasures.c.asked_at.desc(), erasures.c.id)
        if states:
            query = query.where(erasures.c.state.in_([s.value for s in states]))
        if since is not None:
            query = query.where(erasures.c.asked_at > since)
        return [read(Erasure, row.body) for row in await self._work.all(query)]

    async def texts_of(self, author: str) -> builtins.list[Mention]:
        """Every post of an author that incidents rely on, that waits to be read, or that a watch holds."""
        by, found = Matcher([author]), []
        for table in (mentions, inbox, shared_mentions):
            found += [m for m in [read(Mention, r.body) async for r in self._rows(table)] if by.author(m)]
        async for row in self._rows(watch_progress):
            found += [m for m in _recent(row.state) if by.author(m)]
        return found

    async def recipient_rows(self, address: str) -> builtins.list[Place]:
        """Where an address stands among recipients and on the suppression list."""
        mark, found = fingerprint(address), []
        query = select(recipients.c.delivery, recipients.c.position, deliveries.c.incident)
        query = query.join(deliveries, deliveries.c.id == recipients.c.delivery)
        query = query.where(recipients.c.fingerprint == mark, recipients.c.address != "")
        for row in await self._work.all(query):
            found.append(Place("recipients", (row.delivery, row.position), row.incident, 1))
        query = select(suppressions.c.list).where(suppressions.c.fingerprint == mark, suppressions.c.address != "")
        found += [Place("suppressions", (row.list, mark), "", 1) for row in await self._work.all(query)]
        return found

    async def places(self, whose: Matcher, *, incident: str = "") -> builtins.list[Place]:
        """Every row with something that ``whose`` finds; of one incident, if given."""
        found = [Place(*one) async for one in erasing_public.found(self._work, whose, incident)]
        lasting = await self._lasting(incident) if whose.everything else frozenset()
        for table, text in _BODIES if whose.everything else (*_BODIES, *_KEPT):
            async for row in self._rows(table, incident, left=whose.everything):
                if (table is disclosures and row.seq in lasting) or _is_message(table, row):
                    continue
                count = _count(whose, table, getattr(row, text))
                if count:
                    key = tuple(getattr(row, column.name) for column in table.primary_key.columns)
                    found.append(Place(table.name, key, str(getattr(row, "incident", "")), count))
        if whose.everything:
            return found
        async for row in self._rows(ledger, incident):
            told = [row.reason, *readable(json.loads(row.data))]
            number = sum(whose.text(text) for text in told if not text.startswith(MARK))
            if number:
                found.append(Place("ledger", (row.seq,), row.incident, number))
        return found

    async def _lasting(self, incident: str) -> frozenset[int]:
        """Records whose personal values retention leaves, whatever their fields are called."""
        query = select(ledger.c.seq).where(or_(*(ledger.c.kind.startswith(f"{noun}.") for noun in sorted(WRITTEN))))
        query = query.where(ledger.c.incident == incident) if incident else query
        return frozenset(row.seq for row in await self._work.all(query))

    async def old(self, kind: Kept, before: datetime) -> builtins.list[Place]:
        """What is older than ``before`` of a kind of data that belongs to no incident."""
        found: list[Place] = []
        if kind is Kept.SUPPRESSIONS:
            query = select(suppressions).where(suppressions.c.at < before, suppressions.c.address != "")
            found = [Place("suppressions", (r.list, r.fingerprint), "", 1) for r in await self._work.all(query)]
        elif kind is Kept.INBOX:
            whole = Matcher(everything=True)
            async for row in self._rows(inbox):
                if read(Mention, row.body).created_at < before and _count(whole, inbox, row.body):
                    found.append(Place("inbox", (row.seq,), "", 1))
        elif kind is Kept.SIGN_INS:
            query = select(disclosures.c.seq, disclosures.c.body).join(ledger, ledger.c.seq == disclosures.c.seq)
            query = query.where(ledger.c.kind.startswith("session."), ledger.c.at < before)
            rows = await self._work.all(query.where(disclosures.c.body != "{}"))
            found = [Place("disclosures", (r.seq,), "", len(read_disclosures(r.body))) for r in rows]
        return found

    async def erase(
        self, whose: Matcher, places: Collection[Place], *, erasure: str, **act: Unpack[Act]
    ) -> dict[str, int]:
        """Take out what ``whose`` finds in these rows, and put on record which values of which records are gone.

        Returns how many texts were erased, by table. Rows that hold nothing any more are passed over, so repeating it
        after a crash does what is left.
        """
        done: dict[str, int] = {}
        values: dict[str, list[str]] = {}
        messages: list[str] = []
        for place in places:
            if place.table == "disclosures":
                pointers = await self._disclosures(whose, place.key[0])
                if pointers:
                    values[str(place.key[0])] = pointers
                number = len(pointers)
            elif place.table in PUBLIC:
                number = await erasing_public.erase(self._work, whose, place.table, place.key, self.mark)
                messages += [place.key[0]] if number and place.table == erasing_public.NOTICES else []
            else:
                number = await self._row(whose, place, erasure)
            if number:
                done[place.table] = done.get(place.table, 0) + number
        if done:
            data: dict[str, Any] = {"erasure": erasure, "values": values, "erased": done}
            if at := _recipients_of(places):
                data["recipients"] = at
            if told := await erasing_public.messages(self._work, messages):
                data["messages"] = told
            only = {place.incident for place in places}
            await self._ledger.append(ERASURE, incident=only.pop() if len(only) == 1 else "", data=data, **act)
        return done

    async def _disclosures(self, whose: Matcher, seq: int) -> builtins.list[str]:
        row = await self._work.first(select(disclosures.c.body).where(disclosures.c.seq == seq))
        known = read_disclosures(row.body) if row is not None else {}
        told = await self._work.first(select(ledger.c.kind).where(ledger.c.seq == seq))
        kind = told.kind if told is not None else ""
        gone = sorted(p for p, one in known.items() if _meant(whose, p, one, kind))
        if gone:
            left = {p: [one.salt, one.value] for p, one in known.items() if p not in gone}
            change = update(disclosures).where(disclosures.c.seq == seq)
            await self._work.write(change.values(body=json.dumps(left, ensure_ascii=False)))
            await self._like_the_record(seq, gone)
        return gone

    async def _like_the_record(self, seq: int, gone: builtins.list[str]) -> None:
        """Take out of an incident and its assessment what was taken out of the record that tells of them."""
        told = await self._work.first(select(ledger.c.kind, ledger.c.incident).where(ledger.c.seq == seq))
        if told is not None and told.kind.startswith(("review.", "review_task.")):
            await self._like_what_was_written(seq, gone)
        if told is None or told.kind not in ("incident.opened", *ASSESSED):
            return
        before = select(func.count()).where(ledger.c.kind.in_(ASSESSED), ledger.c.seq <= seq)
        number = 1
        if told.kind in ASSESSED:
            number += (await self._work.all(before.where(ledger.c.incident == told.incident)))[0][0]
        of = assessments.c.incident == told.incident
        row = await self._work.first(select(assessments.c.body).where(of, assessments.c.number == number))
        head = "/data/assessment/" if told.kind == "incident.opened" else "/data/"
        inside = {f"/{p.removeprefix(head)}": ERASED for p in gone if p.startswith(head)}
        if row is not None and inside:
            changed = body(Assessment.model_validate(replaced(json.loads(row.body), inside)))
            await self._work.write(update(assessments).where(of, assessments.c.number == number).values(body=changed))
            last = (await self._work.all(select(func.max(assessments.c.number)).where(of)))[0][0]
            if last == number:
                one = update(incidents).where(incidents.c.id == told.incident)
                await self._work.write(one.values(assessment=changed))
        if told.kind == "incident.opened" and "/data/title" in gone:
            await self._work.write(update(incidents).where(incidents.c.id == told.incident).values(title=ERASED))

    async def _like_what_was_written(self, seq: int, gone: builtins.list[str]) -> None:
        """The same of a review and its tasks: they are as the newest record tells."""
        told = await self._work.first(select(ledger).where(ledger.c.seq == seq))
        if told is None:
            return
        noun, data = told.kind.partition(".")[0], json.loads(told.data)
        later = select(ledger.c.data).where(ledger.c.incident == told.incident, ledger.c.seq > seq)
        newer = [
            json.loads(row.data) for row in await self._work.all(later.where(ledger.c.kind.startswith(f"{noun}.")))
        ]
        if told.kind == "review_task.reminded" or any(
            "state" in one and one["id"] == data["id"] if noun == "review_task" else True for one in newer
        ):
            return
        of = review_tasks.c.id == data["id"] if noun == "review_task" else reviews.c.incident == told.incident
        table = review_tasks if noun == "review_task" else reviews
        row = await self._work.first(select(table.c.body).where(of))
        if row is not None:
            inside = {p.removeprefix("/data"): ERASED for p in gone if p.startswith("/data/")}
            changed = json.dumps(replaced(json.loads(row.body), inside), ensure_ascii=False)
            await self._work.write(update(table).where(of).values(body=changed))

    async def _row(self, whose: Matcher, place: Place, erasure: str) -> int:
        table = _TABLES[place.table]
        where = [c == v for c, v in zip(table.primary_key.columns, place.key, strict=True)]
        row = await self._work.first(select(table).where(*where))
        if row is None:
            return 0
        if table in (recipients, suppressions):
            if not row.address:
                return 0
            cleared = {"address": "", ("problem" if table is recipients else "detail"): ""}
            return (await self._work.write(update(table).where(*where).values(**cleared))).rowcount
        if table in (mentions, inbox, shared_mentions):
            return await self._post(whose, table, row, where, erasure)
        if whose.everything and table is run_copies:
            return (await self._work.write(delete(table).where(*where))).rowcount
        text = _TEXT[table.name]
        changed, number = _without(whose, table, getattr(row, text))
        if number:
            await self._work.write(update(table).where(*where).values(**{text: changed}))
        return number

    async def _post(self, whose: Matcher, table: Table, row: Any, where: builtins.list[Any], erasure: str) -> int:
        post = read(Mention, row.body)
        theirs = whose.everything or whose.author(post)
        if post.id.startswith("erased-") or not (theirs or whose.text(post.text)):
            return 0
        if not whose.everything:
            words = (words_mark(self._work, text) for text in (post.text, compared(post.text)))
            own = marks_of(self._work, post) if theirs else (naming_mark(self._work, post),)
            marks = dict.fromkeys([*words, *own])
            await self._work.insert_new(erased_posts, [{"mark": mark, "erasure": erasure} for mark in marks])
        if table is not mentions and not whose.everything:  # they only wait to be read
            await self._work.write(delete(table).where(*where))
            return 1
        kept = blotted(post, self.mark(erasure, post.source, post.id))
        if not theirs:  # somebody else's post that names them
            kept = post.model_copy(update={"text": whose.erased(post.text)[0]})
        key = row.key if not theirs else key_of(kept)
        new = {"body": body(kept)} | ({"key": key} if table is mentions else {})
        await self._work.write(update(table).where(*where).values(**new))
        return 1

    async def _rows(self, table: Table, incident: str = "", *, left: bool = False) -> Any:
        """Every row of a table, in batches by its key. ``left``: of posts, those alone that were not erased yet."""
        keys = list(table.primary_key.columns)
        query = select(table).order_by(*keys)
        if incident:
            if "incident" not in table.c:
                return
            query = query.where(table.c.incident == incident)
        if left and table in (mentions, inbox):
            query = query.where(table.c.body.not_like(BLOTTED))
        last: tuple[Any, ...] | None = None
        while True:
            further = query if last is None else query.where(tuple_(*keys) > tuple_(*last))
            rows = await self._work.all(further.limit(_BATCH))
            for row in rows:
                yield row
            if len(rows) < _BATCH:
                return
            last = tuple(getattr(rows[-1], key.name) for key in keys)


_BODIES: tuple[tuple[Table, str], ...] = (
    (mentions, "body"),
    (inbox, "body"),
    (shared_mentions, "body"),
    (watch_progress, "state"),
    (disclosures, "body"),
    (run_copies, "body"),
)
"""Tables in which the words of the public stand, and the column that holds them."""
PUBLIC = frozenset({"askings", "public_questions", "do_not_engage", erasing_public.NOTICES})
"""What ``records.erasing_public`` erases."""
_KEPT: tuple[tuple[Table, str], ...] = (
    (statements, "body"),
    (renderings, "body"),
    (facts, "body"),
    (deliveries, "rendering"),
    (read_backs, "body"),
)
"""Where only what the organisation itself says stands: found, named, and kept."""
KEPT = frozenset({*(table.name for table, _ in _KEPT), "ledger"})
_TEXT = {table.name: text for table, text in _BODIES}
_TABLES = {table.name: table for table, _ in _BODIES} | {"recipients": recipients, "suppressions": suppressions}


def _recipients_of(places: Collection[Place]) -> dict[str, str]:
    """The positions of recipients among these rows, by their mailing."""
    found: dict[str, list[int]] = {}
    for place in places:
        if place.table == "recipients":
            found.setdefault(place.key[0], []).append(place.key[1])
    return {delivery: spans(at) for delivery, at in found.items()}


def _is_message(table: Table, row: Any) -> bool:
    """Whether a delivery is no statement: these are ``records.erasing_public``'s."""
    return table is deliveries and bool(row.purpose == Purpose.NOTICE.value)


def _meant(whose: Matcher, pointer: str, one: Disclosed, kind: str = "") -> bool:
    if whose.everything:
        return not lasts(kind, pointer)
    return whose.text(one.value)


def _count(whose: Matcher, table: Table, text: str) -> int:
    """How many texts of a row ``whose`` finds."""
    if table in (mentions, inbox, shared_mentions):
        post = read(Mention, text)
        if post.id.startswith("erased-"):
            return 0
        return int(whose.everything or whose.author(post) or whose.text(post.text))
    if table is disclosures:
        return sum(_meant(whose, pointer, one) for pointer, one in read_disclosures(text).items())
    if table is watch_progress:
        return sum(whose.author(m) or whose.text(m.text) for m in _recent(text))
    return 1 if whose.everything else whose.erased(json.loads(text))[1]


def _without(whose: Matcher, table: Table, text: str) -> tuple[str, int]:
    """A row's text without what ``whose`` finds, still as its model reads it."""
    value = json.loads(text)
    if table is watch_progress:
        before = value.get("recent", [])
        left = [m for m in before if not (whose.author(Mention.model_validate(m)) or whose.text(m.get("text", "")))]
        return json.dumps(value | {"recent": left}), len(before) - len(left)
    changed, number = whose.erased(value)
    return json.dumps(changed, ensure_ascii=False), number


def _recent(state: str) -> list[Mention]:
    return [Mention.model_validate(m) for m in json.loads(state).get("recent", [])]
