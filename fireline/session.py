"""What every verb that works on an installation needs: the installation, opened the same way, and how answers are shown."""

import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.installation import Installation


@asynccontextmanager
async def session() -> AsyncIterator["Installation"]:
    """The configured installation; Prefect is reached when it is running, and missed only by what needs it."""
    import config
    from config.runtime import reach

    settings = config.load()
    reach(settings.home)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from tasks.installation import installation
    from tasks.people import save_configuration

    async with installation(settings, via="cli") as here:
        await save_configuration(here)
        yield here


def show(row: dict[str, Any], *, as_json: bool, words: str) -> None:
    """One answer: a JSON object on one line of stdout, or words for people."""
    print(json.dumps(row, ensure_ascii=False, default=str) if as_json else words)
    sys.stdout.flush()
