"""Promises from the draft to the last word on them: found, confirmed or struck by people, owed, handed over, kept.

What a text promises is found when it is drafted (``crisis.promising``); before a person's text is proposed, somebody has
said of each that it is owed, by when, or that it is none, and why. The template's own words, and a next update at a time
in UTC, stand on the statement itself and need no word; words that were approved beforehand and a template's draft that
goes out by itself owe just that. What is confirmed cannot change any more once approval was asked for.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crisis import drafting
from crisis.access import VIEWER
from crisis.approval import NotAllowed
from crisis.commitment import Commitment, CommitmentState, Mark, PromiseKind, Ruling, commitment_id
from crisis.incident import Incident
from crisis.promise_times import When
from crisis.promising import find_promises
from crisis.statement import Statement
from crisis.tongues import says_when
from crisis.values import StatementKind
from records import NotFound, StatementStatus, Transaction
from records.work import Act
from tasks.compose import Typed
from tasks.installation import Installation

LONGEST_REASON = 2_000
"""Characters of a reason or of evidence."""


@dataclass(frozen=True)
class Drafted:
    """One promise of a draft, and what is said of it."""

    number: int
    """From 1, as people name it."""
    sentence: str
    kind: PromiseKind
    when: When
    mark: Mark | None = None
    stands: bool = False
    """It is on the statement itself: the next update that the template, or its words in UTC, name."""
    by_hand: bool = False
    """Nothing found it: a person added it."""

    @property
    def settled(self) -> bool:
        """Somebody has said what it is."""
        return self.stands or self.mark is not None

    @property
    def wants_word(self) -> bool:
        """Whether the text cannot be proposed before somebody has said what it is. What binds to nothing clear at no named
        time is only shown: of those, the fewest are promises to be tracked."""
        return not self.settled and (self.kind is not PromiseKind.OTHER or self.when.due_at is not None)

    @property
    def due_at(self) -> datetime | None:
        return self.mark.due_at if self.mark and self.mark.due_at else self.when.due_at

    @property
    def says(self) -> str:
        """Where it stands, in a few words."""
        if self.mark and self.mark.ruling is Ruling.STRUCK:
            return f"struck: {self.mark.reason}"
        if self.stands:
            return "stands on the statement"
        return "confirmed" if self.mark else "not confirmed"


async def promises_of(tx: Transaction, statement: Statement) -> tuple[Drafted, ...]:
    """What a statement version promises, in the order of its text, with what people have said of it or of the same
    sentence in an earlier version; what was added by hand comes last."""
    text = f"{statement.headline}\n\n{statement.body}"
    due = {promise.due_at for promise in statement.promises}
    found = _drafted(text, statement.language, statement.created_at, await _marks(tx, statement), due)
    if statement.author == drafting.AUTHOR:  # what templates say besides is no person's word to be tracked
        found = [p for p in found if p.settled]
    return _numbered(found)


async def promises_in_hand(
    here: Installation, incident: Incident, kind: StatementKind, typed: Typed, statement: Statement | None
) -> tuple[Drafted, ...]:
    """The same of a text that lies in an editor, with what was said of the version that it came from."""
    now = here.clock.now()
    due = drafting.next_update(incident, now) if kind in drafting.PROMISING else None
    standing = drafting.promises_in(typed.body, due, says_when(due, now, typed.language) if due else "")
    async with here.store.reading() as tx:
        marks = {} if statement is None else await _marks(tx, statement)
    kept = {sentence: mark for sentence, mark in marks.items() if sentence in typed.body}
    return _numbered(_drafted(typed.text, typed.language, now, kept, {p.due_at for p in standing}))


def _drafted(
    text: str, language: str, now: datetime, marks: dict[str, Mark], due: Collection[datetime]
) -> list[Drafted]:
    marks = dict(marks)
    drafted: list[Drafted] = []
    for one in find_promises(text, language, now):
        stands = one.kind is PromiseKind.UPDATE and (one.when.due_at in due or (bool(due) and _names_none(one.when)))
        drafted.append(Drafted(0, one.sentence, one.kind, one.when, marks.pop(one.sentence, None), stands=stands))
    for mark in marks.values():
        when = When(due_at=mark.due_at) if mark.due_at else When(asks="it names no time: by when at the latest?")
        drafted.append(Drafted(0, mark.sentence, mark.kind, when, mark, by_hand=True))
    return drafted


def _names_none(when: When) -> bool:
    """No time at all: what the next update, whose time stands on the statement, is for."""
    return when.due_at is None and when.asks.startswith("it names no time")


def _numbered(found: Sequence[Drafted]) -> tuple[Drafted, ...]:
    return tuple(replace(one, number=number) for number, one in enumerate(found, 1))


async def _marks(tx: Transaction, statement: Statement) -> dict[str, Mark]:
    """What was said of this version; of what an earlier one said, what is in the text still and not overdue."""
    marks: dict[str, Mark] = {}
    for version in range(max(1, statement.version - 5), statement.version):
        for mark in await tx.promise_marks.of(statement.id, version):
            late = mark.due_at is not None and mark.due_at <= statement.created_at
            if mark.sentence in statement.body and not late:
                marks[mark.sentence] = mark
    return marks | {mark.sentence: mark for mark in await tx.promise_marks.of(statement.id, statement.version)}


async def refuse_unconfirmed(here: Installation, statement: Statement) -> None:
    """Hold a statement to it that somebody has said of each promise whether it is owed.

    Raises:
        NotAllowed: of one or more nobody has; it names the first.
    """
    async with here.store.reading() as tx:
        open_still = [p for p in await promises_of(tx, statement) if p.wants_word]
    if open_still:
        more = f" and {len(open_still) - 1} more" if len(open_still) > 1 else ""
        raise NotAllowed(
            f"{statement.label} promises “{shown(open_still[0].sentence)}”{more}, and nobody has confirmed or struck "
            f"that: do so beside the text, or with `fireline promise {statement.id}`"
        )


def shown(sentence: str, most: int = 90) -> str:
    """A sentence short enough for a message."""
    return sentence if len(sentence) <= most else f"{sentence[: most - 1]}…"


async def mark_promise(
    here: Installation,
    statement: Statement,
    sentence: str,
    ruling: Ruling,
    *,
    by: str,
    kind: PromiseKind | None = None,
    due_at: datetime | None = None,
    owner: str = "",
    moves: str = "",
    reason: str = "",
) -> Mark:
    """Confirm, strike or add one promise of a draft. Saying the same twice says it once.

    ``due_at`` left out: the time that the sentence names, where it names one.

    Raises:
        NotAllowed: approval was asked for already, the actor is nobody who answers for words, a time or reason is missing,
            the owner is unknown, or ``moves`` is no open promise of the incident.
    """
    sentence = " ".join(sentence.split())
    if not 0 < len(sentence) <= LONGEST_REASON:
        raise NotAllowed(f"a promise is said in 1 to {LONGEST_REASON:,} characters")
    async with here.store.transaction() as tx:
        status = await tx.statements.status(statement.id, statement.version)
        if status is not StatementStatus.DRAFT:
            raise NotAllowed(f"{statement.label} is {status}: its promises are changed in a new version of the text")
        await _answers(tx, statement.incident, by)
        known = {" ".join(p.sentence.split()): p for p in await promises_of(tx, statement)}.get(sentence)
        now = here.clock.now()
        if ruling is Ruling.STRUCK:
            if not reason.strip():
                raise NotAllowed("say why it is no promise: it goes on record")
            kind, due_at, owner, moves = known.kind if known else PromiseKind.OTHER, None, "", ""
        else:
            due_at = due_at or (known.when.due_at if known else None)
            if due_at is None:
                asks = known.when.asks if known else "by when at the latest?"
                raise NotAllowed(f"a promise is owed by a time. “{shown(sentence)}”: {asks}")
            if due_at <= now:
                raise NotAllowed(f"{due_at:%Y-%m-%d %H:%M} UTC has passed: a promise is owed by a time that is to come")
            if owner and await tx.stakeholders.get(owner) is None:
                raise NotAllowed(f"{owner} is not among the stakeholders, so nobody would see to it")
            await _may_move(tx, statement, moves, due_at)
        mark = Mark(
            sentence=known.sentence if known else sentence,
            ruling=ruling,
            kind=kind or (known.kind if known else PromiseKind.OTHER),
            due_at=due_at,
            owner=owner,
            moves=moves,
            reason=reason.strip()[:LONGEST_REASON],
            by=by,
            at=now,
        )
        act: Act = {"actor": by, "via": here.via, "reason": mark.reason, "flow_run_id": here.flow_run_id}
        await tx.promise_marks.put(statement.id, statement.version, statement.incident, mark, **act)
    return mark


async def _may_move(tx: Transaction, statement: Statement, moves: str, due_at: datetime) -> None:
    if not moves:
        return
    try:
        moved = await tx.commitments.get(moves)
    except NotFound as missing:
        raise NotAllowed(str(missing)) from None
    if moved.incident != statement.incident or moved.state is not CommitmentState.OPEN:
        raise NotAllowed(f"{moves} is no open promise of {statement.incident}")
    if due_at <= moved.due_at:
        raise NotAllowed(
            f"{moves} is due at {moved.due_at:%Y-%m-%d %H:%M} UTC already: a promise is moved to a later time"
        )


async def confirm_found(here: Installation, statement: Statement, *, by: str, owner: str = "") -> int:
    """Confirm every promise whose time the text itself names; returns how many. Those that ask a question stay open."""
    async with here.store.reading() as tx:
        found = [p for p in await promises_of(tx, statement) if not p.settled and p.when.due_at]
    for promise in found:
        await mark_promise(here, statement, promise.sentence, Ruling.CONFIRMED, by=by, owner=owner)
    return len(found)


async def _answers(tx: Transaction, incident_id: str, person: str) -> None:
    """Raise ``NotAllowed`` for whoever does not answer for what is said and done."""
    known = await tx.stakeholders.get(person)
    incident = await tx.incidents.get(incident_id)
    if known is None or not set(known.roles_on(incident.watch)) - {VIEWER}:
        raise NotAllowed(f"{person or 'nobody'} is not among the stakeholders who answer for promises")


async def settle_by(here: Installation, tx: Transaction, text: Statement) -> None:
    """What a published statement does to the open promises: it keeps those to speak again, and moves those it says so of;
    then its own are owed. Repeats do nothing."""
    now = here.clock.now()
    drafted = await promises_of(tx, text)
    for promise in await tx.commitments.list(incident=text.incident, state=CommitmentState.OPEN):
        if promise.kind is PromiseKind.UPDATE and promise.made_at != now:
            kept = CommitmentState.KEPT if now <= promise.due_at else CommitmentState.BROKEN
            reason = "spoke again in time" if kept is CommitmentState.KEPT else "spoke again, but late"
            act: Act = {"actor": "outbox", "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}
            await tx.commitments.settle(promise.id, kept, by=text.id, at=now, **act)
    by: Act = {"actor": text.author, "via": here.via, "flow_run_id": here.flow_run_id}
    struck = {p.when.due_at for p in drafted if p.stands and p.mark and p.mark.ruling is Ruling.STRUCK}
    owners = {p.when.due_at: p.mark.owner for p in drafted if p.stands and p.mark}
    for number, promised in enumerate(text.promises, start=1):
        if promised.due_at not in struck:
            await tx.commitments.add(
                Commitment(
                    id=commitment_id(text.id, text.version, number),
                    incident=text.incident,
                    statement=text.id,
                    text=promised.text,
                    due_at=promised.due_at,
                    made_at=now,
                    owner=owners.get(promised.due_at, ""),
                ),
                **by,
            )
    made = {promised.due_at for promised in text.promises}
    marks = [p.mark for p in drafted if p.mark and not (p.stands and p.mark.due_at in made)]
    confirmed = [mark for mark in marks if mark.ruling is Ruling.CONFIRMED]
    for number, mark in enumerate(confirmed, start=len(text.promises) + 1):
        await _owe(tx, text, mark, number, now, by)


async def _owe(tx: Transaction, text: Statement, mark: Mark, number: int, now: datetime, by: Act) -> None:
    if mark.due_at is None:
        return
    if mark.moves:
        moved = await tx.commitments.get(mark.moves)
        if moved.state is CommitmentState.OPEN:
            if moved.due_at != mark.due_at:
                await tx.commitments.move(moved.id, mark.due_at, text.id, **by)
            return
    await tx.commitments.add(
        Commitment(
            id=commitment_id(text.id, text.version, number),
            incident=text.incident,
            statement=text.id,
            text=mark.sentence,
            due_at=mark.due_at,
            made_at=now,
            kind=mark.kind,
            owner=mark.owner,
        ),
        **by,
    )


async def keep(here: Installation, id: str, *, by: str, evidence: str, statement: str = "") -> Commitment:
    """Say that a promise was kept, and what shows it. One that is kept late stays broken, on record as kept late.

    ``statement``: the published one that kept it.

    Raises:
        NotAllowed: the actor does not answer for promises, no evidence was given, or the statement is not published.
        NotFound: no such promise.
        ValueError: it was settled otherwise before.
    """
    return await _settle(here, id, by, evidence, statement, broken=False)


async def give_up(here: Installation, id: str, *, by: str, reason: str) -> Commitment:
    """Say that a promise was broken and will not be kept. Raises like ``keep``."""
    return await _settle(here, id, by, reason, "", broken=True)


async def _settle(here: Installation, id: str, by: str, evidence: str, statement: str, *, broken: bool) -> Commitment:
    evidence = evidence.strip()[:LONGEST_REASON]
    if not evidence:
        raise NotAllowed("say what shows it, in your own words: it goes on record")
    async with here.store.transaction() as tx:
        promise = await tx.commitments.get(id)
        await _answers(tx, promise.incident, by)
        if statement:
            said = await tx.statements.get(statement)
            out = await tx.statements.status(said.id, said.version) is StatementStatus.PUBLISHED
            if said.incident != promise.incident or not out:
                raise NotAllowed(f"{statement} is no published statement of {promise.incident}")
        now = here.clock.now()
        late = now > promise.due_at
        state = CommitmentState.BROKEN if broken or late else CommitmentState.KEPT
        reason = "it will not be kept" if broken else "kept, but late" if late else "kept in time"
        return await tx.commitments.settle(
            id,
            state,
            by=statement or by,
            at=now,
            evidence=evidence,
            actor=by,
            via=here.via,
            reason=reason,
            flow_run_id=here.flow_run_id,
        )


async def hand_to(here: Installation, id: str, owner: str, *, by: str) -> Commitment:
    """Make somebody the owner of an open promise.

    Raises:
        NotAllowed: the actor does not answer for promises, or the owner is unknown.
        NotFound: no such promise.
        ValueError: it is settled.
    """
    async with here.store.transaction() as tx:
        promise = await tx.commitments.get(id)
        await _answers(tx, promise.incident, by)
        if await tx.stakeholders.get(owner) is None:
            raise NotAllowed(f"{owner or 'nobody'} is not among the stakeholders, so nobody would see to it")
        act: Act = {"actor": by, "via": here.via, "flow_run_id": here.flow_run_id}
        return await tx.commitments.hand_to(id, owner, **act)


def still_owed(promises: Sequence[Commitment], now: datetime) -> Commitment | None:
    """The promise that keeps an incident from being closed: to speak again, or one that is overdue. Others run on, and
    are minded, after it is closed."""
    return next((p for p in promises if p.kind is PromiseKind.UPDATE or p.due_at <= now), None)


def left(promise: Commitment, now: datetime) -> timedelta:
    """How much time is left; negative when it is overdue."""
    return promise.due_at - now


def owner_of(promise: Commitment, incident: Incident) -> str:
    """Who sees to it, by e-mail address: its owner, else the lead."""
    return promise.owner or incident.lead
