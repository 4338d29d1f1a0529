"""What the doctrine advises for an incident, from everything on record about it."""

from crisis.counsel import Counsel, counsel
from crisis.doctrine import REFERENCES
from crisis.image_repair import Tagged, tag
from crisis.statement import Statement
from crisis.values import Frozen
from records import Transaction
from tasks.linting import SAID


async def advise(tx: Transaction, incident_id: str) -> Counsel:
    """The counsel for an incident as it stands.

    Raises:
        records.NotFound: there is no such incident.
    """
    incident = await tx.incidents.get(incident_id)
    watch = await tx.watches.get(incident.watch)
    latest = await tx.signals.latest(watch.name)
    heard = latest is not None and latest.at >= incident.started_at and latest.authors > 0
    statements = [s for s in await tx.statements.list(incident_id) if s.kind.to_all]
    return counsel(
        incident.assessment,
        past_crises=watch.past_crises,
        standing=watch.standing,
        anger_share=latest.anger_share if latest is not None and heard else None,
        said=[s for s in statements if await tx.statements.status(s.id, s.version) in SAID],
    )


class Reasoning(Frozen):
    """Why a statement says what it says: the doctrine's choice with its evidence, and what each sentence does."""

    counsel: Counsel
    sentences: tuple[Tagged, ...] = ()
    """Those of the text (headline, blank line, body) that use one of Benoit's strategies; English texts only."""

    @property
    def rules(self) -> tuple[str, ...]:
        """The sources of the rules that chose the posture."""
        return tuple(REFERENCES[key] for key in self.counsel.references)

    def said_by(self, statement: Statement) -> tuple[tuple[str, str], ...]:
        """Each sentence that uses a strategy, and the strategies' names."""
        text = text_of(statement)
        return tuple(
            (" ".join(text[one.start : one.end].split()), ", ".join(r.value for r in one.repairs))
            for one in self.sentences
        )


async def reason_in(tx: Transaction, statement: Statement) -> Reasoning:
    """Why a statement says what it says, as its incident stands."""
    english = statement.language.startswith("en")
    tagged = tag(text_of(statement)) if english else ()
    return Reasoning(counsel=await advise(tx, statement.incident), sentences=tagged)


def text_of(statement: Statement) -> str:
    """Headline, blank line, body: what offsets are counted in."""
    return f"{statement.headline}\n\n{statement.body}"


def in_words(reasoning: Reasoning, statement: Statement) -> str:
    """The reasoning for a terminal."""
    found = reasoning.counsel
    lines = [f"Why these words: {found.strategy.value}. {found.why[:1].upper()}{found.why[1:]}"]
    lines += [f"  evidence: {line}" for line in found.evidence]
    lines += [f"  rule: {rule}" for rule in reasoning.rules]
    lines += [f"  ruled out, {other.strategy.value}: {other.why}" for other in found.ruled_out]
    for said, repairs in reasoning.said_by(statement):
        lines.append(f"  {repairs} (Benoit): “{said[:90]}{'…' if len(said) > 90 else ''}”")
    return "\n".join(lines)
