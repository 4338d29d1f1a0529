"""Serving the catalogue: registers deployments, Blocks and automations, then runs what the server schedules.

``python -m flows.serve`` is one of the processes that ``fireline up`` keeps alive. Several may run.
"""

import asyncio
import sys
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.runner import Runner

from flows.automations import ensure_examples, ensure_recovery
from flows.catalogue import deployments
from tasks.credentials import register_blocks

CONCURRENT_RUNS = 20
"""Flow runs at the same time; waiting for people takes none."""


async def serve(ready_file: Path | None = None) -> None:
    """Serve until stopped. ``ready_file`` is touched once everything is registered.

    The server may still be starting: it is waited for.
    """
    async with get_client() as client:
        while await client.api_healthcheck() is not None:  # noqa: ASYNC110 - nothing here to be told by
            await asyncio.sleep(0.2)
    runner = Runner(name="fireline", limit=CONCURRENT_RUNS, pause_on_shutdown=False)
    for deployment in await deployments():
        await runner.aadd_deployment(deployment)
    await register_blocks()
    await ensure_recovery()
    await ensure_examples()
    if ready_file is not None:
        ready_file.touch()  # noqa: ASYNC240 - once, at the start
    await runner.start()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
