"""What every route of the desk has at hand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request

from desk.kept import Kept
from desk.page import Pages
from tasks.installation import Installation

if TYPE_CHECKING:
    from desk.live import Live


@dataclass(frozen=True)
class Desk:
    """One desk over one running installation."""

    here: Installation
    pages: Pages
    kept: Kept
    live: "Live"


def desk_of(request: Request) -> Desk:
    """The desk that a request came to."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)  # noqa: S101 - set once, in create_app
    return desk
