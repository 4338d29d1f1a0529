"""Verbs on promises, and on whom they were made to: what a draft promises, what is owed, who has not heard the end, and
what still stands on the platforms."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from crisis.typed_in import moment_of
from fireline.errors import Stop
from fireline.incidents import Actor, Json
from fireline.session import session, show

if TYPE_CHECKING:
    from crisis.commitment import Commitment
    from tasks.promises import Drafted

By = Annotated[str, Parameter(name="--by", help="By when, as 2026-03-01T15:00Z; left out, as the text says.")]
OptionalActor = Annotated[str, Parameter(name="--as", help="Your e-mail address, as in fireline.toml.")]


async def promise(
    statement: str,
    *,
    confirm: Annotated[tuple[int, ...], Parameter(help="Numbers of promises that are owed.")] = (),
    confirm_all: Annotated[bool, Parameter(negative="", help="All whose time the text names.")] = False,
    strike: Annotated[tuple[int, ...], Parameter(help="Numbers of those that are none.")] = (),
    add: Annotated[str, Parameter(help="One that was not found, in its own words.")] = "",
    by: By = "",
    owner: Annotated[str, Parameter(help="Who sees to it; the incident's lead, when left out.")] = "",
    moves: Annotated[str, Parameter(help="An open promise that this one moves to a later time.")] = "",
    reason: Annotated[str, Parameter(help="Why it is no promise.")] = "",
    actor: OptionalActor = "",
    json: Json = False,
) -> int:
    """What a draft promises, and by when; confirm, strike or add promises. Exit status 1 while one is not settled.

    Args:
        statement: Such as INC-7-S1; its latest version.
    """
    from crisis.commitment import Ruling
    from tasks import promises as owing

    async with session() as here:
        async with here.store.reading() as tx:
            text = await tx.statements.get(statement)
            drafted = {p.number: p for p in await owing.promises_of(tx, text)}
        if confirm or confirm_all or strike or add:
            here.settings.stakeholder(actor)
        due_at = _moment(by) if by else None
        for number in confirm:
            sentence = _numbered(drafted, number, statement).sentence
            await owing.mark_promise(
                here, text, sentence, Ruling.CONFIRMED, by=actor, due_at=due_at, owner=owner, moves=moves
            )
        for number in strike:
            sentence = _numbered(drafted, number, statement).sentence
            await owing.mark_promise(here, text, sentence, Ruling.STRUCK, by=actor, reason=reason)
        if add:
            await owing.mark_promise(
                here, text, add, Ruling.CONFIRMED, by=actor, due_at=due_at, owner=owner, moves=moves
            )
        if confirm_all:
            await owing.confirm_found(here, text, by=actor, owner=owner)
        async with here.store.reading() as tx:
            now = await owing.promises_of(tx, text)
        for one in now:
            show(_row(one), as_json=json, words=_in_words(one))
        if not now and not json:
            show({}, as_json=False, words=f"{text.label} promises nothing that was found.")
        return 1 if any(p.wants_word for p in now) else 0


async def promises(
    incident: Annotated[str, Parameter(help="Only those of this incident, kept and broken ones too.")] = "",
    *,
    json: Json = False,
) -> None:
    """What is owed to the public, the soonest first: by when, by whom, and what became of it."""
    from crisis.commitment import CommitmentState
    from tasks.promises import owner_of

    async with session() as here, here.store.reading() as tx:
        if incident:
            await tx.incidents.get(incident)
        state = None if incident else CommitmentState.OPEN
        found = await tx.commitments.list(incident=incident, state=state)
        now = here.clock.now()
        for one in found:
            owner = owner_of(one, await tx.incidents.get(one.incident))
            row = one.model_dump(mode="json", exclude={"reminded_at"}) | {"owner": owner}
            row["seconds_left"] = int((one.due_at - now).total_seconds()) if one.state == "open" else None
            show(row, as_json=json, words=_owed(one, owner, now))
        if not found and not json:
            show({}, as_json=False, words="Nothing is owed.")


async def kept(
    id: str,
    *,
    actor: Actor,
    evidence: Annotated[str, Parameter(help="What shows it, in your own words; with --broken, why.")],
    statement: Annotated[str, Parameter(help="The published statement that kept it.")] = "",
    broken: Annotated[bool, Parameter(negative="", help="It was not kept and will not be.")] = False,
    json: Json = False,
) -> None:
    """Say that a promise was kept, or that it is broken, with what shows it.

    Args:
        id: The promise, such as INC-7-S1v1-C1.
    """
    from tasks.promises import give_up, keep

    async with session() as here:
        here.settings.stakeholder(actor)
        if broken:
            after = await give_up(here, id, by=actor, reason=evidence)
        else:
            after = await keep(here, id, by=actor, evidence=evidence, statement=statement)
        late = after.state == "broken" and not broken
        words = f"{id} is {after.state.value}{', because it was kept late' if late else ''}: {after.text}"
        show(after.model_dump(mode="json"), as_json=json, words=words)


async def promise_owner(id: str, owner: str, *, actor: Actor, json: Json = False) -> None:
    """Make somebody see to a promise.

    Args:
        id: The promise, such as INC-7-S1v1-C1.
        owner: Their e-mail address.
    """
    from tasks.promises import hand_to

    async with session() as here:
        here.settings.stakeholder(actor)
        here.settings.stakeholder(owner)
        after = await hand_to(here, id, owner, by=actor)
        show(after.model_dump(mode="json"), as_json=json, words=f"{owner} sees to {id}: {after.text}")


async def stranded(
    incident: str,
    *,
    excuse: Annotated[str, Parameter(help="An audience that is not told, as it is listed.")] = "",
    wants: Annotated[str, Parameter(help="What it is not told, as it is listed.")] = "the resolution",
    reason: Annotated[str, Parameter(help="Why not.")] = "",
    actor: OptionalActor = "",
    json: Json = False,
) -> int:
    """Who was told something and not how it ended, or carried an error and not its correction. Exit status 1 while somebody is.

    Args:
        incident: Such as INC-7.
    """
    from tasks import stranded as reaching

    async with session() as here:
        if excuse:
            here.settings.stakeholder(actor)
            await reaching.excuse(here, incident, excuse, by=actor, reason=reason, wants=wants)
        async with here.store.reading() as tx:
            concerned = await tx.incidents.get(incident)
            found = await reaching.audiences(tx, concerned)
            left = await reaching.left_behind(tx, concerned, found)
        for one in found:
            later = one.open and one not in left
            mark = "…" if later else "✕" if one.open else "✓" if one.end == "told" else "·"
            end = "owed when it ends" if later else one.end
            words = f"{mark} {one.key}  {end}  {one.says}  (heard {', '.join(one.heard)}; {one.wants})"
            show(one.model_dump(mode="json") | {"left": one in left}, as_json=json, words=words)
        if not found and not json:
            show({}, as_json=False, words=f"Nobody has been told anything about {incident} yet.")
        return 1 if left else 0


async def read_back(incident: str, *, json: Json = False) -> int:
    """Look now whether what was published still stands, as it was approved. Exit status 1 when something does not, or could
    not be looked at now.

    Args:
        incident: Such as INC-7.
    """
    from datetime import UTC, datetime

    from crisis.delivery import Purpose
    from tasks import read_back as looking

    async with session() as here:
        async with here.store.reading() as tx:
            await tx.incidents.get(incident)
            out = [d for d in await tx.outbox.list(incident=incident, purpose=Purpose.STATEMENT) if d.receipt]
        readable = [d for d in out if looking.can_read(d.rendering.target.kind)]
        began = datetime.now(UTC)
        await looking.read_back(here, [d.id for d in readable])
        async with here.store.reading() as tx:
            seen = await tx.read_backs.of(incident)
        blind = False
        for delivery in out:
            one = seen.get(delivery.id)
            now = one is not None and (one.due_at is None or (one.at is not None and one.at >= began))
            stand = one.stand.value if one and one.stand else "not read"
            says = one.says if one else "this kind of channel cannot be read back"
            if delivery in readable and not now:
                blind = True
                last = f"; {one.at:%d %b %H:%M} UTC: {says}" if one and one.at else f"; {says}" if one else ""
                says = f"could not be looked at now{last}"
            row: dict[str, Any] = {
                "delivery": delivery.id,
                "statement": delivery.statement,
                "version": delivery.version,
            }
            row |= {"channel": delivery.rendering.target.channel, "stand": stand, "says": says}
            row["at"] = one.at.isoformat() if one and one.at else None
            words = f"{row['channel']}  {delivery.statement} v{delivery.version}  {stand}: {says}"
            show(row, as_json=json, words=words)
        if not out and not json:
            print(f"Nothing was looked at: nothing of {incident} has been published yet.")
        return 1 if blind or any(one.stand in ("edited", "gone") and one.due_at for one in seen.values()) else 0


def _numbered(drafted: "dict[int, Drafted]", number: int, statement: str) -> "Drafted":
    if number not in drafted:
        raise Stop(f"{statement} has no promise {number}: `fireline promise {statement}` numbers them")
    return drafted[number]


def _moment(text: str) -> datetime:
    found = moment_of(text, zone=None)
    if found is not None:
        return found
    if moment_of(text) is not None:
        raise Stop(f"{text!r} names no time zone: write 2026-03-01T15:00Z, or with +02:00 at its end")
    raise Stop(f"{text!r} is no time: write it as 2026-03-01T15:00Z")


def _row(one: "Drafted") -> dict[str, Any]:
    return {
        "number": one.number,
        "sentence": one.sentence,
        "kind": (one.mark.kind if one.mark else one.kind).value,
        "due_at": one.due_at.isoformat() if one.due_at else None,
        "assumes": one.when.assumes,
        "asks": "" if one.due_at else one.when.asks,
        "settled": one.settled,
        "says": one.says,
    }


def _in_words(one: "Drafted") -> str:
    due = f"by {one.due_at:%d %B %H:%M} UTC" if one.due_at else one.when.asks
    assumes = f" ({one.when.assumes})" if one.when.assumes and not one.mark else ""
    return f"{one.number}. {one.kind.value}: {one.sentence}\n   {due}{assumes}  {one.says}"


def _owed(one: "Commitment", owner: str, now: datetime) -> str:
    from crisis.clocks import span_in_words

    if one.state.value != "open":
        when = f"{one.state.value}{f' by {one.kept_by}' if one.kept_by else ''}"
    elif one.due_at < now:
        when = f"OVERDUE by {span_in_words(now - one.due_at)}"
    else:
        when = f"{span_in_words(one.due_at - now)} left"
    return f"{one.id}  {when}  {one.due_at:%d %B %H:%M} UTC  {one.kind.value}: {one.text}  ({owner or 'nobody'})"
