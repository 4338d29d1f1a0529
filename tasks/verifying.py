"""Proving the whole ledger beside other work: in a thread with a store of its own, told as it goes on, and put on record.

The record says who asked and what was found, so that anybody can see when the ledger was last proven, and by whom.
"""

import asyncio
from collections.abc import Callable

from records import Verification, open_store
from tasks.installation import Installation
from tasks.progress import under_way

VERIFIED = "ledger.verified"
"""The kind of its record."""


async def verify_ledger(here: Installation, *, actor: str) -> Verification:
    """Prove the ledger and the tables against it, and put on record what was found.

    Raises:
        Exception: the records cannot be read, or are so broken that nothing can be added to them; the progress says so.
    """
    async with under_way(here, "verify", "Proof of the whole ledger", unit="records", at_once=True) as progress:
        found = await asyncio.to_thread(_proven, here, progress.at)
        if not found.ok:  # told before it is put on record: a broken ledger may take no record any more
            progress.ended("failed", found.fault)
        async with here.store.transaction() as tx:
            await tx.ledger.append(
                VERIFIED,
                actor=actor,
                via=here.via,
                reason=found.fault,
                data=found.model_dump(mode="json"),
                flow_run_id=here.flow_run_id,
            )
        if found.ok:
            progress.at(found.records, says=f"it holds, with {found.checkpoints:,} signed checkpoints")
    return found


def _proven(here: Installation, told: Callable[[int, int], None]) -> Verification:
    return asyncio.run(_prove(here, told))


async def _prove(here: Installation, told: Callable[[int, int], None]) -> Verification:
    store = await open_store(here.settings.database_url, keys=here.keys, clock=here.clock)
    try:
        return await store.verify(told)
    finally:
        await store.close()
