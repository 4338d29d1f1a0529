"""``fireline demo``: the whole chain on a recorded firestorm, through the real Prefect server, flows, desk and mail.

One second is one minute while machines and crowds act; time is real while you decide. It leaves nothing running.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from crisis.incident import Incident
    from crisis.statement import Statement
    from crisis.timeline import Entry
    from fireline.demo_screen import Screen
    from fireline.demo_stage import Stage

SPEED = 60.0
"""Story seconds per real second while machines and crowds act."""
AFTER_SPEED = 240.0
"""The same while nothing is left but to watch the reaction."""
PATIENCE = 240.0
"""Real seconds after which a step that does not come is given up."""
INCIDENT = "INC-1"
LEAD_PERSON = "ines@brewline.example"


async def demo(
    *,
    yes: Annotated[
        bool, Parameter(negative="", help="A scripted approver decides, so that it ends by itself.")
    ] = False,
    open_report: Annotated[bool, Parameter(name="--open", negative="", help="Open the report in a browser.")] = False,
) -> int:
    """The whole chain on a recorded firestorm, on this machine, in one to three minutes. Needs no accounts and no network.

    Everything it makes is in ~/.fireline/demo (or $FIRELINE_HOME/demo), and is cleared by the next demo.
    """
    from rich.console import Console

    from fireline.demo_screen import Screen
    from fireline.demo_stage import Stage

    stage = Stage(_demo_home())
    run = _Demo(stage, Screen(Console()), yes=yes or not sys.stdin.isatty(), open_report=open_report)
    playing = asyncio.create_task(run.play())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, playing.cancel)
    try:
        return await playing
    except asyncio.CancelledError:
        print("\nstopped; nothing is left running", file=sys.stderr)
        return 130


def _demo_home() -> Path:
    return Path(os.environ.get("FIRELINE_HOME") or "~/.fireline").expanduser().absolute() / "demo"


class _Demo:
    """One performance."""

    def __init__(self, stage: "Stage", screen: "Screen", *, yes: bool, open_report: bool) -> None:
        self.stage, self.screen, self.yes, self.open_report = stage, screen, yes, open_report
        self.speed = 1.0
        self.began = time.monotonic()

    async def play(self) -> int:
        from fireline.supervisor import Supervisor
        from tasks.installation import installation

        supervisor = Supervisor(self.stage.settings, self.stage.config_file)
        self.screen.begin()
        self.stage.mail.start()
        try:
            self.screen.stage("up", "doing")
            await supervisor.start(lambda says: self.screen.stage("up", "doing", says))
            os.environ.update(supervisor.runtime.environment())
            os.environ["PREFECT_HOME"] = supervisor.environment["PREFECT_HOME"]
            async with installation(self.stage.settings, via="cli") as here:
                self.here = here
                self.screen.stage("up", "done", f"{time.monotonic() - self.began:.0f} s")
                status = await self._story()
                await self._farewell(supervisor.runtime)
                return status
        finally:
            self.screen.pause()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(supervisor.stop())
            self.stage.mail.stop()

    async def _story(self) -> int:
        await self._listen()
        incident = await self._until("open", self._opened)
        self.screen.stage("open", "done", f"{incident.severity}: {incident.title}")
        first = await self._until("draft", self._proposed)
        self.screen.stage("draft", "done", first.label)
        await self._decide(first)
        await self._follow()
        over = await self._resolution()
        await self._decide(over, again=True)
        await self._resolve()
        return 0

    async def _listen(self) -> None:
        from tasks.people import save_configuration
        from tasks.runs import start_run

        self.screen.stage("listen", "doing")
        await save_configuration(self.here)
        self._pace(SPEED)
        count = self.stage.write_posts(self.here.clock.now())
        await start_run(
            "watch/watch",
            key="watch-brewline-0",
            name="brewline · watch",
            parameters={"watch": "brewline"},
            tags=["watch:brewline"],
        )
        self.screen.stage("listen", "doing", f"{count:,} recorded posts (generated, invented)")

    def _pace(self, speed: float) -> None:
        import config

        self.speed = speed
        config.write_clock(self.stage.home, speed=speed)

    async def _until(self, stage: str, look: Callable[[], Awaitable[Any]]) -> Any:
        """Wait until ``look`` finds something, showing what is on record meanwhile."""
        from fireline.errors import Stop

        self.screen.stage(stage, "doing")
        deadline = time.monotonic() + PATIENCE
        while True:
            await self._refresh()
            found = await look()
            if found:
                return found
            if time.monotonic() > deadline:
                logs = self.stage.home / "logs"
                raise Stop(f"the demo waited {PATIENCE:.0f} s for “{stage}” in vain: see {logs}", status=1)
            await asyncio.sleep(0.3)

    async def _refresh(self) -> None:
        from crisis.telling import Known
        from crisis.timeline import tell
        from records import NotFound

        now = self.here.clock.now()
        async with self.here.store.reading() as tx:
            signals = await tx.signals.list("brewline", since=now - timedelta(hours=4))
            entries: tuple[Entry, ...] = ()
            with contextlib.suppress(NotFound):
                incident = await tx.incidents.get(INCIDENT)
                records = await tx.ledger.list(incident=INCIDENT)
                known = Known(
                    deliveries={d.id: d for d in await tx.outbox.list(incident=INCIDENT)},
                    people={p.email: p.name for p in await tx.stakeholders.list()},
                )
                entries = tell(incident, records, known)
        self.screen.update(now=now, speed=self.speed, entries=entries, signals=signals)

    async def _opened(self) -> "Incident | None":
        from records import NotFound

        async with self.here.store.reading() as tx:
            with contextlib.suppress(NotFound):
                incident = await tx.incidents.get(INCIDENT)
                self.screen.stage("listen", "done")
                return incident
        return None

    async def _proposed(self) -> "Statement | None":
        """The holding statement, once approval has been asked for."""
        async with self.here.store.reading() as tx:
            statements = await tx.statements.list(INCIDENT)
            if not statements:
                return None
            newest = statements[0]
            asked = await tx.statements.proposal(newest.id, newest.version)
            return newest if asked else None

    async def _decide(self, statement: "Statement", *, again: bool = False) -> None:
        """You (or the script) decide for communications; legal follows the link in their mail.

        A version that becomes void meanwhile, because the incident got graver, is followed by the next one.
        """
        from fireline.demo_cast import Approver

        mara = Approver("Mara Lindt", "mara@brewline.example", self.stage.mail)
        jonas = Approver("Jonas Weber", "jonas@brewline.example", self.stage.mail)
        stage = "resolve" if again else "approve"
        out: Statement | None = None
        while out is None:
            text = statement
            self.screen.stage(stage, "doing", "legal reads the mail and follows the signed link")
            await self._until(stage, lambda text=text: jonas.approve(text.label))  # type: ignore[misc]
            statement = await self._asked_now(text)
            if statement != text:
                continue
            if self.yes:
                self.screen.stage(stage, "doing", "communications (scripted) follows the signed link")
                await self._until(stage, lambda text=text: mara.approve(text.label))  # type: ignore[misc]
            else:
                await self._ask(text)
            statement = await self._until(stage, lambda text=text: self._outcome(text))  # type: ignore[misc]
            out = statement if statement == text else None
        self.screen.stage(stage, "done", "by communications and legal" if not again else f"{out.label} is out")
        if not again:
            count = len(out.renderings)
            self.screen.stage("publish", "done", f"{count} of {count} channels carry it")

    async def _ask(self, statement: "Statement") -> None:
        """Ask the person at the keyboard for the last approval of this version."""
        from crisis.approval import NotAllowed, Verdict, Via
        from fireline.demo_screen import statement_panel
        from tasks.approve import decide, propose
        from tasks.draft import draft

        self._pace(1.0)
        self.screen.pause()
        self.screen.console.print(statement_panel(statement, "legal has approved; yours is the last approval"))
        answer = await _typed("You are Mara Lindt, communications. [a]pprove and publish, or [r]eturn it? ")
        approving = answer.strip().lower() in ("a", "approve", "y", "yes")
        reason = "" if approving else await _typed("What must change? ") or "not like this"
        self.screen.begin()
        self._pace(SPEED)  # before anything is scheduled by it
        try:
            await decide(
                self.here,
                statement=statement.id,
                version=statement.version,
                content_hash=statement.content_hash,
                approver="mara@brewline.example",
                role="comms",
                verdict=Verdict.APPROVE if approving else Verdict.RETURN,
                via=Via.CLI,
                reason=reason,
            )
        except NotAllowed as refusal:
            self.screen.console.print(f"Not taken: {refusal}", markup=False, highlight=False)
            return
        if not approving:
            fresh = await draft(self.here, INCIDENT, statement.kind)
            await propose(self.here, fresh, by=fresh.author)

    async def _outcome(self, statement: "Statement") -> "Statement | None":
        """This version, once every channel carries it; or the next one that is asked for instead."""

        async with self.here.store.reading() as tx:
            deliveries = await tx.outbox.list(statement=statement.id, version=statement.version)
        if sum(d.arrived for d in deliveries) == len(statement.renderings):
            return statement
        newest = await self._asked_now(statement)
        return newest if newest != statement else None

    async def _asked_now(self, statement: "Statement") -> "Statement":
        """The version of a statement that approval is asked for now: this one, or one that came after it."""
        async with self.here.store.reading() as tx:
            newest = await tx.statements.get(statement.id)
            asked = await tx.statements.proposal(newest.id, newest.version)
        return newest if asked else statement

    async def _follow(self) -> None:
        self._pace(AFTER_SPEED)

        async def calmed() -> bool:
            async with self.here.store.reading() as tx:
                seen = await tx.observations.list(INCIDENT)
                proposed = await tx.ledger.list(kind="incident.closing_proposed", incident=INCIDENT)
            if seen:
                self.screen.stage("follow", "doing", f"measured {len(seen)} ×: {seen[-1].verdict.value}")
            return bool(proposed)

        await self._until("follow", self._nearly_due)
        await self._substantive()
        await self._until("follow", calmed)
        self.screen.stage("follow", "done", "calm; Fireline proposes to close")

    async def _nearly_due(self) -> bool:
        """Whether the promised update is due before long: the moment to keep the promise."""
        from crisis.commitment import CommitmentState

        async with self.here.store.reading() as tx:
            promises = await tx.commitments.list(incident=INCIDENT, state=CommitmentState.OPEN)
        return any(p.due_at - self.here.clock.now() < timedelta(minutes=90) for p in promises)

    async def _substantive(self) -> None:
        """The promised next word: a confirmed fact, a substantive draft, three scripted approvals by mail."""
        from crisis.values import StatementKind
        from fireline.demo_cast import Approver

        await self._confirm(
            1, "Firmware 4.2 can keep the heater of a Brewline One switched on; unplugging it stops it."
        )
        statement = await self._proposal(StatementKind.SUBSTANTIVE)
        for name in ("Lea Kim", "Jonas Weber", "Priya Raman"):
            person = Approver(name, f"{name.split()[0].lower()}@brewline.example", self.stage.mail)
            await self._until("follow", lambda person=person: person.approve(statement.label))  # type: ignore[misc]
        await self._until("follow", lambda: self._outcome(statement))
        self.screen.stage("follow", "doing", f"the promised next word, {statement.label}, is out in time")

    async def _confirm(self, number: int, text: str) -> None:
        """The incident lead vouches for a fact; only then may a draft state it."""
        from crisis.fact import Fact, FactStatus
        from tasks.draft import save_fact

        fact = Fact(
            id=f"{INCIDENT}-F{number}",
            incident=INCIDENT,
            text=text,
            status=FactStatus.CONFIRMED,
            owner=LEAD_PERSON,
            evidence="engineering report of the demo",
            updated_at=self.here.clock.now(),
        )
        await save_fact(self.here, fact, actor=LEAD_PERSON)

    async def _proposal(self, kind: Any) -> "Statement":
        """A statement drafted by the template and proposed by the incident lead."""
        from tasks.approve import propose
        from tasks.draft import draft

        statement = await draft(self.here, INCIDENT, kind)
        await propose(self.here, statement, by=LEAD_PERSON)
        return statement

    async def _resolution(self) -> "Statement":
        """The incident lead confirms that the cause is gone and has the resolution drafted from it."""
        from crisis.values import StatementKind

        self.screen.stage("resolve", "doing", "a confirmed fact goes into the draft")
        await self._confirm(
            2, "Firmware 4.3 switches the heater off safely, and every connected machine has received it."
        )
        return await self._proposal(StatementKind.RESOLUTION)

    async def _resolve(self) -> None:
        from crisis.incident import IncidentState
        from tasks.close import resolve

        await resolve(self.here, INCIDENT, actor=LEAD_PERSON, reason="calm for half an hour, cause removed")
        self.screen.stage("resolve", "done")
        self._pace(SPEED)

        async def reviewed() -> bool:
            async with self.here.store.reading() as tx:
                state = (await tx.incidents.get(INCIDENT)).state
                sealed = await tx.ledger.list(kind="evidence.sealed", incident=INCIDENT)
            return state is IncidentState.REVIEWED and bool(sealed)

        await self._until("review", reviewed)
        self.screen.stage(
            "review", "done", "verified: the ledger holds" if (await self.here.store.verify()).ok else "BROKEN"
        )
        await self._refresh()

    async def _farewell(self, runtime: Any) -> None:
        """The addresses, and time to look around."""
        from desk.access import desk_link
        from tasks.review import report_folder

        self.screen.draw()
        self.screen.pause()
        async with self.here.store.reading() as tx:
            incident = await tx.incidents.get(INCIDENT)
        folder = report_folder(self.here, INCIDENT)
        report = folder / "report.html"
        bundle = next(iter(sorted(folder.glob("*.zip"))), folder)
        show = self.screen.console.print
        show(f"\n[bold green]Done in {time.monotonic() - self.began:.0f} s.[/bold green] Everything is on record.\n")
        rows = {
            "Report": f"file://{report}",
            "Evidence": str(bundle),
            "Check it": f"fireline verify {bundle}",
            "Posts": desk_link(self.here, "/sandbox"),
            "Incident": desk_link(self.here, f"/incidents/{INCIDENT}"),
            "Prefect run": f"{runtime.ui_url}/runs/flow-run/{incident.flow_run_id}",
            "Prefect key": runtime.auth.get_secret_value() + "   (this demo's own; the page asks once)",
            "Mails": str(self.stage.mail.folder),
        }
        for name, value in rows.items():
            show(f"  {name:<12} {value}", markup=False, highlight=False, soft_wrap=True)
        if self.open_report:
            import webbrowser

            webbrowser.open(f"file://{report}")
        if self.yes:
            again = f"FIRELINE_CONFIG={self.stage.config_file} fireline up"
            show(
                f"\nThe servers stop now; to look around again: {again}", markup=False, highlight=False, soft_wrap=True
            )
        else:
            await _typed("\nAll of it is still running. Open the addresses above; Enter stops everything. ")


async def _typed(prompt: str) -> str:
    """A line from the keyboard, without holding up anything else."""
    loop = asyncio.get_running_loop()
    print(prompt, end="", flush=True)
    line: asyncio.Future[str] = loop.create_future()

    def ready() -> None:
        if not line.done():
            line.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin.fileno(), ready)
    try:
        return (await line).strip()
    finally:
        loop.remove_reader(sys.stdin.fileno())
