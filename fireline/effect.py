"""``fireline effect``: what each statement did, what is proposed, how the incident is watched; and watching it longer."""

from typing import Annotated

from cyclopts import Parameter

from fireline.incidents import Json, says_something
from fireline.session import session, show


async def effect(
    incident: str,
    *,
    now: Annotated[
        bool, Parameter(negative="", help="Judge at once, on record; otherwise the last judgement is shown.")
    ] = False,
    extend: Annotated[int, Parameter(help="Watch it for so many hours more at least, 1 to 168.")] = 0,
    actor: Annotated[str, Parameter(name="--as", help="Your e-mail address; needed to extend.")] = "",
    reason: Annotated[str, Parameter(help="Why; needed to extend, it is on record.")] = "",
    json: Json = False,
) -> None:
    """Say of each published statement what came after it: working, not yet, made it worse, or cannot tell, and why.

    Then how closely the incident is watched, and when that ends. With --json one object for each statement, and one for
    the watching.

    Args:
        incident: Such as INC-7.
    """
    from crisis.monitoring import MOST_HOURS
    from fireline.errors import Stop
    from tasks.effect import effects_of, judge_effects
    from tasks.extend import extend as watch_longer
    from tasks.monitoring import monitoring_of

    async with session() as here:
        if extend:
            if not actor or not reason.strip():
                raise Stop("to watch it longer, say who you are and why: --as YOUR@ADDRESS --reason WHY")
            says_something(None, reason)
            here.settings.stakeholder(actor)
            if not 1 <= extend <= MOST_HOURS:
                raise Stop(f"watching is extended by 1 to {MOST_HOURS} hours at once")
            await watch_longer(here, incident, extend, actor=actor, reason=reason)
        if now:
            await judge_effects(here, incident)
        async with here.store.reading() as tx:
            await tx.incidents.get(incident)
            effects = await effects_of(tx, incident)
            watched = await monitoring_of(here, tx, incident)
        for one in effects:
            lines = [f"{one.statement} v{one.version}  {one.verdict.value.upper()}; proposed: {one.proposal.value}"]
            lines += [f"    {one.says}", *(f"    - {reason_given}" for reason_given in one.reasons)]
            if one.next_kind is not None:
                lines.append(f"    fireline {_command(one.incident, one.statement, one.next_kind.value)}")
            show(one.model_dump(mode="json"), as_json=json, words="\n".join(lines))
        if not effects and not json:
            print(f"No effect of a statement of {incident} has been judged yet: --now judges what is public.")
        if watched is not None:
            show({"incident": incident, "watched": watched.model_dump(mode="json")}, as_json=json, words=watched.says)


def _command(incident: str, statement: str, kind: str) -> str:
    return f"correct {statement} --as YOU" if kind == "correction" else f"draft {incident} --kind {kind}"
