"""What every route of the desk has at hand."""

from dataclasses import dataclass, field

from starlette.requests import Request

from desk.background import Background, Turns
from desk.page import Pages
from tasks.installation import Installation


@dataclass(frozen=True)
class Desk:
    """One desk over one running installation."""

    here: Installation
    pages: Pages
    background: Background = field(default_factory=Background)
    """Long work that its pages began."""
    turns: Turns = field(default_factory=Turns)
    """Questions that its pages wait for."""


def desk_of(request: Request) -> Desk:
    """The desk that a request came to."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)  # noqa: S101 - set once, in create_app
    return desk
