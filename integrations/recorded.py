"""Recorded posts as a source: CSV, JSON lines or Parquet, plain or gzipped, given out in event time.

Promises: posts come in the order in which they were written, whatever the order of the file (the file is read into
memory once for that); every row that can be read is given out exactly once, and the cursor resumes behind any of
them; a row that cannot be read is named with file, line and reason, counted and skipped, and stops nothing. Bytes
that are not UTF-8 and control characters are replaced, not dropped with their row. Times without an offset are read
as UTC.
"""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crisis.coverage import SourceHealth, SourceState
from crisis.watch import Mention
from integrations.outcomes import Misconfigured
from integrations.protocols import Health
from integrations.rows import Rows
from integrations.times import parse_time

log = logging.getLogger(__name__)

ALIASES: dict[str, tuple[str, ...]] = {
    "text": ("text", "content", "full_text", "body", "message", "tweet"),
    "created_at": (
        "created_at",
        "createdat",
        "timestamp",
        "time",
        "date",
        "datetime",
        "published_at",
        "posted_at",
        "tweet_created",
        "created",
    ),
    "id": ("id", "id_str", "tweet_id", "post_id", "uri"),
    "author": ("author", "username", "screen_name", "user", "handle", "account", "name"),
    "source": ("source", "network", "platform"),
    "url": ("url", "link", "permalink"),
    "language": ("language", "lang"),
    "reposts": ("reposts", "retweet_count", "retweets", "repost_count", "shares"),
    "replies": ("replies", "reply_count", "replies_count"),
    "followers": ("followers", "followers_count", "author_followers"),
    "in_reply_to": ("in_reply_to", "in_reply_to_id", "in_reply_to_status_id", "in_reply_to_tweet_id"),
    "quotes": ("quotes", "quoted_status_id", "quoted_id"),
}
"""Columns that are taken for a field when no map names one, first match first, case ignored."""

WARNINGS = 5
"""Bad rows named one by one; the rest are counted."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class RecordedSettings(BaseModel):
    """Settings of a recording."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(
        examples=["posts.csv"],
        description="A .csv, .tsv, .jsonl, .ndjson or .parquet file; the first four also with .gz",
    )
    columns: dict[str, str] = Field(default_factory=dict, description="Field = column, where the names differ")
    network: str = Field(default="recorded", description="The network of posts that name none")
    speed: float = Field(default=0.0, ge=0, description="Event seconds per second; 0 gives out as fast as it is taken")
    base_url: str = Field(default="", description="Not used: a recording is a file")
    timeout: float = Field(default=10.0, gt=0, description="Not used: a recording is a file")


class Recording(BaseModel):
    """A file, read."""

    posts: list[Mention]
    """In event time."""
    bad: list[str]
    """The first rows that could not be read, as ``file:line: reason``."""
    bad_rows: int = 0
    repeated: int = 0
    """Rows whose id came before; given out once."""
    mended: int = 0
    """Rows with bytes, characters or numbers that had to be replaced."""
    without_offset: int = 0
    """Times read as UTC for want of an offset."""

    def remarks(self, path: Path) -> Iterator[str]:
        """What to say about the file, a line each."""
        yield from self.bad
        if self.bad_rows > len(self.bad):
            yield f"{path.name}: {self.bad_rows - len(self.bad)} further rows could not be read"
        if self.bad_rows:
            yield f"{path.name}: {self.bad_rows} rows skipped, {len(self.posts)} posts read"
        if self.repeated:
            yield f"{path.name}: {self.repeated} rows repeat the id of another and count once"
        if self.mended:
            yield f"{path.name}: {self.mended} rows held bytes or values that had to be replaced"
        if self.without_offset:
            yield f"{path.name}: {self.without_offset} times have no offset and are read as UTC"


def _at(row: dict[str, Any], column: str) -> Any:
    """A column's value; ``user.name`` also reaches into an object."""
    if column in row or "." not in column:
        return row.get(column)
    value: Any = row
    for name in column.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _name_it(field: str) -> str:
    return f'name it: `--map {field}=COLUMN`, or in fireline.toml columns = {{ {field} = "COLUMN" }}'


class _Reader:
    def __init__(self, path: Path, columns: dict[str, str], network: str, most: int | None) -> None:
        self.most = most
        unknown = sorted(set(columns) - set(ALIASES))
        if unknown:
            raise Misconfigured(f"there is no field {unknown[0]!r} to map; there are: {', '.join(ALIASES)}")
        self.path, self.columns, self.network = path, columns, network
        self.found = Recording(posts=[], bad=[])
        self.rows = Rows(path, self.report)
        self._by_keys: dict[tuple[str, ...], dict[str, str]] = {}

    def report(self, line: int, says: str) -> None:
        self.found.bad_rows += 1
        if len(self.found.bad) < WARNINGS:
            self.found.bad.append(f"{self.path.name}:{line}: {says}")

    def read(self) -> Recording:
        known: set[tuple[str, str]] = set()
        for line, row in self.rows:
            if not self._by_keys:
                self._check(list(row))
            try:
                mention = self._mention(line, row)
            except ValidationError as error:
                first = error.errors()[0]
                self.report(line, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
            except (ValueError, OverflowError) as error:
                self.report(line, str(error))
            else:
                if (mention.source, mention.id) in known:
                    self.found.repeated += 1
                    continue
                known.add((mention.source, mention.id))
                self.found.posts.append(mention)
                if len(self.found.posts) == self.most:
                    break
        if not self._by_keys and self.rows.names:
            self._check(self.rows.names)
        self.found.posts.sort(key=lambda mention: mention.created_at)
        return self.found

    def _check(self, names: list[str]) -> None:
        """Once, on the first row: a column that was named but is not there, or is needed, is a mistake to tell."""
        tabular = self.rows.kind in (".csv", ".tsv", ".parquet")
        fields = self._fields(names)
        has = f"it has: {', '.join(names)}"
        for field, column in self.columns.items():
            if tabular and column not in names:
                raise Misconfigured(f"{self.path}: there is no column {column!r} for {field}; {has}")
        for field in ("text", "created_at"):
            if tabular and field not in fields:
                raise Misconfigured(f"{self.path}: no column is known to hold {field}; {_name_it(field)}; {has}")

    def _fields(self, names: list[str]) -> dict[str, str]:
        """Column by field, for rows with these columns."""
        keys = tuple(names)
        if keys not in self._by_keys:
            lower = {name.lower(): name for name in reversed(names)}
            taken = set(self.columns.values())
            fields = dict(self.columns)
            for field, aliases in ALIASES.items():
                column = next((lower[a] for a in aliases if a in lower and lower[a] not in taken), None)
                if field not in fields and column is not None:
                    fields[field] = column
                    taken.add(column)
            if len(self._by_keys) > 1000:
                self._by_keys.clear()
            self._by_keys[keys] = fields
        return self._by_keys[keys]

    def _mention(self, line: int, row: dict[str, Any]) -> Mention:
        values = {field: _at(row, column) for field, column in self._fields(list(row)).items()}
        text = values.get("text")
        if not isinstance(text, str) or not text.strip():
            raise ValueError("there is no text")
        moment, zoned = parse_time(values.get("created_at"))
        mended = False

        def words(field: str, otherwise: str) -> str:
            value = values.get(field)
            return otherwise if value is None or value == "" or isinstance(value, dict | list) else str(value)

        def number(field: str) -> int:
            nonlocal mended
            value = values.get(field)
            if value is None or value == "":
                return 0
            try:
                return max(0, min(int(float(value)), 2**53))
            except (ValueError, TypeError, OverflowError):
                mended = True
                return 0

        clean = text if text.isprintable() else _CONTROL.sub("\ufffd", text)
        mention = Mention(
            id=_CONTROL.sub("", words("id", f"row-{line}"))[:500],
            text=clean,
            created_at=moment,
            author=_CONTROL.sub("", words("author", ""))[:500],
            source=_CONTROL.sub("", words("source", self.network))[:100] or self.network,
            url=_CONTROL.sub("", words("url", ""))[:2000],
            language=words("language", "")[:3].strip("-_").lower(),
            reposts=number("reposts"),
            replies=number("replies"),
            followers=number("followers"),
            in_reply_to=_CONTROL.sub("", words("in_reply_to", ""))[:2000],
            quotes=_CONTROL.sub("", words("quotes", ""))[:2000],
        )
        self.found.mended += mended or "\ufffd" in clean
        self.found.without_offset += not zoned
        return mention


def read_posts(
    path: Path, columns: dict[str, str] | None = None, network: str = "recorded", *, most: int | None = None
) -> Recording:
    """All posts of a file (the first ``most`` in the order of the file) in event time, and what was wrong with the rest.

    Raises:
        Misconfigured: no such file, a kind that cannot be read, or a column that is not there.
    """
    return _Reader(path, columns or {}, network, most).read()


class Recorded:
    """A ``Source`` over one file. The cursor is the number of posts given out, in event time."""

    kind: ClassVar[str] = "recorded"
    live: ClassVar[bool] = False
    settings_model: ClassVar[type[RecordedSettings]] = RecordedSettings

    def __init__(self, settings: RecordedSettings) -> None:
        self.settings = settings
        self._since = datetime.now(UTC)

    @property
    def health(self) -> SourceHealth:
        """A file that could be opened is there."""
        return SourceHealth(state=SourceState.OK, since=self._since)

    async def listen(self, cursor: str | None = None) -> AsyncIterator[tuple[str, Mention]]:
        """Posts behind ``cursor``, in event time; ends with the file.

        Raises:
            Misconfigured: the file or the cursor cannot be read.
        """
        done = self._behind(cursor)
        settings = self.settings
        recording = await asyncio.to_thread(read_posts, settings.path, settings.columns, settings.network)
        for remark in recording.remarks(settings.path):
            log.warning("%s", remark)
        posts = recording.posts
        started = time.monotonic()
        for index in range(done, len(posts)):
            post = posts[index]
            if settings.speed:
                due = (post.created_at - posts[done].created_at).total_seconds() / settings.speed
                await asyncio.sleep(max(0.0, started + due - time.monotonic()))
            elif index % 500 == 0:
                await asyncio.sleep(0)
            yield str(index + 1), post

    def _behind(self, cursor: str | None) -> int:
        if not cursor:
            return 0
        if not (cursor.isascii() and cursor.isdigit()):
            raise Misconfigured(f"{cursor[:40]!r} is no cursor of a recording; start it without one")
        return int(cursor)

    async def check(self) -> Health:
        """Read the whole file once."""
        try:
            recording = await asyncio.to_thread(
                read_posts, self.settings.path, self.settings.columns, self.settings.network
            )
        except Misconfigured as error:
            return Health(ok=False, says=str(error))
        posts = recording.posts
        if not posts:
            return Health(ok=False, says=f"{self.settings.path}: not one post could be read")
        span = f"{posts[0].created_at:%Y-%m-%d %H:%M} to {posts[-1].created_at:%Y-%m-%d %H:%M} UTC"
        says = f"{len(posts)} posts, {span}" + (f"; {recording.bad_rows} bad rows" if recording.bad_rows else "")
        return Health(ok=True, says=says)

    async def close(self) -> None:
        """Nothing is held open."""
