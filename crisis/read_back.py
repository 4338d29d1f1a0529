"""Read-back: does a published text still stand on the platform as it was approved?

Promises: only what platforms do to every text is forgiven (spacing, Unicode form, links that are shortened or wrapped, the
host of a mention, markup that is shown in another way); one changed word is ``edited``. A text is looked at often while
it is new and ever more rarely after. Looking never sends anything.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

from crisis.delivery import Delivery
from crisis.entities import unescaped
from crisis.statement import Statement
from crisis.values import Frozen, UtcDatetime


class Stand(StrEnum):
    """How a text stands where it was published."""

    MATCHED = "matched"
    EDITED = "edited"
    GONE = "gone"


class OnPlatform(Frozen):
    """What a platform shows under a receipt's ids now."""

    parts: tuple[str | None, ...] = Field(min_length=1)
    """The text of each part as the platform shows it, in order; None for one that is not there any more."""
    is_html: bool = False
    """What stands there is the page itself, to be held against the rendering's HTML."""


class ReadBack(Frozen):
    """The last look at one delivery, and when the next one is due."""

    delivery: str
    incident: str
    stand: Stand | None = None
    """None while nobody could look yet."""
    at: UtcDatetime | None = None
    """When the platform last gave a clear answer."""
    since: UtcDatetime | None = None
    """Since when it stands so."""
    seen: tuple[str | None, ...] = ()
    """The parts that stood there, as they were seen; cut where they are very long."""
    says: str = ""
    due_at: UtcDatetime | None = None
    """Real time of the next look; None: it is not looked at any more."""


STEPS: tuple[tuple[timedelta, timedelta], ...] = (
    (timedelta(hours=1), timedelta(minutes=5)),
    (timedelta(hours=6), timedelta(minutes=30)),
    (timedelta(days=1), timedelta(hours=2)),
    (timedelta(days=7), timedelta(hours=12)),
    (timedelta(days=30), timedelta(days=2)),
)
"""Up to which age a text is looked at how often."""
MOST = 200_000
"""Characters of what a platform shows that are looked at."""
LONGEST = 4_000
"""Characters of a part that are kept."""
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'\u3000-\u3002\uff01\uff0c)]+"
    r"|(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63}){0,5}\.[a-z]{2,12}/[^\s<>\"')]*…?"  # as a platform shortens it
)
_SLACK = re.compile(r"<(?:https?://|mailto:)([^|<>]{0,500})(?:\|([^<>]{0,500}))?>")
_MARKDOWN_LINK = re.compile(r"\[([^\[\]\n]{1,300})\]\((?:https?://|mailto:)[^()\[\]\s]{1,500}\)")
_MENTION = re.compile(r"(@[\w-]+)@[\w.-]+")
_BLOCK = re.compile(r"</?(?:br|p|li|ul|ol|div|h\d)\b[^<>]{0,300}>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{1,300}>")
_BULLET = re.compile(r"(?m)^[ \t]{0,20}[-•*][ \t]+")
_MARKS = re.compile(r"[*_`~#>|\\]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufe0e\ufe0f]")


def next_look(published: datetime, now: datetime) -> datetime | None:
    """When a text that went out at ``published`` is looked at next; None once it is old."""
    age = now - published
    return next((now + every for until, every in STEPS if age < until), None)


def to_mend(
    deliveries: Iterable[Delivery],
    seen: Mapping[str, ReadBack],
    taken_back: frozenset[str],
    corrections: Iterable[Statement],
) -> dict[str, list[tuple[Delivery, ReadBack]]]:
    """By statement: what does not stand as it was approved, and nobody has mended.

    Taken back is mended, and so is what a published correction of it answers that was written after the change was seen.
    """
    mended = [(c.corrects, c.created_at) for c in corrections]
    found: dict[str, list[tuple[Delivery, ReadBack]]] = {}
    for delivery in deliveries:
        one = seen.get(delivery.id)
        if one is None or one.stand not in (Stand.EDITED, Stand.GONE) or delivery.id in taken_back:
            continue
        if not any(of == delivery.statement and (one.since is None or at >= one.since) for of, at in mended):
            found.setdefault(delivery.statement, []).append((delivery, one))
    return found


def comparable(text: str) -> str:
    """``text`` without what platforms change in every text."""
    text = _SLACK.sub(lambda found: found[2] or found[1], text)
    text = _MARKDOWN_LINK.sub(r"\1", text)
    text = _BULLET.sub("", unescaped(_TAG.sub(" ", _BLOCK.sub("\n", text))))
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    text = _LINK.sub("", _MENTION.sub(r"\1", text))
    text = text.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2026: "..."})
    return "".join(_MARKS.sub("", text).split())


def stand_of(approved: tuple[str, ...], there: OnPlatform) -> tuple[Stand, str]:
    """How a text stands, and in one sentence why: ``approved`` are its parts as they were published.

    A platform that shows more around a text (a title, a signature of its own) still matches; one that shows less does not.
    """
    missing = [n for n, part in enumerate(there.parts, 1) if part is None]
    if len(missing) == len(there.parts):
        return Stand.GONE, "it is not there any more"
    if missing:
        return Stand.GONE, f"part {missing[0]} of {len(there.parts)} is not there any more"
    if len(there.parts) == 1 and len(approved) > 1:
        approved = ("\n".join(approved),)
    if len(there.parts) != len(approved):
        return Stand.EDITED, f"{len(there.parts)} parts stand there, {len(approved)} were approved"
    for number, (wanted, found) in enumerate(zip(approved, there.parts, strict=True), 1):
        if comparable(wanted) not in comparable((found or "")[:MOST]):
            where = f" in part {number}" if len(approved) > 1 else ""
            return Stand.EDITED, f"the words{where} are not those that were approved"
    return Stand.MATCHED, "it stands there as it was approved"
