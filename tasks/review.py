"""What the review leaves behind: the after-action report and the evidence bundle, in the installation's own folder."""

import hashlib
import os
from pathlib import Path
from typing import Any

from tasks.installation import Installation
from tasks.report import write_report


def report_folder(here: Installation, incident_id: str) -> Path:
    """Where an incident's report and evidence are kept: ``<home>/reports/INC-7``."""
    return here.settings.home / "reports" / incident_id


async def store_report(here: Installation, incident_id: str) -> str:
    """Write ``report.html``; returns its path. Repeats replace it."""
    html = await write_report(here, incident_id)
    folder = report_folder(here, incident_id)
    folder.mkdir(parents=True, exist_ok=True)
    fresh, path = folder / f".report.{os.getpid()}", folder / "report.html"
    fresh.write_text(html, encoding="utf-8")
    fresh.replace(path)
    return str(path)


async def seal_incident(here: Installation, incident_id: str, history: dict[str, Any]) -> str:
    """Seal the evidence bundle beside the report, and put its hash on record; returns its path."""
    from tasks.evidence import seal_evidence

    path = await seal_evidence(here, incident_id, report_folder(here, incident_id), prefect_history=history)
    async with here.store.transaction() as tx:
        await tx.ledger.append(
            "evidence.sealed",
            actor="review",
            incident=incident_id,
            via=here.via,
            flow_run_id=here.flow_run_id,
            data={"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
        )
    return str(path)
