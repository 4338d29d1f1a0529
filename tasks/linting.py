"""Checking a statement, as the records know its incident, before anybody is asked to approve it."""

from collections.abc import Iterable, Iterator
from typing import Any

from crisis.approval import NotAllowed
from crisis.finding import Finding
from crisis.lint import blocks, lint
from crisis.statement import Rendering, Statement
from crisis.triage import Strategy
from crisis.values import StatementKind
from records import StatementStatus, Transaction
from tasks.installation import Installation
from tasks.replies import lint_text

SAID = frozenset({StatementStatus.PUBLISHED, StatementStatus.WITHDRAWN})
"""Statuses of what the public has read."""


UNTRUE = frozenset({"contradiction", "unconfirmed-fact", "refuted-fact"})
"""Rules whose finding can arise after a proposal, by what was said or found out since; they stop a decision, too."""


class Blocked(NotAllowed):
    """A statement that must not be proposed as it stands; the message says what to mend."""

    def __init__(self, label: str, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        says = "; ".join(f"{f.rule}: {f.says} {f.fix}" for f in self.findings)
        super().__init__(f"{label} cannot be proposed like this. {says}")


async def known_of(here: Installation, tx: Transaction, incident_id: str) -> dict[str, Any]:
    """What the records know that a statement must keep to: keyword arguments of ``crisis.lint.lint``."""
    incident = await tx.incidents.get(incident_id)
    watch = await tx.watches.get(incident.watch)
    statements = await tx.statements.list(incident_id)
    return {
        "facts": tuple(await tx.facts.list(incident_id)),
        "earlier": tuple([s for s in statements if await tx.statements.status(s.id, s.version) in SAID]),
        "strategy": incident.assessment.strategy,
        "crisis_type": incident.assessment.type,
        "contact": watch.contact or here.settings.voice.contact_url,
        "voice": here.settings.voice.spoken_by(here.settings.organisation),
    }


async def check_statement(here: Installation, statement: Statement) -> tuple[Finding, ...]:
    """Every finding on a statement version."""
    async with here.store.reading() as tx:
        return await check_in(here, tx, statement)


async def check_in(here: Installation, tx: Transaction, statement: Statement) -> tuple[Finding, ...]:
    """The same inside a transaction."""
    known = await known_of(here, tx, statement.incident)
    # The correction of a statement contradicts it on purpose.
    known["earlier"] = tuple(s for s in known["earlier"] if s.id not in (statement.id, statement.corrects))
    if statement.kind is StatementKind.REPLY:
        return tuple(finding for rendering in statement.renderings for finding in _of_reply(rendering, known))
    text = f"{statement.headline}\n\n{statement.body}"
    return tuple(lint(text, kind=statement.kind, language=statement.language, pictures=statement.media, **known))


def _of_reply(rendering: Rendering, known: dict[str, Any]) -> Iterator[Finding]:
    """What lint finds in one reply, each finding saying in which. A correction of a claim may deny, no other may."""
    answered = rendering.answers
    strategy = Strategy.DENY if answered and answered.narrative else known["strategy"]
    text = lint_text(rendering)
    found = lint(text, kind=StatementKind.REPLY, language=rendering.language, **{**known, "strategy": strategy})
    who = (answered.author if answered else "") or "its author"
    for finding in found:
        yield finding.model_copy(update={"says": f"To {who[:60]}: {finding.says}"})


async def untrue_since(here: Installation, tx: Transaction, statement: Statement) -> str:
    """Why a proposed text cannot stand beside what was said or found out since; empty when it can."""
    found = [f for f in await check_in(here, tx, statement) if f.rule in UNTRUE and f.level == "block"]
    return "; ".join(dict.fromkeys(f"{f.rule}: {f.says}" for f in found))


async def refuse_blocked(here: Installation, statement: Statement) -> None:
    """Raise ``Blocked`` when a finding blocks the statement."""
    found = await check_statement(here, statement)
    if blocks(found):
        raise Blocked(statement.label, [f for f in found if f.level == "block"])


async def blocking(here: Installation, statement: Statement) -> tuple[str, ...]:
    """The rules that keep a statement version from being proposed, each once."""
    return tuple(dict.fromkeys(f.rule for f in await check_statement(here, statement) if f.level == "block"))
