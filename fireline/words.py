"""Verbs on what is said: facts, drafts, proposals, approvals, publishing, corrections, withdrawals."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from crisis.drafting import AUTHOR
from crisis.fact import Fact, FactStatus
from crisis.statement import Statement
from crisis.typed_in import CLAIM, one_line
from crisis.values import StatementKind
from fireline.errors import Stop
from fireline.incidents import Actor, Json, Reason
from fireline.pictures import Alts, Images, read_pictures
from fireline.session import session, show

if TYPE_CHECKING:
    from tasks.installation import Installation

PROGRESS_SECONDS = 5.0
Version = Annotated[int | None, Parameter(help="The version; the latest one when left out.")]
TextFile = Annotated[
    str, Parameter(name="--text", help="A file with your own text: headline, blank line, body. - is standard input.")
]


async def fact(
    incident: str,
    text: str,
    status: FactStatus = FactStatus.UNCONFIRMED,
    *,
    actor: Actor,
    id: str = "",
    evidence: str = "",
    json: Json = False,
) -> None:
    """Add a fact, or change one; proposals that relied on it as it was become void, and the template's are drafted anew.

    Args:
        incident: Such as INC-7.
        text: The claim, in one sentence.
        status: What is known about it. Only confirmed facts are stated as true.
        id: The fact to change, such as INC-7-F2; left out, a new one is added.
        evidence: Where the proof is.
    """
    from records import NotFound
    from tasks.draft import save_fact
    from tasks.first_word import renew

    text = one_line(text, "the fact", longest=CLAIM)
    async with session() as here:
        here.settings.stakeholder(actor)
        async with here.store.transaction() as tx:
            await tx.incidents.get(incident)
            known = id or await tx.facts.next_id(incident)
            if id and id not in (there := [f.id for f in await tx.facts.list(incident)]):
                has = f"it has {', '.join(there)}" if there else "it has none yet"
                raise NotFound(f"{incident} has no fact {id!r}: {has}; without --id a new one is added")
        new = Fact(
            id=known,
            incident=incident,
            text=text,
            status=status,
            owner=actor,
            evidence=evidence,
            updated_at=here.clock.now(),
        )
        voided = await save_fact(here, new, actor=actor)
        labels = [s.label for s in voided]
        renewed = [s.label for s in await renew(here, incident)]
        words = f"{known} is {status}."
        if labels:
            then = f"drafted anew and proposed: {', '.join(renewed)}" if renewed else "write a new version"
            words += f" Void now: {', '.join(labels)}; {then}."
        row = {"fact": known, "status": status.value, "voided": labels, "renewed": renewed}
        show(row, as_json=json, words=words)


def _own_text(source: str) -> str:
    if not source:
        return ""
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise Stop(f"{source}: {error.strerror or 'cannot be read'}: name a text file") from None
    except UnicodeDecodeError as error:
        raise Stop(f"{source}: byte {error.start} is not UTF-8: save the file as UTF-8") from None
    if not text.strip():
        raise Stop(f"{source}: is empty: write a headline, a blank line and the text, or leave --text out")
    return text


async def draft(
    incident: str,
    *,
    kind: StatementKind = StatementKind.UPDATE,
    actor: Actor = "",
    text: TextFile = "",
    image: Images = None,
    alt: Alts = None,
    writer: Annotated[str, Parameter(help="A configured language model is to write it, checked by rules.")] = "",
    json: Json = False,
) -> None:
    """Draft a statement from the playbook's template, or take your own text as a new version; with pictures, if you like.

    With --writer a language model drafts from the facts on record; what it writes is checked, and thrown away when it
    holds a number, name, cause or promise that is not on record.

    Args:
        incident: Such as INC-7.
        kind: What the statement is for.
    """
    from tasks import draft as drafting
    from tasks.linting import blocking

    own, pictures = read_pictures(_own_text(text), text, image, alt)
    if (own or pictures) and not actor:
        raise Stop("a text or picture of your own needs your name: add --as and your e-mail address")
    if own and writer:
        raise Stop("--text and --writer are two authors: choose one")
    if pictures and writer:
        raise Stop("a --writer gives words alone: give the pictures when you propose them")
    async with session() as here:
        if actor:
            here.settings.stakeholder(actor)
        author = actor if own or pictures else AUTHOR
        if writer:
            own, author = await _by_writer(here, incident, kind, writer), f"writer:{writer}"
        statement = await drafting.draft(here, incident, kind, author=author, text=own, pictures=pictures)
        body = f"{statement.label} ({kind}):\n\n{statement.headline}\n\n{statement.body}\n{_shown(statement)}"
        stops = await blocking(here, statement)
        then = f"fireline propose {statement.id} --as YOU"
        if stops:
            then = f"lint blocks it ({', '.join(stops)}): fireline draft {incident} --kind {kind} --text FILE --as YOU"
        words = f"{body}\nNext: {then}"
        row = statement.model_dump(mode="json", include={"id", "version", "headline", "body", "content_hash", "media"})
        show(row, as_json=json, words=words)


async def _by_writer(here: "Installation", incident: str, kind: StatementKind, writer: str) -> str:
    from integrations import IntegrationError
    from tasks.write import NotUsable, written

    try:
        return await written(here, incident, kind, writer)
    except (NotUsable, IntegrationError) as error:
        instead = f"fireline draft {incident} --kind {kind}"
        raise Stop(f"{error}. The template still stands: {instead}", 1) from None


def _shown(statement: Statement) -> str:
    """A statement's pictures in words, and which channels carry them."""
    lines = []
    for picture in statement.media:
        names = [r.target.channel for r in statement.renderings if picture.sha256 in {p.sha256 for p in r.media}]
        what = f"{picture.media_type.suffix.upper()}, {picture.width} × {picture.height}"
        lines.append(
            f"\nPicture ({what}) on {', '.join(names) or 'no channel'}: {picture.alt or 'no alternative text'}\n"
        )
    return "".join(lines)


async def correct(
    statement: str,
    *,
    actor: Actor,
    text: TextFile = "",
    image: Images = None,
    alt: Alts = None,
    json: Json = False,
) -> None:
    """Draft a correction that goes, as an answer to the very post, to every target that carries the text.

    Args:
        statement: The statement that carried the error, such as INC-7-S1.
    """
    from tasks import draft as drafting

    own, pictures = read_pictures(_own_text(text), text, image, alt)
    async with session() as here:
        here.settings.stakeholder(actor)
        async with here.store.reading() as tx:
            wrong = await tx.statements.get(statement)
        made = await drafting.draft(
            here,
            wrong.incident,
            StatementKind.CORRECTION,
            author=actor if own or pictures else AUTHOR,
            text=own,
            corrects=statement,
            pictures=pictures,
        )
        targets = [r.target.channel for r in made.renderings]
        words = (
            f"{made.label} corrects {statement} on {', '.join(targets)}:\n\n{made.headline}\n\n{made.body}\n\n"
            f"Next: fireline propose {made.id} --as YOU"
        )
        show({"id": made.id, "version": made.version, "targets": targets, "body": made.body}, as_json=json, words=words)


async def propose(
    statement: str,
    *,
    actor: Actor,
    version: Version = None,
    image: Images = None,
    alt: Alts = None,
    json: Json = False,
) -> None:
    """Ask for the approvals that the playbook wants; each approver gets a signed link.

    With pictures, the same text becomes a new version of yours that carries them, and that is proposed.

    Args:
        statement: Such as INC-7-S1.
    """
    from tasks import approve as approval
    from tasks.draft import with_pictures

    _, pictures = read_pictures("", "", image, alt)
    async with session() as here:
        here.settings.stakeholder(actor)
        async with here.store.reading() as tx:
            found = await tx.statements.get(statement, version)
        if pictures:
            found = await with_pictures(here, found, pictures, author=actor)
        await approval.propose(here, found, by=actor)
        standing = await approval.standing_of(here, found.id, found.version)
        words = f"{found.label} is proposed; it {'was ' if standing.approved else ''}{standing.says}."
        show({"id": found.id, "version": found.version, "missing": standing.missing}, as_json=json, words=words)


async def approve(
    statement: str,
    *,
    actor: Actor,
    role: str,
    version: Version = None,
    return_it: Annotated[bool, Parameter(name="--return", negative="", help="Send it back instead.")] = False,
    reason: str = "",
    json: Json = False,
) -> None:
    """Approve a statement, or return it. The last approval publishes at once.

    Args:
        statement: Such as INC-7-S1.
        role: The role in which you decide.
        reason: Needed when you return it.
    """
    from crisis.approval import Verdict, Via
    from tasks.approve import decide

    if return_it and not reason.strip():
        raise Stop("the reason is empty: say with --reason what must change, in your own words")
    async with session() as here:
        async with here.store.reading() as tx:
            found = await tx.statements.get(statement, version)
        standing = await decide(
            here,
            statement=found.id,
            version=found.version,
            content_hash=found.content_hash,
            approver=here.settings.stakeholder(actor).email,
            role=role,
            verdict=Verdict.RETURN if return_it else Verdict.APPROVE,
            via=Via.CLI,
            reason=reason,
        )
        async with here.store.reading() as tx:
            deliveries = await tx.outbox.list(statement=found.id, version=found.version)
        states = {d.rendering.target.channel: d.state.value for d in deliveries}
        words = f"{found.label}: {standing.says}." + "".join(f"\n  {name}: {state}" for name, state in states.items())
        row = {"id": found.id, "version": found.version, "approved": standing.approved, "missing": standing.missing}
        show(row | {"deliveries": states}, as_json=json, words=words)


async def publish(statement: str, *, version: Version = None, json: Json = False) -> int:
    """Publish an approved statement, or finish publishing it; what was delivered is not sent again.

    Args:
        statement: Such as INC-7-S1.
    """
    from crisis.delivery import Purpose
    from crisis.mailing import of_counts
    from tasks.publish import finish, mail_on, publish_statement

    async with session() as here:
        async with here.store.reading() as tx:
            found = await tx.statements.get(statement, version)
        progress = asyncio.create_task(_tell_of_mailings(here, found.id, found.version))
        try:
            await publish_statement(here, found.id, found.version)
            if await mail_on(here, found.id, found.version):
                await finish(here, found.id, found.version)
        finally:
            progress.cancel()
        async with here.store.reading() as tx:
            deliveries = await tx.outbox.list(statement=found.id, version=found.version, purpose=Purpose.STATEMENT)
            mailed = await tx.mailings.counts_of(d.id for d in deliveries)
        for d in deliveries:
            url = d.receipt.url if d.receipt else ""
            row: dict[str, Any] = {"delivery": d.id, "channel": d.rendering.target.channel, "state": d.state.value}
            row["url"] = url
            words = f"{d.rendering.target.channel}: {d.state} {url or d.problem}".rstrip()
            if counts := mailed.get(d.id):
                row["recipients"] = {state.value: number for state, number in counts.items()}
                words = f"{d.rendering.target.channel}: {d.state}: {of_counts(counts)} (fireline mailing {d.id})"
            show(row | {"problem": d.problem}, as_json=json, words=words)
        return 0 if all(d.arrived for d in deliveries) else 1


async def _tell_of_mailings(here: "Installation", statement: str, version: int) -> None:
    """Say on stderr how mailings stand while they go out."""
    from crisis.mailing import of_counts

    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        async with here.store.reading() as tx:
            planned = await tx.outbox.list(statement=statement, version=version)
            for delivery, counts in (await tx.mailings.counts_of(d.id for d in planned)).items():
                print(f"{delivery}: {of_counts(counts)}", file=sys.stderr)


async def withdraw(statement: str, *, actor: Actor, reason: Reason, version: Version = None, json: Json = False) -> int:
    """Take a text back from every target that carries it; what cannot be taken back is named.

    Args:
        statement: Such as INC-7-S1.
    """
    from tasks import withdraw as withdrawing

    async with session() as here:
        here.settings.stakeholder(actor)
        async with here.store.reading() as tx:
            found = await tx.statements.get(statement, version)
        deliveries = await withdrawing.withdraw(here, found.id, found.version, actor=actor, reason=reason)
        for d in deliveries:
            row = {"delivery": d.id, "channel": d.rendering.target.channel, "withdrawn": d.arrived}
            words = f"{d.rendering.target.channel}: {'withdrawn' if d.arrived else d.problem}"
            show(row | {"problem": d.problem}, as_json=json, words=words)
        return 0 if all(d.arrived for d in deliveries) else 1


async def answer(
    delivery: str,
    *,
    actor: Actor,
    reason: Reason,
    arrived: Annotated[
        bool, Parameter(name="--arrived", negative="--send-again", help="It is there, or: send it again.")
    ],
    recipient: Annotated[
        tuple[str, ...], Parameter(help="Of a mailing: only this recipient. May be given several times.")
    ] = (),
    json: Json = False,
) -> None:
    """Say what became of an unknown delivery, after looking at the platform yourself.

    --send-again sends a second time: if the first did arrive, it is there twice. Of a mailing it is about the
    recipients that are unknown.

    Args:
        delivery: The delivery's id, as the desk shows it.
    """
    from tasks.deliver import answer_unknown
    from tasks.publish import finish

    async with session() as here:
        here.settings.stakeholder(actor)
        after = await answer_unknown(here, delivery, arrived=arrived, actor=actor, reason=reason, recipients=recipient)
        if after.statement:
            await finish(here, after.statement, after.version)
        show(
            {"delivery": delivery, "state": after.state.value},
            as_json=json,
            words=f"{after.rendering.target.channel}: {after.state}",
        )
