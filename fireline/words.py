"""Verbs on what is said: drafts, proposals, approvals, publishing, corrections, withdrawals."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from crisis.drafting import AUTHOR
from crisis.internal import InternalKind
from crisis.statement import Statement
from crisis.tongues import name_of
from crisis.values import StatementKind
from fireline.errors import Stop
from fireline.incidents import Actor, Json, Reason
from fireline.pictures import Alts, Images, read_pictures
from fireline.session import session, show

if TYPE_CHECKING:
    from tasks.installation import Installation

Version = Annotated[int | None, Parameter(help="The version; the latest one when left out.")]
Language = Annotated[
    str, Parameter(help="ISO 639-1 code of whom it is for, such as de; left out, what its channels say.")
]
TextFile = Annotated[
    str,
    Parameter(
        name="--text",
        allow_leading_hyphen=True,
        help="A file with your own text: headline, blank line, body. - is standard input.",
    ),
]


def own_text(source: str) -> str:
    """The text of a file, or of standard input; empty where none is named."""
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
    kind: StatementKind | InternalKind = StatementKind.UPDATE,
    language: Language = "",
    actor: Actor = "",
    text: TextFile = "",
    image: Images = None,
    alt: Alts = None,
    writer: Annotated[str, Parameter(help="A configured language model is to write it, checked by rules.")] = "",
    json: Json = False,
) -> None:
    """Draft a statement from the playbook's template, or take your own text as a new version; with pictures, if you like.

    The kinds brief, macro, faq and executive are for inside: for colleagues, support, whoever is asked, and executives.
    They are printed for you to hand on, and can be neither proposed nor published.

    With --writer a language model drafts from the facts on record; what it writes is checked, and thrown away when it
    holds a number, name, cause or promise that is not on record.

    Args:
        incident: Such as INC-7.
        kind: What the text is for.
    """
    from tasks import draft as drafting

    if language and not (language.isascii() and language.isalpha() and language.islower() and len(language) in (2, 3)):
        raise Stop(f"--language {language}: a language is two or three small letters (ISO 639), such as de for German")
    if isinstance(kind, InternalKind):
        if text or image or alt or writer:
            raise Stop(f"a {kind} is written from the facts by its template: leave --text, --image and --writer out")
        return await _internal(incident, kind, language, actor, as_json=json)
    own, pictures = read_pictures(own_text(text), text, image, alt)
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
            own, author = await _by_writer(here, incident, kind, writer, language), f"writer:{writer}"
        statement = await drafting.draft(
            here, incident, kind, author=author, text=own, pictures=pictures, language=language
        )
        await _show_draft(here, statement, as_json=json)
    return None


_SHOWN = {"id", "version", "headline", "body", "content_hash", "media", "language", "wanted_language"}


async def _show_draft(here: "Installation", statement: Statement, *, as_json: bool) -> None:
    """A draft with why it says what it says, and what to do next."""
    from tasks.advise import in_words, reason_in
    from tasks.linting import blocking

    kind = statement.kind
    words = f"{statement.label} ({kind}):\n\n{statement.headline}\n\n{statement.body}\n{_shown(statement)}"
    if statement.wanted_language:
        lacks = name_of(statement.wanted_language)
        words += f"\nThere is no {lacks} template for {kind}: the text is English and says so in {lacks}.\n"
    async with here.store.reading() as tx:
        reasoning = await reason_in(tx, statement)
    words += f"\n{in_words(reasoning, statement)}\n"
    stops = await blocking(here, statement)
    then = f"fireline propose {statement.id} --as YOU"
    if stops:
        again = f"fireline draft {statement.incident} --kind {kind} --text FILE --as YOU"
        then = f"lint blocks it ({', '.join(stops)}): {again}"
    row = statement.model_dump(mode="json", include=_SHOWN)
    row |= {"blocked_by": stops, "doctrine": reasoning.model_dump(mode="json")}
    show(row, as_json=as_json, words=f"{words}\nNext: {then}")


async def _internal(incident: str, kind: InternalKind, language: str, actor: str, *, as_json: bool) -> None:
    from tasks.internal import write_internal

    async with session() as here:
        if actor:
            here.settings.stakeholder(actor)
        written, missing = await write_internal(here, incident, kind, language=language, actor=actor or AUTHOR)
        words = f"{written.headline}\n\n{written.body}" + (f"\n\n{missing}" if missing else "")
        show(written.model_dump(mode="json", exclude={"facts"}), as_json=as_json, words=words)


async def _by_writer(here: "Installation", incident: str, kind: StatementKind, writer: str, language: str) -> str:
    from integrations import IntegrationError
    from tasks.write import NotUsable, written

    try:
        return await written(here, incident, kind, writer, language=language)
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

    own, pictures = read_pictures(own_text(text), text, image, alt)
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
    confirm_promises: Annotated[
        bool, Parameter(negative="", help="Whatever it promises by a named time is owed.")
    ] = False,
    json: Json = False,
) -> None:
    """Ask for the approvals that the playbook wants; each approver gets a signed link.

    Refused while a promise in it is neither confirmed nor struck (`fireline promise`).

    With pictures, the same text becomes a new version of yours that carries them, and that is proposed.

    Args:
        statement: Such as INC-7-S1.
    """
    from tasks import approve as approval
    from tasks.draft import with_pictures
    from tasks.promises import confirm_found

    _, pictures = read_pictures("", "", image, alt)
    async with session() as here:
        here.settings.stakeholder(actor)
        async with here.store.reading() as tx:
            found = await tx.statements.get(statement, version)
        if pictures:
            found = await with_pictures(here, found, pictures, author=actor)
        if confirm_promises:
            await confirm_found(here, found, by=actor)
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
        await publish_statement(here, found.id, found.version)
        if await mail_on(here, found.id, found.version):
            await finish(here, found.id, found.version)
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
