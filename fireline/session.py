"""What every verb that works on an installation needs: the installation, opened the same way, and how answers are shown."""

import json
import logging
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from crisis.visible import visible
from fireline import progress_bar

if TYPE_CHECKING:
    from tasks.installation import Installation

_OBEYED = re.compile("[\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@asynccontextmanager
async def session() -> AsyncIterator["Installation"]:
    """The configured installation; Prefect is reached when it is running, and missed only by what needs it."""
    import config
    from config.runtime import make_home, reach

    settings = config.load()
    make_home(settings.home)
    reach(settings.home, drill=settings.drill is not None)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for draining in ("EventsWorker", "APILogWorker"):  # Prefect's, which say at the end what they still have to send
        logging.getLogger(draining).setLevel(logging.ERROR)
    from tasks.installation import installation
    from tasks.people import save_configuration

    async with installation(settings, via="cli") as here:
        await save_configuration(here)
        with progress_bar.shown():
            yield here


def show(row: dict[str, Any], *, as_json: bool, words: str) -> None:
    """One answer: a JSON object on one line of stdout, or words for people. Neither can move a terminal."""
    print(json_line(row) if as_json else visible(words))
    sys.stdout.flush()


def json_line(row: dict[str, Any]) -> str:
    """The row as JSON on one line; what a terminal would obey or hide is escaped, so a reader gets it unchanged."""
    written = json.dumps(row, ensure_ascii=False, default=str)
    return _OBEYED.sub(lambda found: json.dumps(found.group())[1:-1], written)
