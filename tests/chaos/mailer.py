"""A process that sends a mailing on: ``python mailer.py FIRELINE.TOML DELIVERY``. Tests kill it."""

import asyncio
import math
import sys
from pathlib import Path

import config
from tasks import deliver as delivering
from tasks.installation import installation

delivering.LEASE_SECONDS = 3.0


async def send_on(file: Path, delivery: str) -> None:
    async with installation(config.load(file)) as here:
        print("begins", flush=True)
        await delivering.deliver(here, delivery, patience=math.inf)


if __name__ == "__main__":
    asyncio.run(send_on(Path(sys.argv[1]), sys.argv[2]))
