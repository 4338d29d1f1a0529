"""``fireline drill``: a rehearsal on the real flows, with every channel sandboxed, scored against the playbook's clocks."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from pathlib import Path

    from crisis.drill import Score
    from crisis.incident import Incident
    from fireline.drill_stage import DrillStage

SCRIPTED_SPEED = 60.0
"""Story seconds per real second when nobody attends, as in the demo."""
AFTER_SPEED = 120.0
"""The same once the first word is out."""
STANDING = 0.001
"""The exercise's clock while the calm days before the storm are being read."""
PATIENCE = 240.0
"""Real seconds in which a drill that nobody attends must get on."""


async def drill(
    scenario: str = "",
    /,
    *,
    watch: Annotated[str, Parameter(help="The watch to rehearse with; the first one by default.")] = "",
    people: Annotated[
        bool, Parameter(negative="", help="Tell real people on their real routes; every message says DRILL.")
    ] = False,
    yes: Annotated[
        bool, Parameter(negative="", help="Scripted people act, one minute a second, so that it ends by itself.")
    ] = False,
    hours: Annotated[float, Parameter(help="End after so many hours.")] = 6.0,
    speed: Annotated[float, Parameter(help="Exercise seconds per real second.")] = 1.0,
) -> int:
    """Rehearse a firestorm on the real flows. No channel can be reached: each becomes a sandbox. Scores your clocks.

    Without a scenario: lists those there are. Everything stays in a folder of its own below this installation's.
    """
    from config.scenarios import drills
    from fireline.errors import Stop

    if not scenario:
        _list()
        return 0
    if not 0 < hours <= 48:
        raise Stop(f"--hours must be above 0 and at most 48, not {hours:g}")
    if not 0 < speed <= 600:
        raise Stop(f"--speed must be above 0 and at most 600, not {speed:g}")
    if yes and people:
        raise Stop("--yes plays the people, and --people tells real ones: choose one of the two")
    chosen = drills.scenario(scenario)
    from datetime import UTC, datetime

    from fireline.drill_stage import DrillStage

    stage = DrillStage(chosen, watch=watch, reaches_people=people, begins=datetime.now(UTC))
    run = _Drill(stage, yes=yes, span=timedelta(hours=hours), speed=SCRIPTED_SPEED if yes and speed == 1 else speed)
    playing = asyncio.create_task(run.play())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, run.stop, playing)
    try:
        return await playing
    except asyncio.CancelledError:
        print("\nstopped; nothing is left running", file=sys.stderr)
        return 130


def _list() -> None:
    from config.scenarios import drills

    for name in drills.names():
        one = drills.scenario(name)
        print(f"{name:<22}{one.title}\n{'':<22}{' '.join(one.about.split())}")


class _Drill:
    """One rehearsal."""

    def __init__(self, stage: "DrillStage", *, yes: bool, span: timedelta, speed: float) -> None:
        self.stage, self.yes, self.span, self.speed = stage, yes, span, speed
        self._over = asyncio.Event()
        self._told = 0
        self._given = 0

    def stop(self, playing: "asyncio.Task[int]") -> None:
        """Ctrl-C: the first one ends the exercise and scores it, the second leaves at once."""
        if self._over.is_set():
            playing.cancel()
        self._over.set()

    async def play(self) -> int:
        import config
        from fireline.supervisor import Supervisor
        from tasks import drill as control
        from tasks.installation import installation

        stage = self.stage
        supervisor = Supervisor(stage.settings, stage.config_file)
        if stage.invented:
            self.say("no fireline.toml here: rehearsing with the demo's invented company")
        try:
            await supervisor.start(lambda says: self.say(f"… {says}"))
            os.environ.update(supervisor.runtime.environment())
            os.environ["PREFECT_HOME"] = supervisor.environment["PREFECT_HOME"]
            async with installation(stage.settings, via="cli") as here:
                self.here = here
                await self._begin()
                done = await self._run()
                result = await self._score()
                config.write_clock(stage.home)  # from here on an hour is an hour again
                self._farewell(result, await control.report(here))
                return 0 if done and not result.missed else 1
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(supervisor.stop())

    def say(self, text: str) -> None:
        """One line for whoever leads the exercise."""
        from crisis.visible import visible

        print(visible(text), flush=True)

    async def _begin(self) -> None:
        import config
        from desk.access import desk_link
        from fireline.drill_stage import LEAD
        from tasks import drill as control
        from tasks.people import save_configuration
        from tasks.runs import start_run

        here, stage = self.here, self.stage
        await save_configuration(here)
        config.write_clock(stage.home, speed=STANDING)
        self.storm_at = here.clock.now() + LEAD
        await control.begin(here, title=stage.scenario.title, storm_at=self.storm_at)
        count = stage.write_posts(self.storm_at)
        name = stage.watch.name
        await start_run(
            "watch/watch", key=f"watch-{name}-0", name=f"{name} · watch", parameters={"watch": name},
            tags=[f"watch:{name}", "drill"],
        )  # fmt: skip
        await self._caught_up()
        reach = "notices go to REAL people, marked DRILL" if stage.settings.drill.reaches_people else "no notice leaves"  # type: ignore[union-attr]
        self.say(f"\nDRILL: {stage.scenario.title}\n{' '.join(stage.scenario.about.split())}\n")
        self.say(f"  {count:,} invented posts about {stage.watch.brand}; the storm begins at {self.storm_at:%H:%M} UTC")
        self.say(f"  every channel is a sandbox; {reach}")
        self.say(f"  desk       {desk_link(here)}")
        self.say(f"  commands   export FIRELINE_CONFIG={stage.config_file}")
        self.say("             and then fireline incidents, draft, approve … as in earnest")
        self.say("  Ctrl-C     ends the exercise and scores it\n")

    async def _caught_up(self) -> None:
        """Let the exercise's time begin once the watch has read what came before, however busy the machine is.

        Raises:
            Stop: it does not get there.
        """
        import config
        from fireline.errors import Stop

        self.say("… reading the calm days before the storm")
        deadline = time.monotonic() + PATIENCE
        while not self._over.is_set():
            async with self.here.store.reading() as tx:
                latest = await tx.signals.latest(self.stage.watch.name)
            if latest is not None and self.here.clock.now() - latest.at < timedelta(minutes=3):
                break
            if time.monotonic() > deadline:
                raise Stop(f"the watch does not read the posts: see {self.stage.home / 'logs'}", 1)
            await asyncio.sleep(0.3)
        config.write_clock(self.stage.home, speed=self.speed)

    async def _run(self) -> bool:
        """Until the incident is reviewed, time is up, or Ctrl-C; whether it got to its end."""
        from crisis.approval import NotAllowed
        from crisis.incident import IncidentState
        from tasks import drill as control

        cast = control.Cast(self.here, ends_with=self.stage.scenario.resolved) if self.yes else None
        moved = time.monotonic()
        while not self._over.is_set():
            incident = await control.rehearsed(self.here)
            news = await self._tell()
            if incident is not None:
                news |= await self._inject(incident)
                if incident.state is IncidentState.REVIEWED:
                    return True
                if cast is not None:
                    try:
                        done = await cast.act(incident)
                    except NotAllowed as refusal:
                        self.say(f"the drill stops here: {refusal}")
                        return False
                    news |= bool(done)
            moved = time.monotonic() if news else moved
            if self.here.clock.now() - self.storm_at > self.span:
                self.say(f"time is up: {self.span} of exercise")
                return False
            if cast is not None and time.monotonic() - moved > PATIENCE:
                self.say(f"nothing has happened for {PATIENCE:.0f} s: see {self.stage.home / 'logs'}")
                return False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), 0.3)
        return False

    async def _inject(self, incident: "Incident") -> bool:
        """Hand over what is due of the scenario's injects."""
        from tasks import drill as control

        injects = self.stage.scenario.injects
        minutes = (self.here.clock.now() - self.storm_at) / timedelta(minutes=1)
        if self._given >= len(injects) or minutes < injects[self._given].minute or incident.closed_at is not None:
            return False
        self._given += 1
        fact = await control.inject(self.here, incident, self._given, injects[self._given - 1].fact)
        self.say(f"{self.here.clock.now():%H:%M:%S}  INJECT {fact.id}: {fact.text}")
        return True

    async def _tell(self) -> bool:
        """Print what is new on record; whether anything was."""
        import config
        from crisis.telling import Known
        from crisis.timeline import tell
        from tasks.drill import rehearsed

        incident = await rehearsed(self.here)
        if incident is None:
            return False
        async with self.here.store.reading() as tx:
            records = await tx.ledger.list(incident=incident.id)
            known = Known(
                deliveries={d.id: d for d in await tx.outbox.list(incident=incident.id)},
                people={p.email: p.name for p in await tx.stakeholders.list()},
            )
        told = [entry for entry in tell(incident, records, known) if not entry.detail]
        for entry in told[self._told :]:
            why = f" ({entry.why})" if entry.why else ""
            self.say(f"{entry.at:%H:%M:%S}  {entry.who}: {entry.what}{why}")
        news = len(told) > self._told
        self._told = max(self._told, len(told))
        if self.yes and self.speed == SCRIPTED_SPEED and any(r.kind == "delivery.accepted" for r in records):
            self.speed = AFTER_SPEED
            config.write_clock(self.stage.home, speed=self.speed)
        return news

    async def _score(self) -> "Score":
        from tasks import drill as control

        return await control.scored(self.here, storm_at=self.storm_at)

    def _farewell(self, result: "Score", reports: "Path | None") -> None:
        """The score as a table, and where everything is."""
        from rich.console import Console
        from rich.table import Table

        file = self.stage.home / "score.json"
        file.write_text(result.model_dump_json(indent=2), encoding="utf-8")
        table = Table(title=f"DRILL: {self.stage.scenario.title}", title_justify="left")
        for column in ("clock", "", "what came of it"):
            table.add_column(column)
        colours = {"kept": "green", "missed": "red"}
        for mark in result.marks:
            state = mark.state.value if mark.state else ""
            table.add_row(mark.name, f"[{colours.get(state, 'dim')}]{state}[/]", mark.says)
        Console().print(table)
        self.say(f"{result.says}\n  score    {file}")
        if reports is not None:
            self.say(f"  report   {reports / 'report.html'}, and beside it the PDF and the data")
        self.say(f"  again    FIRELINE_CONFIG={self.stage.config_file} fireline up")
