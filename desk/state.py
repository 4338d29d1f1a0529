"""What every route of the desk has at hand."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from starlette.requests import Request

from desk.background import Background, Turns
from desk.kept import Kept
from desk.page import Pages
from tasks.installation import Installation

if TYPE_CHECKING:
    from desk.live import Live

VIEW = "fireline.view"
"""Where a request's scope keeps the installation as its visitor may see it."""


@dataclass(frozen=True)
class Desk:
    """One desk over one running installation."""

    here: Installation
    """As whoever asks may see it: an incident that is hidden from them is not there (``Store.seen_by``)."""
    pages: Pages
    kept: Kept
    live: "Live"
    background: Background = field(default_factory=Background)
    """Long work that its pages began."""
    turns: Turns = field(default_factory=Turns)
    """Questions that its pages wait for."""


def desk_of(request: Request) -> Desk:
    """The desk that a request came to, with what its visitor may see."""
    desk = whole_desk_of(request)
    view = request.scope.get(VIEW)
    return replace(desk, here=view if isinstance(view, Installation) else desk.here.seen_by(None))


def whole_desk_of(request: Request) -> Desk:
    """The desk with nothing hidden: for deciding who may come in, never for showing anything."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)  # noqa: S101 - set once, in create_app
    return desk
