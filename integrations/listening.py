"""What every live source shares: connecting again, resuming, honouring rate limits, and telling how it is.

A source writes one ``session``: a connection, or one round of polling, that gives out posts from a cursor on. Here it
is begun again whenever it ends or breaks, from the cursor of the last post that was given out, after a wait that
doubles from failure to failure and is jittered; a rate limit is waited out as long as the platform says. Posts come at
least once. Only settings and credentials that are wrong end ``listen`` (``Misconfigured``): whoever opened the source
mends them and opens it again. ``health`` can be asked at any time.
"""

import asyncio
import json
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from crisis.coverage import SourceHealth, SourceState
from crisis.seen import Seen
from crisis.watch import Mention
from integrations.http import Answer, Http, redact
from integrations.outcomes import IntegrationError, Misconfigured, RateLimited, Unknown, Unreachable
from integrations.protocols import Health
from integrations.rate_limits import come_back_at

Posts = AsyncGenerator[tuple[str, Mention], None]
"""What a session gives out: each post with the cursor behind it."""

DOWN_AFTER = timedelta(seconds=60)
"""Without contact for so long, a source is down."""
LATE = timedelta(minutes=10)
"""A stream whose posts arrive later than this is degraded."""
GAP_SHOWN = timedelta(minutes=15)
"""How long lost posts are told of."""
MOST_BACKLOG = 10_000
"""Posts taken in one round of polling; older ones beyond that are lost, and it is said."""
MOST_GIVEN = 5_000
"""Ids that are remembered while listening: a session that begins a little earlier on purpose repeats nothing."""
MOST_KNOWN = 500
"""Ids that a polled source without ordered ids keeps in its cursor."""
_REMAINING = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")


def _now() -> datetime:
    return datetime.now(UTC)


class Pulse:
    """What a source knows of its own health."""

    def __init__(self, *, stream: bool, now: Callable[[], datetime] = _now) -> None:
        self._stream, self._now = stream, now
        self._since = self._lost_at = now()
        self._contact = self._hopeless = False
        self._why = "not connected yet"
        self._gap, self._gap_until = "", self._since
        self._late_since: datetime | None = None
        self._last_post: datetime | None = None
        self._sent_at: datetime | None = None
        self._lag: float | None = None
        self.reconnects = 0

    def contact(self) -> None:
        """Something arrived, if only a sign of life."""
        if not self._contact:
            self._contact, self._since = True, self._now()

    def carried(self, at: datetime) -> None:
        """When the platform sent the next post on: what lateness is judged by where authors choose their dates."""
        self._sent_at = at

    def post(self, mention: Mention) -> None:
        """A post arrived."""
        self.contact()
        now = self._now()
        self._lag = max(0.0, (now - (self._sent_at or mention.created_at)).total_seconds())
        self._last_post = max(self._last_post or mention.created_at, mention.created_at)
        late = self._stream and self._lag > LATE.total_seconds()
        self._late_since = (self._late_since or now) if late else None

    def lost(self, says: str, *, hopeless: bool = False) -> None:
        """Contact is lost, or did not come about; ``hopeless``: nothing will change by waiting."""
        if self._contact:
            self._contact, self._lost_at = False, self._now()
        self._why, self._hopeless = says, hopeless

    def gap(self, says: str) -> None:
        """Posts were lost for good."""
        self._gap, self._gap_until = says, self._now() + GAP_SHOWN

    @property
    def in_contact(self) -> bool:
        return self._contact

    @property
    def health(self) -> SourceHealth:
        now = self._now()
        state, since, says = SourceState.OK, self._since, ""
        if not self._contact:
            down = self._hopeless or now - self._lost_at >= DOWN_AFTER
            state, since, says = SourceState.DOWN if down else SourceState.DEGRADED, self._lost_at, self._why
        elif now < self._gap_until and self._gap:
            state, since, says = SourceState.DEGRADED, self._gap_until - GAP_SHOWN, self._gap
        elif self._late_since is not None:
            state, since = SourceState.DEGRADED, self._late_since
            says = f"posts arrive {(self._lag or 0) / 60:.0f} minutes late"
        return SourceHealth(
            state=state,
            since=since,
            last_post_at=self._last_post,
            lag_seconds=self._lag,
            in_contact=self._contact,
            reconnects=self.reconnects,
            says=says,
        )


class LiveSource(ABC):
    """A ``Source`` that goes on without end. Subclasses say how one session goes."""

    kind: ClassVar[str]
    live: ClassVar[bool] = True
    settings_model: ClassVar[type[Any]]
    only: Callable[[bytes], bool] | None = None
    """Could a post whose JSON, in UTF-8, is this line be wanted? A source that is given one may leave out the others, but
    gives out one a second, so that its cursor and health go on."""
    first_wait: ClassVar[float] = 1.0
    """Seconds before the first new attempt; each failure doubles them."""
    longest_wait: ClassVar[float] = 60.0

    def __init__(self, http: Http, *, every: float | None = None) -> None:
        """``every``: seconds between two rounds of a polled source; None for a stream, which should never end."""
        self.http, self.every = http, every
        self.pulse = Pulse(stream=every is None)
        self._not_before = _now()

    @abstractmethod
    def session(self, cursor: str) -> Posts:
        """One connection, or one round of polling, from ``cursor`` on (empty: from now on).

        Raises:
            IntegrationError: the session is over; ``Misconfigured`` when beginning again would not help.
        """

    @abstractmethod
    async def prove(self) -> str:
        """Show that credentials and address work; what to say about it. Raises ``IntegrationError``."""

    @property
    def health(self) -> SourceHealth:
        return self.pulse.health

    async def listen(self, cursor: str | None = None) -> AsyncIterator[tuple[str, Mention]]:
        """Posts from after ``cursor`` on, at least once, without end.

        Raises:
            Misconfigured: the settings, credentials or cursor are wrong.
        """
        at, failures, given = cursor or "", 0, Seen(MOST_GIVEN)
        while True:
            try:
                async with aclosing(self.session(at)) as posts:
                    async for at, mention in posts:
                        failures = 0
                        self.pulse.post(mention)
                        if given.new(mention.id):
                            yield at, mention
                if self.every is None:
                    raise Unknown(f"{self.http.service} closed the stream")
                self.pulse.contact()
                failures, wait = 0, self.every * random.uniform(0.95, 1.05)
            except Misconfigured as error:
                self.pulse.lost(self._said(error), hopeless=True)
                raise
            except IntegrationError as error:
                failures = 1 if self.pulse.in_contact else failures + 1
                wait = self.wait(error, failures)
                self.pulse.lost(self._said(error))
                self.pulse.reconnects += 1
            await asyncio.sleep(wait)

    def wait(self, error: IntegrationError, failures: int) -> float:
        """Seconds until the next attempt after ``failures`` in a row; jittered, so that many do not come back at once."""
        backoff = min(self.longest_wait, self.first_wait * 2.0 ** min(failures - 1, 16)) * random.uniform(0.5, 1.0)
        if isinstance(error, RateLimited) and not isinstance(error, Unreachable):
            return max(backoff, (error.until - _now()).total_seconds())
        return backoff

    async def check(self) -> Health:
        try:
            return Health(ok=True, says=await self.prove())
        except IntegrationError as error:
            return Health(ok=False, says=self._said(error))

    async def close(self) -> None:
        await self.http.close()

    async def ask(self, path: str, **options: Any) -> Answer:
        """One request that reads; waits first when the platform said that nothing is left until a given time.

        Raises:
            as ``Http.read``.
        """
        await asyncio.sleep(max(0.0, (self._not_before - _now()).total_seconds()))
        answer = await self.http.read(path, **options)
        left = next((answer.headers[name] for name in _REMAINING if name in answer.headers), "")
        try:
            spent = float(left) < 1
        except ValueError:
            spent = False
        if spent:
            self._not_before = come_back_at(answer.headers, _now())
        return answer

    def _said(self, error: IntegrationError) -> str:
        return redact(str(error), self.http.secrets)


class TokenSource(LiveSource):
    """A network that is asked with a token it gives out, and that expires."""

    _token = ""

    @abstractmethod
    async def _log_in(self) -> None:
        """Fetch a token into ``_token``.

        Raises:
            Misconfigured: the credentials give none.
        """

    async def _authorised(self, path: str, params: dict[str, str]) -> Answer:
        """One request with a token, which is renewed once when it has expired."""
        for last in (False, True):
            if not self._token:
                await self._log_in()
            answer = await self.ask(path, params=params, headers={"Authorization": f"Bearer {self._token}"})
            if answer.status != 401 or last:
                break
            self._token = ""
        return answer


class Known:
    """The cursor of a polled source whose ids have no order: the newest post's time, and the ids given out lately."""

    def __init__(self, overlap: timedelta, cursor: str = "") -> None:
        """``overlap``: how late a post may turn up, counted from the newest one.

        Raises:
            Misconfigured: ``cursor`` is none of such a source.
        """
        self._overlap = overlap
        self._newest: datetime | None = None
        self._seen = Seen(MOST_KNOWN)
        if cursor:
            try:
                saved = json.loads(cursor)
                self._newest = datetime.fromisoformat(saved["newest"])
                self._seen = Seen.load(MOST_KNOWN, saved["seen"])
            except (ValueError, KeyError, TypeError):
                raise Misconfigured(f"{cursor[:40]!r} is no cursor of this source; start it without one") from None

    @property
    def floor(self) -> datetime:
        """Posts written before this are old news."""
        return (self._newest or _now()) - self._overlap

    def fresh(self, mentions: Iterable[Mention | None]) -> list[Mention]:
        """Those that are new, oldest first; they count as given out only once ``passed`` was called for each.

        Of posts of one moment (some platforms tell whole seconds) those that were listed later are the older ones.
        """
        found = {m.id: m for m in mentions if m is not None and m.created_at >= self.floor and m.id not in self._seen}
        oldest_first = list(found.values())[::-1]
        return sorted(oldest_first, key=lambda m: m.created_at)

    def passed(self, mention: Mention) -> str:
        """Remember a post as given out; the cursor behind it."""
        self._seen.new(mention.id)
        self._newest = max(self._newest or mention.created_at, mention.created_at)
        return json.dumps({"newest": self._newest.isoformat(), "seen": self._seen.dump()})
