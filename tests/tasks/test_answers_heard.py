"""While a grave incident is watched, answers to our posts are heard in whatever words, and count for nothing else."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from acme import IDA, NOON, acme, incident_in
from test_reliance import approve

from crisis.clock import FixedClock
from crisis.delivery import Purpose
from crisis.incident import IncidentState
from crisis.values import Severity, StatementKind
from tasks.approve import propose
from tasks.detect import listen
from tasks.draft import draft
from tasks.installation import Installation

SOURCE = """
[[sources]]
name = "recording"
kind = "recorded"
watch = ["acme"]
[sources.settings]
path = "posts.jsonl"
network = "sandbox"
"""


async def spoken(here: Installation, severity: Severity) -> str:
    """An incident with a statement out; the id of one of our posts."""
    incident = await incident_in(here, severity=severity)
    text = await draft(here, incident.id, StatementKind.HOLDING, author="template")
    await propose(here, text, by=IDA)
    await approve(here, text)
    async with here.store.reading() as tx:
        assert (await tx.incidents.get(incident.id)).state is IncidentState.MONITORING
        sent = [d for d in await tx.outbox.list(incident=incident.id) if d.purpose is Purpose.STATEMENT and d.receipt]
    assert sent[0].receipt is not None
    return sent[0].receipt.id


@pytest.mark.parametrize(("severity", "heard"), [(Severity.SEV2, ["answer", "quote"]), (Severity.SEV3, [])])
async def test_from_sev2_on_answers_are_kept_with_the_incident_and_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, severity: Severity, heard: list[str]
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, clock=FixedClock(NOON), more=SOURCE) as here:
        ours = await spoken(here, severity)
        rows = [
            {"id": "about", "text": "my acme app fails"},
            {"id": "answer", "text": "Too late, shame on you", "in_reply_to": ours},
            {"id": "quote", "text": "Look at this", "quotes": ours},
            {"id": "other", "text": "Too late, shame on them", "in_reply_to": "somebody-elses-post"},
        ]
        told = [
            row | {"created_at": (NOON - timedelta(minutes=9 - n)).isoformat(), "author": f"a{n}", "language": "en"}
            for n, row in enumerate(rows)
        ]
        (tmp_path / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told), encoding="utf-8")
        says = await listen(here, "acme", "recording")
        async with here.store.reading() as tx:
            kept = {m.id for m in await tx.mentions.list("INC-1")}
    assert "4 posts, 1 matched" in says
    assert sorted(kept - {"about"}) == heard
