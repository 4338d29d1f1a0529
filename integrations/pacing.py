"""How fast a mailing may go: so many messages a minute and at once to each domain, and so many a second in all.

Receiving domains throttle and block senders who come too fast; a mailing that keeps to their pace arrives sooner. A
domain that must wait holds up no other.
"""

from collections import Counter
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

ALL = "*"
"""Stands for every domain that is not named, each by itself."""


class Pace(BaseModel):
    """What one domain is sent at most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_minute: float = Field(default=0, ge=0, description="Messages a minute; 0: as fast as it goes")
    at_once: int = Field(default=0, ge=0, description="Messages under way at the same time; 0: as many as connections")


_FREE = Pace()


class Pacer:
    """Lets messages go, or says how long they must wait. ``now`` is in seconds of any steady clock."""

    def __init__(self, paces: Mapping[str, Pace], *, per_second: float = 0) -> None:
        self._paces = {domain.casefold(): pace for domain, pace in paces.items()}
        self._all = Pace(per_minute=per_second * 60)
        self._due: dict[str, float] = {}
        self._under_way: Counter[str] = Counter()

    @property
    def free(self) -> bool:
        """Nothing is held back at all."""
        return not self._paces and not self._all.per_minute

    def wait(self, domain: str, now: float) -> float:
        """Seconds until one more message to ``domain`` may go; infinite until one under way is done."""
        pace = self._pace(domain)
        if pace.at_once and self._under_way[domain] >= pace.at_once:
            return float("inf")
        due = max(self._due.get(domain, 0.0) if pace.per_minute else 0.0, self._due.get("", 0.0))
        return max(0.0, due - now)

    def go(self, domain: str, now: float) -> None:
        """One more message to ``domain`` is let go."""
        self._under_way[domain] += 1
        for name, pace in ((domain, self._pace(domain)), ("", self._all)):
            if pace.per_minute:
                # A second's worth may be made up for after a pause, so that waking late does not slow the whole down.
                self._due[name] = max(self._due.get(name, 0.0), now - 1.0) + 60 / pace.per_minute

    def done(self, domain: str) -> None:
        """A message to ``domain`` is no longer under way."""
        if not self.free:
            self._under_way[domain] -= 1

    def _pace(self, domain: str) -> Pace:
        return self._paces.get(domain) or self._paces.get(ALL) or _FREE


def domain_of(address: str) -> str:
    """The domain by which an address is paced."""
    return address.rpartition("@")[2].casefold()
