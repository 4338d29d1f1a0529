"""How long the desk takes for a page of the ledger, by filter, however long the ledger is.

    python benchmarks/record.py [--records 1000000] [--times 7]

A ledger of so many chained records is made in a folder of its own (SQLite) and thrown away after. Each page is asked of the
app itself, without a network. Medians of ``--times`` in ms: by the clock, with the slowest, and of processor time, which
other work on the machine does not change.
"""

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
import rfc8785

from benchmarks import say
from config import Settings
from crisis.clock import FixedClock
from crisis.record import GENESIS, record_hash
from desk.access import desk_key
from desk.app import create_app
from records import open_store
from tasks.installation import Installation

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("delivery.armed", "delivery.accepted", "fact.saved", "mailing.settled", "stakeholder.told", "decision.made")
PAGES = {
    "all, the newest": "",
    "all, in the middle": "before={middle}",
    "one incident": "incident=INC-500",
    "a noun (delivery)": "kind=delivery",
    "a kind there is once": "kind=code.enrolled",
    "a person": "actor=ana@example.com",
    "a route": "via=desk",
    "a Prefect run": "run=run-700",
    "a day": "since=2026-01-03T00:00&until=2026-01-04T00:00",
    "a person and a kind": "actor=ana@example.com&kind=fact",
    "words that are rare": "text=nothing-like-it",
}


def rows(count: int) -> Iterator[tuple[Any, ...]]:
    """Chained records as the table has them."""
    previous = GENESIS
    for seq in range(1, count + 1):
        data = {"channel": "status-page", "text": f"We know of it. {seq} " + "x" * 200}
        record = {
            "seq": seq,
            "at": (BEGIN + timedelta(seconds=seq)).isoformat().replace("+00:00", "Z"),
            "kind": "code.enrolled" if seq == 77 else KINDS[seq % len(KINDS)],
            "incident": f"INC-{seq // 1000}",
            "actor": "outbox" if seq % 10 else "ana@example.com",
            "via": "flow" if seq % 3 else "desk",
            "reason": "",
            "flow_run_id": f"run-{seq // 500}",
            "data": data,
            "previous": previous,
        }
        previous = record_hash(record)
        at = f"{BEGIN + timedelta(seconds=seq):%Y-%m-%d %H:%M:%S}.000000"
        yield (*{**record, "at": at, "data": rfc8785.dumps(data).decode()}.values(), previous)


async def measure(folder: Path, count: int, times: int) -> None:
    """Make the ledger, and ask for every page."""
    settings = Settings(organisation="Acme", home=folder)
    store = await open_store(settings.database_url, keys=folder / "keys", clock=FixedClock(BEGIN))
    here = Installation(settings, store, via="desk")
    with sqlite3.connect(folder / "fireline.db") as database:
        marks = ",".join("?" * 11)
        names = "seq, at, kind, incident, actor, via, reason, flow_run_id, data, previous, hash"
        database.executemany(f"INSERT INTO ledger ({names}) VALUES ({marks})", rows(count))
    transport = httpx.ASGITransport(app=create_app(here))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test", timeout=60) as browser:
        await browser.get("/", params={"key": desk_key(folder)})
        for name, query in PAGES.items():
            took, worked = [], []
            for _ in range(times):
                began, worked_before = time.perf_counter(), time.process_time()
                answer = await browser.get(f"/record?{query.format(middle=count // 2)}")
                took.append((time.perf_counter() - began) * 1000)
                worked.append((time.process_time() - worked_before) * 1000)
                assert answer.status_code == 200
            shown = answer.text.count('<li id="r')
            cpu = statistics.median(worked)
            say(
                f"{name:<22}{statistics.median(took):6.1f} ms (slowest {max(took):6.1f}), cpu {cpu:6.1f} ms; {shown} shown"
            )
    await here.close()


def main(words: Sequence[str] = ()) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=7)
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        say(f"{asked.records:,} records")
        asyncio.run(measure(Path(folder), asked.records, asked.times))


if __name__ == "__main__":
    main(sys.argv[1:])
