"""Replies on their way: whether each may still go, when it goes, and the button that stops them all.

The rules are ``crisis.replies``; here they are held against the records when replies are drafted, when they are approved
or planned (``approval_problem``), and inside the very transaction that arms one for sending (``hold_back``), so that
nothing that came by another way gets round them.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

from crisis.delivery import Delivery, DeliveryState, Purpose
from crisis.fact import FactStatus
from crisis.replies import GAP, Sent, batch_problem, named_in, paced, sending_problem
from crisis.statement import Answered, Rendering, Statement
from crisis.values import StatementKind
from crisis.watch import Mention
from records import NotFound, StatementStatus, Transaction
from records.work import Act
from tasks.installation import Installation
from tasks.material import arrivals

STOP, GO = "replies.stopped", "replies.resumed"
HELD = "reply not sent: "
"""How the problem of a reply begins that was held back here: it was meant so, and nobody needs to mend it."""


def is_reply(delivery: Delivery) -> bool:
    return delivery.purpose is Purpose.STATEMENT and delivery.rendering.answers is not None


async def are_stopped(tx: Transaction, incident: str) -> bool:
    """Whether somebody has stopped the replies of an incident, and nobody has let them go on since."""
    told = [*await tx.ledger.list(kind=STOP, incident=incident), *await tx.ledger.list(kind=GO, incident=incident)]
    return bool(told) and max(told, key=lambda r: r.seq).kind == STOP


async def family_of(tx: Transaction, incident: str) -> frozenset[str]:
    """An incident, and those that were merged with it or split from it, however often: to the people it is one."""
    tied = [
        {record.incident, str(record.data.get("into", ""))}
        for record in await tx.ledger.list(kinds=("incident.merged", "incident.split"))
    ]
    found = {incident}
    while more := {name for pair in tied if pair & found for name in pair} - found - {""}:
        found |= more
    return frozenset(found)


async def _counted(tx: Transaction, incident: str, counts: Callable[[Delivery], bool]) -> list[Sent]:
    """The replies of an incident's family, and of the watch's other incidents, that ``counts`` says to count."""
    family = await family_of(tx, incident)
    watch = (await tx.incidents.get(incident)).watch
    arrived: dict[str, datetime] = {}
    for one in family:
        arrived |= arrivals(await tx.ledger.list(kinds=("delivery.accepted", "delivery.reconciled"), incident=one))
    all_of_it = {*family, *(one.id for one in await tx.incidents.list(watch=watch))}
    return [
        Sent(
            answered=d.rendering.answers,
            text=d.rendering.text,
            at=arrived.get(d.id, tx.engagement.now),
            channel=_channel(d),
            elsewhere=d.incident not in family,
        )
        for d in await tx.outbox.replies(incidents=all_of_it, limit=None)
        if d.rendering.answers and counts(d)
    ]


async def sent_in(tx: Transaction, incident: str, *, but: str = "", waiting: bool = False) -> list[Sent]:
    """An incident's replies that are out, on their way or may have got there, and those that count with them
    (``_counted``); ``waiting``: also those that wait for their approval. Those of the statement ``but`` are left out."""
    found = await _counted(tx, incident, lambda d: d.state is not DeliveryState.REFUSED and d.statement != but)
    open_ones = []
    for one in sorted(await family_of(tx, incident)) if waiting else ():
        with suppress(NotFound):  # who looks may not see all of them
            if (await tx.incidents.get(one)).closed_at is None:  # elsewhere none is approved
                open_ones.append(one)
    for text in [text for one in open_ones for text in await tx.statements.list(one)]:
        if text.kind is not StatementKind.REPLY or text.id == but:
            continue
        if await tx.statements.status(text.id, text.version) is StatementStatus.PROPOSED:
            found += [
                Sent(answered=r.answers, text=r.text, at=tx.engagement.now, channel=r.target.channel)
                for r in text.renderings
                if r.answers
            ]
    return found


async def barred_among(
    tx: Transaction, posts: Iterable[Answered | Mention], said: Iterable[Rendering] = ()
) -> Callable[[str, str], str]:
    """Why each of these posts' authors, or whoever the replies that are ``said`` name, is on the do-not-engage list; asks the
    list now."""
    people: set[tuple[str, str, tuple[str, ...]]] = {(p.source, p.author, (p.url, p.id)) for p in posts}
    people |= {(r.answers.source, named, ()) for r in said if r.answers for named in named_in(r.text)}
    found = await tx.engagement.among(people)
    return lambda network, author: found.get((network, author), "")


async def approval_problem(tx: Transaction, statement: Statement) -> str:
    """Why a statement's replies may not be approved or planned now; empty when they may, or when it holds none."""
    answered = [r.answers for r in statement.renderings if r.answers]
    if statement.kind is not StatementKind.REPLY:
        return "only a statement of the kind reply answers single posts" if answered else ""
    if problem := await over_or_stopped(tx, statement.incident):
        return problem
    if problem := await _unfounded(tx, statement) or await out_of_place(tx, statement.incident, answered):
        return problem
    return batch_problem(
        statement.renderings,
        sent=await sent_in(tx, statement.incident, but=statement.id),
        barred=await barred_among(tx, answered, statement.renderings),
        now=tx.engagement.now,
    )


async def over_or_stopped(tx: Transaction, incident: str) -> str:
    """Why nobody is replied to from an incident any more; empty when somebody may be."""
    if (await tx.incidents.get(incident)).closed_at is not None:
        return f"{incident} is over, and nobody is replied to from it any more"
    if await are_stopped(tx, incident):
        return f"the replies of {incident} are stopped: `fireline replies {incident} --resume` lets them go on"
    return ""


async def out_of_place(tx: Transaction, incident: str, answered: Iterable[Answered | Mention]) -> str:
    """That a post was erased, whose author wants to be left alone, or that the incident is not about it (nor one that it was
    merged with or split from); empty when all may be answered."""
    family = await family_of(tx, incident)
    for post in answered:
        if await tx.mentions.is_erased(post.source, post.id):
            return "a post that it answers was erased: its author is left alone"
        if not await tx.mentions.of_any(family, post.source, post.id):
            return f"the post of {post.author or 'somebody'} is none that {incident} is about"
    return ""


async def _unfounded(tx: Transaction, statement: Statement) -> str:
    """Why a correction in reply form has no ground: the narrative must be tied to a confirmed fact with evidence that the
    text relies on."""
    ties = await tx.incidents.ties(statement.incident)
    facts = {fact.id: fact for fact in statement.facts}
    for narrative in {r.answers.narrative for r in statement.renderings if r.answers and r.answers.narrative}:
        fact = facts.get(ties.get(narrative, ""))
        if fact is None:
            return f"narrative {narrative} is not tied to a fact that this text relies on"
        if fact.status is not FactStatus.CONFIRMED or not fact.evidence.strip():
            return f"{fact.id}, which answers narrative {narrative}, is not confirmed with evidence"
    return ""


async def schedule(tx: Transaction, planned: list[Delivery]) -> list[Delivery]:
    """The deliveries with the times at which their replies may go; others are left as they are."""
    replies = [d for d in planned if is_reply(d)]
    if not replies:
        return planned
    real = datetime.now(UTC)
    times = paced([_channel(d) for d in replies], last=await _last(tx, real), now=real)
    at = dict(zip((d.id for d in replies), times, strict=True))
    return [d.model_copy(update={"not_before": at[d.id]}) if at.get(d.id, real) > real else d for d in planned]


async def hold_back(tx: Transaction, waiting: Delivery, act: Act) -> bool:
    """Refuse a pending reply that must not go out any more, or put it off when its channel has just replied to somebody.

    Called in the transaction that would arm it. True when it is not to be sent now.
    """
    if not is_reply(waiting):
        return False
    if problem := await _too_late(tx, waiting):
        await tx.outbox.settle(waiting.id, DeliveryState.REFUSED, problem=f"{HELD}{problem}", **act)
        return True
    real = datetime.now(UTC)
    last = (await _last(tx, real, but=waiting, gone=True)).get(_channel(waiting))
    if last is not None and real < last + GAP:
        why = f"one reply every {GAP.total_seconds() / 60:g} minutes on {_channel(waiting)}"
        await tx.outbox.put_off(waiting.id, last + GAP, problem=why, **act)
        return True
    return False


async def _too_late(tx: Transaction, waiting: Delivery) -> str:
    answered = waiting.rendering.answers
    if answered is None:
        return "it names no post that it answers"
    if problem := await over_or_stopped(tx, waiting.incident):
        return problem
    text = await tx.statements.get(waiting.statement, waiting.version)
    if waiting.rendering not in text.renderings or text.kind is not StatementKind.REPLY:
        return f"{text.label} holds no such reply"
    status = await tx.statements.status(text.id, text.version)
    if status not in (StatementStatus.APPROVED, StatementStatus.PUBLISHED):
        return f"{text.label} is {status.value}, not approved"
    if problem := await _unfounded(tx, text) or await out_of_place(tx, waiting.incident, [answered]):
        return problem
    others = await _counted(tx, waiting.incident, lambda d: d.id != waiting.id and _goes_first(d, waiting))
    barred = await barred_among(tx, [answered], [waiting.rendering])
    return sending_problem(waiting.rendering, sent=others, barred=barred, now=tx.engagement.now)


def _goes_first(other: Delivery, waiting: Delivery) -> bool:
    """Whether another reply counts against one that is to be sent: it went, may have gone, or was planned before."""
    if other.state is DeliveryState.REFUSED:
        return False
    if other.state is not DeliveryState.PENDING:
        return True
    return (other.created_at, other.not_before or other.created_at, other.id) < (
        waiting.created_at,
        waiting.not_before or waiting.created_at,
        waiting.id,
    )


async def _last(
    tx: Transaction, real: datetime, *, but: Delivery | None = None, gone: bool = False
) -> dict[str, datetime]:
    """When the latest reply of each channel goes or went out, in real time; ``gone``: only those that went."""
    last: dict[str, datetime] = {}
    for d in await tx.outbox.replies():
        if d.state is DeliveryState.REFUSED or (but is not None and d.id == but.id):
            continue
        if d.state is DeliveryState.PENDING:
            if gone:
                continue
            at = d.not_before or real
        else:
            at = d.receipt.accepted_at if d.receipt else real
        last[_channel(d)] = max(at, last.get(_channel(d), at))
    return last


def _channel(delivery: Delivery) -> str:
    return delivery.rendering.target.channel


async def stop_replies(here: Installation, incident: str, *, actor: str, reason: str) -> int:
    """The stop button: no reply of an incident goes out any more, those that wait are given up; how many these were.

    Raises:
        records.NotFound: there is no such incident.
    """
    act: Act = {"actor": actor, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}
    async with here.store.transaction() as tx:
        await tx.incidents.get(incident)
        waiting = [d for d in await tx.outbox.replies(incident=incident) if d.state is DeliveryState.PENDING]
        await tx.ledger.append(STOP, incident=incident, data={"waiting": [d.id for d in waiting]}, **act)
        for d in waiting:
            await tx.outbox.settle(d.id, DeliveryState.REFUSED, problem=f"{HELD}replies were stopped", **act)
    return len(waiting)


async def resume_replies(here: Installation, incident: str, *, actor: str, reason: str) -> None:
    """Let replies of an incident be proposed and sent again; those given up stay so. Raises like ``stop_replies``."""
    async with here.store.transaction() as tx:
        await tx.incidents.get(incident)
        act: Act = {"actor": actor, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}
        await tx.ledger.append(GO, incident=incident, data={}, **act)


def lint_text(rendering: Rendering) -> str:
    """A reply's text as lint reads it: without the handles it begins with, which are no addresses of mail."""
    words = rendering.text.split(" ")
    while words and words[0].startswith("@"):
        words.pop(0)
    return " ".join(words)
