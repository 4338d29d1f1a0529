"""Drafting: from the incident, its confirmed facts and the playbook to a statement version, and corrections of what was said.

A draft that exists is not drafted again: repeats find it. Text may come from the template or from a person.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from crisis import drafting
from crisis.approval import NotAllowed
from crisis.delivery import DeliveryState, Purpose
from crisis.drafting import Outlet
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident
from crisis.pictures import Picture
from crisis.playbook import Playbook
from crisis.statement import Promise, Statement, Target
from crisis.tongues import ENGLISH, only_in_english
from crisis.typed_in import CLAIM, one_line
from crisis.values import StatementKind
from crisis.voice import in_voice
from crisis.watch import Watch
from records import NotFound, StatementStatus, Transaction
from records.work import Act
from tasks.binding import what_changed
from tasks.doubt import in_doubt, mark_doubts
from tasks.installation import Installation
from tasks.linting import SAID
from tasks.mailing import audience_options
from tasks.outlets import NothingToCorrect, languages_for, outlets_again, outlets_for, page_outlets
from tasks.pictures import Read

DEAD = frozenset({StatementStatus.RETURNED, StatementStatus.VOIDED, StatementStatus.EXPIRED, StatementStatus.WITHDRAWN})
"""Statuses of a version that will never be published (again): a new draft becomes the next version."""


TAKEN_BACK = "taken_back"
"""What the record of a proposal says that a person took back from its approvers."""


@dataclass(frozen=True)
class Answering:
    """What a statement answers."""

    questions: tuple[str, ...]
    """Ids of the questions."""
    facts: frozenset[str] | None = None
    """Ids of the facts that it states; None for a person's text, which may rest on any."""
    promises: tuple[Promise, ...] = ()
    """When more is said about those that nobody can answer yet."""
    page: str = ""
    """HTML of the page of all answers, where it is a version of that; it goes only to channels that keep such a page."""


@dataclass(frozen=True)
class _Brief:
    """What one version is written from: the case, which is all that a template needs, and what a person or a caller adds."""

    incident: Incident
    watch: Watch
    kind: StatementKind
    facts: tuple[Fact, ...]
    """Every fact of the incident, of any status."""
    wrongs: tuple[Statement, ...]
    """What a correction corrects, that which was asked for last."""
    language: str
    """Its readers'."""
    id: str = ""
    version: int = 1
    author: str = drafting.AUTHOR
    text: str = ""
    """A person's; without it the template speaks."""
    spoken: str = ""
    """The language of a person's text."""
    outlets: tuple[Outlet, ...] = ()
    media: tuple[Picture, ...] = ()
    answering: Answering | None = None


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
    only_to: frozenset[Target] | None = None,
    language: str = "",
    channels: Collection[str] = (),
    onto: str | None = None,
    answering: Answering | None = None,
) -> Statement:
    """The statement of that kind for an incident: the one that is on its way, or a new one.

    ``text`` (headline, blank line, body) is a person's; without it the playbook's template speaks. ``again`` makes a new
    statement or version even when one exists: always so for a person's text and for ``pictures``, which go to every
    channel that takes some; what was taken out of their files goes on record. A channel that takes nothing without a
    picture is left out when there is none. A draft of the template whose facts have changed since is replaced.

    A template's correction speaks for every published statement of the incident that no longer holds, and goes to every
    target that carries one of them; ``only_to``: only to these.

    ``language`` is its readers' (left out: the first that its channels name, for a correction that of the wrong text). Where
    no template speaks it, the template's text is English under a line in that language that says so.

    ``channels`` are those that it goes to, instead of the playbook's; a correction goes wherever the wrong text is.
    ``onto`` is what the author had before them (``place_of``). ``answering``: it answers these questions, in a statement of
    its own beside the answers to others.

    Raises:
        WrittenMeanwhile: somebody else has written a version since ``onto``, or it was published since.
        NotAllowed: for a reply, which ``tasks.reply_drafts`` drafts.
        NothingToCorrect: for a correction, when no target carries ``corrects``.
        crisis.drafting.NotADraft: ``text`` has no headline or no body.
        crisis.rendering.DoesNotFit: it, or a picture, cannot be shown on one of the targets.
    """
    if kind is StatementKind.REPLY:
        raise NotAllowed("a reply answers single posts: `fireline reply`, or the incident's page of people")
    again = again or bool(pictures)
    media = tuple(read.picture for read in pictures)
    lists = {} if corrects else await audience_options(here)
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        wrong = await tx.statements.get(corrects) if corrects else None
        if wrong and wrong.incident != incident_id:
            raise NotFound(f"{corrects} is not a statement of {incident_id}")
        spoken, language = language, wrong.readers_language if wrong else language
        language = language or languages_for(here, incident, kind)[0]
        latest, status = await before_author(tx, onto or "", incident_id, kind, language, corrects, answering)
        if onto and latest and latest.answers:
            answering = Answering(questions=latest.answers)
        if onto and latest and not wrong and spoken == latest.language:
            language = latest.readers_language  # its words were changed, not whom it is for
        if onto is not None and onto != place_of(latest, status):
            raise WrittenMeanwhile(latest, status)
        if latest and not again and not text and status not in DEAD and not await _is_stale(tx, latest, status):
            return latest
        ongoing = latest and status is not StatementStatus.PUBLISHED and (bool(text or media) or not again)
        if latest and ongoing and status is StatementStatus.APPROVED and await _is_handed_over(tx, latest):
            raise NotAllowed(
                f"{latest.label} has all its approvals and is on its way out: it cannot be replaced any more. Once it is "
                "out, correct it or withdraw it"
            )
        statement_id, version = (
            (latest.id, latest.version + 1) if latest and ongoing else (await tx.statements.next_id(incident_id), 1)
        )
        watch = await tx.watches.get(incident.watch)
        wrongs = await _wrong_too(tx, incident_id, wrong, alone=bool(text)) if wrong else ()
        outlets = (
            [o for o in await outlets_again(tx, here, wrongs) if only_to is None or o.target in only_to]
            if wrong
            else await outlets_for(
                tx, here, incident, kind, lists, pictures=bool(media), language=language, only=channels
            )
            if answering is None or not answering.page
            else page_outlets(here, incident_id)
        )
        if channels and not outlets:
            raise NotAllowed(f"none of {', '.join(channels)} takes a text without a picture: choose another channel")
        known = tuple(await tx.facts.list(incident_id))
        if wrong and not text and not drafting.mended(wrongs, known):
            raise NothingToCorrect(
                f"nothing on record says what was wrong in {wrong.label}: change the fact it relied on first "
                f"(fireline fact {incident_id} … --id ID), or write the correction yourself (--text FILE)"
            )
        brief = _Brief(
            incident=incident,
            watch=watch,
            kind=kind,
            facts=known,
            wrongs=wrongs,
            language=language,
            id=statement_id,
            version=version,
            author=author,
            text=text,
            spoken=spoken or language,
            outlets=tuple(outlets),
            media=media,
            answering=answering,
        )
        statement = _written(here, brief)
        said = "; ".join(read.says for read in pictures if read.says)
        await tx.statements.add(statement, actor=author, via=here.via, reason=said, flow_run_id=here.flow_run_id)
        if latest and ongoing and status in (StatementStatus.DRAFT, StatementStatus.PROPOSED, StatementStatus.APPROVED):
            why = f"replaced by {statement.label}"
            await _void(here, tx, latest, by=author, why=why, data={"replaced_by": statement.label})
    return statement


async def is_taken_back(tx: Transaction, statement: Statement, status: StatementStatus | None) -> bool:
    """Whether a person took a proposal back from its approvers: then people write what comes next, and no template."""
    if status is not StatementStatus.VOIDED:
        return False
    voided = await tx.ledger.list(kind="statement.voided", incident=statement.incident)
    own = [
        r.data for r in voided if (r.data.get("statement"), r.data.get("version")) == (statement.id, statement.version)
    ]
    return bool(own and own[-1].get(TAKEN_BACK))


async def _is_handed_over(tx: Transaction, statement: Statement) -> bool:
    """Whether a channel has it, or may get it yet."""
    planned = await tx.outbox.list(statement=statement.id, version=statement.version, purpose=Purpose.STATEMENT)
    return any(d.state is not DeliveryState.REFUSED for d in planned)


async def _is_stale(tx: Transaction, latest: Statement, status: StatementStatus | None) -> bool:
    """Whether it is the template's own draft, nobody was asked about it, and what it relied on has changed."""
    ours = status is StatementStatus.DRAFT and latest.author == drafting.AUTHOR
    return ours and bool(await what_changed(tx, latest))


async def _wrong_too(tx: Transaction, incident_id: str, wrong: Statement, *, alone: bool) -> tuple[Statement, ...]:
    """What a correction of ``wrong``, which comes last, corrects besides: every published text that no longer holds."""
    doubts = () if alone else await in_doubt(tx, incident_id)
    language = wrong.readers_language
    also = (d.statement for d in doubts if d.statement.id != wrong.id and d.statement.readers_language == language)
    return (*also, wrong)


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
    tx: Transaction,
    incident: str,
    kind: StatementKind,
    language: str,
    corrects: str = "",
    answering: Answering | None = None,
) -> tuple[Statement | None, StatementStatus | None]:
    """The latest version of the latest statement of a kind for readers of a language, and where it stands; of answers to
    questions, those to the same ones."""
    of_kind = [s for s in await tx.statements.list(incident) if s.kind is kind and s.corrects == corrects]
    of_kind = [s for s in of_kind if _about_the_same(s, answering)]
    found = [s for s in of_kind if s.readers_language == language]
    latest = found[-1] if found else None
    return latest, await tx.statements.status(latest.id, latest.version) if latest else None


def _about_the_same(statement: Statement, answering: Answering | None) -> bool:
    if answering is None:
        return not statement.answers and not statement.page
    if answering.page or statement.page:
        return bool(answering.page) and statement.page
    return set(statement.answers) == set(answering.questions)


async def before_author(
    tx: Transaction,
    onto: str,
    incident: str,
    kind: StatementKind,
    language: str,
    corrects: str = "",
    answering: Answering | None = None,
) -> tuple[Statement | None, StatementStatus | None]:
    """What a text is written onto: the statement that its author had before them, whose language they may change; without
    one, the latest for readers of its language."""
    if not onto:
        return await latest_of(tx, incident, kind, language, corrects, answering)
    latest = await tx.statements.get(onto.partition("/")[0])
    if (latest.incident, latest.kind, latest.corrects) != (incident, kind, corrects):
        raise NotFound(f"{latest.id} is no {kind} of {incident}")
    return latest, await tx.statements.status(latest.id, latest.version)


async def suggested(
    here: Installation, incident_id: str, kind: StatementKind, language: str, corrects: str = ""
) -> str:
    """What the playbook's template says now (headline, blank line, body); nothing is stored.

    Raises:
        records.NotFound: there is no such incident, or no such statement to correct.
    """
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        watch = await tx.watches.get(incident.watch)
        wrong = await tx.statements.get(corrects) if corrects else None
        wrongs = await _wrong_too(tx, incident_id, wrong, alone=False) if wrong else ()
        facts = tuple(await tx.facts.list(incident_id))
    brief = _Brief(incident=incident, watch=watch, kind=kind, facts=facts, wrongs=wrongs, language=language)
    text, _ = _by_template(here, brief)
    return text


async def void(here: Installation, statement: Statement, *, actor: str, reason: str) -> None:
    """Take a version that is proposed or approved, and not out, back from its approvers.

    Raises:
        NotAllowed: it waits for nobody, or the actor neither wrote it nor leads the incident.
    """
    async with here.store.transaction() as tx:
        status = await tx.statements.status(statement.id, statement.version)
        incident = await tx.incidents.get(statement.incident)
        person = await tx.stakeholders.get(actor)
        leads = actor == incident.lead or (person is not None and "incident_lead" in person.roles_on(incident.watch))
        if status not in (StatementStatus.DRAFT, StatementStatus.PROPOSED):
            raise NotAllowed(f"{statement.label} is {status.value}: there is nothing to take back from its approvers")
        if person is None or not (leads or actor == statement.author):
            raise NotAllowed(f"{actor or 'nobody'} neither wrote {statement.label} nor leads {incident.id}")
        await _void(here, tx, statement, by=actor, why=reason, data={TAKEN_BACK: True})


async def _void(
    here: Installation, tx: Transaction, statement: Statement, *, by: str, why: str, data: dict[str, Any]
) -> None:
    await tx.statements.set_status(
        statement.id,
        statement.version,
        StatementStatus.VOIDED,
        data=data,
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
        same = (statement.corrects, statement.readers_language)
        latest = [s for s in of_kind if (s.corrects, s.readers_language) == same][-1]
        status = await tx.statements.status(statement.id, statement.version)
    if (latest.id, latest.version) != (statement.id, statement.version) or status in SAID:
        why = f"it is {status}" if status in SAID else f"there is {latest.label} since"
        raise NotAllowed(f"{statement.label} cannot be given pictures, because {why}: draft a new statement with them")
    text = f"{statement.headline}\n\n{statement.body}"
    kind, corrects = statement.kind, statement.corrects
    return await draft(
        here,
        statement.incident,
        kind,
        author=author,
        text=text,
        corrects=corrects,
        pictures=pictures,
        language=statement.readers_language,
    )


async def draft_for_response(
    here: Installation, incident_id: str, kind: StatementKind, language: str = ""
) -> Statement:
    """What a response proposes by itself: the draft on its way, or a new one; one that was returned waits for a person.

    The template's words must not come back to the people who have just returned them. Raises like ``draft``.
    """
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        language = language or languages_for(here, incident, kind)[0]
        for statement in await tx.statements.list(incident_id):
            if statement.readers_language != language:
                continue
            status = await tx.statements.status(statement.id, statement.version)
            if statement.kind is kind and (
                status is StatementStatus.RETURNED or await is_taken_back(tx, statement, status)
            ):
                return statement
    return await draft(here, incident_id, kind, language=language)


def _written(here: Installation, brief: _Brief) -> Statement:
    kind, answering = brief.kind, brief.answering
    context = _context(here, brief, brief.spoken)
    text, spoken = (brief.text, brief.spoken) if brief.text else _by_template(here, brief)
    headline, body = drafting.headline_and_body(text)
    return drafting.propose_statement(
        id=brief.id,
        version=brief.version,
        kind=kind,
        incident=brief.incident,
        facts=_relied_on(kind, brief.facts, brief.wrongs, answering),
        headline=headline,
        body=body,
        outlets=brief.outlets,
        audience=here.playbook(brief.incident.assessment.type).audience,
        now=here.clock.now(),
        author=brief.author,
        language=spoken,
        wanted_language="" if spoken == brief.language else brief.language,
        promises=answering.promises
        if answering and answering.promises
        else drafting.promises_in(body, context["next_update"], context["next_update_says"]),
        corrects=brief.wrongs[-1].id if brief.wrongs else "",
        media=brief.media,
        keep=() if brief.text else (context["contact"], context["next_update_says"]),
        answers=answering.questions if answering else (),
        page=answering.page if answering else "",
    )


def _relied_on(
    kind: StatementKind, facts: tuple[Fact, ...], wrongs: Sequence[Statement], answering: Answering | None
) -> tuple[Fact, ...]:
    """The facts it relies on; of answers that a template wrote, those that it states."""
    found = drafting.relied_on(kind, facts, wrongs)
    if answering is None or answering.facts is None:
        return found
    return tuple(fact for fact in found if fact.id in answering.facts)


def _template(here: Installation, playbook: Playbook, kind: StatementKind, language: str) -> tuple[str, str]:
    """The template for a kind, and the language it speaks: the wanted one, or English where there is none in it."""
    try:
        return drafting.template_name(playbook, kind, here.templates.names, language), language
    except drafting.NoTemplate:
        return drafting.template_name(playbook, kind, here.templates.names), ENGLISH


def _by_template(here: Installation, brief: _Brief) -> tuple[str, str]:
    """What the template says, and the language it speaks; where that is not its readers', a line in theirs says so."""
    assessment = brief.incident.assessment
    name, spoken = _template(here, here.playbook(assessment.type), brief.kind, brief.language)
    context = _context(here, brief, spoken)
    text = here.templates.render(here.templates.choose(name, assessment.strategy), **context)
    organisation = here.settings.organisation
    fixed = (*_as_they_are(brief.facts, brief.wrongs), brief.watch.brand, organisation, context["contact"])
    text = in_voice(text, here.settings.voice.spoken_by(organisation), keep=fixed, english=spoken == ENGLISH)
    if spoken != brief.language:
        headline, _, body = text.partition("\n")
        text = f"{headline}\n\n{only_in_english(brief.language)}\n{body}"
    return text, spoken


def _context(here: Installation, brief: _Brief, spoken: str) -> dict[str, Any]:
    voice = here.settings.voice
    return drafting.template_context(
        kind=brief.kind,
        incident=brief.incident,
        facts=brief.facts,
        watch=brief.watch,
        playbook=here.playbook(brief.incident.assessment.type),
        now=here.clock.now(),
        organisation=here.settings.organisation,
        contact=voice.contact_url,
        sign_off=voice.signed_in(spoken),
        corrected=brief.wrongs[-1] if brief.wrongs else None,
        also_wrong=brief.wrongs[:-1],
        language=spoken,
        formal=voice.formality == "formal",
    )


def _as_they_are(facts: Iterable[Fact], wrongs: Iterable[Statement]) -> tuple[str, ...]:
    """What a text quotes word for word."""
    said = (text for wrong in wrongs for text in (wrong.headline, *(f.text for f in wrong.facts)))
    return (*(f.text.rstrip(".!?…") for f in facts), *said)


async def save_fact(here: Installation, fact: Fact, *, actor: str, reason: str = "") -> list[Statement]:
    """Store a new or changed fact; proposals that rely on it as it was are void, published statements that did are
    marked on record, all at once. Returns the voided statements.

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
                await _void(here, tx, statement, by=actor, why=why, data={})
                voided.append(statement)
        act: Act = {"actor": actor, "via": here.via, "flow_run_id": here.flow_run_id}
        await mark_doubts(tx, fact.incident, act)
    return voided


def _relied_differently(facts: Iterable[Fact], changed: Fact) -> bool:
    for fact in facts:
        if fact.id == changed.id:
            return (fact.text, fact.status) != (changed.text, changed.status)
    return changed.status is not FactStatus.UNCONFIRMED
