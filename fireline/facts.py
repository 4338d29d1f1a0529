"""The verb that shows the facts of an incident: what they were, who vouched, with which evidence, and what relies on them."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from fireline.incidents import Json
from fireline.session import session, show

if TYPE_CHECKING:
    from crisis.fact import Fact
    from records import Transaction


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
