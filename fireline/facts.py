"""Verbs on facts: put one on record, change one, and show what each was, who vouched, and what relies on it."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from crisis.fact import Fact, FactStatus
from crisis.typed_in import CLAIM, one_line
from fireline.incidents import Actor, Json
from fireline.session import session, show

if TYPE_CHECKING:
    from records import Transaction


async def fact(
    incident: str,
    text: str,
    status: FactStatus = FactStatus.UNCONFIRMED,
    *,
    actor: Actor,
    id: str = "",
    evidence: str = "",
    owner: Annotated[str, Parameter(help="Who vouches for it; you, when left out.")] = "",
    immaterial: Annotated[bool, Parameter(negative="", help="A change of wording only: nothing is corrected.")] = False,
    json: Json = False,
) -> None:
    """Add a fact, or change one.

    Proposals that relied on it as it was become void, and the template's are drafted anew. What was published and relied
    on it is marked, and one correction is drafted for every channel that carries it. `fireline facts` shows the history.

    Args:
        incident: Such as INC-7.
        text: The claim, in one sentence.
        status: What is known about it. Only confirmed facts are stated as true.
        id: The fact to change, such as INC-7-F2; left out, a new one is added.
        evidence: Where the proof is; left out, what it was, as long as the status stays.
    """
    from records import NotFound
    from tasks.corrections import open_corrections
    from tasks.draft import save_fact
    from tasks.first_word import renew

    text = one_line(text, "the fact", longest=CLAIM)
    async with session() as here:
        here.settings.stakeholder(actor)
        if owner:
            here.settings.stakeholder(owner)
        async with here.store.transaction() as tx:
            await tx.incidents.get(incident)
            known = id or await tx.facts.next_id(incident)
            if id and id not in (there := [f.id for f in await tx.facts.list(incident)]):
                has = f"it has {', '.join(there)}" if there else "it has none yet"
                raise NotFound(f"{incident} has no fact {id!r}: {has}; without --id a new one is added")
            before = await tx.facts.history(known)
        new = Fact(
            id=known,
            incident=incident,
            text=text,
            status=status,
            owner=owner or actor,
            evidence=evidence or (before[-1].evidence if before and before[-1].status is status else ""),
            material=not immaterial,
            updated_at=here.clock.now(),
        )
        voided = await save_fact(here, new, actor=actor)
        labels = [s.label for s in voided]
        made = await open_corrections(here, incident)
        renewed = [s.label for s in await renew(here, incident)]
        words = f"{known} is {status}."
        if labels:
            then = f"drafted anew and proposed: {', '.join(renewed)}" if renewed else "write a new version"
            words += f" Void now: {', '.join(labels)}; {then}."
        for correction in made:
            channels = ", ".join(r.target.channel for r in correction.renderings)
            words += f" What is published no longer holds: {correction.label} corrects it on {channels}, as a draft."
            words += f"\nNext: fireline propose {correction.id} --as YOU"
        row = {"fact": known, "status": status.value, "voided": labels, "renewed": renewed}
        row["corrections"] = [s.label for s in made]
        show(row, as_json=json, words=words)


async def facts(
    incident: str,
    *,
    id: Annotated[str, Parameter(help="Only this fact, such as INC-7-F2.")] = "",
    json: Json = False,
) -> None:
    """Show every fact with all its versions, who vouches for it, its evidence, and the statements that relied on it.

    Args:
        incident: Such as INC-7.
    """
    from records import NotFound

    async with session() as here, here.store.reading() as tx:
        await tx.incidents.get(incident)
        found = [f for f in await tx.facts.list(incident) if id in ("", f.id)]
        if id and not found:
            raise NotFound(f"{incident} has no fact {id!r}: `fireline facts {incident}` lists them")
        for fact in found:
            versions = await tx.facts.history(fact.id)
            relied = await _relied(tx, fact)
            row: dict[str, Any] = {"id": fact.id, "status": fact.status.value, "text": fact.text, "owner": fact.owner}
            history = [v.model_dump(mode="json", include=_SHOWN) for v in versions]
            row |= {"evidence": fact.evidence, "history": history, "relied_on_by": relied}
            show(row, as_json=json, words=_in_words(versions, relied))
        if not found and not json:
            show({}, as_json=False, words=f'{incident} has no facts yet: fireline fact {incident} "…" --as YOU')


_SHOWN = {"status", "text", "owner", "evidence", "material", "updated_at"}


async def _relied(tx: "Transaction", fact: "Fact") -> list[dict[str, Any]]:
    """The statement versions that relied on any version of the fact, where they stand, and whether it still holds."""
    rows = []
    for latest in await tx.statements.list(fact.incident):
        for statement in await tx.statements.versions(latest.id):
            for was in statement.facts:
                if was.id == fact.id:
                    status = await tx.statements.status(statement.id, statement.version)
                    holds = not fact.material or (was.text, was.status) == (fact.text, fact.status)
                    rows.append({"statement": statement.label, "status": status.value, "holds": holds})
    return rows


def _in_words(versions: "list[Fact]", relied: list[dict[str, Any]]) -> str:
    now = versions[-1]
    lines = [f"{now.id}  {now.status}: {now.text}"]
    for number, version in enumerate(versions, 1):
        said = "" if version.text == now.text else f": {version.text}"
        spelling = "" if version.material else " (wording only)"
        lines.append(
            f"  {number}. {version.updated_at:%d %B %H:%M} UTC  {version.status} by {version.owner}{spelling}{said}"
        )
        lines.append(f"     evidence: {version.evidence or 'none named'}")
    for row in relied:
        lines.append(
            f"  {row['statement']} ({row['status']}) relied on it{'' if row['holds'] else ' as it was before'}"
        )
    return "\n".join(lines)
