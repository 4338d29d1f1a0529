"""A scheduler that no API reaches, such as posts scheduled inside X: a human pauses it, and is told to each time.

X's own scheduled posts are out of reach of its API v2 (the Ads API has others, for advertisers alone); so are those of
LinkedIn, Instagram, TikTok and most newsletters.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from crisis.freeze import ScheduledPost
from integrations.outcomes import Refused
from integrations.protocols import Health


class ByHandSettings(BaseModel):
    """What somebody has to do, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(
        default="",
        examples=["https://x.com/compose/post/unsent/scheduled"],
        description="Where people see what is scheduled",
    )
    timeout: float = Field(default=10.0, gt=0, le=60, description="Not used: nothing is asked")
    what: str = Field(
        examples=["posts scheduled in X as @acme"], min_length=1, description="What is scheduled there, in words"
    )


class ByHand:
    """A ``Scheduler``."""

    kind: ClassVar[str] = "by_hand"
    puts_off: ClassVar[timedelta | None] = None
    settings_model: ClassVar[type[ByHandSettings]] = ByHandSettings

    def __init__(self, settings: ByHandSettings) -> None:
        self._settings = settings

    async def scheduled(self, now: datetime) -> tuple[ScheduledPost, ...]:
        """One entry that stands for all of them; its time is not known."""
        return (ScheduledPost(id="all", at=None, text="", where=self._settings.what, url=self._settings.base_url),)

    async def pause(self, post: ScheduledPost, put_off: Sequence[datetime] = ()) -> None:
        raise Refused("no API can do it: pause it there by hand")

    async def restore(self, post: ScheduledPost, put_off: Sequence[datetime] = ()) -> None:
        raise Refused("no API can do it: resume it there by hand")

    async def check(self) -> Health:
        return Health(ok=True, says=f"a human pauses {self._settings.what}, and is told to")

    async def close(self) -> None:
        """Nothing is open."""
