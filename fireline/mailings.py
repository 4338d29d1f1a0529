"""Verbs on mailings: how one stands recipient by recipient, and whom nothing is mailed."""

from typing import Annotated

from cyclopts import Parameter

from crisis.mailing import RecipientState
from fireline.errors import Stop
from fireline.incidents import Actor, Json, Reason
from fireline.session import session, show

List = Annotated[str, Parameter(name="--list", help="One channel's mailings only; left out: all of them.")]


async def mailing(
    delivery: str,
    *,
    state: Annotated[RecipientState, Parameter(help="List the recipients in this state.")] = RecipientState.UNKNOWN,
    limit: Annotated[int, Parameter(help="How many recipients to list.")] = 100,
    erase_addresses: Annotated[
        bool,
        Parameter(negative="", help="Forget the addresses; their states and hashes stay. Needs --as and --reason."),
    ] = False,
    actor: Annotated[str, Parameter(name="--as", help="Your e-mail address, for --erase-addresses.")] = "",
    reason: str = "",
    json: Json = False,
) -> None:
    """Show how a mailing stands, and the recipients of whom it is not known whether they have it.

    Args:
        delivery: The delivery's id, as the desk and `fireline publish` show it.
        reason: Why the addresses are erased.
    """
    from crisis.mailing import of_counts, shown

    async with session() as here:
        async with here.store.reading() as tx:
            found = await tx.outbox.get(delivery)
            counts = await tx.mailings.counts(delivery)
            some = await tx.mailings.list(delivery, state, limit=limit)
        if not counts:
            raise Stop(f"{delivery} is no mailing, or nothing of it was planned yet", 1)
        if erase_addresses:
            if not actor or not reason.strip():
                raise Stop("say who erases the addresses and why: --as YOUR@ADDRESS --reason WHY")
            here.settings.stakeholder(actor)
            async with here.store.transaction() as tx:
                number = await tx.mailings.erase(
                    delivery, incident=found.incident, actor=actor, via=here.via, reason=reason
                )
            show({"delivery": delivery, "erased": number}, as_json=json, words=f"{number:,} addresses erased")
            return
        states = {s.value: n for s, n in counts.items()}
        words = f"{found.rendering.target.channel}: {found.state}: {of_counts(counts)}"
        show({"delivery": delivery, "state": found.state.value, "recipients": states}, as_json=json, words=words)
        for r in some:
            row = {"position": r.position, "address": r.address, "state": r.state.value, "problem": r.problem}
            show(row, as_json=json, words=f"  {shown(r.address)}: {r.problem or r.state.value}")


async def suppress(address: str, *, actor: Actor, reason: Reason, list_: List = "", json: Json = False) -> None:
    """Send no mailing to an address any more.

    Args:
        address: Such as ana@example.com.
    """
    async with session() as here:
        here.settings.stakeholder(actor)
        known = _checked(address)
        if list_:
            here.settings.channel(list_)
        async with here.store.transaction() as tx:
            new = await tx.suppressions.add(
                known, why="by hand", detail=reason, list=list_, actor=actor, via=here.via, reason=reason
            )
        words = f"{known}: {'gets no mailing' if new else 'got no mailing already'}{_of(list_)}"
        show({"address": known, "list": list_, "new": new}, as_json=json, words=words)


async def unsuppress(address: str, *, actor: Actor, reason: Reason, list_: List = "", json: Json = False) -> int:
    """Let mailings reach an address again.

    Args:
        address: Such as ana@example.com.
    """
    async with session() as here:
        here.settings.stakeholder(actor)
        known = _checked(address)
        async with here.store.transaction() as tx:
            done = await tx.suppressions.remove(known, list=list_, actor=actor, via=here.via, reason=reason)
            left = await tx.suppressions.of(known)
        words = f"{known}: {'mailings reach it again' if done else 'was not suppressed'}{_of(list_)}"
        words += "".join(f"\n  still suppressed{_of(s.list)}: {s.reason} {s.detail}" for s in left)
        show({"address": known, "list": list_, "removed": done}, as_json=json, words=words)
        return 0 if done else 1


async def suppressed(address: str = "", *, json: Json = False) -> None:
    """Show the suppression list, or why one address is on it.

    Args:
        address: Such as ana@example.com; left out: all of them, the newest first.
    """
    from crisis.mailing import shown

    async with session() as here, here.store.reading() as tx:
        for s in await (tx.suppressions.of(address) if address else tx.suppressions.list()):
            row = s._asdict() | {"at": s.at.isoformat()}
            words = f"{s.at:%Y-%m-%d %H:%M} UTC  {shown(s.address)}{_of(s.list)}: {s.reason} {s.detail}".rstrip()
            show(row, as_json=json, words=words)


def _checked(address: str) -> str:
    from integrations.mail import mailbox

    try:
        return mailbox(address)
    except ValueError as error:
        raise Stop(str(error)) from None


def _of(list_: str) -> str:
    return f" of {list_}" if list_ else ""
