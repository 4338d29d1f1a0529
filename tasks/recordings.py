"""Recorded posts that an installation has at hand, for seeing what a query would have found: what incidents relied on,
the files that its sources play, and the firestorm that ships with Fireline.

Reading is bounded and is kept for the next question; a file that cannot be read says so.
"""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

import integrations
from config.scenarios import FIRESTORM
from crisis.values import Frozen
from crisis.watch import Mention
from integrations.recorded import RecordedSettings, read_posts
from tasks.installation import Installation

MOST = 30_000
"""Posts that are taken of one recording: the first of a file, the newest of the records."""
KEPT = 2
"""Files that are kept read."""
RECORDS = "records"


class Recording(Frozen):
    """One recording by its name."""

    name: str
    title: str
    """For people."""
    settings: RecordedSettings | None = None
    """The file; None for what is on record."""


class Taken(NamedTuple):
    """The posts of a recording."""

    posts: Sequence[Mention]
    """In order of time."""
    remarks: tuple[str, ...]
    """What was left out, and why."""


def recordings(here: Installation) -> list[Recording]:
    """Every recording there is to ask, the likeliest first."""
    files = []
    for source in here.settings.sources:
        if source.kind == "recorded":
            try:
                settings = RecordedSettings.model_validate(source.settings)
            except ValidationError:  # `fireline check` and the listener say what is wrong with it
                continue
            files.append(Recording(name=f"file-{source.name}", title=f"The file of {source.name}", settings=settings))
    shipped = Recording(
        name="firestorm",
        title="The firestorm of the demo (generated; its brand is Brewline)",
        settings=RecordedSettings(path=FIRESTORM),
    )
    return [*files, Recording(name=RECORDS, title="Posts that incidents here relied on"), shipped]


async def posts_of(here: Installation, recording: Recording) -> Taken:
    """Its posts, at most ``MOST``.

    Raises:
        integrations.Misconfigured: the file cannot be read.
    """
    if recording.settings is not None:
        return await asyncio.to_thread(_read, recording.settings)
    async with here.store.reading() as tx:
        posts = await tx.mentions.newest_of_all(MOST)
    remarks = ["Only posts that a watch matched are kept, and only those an incident relied on."]
    if len(posts) == MOST:
        remarks.append(f"The newest {MOST:,} are looked at.")
    return Taken(posts, tuple(remarks))


_files: dict[tuple[str, int, int], Taken] = {}
_reading = threading.Lock()


def _read(settings: RecordedSettings) -> Taken:
    with _reading:
        key = _state_of(settings.path)
        if key in _files:
            _files[key] = _files.pop(key)  # the last one used goes last
            return _files[key]
        found = read_posts(settings.path, settings.columns, settings.network, most=MOST)
        remarks = []
        if found.bad_rows:
            remarks.append(f"Rows that could not be read: {found.bad_rows:,}; the first: {found.bad[0]}")
        if len(found.posts) == MOST:
            remarks.append(f"The first {MOST:,} posts of the file are looked at.")
        _files[key] = Taken(found.posts, tuple(remarks))
        while len(_files) > KEPT:
            del _files[next(iter(_files))]
        return _files[key]


def _state_of(path: Path) -> tuple[str, int, int]:
    try:
        state = path.stat()
    except OSError as error:
        raise integrations.Misconfigured(
            f"{path}: cannot be read ({error.strerror}): mend path in fireline.toml"
        ) from None
    return str(path), state.st_mtime_ns, state.st_size
