"""Drafting replies: to single people of an incident, and the correction of a narrative's claim for the few who carry it.

All replies that are drafted in one go are one statement of the kind ``reply``: one proposal, one approval, a rendering for
each post, every one covered by the hash. An approver may strike some: what is left is the next version. Nobody is drafted
a reply who must not get one (``crisis.replies``), so what stands in a proposal may go out as it is.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.settings import ChannelSettings
from crisis import drafting
from crisis.approval import NotAllowed
from crisis.delivery import DeliveryState
from crisis.fact import Fact, FactStatus
from crisis.handles import names_of, with_server
from crisis.incident import Incident
from crisis.influence import Person
from crisis.rendering import render
from crisis.replies import EVERYWHERE, Sent, batch_problem, name_of, own_words, person_of, without
from crisis.statement import Answered, Rendering, Statement, Target, content_hash
from crisis.tongues import ENGLISH
from crisis.triage import Strategy
from crisis.values import Severity, StatementKind
from crisis.visible import web_address
from crisis.watch import Mention
from records import StatementStatus, Transaction
from records.work import Act
from tasks.draft import DEAD
from tasks.installation import Installation
from tasks.kinds import limits_of, networks_of
from tasks.replies import HELD, barred_among, family_of, out_of_place, over_or_stopped, sent_in

VARIANTS = 10
"""Wordings that the templates of replies have: as many as one proposal may hold."""
OWN = ("identifier", "username", "account", "handle")
"""Settings of a channel that name its own account."""


@dataclass(frozen=True)
class Answer:
    """One reply before it is a rendering."""

    mention: Mention
    text: str
    language: str
    narrative: str = ""


def answered_by(mention: Mention, narrative: str = "") -> Answered:
    """The reference by which a reply, and its approval, names a post."""
    digest = hashlib.sha256(mention.text.encode(errors="surrogatepass")).hexdigest()
    return Answered(
        source=mention.source,
        id=mention.id,
        author=mention.author,
        url=web_address(mention.url),
        digest=digest,
        narrative=narrative,
    )


def channel_for(here: Installation, mention: Mention, language: str = "") -> ChannelSettings | None:
    """The channel that answers a post: one that may reply on its network, rather one whose readers speak the language."""
    able = [c for c in here.settings.channels if networks_of(c) & {mention.source, EVERYWHERE}]
    exact = [c for c in able if mention.source in networks_of(c)]
    able = exact or able
    spoken = [c for c in able if language and (c.language or here.settings.voice.language) == language]
    return next(iter([*spoken, *able]), None)


def is_own(here: Installation, mention: Mention, published: Collection[str]) -> bool:
    """Whether we wrote a post: what we published, or of an account that a channel names as its own."""
    if mention.id in published or (mention.url and mention.url in published):
        return True
    names = {c.address for c in here.settings.channels if c.address}
    names |= {str(c.settings[n]) for c in here.settings.channels for n in OWN if c.settings.get(n)}
    return bool(mention.author) and name_of(mention.author) in {name_of(name) for name in names}


async def unanswerable(
    here: Installation, tx: Transaction, incident: Incident, mentions: Sequence[Mention]
) -> Callable[[Mention], str]:
    """Why each of these posts cannot be answered: ours, answered, gone, do-not-engage, or no channel; empty when it can."""
    deliveries = await tx.outbox.list(incident=incident.id)
    published = {d.receipt.id for d in deliveries if d.receipt} | {d.receipt.url for d in deliveries if d.receipt}
    published |= {str(part) for d in deliveries if d.receipt for part in d.receipt.raw.get("parts") or ()}
    refused = {
        (d.rendering.answers.source, d.rendering.answers.id)
        for d in await tx.outbox.replies(incidents=await family_of(tx, incident.id), limit=None)
        if d.rendering.answers and d.state is DeliveryState.REFUSED and not d.problem.startswith(HELD)
    }
    sent = await sent_in(tx, incident.id, waiting=True)
    told = {person_of(one.answered) for one in sent if not one.elsewhere}
    answered = {(one.answered.source, one.answered.id) for one in sent}
    barred = await barred_among(tx, mentions)

    def why(mention: Mention) -> str:
        if not mention.author:
            return "nobody is named as its author"
        if is_own(here, mention, published):
            return "our own post"
        if (mention.source, mention.id) in refused:
            return "a reply to it was refused, or it is gone"
        if person_of(mention) in told or (mention.source, mention.id) in answered:
            return "answered already, or waiting to be"
        if reason := barred(mention.source, mention.author):
            return f"do-not-engage: {reason}"
        if channel_for(here, mention) is None:
            return f"no channel may reply on {mention.source}"
        return ""

    return why


def addressed(here: Installation, mention: Mention, text: str) -> str:
    """``text`` with the handle that its network needs before it, so that the person is told (Mastodon).

    A source names whoever is on its own server without it; on our channel's that would be somebody else, so the server is
    named unless it is the same one.
    """
    own = mention.author.strip().lstrip("@")
    if mention.source != "mastodon" or not own:
        return text
    name = with_server(own, mention.url, mention.id)
    channel = channel_for(here, mention)
    base = str(channel.settings.get("base_url", "")) if channel else ""
    if base and name.partition("@")[2].casefold() == urlsplit(base).netloc.casefold():
        name = own.partition("@")[0]
    first, _, rest = text.lstrip().partition(" ")
    if first.startswith("@") and name_of(first.rstrip(",:;")) in names_of("mastodon", own, mention.url, mention.id):
        text = rest.lstrip()
    return f"@{name} {text}"


def language_of(here: Installation, mention: Mention, strategy: Strategy, given: str = "") -> str:
    """The language that a suggestion speaks: the post's where there is a template in it, else the voice's, else English."""
    for language in (given, mention.language, here.settings.voice.language):
        if language and _template(here, language, strategy):
            return language
    return ENGLISH


def _template(here: Installation, language: str, strategy: Strategy) -> str:
    name = "reply" if language == ENGLISH else f"reply.{language}"
    wanted = f"{name}.deny.txt.j2" if strategy is Strategy.DENY else f"{name}.txt.j2"
    return wanted if wanted in here.templates.names else ""


async def suggestions(
    here: Installation, tx: Transaction, incident: Incident, people: Sequence[Person], *, language: str = ""
) -> list[Answer]:
    """What might be said to each of these people, in the words of the template; no two say the same."""
    known = [f for f in await tx.facts.list(incident.id) if f.status is FactStatus.CONFIRMED]
    context = await _context(here, tx, incident)
    brand = str(context["brand"])
    made: list[Answer] = []
    taken = {own_words(one.text) for one in await sent_in(tx, incident.id, waiting=True) if not one.elsewhere}
    for number, person in enumerate(people):
        mention = person.quotes[0]
        spoken = language_of(here, mention, Strategy.INSTRUCT, language)
        about = {
            "author": person.author,
            "stance": person.stance.value,
            "asks": person.asks,
            "fact": _closest(known, mention.text, brand),
            "why": "",
            "evidence": "",
        }
        made.append(_varied(here, context | about, mention, spoken, Strategy.INSTRUCT, number, taken))
    return made


def _closest(known: Sequence[Fact], text: str, brand: str) -> str:
    """The confirmed fact that has most words in common with a post, the brand's name aside; none when fewer than two."""
    names = set(own_words(brand).split())
    said = {word for word in own_words(text).split() if len(word) > 3} - names
    shared = [(len(said & set(own_words(f.text).split())), f.text) for f in known]
    best = max(shared, key=lambda one: one[0], default=(0, ""))
    return best[1] if best[0] > 1 else ""


async def corrections(
    here: Installation,
    tx: Transaction,
    incident: Incident,
    fact: Fact,
    why: str,
    chosen: Sequence[Mention],
    narrative: str,
) -> list[Answer]:
    """The correction of a claim for each of these posts, from the fact that answers it."""
    context = await _context(here, tx, incident)
    taken = {own_words(one.text) for one in await sent_in(tx, incident.id, waiting=True) if not one.elsewhere}
    made = []
    for number, mention in enumerate(chosen):
        spoken = language_of(here, mention, Strategy.DENY)
        about = {
            "author": mention.author,
            "stance": "critic",
            "asks": False,
            "fact": fact.text,
            "why": why,
            "evidence": fact.evidence,
        }
        made.append(_varied(here, context | about, mention, spoken, Strategy.DENY, number, taken, narrative))
    return made


async def _context(here: Installation, tx: Transaction, incident: Incident) -> dict[str, object]:
    voice = here.settings.voice
    return drafting.template_context(
        kind=StatementKind.REPLY,
        incident=incident,
        facts=await tx.facts.list(incident.id),
        watch=await tx.watches.get(incident.watch),
        playbook=here.playbook(incident.assessment.type),
        now=here.clock.now(),
        organisation=here.settings.organisation,
        contact=voice.contact_url,
        formal=voice.formality == "formal",
    )


def _varied(
    here: Installation,
    context: dict[str, object],
    mention: Mention,
    language: str,
    strategy: Strategy,
    first: int,
    taken: set[str],
    narrative: str = "",
) -> Answer:
    """The first wording from ``first`` on that nobody else gets."""
    name = _template(here, language, strategy) or _template(here, ENGLISH, strategy)
    text = ""
    for step in range(VARIANTS):
        filled = here.templates.render(name, **{**context, "variant": (first + step) % VARIANTS})
        text = " ".join(drafting.headline_and_body(filled)[1].split())
        if own_words(text) not in taken:
            break
    taken.add(own_words(text))
    return Answer(mention=mention, text=addressed(here, mention, text), language=language, narrative=narrative)


async def draft_replies(
    here: Installation,
    incident_id: str,
    answers: Sequence[Answer],
    *,
    author: str,
    also_relies_on: Sequence[Fact] = (),
) -> Statement:
    """One statement that holds these replies, a rendering each; a draft, for people to look at and propose.

    Raises:
        NotAllowed: one of them must not be sent (``crisis.replies``), or no channel may reply there.
        crisis.rendering.DoesNotFit: one is longer than its channel takes.
        records.NotFound: there is no such incident.
    """
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        if problem := await over_or_stopped(tx, incident_id):
            raise NotAllowed(problem)
        why = await unanswerable(here, tx, incident, [a.mention for a in answers])
        for answer in answers:
            if problem := why(answer.mention):
                raise NotAllowed(f"{answer.mention.author or 'the author'} is not replied to: {problem}")
        if problem := await out_of_place(tx, incident_id, [a.mention for a in answers]):
            raise NotAllowed(problem)
        renderings = tuple(_rendering(here, answer) for answer in answers)
        await _refuse(tx, incident_id, renderings)
        facts = {f.id: f for f in await tx.facts.list(incident_id) if f.status is FactStatus.CONFIRMED}
        said = "\n".join(r.text for r in renderings)
        relied = tuple(f for f in facts.values() if f.text.rstrip(".!?… ") in said or f in also_relies_on)
        correcting = any(a.narrative for a in answers)
        made = _statement(
            here,
            incident,
            renderings,
            id=await tx.statements.next_id(incident_id),
            version=1,
            author=author,
            facts=relied,
            strategy=Strategy.DENY if correcting else incident.assessment.strategy,
        )
        act: Act = {"actor": author, "via": here.via, "flow_run_id": here.flow_run_id}
        await tx.statements.add(made, **act)
    return made


async def _refuse(tx: Transaction, incident: str, renderings: Sequence[Rendering], but: str = "") -> None:
    answered = [r.answers for r in renderings if r.answers]
    sent: list[Sent] = await sent_in(tx, incident, but=but, waiting=True)
    barred = await barred_among(tx, answered, renderings)
    if problem := batch_problem(renderings, sent=sent, barred=barred, now=tx.engagement.now):
        raise NotAllowed(problem)


def _rendering(here: Installation, answer: Answer) -> Rendering:
    mention = answer.mention
    channel = channel_for(here, mention, answer.language)
    if channel is None:
        raise NotAllowed(f"no channel may reply on {mention.source}: set replies = true on one that can")
    made = render(
        headline="",
        body=answer.text,
        target=Target(channel=channel.name, kind=channel.kind, address=channel.address),
        limits=limits_of(channel).model_copy(update={"subject": None, "cards": False}),
        language=answer.language,
        reply_to=mention.id,
    )
    return made.model_copy(update={"answers": answered_by(mention, answer.narrative)})


def _statement(
    here: Installation,
    incident: Incident,
    renderings: tuple[Rendering, ...],
    *,
    id: str,
    version: int,
    author: str,
    facts: tuple[Fact, ...],
    strategy: Strategy,
) -> Statement:
    severity: Severity = incident.severity
    people = [r.answers.author for r in renderings if r.answers]
    count = f"{len(people)} {'reply' if len(people) == 1 else 'replies'}"
    correcting = any(r.answers and r.answers.narrative for r in renderings)
    audience = "the people who are answered, and whoever reads along"
    return Statement(
        id=id,
        version=version,
        incident=incident.id,
        kind=StatementKind.REPLY,
        strategy=strategy,
        author=author,
        created_at=here.clock.now(),
        language=renderings[0].language,
        audience=audience,
        headline=f"{count} to correct a false claim" if correcting else f"{count} to single people",
        body="\n\n".join(f"To {who}:\n{r.text}" for who, r in zip(people, renderings, strict=True)),
        facts=facts,
        severity=severity,
        renderings=renderings,
        content_hash=content_hash(
            incident=incident.id,
            kind=StatementKind.REPLY,
            audience=audience,
            severity=severity,
            facts=facts,
            renderings=renderings,
        ),
    )


async def strike(here: Installation, statement: str, numbers: Collection[int], *, actor: str, reason: str) -> Statement:
    """Take some replies (numbered from 1) out of a proposal or draft: the next version holds the others, word for word,
    by the same author, and nobody has approved it yet.

    Raises:
        NotAllowed: it holds no replies, is over or out, or the actor has no say in it, or nothing would be left.
        records.NotFound: there is no such statement.
    """
    async with here.store.transaction() as tx:
        old = await tx.statements.get(statement)
        status = await tx.statements.status(old.id, old.version)
        incident = await tx.incidents.get(old.incident)
        person = await tx.stakeholders.get(actor)
        policy = here.playbook(incident.assessment.type).approval[StatementKind.REPLY]
        roles = set(person.roles_on(incident.watch)) if person else set()
        if actor not in (old.author, incident.lead) and not roles & {*policy.roles, "incident_lead"}:
            raise NotAllowed(f"{actor} neither wrote {old.label} nor decides on it")
        if old.kind is not StatementKind.REPLY:
            raise NotAllowed(f"{old.label} holds no replies")
        if status not in (StatementStatus.DRAFT, StatementStatus.PROPOSED):
            raise NotAllowed(f"{old.label} is {status.value}: nothing can be struck from it any more")
        try:
            left = without(old.renderings, numbers)
        except ValueError as error:
            raise NotAllowed(str(error)) from None
        new = _statement(
            here,
            incident,
            left,
            id=old.id,
            version=old.version + 1,
            author=old.author,
            facts=old.facts,
            strategy=old.strategy,
        )
        act: Act = {"actor": actor, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}
        await tx.statements.add(new, **act)
        if status not in DEAD:
            data = {"replaced_by": new.label, "struck": sorted(numbers)}
            await tx.statements.set_status(old.id, old.version, StatementStatus.VOIDED, data=data, **act)
    return new
