"""Verbs on what the public asks: list the questions, lead one, answer some, and keep the page of answers."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from crisis.statement import Statement
from fireline.errors import Stop
from fireline.incidents import Actor, Json
from fireline.session import session, show
from fireline.words import TextFile, own_text

if TYPE_CHECKING:
    from tasks.installation import Installation
    from tasks.questions import Asked


async def questions(
    incident: str,
    *,
    unanswered: Annotated[bool, Parameter(negative="", help="Only those that count and have no answer.")] = False,
    json: Json = False,
) -> None:
    """List what people ask, what matters most first, and how each question stands. Looks through new posts first.

    Args:
        incident: Such as INC-7.
    """
    from tasks.questions import asked_about, mine

    async with session() as here:
        await mine(here, incident)
        async with here.store.reading() as tx:
            rows = await asked_about(tx, await tx.incidents.get(incident), here.clock.now(), wordings=True)
        rows = tuple(r for r in rows if not unanswered or (r.counts and r.standing.unanswered))
        for row in rows:
            show(_row(row), as_json=json, words=_words(row))
        if not rows and not json:
            print("Nobody has asked anything that could be answered." if not unanswered else "No question waits.")


def _row(row: "Asked") -> dict[str, Any]:
    question, answer = row.question, row.answer
    return {
        **question.model_dump(mode="json", exclude={"merged_into"}),
        **row.tally.model_dump(mode="json"),
        "standing": row.standing.value,
        "counts": row.counts,
        "score": row.score,
        "factors": [f.model_dump(mode="json", include={"name", "points", "says"}) for f in row.factors],
        "answer": answer.statement.label if answer else "",
        "wordings": [{"text": text, "count": count} for text, count in row.wordings],
        "maybe_same_as": row.maybe,
    }


def _words(row: "Asked") -> str:
    q, t = row.question, row.tally
    people = "1 person" if t.authors == 1 else f"{t.authors:,} people"
    lines = [f"{q.id}  {row.standing.value:<18} score {row.score:<6} {people}  {q.text}"]
    lines.append("        " + "; ".join(f"{f.says} (+{f.points:g})" for f in row.factors if f.points))
    if q.owner or q.say_by:
        by = f", says more by {q.say_by:%H:%M} UTC" if q.say_by else ""
        lines.append(f"        {q.owner or 'nobody'} sees to it{by}")
    if row.answer:
        lines.append(f"        {row.answer.statement.label}: {row.answer.status}")
        lines += [f"        no longer holds: {one.says}" for one in row.answer.changed]
    if row.maybe:
        lines.append(f"        perhaps the same: fireline question {q.id} --into {row.maybe} --as YOU")
    return "\n".join(lines)


async def question(
    question: str,
    *,
    actor: Actor,
    ask: Annotated[str | None, Parameter(help="The question in better words, as the public will read it.")] = None,
    owner: Annotated[str | None, Parameter(help="Who sees to it: an e-mail address; empty for nobody.")] = None,
    say_by: Annotated[datetime | None, Parameter(help="When more is said, in UTC, such as 2026-03-01T15:00.")] = None,
    into: Annotated[str, Parameter(help="It is the same as this question, and becomes part of it.")] = "",
    wording: Annotated[
        tuple[str, ...], Parameter(help="These wordings are another question. May be given several times.")
    ] = (),
    set_aside: Annotated[str | None, Parameter(help="Why it will not be answered; empty takes it up again.")] = None,
    reason: str = "",
    json: Json = False,
) -> None:
    """Lead a question: give it words, an owner or a time, merge it into another, part it, or set it aside.

    Args:
        question: Such as INC-7-Q2.
    """
    from tasks.questions import lead, merge, part

    changes = (ask, owner, say_by, set_aside)
    if sum((any(c is not None for c in changes), bool(into), bool(wording))) != 1:
        raise Stop("say one thing to do: --ask, --owner, --say-by or --set-aside; or --into; or --wording")
    if say_by is not None:
        say_by = say_by.replace(tzinfo=UTC) if say_by.tzinfo is None else say_by
    async with session() as here:
        here.settings.stakeholder(actor)
        if into:
            after = await merge(here, question, into, actor=actor, reason=reason)
            says = f"{question} is part of {after.id} now."
        elif wording:
            after = await part(here, question, wording, actor=actor, reason=reason)
            says = f"{after.id} is a question of its own now: {after.text}"
        else:
            after = await lead(
                here, question, actor=actor, reason=reason, text=ask, owner=owner, say_by=say_by, set_aside=set_aside
            )
            says = f"{after.id} is saved."
        show(after.model_dump(mode="json"), as_json=json, words=says)


async def answer_question(
    *questions: str,
    actor: Actor,
    text: TextFile = "",
    fact: Annotated[
        tuple[str, ...], Parameter(help="A confirmed fact that it states. May be given several times.")
    ] = (),
    writer: Annotated[str, Parameter(help="A configured language model is to write it, checked by rules.")] = "",
    json: Json = False,
) -> None:
    """Draft the answer to one question or several, from the confirmed facts that are about them, or take your own text.

    What nobody knows yet is answered so, with the time at which more is said. The draft is a statement like any other.

    Args:
        questions: Such as INC-7-Q2.
    """
    from integrations import IntegrationError
    from tasks.answers import draft_answer
    from tasks.write import NotUsable

    if not questions:
        raise Stop("name at least one question, such as INC-7-Q2: `fireline questions INC-7` lists them")
    if sum(map(bool, (text, fact, writer))) > 1:
        raise Stop("--text, --fact and --writer are three ways to write it: choose one")
    async with session() as here:
        here.settings.stakeholder(actor)
        try:
            made = await draft_answer(here, questions, actor=actor, text=own_text(text), facts=fact, writer=writer)
        except (NotUsable, IntegrationError) as error:
            raise Stop(f"{error}. The template still stands: leave --writer out", 1) from None
        await _show(here, made, as_json=json)


async def answers_page(incident: str, *, actor: Actor, json: Json = False) -> None:
    """Draft the public page of questions and answers, for the channels that keep a page at one address.

    Once a version is published, the next one is drafted and put before its approvers by itself whenever an answer comes
    out or no longer holds.

    Args:
        incident: Such as INC-7.
    """
    from tasks.answers import draft_page
    from tasks.questions import mine

    async with session() as here:
        here.settings.stakeholder(actor)
        await mine(here, incident)
        made = await draft_page(here, incident, actor=actor)
        if made is None:
            show({"id": ""}, as_json=json, words="The newest version of the page says all of this already.")
            return
        await _show(here, made, as_json=json)


async def _show(here: "Installation", made: Statement, *, as_json: bool) -> None:
    from tasks.linting import blocking

    stops = await blocking(here, made)
    then = f"lint blocks it ({', '.join(stops)})" if stops else f"fireline propose {made.id} --as YOU"
    row = made.model_dump(mode="json", include={"id", "version", "headline", "body", "answers", "content_hash"})
    row |= {"facts": [f.id for f in made.facts], "blocked_by": stops}
    words = f"{made.label} answers {', '.join(made.answers)}:\n\n{made.headline}\n\n{made.body}\n\nNext: {then}"
    show(row, as_json=as_json, words=words)
