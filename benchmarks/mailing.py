"""How fast a mailing goes out with a state for every recipient, against the bare SMTP client on the same server.

``fireline bench mailing [RECIPIENTS [RUNS]]``: 10,000 recipients and 5 runs unless said otherwise. Both send one
mail to each recipient on four connections to a loopback server in a process of its own that takes everything. The bare
client is aiosmtplib's ``sendmail`` with one ready-made message and keeps no record of anything. Fireline plans the list,
writes each recipient's own headers, keeps its journal and stores every state in SQLite; all of that is in its time.
The ratio is of the two in the same run; the order changes from run to run. Beside it stands the processor time that
each takes per mail, which a busy machine disturbs less.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import aiosmtplib

import config
from crisis.clock import SystemClock
from crisis.rendering import mail_html
from crisis.stakeholder import Stakeholder
from crisis.statement import Part, Rendering, Target
from crisis.values import CrisisType, Severity, StatementKind
from crisis.watch import Watch
from integrations import mail
from records import StatementStatus, open_store
from tasks.deliver import deliver
from tasks.draft import draft
from tasks.installation import Installation
from tasks.people import save_configuration
from tasks.publish import delivery_of
from tasks.triage import open_by_hand

CONNECTIONS = 4
SENDER = "news@acme.example"
TEXT = "\n\n".join(f"Paragraph {n}. " + "We know what happened and what we do about it. " * 6 for n in range(6))
Way = Callable[[int, list[str]], Awaitable[tuple[float, float]]]


def main(words: Sequence[str] = ()) -> None:
    """Print each run, and the medians."""
    recipients = int(words[0]) if words else 10_000
    runs = int(words[1]) if len(words) > 1 else 5
    seen: dict[Way, list[Rate]] = {_bare: [], _fireline: []}
    for run in range(runs):
        for way in (_bare, _fireline)[:: -1 if run % 2 else 1]:
            seen[way].append(asyncio.run(_rate(way, recipients)))
        bare, own = seen[_bare][-1], seen[_fireline][-1]
        print(f"run {run + 1}: bare {bare}, Fireline {own}, ratio {own.mails / bare.mails:.2f}", flush=True)
    pairs = list(zip(seen[_bare], seen[_fireline], strict=True))
    ratios = [own.mails / bare.mails for bare, own in pairs]
    of_processor = statistics.median(bare.processor / own.processor for bare, own in pairs)
    print(
        f"{recipients:,} recipients, medians of {runs}: bare {_median(seen[_bare])}, Fireline {_median(seen[_fireline])}, "
        f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), by processor time {of_processor:.2f}"
    )


class Rate(NamedTuple):
    """How fast mails went out."""

    mails: float
    """A second."""
    processor: float
    """Seconds of processor time per mail, all threads of the sender together."""

    def __str__(self) -> str:
        return f"{self.mails:,.0f}/s ({self.processor * 1e6:,.0f} µs of processor each)"


def _median(rates: list[Rate]) -> Rate:
    return Rate(statistics.median(r.mails for r in rates), statistics.median(r.processor for r in rates))


async def _rate(way: Way, recipients: int) -> Rate:
    """Of one way; every recipient must have got exactly one mail."""
    sink = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.smtp_sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert sink.stdin is not None
    assert sink.stdout is not None
    try:
        port = int(sink.stdout.readline())
        addresses = [f"reader{n}@d{n % 50}.example" for n in range(recipients)]
        seconds, processor = await way(port, addresses)
        sink.stdin.close()
        taken, different = map(int, sink.stdout.readline().split())
        if (taken, different) != (recipients, recipients):
            raise SystemExit(f"{taken} mails to {different} recipients, not one to each of {recipients}")
    finally:
        sink.kill()
        sink.wait()
    return Rate(recipients / seconds, processor / recipients)


async def _bare(port: int, addresses: list[str]) -> tuple[float, float]:
    """The bare client: seconds for all of them, and seconds of processor time."""
    letter = await _ready_made()
    waiting = iter(addresses)

    async def one() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, timeout=30) as client:
            for address in waiting:
                await client.sendmail(SENDER, [address], letter)

    began, worked = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return time.perf_counter() - began, time.process_time() - worked


async def _ready_made() -> bytes:
    """A mail of the same size and shape as Fireline's, made once."""
    part = Part(text=TEXT, length=len(TEXT), limit=48_000)
    rendering = Rendering(
        target=Target(channel="readers", kind="smtp", address="reader@d.example"),
        parts=(part,),
        subject="Outage",
        html=mail_html("Outage", TEXT, "en"),
    )
    return mail.statement(rendering, "k", mail.Letterhead(sender=SENDER)).as_bytes()


async def _fireline(port: int, addresses: list[str]) -> tuple[float, float]:
    """A mailing, from the approved list to the receipt: seconds, and seconds of processor time."""
    with tempfile.TemporaryDirectory(prefix="fireline-mailing-") as folder:
        home = Path(folder)
        file = home / "readers.txt"
        file.write_text("\n".join(addresses))
        channel = config.ChannelSettings(
            name="readers",
            kind="smtp",
            settings={
                "base_url": f"smtp://127.0.0.1:{port}",
                "sender": SENDER,
                "recipients_file": str(file),
                "connections": CONNECTIONS,
                "list_id": "readers.acme.example",
            },
        )
        settings = config.Settings(
            organisation="Acme",
            home=home,
            channels=(channel,),
            desk=config.DeskSettings(public_url="https://desk.acme.example"),
            watches=(Watch(name="acme", brand="Acme", query="acme", owner="ida@acme.example"),),
            stakeholders=(Stakeholder(name="Ida", email="ida@acme.example", roles=("incident_lead",)),),
        )
        store = await open_store(settings.database_url, keys=home / "keys", clock=SystemClock())
        here = Installation(settings, store)
        try:
            delivery = await _planned(here)
            began, worked = time.perf_counter(), time.process_time()
            done = await deliver(here, delivery, patience=float("inf"))
            taken = time.perf_counter() - began, time.process_time() - worked
        finally:
            await here.close()
    if done.state != "accepted":
        raise SystemExit(f"the mailing is {done.state}: {done.problem}")
    return taken


async def _planned(here: Installation) -> str:
    """A drafted statement with one delivery, the mailing; its approval is not measured here."""
    await save_configuration(here)
    incident = await open_by_hand(
        here,
        watch="acme",
        title="Outage",
        crisis_type=CrisisType.SERVICE_FAILURE,
        severity=Severity.SEV2,
        reported_by="ida@acme.example",
    )
    text = await draft(here, incident.id, StatementKind.HOLDING, text=f"Outage\n\n{TEXT}", author="ida@acme.example")
    delivery = delivery_of(here, text, text.renderings[0])
    async with here.store.transaction() as tx:
        await tx.statements.set_status(text.id, 1, StatementStatus.PUBLISHED, actor="bench")
        await tx.outbox.enqueue(delivery, actor="bench")
    return delivery.id


if __name__ == "__main__":
    main(sys.argv[1:])
