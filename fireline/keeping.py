"""Verbs on what is kept and what is not: legal holds, erasing what is known of a person, and retention."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from fireline.errors import Stop
from fireline.incidents import Actor, Json, Reason
from fireline.session import session, show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crisis.erasure import Found
    from crisis.hold import Hold

DryRun = Annotated[bool, Parameter(name="--dry-run", negative="", help="Show what would be erased; change nothing.")]


async def hold(incident: str, *, actor: Actor, reason: Reason, json: Json = False) -> None:
    """Put everything of an incident under legal hold: nothing of it is erased or expires. For the role legal.

    Args:
        incident: Such as INC-7.
    """
    from tasks import hold as holding

    async with session() as here:
        _show(await holding.place(here, incident, actor=actor, reason=reason), as_json=json)


async def release(incident: str, *, actor: Actor, reason: Reason, json: Json = False) -> None:
    """Propose the release of a legal hold, or agree to what somebody else proposed: two people with the role legal.

    Args:
        incident: Such as INC-7.
    """
    from tasks import hold as holding

    async with session() as here:
        _show(await holding.release(here, incident, actor=actor, reason=reason), as_json=json)


async def holds(*, json: Json = False) -> None:
    """List legal holds, released ones included."""
    async with session() as here, here.store.reading() as tx:
        found = await tx.holds.list()
        for one in found:
            _show(one, as_json=json)
        if not found and not json:
            print("Nothing is under legal hold.")


async def erase(
    *,
    author: Annotated[str, Parameter(help="The handle of somebody who posted, such as @sam.")] = "",
    recipient: Annotated[str, Parameter(help="The e-mail address of somebody who got mailings.")] = "",
    actor: Annotated[str, Parameter(name="--as", help="Your e-mail address. You need the role legal.")] = "",
    reason: str = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Erase what is known of one person, everywhere; then list what was erased, and what is kept and why.

    The ledger goes on proving itself. An erased post does not come back, and an erased address stays unwritten to.
    Exit status 1: a legal hold keeps something, which is erased when the hold is released.

    Args:
        reason: Why, such as the request's number: it goes on record, and is erased with the rest.
    """
    from crisis.erasure import ErasureState
    from tasks import erase as erasing

    async with session() as here:
        if dry_run:
            found = await erasing.preview(here, author=author, recipient=recipient)
            _list(found, would=True, as_json=json)
            return 0
        if not actor or not reason.strip():
            raise Stop("say who erases and why: --as YOUR@ADDRESS --reason WHY; or look first, with --dry-run")
        done = await erasing.erase(here, author=author, recipient=recipient, actor=actor, reason=reason)
        if json:
            show({"erasure": done.id, "state": done.state.value}, as_json=True, words="")
        _list(done.found, would=False, as_json=json)
        if not json:
            print(f"{done.id} is {done.state}, on record. The ledger still proves itself: fireline verify --store")
        return int(done.state is ErasureState.HELD)


async def erasures(*, json: Json = False) -> None:
    """List requests to erase, the newest first, and what became of them. Whom they were about is not kept."""
    async with session() as here, here.store.reading() as tx:
        for one in await tx.erasing.list():
            row: dict[str, Any] = {"erasure": one.id, "state": one.state.value, "at": one.asked_at, "by": one.by}
            erased = sum(f.count for f in one.found if not f.kept)
            words = f"{one.id}  {one.asked_at:%Y-%m-%d %H:%M} UTC  {one.state.value}  by {one.by}: {erased} erased"
            show(row | {"found": [f.model_dump() for f in one.found]}, as_json=json, words=words)


async def retention(
    *,
    dry_run: DryRun = False,
    actor: Annotated[str, Parameter(name="--as", help="Your e-mail address, unless it is a dry run.")] = "",
    reason: str = "",
    json: Json = False,
) -> None:
    """Erase what is due by the rules of [retention] now, as the sweep does once a day; held and open incidents never.

    Args:
        reason: Why now.
    """
    from tasks import retention as keeping

    async with session() as here:
        if not dry_run:
            if not actor or not reason.strip():
                raise Stop("say who erases and why: --as YOUR@ADDRESS --reason WHY; or look first, with --dry-run")
            actor = here.settings.stakeholder(actor).email
        done = await (keeping.due(here) if dry_run else keeping.carry_out(here, actor=actor, reason=reason))
        for one in done:
            verb = "would be erased" if dry_run else "erased"
            show(one.model_dump(mode="json"), as_json=json, words=f"{verb}: {one.says}")
        if not done and not json:
            print("Nothing is due.")


def _show(one: "Hold", *, as_json: bool) -> None:
    words = f"{one.incident}  {one.state}  since {one.at:%Y-%m-%d %H:%M} UTC by {one.by}: {one.reason}"
    if one.release_by:
        words += f"\n  release proposed by {one.release_by}: {one.release_reason}"
        words += f"; agreed by {one.released_by}" if one.released_by else "; another person of the law must agree"
    show(one.model_dump(mode="json"), as_json=as_json, words=words)


def _list(found: "Iterable[Found]", *, would: bool, as_json: bool) -> None:
    verb = "would be erased" if would else "erased"
    nothing = True
    for f in found:
        nothing = False
        place = f"{f.where}{f' of {f.incident}' if f.incident else ''}"
        words = f"kept:   {f.count} in {place}: {f.kept}" if f.kept else f"{verb}: {f.count} in {place}"
        show(f.model_dump(mode="json"), as_json=as_json, words=words)
    if nothing and not as_json:
        print("Nothing was found.")
