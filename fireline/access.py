"""Verbs for access: tokens for programs, who is signed in, and which incidents only named people see."""

from typing import Annotated, Literal

from cyclopts import Parameter

from fireline.errors import Stop
from fireline.incidents import Actor, Json, Reason
from fireline.session import session, show


async def token(
    action: Literal["new", "list", "revoke"],
    name: str = "",
    *,
    scopes: Annotated[str, Parameter(help="What it may do: read, ingest, or both with a comma.")] = "",
    expires: Annotated[str, Parameter(help="When it ends: 90d, 12h, 2w, or never.")] = "90d",
    actor: Annotated[str, Parameter(name="--as", help="Your e-mail address, for the record.")] = "",
    json: Json = False,
) -> None:
    """Tokens with which programs read incidents (scope read) or hand in posts (scope ingest). No token decides anything.

    A new token is printed once: put it where the program reads it, and nowhere else.

    Args:
        action: new, list or revoke.
        name: Of the token, such as status-board; revoke also takes its id, or the token itself.
    """
    if action != "list" and not name:
        raise Stop(f"name the token: fireline token {action} NAME", 2)
    await {"new": _new, "list": _list, "revoke": _revoke}[action](name, scopes, expires, actor, json)


async def _new(name: str, scopes: str, expires: str, actor: str, json: bool) -> None:
    from crisis.access import Scope
    from crisis.approval import NotAllowed
    from tasks.tokens import new_token, span

    asked = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    if unknown := [scope for scope in asked if scope not in set(Scope)]:
        raise Stop(f"there is no scope {unknown[0]!r}: there are {' and '.join(Scope)}", 2)
    try:
        lasts = None if expires == "never" else span(expires)
    except NotAllowed as wrong:
        raise Stop(str(wrong), 2) from None
    if not asked:
        raise Stop("say what it may do: --scopes read, or read,ingest", 2)
    async with session() as here:
        by = here.settings.stakeholder(actor).email if actor else "cli"
        made, secret = await new_token(here, name, [Scope(scope) for scope in asked], lasts=lasts, actor=by)
    until = f"until {made.expires_at:%d %b %Y}" if made.expires_at else "until it is revoked"
    row = {"token": secret, **made.model_dump(mode="json", include={"id", "name", "scopes", "expires_at"})}
    words = f"{secret}\nIt is shown once. It may {' and '.join(made.scopes)}, {until}."
    show(row, as_json=json, words=words)


async def _list(name: str, scopes: str, expires: str, actor: str, json: bool) -> None:
    from datetime import UTC, datetime

    async with session() as here, here.store.reading() as tx:
        found = await tx.tokens.list()
    for one in found:
        stands = "in use" if one.lives(datetime.now(UTC)) else "revoked" if one.revoked_at else "expired"
        used = f"last used {one.used_at:%d %b %Y %H:%M} UTC" if one.used_at else "never used"
        place = f" from {one.used_from.split()[-1]}" if one.used_from else ""
        until = f"until {one.expires_at:%d %b %Y}" if one.expires_at else "without end"
        words = f"{one.name}  fireline_{one.id}_…  {', '.join(one.scopes)}  {stands}, {until}, {used}{place}"
        show(one.model_dump(mode="json") | {"stands": stands}, as_json=json, words=words)
    if not found and not json:
        print("No tokens.")


async def _revoke(name: str, scopes: str, expires: str, actor: str, json: bool) -> None:
    from tasks.tokens import revoke_token

    async with session() as here:
        by = here.settings.stakeholder(actor).email if actor else "cli"
        gone = await revoke_token(here, name, actor=by)
    show({"revoked": gone.name, "id": gone.id}, as_json=json, words=f"{gone.name} lets nobody in any more.")


async def restrict(
    incident: str,
    *,
    actor: Actor,
    reason: Reason,
    to: Annotated[str, Parameter(help="Who sees it: e-mail addresses and role:NAME, with commas.")] = "",
    lift: Annotated[bool, Parameter(negative="", help="Open it to everybody at the desk again.")] = False,
    json: Json = False,
) -> None:
    """Let only named people see an incident: nobody else finds it on the desk, is told of it, or decides about it.

    Its lead always sees it, and so do you.

    Args:
        incident: Such as INC-7.
    """
    from tasks import restrict as restricting
    from tasks.people import shut_out
    from tasks.triage import find

    named = [name.strip() for name in to.split(",") if name.strip()]
    if bool(named) == lift:
        raise Stop("say who sees it (--to ana@example.com,role:legal), or open it to all (--lift)", 2)
    async with session() as here:
        actor = here.settings.stakeholder(actor).email
        if lift:
            was = await restricting.lift(here, incident, actor=actor, reason=reason)
            words = f"{incident} is open to everybody at the desk." if was else f"{incident} was not restricted."
            show({"incident": incident, "restricted": False}, as_json=json, words=words)
            return
        restriction = await restricting.restrict(here, incident, named, actor=actor, reason=reason)
        found = await find(here, incident)
        async with here.store.reading() as tx:
            out = [p.name for p in await shut_out(tx, found)]
    sees = ", ".join((*restriction.people, *(f"whoever is {role}" for role in restriction.roles)))
    words = f"{incident} is seen by its lead, {sees}."
    words += f"\nNot by {', '.join(out)}: they can approve nothing about it." if out else ""
    row = {"incident": incident, "restricted": True, "people": restriction.people, "roles": restriction.roles}
    show(row | {"shut_out": out}, as_json=json, words=words)


async def sessions(*, json: Json = False) -> None:
    """List who is signed in at the desk, and since when."""
    from datetime import UTC, datetime, timedelta

    async with session() as here, here.store.reading() as tx:
        idle = timedelta(hours=here.settings.desk.idle_hours)
        found = await tx.sessions.list(now=datetime.now(UTC), idle=idle)
    for one in found:
        who = one.person or "somebody with the desk key"
        words = f"{one.id}  {who}  {one.method.value}  since {one.began_at:%d %b %H:%M} UTC from {one.address}"
        show(one.model_dump(mode="json"), as_json=json, words=words)
    if not found and not json:
        print("Nobody is signed in.")


async def sign_out(who: str, *, reason: Reason = "shown out", json: Json = False) -> None:
    """End every session of a person at the desk, at once, and every sign-in link they were mailed.

    Args:
        who: Their e-mail address; or the id of one session, as `fireline sessions` lists them.
    """
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    async with session() as here:
        act = {"actor": "cli", "via": here.via, "reason": reason}
        async with here.store.transaction() as tx:
            one = await tx.sessions.get(who)
            if one is not None:
                ended = await tx.sessions.end([who], now, **act)
            else:
                person = next(
                    (p.email for p in here.settings.stakeholders if p.email.casefold() == who.casefold()), who
                )
                ended = await tx.sessions.end_all(person, now, **act)
    words = f"{ended} session{'' if ended == 1 else 's'} ended." if ended else f"{who} was not signed in."
    show({"ended": ended}, as_json=json, words=words)
