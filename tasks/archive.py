"""Storing sealed evidence where nobody can change it: in every configured archive, proven by reading it back.

That it is about to be stored goes on record before, and what was found there, or why it is not there, after. Storing
the same bundle again finds it there, so a step that failed is simply done again. Locks are in real time, never in a
replay's.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import config
import integrations
from integrations import Sealed
from tasks.installation import Installation
from tasks.progress import under_way


async def archive_evidence(
    here: Installation, incident_id: str, bundle: str | Path, *, actor: str = "review"
) -> tuple[Sealed, ...]:
    """Store a bundle of ``seal_evidence`` in each archive; what each then holds. All are tried, whatever one says.

    Raises:
        integrations.IntegrationError: the first that went wrong; the others are stored and on record.
    """
    stored: list[Sealed] = []
    problems: list[integrations.IntegrationError] = []
    title, archives = f"Locking away the evidence of {incident_id}", here.settings.archives
    async with under_way(
        here, f"archive/{incident_id}", title, total=len(archives), unit="archives", incident=incident_id
    ) as progress:
        for chosen in archives:
            progress.at(len(stored) + len(problems), says=chosen.name)
            try:
                stored.append(await _store(here, incident_id, Path(bundle), chosen, actor))
            except integrations.IntegrationError as problem:
                problems.append(problem)
    if problems:
        raise problems[0]
    return tuple(stored)


async def _store(
    here: Installation, incident_id: str, bundle: Path, chosen: config.ArchiveSettings, actor: str
) -> Sealed:
    about = {"archive": chosen.name, "file": bundle.name}
    await _record(here, incident_id, "evidence.archiving", actor, about)
    try:
        archive = await here.archive(chosen.name)
        sealed = await archive.seal(f"{incident_id}/{bundle.name}", bundle, datetime.now(UTC))
    except integrations.IntegrationError as problem:
        await _record(here, incident_id, "evidence.not_archived", actor, {**about, "problem": str(problem)})
        await here.forget(chosen.name)
        raise
    await _record(here, incident_id, "evidence.archived", actor, {**about, **sealed.model_dump(mode="json")})
    return sealed


async def _record(here: Installation, incident_id: str, kind: str, actor: str, data: dict[str, Any]) -> None:
    async with here.store.transaction() as tx:
        await tx.ledger.append(
            kind, actor=actor, incident=incident_id, via=here.via, flow_run_id=here.flow_run_id, data=data
        )
