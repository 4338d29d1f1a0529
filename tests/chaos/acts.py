"""What a process of the chaos suite does, and where it dies: real stages in a process of their own, ended by SIGKILL.

``Processes`` starts them from a fork server that has everything imported, so that a new process costs a fork. Inside,
every commit and every outgoing call is wrapped from outside (production code has no hooks) as two boundaries: just
before and just after. At the ``die_at``-th boundary the process sends itself SIGKILL: no clean-up, no flush.
"""

import asyncio
import functools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx  # noqa: F401 - imported here so that the fork server has it

import config
import integrations.bluesky
import integrations.mastodon
import integrations.sandbox
import integrations.slack
import integrations.smtp
import integrations.statuspage
import tasks.deliver
from crisis.approval import NotAllowed, Verdict, Via
from crisis.fact import Fact, FactStatus
from crisis.incident import IllegalStep
from crisis.values import StatementKind
from integrations.http import Http
from records.outbox import Outbox
from records.store import Store
from tasks import approve, draft, first_word, freeze, notify, publish, recover, triage, withdraw
from tasks.installation import Installation, installation

TOLD = "ida@example.com"
SAID = """Trains stand still

We know that passengers are stuck: trains stand between Ostend and Brugge. We are sorry. Our crews are working on the
signals. Next update by 14:30 UTC. Help: https://acmerail.example/help"""


@dataclass(frozen=True)
class Act:
    """One thing that a process does."""

    name: str
    """A function of this module: ``publish``, ``recover`` ..."""
    statement: str = ""
    version: int = 1
    incident: str = ""


class Processes:
    """Starts acts in processes of their own."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["rehearsed"])
        self._environment = environment
        # Up to Python 3.12 the fork server does not take over sys.path by itself.
        os.environ["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)

    def start(self, act: Act, home: Path, *, die_at: int | str = 0, meet: Any = None) -> Any:
        """Start a process; ``meet`` is a barrier at which several wait for each other."""
        process = self._context.Process(target=_main, args=(act, home, self._environment, die_at, meet))
        process.start()
        return process

    def run(self, act: Act, home: Path, *, die_at: int | str = 0) -> int:
        """Run to the end; the exit status, -9 after a SIGKILL. ``die_at``: a boundary's number, or its name."""
        process = self.start(act, home, die_at=die_at)
        process.join(60)
        assert process.exitcode is not None, f"{act.name} hangs"
        return int(process.exitcode)

    def run_stops(self, settings: config.Settings, deliveries: dict[str, str], stop_at: int) -> int:
        """Run ``stops.main`` to its end; the exit status, -9 after a SIGKILL."""
        import stops

        process = self._context.Process(target=stops.main, args=(settings, deliveries, stop_at))
        process.start()
        process.join(120)
        assert process.exitcode is not None, f"a process whose deliveries stop at {stop_at} hangs"
        return int(process.exitcode)

    def barrier(self, parties: int) -> Any:
        return self._context.Barrier(parties)


def boundaries(home: Path) -> list[str]:
    """What the last process in ``home`` came past, in order."""
    file = home / "boundaries"
    return file.read_text().splitlines() if file.exists() else []


def _main(act: Act, home: Path, environment: dict[str, str], die_at: int | str, meet: Any) -> None:
    os.environ.pop("PREFECT_API_URL", None)
    os.environ.update(environment)
    _mark_boundaries(home, die_at)
    tasks.deliver._LOOK_UP_DELAYS = (0.0, 0.05)
    asyncio.run(_act(act, config.load(home / "fireline.toml"), meet))


async def _act(act: Act, settings: config.Settings, meet: Any) -> None:
    async with installation(settings) as here:
        if meet is not None:
            await asyncio.to_thread(meet.wait, 30)
        await _ACTS[act.name](here, act)


def _mark_boundaries(home: Path, die_at: int | str) -> None:
    """Wrap commits and calls; count the boundaries, write them down, and die at the chosen one."""
    log = os.open(home / "boundaries", os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND)
    lock, passed = threading.Lock(), 0

    def boundary(name: str) -> None:
        nonlocal passed
        with lock:
            passed += 1
            os.write(log, f"{name}\n".encode())
            if die_at in (passed, name):
                os.kill(os.getpid(), signal.SIGKILL)

    _mark_commits(boundary)
    Http._once = _around(Http._once, boundary, lambda _, method, path, **__: f"{method} {path}")  # type: ignore[method-assign]
    for command in ("connect", "mail", "rcpt", "data"):
        setattr(aiosmtplib.SMTP, command, _around(getattr(aiosmtplib.SMTP, command), boundary, _named(command)))

    create = integrations.sandbox.create_if_absent

    def write(path: Path, content: bytes) -> None:
        boundary("before a file")
        create(path, content)
        boundary("after a file")

    integrations.sandbox.create_if_absent = write
    if die_at:  # a lease that is over at once, so that nobody has to wait for the dead
        Outbox.arm = functools.partialmethod(arm_briefly, Outbox.arm)  # type: ignore[assignment]


async def arm_briefly(self: Outbox, arm: Any, id: str, *, lease_seconds: float, **act: Any) -> Any:
    """In place of ``Outbox.arm``."""
    return await arm(self, id, lease_seconds=0.0, **act)


def _mark_commits(boundary: Callable[[str], None]) -> None:
    original = Store.transaction

    @asynccontextmanager
    async def transaction(self: Store) -> AsyncIterator[Any]:
        async with original(self) as opened:
            yield opened
            boundary("before a commit")
        boundary("after a commit")

    Store.transaction = transaction  # type: ignore[method-assign]


def _named(command: str) -> Callable[..., str]:
    return lambda *_, **__: command.upper()


def _around(call: Any, boundary: Callable[[str], None], named: Callable[..., str]) -> Any:
    @functools.wraps(call)
    async def marked(*args: Any, **options: Any) -> Any:
        boundary(f"before {named(*args, **options)}")
        answer = await call(*args, **options)
        boundary(f"after {named(*args, **options)}")
        return answer

    return marked


async def _publish(here: Installation, act: Act) -> None:
    await publish.publish_statement(here, act.statement, act.version)


async def _publish_unless_withdrawn(here: Installation, act: Act) -> None:
    with suppress(NotAllowed):
        await publish.publish_statement(here, act.statement, act.version)


async def _withdraw(here: Installation, act: Act) -> None:
    with suppress(withdraw.NothingToWithdraw):
        await withdraw.withdraw(here, act.statement, act.version, actor=TOLD, reason="it is wrong")


async def _tell(here: Installation, act: Act) -> None:
    incident = await triage.find(here, act.incident)
    await notify.tell_stakeholders(here, incident, triage.opened_notice(here, incident))


async def _approve_and_die(here: Installation, act: Act) -> None:
    """Give the last approval, and die when it is on record and nothing has been published."""

    async def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    approve.publish_statement = die  # type: ignore[assignment]
    async with here.store.reading() as tx:
        text = await tx.statements.get(act.statement)
    await approve.decide(
        here,
        statement=text.id,
        version=text.version,
        content_hash=text.content_hash,
        approver="ana@example.com",
        role="comms",
        verdict=Verdict.APPROVE,
        via=Via.CLI,
    )


async def _recover(here: Installation, act: Act) -> None:
    await recover.recover_deliveries(here)


async def _freeze(here: Installation, act: Act) -> None:
    await freeze.freeze(here, act.incident, actor=TOLD)


async def _unfreeze(here: Installation, act: Act) -> None:
    with suppress(IllegalStep):  # the one killed had come far enough: what is left is the sweep's
        await freeze.unfreeze(here, act.incident, actor=TOLD)


async def _mind_freezes(here: Installation, act: Act) -> None:
    await freeze.mind_freezes(here)


async def _state_a_fact(here: Installation, act: Act) -> None:
    """Publish an update that relies on a confirmed fact, ``INC-1-F1``."""
    await draft.save_fact(here, _fact(here, FactStatus.CONFIRMED), actor=TOLD)
    async with here.store.transaction() as tx:
        await tx.statements.next_id(act.incident)  # the story has named one by hand
    text = await draft.draft(here, act.incident, StatementKind.UPDATE, author=TOLD, text=SAID)
    await approve.propose(here, text, by=TOLD)
    await approve.decide(
        here,
        statement=text.id,
        version=text.version,
        content_hash=text.content_hash,
        approver="ana@example.com",
        role="comms",
        verdict=Verdict.APPROVE,
        via=Via.CLI,
    )


async def _refute_it(here: Installation, act: Act) -> None:
    await draft.save_fact(here, _fact(here, FactStatus.REFUTED), actor=TOLD)
    await first_word.renew(here, act.incident)


def _fact(here: Installation, status: FactStatus) -> Fact:
    text = "Trains stand between Ostend and Brugge"
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return Fact(id="INC-1-F1", incident="INC-1", text=text, status=status, owner=TOLD, updated_at=at)


async def _sweep_responses(here: Installation, act: Act) -> None:
    await recover.recover_responses(here)


_ACTS = {
    "state a fact": _state_a_fact,
    "refute it": _refute_it,
    "sweep responses": _sweep_responses,
    "freeze": _freeze,
    "unfreeze": _unfreeze,
    "mind freezes": _mind_freezes,
    "publish": _publish,
    "publish unless withdrawn": _publish_unless_withdrawn,
    "withdraw": _withdraw,
    "tell": _tell,
    "recover": _recover,
    "approve and die": _approve_and_die,
}
