"""What the public asks: found in an incident's posts, put together, and led by people.

Posts are looked through once, in order of time, without holding up writers: what a pass found is stored in one short
transaction, unless another pass came first. Posts that arrive late are found by counting. Safe to repeat; cheap when no
post is new. Whatever a person does to a question is on record with their reason.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from crisis.access import VIEWER
from crisis.approval import NotAllowed
from crisis.fact import Fact
from crisis.incident import LIVE, Incident
from crisis.interrogative import READ, asked
from crisis.merging import AT_ONCE, Merging, Sentences
from crisis.public_questions import (
    WORDING,
    Answer,
    Asking,
    PublicQuestion,
    Standing,
    Tally,
    answers_to,
    in_force,
    standing,
)
from crisis.question_worth import concerns_harm, score, worth
from crisis.sentences import installed, read_sentences
from crisis.small import NoModel
from crisis.statement import Statement
from crisis.triage import Factor
from crisis.typed_in import CLAIM, one_line
from crisis.watch import Mention
from records import Transaction
from records.questions import Progress
from records.work import Act
from tasks.installation import Installation
from tasks.people import sees

logger = logging.getLogger(__name__)

LATE = timedelta(minutes=10)
"""Posts are looked at again for this long, because they do not come in order."""
PAGE = 1_000
MOST_POSTS = 20_000
"""Posts that one pass looks through; the next one goes on."""
MOST_QUESTIONS = 1_000
"""Questions of an incident; from then on only such about harm begin another, and others are counted where they fit."""
WORDINGS = 40
"""Wordings of a question that its likeness is told by, the most frequent first."""
LEAST = 2
"""People who must ask a question before it counts as one that waits for an answer; one about harm counts at once."""


@dataclass(frozen=True)
class Asked:
    """One question with all that is known of it."""

    question: PublicQuestion
    tally: Tally
    answers: tuple[Answer, ...]
    standing: Standing
    factors: tuple[Factor, ...]
    wordings: tuple[tuple[str, int], ...] = ()
    """How it was asked, and how often each, the most frequent first."""
    maybe: str = ""
    """A question that may ask the same: a person is asked."""

    @property
    def score(self) -> float:
        return score(self.factors)

    @property
    def answer(self) -> Answer | None:
        """The published answer that holds; else the newest that is on its way."""
        return in_force(self.answers) or (self.answers[-1] if self.answers else None)

    @property
    def counts(self) -> bool:
        """It is asked by enough people, is about harm, or somebody has taken it up."""
        q = self.question
        return bool(self.tally.authors >= LEAST or q.owner or q.say_by or self.answers) or concerns_harm(q.text)


@dataclass
class _Pass:
    """What one pass over new posts found."""

    askings: list[Asking] = field(default_factory=list)
    begun: dict[str, PublicQuestion] = field(default_factory=dict)
    """New questions, by a name that holds until they have an id."""
    until: datetime | None = None


async def mine(here: Installation, incident_id: str) -> int:
    """Look through the incident's new posts for questions; how many askings were new.

    Raises:
        records.NotFound: there is no such incident.
    """
    try:
        passed = await _passed(here, incident_id, _sentences())
    except NoModel as error:
        logger.warning("%s: until then questions are put together by their words", error)
        passed = await _passed(here, incident_id, None)
    return 0 if passed is None else await _keep(here, incident_id, *passed)


async def _passed(
    here: Installation, incident_id: str, sentences: Sentences | None
) -> tuple[_Pass, Progress | None, Progress] | None:
    """What a pass over the new posts finds, how far the last one came and how far this one; None where no post is new."""
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        before = await tx.questions.progress(incident_id)
        start = None
        if before is not None:
            if await tx.mentions.count(incident_id) == before.posts:
                return None
            start = before.until - LATE
            if await tx.mentions.before(incident_id, start) != before.early:
                start = None  # some came later than that: all are looked at again, and each counts once
        brand = (await tx.watches.get(incident.watch)).brand
        groups = await _groups(tx, incident_id, Merging(sentences=sentences, beside=brand.split()))
        found, known = _Pass(), len(await tx.questions.list(incident_id))
        at, key, seen = start or datetime.min.replace(tzinfo=UTC), "", 0
        while seen < MOST_POSTS and (page := await tx.mentions.after(incident_id, at, key, limit=PAGE)):
            await asyncio.to_thread(_look, incident_id, page, groups, found, known)
            key, at, seen = page[-1][0], page[-1][1].created_at, seen + len(page)
            found.until = at
        if found.until is None:
            return None
        until = max(found.until, before.until) if before else found.until
        done = seen < MOST_POSTS  # else the next pass goes on, although no post is new
        after = Progress(
            until=until,
            posts=await tx.mentions.count(incident_id) if done else -1,
            early=await tx.mentions.before(incident_id, until - LATE),
        )
    return found, before, after


def _sentences() -> Sentences | None:
    """Reads whole wordings where ``fireline[meaning]`` is installed, unless FIRELINE_MODEL is ``small``."""
    return read_sentences if installed() and os.environ.get("FIRELINE_MODEL") != "small" else None


async def _groups(tx: Transaction, incident: str, merging: Merging) -> Merging:
    """``merging`` with the incident's questions as they were asked so far."""
    by_question: dict[str, list[tuple[str, int]]] = {}
    for question, text, count in await tx.questions.wordings(incident):
        by_question.setdefault(question, []).append((text, count))

    def learn() -> Merging:
        for question, texts in by_question.items():
            merging.know(question, [text for text, _ in sorted(texts, key=lambda pair: -pair[1])[:WORDINGS]])
        return merging

    return await asyncio.to_thread(learn)


def _look(incident: str, page: Sequence[tuple[str, Mention]], groups: Merging, found: _Pass, known: int) -> None:
    """Find what the posts of one page ask, and which question each is."""
    askings = [
        Asking(
            post=key,
            place=place,
            question="",
            text=text,
            author=f"{post.source}:{post.author}" if post.author else key,
            at=post.created_at,
            reach=post.followers + post.reposts,
            url=post.url,
        )
        for key, post in page
        for place, text in enumerate(asked(post.text[:READ]))
    ]
    for start in range(0, len(askings), AT_ONCE):
        some = askings[start : start + AT_ONCE]
        if known + len(found.begun) >= MOST_QUESTIONS:
            some = _that_fit(some, groups)
        if some:
            _place(incident, some, groups, found)


def _place(incident: str, askings: Sequence[Asking], groups: Merging, found: _Pass) -> None:
    new: list[str] = []

    def name() -> str:
        new.append(f"new {len(found.begun) + len(new) + 1}")
        return new[-1]

    for one, question in zip(askings, groups.place([one.text for one in askings], name), strict=True):
        if question in new and question not in found.begun:
            found.begun[question] = PublicQuestion(
                id=question, incident=incident, text=one.text[:WORDING], first_asked_at=one.at
            )
        found.askings.append(one.model_copy(update={"question": question}))


def _that_fit(askings: Sequence[Asking], groups: Merging) -> list[Asking]:
    """Those about harm, and those that ask what others ask: an incident that has enough questions takes no others."""
    likest = groups.likeness([one.text for one in askings]).max(axis=1)
    joins = groups.weights.joins
    return [one for one, most in zip(askings, likest, strict=True) if most >= joins or concerns_harm(one.text)]


async def _keep(here: Installation, incident: str, found: _Pass, before: Progress | None, after: Progress) -> int:
    async with here.store.transaction() as tx:
        if await tx.questions.progress(incident) != before:
            return 0  # another pass was quicker: what it left out is found next time
        names: dict[str, str] = {}
        already = await tx.questions.known(incident, {a.post for a in found.askings})
        there = await tx.mentions.there(incident, {a.post for a in found.askings})  # erased meanwhile: not asked
        fresh = [a for a in found.askings if (a.post, a.place) not in already and a.post in there]
        wanted = {a.question for a in fresh}
        for name, question in found.begun.items():
            if name in wanted:
                names[name] = await tx.questions.next_id(incident)
                await tx.questions.begin(question.model_copy(update={"id": names[name]}))
        new = await tx.questions.ask(
            incident, [a.model_copy(update={"question": names.get(a.question, a.question)}) for a in fresh]
        )
        await tx.questions.came_to(incident, after)
        if names:
            data = {"new": [{"id": names[n], "text": found.begun[n].text} for n in names], "askings": new}
            await tx.questions.found(incident, data, actor="questions", via=here.via, flow_run_id=here.flow_run_id)
    return new


async def asked_about(
    tx: Transaction, incident: Incident, now: datetime, *, wordings: bool = False
) -> tuple[Asked, ...]:
    """The incident's questions by what matters most, those set aside last. ``wordings``: with how each was asked, and
    which may be one."""
    questions = await tx.questions.list(incident.id)
    if not questions:
        return ()
    tallies = await tx.questions.tallies(incident.id, now)
    facts = await tx.facts.list(incident.id)
    said = await _answers(tx, incident.id)
    texts: dict[str, list[tuple[str, int]]] = {}
    if wordings:
        for question, text, count in await tx.questions.wordings(incident.id):
            texts.setdefault(question, []).append((text, count))
    rows = [_asked(q, tallies.get(q.id, Tally()), said, facts, texts.get(q.id, []), now) for q in questions]
    rows.sort(key=lambda row: (row.standing is Standing.SET_ASIDE, -row.score, row.question.first_asked_at))
    return tuple(await asyncio.to_thread(_maybe, rows)) if wordings else tuple(rows)


async def _answers(tx: Transaction, incident: str) -> list[tuple[Statement, str]]:
    statements = [s for s in await tx.statements.list(incident) if s.answers]
    return [(s, (await tx.statements.status(s.id, s.version)).value) for s in statements]


def _asked(
    question: PublicQuestion,
    tally: Tally,
    said: list[tuple[Statement, str]],
    facts: list[Fact],
    texts: list[tuple[str, int]],
    now: datetime,
) -> Asked:
    answers = answers_to(question, said, facts)
    stands = standing(question, answers)
    factors = worth(question, tally, stands, now)
    return Asked(question, tally, answers, stands, factors, tuple(sorted(texts, key=lambda pair: -pair[1])))


SUGGESTED = 60
"""Questions at the head of the list that are compared with each other for whether a person should merge them."""


def _maybe(rows: list[Asked]) -> list[Asked]:
    """The rows, each of the first ones with the one above it that may ask the same, as far as their words tell."""
    first = [row for row in rows[:SUGGESTED] if row.wordings]
    if not first:
        return rows
    merging = Merging()
    for row in first:
        merging.know(row.question.id, [text for text, _ in row.wordings[:WORDINGS]])
    alike = merging.likeness([row.question.text for row in first])
    maybe: dict[str, str] = {}
    for number, row in enumerate(first):
        for place in sorted(range(number), key=lambda place: -alike[number, place]):
            above = first[place].question
            if alike[number, place] < merging.weights.maybe:
                break
            if row.question.id != above.parted_from and above.id != row.question.parted_from:
                maybe[row.question.id] = above.id
                break
    return [replace(row, maybe=maybe.get(row.question.id, "")) for row in rows]


async def unanswered(tx: Transaction, incident: Incident, now: datetime) -> tuple[Asked, ...]:
    """The questions that wait for an answer, by what matters most."""
    return tuple(row for row in await asked_about(tx, incident, now) if row.counts and row.standing.unanswered)


def in_a_word(waiting: Sequence[Asked], now: datetime) -> str:
    """How many questions have no answer, and since when the eldest; empty where there is none."""
    if not waiting:
        return ""
    eldest = min(row.question.first_asked_at for row in waiting)
    hours = (now - eldest).total_seconds() / 3600
    since = f"{hours:.0f} h" if hours >= 1 else f"{max(0, round(hours * 60))} min"
    many = "1 question has" if len(waiting) == 1 else f"{len(waiting)} questions have"
    return f"{many} no answer, the eldest for {since}"


async def may_lead(here: Installation, tx: Transaction, incident: Incident, person: str) -> None:
    """Hold somebody to a role in the incident: whoever only looks may not lead questions.

    Raises:
        NotAllowed: they are nobody here, only look, or do not see the incident.
    """
    known = await tx.stakeholders.get(person)
    if known is None or not await sees(tx, incident, known):
        raise NotAllowed(f"{person or 'nobody'} is not among those who act on {incident.id}")
    if not set(known.roles_on(incident.watch)) - {VIEWER} and person != incident.lead:
        raise NotAllowed(f"{known.name} only looks: somebody with another role must do this")


async def lead(
    here: Installation,
    question_id: str,
    *,
    actor: str,
    reason: str = "",
    text: str | None = None,
    owner: str | None = None,
    say_by: datetime | None = None,
    set_aside: str | None = None,
) -> PublicQuestion:
    """Put a question in other words, give it an owner or a time, set it aside (an empty reason takes it up again).

    Raises:
        records.NotFound: there is no such question, or it is part of another.
        NotAllowed: the actor only looks; the owner is nobody here; the time is over.
        crisis.typed_in.NotOneLine: its words are blank, too long or cannot be shown.
    """
    async with here.store.transaction() as tx:
        question, incident = await _open(here, tx, question_id, actor)
        changed: dict[str, object] = {}
        if text is not None:
            changed["text"] = one_line(text, "the question", longest=WORDING)
        if owner is not None:
            known = await tx.stakeholders.get(owner) if owner else None
            if owner and (known is None or not await sees(tx, incident, known)):
                raise NotAllowed(f"{owner} is not among those who see {incident.id}: choose somebody else")
            changed["owner"] = owner
        if say_by is not None:
            if say_by <= here.clock.now():
                raise NotAllowed(f"{say_by:%Y-%m-%d %H:%M} UTC is over: name a later time")
            changed["say_by"] = say_by
        if set_aside is not None:
            changed["set_aside"] = one_line(set_aside, "why it is set aside", longest=CLAIM) if set_aside else ""
        after = question.model_copy(update=changed)
        await tx.questions.change(after, **_act(here, actor, reason))
    return after


async def merge(here: Installation, question_id: str, into_id: str, *, actor: str, reason: str = "") -> PublicQuestion:
    """Two questions are one: the first becomes part of the second. Raises like ``lead``."""
    async with here.store.transaction() as tx:
        question, incident = await _open(here, tx, question_id, actor)
        into, _ = await _open(here, tx, into_id, actor)
        if into.incident != incident.id or into.id == question.id:
            raise NotAllowed(f"{question.id} can only be merged into another question of {incident.id}")
        if [s for s, _ in await _answers(tx, incident.id) if question.id in s.answers and not s.page]:
            raise NotAllowed(f"{question.id} has an answer: merge {into.id} into it instead")
        await tx.questions.merge(question, into, **_act(here, actor, reason))
        if question.first_asked_at < into.first_asked_at:
            into = into.model_copy(update={"first_asked_at": question.first_asked_at})
            await tx.questions.change(into, **_act(here, actor, reason))
    return into


async def part(
    here: Installation, question_id: str, texts: Sequence[str], *, actor: str, reason: str = ""
) -> PublicQuestion:
    """One question is two: some of its wordings become a question of their own. Raises like ``lead``."""
    async with here.store.transaction() as tx:
        question, incident = await _open(here, tx, question_id, actor)
        own = [text for q, text, _ in await tx.questions.wordings(incident.id) if q == question.id]
        chosen = [text for text in own if text in set(texts)]
        if not chosen:
            raise NotAllowed(f"{question.id} was never asked in those words: choose among its wordings")
        if len(chosen) == len(own):
            raise NotAllowed(f"that is all of {question.id}: leave it at least one wording")
        askings = [a for a in await tx.questions.posts(question, limit=MOST_POSTS) if a.text in set(chosen)]
        new = PublicQuestion(
            id=await tx.questions.next_id(incident.id),
            incident=incident.id,
            text=chosen[0][:WORDING],
            first_asked_at=min(a.at for a in askings),
            parted_from=question.id,
        )
        await tx.questions.part(question, new, chosen, **_act(here, actor, reason))
    return new


async def _open(here: Installation, tx: Transaction, question_id: str, actor: str) -> tuple[PublicQuestion, Incident]:
    question = await tx.questions.get(question_id)
    incident = await tx.incidents.get(question.incident)
    await may_lead(here, tx, incident, actor)
    if question.merged_into:
        raise NotAllowed(f"{question.id} is part of {question.merged_into} since it was merged")
    return question, incident


def _act(here: Installation, actor: str, reason: str) -> Act:
    return {"actor": actor, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}


async def mine_all(here: Installation) -> str:
    """Look through the new posts of every live incident; a sentence about those in which somebody asked."""
    async with here.store.reading() as tx:
        live = [incident.id for incident in await tx.incidents.list(states=LIVE)]
    found = [name for name in live if await mine(here, name)]
    return f"questions found in {', '.join(found)}" if found else ""
