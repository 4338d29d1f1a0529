"""The documents of an after-action review, written in one go: the report as a page and as a PDF, and the data behind it.

``report.html`` and ``report.pdf`` are for people, ``report.json`` and ``tables/*.csv`` for programs (docs/review.md).
"""

import asyncio
import hashlib

from crisis.report_tables import csv_files
from tasks.installation import Installation
from tasks.material import gather
from tasks.questions import mine
from tasks.report import Told, context, tell
from tasks.typeset import typeset

HTML, PDF, DATA, TABLES = "report.html", "report.pdf", "report.json", "tables/"


async def write_documents(here: Installation, incident_id: str, *, actor: str = "review") -> dict[str, bytes]:
    """Every document of an incident by its path; that they were written, and their hashes, goes on record.

    Raises:
        records.NotFound: there is no such incident.
    """
    await mine(here, incident_id)  # a report that was asked for before the next sweep lacks no question
    told = await told_of(here, incident_id)
    files = await asyncio.to_thread(_files, here, told)
    async with here.store.transaction() as tx:
        await tx.ledger.append(
            "report.written",
            actor=actor,
            incident=incident_id,
            via=here.via,
            flow_run_id=here.flow_run_id,
            data={
                "sha256": hashlib.sha256(files[HTML]).hexdigest(),
                "bytes": len(files[HTML]),
                "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
            },
        )
    return files


async def told_of(here: Installation, incident_id: str) -> Told:
    """What the report of an incident says now.

    Raises:
        records.NotFound: there is no such incident.
    """
    material = await gather(here, incident_id)
    verification = await here.store.verify()
    drill = here.settings.drill.scenario if here.settings.drill else ""
    return tell(material, verification, signers=here.settings.review.signed_by, drill=drill)


def data_files(told: Told) -> dict[str, bytes]:
    """The exports: the JSON document, and a CSV file for each table."""
    document = told.document
    data = document.model_dump_json(indent=1).encode("utf-8", "replace")
    return {DATA: data, **{f"{TABLES}{name}": content for name, content in csv_files(document).items()}}


def _files(here: Installation, told: Told) -> dict[str, bytes]:
    shown = context(told, here.store.public_key_pem)
    return {
        HTML: here.templates.render("report.html.j2", **shown).encode("utf-8", "replace"),
        PDF: typeset(shown, told.material.at),
        **data_files(told),
    }
