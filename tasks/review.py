"""What the review leaves behind: the after-action report and the evidence bundle, in the installation's own folder."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.documents import DATA, HTML, PDF, TABLES, write_documents
from tasks.evidence import seal_evidence
from tasks.installation import Installation
from tasks.run_history import run_history


def report_folder(here: Installation, incident_id: str) -> Path:
    """Where an incident's report and evidence are kept: ``<home>/reports/INC-7``."""
    return here.settings.home / "reports" / incident_id


async def store_report(here: Installation, incident_id: str) -> str:
    """Write the report, its PDF and its data; returns the path of the page. Repeats replace them."""
    files = await write_documents(here, incident_id)
    folder = report_folder(here, incident_id)
    await asyncio.to_thread(put_files, folder, files)
    return str(folder / HTML)


def has_documents(folder: Path) -> bool:
    """Whether documents of an incident were stored."""
    return bool(_stored_paths(folder))


def put_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put each file in place whole, and which there are last."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_bytes(content)
        fresh.replace(path)


def _stored(folder: Path) -> dict[str, bytes]:
    """The documents as ``store_report`` left them."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in _stored_paths(folder)}


def _stored_paths(folder: Path) -> list[Path]:
    files = [folder / HTML, folder / PDF, folder / DATA, *sorted((folder / TABLES).glob("*.csv"))]
    return [file for file in files if file.is_file()]


async def copy_history(here: Installation, incident_id: str) -> dict[str, Any]:
    """Prefect's own history of an incident, copied while Prefect still has it (DESIGN §9, Retention)."""
    return await run_history(here, incident_id)


async def seal_incident(here: Installation, incident_id: str, history: dict[str, Any]) -> str:
    """Seal the evidence bundle beside the stored documents, with those very documents in it; returns its path."""
    folder = report_folder(here, incident_id)
    documents = await asyncio.to_thread(_stored, folder)
    return str(await seal_evidence(here, incident_id, folder, prefect_history=history, documents=documents))
