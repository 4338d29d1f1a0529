"""Numbers for people's ids (``INC-7``, ``INC-7-S1``): each is given once, also when what it was for is never saved."""

from sqlalchemy import select

from records.tables import counters
from records.work import Work


async def next_number(work: Work, name: str) -> int:
    """The next number of the sequence ``name``, from 1."""
    row = await work.first(select(counters.c.value).where(counters.c.name == name))
    number = 1 if row is None else int(row.value) + 1
    await work.upsert(counters, {"name": name, "value": number})
    return number
