"""The two moments people wait for, on the running stack (Prefect, flows, desk; SQLite; four sandbox channels).

* incident → holding draft awaiting approval: from the incident's row to the proposal's, with Prefect starting a process
  for the run in between;
* last decision → first and last channel accepted: from the decision's record to the deliveries' records, decided by the
  signed link on the desk.

The times are those of the ledger's own records. Medians over ``ROUNDS`` incidents after one to warm up.
"""

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import say
from crisis.record import Record

ROUNDS = 7


def main() -> None:
    """Start the stack, respond to incidents one after the other, print medians and spreads, stop the stack."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["FIRELINE_HOME"] = home
        asyncio.run(_measure(Path(home)))


async def _measure(home: Path) -> None:
    import config
    from fireline.demo_stage import free_ports
    from fireline.supervisor import Supervisor

    text = (Path(config.__file__).parent / "starter" / "fireline.toml").read_text(encoding="utf-8")
    desk, prefect = free_ports(2)
    file = home / "fireline.toml"
    file.write_text(text.replace("port = 8420", f"port = {desk}").replace("port = 4200", f"port = {prefect}"))
    supervisor = Supervisor(config.load(file), file)
    await supervisor.start(lambda says: None)
    os.environ.update(supervisor.runtime.environment())
    try:
        drafts, firsts, lasts = [], [], []
        for number in range(ROUNDS + 1):
            records = await _one(supervisor.settings)
            if number:
                drafts.append(_between(records, "incident.opened", "statement.proposed"))
                accepted = [_between(records, "decision.made", at=r) for r in _statement_arrivals(records)]
                firsts.append(min(accepted))
                lasts.append(max(accepted))
    finally:
        await supervisor.stop()
    for says, taken in (
        ("incident → holding draft awaiting approval", drafts),
        ("last decision → first channel accepted", firsts),
        ("last decision → last channel accepted", lasts),
    ):
        say(f"{says}: median {statistics.median(taken):.3f} s ({min(taken):.3f}..{max(taken):.3f}, {ROUNDS} incidents)")


async def _one(settings: object) -> list[Record]:
    """Open one incident by hand, approve it by the signed link, and return its records."""
    import httpx

    import config
    from crisis.values import CrisisType, Severity
    from fireline.demo_cast import submit_approval
    from tasks.first_word import alert
    from tasks.installation import installation
    from tasks.links import LinkClaims, approval_link
    from tasks.people import save_configuration
    from tasks.triage import open_by_hand

    assert isinstance(settings, config.Settings)
    async with installation(settings, via="cli") as here:
        await save_configuration(here)
        incident = await open_by_hand(
            here,
            watch="acme",
            title="benchmark",
            crisis_type=CrisisType.SERVICE_FAILURE,
            severity=Severity.SEV2,
            reported_by="ida@example.com",
        )
        await alert(here, incident)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            async with here.store.reading() as tx:
                open_ones = await tx.statements.open_proposals(incident.id)
            if open_ones:
                break
            await asyncio.sleep(0.05)
        proposal = open_ones[0]
        claims = LinkClaims(
            statement=proposal.statement,
            version=proposal.version,
            content_hash=proposal.content_hash,
            approver="ana@example.com",
            role="comms",
        )
        async with httpx.AsyncClient(timeout=60) as browser:
            await submit_approval(browser, approval_link(here, claims))
        await asyncio.sleep(3)  # the woken run ends before the next incident begins
        async with here.store.reading() as tx:
            records = await tx.ledger.list(incident=incident.id)
    return records


def _statement_arrivals(records: list[Record]) -> list[Record]:
    return [r for r in records if r.kind == "delivery.accepted" and r.data.get("purpose") == "statement"]


def _between(records: list[Record], first: str, second: str = "", *, at: Record | None = None) -> float:
    """Seconds from the last record of one kind to the first of another."""
    start = [r.at for r in records if r.kind == first][-1]
    end = at.at if at else next(r.at for r in records if r.kind == second)
    return (end - start).total_seconds()


if __name__ == "__main__":
    main()
