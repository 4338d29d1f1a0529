"""How pages are made: one Jinja environment that escapes everything, and the words for times, spans and hostile text.

Text written by strangers is shown as text: escaped, in its own direction, with characters that would turn or hide what
follows them made visible. Addresses become links only when they are web addresses.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
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
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), words)


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


def picture_address(picture: Picture, below: str) -> str:
    """Where a page finds a picture: under its own signed link (``below``), or at the desk."""
    return f"{below}/pictures/{picture.sha256}" if below else f"/pictures/{picture.sha256}.{picture.media_type.suffix}"


class Pages:
    """Renders templates; every page knows the organisation and what time it is in the story."""

    def __init__(self, organisation: str, clock: Clock) -> None:
        self._organisation, self._clock = organisation, clock
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
            "now": self._clock.now(),
            "below": request.url.path if request.url.path.startswith(("/approve/", "/read/")) else "",
            "place": "" if request.url.path.startswith(("/approve/", "/act/", "/on/")) else request.url.path,
            "live": live,
            **(context or {}),
        }
        headers = {"Content-Security-Policy": LIVE_POLICY} if live else None
        return HTMLResponse(self._environment.get_template(template).render(words), status, headers)

    def notice(self, request: Request, status: int, title: str, says: str, advice: str = "") -> HTMLResponse:
        """A page of a few plain words: what happened, and what to do."""
        return self.show(request, "notice.html", {"title": title, "says": says, "advice": advice}, status=status)
