"""The empathy map of an incident as the records have it, and what the published statements leave unanswered."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crisis.empathy import EmpathyMap, Need, NeedKind, answers, empathy_map, needs, of_the_matter
from crisis.incident import Incident
from crisis.merging import merged as asking_the_same
from crisis.reading import read_many
from crisis.statement import Statement
from crisis.triage import Assessment
from crisis.watch import Mention
from records import StatementStatus, Transaction

LOOKED_AT = 2_000
"""Posts, spread over the incident's time, among which those of its matter are looked for."""


@dataclass(frozen=True)
class Felt:
    """The map, and what people need an answer to."""

    map: EmpathyMap
    needs: tuple[Need, ...]

    @property
    def unanswered(self) -> tuple[Need, ...]:
        return tuple(need for need in self.needs if not need.answered_by)


def map_of(posts: Sequence[Mention], assessment: Assessment, brand: str) -> EmpathyMap:
    """The map of those of some posts that are about the matter. Slow: it reads them."""
    readings = read_many([p.text for p in posts], [p.language for p in posts])
    chosen, own = of_the_matter(posts, readings, assessment.narratives)
    return empathy_map(chosen, own, assessment.narratives, brand=brand)


async def published_texts(tx: Transaction, incident: str) -> list[tuple[str, str]]:
    """What was said to all and is still out, by label, oldest first."""
    said = [s for s in await tx.statements.list(incident) if s.kind.to_all]
    return [(s.label, _text(s)) for s in said if await _is_out(tx, s)]


async def felt(tx: Transaction, incident: Incident) -> Felt:
    """The map of an incident's posts against what was published."""
    posts = await tx.mentions.spread_over(incident.id, limit=LOOKED_AT)
    said = await published_texts(tx, incident.id)
    brand = (await tx.watches.get(incident.watch)).brand
    found = await asyncio.to_thread(map_of, posts, incident.assessment, brand)
    return Felt(found, await asyncio.to_thread(needs, found, said))


def left_open(found: EmpathyMap, text: str, said: Iterable[tuple[str, str]] = ()) -> tuple[Need, ...]:
    """What a draft does not answer of what people feel, ask and demand, and what was published does not, either; of the same
    need of several groups, that of the most."""
    open_now = [n for n in needs(found, said) if not n.answered_by and not answers(text, n)]
    merged: dict[tuple[NeedKind, str], Need] = {}
    for need in open_now:
        same = next((key for key in merged if key[0] is need.kind and _same(key[1], need)), None)
        if same is None:
            merged[need.kind, need.what] = need
        else:
            before = merged[same]
            merged[same] = before.model_copy(update={"count": before.count + need.count})
    return tuple(sorted(merged.values(), key=lambda need: -need.count))


def _same(what: str, need: Need) -> bool:
    if need.kind is not NeedKind.QUESTION or what == need.what:
        return what == need.what
    one, other = asking_the_same([what, need.what])
    return one == other


def _text(statement: Statement) -> str:
    return f"{statement.headline}\n\n{statement.body}"


async def _is_out(tx: Transaction, statement: Statement) -> bool:
    return await tx.statements.status(statement.id, statement.version) is StatementStatus.PUBLISHED
