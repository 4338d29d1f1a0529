"""Answers to what the public asks, drafted from confirmed facts alone, and the page that keeps them all.

An answer is a statement like any other: linted, approved, published on the channels of its kind (as a thread where there
are threads). It states the confirmed facts that are about the question, or says that nobody knows yet and when more is
said. The page of all answers is a statement of its own: each version is approved as the bytes that people read, and when
an answer comes out, or stops to hold, the next version is drafted and put before its approvers.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from crisis import drafting
from crisis.answers_page import CHECKING, OPEN, PageRow, page_html, page_text
from crisis.approval import NotAllowed
from crisis.drafting import AskedOf
from crisis.fact import Fact
from crisis.incident import LIVE, Incident
from crisis.paraphrases import about
from crisis.public_questions import PublicQuestion, Standing
from crisis.statement import Promise, Statement
from crisis.tongues import ENGLISH, says_when
from crisis.values import StatementKind
from crisis.voice import in_voice
from records import StatementStatus, Transaction
from tasks.approve import propose_draft
from tasks.draft import DEAD, Answering, draft, is_taken_back, latest_of
from tasks.installation import Installation
from tasks.outlets import page_outlets
from tasks.questions import Asked, asked_about, may_lead

logger = logging.getLogger(__name__)

MOST_FACTS = 3
"""Facts that the template states for one question."""
ON_PAGE = 60
"""Questions on the page."""
TEMPLATE = "answers.txt.j2"


async def draft_answer(
    here: Installation,
    question_ids: Sequence[str],
    *,
    actor: str,
    text: str = "",
    facts: Sequence[str] = (),
    writer: str = "",
) -> Statement:
    """An answer to these questions: a person's ``text``, a writer's, or the template's from the facts that are about them
    (or from ``facts``, by id).

    Raises:
        records.NotFound: there is no such question or fact.
        NotAllowed: the actor only looks, a question is closed or of another incident, or a fact is not confirmed.
        crisis.drafting.NotADraft: ``text`` has no headline or no body.
        tasks.write.NotUsable: the writer wrote nothing that may be used.
    """
    async with here.store.reading() as tx:
        questions, incident = await _questions(tx, question_ids)
        await may_lead(here, tx, incident, actor)
        known = await tx.facts.list(incident.id)
    chosen = _chosen(known, facts)
    ids = tuple(q.id for q in questions)
    author = actor
    if writer:
        from tasks.write import written

        text = await written(here, incident.id, StatementKind.ANSWER, writer, asking=tuple(q.text for q in questions))
        author = f"writer:{writer}"
    if text:
        return await draft(
            here, incident.id, StatementKind.ANSWER, author=author, text=text, answering=Answering(questions=ids)
        )
    return await _by_template(here, incident, questions, known, chosen)


async def answer_again(here: Installation, statement: Statement) -> Statement:
    """What a template wrote about questions or on their page, from the facts as they are now."""
    if statement.page:
        fresh = await draft_page(here, statement.incident)
        return fresh or statement
    async with here.store.reading() as tx:
        questions, incident = await _questions(tx, statement.answers)
        known = await tx.facts.list(incident.id)
    return await _by_template(here, incident, questions, known, None)


async def _questions(tx: Transaction, ids: Sequence[str]) -> tuple[list[PublicQuestion], Incident]:
    found = [await tx.questions.get(id) for id in dict.fromkeys(ids)]
    if not found:
        raise NotAllowed("name at least one question")
    if len({q.incident for q in found}) > 1:
        raise NotAllowed("these questions are of different incidents: answer each by itself")
    for question in found:
        if question.merged_into:
            raise NotAllowed(f"{question.id} is part of {question.merged_into}: answer that")
        if question.set_aside:
            raise NotAllowed(f"{question.id} is set aside: take it up again first")
    return found, await tx.incidents.get(found[0].incident)


def _chosen(known: Sequence[Fact], facts: Sequence[str]) -> tuple[Fact, ...] | None:
    if not facts:
        return None
    there = {fact.id: fact for fact in known}
    for name in facts:
        if name not in there:
            raise NotAllowed(f"there is no fact {name!r} in this incident: it has {', '.join(there) or 'none yet'}")
        if there[name] not in drafting.confirmed(known):
            raise NotAllowed(f"{name} is {there[name].status}: an answer states only what is confirmed")
    return tuple(there[name] for name in facts)


async def _by_template(
    here: Installation,
    incident: Incident,
    questions: Sequence[PublicQuestion],
    known: Sequence[Fact],
    chosen: tuple[Fact, ...] | None,
) -> Statement:
    now = here.clock.now()
    async with here.store.reading() as tx:
        watch = await tx.watches.get(incident.watch)
    told = [(q, chosen if chosen is not None else facts_about(q.text, known)) for q in questions]
    due = {q.id: say_by(q, incident, now) for q, facts in told if not facts}
    asked = tuple(
        AskedOf(
            text=as_asked(q.text),
            facts=facts,
            say_by=says_when(due[q.id], now, ENGLISH) if q.id in due else "",
        )
        for q, facts in told
    )
    voice = here.settings.voice
    context = drafting.template_context(
        kind=StatementKind.ANSWER,
        incident=incident,
        facts=known,
        watch=watch,
        playbook=here.playbook(incident.assessment.type),
        now=now,
        organisation=here.settings.organisation,
        contact=voice.contact_url,
        sign_off=voice.signed_in(ENGLISH),
        formal=voice.formality == "formal",
    )
    text = here.templates.render(TEMPLATE, **context, asked=asked)
    fixed = (*(f.text.rstrip(".!?…") for f in known), *(a.text for a in asked), watch.brand, context["contact"])
    text = in_voice(text, voice.spoken_by(here.settings.organisation), keep=fixed)
    answering = Answering(
        questions=tuple(q.id for q in questions),
        facts=frozenset(f.id for _, facts in told for f in facts),
        promises=_promises(due),
    )
    async with here.store.reading() as tx:
        latest, status = await latest_of(tx, incident.id, StatementKind.ANSWER, ENGLISH, answering=answering)
    headline, body = drafting.headline_and_body(text)
    ahead = latest is not None and status not in DEAD and status is not StatementStatus.PUBLISHED
    if latest is not None and ahead and (latest.headline, latest.body) == (headline, body):
        return latest
    return await draft(here, incident.id, StatementKind.ANSWER, text=text, language=ENGLISH, answering=answering)


def facts_about(question: str, known: Sequence[Fact]) -> tuple[Fact, ...]:
    """The confirmed facts that are about a question, the nearest first."""
    near = [(about(question, fact.text), fact) for fact in drafting.confirmed(known)]
    return tuple(fact for alike, fact in sorted(near, key=lambda pair: -pair[0]) if alike)[:MOST_FACTS]


def as_asked(text: str) -> str:
    """A question as it is shown to the public: with a capital, and one question mark."""
    plain = " ".join(text.split()).rstrip("?？؟!. ")
    return f"{plain[:1].upper()}{plain[1:]}?"


def say_by(question: PublicQuestion, incident: Incident, now: datetime) -> datetime:
    """When more is said about a question without an answer: as its owner promised, else with the next update."""
    if question.say_by is not None and question.say_by > now:
        return question.say_by
    return drafting.next_update(incident, now)


def _promises(due: dict[str, datetime]) -> tuple[Promise, ...]:
    return tuple(Promise(text=f"More about {name} by {at:%H:%M} UTC", due_at=at) for name, at in sorted(due.items()))


async def draft_page(
    here: Installation, incident_id: str, *, actor: str = drafting.AUTHOR, renewing: bool = False
) -> Statement | None:
    """The next version of the page of questions and answers; None when the newest version says all of it already, and of
    one ``renewing`` itself, when its answers and times still stand.

    Raises:
        NotAllowed: no channel keeps such a page, or nobody has asked anything.
    """
    now = here.clock.now()
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        watch = await tx.watches.get(incident.watch)
        rows = [row for row in await asked_about(tx, incident, now) if row.counts and _is_public(row)][:ON_PAGE]
        if actor != drafting.AUTHOR:
            await may_lead(here, tx, incident, actor)
        records = await tx.ledger.list(kind="statement.published", incident=incident_id)
        published = {r.data.get("statement"): r.at for r in records}
        newest, status = await newest_page(tx, incident_id)
    if not page_outlets(here, incident_id):
        raise NotAllowed("no channel keeps a page of its own: add one of kind s3_page to fireline.toml")
    if not rows:
        raise NotAllowed(f"nobody has asked anything about {incident_id} yet")
    open_rows = [row.question for row in rows if _answer_of(row) is None]
    due = {q.id: _promised(newest, q, now) or say_by(q, incident, now) for q in open_rows}
    lines = [_page_row(row, published, due, now) for row in rows]
    facts = {fact.id for row in rows if (said := _answer_of(row)) for fact in said.facts}
    updated = says_when(now, now, ENGLISH)
    title = f"Questions and answers: {watch.brand}"
    contact = watch.contact or here.settings.voice.contact_url
    same = _same_answers if renewing else _same
    if newest is not None and status not in DEAD and same(newest, lines, now):
        return None
    body = page_text(lines, updated) + (f"\n\nIf this affects you, please contact us: {contact}" if contact else "")
    answering = Answering(
        questions=tuple(row.question.id for row in rows),
        facts=frozenset(facts),
        promises=_promises(due),
        page=page_html(title, lines, updated=now, updated_says=updated, contact=contact),
    )
    return await draft(
        here,
        incident_id,
        StatementKind.ANSWER,
        text=f"{title}\n\n{body}",
        again=True,
        language=ENGLISH,
        answering=answering,
    )


def _is_public(row: Asked) -> bool:
    return row.standing is not Standing.SET_ASIDE


def _answer_of(row: Asked) -> Statement | None:
    return row.answer.statement if row.standing is Standing.ANSWERED and row.answer else None


def _page_row(row: Asked, published: dict[object, datetime], due: dict[str, datetime], now: datetime) -> PageRow:
    statement = _answer_of(row)
    question = as_asked(row.question.text)
    if statement is None:
        checking = row.standing is Standing.IN_DOUBT
        return PageRow(question=question, checking=checking, say_by=says_when(due[row.question.id], now, ENGLISH))
    return PageRow(
        question=question,
        answer=answer_in(statement, row.question.text),
        answered_at=published.get(statement.id),
    )


def answer_in(statement: Statement, question: str) -> str:
    """What a statement says to one of the questions that it answers: of a template's text the paragraphs under that
    question, of any other all of it, without thanks and contact."""
    blocks = [b.strip() for b in statement.body.split("\n\n") if b.strip()]
    wanted = as_asked(question)
    asks = [block.partition("\n")[0].strip() for block in blocks]
    if len(statement.answers) > 1 and wanted in asks:
        start = asks.index(wanted)
        rest = blocks[start + 1 :]
        end = next((n for n, ask in enumerate(asks[start + 1 :]) if ask.endswith("?") or _is_frame(ask)), len(rest))
        blocks = [b for b in (blocks[start].partition("\n")[2].strip(), *rest[:end]) if b]
    else:
        blocks = [b for b in blocks if not _is_frame(b) and b != wanted] or blocks
    return "\n\n".join(blocks)


def _is_frame(block: str) -> bool:
    return block.startswith(("Thank you for asking", "If this affects you, please contact us"))


def _promised(page: Statement | None, question: PublicQuestion, now: datetime) -> datetime | None:
    """When the newest version of the page promises more about a question, as long as that is to come."""
    own = [p for p in (page.promises if page else ()) if p.text.startswith(f"More about {question.id} by ")]
    at = own[-1].due_at if own else None
    return at if at and at > now and (question.say_by is None or question.say_by == at) else None


def _same(page: Statement, lines: Sequence[PageRow], now: datetime) -> bool:
    """Whether a version of the page says just this, whenever it was made."""
    wanted = page_text(lines, "").split("\n\n")[1:]
    found = page.body.split("\n\n")[1:]
    return found[: len(wanted)] == wanted and len(found) <= 1 + len(wanted)


def _same_answers(page: Statement, lines: Sequence[PageRow], now: datetime) -> bool:
    """Whether what a version of the page answers is as it was, and no time that it promises is over: a new question alone
    asks nobody for another approval."""
    answered = [line for line in lines if line.answer or line.checking]
    text = f"\n\n{page.body}\n\n"
    said = all(f"\n\n{page_text([line], '').partition(chr(10) * 2)[2]}\n\n" in text for line in answered)
    known = sum(line.question in page.body.split("\n\n") and not line.answer for line in lines)
    open_there = page.body.count(OPEN) + page.body.count(CHECKING)
    return said and open_there <= known and not any(p.due_at <= now for p in page.promises)


async def newest_page(tx: Transaction, incident_id: str) -> tuple[Statement | None, StatementStatus | None]:
    """The newest version of the page, and where it stands."""
    pages = [s for s in await tx.statements.list(incident_id) if s.page]
    return (pages[-1], await tx.statements.status(pages[-1].id, pages[-1].version)) if pages else (None, None)


async def renew_pages(here: Installation) -> str:
    """Put the next version of each page before its approvers, where an answer came out, stopped to hold, or a promised time
    is over. A page begins by a person's wish only. Safe to repeat."""
    async with here.store.reading() as tx:
        live = [i.id for i in await tx.incidents.list(states=LIVE)]
        wanted = [name for name in live if await _wants_renewal(tx, name)]
    done = []
    for name in wanted:
        try:
            fresh = await draft_page(here, name, renewing=True)
        except NotAllowed as refusal:  # its questions were set aside, or its channel is gone: the page stays as it is
            logger.info("the page of answers of %s is not renewed: %s", name, refusal)
            continue
        if fresh is not None:
            done.append(await propose_draft(here, fresh))
    return "; ".join(done)


async def _wants_renewal(tx: Transaction, incident: str) -> bool:
    """A page was published, and no version is with people (waiting, or returned by them)."""
    newest, status = await newest_page(tx, incident)
    if newest is None or status not in (StatementStatus.PUBLISHED, StatementStatus.VOIDED, StatementStatus.EXPIRED):
        return False
    return not await is_taken_back(tx, newest, status)
