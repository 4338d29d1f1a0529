"""The desk at 1,000 incidents and 1,000,000 mentions relied on: server time of its pages, and live updates to 200 of them.

A seeded store is built first (SQLite; 60 incidents are open, one of them with 100,000 mentions, 400 records and a day of
signals). Then:

* every page is asked for through ASGI, so that what is measured is the desk and its database, no network: the first time,
  many times as it stands, and many times right after something of its incident was written;
* 200 connections from another process follow the busiest incident; from the return of a commit until the last of them
  has the changed piece.

Pages are told in wall time and in processor time of all threads: the first grows with whatever else the machine does.
"""

import asyncio
import json
import os
import random
import re
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import say

if TYPE_CHECKING:
    import httpx

    from tasks.installation import Installation

INCIDENTS, OPEN, MENTIONS, BIGGEST = 1_000, 60, 1_000_000, 100_000
RECORDS = 400
"""Of the busiest incident; others have about ten."""
REPEATS = 30
READERS, CHANGES = 200, 20
SEED = 5
_LOOK = re.compile(rb"volume is \d+, look (1\d{4})")
"""A change as a page has it."""
TEXTS = (
    "@acme I stood at the till and the app failed, again",
    "Is my money safe with @acme? Nobody answers",
    "acme ist seit einer Stunde nicht erreichbar",
    "I will cancel my account, this is the third time, @acme",
    "RT @mia: @acme your app is down and support does not pick up",
)
SOURCES, LANGUAGES = ("mastodon", "bluesky", "x", "reddit"), ("en", "de", "es", "")


def main() -> None:
    """Build the store, measure, say."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["FIRELINE_HOME"] = home
        asyncio.run(_measure(Path(home)))


async def _measure(home: Path) -> None:
    import config
    from tasks.installation import installation

    text = (Path(config.__file__).parent / "starter" / "fireline.toml").read_text(encoding="utf-8")
    (home / "fireline.toml").write_text(text)
    settings = config.load(home / "fireline.toml")
    async with installation(settings, via="desk") as here:
        started = time.perf_counter()
        names = await _fill(here)
        say(
            f"{INCIDENTS:,} incidents ({OPEN} open), {MENTIONS:,} mentions relied on, built in "
            f"{time.perf_counter() - started:.0f} s"
        )
        await _pages(here, names)
        await _live(here, names["busiest"])


async def _fill(here: "Installation") -> dict[str, str]:
    """Everything in the store; the names of incidents to look at."""
    from tasks.people import save_configuration

    chance = random.Random(SEED)
    now = here.clock.now()
    await save_configuration(here)
    watch = here.settings.watches[0].name
    ids = []
    for start in range(0, INCIDENTS, 100):
        async with here.store.transaction() as tx:
            for number in range(start, start + 100):
                ids.append(await _incident(tx, watch, number, now, chance))
    await _signals(here, watch, now, chance)
    file = Path(here.settings.database_url.partition(":///")[2])
    await asyncio.to_thread(_mentions, file, ids, now, chance)
    return {"closed": ids[0], "busiest": ids[-1], "open": ids[-2]}


async def _incident(tx: Any, watch: str, number: int, now: datetime, chance: random.Random) -> str:
    from crisis.incident import IncidentState

    live = number >= INCIDENTS - OPEN
    at = now - timedelta(hours=20 if number == INCIDENTS - 1 else 2) if live else now - timedelta(days=400 - number / 3)
    incident = await tx.incidents.open(
        watch=watch,
        title=f"Acme: service failure (matter {number})",
        assessment=_assessment(at, chance, 0),
        opened_at=at,
        started_at=at - timedelta(minutes=9),
        lead="ida@example.com",
        actor="detector",
    )
    if not live:
        await tx.incidents.step(incident.id, IncidentState.DISMISSED, actor="ida@example.com", reason="a false alarm")
        return str(incident.id)
    for again in range(RECORDS // 2 if number == INCIDENTS - 1 else 5):
        told = _assessment(at + timedelta(minutes=again), chance, again)
        await tx.incidents.assess(incident.id, told, actor="triage")
        data = {"stakeholder": f"p{again}@example.com", "name": f"Person {again}", "occasion": "opened"}
        await tx.ledger.append("stakeholder.told", actor="outbox", incident=incident.id, data=data)
    await _statement(tx, incident, at)
    return str(incident.id)


def _assessment(at: datetime, chance: random.Random, marker: int) -> Any:
    from crisis.triage import Assessment, Cluster, Factor, Narrative, Strategy
    from crisis.values import CrisisType, Severity

    authors = chance.randrange(100, 900)
    return Assessment(
        severity=Severity.SEV2,
        type=CrisisType.SERVICE_FAILURE,
        score=61.0,
        factors=tuple(
            Factor(name=name, value=authors, points=7, says=f"{name} is {authors}, look {marker}")
            for name in ("volume", "size", "acceleration", "negativity", "anger", "reach", "spread", "harm")
        ),
        cluster=Cluster.ACCIDENTAL,
        strategy=Strategy.DIMINISH,
        negative_share=0.8,
        authors=authors,
        narratives=tuple(
            Narrative(id=f"n{n}", label=f"the app does not pay {n}", size=authors // (n + 1), quote=TEXTS[n % 5])
            for n in range(6)
        ),
        assessed_at=at,
    )


async def _statement(tx: Any, incident: Any, at: datetime) -> None:
    from crisis.approval import Policy
    from crisis.statement import Part, Rendering, Statement, Target, content_hash
    from crisis.triage import Strategy
    from crisis.values import StatementKind

    text = "We know that many of you cannot pay since 11:20 UTC. We are sorry. Next update by 13:00 UTC."
    renderings = tuple(
        Rendering(
            target=Target(channel=f"channel-{n}", kind="sandbox"),
            parts=(Part(text=text, length=len(text), limit=500),),
        )
        for n in range(4)
    )
    covered: dict[str, Any] = {
        "incident": incident.id,
        "kind": StatementKind.HOLDING,
        "audience": "customers",
        "severity": incident.severity,
        "facts": (),
        "renderings": renderings,
        "promises": (),
    }
    statement = Statement(
        id=f"{incident.id}-S1",
        version=1,
        strategy=Strategy.DIMINISH,
        author="template",
        created_at=at,
        headline="Payments fail",
        body=text,
        content_hash=content_hash(**covered),
        **covered,
    )
    await tx.statements.add(statement, actor="template")
    await tx.statements.propose(statement.id, 1, Policy(roles={"comms": 1}), by="template", actor="template")


async def _signals(here: "Installation", watch: str, now: datetime, chance: random.Random) -> None:
    from crisis.triage import Signal

    async with here.store.transaction() as tx:
        for minute in range(24 * 60):
            at = now - timedelta(minutes=24 * 60 - minute)
            authors = chance.randrange(20, 60) + max(0, minute - 200) // 3
            signal = Signal(
                watch=watch,
                at=at,
                window=timedelta(minutes=15),
                mentions=authors + 5,
                distinct_texts=authors,
                authors=authors,
                usual_authors=32,
                negative_share=0.6,
                usual_negative_share=0.2,
                started_at=at,
            )
            await tx.signals.add(signal)


def _mentions(file: Path, ids: Sequence[str], now: datetime, chance: random.Random) -> None:
    """Straight into the table: through the store a million posts would take the better part of an hour."""
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA synchronous=OFF")
        rest = (MENTIONS - BIGGEST) // (len(ids) - 1)
        counts = [MENTIONS - BIGGEST - rest * (len(ids) - 2), *[rest] * (len(ids) - 2), BIGGEST]
        for incident, count in zip(ids, counts, strict=True):
            rows = (_row(incident, n, now, chance) for n in range(count))
            database.executemany("INSERT INTO mentions VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        database.execute("ANALYZE")
    database.close()


def _row(incident: str, number: int, now: datetime, chance: random.Random) -> tuple[Any, ...]:
    at = now - timedelta(seconds=chance.random() * 3600)
    source, language, reach = chance.choice(SOURCES), chance.choice(LANGUAGES), int(chance.paretovariate(0.9))
    post = {
        "id": str(number),
        "text": f"{chance.choice(TEXTS)} {number}",
        "created_at": at.isoformat(),
        "author": f"@somebody{number}",
        "source": source,
        "language": language,
        "followers": reach,
    }
    stamp = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return incident, f"{number:064x}", stamp, json.dumps(post), source, language, reach


async def _pages(here: "Installation", names: dict[str, str]) -> None:
    import httpx

    from desk.access import desk_key
    from desk.app import create_app

    app = create_app(here)
    pages = {
        "Now": ("/", names["busiest"]),
        "war room, busiest": (f"/incidents/{names['busiest']}", names["busiest"]),
        "war room, open": (f"/incidents/{names['open']}", names["open"]),
        "war room, closed": (f"/incidents/{names['closed']}", ""),
        "act on it": (f"/incidents/{names['busiest']}/act", names["busiest"]),
        "record": ("/record", ""),
        "record of the busiest": (f"/record?incident={names['busiest']}", names["busiest"]),
        "sandbox": ("/sandbox", ""),
    }
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://desk") as browser:
        await browser.get("/healthz")
        await browser.get("/static/desk.css")
        await browser.get("/sandbox", params={"key": desk_key(here.settings.home)})
        for name, (path, incident) in pages.items():
            first, _ = await _ask(browser, path)
            as_is = [await _ask(browser, path) for _ in range(REPEATS)]
            told = f"{name}: first {first:.0f} ms; then {_told_both(as_is)}"
            if incident:
                changed = []
                for number in range(REPEATS):
                    await _change(here, incident, number)
                    changed.append(await _ask(browser, path))
                told += f"; after a change {_told_both(changed)}"
            say(told)
    app.state.desk.live.close()


async def _ask(browser: "httpx.AsyncClient", path: str) -> tuple[float, float]:
    """Milliseconds that the desk takes for one page, and that processors work for it."""
    started, worked = time.perf_counter(), time.process_time()
    answer = await browser.get(path)
    taken = (time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000
    answer.raise_for_status()
    return taken


def _told_both(taken: Sequence[tuple[float, float]]) -> str:
    return f"{_told([wall for wall, _ in taken])} (processor {_told([worked for _, worked in taken])})"


def _told(taken: Sequence[float]) -> str:
    return f"median {statistics.median(taken):.0f} ms, 95 % {sorted(taken)[int(0.95 * len(taken))]:.0f} ms"


async def _change(here: "Installation", incident: str, number: int) -> float:
    """One more assessment of an incident; when its commit had returned, in seconds since the epoch."""
    async with here.store.transaction() as tx:
        told = _assessment(here.clock.now(), random.Random(number), 10_000 + number)
        await tx.incidents.assess(incident, told, actor="triage")
    return time.time()


async def _live(here: "Installation", incident: str) -> None:
    from desk.access import COOKIE, desk_key
    from desk.server import listen, serve

    listener, started = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(serve(here, listener=listener, started=started))
    await started.wait()
    port = str(listener.getsockname()[1])
    readers = None
    try:
        cookie = await _session(port, desk_key(here.settings.home))
        readers = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.desk", port, f"{COOKIE}={cookie}", incident),
            stdout=asyncio.subprocess.PIPE,
        )
        out = readers.stdout
        assert out is not None
        await out.readline()  # every one is connected
        taken, worked = [], []
        for number in range(CHANGES):
            await asyncio.sleep(1.5)
            at, before = await _change(here, incident, number), time.process_time()
            taken.append((float(await out.readline()) - at) * 1000)
            worked.append((time.process_time() - before) * 1000)
        told = f"{_told(taken)} (processor of the desk {_told(worked)})"
        say(f"from a commit until {READERS} open pages have the piece: {told}, {CHANGES} changes")
    finally:
        if readers is not None and readers.returncode is None:
            readers.terminate()
            await readers.wait()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def _session(port: str, key: str) -> str:
    import httpx

    from desk.access import COOKIE

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
        await browser.get("/sandbox", params={"key": key})
        return browser.cookies[COOKIE]


async def _readers(port: str, cookie: str, incident: str) -> None:
    """Follow an incident on ``READERS`` connections; print when the last one is live, and when the last has each change."""
    seen: dict[int, int] = {}
    live = 0

    async def read() -> None:
        nonlocal live
        reading, writing = await asyncio.open_connection("127.0.0.1", int(port), limit=2**22)
        asked = f"GET /live?of={incident} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n"
        writing.write(asked.encode())
        began, rest = False, b""
        while chunk := await reading.read(2**18):
            text = rest + chunk
            if not began and b"event: beat" in text:
                began, live = True, live + 1
                text = b""
                if live == READERS:
                    print("live", flush=True)
            elif began and (found := _LOOK.search(text)):
                number, text = int(found[1]), b""
                seen[number] = seen.get(number, 0) + 1
                if seen[number] == READERS:
                    print(time.time(), flush=True)
            rest = text[-4_000:]

    await asyncio.gather(*(read() for _ in range(READERS)))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        asyncio.run(_readers(*sys.argv[1:]))
    else:
        main()
