"""What the demo shows while it runs: where the story stands, in a terminal as a live picture, elsewhere line by line."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from crisis.timeline import Entry, Side, in_short
from crisis.triage import Signal

STAGES = (
    ("up", "Start Prefect, the flows and the desk"),
    ("listen", "Listen: two calm days, then the storm"),
    ("open", "Detect and triage; tell the right people"),
    ("draft", "Draft and check the holding statement"),
    ("approve", "Approve: exactly these bytes"),
    ("publish", "Publish on every channel, once"),
    ("follow", "Watch the reaction, keep the promise"),
    ("resolve", "Say that it is over"),
    ("review", "Report and sealed evidence"),
)
"""The steps of the demo, in order."""

_BARS = " ▁▂▃▄▅▆▇█"
_COLOURS = {Side.PUBLIC: "yellow", Side.INSIDE: "white", Side.WORD: "green", Side.TROUBLE: "red"}


class Screen:
    """The live picture, or plain lines where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._state: dict[str, str] = {name: "todo" for name, _ in STAGES}
        self._notes: dict[str, str] = {}
        self._entries: Sequence[Entry] = ()
        self._told = 0
        self._signals: Sequence[Signal] = ()
        self._now: datetime | None = None
        self._speed = 1.0

    def begin(self) -> None:
        """Show the picture."""
        if self._live:
            self._live.start()

    def pause(self) -> None:
        """Take the picture away, so that something can be asked."""
        if self._live:
            self._live.stop()

    def stage(self, name: str, state: str, note: str = "") -> None:
        """A step is ``doing`` or ``done``, with a note."""
        changed = (self._state[name], self._notes.get(name, "")) != (state, note or self._notes.get(name, ""))
        self._state[name] = state
        if note:
            self._notes[name] = note
        if changed and not self._live:
            title = dict(STAGES)[name]
            sign = "✓" if state == "done" else "…"
            self.console.print(
                f"{sign} {title}{f': {note}' if note else ''}", markup=False, highlight=False, soft_wrap=True
            )
        self.draw()

    def update(self, *, now: datetime, speed: float, entries: Sequence[Entry], signals: Sequence[Signal]) -> None:
        """What the records say now."""
        self._now, self._speed, self._signals = now, speed, signals
        if not self._live:
            told = [e for e in entries if not e.detail]
            for entry in told[self._told :]:
                self.console.print(f"    {_line(entry)}", markup=False, highlight=False, soft_wrap=True)
            self._told = max(self._told, len(told))
        self._entries = in_short(entries)
        self.draw()

    def draw(self) -> None:
        """Renew the picture."""
        if self._live and self._live.is_started:
            self._live.update(self._picture(), refresh=True)

    def _picture(self) -> RenderableType:
        steps = Table.grid(padding=(0, 1))
        signs = {"todo": Text("○", "dim"), "doing": Text("●", "bold yellow"), "done": Text("✓", "bold green")}
        for name, title in STAGES:
            style = {"todo": "dim", "doing": "bold", "done": ""}[self._state[name]]
            note = Text(self._notes.get(name, ""), "dim")
            steps.add_row(signs[self._state[name]], Text(title, style), note)
        height = max(4, self.console.height - len(STAGES) - 10)
        lines = Group(
            *(Text(_line(e), _COLOURS[e.side], no_wrap=True, overflow="ellipsis") for e in self._entries[-height:])
        )
        clock = f"demo clock {self._now:%H:%M:%S} UTC" if self._now else "starting"
        pace = f" · 1 s is {self._speed:.0f} s" if self._speed != 1 else " · real time"
        parts: list[RenderableType] = [
            Panel(
                steps,
                title="[bold]Fireline demo[/bold] · Brewline (invented)",
                subtitle=clock + pace,
                border_style="red",
            )
        ]
        if self._signals:
            parts.append(self._crowd())
        if self._entries:
            parts.append(Panel(lines, title="What is on record", border_style="dim"))
        return Group(*parts)

    def _crowd(self) -> RenderableType:
        width = max(20, self.console.width - 40)
        shown = self._signals[-width:]
        most = max([s.authors for s in shown] + [1])
        bars = Text()
        for s in shown:
            bar = _BARS[round(s.authors / most * (len(_BARS) - 1))]
            bars.append(bar, "red" if s.negative_share >= 0.5 else "cyan")
        last = shown[-1]
        says = f" {last.authors} people in {last.window.seconds // 60} min, {last.negative_share:.0%} negative"
        return Text.assemble(bars, (says, "bold"))


def _line(entry: Entry) -> str:
    why = f" ({entry.why})" if entry.why else ""
    return f"{entry.at:%H:%M:%S}  {entry.who}: {entry.what}{why}"


def statement_panel(statement: Any, note: str) -> Panel:
    """A statement as it would be published."""
    targets = ", ".join(r.target.channel for r in statement.renderings)
    body = f"[bold]{escape(statement.headline)}[/bold]\n\n{escape(statement.body)}"
    return Panel(body, title=f"{statement.label} → {escape(targets)}", subtitle=escape(note), border_style="yellow")
