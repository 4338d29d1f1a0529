"""Verbs on the people of an incident: who they are, and whom nobody replies to."""

from typing import Annotated

from cyclopts import Parameter

from fireline.errors import Stop
from fireline.incidents import Actor, Json
from fireline.session import session, show


async def people(
    incident: str, *, most: Annotated[int, Parameter(help="How many to list.")] = 30, json: Json = False
) -> None:
    """List the people whose posts go furthest: reach, stance and the posts that show it, and whether they can be replied to.

    Args:
        incident: Such as INC-7.
    """
    from tasks.engage import people_of

    if not 1 <= most <= 10_000:
        raise Stop("--most is a number from 1 to 10,000")
    async with session() as here:
        found, sample = await people_of(here, incident, most=most)
    for one in found:
        p = one.person
        row: dict[str, object] = {
            "who": one.name,
            "stance": p.stance.value,
            "why": p.why,
            "asks": p.asks,
            "posts": p.posts,
        }
        row |= {"reach": p.reach, "followers": p.followers, "influencer": p.influencer, "hinders": one.hinders}
        row |= {"quotes": [{"text": m.text, "url": m.url} for m in p.quotes]}
        reach = "reach unknown" if p.reach is None else f"reach {p.reach:,}"
        words = f"{one.name}  {p.stance.value} ({p.why}), {reach}, {p.posts} {'post' if p.posts == 1 else 'posts'}"
        words += f"\n    {' '.join(p.quotes[0].text.split())[:160]}" + (
            f"\n    no reply: {one.hinders}" if one.hinders else ""
        )
        show(row, as_json=json, words=words)
    if not json:
        print(
            "Not all posts were looked at: the widest and the newest."
            if sample
            else ""
            if found
            else "Nobody is named."
        )


async def do_not_engage(
    who: Annotated[str, Parameter(help="network:author, or *:author; left out, the list is shown.")] = "",
    /,
    *,
    mark: Annotated[str, Parameter(help="asked, minor, vulnerable, hostile, legal or other.")] = "other",
    remove: Annotated[bool, Parameter(negative="", help="Take them off the list.")] = False,
    actor: Annotated[str, Parameter(name="--as", help="Your e-mail address; needed for a change.")] = "",
    reason: Annotated[str, Parameter(help="Why; needed for a change, and kept on record.")] = "",
    json: Json = False,
) -> None:
    """Show whom nobody replies to; put somebody on the list, or take them off, with your reason."""
    from tasks.engage import allow, bar

    if who and ":" not in who:
        raise Stop(
            f"{who!r} names nobody: a person is network:author, such as mastodon:@ada@social.example; "
            "without one, the list of all incidents is shown"
        )
    if who and not actor:
        raise Stop("a change of the list needs --as, your e-mail address, and --reason")
    if not who and (remove or actor or reason):
        raise Stop("say who it is about, as network:author, such as mastodon:@ada@social.example")
    async with session() as here:
        if who:
            here.settings.stakeholder(actor)
            if remove:
                await allow(here, who, reason=reason, actor=actor)
            else:
                await bar(here, who, mark=mark, reason=reason, actor=actor)
        async with here.store.reading() as tx:
            listed = await tx.engagement.list()
    for one in listed:
        row = one.model_dump(mode="json")
        words = f"{one.network}:{one.author or '(erased)'}  {one.mark}: {one.reason} ({one.by}, {one.at:%Y-%m-%d})"
        show(row, as_json=json, words=words)
    if not listed and not json:
        print("Nobody is on the do-not-engage list.")


async def hand_over(
    incident: str,
    who: Annotated[str, Parameter(help="network:author, as `fireline people` names them.")],
    /,
    *,
    helpdesk: Annotated[str, Parameter(help="A helpdesk of your configuration.")],
    actor: Actor,
    json: Json = False,
) -> int:
    """Hand somebody over to customer care: a ticket, a conversation or a mail with the post and what we know. Once a post.

    Args:
        incident: Such as INC-7.
    """
    from tasks.hand_over import hand_over_person

    async with session() as here:
        here.settings.stakeholder(actor)
        made = await hand_over_person(here, incident, who, helpdesk, actor=actor)
    row = {"delivery": made.id, "state": made.state.value, "problem": made.problem}
    row |= {"ticket": made.receipt.id, "url": made.receipt.url} if made.receipt else {}
    where = f": {made.receipt.url or made.receipt.id}" if made.receipt else f": {made.problem}"
    show(row, as_json=json, words=f"{who} is handed over to {helpdesk} ({made.state.value}){where}")
    return 0 if made.arrived else 1
