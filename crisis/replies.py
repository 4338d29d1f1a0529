"""Replies: which posts may be answered one by one, how many, how fast, and whom nobody writes to.

A reply answers ONE post, as one rendering of a statement of the kind ``reply``; what may be said and to whom is decided
here, when it is drafted, when it is approved and once more when it is sent. Promises: nobody gets two replies in one
incident, which incidents that were merged or split are for this, and no post gets two at all; nobody on the do-not-engage
list gets any; no two replies say the same; a narrative's claim is corrected under at most ``PER_NARRATIVE`` posts, ever; an
incident replies to at most ``PER_DAY`` people in any 24 hours, so that what is meant for a person never becomes a pile-on.
Pure: what was sent before and who is barred comes in.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from crisis.statement import Answered, Rendering
from crisis.values import Frozen, UtcDatetime
from crisis.watch import Mention

PER_NARRATIVE = 5
"""Posts of one narrative that are ever answered with a correction: more is a mass reply, which spreads the claim."""
PER_DAY = 12
"""People whom one incident replies to in any 24 hours, corrections included."""
DAY = timedelta(hours=24)
PER_BATCH = 10
"""Replies that one approval may cover: what a person can read with care in one go."""
PER_HOUR = 6
"""Replies of one channel in an hour, over all incidents: ten minutes between two."""
GAP = timedelta(hours=1) / PER_HOUR
MOST_PARTS = 2
"""Posts that one reply may take: longer answers belong on a page that it links to."""
EVERYWHERE = "*"
"""In place of a network: on all of them."""
MARKS = ("asked", "minor", "vulnerable", "hostile", "legal", "other")
"""Why somebody is on the do-not-engage list: they asked for it, are (or may be) under age, are in distress, argue in bad
faith, are in a dispute that lawyers handle, or something else that the reason says."""

_HANDLE = re.compile(r"@[\w.-]+(?:@[\w.-]+)?")
_NAMED = re.compile(r"(?<![\w@/.])@[\w-]+(?:\.[\w-]+)*(?:@[\w-]+(?:\.[\w-]+)*)?")
_WORD = re.compile(r"\w+")


class NotToEngage(Frozen):
    """Somebody whom nobody replies to."""

    network: str
    """As ``Mention.source``, or ``EVERYWHERE``."""
    author: str
    """As ``name_of`` writes it; empty once it was erased."""
    fingerprint: str
    mark: str = "other"
    """One of ``MARKS``."""
    reason: str
    by: str
    at: UtcDatetime


class Sent(Frozen):
    """A reply that is out, on its way, or may have got there."""

    answered: Answered
    text: str
    at: UtcDatetime
    """When it arrived, by the installation's clock; of what has not yet, now: it goes out now at the earliest."""
    channel: str = ""
    elsewhere: bool = False
    """In another incident of the watch that is no part of this one: it counts just against a second reply to the post."""


def name_of(author: str) -> str:
    """An author's name as it is compared: without the sign before it, and in small letters."""
    name = unicodedata.normalize("NFKC", author).strip().casefold()
    return name.removeprefix("/").removeprefix("u/").removeprefix("@").strip()


def person_of(answered: Answered | Mention) -> str:
    """What makes an author one: the network and the name there; the post itself where nobody is named."""
    return f"{answered.source}/{name_of(answered.author) or answered.id}"


def own_words(text: str) -> str:
    """``text`` as it is compared with another reply: without the handles it begins with, case, marks and spaces."""
    return " ".join(_WORD.findall(_HANDLE.sub(" ", text).casefold()))


def named_in(text: str) -> tuple[str, ...]:
    """The handles in a text: on most networks whoever is named so is told of it."""
    return tuple(dict.fromkeys(found.group() for found in _NAMED.finditer(text)))


def sending_problem(
    rendering: Rendering, *, sent: Iterable[Sent], barred: Callable[[str, str], str], now: datetime
) -> str:
    """Why a reply must not go out, in words; empty when it may.

    Args:
        sent: the incident's other replies that are out, on their way, or may have got there, with those of the incidents that
            were merged with it or split from it; and those of the watch's other incidents, marked as ``elsewhere``.
        barred: the reason why an author of a network is on the do-not-engage list; empty when they are not.
    """
    answered = rendering.answers
    if answered is None:
        return "a reply must name the post that it answers"
    if len(rendering.parts) > MOST_PARTS:
        return f"a reply of {len(rendering.parts)} posts is a statement: {MOST_PARTS} at most, and a link to the rest"
    sent = tuple(sent)
    who = answered.author or "its author"
    if problem := _barred(answered, rendering.text, barred):
        return problem
    if any((one.answered.source, one.answered.id) == (answered.source, answered.id) for one in sent if one.elsewhere):
        return f"this post of {who} has been answered already, in another incident: nobody gets two replies"
    sent = tuple(one for one in sent if not one.elsewhere)
    if any(person_of(one.answered) == person_of(answered) for one in sent):
        return f"{who} has been answered in this incident already: nobody gets two replies"
    if any(own_words(one.text) == own_words(rendering.text) for one in sent):
        return "another reply of this incident says the very same: write to the person, not to all"
    told = [one for one in sent if answered.narrative and one.answered.narrative == answered.narrative]
    if len(told) >= PER_NARRATIVE:
        return f"{len(told)} posts of this narrative are answered already, and {PER_NARRATIVE} is the most: never a mass reply"
    today = [one for one in sent if now - one.at < DAY]
    if len(today) >= PER_DAY:
        return f"this incident has replied to {len(today)} people in 24 hours, and {PER_DAY} is the most"
    return ""


def _barred(answered: Answered, text: str, barred: Callable[[str, str], str]) -> str:
    """That its author, or somebody whom the text names beside them, is on the do-not-engage list; empty when nobody is."""
    if why := barred(answered.source, answered.author):
        return f"{answered.author or 'its author'} is on the do-not-engage list: {why}"
    named = ((handle, barred(answered.source, handle)) for handle in named_in(text))
    return next((f"it names {who}, who is on the do-not-engage list: {why}" for who, why in named if why), "")


def batch_problem(
    renderings: Sequence[Rendering], *, sent: Iterable[Sent], barred: Callable[[str, str], str], now: datetime
) -> str:
    """Why these replies cannot be approved or sent together; empty when they can. Each is held against all before it."""
    if not renderings:
        return "there is nobody to reply to"
    if len(renderings) > PER_BATCH:
        return f"{len(renderings)} replies are more than one approval covers: {PER_BATCH} at most"
    before = list(sent)
    for rendering in renderings:
        if problem := sending_problem(rendering, sent=before, barred=barred, now=now):
            return problem
        if rendering.answers is not None:
            before.append(Sent(answered=rendering.answers, text=rendering.text, at=now))
    return ""


def paced(channels: Sequence[str], *, last: dict[str, datetime], now: datetime) -> list[datetime]:
    """When each of several replies may go out, by the channel of each: at once, then one every ``GAP``.

    ``last`` is when the latest reply of a channel goes or went out.
    """
    free = {channel: at + GAP for channel, at in last.items()}
    times = []
    for channel in channels:
        at = max(now, free.get(channel, now))
        free[channel] = at + GAP
        times.append(at)
    return times


def without(renderings: Sequence[Rendering], struck: Collection[int]) -> tuple[Rendering, ...]:
    """The replies that are left when those of the given numbers (from 1) are struck.

    Raises:
        ValueError: there is no such number, or nothing is left.
    """
    unknown = sorted(set(struck) - set(range(1, len(renderings) + 1)))
    if unknown:
        raise ValueError(f"there is no reply {unknown[0]}: they are numbered 1 to {len(renderings)}")
    left = tuple(r for n, r in enumerate(renderings, start=1) if n not in struck)
    if not left:
        raise ValueError("nothing would be left: return the whole proposal instead")
    return left
