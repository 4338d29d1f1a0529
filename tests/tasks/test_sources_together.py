"""Several sources are one watch: what they bring adds up and counts once, and one that fails stops none of the others."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from acme import acme
from test_detect import COARSE, NOW, STORM, Judged, found, judged, write_posts

import integrations
from crisis.clock import FixedClock, SystemClock
from crisis.coverage import Coverage, SourceHealth, SourceState
from crisis.watch import Mention
from integrations import Misconfigured, Unknown
from tasks import artifacts
from tasks import coverage as noting
from tasks import listening as merging
from tasks.coverage import coverage, coverage_lines
from tasks.detect import has_ended, listen
from tasks.installation import Installation

TWO_RECORDINGS = """
[[sources]]
name = "one"
kind = "recorded"
watch = ["acme"]
[sources.settings]
path = "one.jsonl"
network = "bluesky"
[[sources]]
name = "two"
kind = "recorded"
watch = ["acme"]
[sources.settings]
path = "two.jsonl"
network = "mastodon"
"""
NO_WEBHOOK = (
    'name = "webhook"\nkind = "webhook"\nwatch = ["acme"]',
    'name = "webhook"\nkind = "webhook"\nwatch = ["other"]',
)
OTHER = """
[[watches]]
name = "other"
brand = "Other"
query = "other"
"""


@asynccontextmanager
async def recordings(folder: Path) -> AsyncIterator[Installation]:
    async with acme(folder, COARSE, NO_WEBHOOK, clock=FixedClock(NOW), more=TWO_RECORDINGS + OTHER) as here:
        yield here


def split(folder: Path, *, overlapping: bool = False) -> list[dict[str, Any]]:
    """One storm's posts over two files in turn; with ``overlapping``, every post in both, as the same network's."""
    write_posts(folder / "all.jsonl")
    rows = [json.loads(line) for line in (folder / "all.jsonl").read_text().splitlines()]
    for at, name in enumerate(("one", "two")):
        mine = [{**r, "source": "bluesky"} for r in rows] if overlapping else rows[at::2]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in mine))
    return rows


async def test_two_halves_of_a_storm_on_two_networks_are_one_incident_seen_as_early(tmp_path: Path) -> None:
    async with recordings(tmp_path) as here:
        split(tmp_path)
        said = await listen(here, "acme")
        [(name, started, opened, *_)] = await judged(here)
        assert name == "INC-1"
        assert STORM <= started < opened <= STORM + timedelta(minutes=15)
        async with here.store.reading() as tx:
            signals = await tx.signals.list("acme", since=opened, until=opened + timedelta(minutes=20))
            progress = await tx.watches.progress("acme")
        assert any(set(signal.sources) == {"bluesky", "mastodon"} for signal in signals)
        assert "one, two" in said
        assert has_ended(progress, [s for s in here.settings.sources if s.name in ("one", "two")])
        assert await coverage(here) == [], "what has ended needs no coverage"


async def test_a_post_that_two_sources_bring_counts_once(tmp_path: Path) -> None:
    async def heard(folder: Path, *, overlapping: bool) -> tuple[list[Judged], list[int]]:
        folder.mkdir()
        async with recordings(folder) as here:
            split(folder, overlapping=overlapping)
            if not overlapping:
                (folder / "two.jsonl").write_text("")
                rows = [json.loads(line) for line in (folder / "all.jsonl").read_text().splitlines()]
                (folder / "one.jsonl").write_text("".join(json.dumps({**r, "source": "bluesky"}) + "\n" for r in rows))
            await listen(here, "acme")
            async with here.store.reading() as tx:
                signals = await tx.signals.list("acme")
            return await judged(here), [s.mentions for s in signals]

    assert await heard(tmp_path / "once", overlapping=False) == await heard(tmp_path / "twice", overlapping=True)


class Scripted:
    """A live source of a test: it does what it is told."""

    kind, live = "scripted", True

    def __init__(self, acts: list[Any]) -> None:
        self.acts = acts
        self.pulse = integrations.listening.Pulse(stream=True)  # type: ignore[attr-defined]
        self.cursors: list[str | None] = []

    @property
    def health(self) -> Any:
        return self.pulse.health

    async def listen(self, cursor: str | None = None) -> AsyncIterator[tuple[str, Mention]]:
        self.cursors.append(cursor)
        self.pulse.contact()
        while self.acts:
            act = self.acts.pop(0)
            if isinstance(act, Exception):
                raise act
            if callable(act):
                act(self)
            elif act is not None:
                yield act.id, act
            await asyncio.sleep(0.01)
        await asyncio.Event().wait()

    async def close(self) -> None:
        return None


def mention(number: int, *, source: str = "bluesky", at: datetime | None = None) -> Mention:
    return Mention(
        id=f"{number:03}",
        text=f"acme fails {number}",
        author=f"a{number}",
        source=source,
        created_at=at or datetime.now(UTC),
    )


SCRIPTED = """
[[sources]]
name = "first"
kind = "hackernews"
watch = ["acme"]
[sources.settings]
query = "acme"
[[sources]]
name = "second"
kind = "jetstream"
watch = ["acme"]
"""


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Scripted | Exception]:
    """What is opened in place of the configured sources, by name."""
    opened: dict[str, Scripted | Exception] = {}

    async def open_source(here: Installation, name: str) -> Any:
        await asyncio.sleep(0)
        if isinstance(found := opened[name], Exception):
            raise found
        return found

    monkeypatch.setattr(merging, "open_source", open_source)
    monkeypatch.setattr(merging, "PATIENCE", 0.05)
    monkeypatch.setattr("tasks.detect.BATCH_SECONDS", 0.0)
    return opened


@asynccontextmanager
async def scripted(folder: Path) -> AsyncIterator[Installation]:
    async with acme(folder, NO_WEBHOOK, clock=SystemClock(), more=SCRIPTED + OTHER) as here:
        yield here


async def listen_until(here: Installation, ready: Callable[[], Any], source: str = "") -> None:
    """Listen until ``ready``, which may be awaited, says so; then stop as a killed process does."""
    listener = asyncio.create_task(listen(here, "acme", source))
    try:
        async with asyncio.timeout(20):
            while not await ready():
                assert not listener.done(), listener.result()
                await asyncio.sleep(0.02)
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)


async def taken(here: Installation) -> list[str]:
    async with here.store.reading() as tx:
        progress = await tx.watches.progress("acme")
    return [m["id"] for m in json.loads(progress[1])["recent"]] if progress else []


@pytest.mark.parametrize(
    "broken", [Misconfigured("jetstream: there is no such server"), Unknown("no answer"), ZeroDivisionError("oops")]
)
async def test_a_source_that_cannot_be_opened_is_told_and_the_other_is_heard(
    tmp_path: Path, scripts: dict[str, Any], broken: Exception
) -> None:
    async with scripted(tmp_path) as here:
        scripts["first"], scripts["second"] = Scripted([mention(1), mention(2)]), broken

        async def ready() -> bool:
            return await taken(here) == ["001", "002"] and len(await coverage(here)) == 2

        await listen_until(here, ready)
        first, second = await coverage(here)
        assert first.health.state is SourceState.OK
        assert second.health.state is (SourceState.DOWN if isinstance(broken, Misconfigured) else SourceState.DEGRADED)
        assert second.source in " ".join(await coverage_lines(here))
        assert await found(here) == []


async def test_a_source_that_stops_working_is_opened_again_where_it_stopped(
    tmp_path: Path, scripts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.sources.REOPEN", 0.05)
    async with scripted(tmp_path) as here:
        broken = Scripted([mention(1), RuntimeError("a fault of ours"), mention(2), Misconfigured("401"), mention(3)])
        scripts["first"], scripts["second"] = broken, Scripted([])

        async def ready() -> bool:
            return await taken(here) == ["001", "002", "003"]

        await listen_until(here, ready)
        assert broken.cursors == [None, "001", "002"]


async def test_lost_coverage_and_its_return_are_a_record_and_an_event_each(
    tmp_path: Path, scripts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str, str]] = []
    monkeypatch.setattr(
        noting, "emit_coverage", lambda event, **of: told.append((event, of["watch"], f"{of['source']} {of['since']}"))
    )

    def down(source: Scripted) -> None:
        source.pulse.lost("the server answered 503", hopeless=True)

    def up(source: Scripted) -> None:
        source.pulse.contact()

    async def records(here: Installation) -> list[tuple[str, str]]:
        async with here.store.reading() as tx:
            found = [r for r in await tx.ledger.list() if r.kind.startswith("coverage.")]
        return [(r.kind, r.data["source"]) for r in found]

    async with scripted(tmp_path) as here:
        scripts["first"] = Scripted([mention(1)])
        scripts["second"] = Scripted([mention(9), down])

        async def lost() -> bool:
            return bool(await records(here))

        await listen_until(here, lost)
        assert await records(here) == [("coverage.lost", "second")]
        [line] = await coverage_lines(here)
        assert line.startswith("acme: coverage degraded: second silent since ")
        assert line.endswith("the server answered 503")

        scripts["first"], scripts["second"] = Scripted([]), Scripted([down, mention(10, source="x"), up])
        # Lost before the restart and after it: that is one loss, not two.

        async def returned() -> bool:
            return len(await records(here)) > 1

        await listen_until(here, returned)
        assert await records(here) == [("coverage.lost", "second"), ("coverage.returned", "second")]
        assert await coverage_lines(here) == []
        assert (await here.store.verify()).ok
        assert [event for event, *_ in told] == ["coverage.lost", "coverage.lost", "coverage.returned"]
        assert told[0] == told[1], "told again after the restart: the same event, which Prefect takes once"


async def test_coverage_that_nobody_notes_any_more_is_no_coverage(
    tmp_path: Path, scripts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(tmp_path) as here:
        scripts["first"] = scripts["second"] = Scripted([mention(1)])

        async def ready() -> bool:
            return bool(await taken(here))

        await listen_until(here, ready)
        assert await coverage_lines(here) == []
        monkeypatch.setattr(noting, "STALE", timedelta(0))
        [line] = await coverage_lines(here)
        assert "first silent" in line
        assert "nobody listens" in line


async def test_a_post_given_again_after_a_restart_counts_once(tmp_path: Path, scripts: dict[str, Any]) -> None:
    async with scripted(tmp_path) as here:
        scripts["first"], scripts["second"] = Scripted([mention(1), mention(2)]), Scripted([])

        async def two() -> bool:
            return len(await taken(here)) == 2

        await listen_until(here, two)
        scripts["first"] = Scripted([mention(1), mention(2), mention(3)])
        scripts["second"] = Scripted([mention(2), mention(4)])

        async def four() -> bool:
            return len(await taken(here)) >= 4

        await listen_until(here, four)
        assert sorted(await taken(here)) == ["001", "002", "003", "004"]


async def test_a_source_that_catches_up_is_merged_into_the_past_before_the_present_goes_on(
    tmp_path: Path, scripts: dict[str, Any]
) -> None:
    now = datetime.now(UTC)
    async with scripted(tmp_path) as here:
        backlog = [mention(n, at=now - timedelta(minutes=60 - n)) for n in range(1, 50)]
        scripts["first"] = Scripted([mention(99, at=now)])
        scripts["second"] = Scripted(backlog)

        async def all_of_it() -> bool:
            return len(await taken(here)) == 50

        await listen_until(here, all_of_it)
        assert await taken(here) == [f"{n:03}" for n in range(1, 50)] + ["099"]


async def test_a_post_that_lies_about_its_date_moves_no_time(tmp_path: Path, scripts: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    lies = [mention(1, at=datetime(1995, 1, 1, tzinfo=UTC)), mention(2, at=now + timedelta(days=3650)), mention(3)]
    async with scripted(tmp_path) as here:
        scripts["first"], scripts["second"] = Scripted(lies), Scripted([])

        async def ready() -> bool:
            return "003" in await taken(here)

        await listen_until(here, ready)
        async with here.store.reading() as tx:
            signals = await tx.signals.list("acme")
        assert all(now - timedelta(hours=2) < s.at < now + timedelta(minutes=1) for s in signals)


async def test_check_and_incidents_tell_what_is_not_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fireline.incidents import incidents
    from fireline.setup import findings_of

    down = SourceHealth(state=SourceState.DOWN, since=datetime.now(UTC), in_contact=False, says="it answered 503")
    async with scripted(tmp_path) as here:
        async with here.store.transaction() as tx:
            await tx.coverage.note(Coverage(watch="acme", source="second", health=down), datetime.now(UTC))
            await tx.coverage.note(Coverage(watch="acme", source="gone", health=down), datetime.now(UTC))
        told = [f for f in [f async for f in findings_of(here.settings, timeout=2)] if f.part == "coverage"]
    assert [(f.name, f.ok) for f in told] == [("acme", False)], "a source that is configured no more is not told of"
    assert "second silent since" in told[0].says
    monkeypatch.setenv("FIRELINE_CONFIG", str(tmp_path / "fireline.toml"))
    await incidents()
    assert "acme: coverage degraded: second silent since" in capsys.readouterr().out
    await incidents(json=True)
    shown = capsys.readouterr()
    assert shown.out == "", "stdout is for JSON"
    assert "it answered 503" in shown.err


async def test_prefect_shows_coverage_as_a_table_in_which_nothing_is_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, Any]] = []

    async def artifact(**fields: Any) -> None:
        written.append(fields)

    monkeypatch.setattr(artifacts, "acreate_table_artifact", artifact)
    health = SourceHealth(state=SourceState.DOWN, since=NOW, in_contact=False, reconnects=3, says="<b>[503](x)</b>")
    await artifacts.show_coverage("acme", [Coverage(watch="acme", source="reddit", health=health)])
    [shown] = written
    assert shown["key"] == "coverage-acme"
    assert "reddit silent since" in shown["description"]
    [row] = shown["table"]
    assert (row["source"], row["state"], row["reconnects"]) == ("reddit", "down", 3)
    assert "<b>" not in str(shown)
    await artifacts.show_coverage("acme", [])
    assert written[1]["description"] == "every source is heard"


async def test_a_watch_that_nothing_feeds_says_so(tmp_path: Path) -> None:
    import config

    async with acme(tmp_path, NO_WEBHOOK, clock=FixedClock(NOW), more=OTHER) as here:
        with pytest.raises(config.ConfigError, match="no source feeds the watch 'acme'"):
            await listen(here, "acme")
        with pytest.raises(config.ConfigError, match="there is no source 'nothing'; there are: webhook"):
            await listen(here, "acme", "nothing")
