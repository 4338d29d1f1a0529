"""The desk at 1,000 incidents and 1,000,000 mentions relied on: server time of its pages, and live updates to 200 of them.

A seeded store is built first (``benchmarks.desk_store``, SQLite). Then:

* every page in ``PAGES`` is asked for through ASGI, so that what is measured is the desk and its database, no network:
  the first time, many times as it stands, and many times right after something of the busiest incident was written;
* 200 connections from another process follow the busiest incident; from the return of a commit until the last of them
  has the changed piece.

Pages are told in wall time and in processor time of all threads: the first grows with whatever else the machine does. A
page is within the aim when both its medians of wall time are, as it stands and right after a change.
"""

import asyncio
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import say
from benchmarks.desk_store import INCIDENTS, LEAD, MENTIONS, OPEN, Names, change, fill

if TYPE_CHECKING:
    import httpx

    from tasks.installation import Installation

AIM_MS = 100
"""Milliseconds of server time that a page may take."""
PAGES: Mapping[str, str] = {
    "Now": "/",
    "war room, busiest": "/incidents/{busiest}",
    "war room, open": "/incidents/{open}",
    "war room, closed": "/incidents/{closed}",
    "read by a signed link": "/read/{reading}",
    "act on it": "/incidents/{busiest}/act",
    "who sees it": "/incidents/{busiest}/restrict",
    "statements": "/incidents/{busiest}/statements",
    "statement editor": "/statements/{statement}/1",
    "a new statement": "/incidents/{open}/draft?kind=substantive",
    "decide": "/statements/{statement}/decide",
    "approve by a signed link": "/approve/{approval}",
    "deliveries": "/deliveries",
    "deliveries of one": "/incidents/{busiest}/deliveries",
    "record": "/record",
    "record of the busiest": "/record?incident={busiest}",
    "record, one kind": "/record?kind=stakeholder",
    "sandbox": "/sandbox",
    "sandbox, notices": "/sandbox?show=notices",
    "set-up": "/setup",
    "set-up, playbooks": "/setup/playbooks",
    "set-up, people": "/setup/people",
    "set-up, channels": "/setup/channels",
    "set-up, watches": "/setup/watches",
    "sessions": "/sessions",
    "sign-in": "/sign-in",
}
"""Every page, and where it is; what stands in braces is one of the names of ``desk_store.Names``, or a signed link's token."""
REPEATS = 30
READERS, CHANGES = 200, 20
SESSIONS = 10
"""Of the readers: none may keep very many pages open."""
_LOOK = re.compile(rb"volume is \d+, look (1\d{4})")
"""A change as a page has it."""


@dataclass(frozen=True)
class Timed:
    """Milliseconds that pages took."""

    wall: float
    worked: float
    """Of processors, in all threads."""


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
        names = await fill(here)
        say(
            f"{INCIDENTS:,} incidents ({OPEN} open), {MENTIONS:,} mentions relied on, built in "
            f"{time.perf_counter() - started:.0f} s"
        )
        await pages(here, names)
        await _live(here, names.busiest)


async def pages(here: "Installation", names: Names, only: Sequence[str] = ()) -> None:
    """Ask for every page (or ``only`` some), and say what each took and whether all are within the aim."""
    import httpx

    from desk.access import desk_key
    from desk.app import create_app

    app = create_app(here)
    known = asdict(names) | await _tokens(here, names)
    over = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://desk") as browser:
        await browser.get("/healthz")
        await browser.get("/static/desk.css")
        await browser.get("/setup", params={"key": desk_key(here.settings.home)})
        for name, place in PAGES.items():
            if only and name not in only:
                continue
            path, changed = place.format(**known), []
            first = await _ask(browser, path)
            as_is = [await _ask(browser, path) for _ in range(REPEATS)]
            for number in range(REPEATS):
                await change(here, names.busiest, 10_000 + number)
                changed.append(await _ask(browser, path))
            if max(_median(as_is), _median(changed)) > AIM_MS:
                over.append(name)
            verdict = "OVER" if name in over else "ok"
            say(
                f"{verdict}: {name}: {_told_both(as_is)}; right after a change {_told_both(changed)}; "
                f"first {first.wall:.0f} ms"
            )
    app.state.desk.live.close()
    if over:
        say(f"FAIL: {len(over)} pages take longer than {AIM_MS} ms (median): {', '.join(over)}")
    else:
        say(f"PASS: every page takes at most {AIM_MS} ms (median), as it stands and right after a change")


async def _tokens(here: "Installation", names: Names) -> dict[str, str]:
    """Tokens of signed links, by what they open."""
    from tasks.links import LinkClaims, approval_link, reading_link

    async with here.store.reading() as tx:
        statement = await tx.statements.get(names.statement)
        person = next(p for p in await tx.stakeholders.list() if "comms" in p.roles)
    claims = LinkClaims(
        statement=statement.id,
        version=statement.version,
        content_hash=statement.content_hash,
        approver=person.email,
        role="comms",
    )
    links = {
        "approval": approval_link(here, claims),
        "reading": reading_link(here, names.busiest, person=LEAD),
    }
    return {name: link.rpartition("/")[2] for name, link in links.items()}


async def _ask(browser: "httpx.AsyncClient", path: str) -> Timed:
    """What the desk takes for one page."""
    started, worked = time.perf_counter(), time.process_time()
    answer = await browser.get(path)
    taken = Timed((time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")
    return taken


def _median(taken: Sequence[Timed]) -> float:
    return statistics.median(one.wall for one in taken)


def _told_both(taken: Sequence[Timed]) -> str:
    return f"{_told([one.wall for one in taken])} (processor {_told([one.worked for one in taken])})"


def _told(taken: Sequence[float]) -> str:
    return f"median {statistics.median(taken):.0f} ms, 95 % {sorted(taken)[int(0.95 * len(taken))]:.0f} ms"


async def _live(here: "Installation", incident: str) -> None:
    from desk.access import COOKIE, desk_key
    from desk.server import listen, serve

    listener, started = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(serve(here, listener=listener, started=started))
    await started.wait()
    port = str(listener.getsockname()[1])
    readers = None
    try:
        key = desk_key(here.settings.home)
        cookies = ",".join([f"{COOKIE}={await _session(port, key)}" for _ in range(SESSIONS)])
        readers = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.desk", port, cookies, incident),
            stdout=asyncio.subprocess.PIPE,
        )
        out = readers.stdout
        assert out is not None
        await out.readline()  # every one is connected
        taken, worked = [], []
        for number in range(CHANGES):
            await asyncio.sleep(1.5)
            await change(here, incident, 10_000 + number)
            at, before = time.time(), time.process_time()
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


async def _readers(port: str, cookies: str, incident: str) -> None:
    """Follow an incident on ``READERS`` connections, of some sessions in turn.

    Prints when the last one is live, and when the last has each change.
    """
    seen: dict[int, int] = {}
    live = 0

    async def read(cookie: str) -> None:
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

    known = cookies.split(",")
    await asyncio.gather(*(read(known[number % len(known)]) for number in range(READERS)))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        asyncio.run(_readers(*sys.argv[1:]))
    else:
        main()
