"""Freezing scheduled marketing, and putting it back: every post whole on record before anything is done to it.

Both can be killed anywhere and taken up again by whoever comes next, since pausing and restoring twice is no error: a
post is ``freezing`` or ``restoring`` from before the first call until its outcome is known. An outcome that stays open
after ``MAX_ATTEMPTS`` is a human's, and the lead is told. Afterwards the scheduler is read once more, and what still
goes out, or does not, against the record is a human's too. Nothing is put back by itself, and nothing is published late.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import config
import integrations
from crisis.freeze import (
    FOR_A_HUMAN,
    UNFINISHED,
    FreezeState,
    FrozenPost,
    ScheduledPost,
    in_words,
    same_time,
    shown,
    soonest_first,
)
from crisis.incident import LIVE, IllegalStep, Incident, IncidentState
from integrations.protocols import Scheduler
from records.work import Act
from tasks.installation import Installation
from tasks.links import ACTING_PLACEHOLDER
from tasks.notify import Notice, tell_lead

MAX_ATTEMPTS = 5
"""Calls without a clear answer before a human is asked."""
AGAIN_AFTER = timedelta(seconds=20)
"""Between two of them; more with each."""
RENEW_BEFORE = timedelta(days=7)
"""A post that is only put off is put off further when so little of that is left."""
TOO_LATE = "its time came before it could be frozen: look whether it is out"
SECONDS = 60.0
"""How long one scheduler may take in one go; the rest is left to ``sweep``."""

_HELD = frozenset({FreezeState.FREEZING, FreezeState.FROZEN, FreezeState.NOT_RESTORED})
"""What ``unfreeze`` tries to put back."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Acting:
    """Who freezes or unfreezes, and why."""

    here: Installation
    actor: str
    reason: str = ""

    @property
    def act(self) -> Act:
        return {
            "actor": self.actor,
            "via": self.here.via,
            "reason": self.reason,
            "flow_run_id": self.here.flow_run_id,
        }

    async def settle(self, seen: FrozenPost, to: FreezeState, **changed: object) -> FrozenPost:
        """The next state of a post, unless somebody else has moved it on; as it then stands."""
        fresh = {"state": to, "problem": "", "attempts": 0, "again_at": None, "changed_at": self.here.clock.now()}
        after = seen.model_copy(update={**fresh, **changed})
        async with self.here.store.transaction() as tx:
            if await tx.frozen.put(after, seen=seen, **self.act):
                return after
            return await tx.frozen.get(seen.key) or seen


async def freeze(here: Installation, incident_id: str, *, actor: str, reason: str = "") -> list[FrozenPost]:
    """Freeze everything that is scheduled where this incident's watch is concerned, as often as one likes.

    What was frozen stays so; what was scheduled meanwhile, or could not be frozen, is tried again.

    Raises:
        IllegalStep: the incident is over.
        records.NotFound: there is no such incident.
    """
    acting = _Acting(here, actor, reason)
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        if incident.state not in LIVE:
            raise IllegalStep(f"{incident_id} is {incident.state}: only an incident that goes on freezes anything")
        names = _concerned(here, incident)
        await tx.ledger.append("freeze.begun", incident=incident_id, data={"schedulers": names}, **acting.act)
        for name in names:
            await tx.frozen.put(_scheduler_itself(incident, name, here.clock.now()), **acting.act)
        for post in await tx.frozen.list(incident=incident_id, states=[FreezeState.NOT_FROZEN]):
            if not post.whole and not post.overdue(here.clock.now()):
                again = {"state": FreezeState.FREEZING, "attempts": 0, "again_at": None}
                await tx.frozen.put(post.model_copy(update=again), **acting.act)
    return await _go_on(acting, incident)


async def freeze_if_due(here: Installation, incident_id: str) -> str:
    """Freeze once, when the playbook says so for this severity; and take up what was left. What was done, in words.

    What people unfroze stays so.
    """
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        begun = await tx.frozen.list(incident=incident_id)
    least = here.playbook(incident.assessment.type).freeze_from
    if incident.state not in LIVE - {IncidentState.CANDIDATE} or not _concerned(here, incident):
        return ""
    if begun:
        posts = await _go_on(_Acting(here, "freeze"), incident)
    elif least is not None and incident.severity >= least:
        why = f"the playbook asks for it from {least} on"
        posts = await freeze(here, incident_id, actor="freeze", reason=why)
    else:
        return ""
    return f"{incident_id}: {in_words(posts) or 'nothing is scheduled'}"


async def unfreeze(here: Installation, incident_id: str, *, actor: str, reason: str = "") -> list[FrozenPost]:
    """Put back what was frozen, at its own time; what came due meanwhile is listed and never published late.

    Raises:
        IllegalStep: nothing is frozen, or another incident that goes on has the same schedulers frozen.
        records.NotFound: there is no such incident.
    """
    acting = _Acting(here, actor, reason)
    now = here.clock.now()
    async with here.store.reading() as tx:
        await tx.incidents.get(incident_id)  # which this person must see
    async with here.store.whole.transaction() as tx:  # what other incidents hold, whoever may see those
        incident = await tx.incidents.get(incident_id)
        posts = await tx.frozen.list(incident=incident_id)
        held = [p for p in posts if not p.whole and p.state in _HELD and p.post.at is not None]
        by_hand = [p for p in posts if not p.whole and p.state is FreezeState.NOT_FROZEN and p.post.at is None]
        whole = [p for p in posts if p.whole and p.state is not FreezeState.RESTORED]
        going = any(p.state is FreezeState.RESTORING for p in posts)  # left half done by one that was killed
        if not whole and not held and not going:
            raise IllegalStep(f"nothing is frozen for {incident_id}")
        for other in (i for i in await tx.incidents.list(LIVE) if i.id != incident_id):
            theirs = await tx.frozen.list(incident=other.id)
            shared = {p.scheduler for p in theirs if p.whole and p.state is not FreezeState.RESTORED}
            if shared & {p.scheduler for p in (*held, *whole)}:
                raise IllegalStep(f"{other.id} goes on and needs the freeze too: unfreeze {other.id} first")
        await tx.ledger.append("freeze.lifted", incident=incident_id, data={"posts": len(held)}, **acting.act)
        for post in held:
            to, problem = FreezeState.RESTORING, ""
            if post.overdue(now) and post.state is FreezeState.FREEZING:
                to, problem = FreezeState.NOT_FROZEN, TOO_LATE
            elif post.overdue(now):
                to = FreezeState.MISSED
            changed = {"state": to, "problem": problem, "attempts": 0, "again_at": None, "changed_at": now}
            await tx.frozen.put(post.model_copy(update=changed), **acting.act)
        for post in by_hand:
            says = {"state": FreezeState.NOT_RESTORED, "problem": "no API can do it: resume it there by hand"}
            await tx.frozen.put(post.model_copy(update=says), **acting.act)
        for post in whole:
            done = {"state": FreezeState.RESTORED, "problem": "", "again_at": None}
            await tx.frozen.put(post.model_copy(update=done), **acting.act)
    return await _go_on(acting, incident)


async def mind_freezes(here: Installation) -> str:
    """Freeze where it is due, take up what was left half done, and put held posts off further. For ``sweep``."""
    if not here.settings.schedulers:
        return ""
    async with here.store.reading() as tx:
        live = await tx.incidents.list(LIVE)
        begun = {p.incident for p in await tx.frozen.list()}
        unfinished = {p.incident for p in await tx.frozen.list(states=UNFINISHED)}
        others = [await tx.incidents.get(name) for name in sorted(unfinished - {i.id for i in live})]
    said = [await freeze_if_due(here, i.id) for i in live if i.id not in begun or i.id in unfinished]
    for incident in others:
        await _go_on(_Acting(here, "freeze"), incident)
    await _hold_further(here)
    return "; ".join(filter(None, said))


async def frozen_in(here: Installation, incident_id: str) -> list[FrozenPost]:
    """What people need to see of an incident's freeze, in the order in which it would go out."""
    async with here.store.reading() as tx:
        return shown(await tx.frozen.list(incident=incident_id))


async def propose_unfreezing(here: Installation, incident: Incident) -> None:
    """Tell the lead of an incident that is over what is still frozen; putting it back is theirs."""
    posts = await frozen_in(here, incident.id)
    if any(p.state in (FreezeState.FROZEN, FreezeState.FREEZING) for p in posts):
        notice = Notice(
            occasion="unfreeze",
            template="unfreeze",
            context=_told(posts),
            link=ACTING_PLACEHOLDER,
            button="Put them back, or leave them",
        )
        await tell_lead(here, incident, notice, why="scheduled posts are still frozen")


def _concerned(here: Installation, incident: Incident) -> list[str]:
    return [s.name for s in here.settings.schedulers if not s.watch or incident.watch in s.watch]


def _scheduler_itself(incident: Incident, name: str, now: datetime) -> FrozenPost:
    nothing = ScheduledPost(id="", at=None, text="", where=name)
    return FrozenPost(incident=incident.id, scheduler=name, post=nothing, state=FreezeState.FREEZING, changed_at=now)


async def _go_on(acting: _Acting, incident: Incident) -> list[FrozenPost]:
    """Do what is unfinished on every scheduler at once, tell the lead, and return everything as it then stands."""
    here = acting.here
    async with here.store.reading() as tx:
        unfinished = await tx.frozen.list(incident=incident.id, states=UNFINISHED)
    names = sorted({p.scheduler for p in unfinished})
    await asyncio.gather(*(_on_scheduler(acting, incident, name) for name in names))
    async with here.store.reading() as tx:
        posts = await tx.frozen.list(incident=incident.id)
    if names:
        await _tell(here, incident, posts)
    return posts


async def _on_scheduler(acting: _Acting, incident: Incident, name: str) -> None:
    """One scheduler's part; whatever goes wrong leaves its posts unfinished for the next sweep, and stops no other."""
    try:
        async with asyncio.timeout(SECONDS), _connected(acting.here, name) as scheduler:
            posts = await _unfinished(acting, incident, name)
            if posts and posts[0].whole:
                await _read(acting, posts[0], scheduler)
                posts = [p for p in await _unfinished(acting, incident, name) if not p.whole]
            for post in posts:
                await _one(acting, post, scheduler)
            await _read_back(acting, [p for p in posts if not p.whole], scheduler)
    except TimeoutError:
        logger.warning("%s is slow: the rest of its posts is left to the next sweep", name)
    except integrations.IntegrationError as error:
        for post in await _unfinished(acting, incident, name):
            await _open(acting, post, error)
    except Exception as error:
        logger.exception("%s could not be dealt with now; the next sweep tries again", name)
        for post in await _unfinished(acting, incident, name):
            await _open(acting, post, integrations.Unknown(f"unexpected {type(error).__name__}"))


@asynccontextmanager
async def _connected(here: Installation, name: str) -> AsyncIterator[Scheduler]:
    try:
        scheduler = await here.scheduler(name)
    except config.ConfigError as error:  # taken out of the configuration while its posts were frozen
        raise integrations.Misconfigured(str(error)) from None
    yield scheduler


async def _unfinished(acting: _Acting, incident: Incident, name: str) -> list[FrozenPost]:
    real = datetime.now(UTC)
    async with acting.here.store.reading() as tx:
        posts = await tx.frozen.list(incident=incident.id, states=UNFINISHED)
    return soonest_first(p for p in posts if p.scheduler == name and (p.again_at is None or p.again_at <= real))


async def _read(acting: _Acting, itself: FrozenPost, scheduler: Scheduler) -> None:
    """Store every scheduled post whole before any of them is paused; only then the scheduler counts as read."""
    now = acting.here.clock.now()
    listed = await scheduler.scheduled(now)
    async with acting.here.store.whole.transaction() as tx:  # what other incidents hold, whoever may see those
        here = [p for p in await tx.frozen.list() if p.scheduler == itself.scheduler and not p.whole]
        known = {p.key: p for p in here}
        put_off = {(p.post.id, at) for p in here for at in p.put_off}
        for post in listed:
            new = FrozenPost(
                incident=itself.incident,
                scheduler=itself.scheduler,
                post=post,
                state=FreezeState.FREEZING,
                changed_at=now,
            )
            before = known.get(new.key)
            ours = (post.id, post.at) in put_off  # it stands where a freeze put it off to
            begun = before is not None and before.state is FreezeState.FREEZING and before.post == post
            if not ours and not begun and (before is None or before.may_become(FreezeState.FREEZING)):
                await tx.frozen.put(new, **acting.act)
        read = {"state": FreezeState.FROZEN, "problem": "", "attempts": 0, "again_at": None, "changed_at": now}
        await tx.frozen.put(itself.model_copy(update=read), seen=itself, **acting.act)


async def _one(acting: _Acting, post: FrozenPost, scheduler: Scheduler) -> None:
    freezing = post.state is FreezeState.FREEZING
    try:
        if freezing and post.overdue(acting.here.clock.now()):
            await acting.settle(post, FreezeState.NOT_FROZEN, problem=TOO_LATE)
        elif freezing:
            post = await _put_off(acting, post, scheduler)
            await scheduler.pause(post.post, post.put_off)
            after = await acting.settle(post, FreezeState.FROZEN)
            if after.state in (
                FreezeState.RESTORING,
                FreezeState.RESTORED,
            ):  # lifted meanwhile: what came late is undone
                await scheduler.restore(post.post, post.put_off)
        elif post.overdue(acting.here.clock.now()):
            await acting.settle(post, FreezeState.MISSED)
        else:
            await scheduler.restore(post.post, post.put_off)
            await acting.settle(post, FreezeState.RESTORED, put_off=())
    except integrations.Unknown as error:
        await _open(acting, post, error)
    except integrations.RateLimited:
        raise
    except integrations.IntegrationError as error:
        await _open(acting, post, error)


async def _put_off(acting: _Acting, post: FrozenPost, scheduler: Scheduler) -> FrozenPost:
    """Where there are no drafts, the time to which the post will be put off, stored before it is set."""
    now = datetime.now(UTC).replace(microsecond=0)
    if scheduler.puts_off is None or (post.put_off and post.put_off[-1] > now + RENEW_BEFORE):
        return post
    planned = (*post.put_off, now + scheduler.puts_off)
    return await acting.settle(post, post.state, put_off=planned, attempts=post.attempts)


async def _open(acting: _Acting, post: FrozenPost, error: integrations.IntegrationError) -> None:
    """Note what came of a call that did not settle a post: wait, try again, or leave it to a human."""
    asked_to_wait = isinstance(error, integrations.RateLimited) and not isinstance(error, integrations.Unreachable)
    attempts = post.attempts + (not asked_to_wait)
    later = datetime.now(UTC) + AGAIN_AFTER * attempts
    if isinstance(error, integrations.RateLimited):
        later = error.until
    too_late = asked_to_wait and post.post.at is not None and later >= post.post.at
    certain = isinstance(error, integrations.Refused | integrations.Misconfigured)
    if certain or too_late or attempts >= MAX_ATTEMPTS:
        freezing = post.state is FreezeState.FREEZING
        to = FreezeState.NOT_FROZEN if freezing else FreezeState.NOT_RESTORED
        await acting.settle(post, to, problem=str(error))
        return
    await acting.settle(post, post.state, problem=str(error), attempts=attempts, again_at=later)


async def _read_back(acting: _Acting, done: Sequence[FrozenPost], scheduler: Scheduler) -> None:
    """See on the scheduler itself that what was frozen does not go out, and that what was restored does."""
    if not done:
        return
    with contextlib.suppress(integrations.IntegrationError):  # a look that fails says nothing either way
        there = {post.id: post for post in await scheduler.scheduled(acting.here.clock.now())}
        for key in (post.key for post in done):
            async with acting.here.store.reading() as tx:
                post = await tx.frozen.get(key)
            if post is None or post.post.at is None:
                continue
            goes_out = same_time(there.get(post.post.id), post.post)
            if post.state is FreezeState.FROZEN and goes_out:
                says = "it was paused, but is still scheduled: stop it there by hand"
                await acting.settle(post, FreezeState.NOT_FROZEN, problem=says)
            elif post.state is FreezeState.RESTORED and not goes_out and not post.overdue(acting.here.clock.now()):
                says = "it was restored, but is not scheduled at its time: look at it there"
                await acting.settle(post, FreezeState.NOT_RESTORED, problem=says)


async def _hold_further(here: Installation) -> None:
    """Where a scheduler knows no drafts, a frozen post is only put off: put it off again long before that is over."""
    soon = datetime.now(UTC) + RENEW_BEFORE
    async with here.store.reading() as tx:
        held = await tx.frozen.list(states=[FreezeState.FROZEN, FreezeState.MISSED])
    for post in held:
        if not post.put_off or post.put_off[-1] > soon:
            continue
        acting, further = _Acting(here, "freeze", "it was only put off, and that would soon have been over"), post
        try:
            async with _connected(here, post.scheduler) as scheduler:
                further = await _put_off(acting, post, scheduler)
                await scheduler.pause(further.post, further.put_off)
        except integrations.Refused:  # people have moved or removed it: it is theirs again
            await acting.settle(further, post.state, put_off=(), problem="people have changed it since")
        except integrations.IntegrationError as error:
            logger.warning("%s on %s could not be put off further: %s", post.post.id, post.scheduler, error)


def _told(posts: Iterable[FrozenPost]) -> dict[str, object]:
    """What notices say of an incident's posts."""
    posts = list(posts)
    return {
        "frozen": [p for p in posts if p.state is FreezeState.FROZEN],
        "freezing": [p for p in posts if p.state is FreezeState.FREEZING],
        "restored": [p for p in posts if p.state is FreezeState.RESTORED],
        "for_a_human": [p for p in posts if p.state in FOR_A_HUMAN],
    }


async def _tell(here: Installation, incident: Incident, posts: Sequence[FrozenPost]) -> None:
    """Tell the lead what is frozen, and what a human must see to; once for each such list."""
    visible = shown(posts)
    if not visible:
        return
    mending = sorted(f"{p.key} {p.state}" for p in visible if p.state in FOR_A_HUMAN)
    lifted = any(p.whole and p.state is FreezeState.RESTORED for p in posts)
    occasion = f"{'unfrozen' if lifted else 'frozen'}/{sha256(chr(10).join(mending).encode()).hexdigest()[:12]}"
    notice = Notice(occasion=occasion, template="frozen", context={**_told(visible), "lifted": lifted})
    await tell_lead(
        here, incident, notice, why="scheduled posts were frozen" if not lifted else "the freeze was lifted"
    )
