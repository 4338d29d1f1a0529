"""One run of a mailing: from pending recipients by batches onto the lines, and back into the records.

Every turn is one transaction: it stores what came of the letters, takes the next batch, and holds on to the lease.
Lines take letters from the batch as they come free, so that none waits for a transaction.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import integrations
from crisis.delivery import Delivery
from crisis.mailing import RecipientState
from integrations.mailing import Letter, Line, Mailing, Sent
from integrations.pacing import Pacer, domain_of
from records import StatementStatus, Transaction
from records.journal import JournalWriter
from records.mailings import Recipient, Settled
from records.work import Act
from tasks.installation import Installation
from tasks.leaving import LeavingLinks

BATCH = 1000
"""Recipients that are armed in one transaction."""
LOW = 1000
"""Recipients in the bag below which the next batch is armed: enough to go on with while a slow disk stores it."""
WINDOW = 20_000
"""Pending recipients that are read at a time."""
TURN_SECONDS = 1.0
"""The longest that an outcome stays in the journal alone."""
FAREWELL_SECONDS = 5.0
"""How long a sender that is asked to stop waits for the answers to what is in flight."""
MAX_TRIES = 8
"""How often a server may say "later" for one recipient: for about four hours."""
PATIENCE = timedelta(seconds=60)
"""What a line waits for by itself; anything longer pauses the mailing."""
ALL_REFUSED = 100
"""Refusals in a row after which the mailing is paused: then it is not the recipients."""
REOPENINGS = 3
"""Times in a row that a line may fail to open before the mailing is paused."""
R = RecipientState


class LeaseLost(RuntimeError):
    """Somebody else has taken the mailing up."""


@dataclass(frozen=True)
class Trouble:
    """Why a mailing did not go on."""

    says: str
    until: datetime | None = None
    """When to go on; None: at once, or, if ``final``, once somebody has mended it."""
    final: bool = False


class Postbag:
    """Sends what is pending of one mailing."""

    def __init__(
        self,
        here: Installation,
        armed: Delivery,
        mailing: Mailing,
        journal: JournalWriter,
        *,
        owner: str,
        lease_seconds: float,
        until: float,
        told: Callable[[int], None] = lambda done: None,
    ) -> None:
        """``told`` hears of each recipient with whom it is over, once: that it is one."""
        self._here, self._delivery, self._mailing, self._journal = here, armed, mailing, journal
        self._owner, self._lease, self._until = owner, lease_seconds, until
        self._told = told
        self._held_until = time.time() + lease_seconds * 0.9  # armed a moment ago
        self._links = LeavingLinks(here)
        self._act: Act = {"actor": "outbox", "via": here.via, "flow_run_id": here.flow_run_id}
        self._left = 1 << 60 if mailing.most is None else mailing.most
        self._pending = Pending(here, armed.id, mailing.pacer)
        self._bag: deque[Recipient] = deque()
        self._outcomes: list[Settled] = []
        self._bounced: list[tuple[str, str]] = []
        self._under_way = self._refused_in_a_row = 0
        self._trouble: Trouble | None = None
        self._closed = False
        self._more, self._low, self._idle = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def empty(self) -> Trouble | None:
        """Send until nothing is pending that may go now, time is up, or something is in the way; None: all is said.

        Raises:
            LeaseLost: the journal tells the rest to whoever has taken the mailing up.
        """
        workers = [asyncio.create_task(self._work(line)) for line in self._mailing.lines]
        whole = False
        try:
            while await self._whole_turn():
                await self._until_due()
            self._close()
            await asyncio.gather(*workers)
            await self._last_turn()
            whole = True
        except asyncio.CancelledError:  # this process is asked to stop: what is in flight may still get its answer
            self._close()
            _, silent = await asyncio.wait(workers, timeout=FAREWELL_SECONDS)
            if not silent:
                await self._last_turn()
                whole = True
            raise
        finally:
            self._close()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await asyncio.gather(*(line.close() for line in self._mailing.lines), return_exceptions=True)
            if whole:
                self._journal.done()
            else:
                self._journal.close()
        return self._trouble

    async def _whole_turn(self) -> bool:
        """A turn that is not broken off when this process is asked to stop: half-way nobody knows what is stored."""
        turn = asyncio.create_task(self._turn())
        try:
            return await asyncio.shield(turn)
        finally:
            await asyncio.wait([turn])

    async def _turn(self) -> bool:
        """Store outcomes, arm the next batch, hold on to the lease; whether to go on."""
        batch = [] if self._over() or len(self._bag) >= LOW else await self._pending.choose(min(BATCH, self._left))
        asked = time.time()
        outcomes, bounced = len(self._outcomes), len(self._bounced)
        async with self._here.store.transaction() as tx:
            await self._store(tx, outcomes, bounced)
            await self._stop_withdrawn(tx)
            armed = await self._arm(tx, batch)
            await self._hold(tx)
        del self._outcomes[:outcomes], self._bounced[:bounced]
        self._held_until = asked + self._lease * 0.9
        self._left -= len(armed)
        if self._left <= 0 and not self._trouble:
            self._stop(Trouble("as many as may go today are out", self._mailing.until))
        self._bag.extend(armed)
        self._low.clear()
        self._idle.clear()
        self._more.set()
        return not self._over() and bool(self._bag or self._under_way or self._pending.any)

    async def _arm(self, tx: Transaction, batch: list[Recipient]) -> list[Recipient]:
        if not batch or self._closed:
            return []
        d = self._delivery
        channel = d.rendering.target.channel
        armed = await tx.mailings.arm(d.id, batch, attempt=d.attempts, incident=d.incident, given=channel, **self._act)
        for passed_over in {r.address for r in batch} - {r.address for r in armed}:
            self._mailing.pacer.done(domain_of(passed_over))
        return armed

    async def _last_turn(self) -> None:
        """Store what the last letters came to; those that were not begun with are pending again."""
        self._outcomes += [Settled(r.position, R.PENDING) for r in self._bag]
        self._bag.clear()
        async with self._here.store.transaction() as tx:
            await self._store(tx, len(self._outcomes), len(self._bounced))
            await self._stop_withdrawn(tx)
            await self._hold(tx)

    async def _store(self, tx: Transaction, outcomes: int, bounced: int) -> None:
        """Store the first of what has come; it is forgotten once that is committed. Storing it twice does no harm."""
        d = self._delivery
        if outcomes:
            said = self._outcomes[:outcomes]
            await tx.mailings.settle(d.id, said, attempt=d.attempts, incident=d.incident, **self._act)
        for address, says in self._bounced[:bounced]:
            await tx.suppressions.add(address, why="bounced", detail=says, **self._act)

    async def _hold(self, tx: Transaction) -> None:
        if not await tx.outbox.renew(self._delivery.id, owner=self._owner, lease_seconds=self._lease):
            raise LeaseLost(f"somebody else has taken up the mailing {self._delivery.id}")

    async def _stop_withdrawn(self, tx: Transaction) -> None:
        """Write to nobody more once the statement has been withdrawn."""
        d = self._delivery
        if await tx.statements.status(d.statement, d.version) is StatementStatus.WITHDRAWN:
            await tx.mailings.stop(d.id, "withdrawn before it was sent", incident=d.incident, **self._act)
            self._close()

    async def _until_due(self) -> None:
        """Wait until the bag runs low, or is empty and nothing more is to come; no longer than an outcome may wait."""
        if self._pending.held_back:
            await asyncio.sleep(min(TURN_SECONDS, max(0.05, self._pending.held_back)))
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for((self._low if self._pending.any else self._idle).wait(), TURN_SECONDS)

    def _over(self) -> bool:
        return self._closed or self._trouble is not None or time.monotonic() >= self._until

    def _stop(self, trouble: Trouble) -> None:
        self._trouble = self._trouble or trouble
        self._close()

    def _close(self) -> None:
        self._closed = True
        for event in (self._more, self._low, self._idle):
            event.set()

    async def _next(self) -> Recipient | None:
        """The next recipient for a line, once there is one; None at the end."""
        while not self._closed:
            if self._bag:
                self._under_way += 1
                r = self._bag.popleft()
                if len(self._bag) < LOW:
                    self._low.set()
                return r
            self._low.set()
            if not self._under_way:
                self._idle.set()
            self._more.clear()
            await self._more.wait()
        return None

    async def _work(self, line: Line) -> None:
        """Take letters and send them on one line, until there are none."""
        failures = 0
        while (r := await self._next()) is not None:
            sent: Sent | None = None
            try:
                sent = await self._send(line, r)
                failures = 0
            except integrations.IntegrationError as error:  # nothing was sent
                self._bag.appendleft(r)
                failures += 1
                await self._bear(error, failures)
            except OSError as error:  # of the journal: nothing was sent without its line
                self._bag.appendleft(r)
                self._stop(Trouble(f"the journal of the mailing cannot be written: {error.strerror}", final=True))
            finally:
                self._under_way -= 1
            if sent is not None:
                self._came(r, sent)

    async def _send(self, line: Line, r: Recipient) -> Sent:
        if not line.ready:
            await line.open()
        self._journal.going(r.position)
        # After the line in the journal: whoever takes the mailing up once the lease is over finds it there, or finds
        # that it is not, and then it is too late for us to send.
        if time.time() > self._held_until:
            raise integrations.Unreachable("the mailing was held up for longer than its lease")
        try:
            return await line.send(Letter(r.position, r.address, self._links.to(self._delivery.id, r.position)))
        except integrations.IntegrationError:
            self._journal.came(r.position, R.PENDING)
            raise
        except Exception as error:  # whatever else went wrong, the outcome is open
            return Sent(R.UNKNOWN, f"unexpected {type(error).__name__} while sending")

    async def _bear(self, error: integrations.IntegrationError, failures: int) -> None:
        """What a line does about something that concerns all letters: wait a little, or stop the mailing."""
        if not isinstance(error, integrations.RateLimited):
            self._stop(Trouble(str(error), final=True))
        elif isinstance(error, integrations.Unreachable) and failures < REOPENINGS:
            await asyncio.sleep(0.2 * failures)
        elif isinstance(error, integrations.Unreachable) or error.until - datetime.now(UTC) > PATIENCE:
            self._stop(Trouble(str(error), error.until))
        else:
            await asyncio.sleep(max(0.0, (error.until - datetime.now(UTC)).total_seconds()))

    def _came(self, r: Recipient, sent: Sent) -> None:
        """Take note of what came of a letter."""
        with contextlib.suppress(OSError):  # the records get it all the same
            self._journal.came(r.position, sent.state)
        self._mailing.pacer.done(domain_of(r.address))
        if sent.state is R.ACCEPTED:
            self._refused_in_a_row = 0
            self._outcomes.append(Settled(r.position, R.ACCEPTED))
        else:
            self._outcomes.append(_settled(r, sent))
            self._refused_in_a_row += sent.state is not R.UNKNOWN
            if self._refused_in_a_row >= ALL_REFUSED:
                says = f"{ALL_REFUSED} recipients in a row were refused, the last one with: {sent.problem}"
                self._stop(Trouble(says, final=True))
        self._told(self._outcomes[-1].state is not R.PENDING)
        if sent.bounced:
            self._bounced.append((r.address, sent.problem))
        if not self._bag and not self._under_way:
            self._idle.set()


def _settled(r: Recipient, sent: Sent) -> Settled:
    """The outcome of a letter that was not taken; "later" has an end."""
    if sent.state is not R.PENDING:
        return Settled(r.position, sent.state, sent.problem)
    if r.tries + 1 >= MAX_TRIES:
        return Settled(r.position, R.REFUSED, f"not taken in {MAX_TRIES} tries: {sent.problem}")
    # Grey-listing asks for minutes (RFC 6647 §2.1), full mailboxes and queues for longer (RFC 5321 §4.5.4.1).
    wait = min(timedelta(minutes=2) * 2**r.tries, timedelta(hours=1))
    return Settled(r.position, R.PENDING, sent.problem, datetime.now(UTC) + wait)


class Pending:
    """The pending recipients of a mailing in the order of the list, those of a domain that must wait held back."""

    def __init__(self, here: Installation, delivery: str, pacer: Pacer) -> None:
        self._here, self._delivery, self._pacer = here, delivery, pacer
        self._waiting: dict[str, deque[Recipient]] = {}
        self._after = -1
        self._seen_all = False
        self.held_back = 0.0
        """Seconds until one of those that must wait may go, where all must; else 0."""

    @property
    def any(self) -> bool:
        """There may be more."""
        return not self._seen_all or bool(self._waiting)

    async def choose(self, most: int) -> list[Recipient]:
        """Up to ``most`` that may go now; they are let go."""
        chosen: list[Recipient] = []
        while True:
            now = time.monotonic()
            for domain in list(self._waiting):
                self._take(domain, chosen, most, now)
            if len(chosen) >= most or self._seen_all or sum(map(len, self._waiting.values())) > 5 * WINDOW:
                break
            await self._read()
        waits = [self._pacer.wait(domain, time.monotonic()) for domain in self._waiting]
        self.held_back = min(waits, default=0.0) if not chosen else 0.0
        return chosen

    def _take(self, domain: str, chosen: list[Recipient], most: int, now: float) -> None:
        queue = self._waiting[domain]
        while queue and len(chosen) < most:
            if not self._pacer.free:
                if self._pacer.wait(domain, now) > 0:
                    return
                self._pacer.go(domain, now)
            chosen.append(queue.popleft())
        if not queue:
            del self._waiting[domain]

    async def _read(self) -> None:
        async with self._here.store.reading() as tx:
            found = await tx.mailings.list(
                self._delivery, R.PENDING, limit=WINDOW, due=datetime.now(UTC), after=self._after
            )
        self._seen_all = len(found) < WINDOW
        for r in found:
            domain = "" if self._pacer.free else domain_of(r.address)
            self._waiting.setdefault(domain, deque()).append(r)
            self._after = r.position
