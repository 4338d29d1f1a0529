"""``python -m desk``: the desk as one of the processes that ``fireline up`` keeps alive."""

import asyncio

from desk.server import serve
from tasks.installation import installation


async def _main() -> None:
    async with installation(via="desk") as here:
        warming = asyncio.create_task(here.warm())
        await serve(here, here.settings.desk.host, here.settings.desk.port)
        warming.cancel()


if __name__ == "__main__":
    asyncio.run(_main())
