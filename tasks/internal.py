"""Writing what stays inside: briefs for colleagues and executives, macros for support, questions and answers.

Each is made anew from the facts as they are; that it was, and with what words, is on record. None of them is a statement:
it cannot be proposed, approved or published.
"""

from crisis import drafting
from crisis.approval import NotAllowed
from crisis.internal import InternalKind, InternalText, findings
from crisis.statement import Statement
from crisis.tongues import ENGLISH, name_of
from crisis.values import StatementKind
from crisis.voice import in_voice
from records import StatementStatus, Transaction
from tasks.installation import Installation


async def write_internal(
    here: Installation, incident_id: str, kind: InternalKind, *, language: str = "", actor: str = "template"
) -> tuple[InternalText, str]:
    """The text, and a sentence about its language where that is not the wanted one; empty where it is.

    Raises:
        records.NotFound: there is no such incident.
        NotAllowed: an own template states what is not confirmed, or holds a secret, personal data or a gap.
    """
    wanted = language or here.settings.voice.language
    name, spoken = f"{kind}.{wanted}.txt.j2", wanted
    if wanted == ENGLISH or name not in here.templates.names:
        name, spoken = f"{kind}.txt.j2", ENGLISH
    voice = here.settings.voice
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        watch = await tx.watches.get(incident.watch)
        facts = tuple(await tx.facts.list(incident_id))
        texts = [s for s in await tx.statements.list(incident_id) if s.kind.to_all]
        public = [s for s in texts if await _is_out(tx, s)]
        playbook = here.playbook(incident.assessment.type)
        context = drafting.template_context(
            kind=StatementKind.UPDATE,  # it tells when the public hears more
            incident=incident,
            facts=facts,
            watch=watch,
            playbook=playbook,
            now=here.clock.now(),
            organisation=here.settings.organisation,
            contact=voice.contact_url,
            sign_off=voice.signed_in(spoken),
            language=spoken,
            formal=voice.formality == "formal",
        )
        said = tuple((s.label, s.headline) for s in public)
        text = here.templates.render(name, **context, guidance=playbook.guidance, said=said)
        keep = (*(f.text.rstrip(".!?…") for f in facts), watch.brand, here.settings.organisation, context["contact"])
        text = in_voice(text, voice.spoken_by(here.settings.organisation), keep=keep, english=spoken == ENGLISH)
        wrong = findings(text, facts, contact=context["contact"])
        if wrong:
            says = "; ".join(f"{f.rule}: {f.says}" for f in wrong)
            raise NotAllowed(f"{name} gives nothing that may be handed out: {says}")
        headline, body = drafting.headline_and_body(text)
        written = InternalText(
            incident=incident_id,
            kind=kind,
            language=spoken,
            headline=headline,
            body=body,
            facts=drafting.confirmed(facts),
            written_at=here.clock.now(),
        )
        await tx.ledger.append(
            "internal.written",
            incident=incident_id,
            data=written.model_dump(mode="json"),
            actor=actor,
            via=here.via,
            flow_run_id=here.flow_run_id,
        )
    missing = (
        "" if spoken == wanted else f"There is no {name_of(wanted)} template for this kind ({kind}): this is English."
    )
    return written, missing


async def _is_out(tx: Transaction, statement: Statement) -> bool:
    return await tx.statements.status(statement.id, statement.version) is StatementStatus.PUBLISHED
