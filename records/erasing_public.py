"""Erasing where the public is in the tables of an incident's questions, of whom nobody replies to, and of messages about
somebody: who asks what, what was asked, whose name is on the list, and what was handed over to a helpdesk.

Counts stay true: an asking keeps its time, its reach and whether two are of one person. A question whose words were the
erased person's is put in the words of somebody else who asks it. Part of ``records.erasing``, whose record tells of it.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from sqlalchemy import Row, and_, select, update

from crisis.delivery import Purpose
from crisis.erasure import Matcher
from crisis.personal import ERASED
from crisis.public_questions import WORDING, PublicQuestion
from crisis.statement import Rendering
from records.tables import askings, deliveries, do_not_engage, public_questions
from records.work import Work, body, read

NOTICES = "notices"
"""What deliveries that are no statements are called among the places of ``records.erasing``."""
HANDED_OVER = "handed over"
"""The occasion of a message that hands somebody over to a helpdesk: it quotes their post."""
GONE = "erased-"
"""How what stands for an erased asking, and for its author, begins."""
Mark = Callable[..., str]
Found = tuple[str, tuple[Any, ...], str, int]
"""Name of the place, key of its row, incident, and how many texts of theirs are in it."""


async def found(work: Work, whose: Matcher, incident: str) -> AsyncIterator[Found]:
    """Every row with something that ``whose`` finds; of one incident, if given. Askings come before their questions."""
    for row in await _of(work, askings, incident):
        if _is_theirs(whose, row):
            yield "askings", (row.incident, row.post, row.place), row.incident, 1
    for row in await _of(work, public_questions, incident):
        if await _reworded(work, whose, row) is not None:
            yield "public_questions", (row.id,), row.incident, 1
    if not whose.everything:
        for row in await _of(work, do_not_engage, ""):
            if number := _barred(whose, row)[1]:
                yield "do_not_engage", (row.network, row.fingerprint), "", number
    query = select(deliveries).where(deliveries.c.purpose == Purpose.NOTICE.value)
    for row in await work.all(query.where(deliveries.c.incident == incident) if incident else query):
        if number := _message(whose, row.rendering)[1]:
            yield NOTICES, (row.id,), row.incident, number


async def erase(work: Work, whose: Matcher, place: str, key: tuple[Any, ...], mark: Mark) -> int:
    """Take out what ``whose`` finds in one row; how many texts that were."""
    if place == "askings":
        return await _asking(work, whose, key, mark)
    if place == "public_questions":
        return await _question(work, whose, key)
    if place == "do_not_engage":
        where = (do_not_engage.c.network == key[0], do_not_engage.c.fingerprint == key[1])
        row = await work.first(select(do_not_engage).where(*where))
        changed, number = _barred(whose, row) if row is not None else ({}, 0)
        if number:
            await work.write(update(do_not_engage).where(*where).values(**changed))
        return number
    row = await work.first(select(deliveries).where(deliveries.c.id == key[0]))
    text, number = _message(whose, row.rendering) if row is not None else ("", 0)
    if number:
        await work.write(update(deliveries).where(deliveries.c.id == key[0]).values(rendering=text))
    return number


async def messages(work: Work, ids: list[str]) -> dict[str, str]:
    """The hash of what is left of each of these messages: with it, the ledger tells what their rows hold now."""
    query = select(deliveries.c.id, deliveries.c.rendering).where(deliveries.c.id.in_(ids))
    return {row.id: hashlib.sha256(row.rendering.encode()).hexdigest() for row in await work.all(query)} if ids else {}


async def _of(work: Work, table: Any, incident: str) -> list[Row[Any]]:
    query = select(table).order_by(*table.primary_key.columns)
    return list(await work.all(query.where(table.c.incident == incident) if incident else query))


def _is_theirs(whose: Matcher, row: Row[Any]) -> bool:
    if row.author.startswith(GONE):
        return False
    return whose.everything or whose.name(row.author.partition(":")[2]) or whose.names(f"{row.text} {row.url}")


async def _asking(work: Work, whose: Matcher, key: tuple[Any, ...], mark: Mark) -> int:
    where = and_(*(column == value for column, value in zip(askings.primary_key.columns, key, strict=True)))
    row = await work.first(select(askings).where(where))
    if row is None or not _is_theirs(whose, row):
        return 0
    left = {
        "post": GONE + mark("asking", row.incident, row.post)[:24],
        "author": GONE + mark("asker", row.incident, row.author)[:24],
        "text": ERASED,
        "url": "",
    }
    return (await work.write(update(askings).where(where).values(**left))).rowcount


async def _reworded(work: Work, whose: Matcher, row: Row[Any]) -> PublicQuestion | None:
    """A question without their words; None when none of its words are theirs."""
    question = read(PublicQuestion, row.body)
    after = question
    if whose.everything:
        after = question.model_copy(update={"text": ERASED})
    else:
        if whose.text(question.set_aside):
            after = after.model_copy(update={"set_aside": ERASED})
        if question.text != ERASED and whose.text(question.text):
            words = await _others(work, whose, question)
            after = after.model_copy(
                update={"text": question.text if question.text in words else (words or [ERASED])[0]}
            )
    return None if after == question else after


async def _others(work: Work, whose: Matcher, question: PublicQuestion) -> list[str]:
    """How others ask it, as far as these words do not name anybody that is to be erased, the earliest first."""
    query = select(askings).where(askings.c.incident == question.incident, askings.c.question == question.id)
    rows = await work.all(query.order_by(askings.c.at, askings.c.post))
    return [row.text[:WORDING] for row in rows if row.text != ERASED and not _is_theirs(whose, row)]


async def _question(work: Work, whose: Matcher, key: tuple[Any, ...]) -> int:
    where = public_questions.c.id == key[0]
    row = await work.first(select(public_questions).where(where))
    after = await _reworded(work, whose, row) if row is not None else None
    if after is None:
        return 0
    return (await work.write(update(public_questions).where(where).values(body=body(after)))).rowcount


def _barred(whose: Matcher, row: Row[Any]) -> tuple[dict[str, str], int]:
    """What is taken out of an entry of the do-not-engage list: the hash stays, so that they stay on it."""
    changed = {"author": ""} if row.author and whose.name(row.author) else {}
    if row.reason != ERASED and (changed or whose.text(row.reason)):
        changed["reason"] = ERASED
    return changed, len(changed)


def _message(whose: Matcher, rendering: str) -> tuple[str, int]:
    """A message without what is theirs; to whom it went stays. Retention takes out what was handed over, whole."""
    told = json.loads(rendering)
    if whose.everything:
        if told.get("options", {}).get("occasion") != HANDED_OVER:
            return rendering, 0
        parts = [part | {"text": ERASED} for part in told["parts"]]
        changed = {"parts": parts, "options": told["options"] | {"link": ""}}
        number = int(told | changed != told)
    else:
        changed, number = whose.erased({name: told.get(name) for name in ("parts", "subject", "html", "options")})
    return (body(Rendering.model_validate(told | changed)), number) if number else (rendering, 0)
