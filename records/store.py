"""The store: one database behind one unit of work.

``open_store`` brings the tables up to date, safely when several processes do so at once. Everything is read and
changed inside ``store.reading()`` or ``store.transaction()``; a transaction's changes and their ledger records become
true together, or not at all.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from crisis.clock import Clock
from crisis.stakeholder import Stakeholder
from records.agreement import Agreement
from records.budgets import Budgets
from records.checks import Checks
from records.clearances import Clearances
from records.codes import Codes
from records.commitments import Commitments
from records.coverage import Coverages
from records.decisions import Decisions
from records.delegations import Delegations
from records.engagement import Engagement
from records.engine import READING, WAIT_SECONDS, WRITING, begin_writing, empty_log, make_engine
from records.erasing import Erasing
from records.facts import Facts
from records.frozen import FrozenPosts
from records.holds import Holds
from records.incidents import Incidents
from records.keys import Keys, open_keys
from records.ledger import Ledger, Verification
from records.ledger_search import LedgerSearch
from records.mailings import Mailings
from records.migrations import bring_up_to_date
from records.observations import Observations
from records.outbox import Outbox
from records.pictures import Pictures
from records.progress import Progress
from records.promise_marks import PromiseMarks
from records.questions import Questions
from records.read_backs import ReadBacks
from records.releases import Releases
from records.restrictions import Restrictions
from records.reviews import Reviews, ReviewTasks
from records.run_copies import RunCopies
from records.sessions import Sessions
from records.shared import SharedSources
from records.stakeholders import Stakeholders
from records.statements import Statements
from records.subscriptions import Subscriptions
from records.suppressions import Suppressions
from records.tokens import Tokens
from records.unusable import Unusable
from records.view import Hidden, hidden_from
from records.watches import Inbox, Mentions, Signals, Watches
from records.work import Work


@dataclass(frozen=True)
class Transaction:
    """One unit of work: every subject of the store, seen and changed in one transaction."""

    hidden: Hidden
    """What is left out of everything below: incidents that this viewer does not see."""
    ledger: Ledger
    ledger_search: LedgerSearch
    agreement: Agreement
    erasing: Erasing
    holds: Holds
    run_copies: RunCopies
    watches: Watches
    coverage: Coverages
    shared: SharedSources
    budgets: Budgets
    signals: Signals
    inbox: Inbox
    mentions: Mentions
    incidents: Incidents
    facts: Facts
    questions: Questions
    statements: Statements
    pictures: Pictures
    decisions: Decisions
    delegations: Delegations
    releases: Releases
    clearances: Clearances
    outbox: Outbox
    mailings: Mailings
    suppressions: Suppressions
    engagement: Engagement
    commitments: Commitments
    promise_marks: PromiseMarks
    read_backs: ReadBacks
    stakeholders: Stakeholders
    observations: Observations
    frozen: FrozenPosts
    codes: Codes
    restrictions: Restrictions
    reviews: Reviews
    review_tasks: ReviewTasks
    sessions: Sessions
    tokens: Tokens
    progress: Progress
    checks: Checks
    subscriptions: Subscriptions


def _transaction(work: Work) -> Transaction:
    ledger = Ledger(work)
    suppressions = Suppressions(work, ledger)
    return Transaction(
        hidden=work.hidden,
        ledger=ledger,
        ledger_search=LedgerSearch(work),
        agreement=Agreement(work, ledger),
        erasing=Erasing(work, ledger),
        holds=Holds(work, ledger),
        run_copies=RunCopies(work),
        watches=Watches(work, ledger),
        coverage=Coverages(work),
        shared=SharedSources(work),
        budgets=Budgets(work),
        signals=Signals(work),
        inbox=Inbox(work),
        mentions=Mentions(work),
        incidents=Incidents(work, ledger),
        facts=Facts(work, ledger),
        questions=Questions(work, ledger),
        statements=Statements(work, ledger),
        pictures=Pictures(work),
        decisions=Decisions(work, ledger),
        delegations=Delegations(work, ledger),
        releases=Releases(work, ledger),
        clearances=Clearances(work, ledger),
        outbox=Outbox(work, ledger),
        mailings=Mailings(work, ledger, suppressions),
        suppressions=suppressions,
        engagement=Engagement(work, ledger),
        commitments=Commitments(work, ledger),
        promise_marks=PromiseMarks(work, ledger),
        read_backs=ReadBacks(work, ledger),
        stakeholders=Stakeholders(work, ledger),
        observations=Observations(work),
        frozen=FrozenPosts(work, ledger),
        codes=Codes(work, ledger),
        restrictions=Restrictions(work, ledger),
        reviews=Reviews(work, ledger),
        review_tasks=ReviewTasks(work, ledger),
        sessions=Sessions(work, ledger),
        tokens=Tokens(work, ledger),
        progress=Progress(work),
        checks=Checks(work),
        subscriptions=Subscriptions(work),
    )


@dataclass
class _Turn:
    """Whose turn it is to write, among all views of one store."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    writer: "asyncio.Task[Any] | None" = None


@dataclass(frozen=True)
class _Viewer:
    person: Stakeholder | None


@dataclass
class Store:
    """Durable truth. Use it from one event loop; open another store for another loop or process."""

    clock: Clock
    _engine: AsyncEngine
    _keys: Keys
    _turn: _Turn = field(default_factory=_Turn)
    _viewer: _Viewer | None = None
    """Whoever looks, if this is a view; None sees all."""

    def seen_by(self, person: Stakeholder | None) -> "Store":
        """The same store as ``person`` may see it, at each moment anew; None is a visitor without a name."""
        return replace(self, _viewer=_Viewer(person))

    @property
    def whole(self) -> "Store":
        """The store with nothing hidden."""
        return self if self._viewer is None else replace(self, _viewer=None)

    @property
    def installation(self) -> str:
        """What tells this installation's records from all others: the beginning of its key's fingerprint."""
        return self._keys.fingerprint[:16]

    @property
    def public_key_pem(self) -> str:
        """The key with which anybody can verify the ledger."""
        return self._keys.public_key_pem

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Change things: committed at the end, rolled back on any exception. Keep it short: writers queue.

        Raises:
            RuntimeError: this task has a transaction open already, which would wait for itself.
            TimeoutError: the writers before it took longer than ``WAIT_SECONDS``.
        """
        task = asyncio.current_task()
        if task is not None and task is self._turn.writer:
            raise RuntimeError("this task has a transaction open: pass it on instead of opening another")
        async with asyncio.timeout(WAIT_SECONDS):
            await self._turn.lock.acquire()
        self._turn.writer = task
        try:
            async with self._begin(writes=True) as transaction:
                yield transaction
        finally:
            self._turn.writer = None
            self._turn.lock.release()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Read one consistent state, waiting for nobody."""
        async with self._begin(writes=False) as transaction:
            yield transaction

    async def verify(self, told: Callable[[int, int], None] = lambda done, total: None) -> Verification:
        """Prove the whole ledger, and the tables against it; names the first record that does not hold.

        ``told`` hears now and then how many records are proven, of how many.
        """
        async with self.whole.reading() as transaction:
            found = await transaction.ledger.verify(told)
            problem = await transaction.agreement.problem() if found.ok else None
        if problem is None:
            return found
        return found.model_copy(update={"ok": False, "problem": problem.says, "seq": problem.seq, "of": "tables"})

    async def checkpoint(self) -> None:
        """Sign the ledger as it stands, if it moved since the last checkpoint."""
        async with self.transaction() as transaction:
            await transaction.ledger.checkpoint(actor="ledger")

    async def empty_log(self) -> None:
        """See ``records.engine.empty_log``; PostgreSQL minds its own."""
        if self._engine.dialect.name == "sqlite" and self._engine.url.database:
            await asyncio.to_thread(empty_log, Path(self._engine.url.database))

    def sign(self, message: bytes) -> str:
        """The ledger key's Ed25519 signature under ``message``, hexadecimal: for evidence that leaves the house."""
        return self._keys.ledger.sign(message).hex()

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _begin(self, *, writes: bool) -> AsyncIterator[Transaction]:
        options = (WRITING if writes else READING)[self._engine.dialect.name]
        async with self._engine.connect() as plain:
            connection = await plain.execution_options(**options)
            async with connection.begin():
                if writes:
                    await begin_writing(connection)
                hidden = Hidden() if self._viewer is None else await hidden_from(connection, self._viewer.person)
                yield _transaction(Work(connection, self.clock, self._keys, writes, hidden))


async def open_store(url: str, *, keys: Path, clock: Clock) -> Store:
    """Open the store at ``url``, making or migrating its tables.

    Args:
        url: ``sqlite+aiosqlite:///path/fireline.db`` or ``postgresql+asyncpg://…``.
        keys: the folder of the installation's keys, made at first use; every process of it needs the same.
        clock: where times in records come from.

    Raises:
        ValueError: the address is not understood.
        Unusable: a key or the database is not as it must be, or no server answers.
        TooNew: a newer Fireline wrote the database.
    """
    opened = await asyncio.to_thread(open_keys, keys)
    engine = await make_engine(url)
    try:
        await bring_up_to_date(engine)
    except (OSError, DatabaseError) as error:
        await engine.dispose()
        if isinstance(error, IntegrityError | ProgrammingError):
            raise
        raise Unusable(_why_unusable(engine.url, error)) from None
    except BaseException:
        await engine.dispose()
        raise
    return Store(clock=clock, _engine=engine, _keys=opened)


def _why_unusable(url: URL, error: OSError | DatabaseError) -> str:
    """One sentence; the address is shown without its password."""
    if url.get_backend_name() == "sqlite":
        cause = error.orig if isinstance(error, DatabaseError) else error
        return f"{url.database}: cannot be used as Fireline's database ({cause}): put a copy of it back"
    place = f"{url.host or 'localhost'}:{url.port or 5432}"
    if isinstance(error, OSError):
        return f"nothing answers at {place}: start PostgreSQL there, or set database_url"
    return f"the database at {place} does not let us in ({type(error.orig).__name__}): check user, password and name"
