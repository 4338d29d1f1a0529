"""Verbs on replies: to single people, or the correction of a claim under the few posts that carry it; how they stand, and
the button that stops them.
"""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from fireline.errors import Stop
from fireline.incidents import Actor, Json, Reason
from fireline.session import session, show

if TYPE_CHECKING:
    from crisis.statement import Statement


async def reply(
    incident: str,
    *,
    actor: Actor,
    to: Annotated[
        list[str] | None, Parameter(help="Whom to reply to, as `fireline people` names them; up to ten.", negative="")
    ] = None,
    text: Annotated[
        list[str] | None,
        Parameter(help="What to say to each, in the order of --to; left out, the template's words.", negative=""),
    ] = None,
    claim: Annotated[str, Parameter(help="In place of --to: the narrative whose claim is corrected.")] = "",
    why: Annotated[str, Parameter(help="With --claim: how the claim misleads, in one sentence.")] = "",
    language: Annotated[str, Parameter(help="ISO 639-1 code; left out, the language of each post.")] = "",
    json: Json = False,
) -> None:
    """Draft replies to single people, or a correction under the few posts that carry a false claim. One proposal holds all.

    Nobody gets two replies in an incident, nobody on the do-not-engage list any; a claim is corrected under five posts at
    most. They go out one every ten minutes a channel once they are approved.

    Args:
        incident: Such as INC-7.
    """
    from tasks.claims import prepare_correction
    from tasks.engage import reply_to

    if bool(to) == bool(claim):
        raise Stop("say whom to reply to (--to network:author), or which claim to correct (--claim NARRATIVE)")
    if text and len(text) != len(to or ()):
        raise Stop(f"there are {len(text)} texts for {len(to or ())} people: write one --text for each --to, or none")
    async with session() as here:
        here.settings.stakeholder(actor)
        await _may(here, incident, actor)
        if claim:
            made = await prepare_correction(here, incident, claim, why=why, author=actor)
        else:
            said = dict(zip(to or (), text or [""] * len(to or ()), strict=True))
            made = await reply_to(here, incident, said, author=actor, language=language)
    _told(made, as_json=json)


async def strike(
    statement: str,
    numbers: Annotated[list[int], Parameter(negative="")],
    /,
    *,
    actor: Actor,
    reason: Reason,
    json: Json = False,
) -> None:
    """Take some replies out of a proposal; the others become its next version, which must be proposed and approved anew.

    Args:
        statement: Such as INC-7-S4.
        numbers: Which replies, counted from 1.
    """
    from tasks import reply_drafts

    async with session() as here:
        here.settings.stakeholder(actor)
        made = await reply_drafts.strike(here, statement, numbers, actor=actor, reason=reason)
    _told(made, as_json=json)


async def replies(
    incident: str,
    *,
    stop: Annotated[bool, Parameter(negative="", help="Send none of them any more.")] = False,
    resume: Annotated[bool, Parameter(negative="", help="Let replies be proposed and sent again.")] = False,
    actor: Annotated[str, Parameter(name="--as", help="Your e-mail address; needed to stop or resume.")] = "",
    reason: Annotated[str, Parameter(help="Why; needed to stop or resume.")] = "",
    json: Json = False,
) -> None:
    """List an incident's replies and when each goes out; stop them all, or let them go on.

    Args:
        incident: Such as INC-7.
    """
    from tasks import replies as sending

    if (stop or resume) and (not actor or not reason or (stop and resume)):
        raise Stop("to stop or to resume, say who you are (--as) and why (--reason), and one of the two")
    async with session() as here:
        if stop or resume:
            here.settings.stakeholder(actor)
            await _may(here, incident, actor)
        if stop:
            await sending.stop_replies(here, incident, actor=actor, reason=reason)
        if resume:
            await sending.resume_replies(here, incident, actor=actor, reason=reason)
        async with here.store.reading() as tx:
            await tx.incidents.get(incident)
            planned = await tx.outbox.replies(incident=incident)
            stopped = await sending.are_stopped(tx, incident)
    for d in reversed(planned):
        answered = d.rendering.answers
        row: dict[str, Any] = {"statement": d.statement, "version": d.version, "state": d.state.value}
        row |= (
            {"to": answered.author, "network": answered.source, "post": answered.url or answered.id} if answered else {}
        )
        row |= {"channel": d.rendering.target.channel, "not_before": d.not_before, "problem": d.problem}
        at = f", not before {d.not_before:%H:%M} UTC" if d.not_before else ""
        words = f"{d.state.value:<10} {row.get('to', '')} on {d.rendering.target.channel}{at}  {d.problem}"
        show(row, as_json=json, words=words.rstrip())
    if not json:
        print("Replies are stopped." if stopped else "" if planned else "No reply is planned.")


async def claims(incident: str, *, json: Json = False) -> None:
    """List what an incident's narratives claim: reach, growth, the fact that answers each, and whom a correction would go to.

    Args:
        incident: Such as INC-7.
    """
    from tasks.claims import claims as looked_up

    async with session() as here:
        found = await looked_up(here, incident)
    for claim in found:
        n, spread = claim.narrative, claim.spread
        chosen = [{"author": c.mention.author, "url": c.mention.url, "reach": c.reach} for c in claim.carriers.chosen]
        row = {"narrative": n.id, "label": n.label, "posts": spread.posts, "reach": spread.reach}
        row |= {"unknown_reach": spread.unknown, "growth": spread.says, "fact": claim.fact.id if claim.fact else ""}
        row |= {"carriers": chosen, "share": round(claim.carriers.share, 3), "corrected": claim.corrected}
        row |= {"hinders": claim.hinders, "sample": claim.sample, "also": list(claim.also)}
        reach = f"reach {spread.reach:,} known, {spread.unknown:,} posts unknown"
        fact = f"answered by {claim.fact.id} ({claim.fact.status.value})" if claim.fact else "no fact answers it"
        label = f"{n.label} (has become one with: {'; '.join(claim.also)})" if claim.also else n.label
        words = f"{n.id}  {label}: {spread.posts:,} posts, {reach}; {spread.says}; {fact}"
        carry = f"\n    {len(chosen)} posts carry {claim.carriers.share:.0%} of the reach" if chosen else ""
        words += carry + (f"\n    {claim.hinders}" if claim.hinders else "")
        show(row, as_json=json, words=words)
    if not found and not json:
        print("No narratives are known yet.")


async def _may(here: Any, incident: str, actor: str) -> None:
    from tasks.engage import acting_on

    async with here.store.reading() as tx:
        await acting_on(tx, incident, actor)


def _told(made: "Statement", *, as_json: bool) -> None:
    parts = [
        {
            "number": n,
            "to": r.answers.author,
            "post": r.answers.url or r.answers.id,
            "channel": r.target.channel,
            "text": r.text,
        }
        for n, r in enumerate(made.renderings, start=1)
        if r.answers
    ]
    row = {"id": made.id, "version": made.version, "content_hash": made.content_hash, "replies": parts}
    listed = "\n\n".join(f"{p['number']}. to {p['to']} on {p['channel']} ({p['post']}):\n{p['text']}" for p in parts)
    show(row, as_json=as_json, words=f"{made.label}\n\n{listed}\n\nNext: fireline propose {made.id} --as YOU")
