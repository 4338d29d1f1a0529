"""Verbs on scheduled marketing: freeze it while an incident goes on, and put it back afterwards."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fireline.incidents import Actor, Json, Reason
from fireline.session import session, show

if TYPE_CHECKING:
    from crisis.freeze import FrozenPost


async def freeze(incident: str, *, actor: Actor, reason: Reason, json: Json = False) -> int:
    """Freeze every post that is scheduled, as often as you like; then list what was frozen and what was not.

    A post is stored whole before it is paused. What could not be frozen is yours to stop: exit status 1.

    Args:
        incident: Such as INC-7.
    """
    from crisis.freeze import shown
    from tasks import freeze as freezing

    async with session() as here:
        here.settings.stakeholder(actor)
        if not here.settings.schedulers and not json:
            print("No schedulers are configured: add [[schedulers]] to fireline.toml (`fireline kinds` lists them).")
        return _list(shown(await freezing.freeze(here, incident, actor=actor, reason=reason)), as_json=json)


async def unfreeze(incident: str, *, actor: Actor, reason: Reason, json: Json = False) -> int:
    """Put frozen posts back at their own times. What came due meanwhile is listed, and never published late.

    Args:
        incident: Such as INC-7.
    """
    from crisis.freeze import shown
    from tasks import freeze as freezing

    async with session() as here:
        here.settings.stakeholder(actor)
        return _list(shown(await freezing.unfreeze(here, incident, actor=actor, reason=reason)), as_json=json)


def _list(posts: "Sequence[FrozenPost]", *, as_json: bool) -> int:
    """One line for each post; 1 when a human must see to any."""
    from crisis.freeze import FOR_A_HUMAN

    for p in posts:
        at = f"{p.post.at:%Y-%m-%d %H:%M} UTC" if p.post.at else "no time"
        row: dict[str, object] = {
            "scheduler": p.scheduler,
            "post": p.post.id,
            "state": p.state.value,
            "where": p.post.where,
        }
        row |= {"at": p.post.at, "text": p.post.text, "problem": p.problem}
        says = " ".join(p.post.text.split())[:60]
        mend = f"\n              {p.problem}" if p.problem else ""
        words = f"{p.state:<13} {at}  {p.post.where or p.scheduler}  {says}{mend}"
        show(row, as_json=as_json, words=words)
    if not posts and not as_json:
        print("Nothing is scheduled.")
    return int(any(p.state in FOR_A_HUMAN for p in posts))
