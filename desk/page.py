"""How pages are made: one Jinja environment that escapes everything, and the words for times, spans and hostile text.

Text written by strangers is shown as text: escaped, in its own direction, with characters that would turn or hide what
follows them made visible. Addresses become links only when they are web addresses.
"""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from crisis.clock import Clock
from crisis.clocks import span_in_words
from crisis.delivery import ARRIVED, Delivery, DeliveryState, Purpose
from crisis.pictures import Picture
from crisis.visible import visible, web_address
from desk.guard import LIVE_POLICY
from desk.picture import urgency
from desk.preview import as_posted
from desk.signed_in import person_of, session_of
from desk.waiting import answer_commands

FOLDER = Path(__file__).parent
DELIVERY_WORDS: dict[DeliveryState, str] = {
    DeliveryState.PENDING: "waiting to be sent",
    DeliveryState.ARMED: "being sent",
    DeliveryState.ACCEPTED: "out",
    DeliveryState.REFUSED: "refused",
    DeliveryState.UNKNOWN: "unknown: it may or may not be there",
    DeliveryState.RECONCILED: "out, found there afterwards",
}
WITHDRAWAL_WORDS: dict[DeliveryState, str] = {
    DeliveryState.PENDING: "waiting to be taken back",
    DeliveryState.ARMED: "being taken back",
    DeliveryState.ACCEPTED: "taken back",
    DeliveryState.REFUSED: "could not be taken back",
    DeliveryState.UNKNOWN: "unknown: it may or may not have been taken back",
    DeliveryState.RECONCILED: "taken back, found gone afterwards",
}


def stands(delivery: Delivery, taken_back: Collection[str]) -> str:
    """How a delivery stands, in words; ``taken_back`` holds those whose withdrawal got through."""
    if delivery.purpose is Purpose.WITHDRAWAL:
        return WITHDRAWAL_WORDS[delivery.state]
    return "was out, is taken back" if delivery.id in taken_back else DELIVERY_WORDS[delivery.state]


def is_there(delivery: Delivery, taken_back: Collection[str]) -> bool:
    """Whether there is something to see where a delivery went."""
    return delivery.purpose is not Purpose.WITHDRAWAL and delivery.state in ARRIVED and delivery.id not in taken_back


def inert(text: str) -> Markup:
    """Foreign text, safe to show: escaped, with hidden and direction-changing characters written out."""
    return escape(visible(text))


def hides(text: str) -> bool:
    """Whether ``text`` holds characters that a reader would not see."""
    return visible(text) != text.replace("\r\n", "\n")


def moment(at: datetime, now: datetime | None = None) -> Markup:
    """A point in time, to the minute; with its day unless that is the day of ``now``."""
    words = f"{at:%H:%M} UTC" if now and at.date() == now.date() else f"{at.day} {at:%b %H:%M} UTC"
    # Every page has hundreds: digits need no escaping.
    return Markup(f'<time datetime="{at.isoformat(timespec="seconds")}">{words}</time>')  # noqa: S704


def due(at: datetime, now: datetime) -> str:
    """How far off a due time is: ``in 12 min``, ``5 min late``."""
    return f"in {span_in_words(at - now)}" if at >= now else f"{span_in_words(now - at)} late"


def plain(name: str) -> str:
    """An identifier as words: ``data_breach`` is ``data breach``."""
    return name.replace("_", " ").replace("-", " ")


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def number(value: float) -> str:
    return f"{value:,.0f}"


def speed_of(clock: Clock) -> float:
    """Seconds of the story in one real second: 1 but for replays, 0 while time stands still."""
    real = clock.wall_seconds(timedelta(seconds=1))
    return round(1 / real, 6) if real > 0 else 0.0


def picture_address(picture: Picture, below: str) -> str:
    """Where a page finds a picture: under its own signed link (``below``), or at the desk."""
    return f"{below}/pictures/{picture.sha256}" if below else f"/pictures/{picture.sha256}.{picture.media_type.suffix}"


def counting(at: datetime, now: datetime, how: str = "since") -> Markup:
    """A span that goes on by itself where scripts run: ``since`` a moment, or until it is ``due``."""
    words = due(at, now) if how == "due" else span_in_words(now - at)
    late = ' class="late"' if how == "due" and at < now else ""
    stamp = at.isoformat(timespec="seconds")
    # As above: digits and words of ours.
    return Markup(f'<time datetime="{stamp}" data-counts="{escape(how)}"{late}>{words}</time>')  # noqa: S704


def static_address(name: str) -> str:
    """The address of a file of the desk's own; it changes with the file, so that browsers may keep what they have."""
    return f"/static/{name}?v={_version_of(name)}"


@lru_cache
def _version_of(name: str) -> str:
    return hashlib.sha256((FOLDER / "static" / name).read_bytes()).hexdigest()[:12]


class Pages:
    """Renders templates; every page knows the organisation and what time it is in the story."""

    def __init__(self, organisation: str, clock: Clock, *, drill: str = "") -> None:
        self._organisation, self._clock, self._drill = organisation, clock, drill
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            inert=inert,
            weblink=web_address,
            span=span_in_words,
            moment=moment,
            due=due,
            plain=plain,
            percent=percent,
            number=number,
            as_posted=as_posted,
        )
        self._environment.globals.update(
            picture_address=picture_address,
            stands=stands,
            is_there=is_there,
            urgency=urgency,
            answer_commands=answer_commands,
            counting=counting,
            static_address=static_address,
        )

    def show(
        self,
        request: Request,
        template: str,
        context: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
        live: bool = False,
    ) -> HTMLResponse:
        """A page from ``template``; a ``live`` one may run the desk's own scripts (htmx)."""
        words = {
            "organisation": self._organisation,
            "drill": self._drill,
            "now": self._clock.now(),
            "below": request.url.path if request.url.path.startswith(("/approve/", "/read/")) else "",
            "place": "" if request.url.path.startswith(("/approve/", "/act/", "/on/")) else request.url.path,
            "live": live,
            "you": person_of(request),
            "session": session_of(request),
            "speed": speed_of(self._clock),
            **(context or {}),
        }
        headers = {"Content-Security-Policy": LIVE_POLICY} if live else None
        return HTMLResponse(self._environment.get_template(template).render(words), status, headers)

    def fragment(self, template: str, context: Mapping[str, Any]) -> Markup:
        """A piece of a page, the same for everybody who looks at it."""
        words = {"organisation": self._organisation, "below": "", "read_only": False, **context}
        return Markup(self._environment.get_template(template).render(words))  # noqa: S704 - escaped by the template

    def notice(
        self, request: Request, status: int, title: str, says: str, advice: str = "", *, on: tuple[str, str] = ("", "")
    ) -> HTMLResponse:
        """A page of a few plain words: what happened, what to do, and where to go ``on`` (a path, and its words)."""
        context = {"title": title, "says": says, "advice": advice, "on": on}
        return self.show(request, "notice.html", context, status=status)
