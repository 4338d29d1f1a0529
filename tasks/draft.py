"""Drafting: from the incident, its confirmed facts and the playbook to a statement version, and corrections of what was said.

A draft that exists is not drafted again: repeats find it. Text may come from the template or from a person.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from crisis import drafting
from crisis.approval import NotAllowed
from crisis.drafting import Outlet
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident
from crisis.pictures import Picture
from crisis.statement import Statement
from crisis.typed_in import CLAIM, one_line
from crisis.values import StatementKind
from crisis.watch import Watch
from records import NotFound, StatementStatus, Transaction
from tasks.installation import Installation
from tasks.linting import SAID
from tasks.mailing import audience_options
from tasks.outlets import NothingToCorrect, outlets_again, outlets_for
from tasks.pictures import Read

DEAD = frozenset({StatementStatus.RETURNED, StatementStatus.VOIDED, StatementStatus.EXPIRED, StatementStatus.WITHDRAWN})
"""Statuses of a version that will never be published (again): a new draft becomes the next version."""


async def draft(
    here: Installation,
    incident_id: str,
    kind: StatementKind,
    *,
    author: str = drafting.AUTHOR,
    text: str = "",
    corrects: str = "",
    again: bool = False,
    pictures: Sequence[Read] = (),
    language: str = "en",
    channels: Collection[str] = (),
    onto: str | None = None,
) -> Statement:
    """The statement of that kind for an incident: the one that is on its way, or a new one.

    ``text`` (headline, blank line, body) is a person's; without it the playbook's template speaks. ``again`` makes a new
    statement or version even when one exists: always so for a person's text and for ``pictures``, which go to every
    channel that takes some; what was taken out of their files goes on record. A channel that takes nothing without a
    picture is left out when there is none. ``channels`` are those that it goes to, instead of the playbook's; a correction
    goes wherever the wrong text is. ``onto`` is what the author had before them (``place_of``).

    Raises:
        WrittenMeanwhile: somebody else has written a version since ``onto``, or it was published since.
        NothingToCorrect: for a correction, when no target carries ``corrects``.
        crisis.drafting.NotADraft: ``text`` has no headline or no body.
        crisis.rendering.DoesNotFit: it, or a picture, cannot be shown on one of the targets.
    """
    again = again or bool(pictures)
    media = tuple(read.picture for read in pictures)
    lists = {} if corrects else await audience_options(here)
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        latest, status = await latest_of(tx, incident_id, kind, corrects)
        if onto is not None and onto != place_of(latest, status):
            raise WrittenMeanwhile(latest, status)
        if latest and not again and not text and status not in DEAD:
            return latest
        ongoing = latest and status is not StatementStatus.PUBLISHED and (bool(text or media) or not again)
        statement_id, version = (
            (latest.id, latest.version + 1) if latest and ongoing else (await tx.statements.next_id(incident_id), 1)
        )
        watch = await tx.watches.get(incident.watch)
        wrong = await tx.statements.get(corrects) if corrects else None
        outlets = (
            await outlets_again(tx, here, wrong)
            if wrong
            else await outlets_for(tx, here, incident, kind, lists, pictures=bool(media), only=channels)
        )
        known = tuple(await tx.facts.list(incident_id))
        if wrong and not text and not drafting.mended(wrong, known):
            raise NothingToCorrect(
                f"nothing on record says what was wrong in {wrong.label}: change the fact it relied on first "
                f"(fireline fact {incident_id} … --id ID), or write the correction yourself (--text FILE)"
            )
        statement = _written(
            here, incident, watch, kind, known, outlets, statement_id, version, author, text, wrong, media, language
        )
        said = "; ".join(read.says for read in pictures if read.says)
        await tx.statements.add(statement, actor=author, via=here.via, reason=said, flow_run_id=here.flow_run_id)
        if latest and ongoing and status in (StatementStatus.DRAFT, StatementStatus.PROPOSED, StatementStatus.APPROVED):
            await _void(here, tx, latest, by=author, why=f"replaced by {statement.label}")
    return statement


class WrittenMeanwhile(NotAllowed):
    """The text under somebody's hands is not the latest any more; nothing was stored."""

    def __init__(self, latest: Statement | None, status: StatementStatus | None) -> None:
        self.latest = latest
        if latest is None:
            says = "what you were changing is not there any more"
        elif status is StatementStatus.PUBLISHED:
            says = f"{latest.label} was published while you were writing: saving now makes a new statement"
        else:
            says = f"{latest.label} was saved by {latest.author} while you were writing"
        super().__init__(says)


def place_of(latest: Statement | None, status: StatementStatus | None) -> str:
    """What a new version would be written onto: a word for the latest version and whether it is out."""
    if latest is None:
        return ""
    return f"{latest.id}/{latest.version}{'/out' if status is StatementStatus.PUBLISHED else ''}"


async def latest_of(
    tx: Transaction, incident: str, kind: StatementKind, corrects: str = ""
) -> tuple[Statement | None, StatementStatus | None]:
    """The latest version of the latest statement of a kind, and where it stands."""
    found = [s for s in await tx.statements.list(incident) if s.kind is kind and s.corrects == corrects]
    latest = found[-1] if found else None
    return latest, await tx.statements.status(latest.id, latest.version) if latest else None


async def suggested(here: Installation, incident_id: str, kind: StatementKind, corrects: str = "") -> str:
    """What the playbook's template says now (headline, blank line, body); nothing is stored.

    Raises:
        records.NotFound: there is no such incident, or no such statement to correct.
    """
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        watch = await tx.watches.get(incident.watch)
        wrong = await tx.statements.get(corrects) if corrects else None
        facts = tuple(await tx.facts.list(incident_id))
    return _by_template(here, incident, kind, _context(here, incident, watch, kind, facts, wrong))


async def void(here: Installation, statement: Statement, *, actor: str, reason: str) -> None:
    """Take a version that is proposed or approved, and not out, back from its approvers.

    Raises:
        NotAllowed: it waits for nobody, or the actor neither wrote it nor leads the incident.
    """
    async with here.store.transaction() as tx:
        status = await tx.statements.status(statement.id, statement.version)
        incident = await tx.incidents.get(statement.incident)
        person = await tx.stakeholders.get(actor)
        leads = actor == incident.lead or (person is not None and "incident_lead" in person.roles)
        if status not in (StatementStatus.DRAFT, StatementStatus.PROPOSED):
            raise NotAllowed(f"{statement.label} is {status.value}: there is nothing to take back from its approvers")
        if person is None or not (leads or actor == statement.author):
            raise NotAllowed(f"{actor or 'nobody'} neither wrote {statement.label} nor leads {incident.id}")
        await _void(here, tx, statement, by=actor, why=reason)


async def _void(here: Installation, tx: Transaction, statement: Statement, *, by: str, why: str) -> None:
    await tx.statements.set_status(
        statement.id,
        statement.version,
        StatementStatus.VOIDED,
        actor=by,
        via=here.via,
        reason=why,
        flow_run_id=here.flow_run_id,
    )


async def with_pictures(
    here: Installation, statement: Statement, pictures: Sequence[Read], *, author: str
) -> Statement:
    """A new version of a statement: the same words, with ``pictures`` instead of those it had.

    Raises:
        NotAllowed: it was published, or is not the latest of its kind.
        crisis.rendering.DoesNotFit: a picture cannot be shown on one of the targets.
    """
    async with here.store.reading() as tx:
        of_kind = [s for s in await tx.statements.list(statement.incident) if s.kind is statement.kind]
        latest = [s for s in of_kind if s.corrects == statement.corrects][-1]
        status = await tx.statements.status(statement.id, statement.version)
    if (latest.id, latest.version) != (statement.id, statement.version) or status in SAID:
        why = f"it is {status}" if status in SAID else f"there is {latest.label} since"
        raise NotAllowed(f"{statement.label} cannot be given pictures, because {why}: draft a new statement with them")
    text = f"{statement.headline}\n\n{statement.body}"
    return await draft(
        here,
        statement.incident,
        statement.kind,
        author=author,
        text=text,
        corrects=statement.corrects,
        pictures=pictures,
        language=statement.language,
    )


async def draft_for_response(here: Installation, incident_id: str, kind: StatementKind) -> Statement:
    """What a response proposes by itself: the draft on its way, or a new one; one that was returned waits for a person.

    The template's words must not come back to the people who have just returned them. Raises like ``draft``.
    """
    async with here.store.reading() as tx:
        for statement in await tx.statements.list(incident_id):
            status = await tx.statements.status(statement.id, statement.version)
            if statement.kind is kind and status is StatementStatus.RETURNED:
                return statement
    return await draft(here, incident_id, kind)


def _written(
    here: Installation,
    incident: Incident,
    watch: Watch,
    kind: StatementKind,
    facts: tuple[Fact, ...],
    outlets: list[Outlet],
    statement_id: str,
    version: int,
    author: str,
    text: str,
    wrong: Statement | None,
    media: tuple[Picture, ...],
    language: str,
) -> Statement:
    playbook = here.playbook(incident.assessment.type)
    context = _context(here, incident, watch, kind, facts, wrong)
    now = here.clock.now()
    text = text or _by_template(here, incident, kind, context)
    headline, body = drafting.headline_and_body(text)
    return drafting.propose_statement(
        id=statement_id,
        version=version,
        kind=kind,
        incident=incident,
        facts=drafting.confirmed(facts),
        headline=headline,
        body=body,
        outlets=outlets,
        audience=playbook.audience,
        now=now,
        author=author,
        language=language,
        promises=drafting.promises_in(body, context["next_update"], context["next_update_says"]),
        corrects=wrong.id if wrong else "",
        media=media,
    )


def _context(
    here: Installation,
    incident: Incident,
    watch: Watch,
    kind: StatementKind,
    facts: tuple[Fact, ...],
    wrong: Statement | None,
) -> dict[str, Any]:
    return drafting.template_context(
        kind=kind,
        incident=incident,
        facts=facts,
        watch=watch,
        playbook=here.playbook(incident.assessment.type),
        now=here.clock.now(),
        organisation=here.settings.organisation,
        contact=here.settings.voice.contact_url,
        sign_off=here.settings.voice.sign_off,
        corrected=wrong,
    )


def _by_template(here: Installation, incident: Incident, kind: StatementKind, context: dict[str, Any]) -> str:
    name = drafting.template_name(here.playbook(incident.assessment.type), kind, here.templates.names)
    return here.templates.render(here.templates.choose(name, incident.assessment.strategy), **context)


async def save_fact(here: Installation, fact: Fact, *, actor: str, reason: str = "") -> list[Statement]:
    """Store a new or changed fact; proposals that rely on it as it was are void. Returns the voided statements.

    Raises:
        crisis.typed_in.NotOneLine: its text is blank, too long, or holds what cannot be shown.
        records.NotFound: its id is that of another incident's fact.
    """
    fact = fact.model_copy(update={"text": one_line(fact.text, "the fact", longest=CLAIM)})
    voided = []
    async with here.store.transaction() as tx:
        if any(earlier.incident != fact.incident for earlier in await tx.facts.history(fact.id)):
            raise NotFound(f"{fact.id} is not a fact of {fact.incident}")
        await tx.facts.put(fact, actor=actor, via=here.via, reason=reason)
        for proposal in await tx.statements.open_proposals(fact.incident):
            statement = await tx.statements.get(proposal.statement, proposal.version)
            if fact.material and _relied_differently(statement.facts, fact):
                why = f"fact {fact.id} has changed: {fact.status}: {fact.text}"
                await _void(here, tx, statement, by=actor, why=why)
                voided.append(statement)
    return voided


def _relied_differently(facts: Iterable[Fact], changed: Fact) -> bool:
    for fact in facts:
        if fact.id == changed.id:
            return (fact.text, fact.status) != (changed.text, changed.status)
    return changed.status is not FactStatus.UNCONFIRMED
