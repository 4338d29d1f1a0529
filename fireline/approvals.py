"""Verbs around approving: taking an approval back, handing one's turn on, breaking the glass, clearing words beforehand."""

import sys
from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter

from crisis.values import CrisisType, Severity
from fireline.errors import Stop
from fireline.incidents import Actor, Json, Reason
from fireline.session import session, show

Version = Annotated[int | None, Parameter(help="The version; the latest one when left out.")]


async def take_back(
    statement: str, *, actor: Actor, reason: Reason, version: Version = None, json: Json = False
) -> None:
    """Take your approval back, as long as nothing has been handed to the channels; then it must be withdrawn instead.

    Args:
        statement: Such as INC-7-S1.
    """
    from crisis.approval import Via
    from tasks import take_back as taking

    async with session() as here:
        async with here.store.reading() as tx:
            found = await tx.statements.get(statement, version)
        who = here.settings.stakeholder(actor).email
        after = await taking.take_back(
            here, statement=found.id, version=found.version, approver=who, via=Via.CLI, reason=reason
        )
        row = {"id": found.id, "version": found.version, "missing": after.missing}
        show(row, as_json=json, words=f"Your approval of {found.label} is taken back; it {after.says}.")


async def delegate(
    to: str,
    *,
    actor: Actor,
    reason: Reason,
    lasts: Annotated[str, Parameter(name="--for", help='For how long: "8 h", "2 d"; 30 days at most.')],
    statement: Annotated[str, Parameter(help="Only for this statement; left out, for all.")] = "",
    json: Json = False,
) -> None:
    """Hand your turn to approve to somebody else, for a time. The record of what they decide says for whom.

    Args:
        to: Whose turn it becomes, by e-mail address.
    """
    from tasks import delegate as handing

    span = _span(lasts, "--for")
    async with session() as here:
        given = await handing.delegate(
            here,
            delegator=here.settings.stakeholder(actor).email,
            to=here.settings.stakeholder(to).email,
            lasts=span,
            reason=reason,
            statement=statement,
        )
        about = f" on {statement}" if statement else ""
        words = f"{given.id}: {to} decides{about} in your place until {given.until:%d %B %H:%M} UTC. "
        words += f"To end it: fireline undelegate {given.id} --as {actor} --reason WHY"
        show(given.model_dump(mode="json"), as_json=json, words=words)


async def undelegate(delegation: str, *, actor: Actor, reason: Reason, json: Json = False) -> None:
    """End a delegation. What was decided by it stays on record and counts.

    Args:
        delegation: Such as D-3; `fireline delegations` lists them.
    """
    from tasks import delegate as handing

    async with session() as here:
        who = here.settings.stakeholder(actor).email
        ended = await handing.take_over_again(here, delegation, actor=who, reason=reason)
        show(ended.model_dump(mode="json"), as_json=json, words=f"{ended.id} has ended.")


async def delegations(*, json: Json = False) -> None:
    """List whose turn is in whose hands, the newest last."""
    async with session() as here:
        async with here.store.reading() as tx:
            found = await tx.delegations.list()
        now = here.clock.now()
        for given in found:
            holds = given.holds(now, given.statement)
            stands = f"until {given.until:%d %B %H:%M} UTC" if holds else "ended"
            about = given.statement or "every statement"
            words = f"{given.id}  {given.delegator} → {given.delegate}, {about}, {stands}: {given.reason}"
            show(given.model_dump(mode="json") | {"holds": holds}, as_json=json, words=words)
        if not found and not json:
            print("Nobody has handed their turn on.")


async def break_glass(
    statement: str,
    *,
    actor: Actor,
    reason: Reason,
    code: Annotated[str, Parameter(help="Your one-time code; asked for when left out.")] = "",
    version: Version = None,
    json: Json = False,
) -> None:
    """Release a proposed text without its approvals, as an incident lead. Everybody with a role is told at once.

    Args:
        statement: Such as INC-7-S1.
        reason: Why it cannot wait, in at least 20 characters: everybody will read it.
    """
    from crisis.approval import Via
    from tasks import break_glass as breaking

    async with session() as here:
        who = here.settings.stakeholder(actor).email
        async with here.store.reading() as tx:
            found = await tx.statements.get(statement, version)
        after = await breaking.break_glass(
            here,
            statement=found.id,
            version=found.version,
            content_hash=found.content_hash,
            person=who,
            code=code or _asked_for_code(),
            reason=reason,
            via=Via.CLI,
        )
        async with here.store.reading() as tx:
            sent = await tx.outbox.list(statement=found.id, version=found.version)
        states = {d.rendering.target.channel: d.state.value for d in sent}
        words = f"{found.label} is {after.says}." + "".join(f"\n  {name}: {state}" for name, state in states.items())
        show({"id": found.id, "version": found.version, "deliveries": states}, as_json=json, words=words)


async def preclear(
    watch: str,
    *,
    actor: Actor,
    type: Annotated[tuple[CrisisType, ...], Parameter(help="Kind of crisis. May be given several times.")],
    channel: Annotated[tuple[str, ...], Parameter(help="Where it may go. May be given several times.")],
    lasts: Annotated[str, Parameter(name="--for", help='For how long: "90 d"; 366 days at most.')],
    uses: Annotated[int, Parameter(help="How often it may be used.")],
    mildest: Severity = Severity.SEV3,
    worst: Severity = Severity.SEV1,
    json: Json = False,
) -> None:
    """Ask for the playbook's holding statement to be cleared beforehand, within bounds. Nothing is cleared until
    everybody needed has approved (`fireline preclear-approve`), and the playbook must say `preclear: true`.

    Args:
        watch: The short name of the watch that it may be about.
        mildest: The mildest severity in which it may go out.
        worst: The worst.
    """
    from crisis.approval import owed
    from tasks.preclear import ask_for_clearance

    span = _span(lasts, "--for")
    if not type or not channel:
        raise Stop("say with --type and --channel what it may be about and where it may go: both are needed")
    async with session() as here:
        made = await ask_for_clearance(
            here,
            watch=watch,
            types=type,
            mildest=mildest,
            worst=worst,
            channels=channel,
            lasts=span,
            most_uses=uses,
            by=here.settings.stakeholder(actor).email,
        )
        texts = "".join(f"\n\n{kind.value.replace('_', ' ')}:\n{text}" for kind, text in made.shown.items())
        words = f"{made.id}: {made.says}.{texts}\n\nIt needs {owed(made.policy.roles)}: "
        words += f"fireline preclear-approve {made.id} --role ROLE --as YOU"
        row = made.model_dump(mode="json") | {"content_hash": made.content_hash}
        show(row, as_json=json, words=words)


async def preclear_approve(
    clearance: str,
    *,
    actor: Actor,
    role: str,
    return_it: Annotated[bool, Parameter(name="--return", negative="", help="Refuse it instead.")] = False,
    reason: str = "",
    json: Json = False,
) -> None:
    """Approve a pre-clearance, or return it. From the last approval on, its words go out by themselves.

    Args:
        clearance: Such as PC-1; `fireline preclearances` shows what it says.
        role: The role in which you decide.
        reason: Needed when you return it.
    """
    from crisis.approval import Verdict, Via
    from tasks.preclear import decide_clearance

    async with session() as here:
        after = await decide_clearance(
            here,
            clearance,
            approver=here.settings.stakeholder(actor).email,
            role=role,
            verdict=Verdict.RETURN if return_it else Verdict.APPROVE,
            via=Via.CLI,
            reason=reason,
        )
        row = {"id": clearance, "approved": after.approved, "missing": after.missing}
        show(row, as_json=json, words=f"{clearance}: {after.says}.")


async def preclear_end(clearance: str, *, actor: Actor, reason: Reason, json: Json = False) -> None:
    """End a pre-clearance for good.

    Args:
        clearance: Such as PC-1.
    """
    from tasks.preclear import end_clearance

    async with session() as here:
        await end_clearance(here, clearance, by=here.settings.stakeholder(actor).email, reason=reason)
        show(
            {"id": clearance, "state": "voided"},
            as_json=json,
            words=f"{clearance} has ended: it releases nothing more.",
        )


async def preclearances(
    *, text: Annotated[bool, Parameter(negative="", help="With their texts.")] = False, json: Json = False
) -> None:
    """List what is cleared beforehand, within which bounds, and how often it was used."""
    async with session() as here:
        async with here.store.reading() as tx:
            found = [(c, s, await tx.releases.uses(c.id)) for c, s in await tx.clearances.list()]
        for clearance, state, used in found:
            over = state.value == "approved" and clearance.expires_at <= here.clock.now()
            stands = "expired" if over else state.value
            words = f"{clearance.id}  {stands}, used {used} of {clearance.most_uses}: {clearance.says}"
            words += "".join(f"\n\n{shown}" for shown in clearance.shown.values()) if text else ""
            show(clearance.model_dump(mode="json") | {"state": stands, "used": used}, as_json=json, words=words)
        if not found and not json:
            print("Nothing is cleared beforehand.")


def _span(written: str, option: str) -> timedelta:
    from config.playbook_files import duration

    try:
        return duration(written)
    except ValueError as error:
        raise Stop(f"{option}: {error}") from None


def _asked_for_code() -> str:
    if not sys.stdin.isatty():
        raise Stop("breaking the glass needs your one-time code: add --code and the six digits")
    from getpass import getpass

    return getpass("Your one-time code: ")
