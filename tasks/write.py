"""Having a configured writer draft a statement: the brief from what is on record, the draft checked before anybody sees it.

A draft that breaks a rule is thrown away, and the writer told why, once; then the template speaks. Nothing of a writer
is published that people have not approved, like any draft.
"""

from crisis import drafting
from crisis.brief import QUOTES, Brief, Draft
from crisis.erasure import is_blotted
from crisis.finding import Level
from crisis.incident import Incident
from crisis.lint import lint
from crisis.values import StatementKind
from crisis.vetting import vet
from crisis.watch import Mention
from integrations import Refused, Writer
from records import Transaction
from tasks.installation import Installation
from tasks.linting import SAID, known_of

TRIES = 2
LONGEST = 1500
"""Characters: an e-mail or a page; channels with less cut it into a thread."""


class NotUsable(Exception):
    """Every draft of the writer broke a rule; the message says which, and nothing was stored."""


async def written(
    here: Installation,
    incident_id: str,
    kind: StatementKind,
    writer: str,
    *,
    language: str = "",
    asking: tuple[str, ...] = (),
) -> str:
    """A writer's text for a statement: headline, blank line, body; checked against everything on record. ``asking``:
    questions of the public that it answers, which the writer is given as strangers' words.

    Raises:
        NotUsable: no draft of ``TRIES`` kept to the rules.
        config.ConfigError: there is no such writer.
        integrations.IntegrationError: the writer could not be asked.
    """
    chosen: Writer = await here.writer(writer)
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        brief = await _brief(here, tx, incident, kind, language or here.settings.voice.language)
        brief = brief.model_copy(update={"posts": (*asking, *brief.posts)[:QUOTES]}) if asking else brief
        known = await known_of(here, tx, incident_id)
    findings: tuple[str, ...] = ()
    for _ in range(TRIES):
        try:
            draft = await chosen.write(brief, findings)
        except Refused as refusal:
            findings = (str(refusal),)
            continue
        findings = (*vet(draft, brief), *_blocking(draft, brief, known))
        if not findings:
            return draft.text
    raise NotUsable(f"{writer} wrote nothing that may be used: {'; '.join(findings)}")


def _blocking(draft: Draft, brief: Brief, known: dict[str, object]) -> list[str]:
    found = lint(draft.text, kind=brief.kind, language=brief.language, **known)  # type: ignore[arg-type]
    return [f"{f.rule}: {f.says} {f.fix}" for f in found if f.level is Level.BLOCK]


async def _brief(here: Installation, tx: Transaction, incident: Incident, kind: StatementKind, language: str) -> Brief:
    watch = await tx.watches.get(incident.watch)
    voice = here.settings.voice
    context = drafting.template_context(
        kind=kind,
        incident=incident,
        facts=await tx.facts.list(incident.id),
        watch=watch,
        playbook=here.playbook(incident.assessment.type),
        now=here.clock.now(),
        organisation=here.settings.organisation,
        contact=voice.contact_url,
        sign_off=voice.signed_in(language),
        language=language,
        formal=voice.formality == "formal",
    )
    texts = [s for s in await tx.statements.list(incident.id) if s.kind.to_all]
    said = [s for s in texts if await tx.statements.status(s.id, s.version) in SAID]
    return Brief(
        organisation=context["organisation"],
        brand=context["brand"],
        kind=kind,
        strategy=incident.assessment.strategy,
        strategy_says=incident.assessment.why_strategy,
        tone=voice.tone,
        affected=context["affected"],
        facts=context["facts"],
        unknowns=context["unknowns"],
        actions=context["actions"],
        contact=context["contact"],
        next_update=context["next_update_says"],
        sign_off=context["sign_off"],
        said=tuple(f"{s.headline}\n{s.body}" for s in said),
        posts=_loudest(await tx.mentions.list(incident.id)),
        longest=LONGEST,
        language=language,
    )


def _loudest(mentions: list[Mention]) -> tuple[str, ...]:
    """The posts that most people see, each text once."""
    ranked = sorted(mentions, key=lambda m: (m.reposts + m.replies, m.followers, m.id), reverse=True)
    return tuple(dict.fromkeys(mention.text for mention in ranked if not is_blotted(mention)))[:QUOTES]
