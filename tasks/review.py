"""What the review leaves behind: the after-action report and the evidence bundle, in the installation's own folder."""

import asyncio
import os
from pathlib import Path
from typing import Any

from tasks.evidence import seal_evidence
from tasks.installation import Installation
from tasks.report import write_report
from tasks.run_history import run_history


def report_folder(here: Installation, incident_id: str) -> Path:
    """Where an incident's report and evidence are kept: ``<home>/reports/INC-7``."""
    return here.settings.home / "reports" / incident_id


async def store_report(here: Installation, incident_id: str) -> str:
    """Write ``report.html``; returns its path. Repeats replace it."""
    html = await write_report(here, incident_id)
    return str(await asyncio.to_thread(_replace, report_folder(here, incident_id), html))


def _replace(folder: Path, html: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    fresh, path = folder / f".report.{os.getpid()}", folder / "report.html"
    fresh.write_text(html, encoding="utf-8")
    return fresh.replace(path)


async def copy_history(here: Installation, incident_id: str) -> dict[str, Any]:
    """Prefect's own history of an incident, copied while Prefect still has it (DESIGN §9, Retention)."""
    return await run_history(here, incident_id)


async def seal_incident(here: Installation, incident_id: str, history: dict[str, Any]) -> str:
    """Seal the evidence bundle beside the stored report, with that very report in it; returns its path."""
    folder = report_folder(here, incident_id)
    report = await asyncio.to_thread((folder / "report.html").read_text, "utf-8")
    return str(await seal_evidence(here, incident_id, folder, prefect_history=history, report=report))
