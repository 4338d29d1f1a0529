"""Misinformation: the claims that narratives make, how far they go, and a prepared correction for the few who carry them.

Which narrative claims something, and which fact answers it, a person says (``tasks.incidents.tie``): Fireline shows reach
and growth, and guesses at no truth. A correction in reply form is prepared only from a confirmed fact with evidence, for
the posts that ``crisis.reach`` chooses, and is a proposal like any other.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from crisis.approval import NotAllowed
from crisis.erasure import is_blotted
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident
from crisis.reach import Carriers, Spread, carriers, spread
from crisis.replies import PER_NARRATIVE
from crisis.statement import Statement
from crisis.triage import Narrative
from crisis.typed_in import one_line
from crisis.understanding import Understood, understood
from crisis.watch import Mention
from records import Transaction
from tasks.incidents import answers, named, of_narratives
from tasks.installation import Installation
from tasks.replies import sent_in
from tasks.reply_drafts import corrections, draft_replies, unanswerable

WIDEST, NEWEST = 3_000, 2_000
"""Posts of an incident that are looked at: those that reach most, and the latest."""
WHY = 200
"""Characters of the explanation why a claim misleads."""
KEPT = 20
"""Incidents whose posts are kept as they were placed, so that a page opened again places them no second time."""
_looked: dict[str, tuple[object, list[tuple[Narrative, list[Understood]]]]] = {}


@dataclass(frozen=True)
class Claim:
    """A narrative, as the desk shows it where claims are answered."""

    narrative: Narrative
    fact: Fact | None
    """The fact that answers it, if somebody has said which."""
    spread: Spread
    carriers: Carriers
    """Whom a correction would go to now."""
    corrected: int
    """Posts of it that have been, or are about to be, answered."""
    sample: bool
    """Not all posts of the incident were looked at."""
    also: tuple[str, ...] = ()
    """Labels of narratives that have become one with it: their posts are the same."""

    @property
    def room(self) -> int:
        """Posts of it that may still be answered."""
        return max(0, PER_NARRATIVE - self.corrected)

    @property
    def hinders(self) -> str:
        """Why no correction can be prepared now; empty when one can."""
        if self.fact is None:
            return "no fact answers it yet: tie it to one"
        if self.fact.status is FactStatus.REFUTED:
            return f"{self.fact.id} says what is false; a correction begins with what is true: tie that fact to it"
        if self.fact.status is not FactStatus.CONFIRMED:
            return f"{self.fact.id} is not confirmed: find out first, and deny nothing before"
        if not self.fact.evidence.strip():
            return f"{self.fact.id} has no evidence that people could check: add it"
        if not self.room:
            return f"{PER_NARRATIVE} of its posts are answered already: more would be a mass reply"
        if not self.carriers.chosen and self.carriers.enough:
            return "what is answered already carries most of its reach"
        if not self.carriers.chosen:
            return "no post of it can be answered and has a known reach"
        return ""


async def looked_at(tx: Transaction, incident: str) -> tuple[list[Mention], bool]:
    """The posts of an incident that are looked at, in order of time and none that was erased, and whether these are not all."""
    found = {(m.source, m.id): m for m in await tx.mentions.widest(incident, limit=WIDEST)}
    found |= {(m.source, m.id): m for m in await tx.mentions.newest(incident, limit=NEWEST)}
    posts = sorted((m for m in found.values() if not is_blotted(m)), key=lambda m: (m.created_at, m.source, m.id))
    return posts, len(found) < await tx.mentions.count(incident)


async def claims(here: Installation, incident_id: str, *, only: Sequence[str] = ()) -> list[Claim]:
    """The narratives of an incident (``only``: those), each with reach, growth and whom a correction would go to.

    Raises:
        records.NotFound: there is no such incident.
    """
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        watch = await tx.watches.get(incident.watch)
        tied = await answers(tx, incident_id)
        posts, sample = await looked_at(tx, incident_id)
        sent = await sent_in(tx, incident_id, waiting=True)
        why = await unanswerable(here, tx, incident, posts)
    done = {(one.answered.source, one.answered.id) for one in sent}
    told = frozenset(post for post in posts if (post.source, post.id) in done)
    wanted = [n for n in incident.assessment.narratives if not only or n.id in only]
    now = here.clock.now()

    def look() -> list[tuple[Narrative, list[Understood]]]:
        placed = of_narratives(watch, incident, wanted, posts) if wanted else {}
        return [(n, understood(placed[n.id])) for n in wanted]

    made_of = (tuple(n.id for n in wanted), len(posts), posts[-1] if posts else None, incident.assessment.narratives)
    if (known := _looked.pop(incident_id, None)) is None or known[0] != made_of:
        known = made_of, await asyncio.to_thread(look)
    _looked[incident_id] = known
    while len(_looked) > KEPT:
        del _looked[next(iter(_looked))]
    found = []
    for narrative, theirs, also in _once(known[1], tied):
        corrected = sum(one.answered.narrative == narrative.id for one in sent if not one.elsewhere)
        chosen = carriers(theirs, why, answered=told.__contains__, most=PER_NARRATIVE - corrected)
        claim = Claim(narrative, tied.get(narrative.id), spread(theirs, now), chosen, corrected, sample, also)
        found.append(claim)
    return found


def _once(
    placed: Sequence[tuple[Narrative, list[Understood]]], tied: Collection[str]
) -> list[tuple[Narrative, list[Understood], tuple[str, ...]]]:
    """Narratives whose posts have become the same, told once, with the others' labels: those that a fact answers, else the
    first."""
    same: dict[frozenset[tuple[str, str]], list[tuple[Narrative, list[Understood]]]] = {}
    for narrative, theirs in placed:
        key = frozenset((p.mention.source, p.mention.id) for p in theirs) or frozenset({("", narrative.id)})
        same.setdefault(key, []).append((narrative, theirs))
    found = []
    for group in same.values():
        told = [one for one in group if one[0].id in tied] or group[:1]
        names = {narrative.id for narrative, _ in told}
        also = tuple(narrative.label for narrative, _ in group if narrative.id not in names)
        found += [(narrative, theirs, also) for narrative, theirs in told]
    return found


async def prepare_correction(
    here: Installation, incident_id: str, narrative: str, *, why: str, author: str
) -> Statement:
    """Draft the correction of a narrative's claim, in reply form, for the few posts that carry most of its reach.

    Args:
        narrative: its id or label.
        why: how the claim misleads, in one sentence: what people should understand besides that it is false.

    Raises:
        NotAllowed: nothing can be prepared, and why; or a reply must not be sent (``crisis.replies``).
        crisis.rendering.DoesNotFit: fact, explanation and evidence are too long for a channel.
        crisis.typed_in.NotOneLine: ``why`` is no sentence.
        records.NotFound: there is no such incident or narrative.
    """
    explained = one_line(why, "the explanation why it misleads", longest=WHY)
    async with here.store.reading() as tx:
        incident: Incident = await tx.incidents.get(incident_id)
    chosen = named(incident, narrative)
    [claim] = await claims(here, incident_id, only=[chosen.id])
    if claim.hinders or claim.fact is None:
        raise NotAllowed(f"no correction of “{chosen.label}” can be prepared: {claim.hinders}")
    async with here.store.reading() as tx:
        posts = [carrier.mention for carrier in claim.carriers.chosen]
        drafts = await corrections(here, tx, incident, claim.fact, explained, posts, chosen.id)
    return await draft_replies(here, incident_id, drafts, author=author, also_relies_on=[claim.fact])
