"""Receivers and renderings for the integrations' tests."""

from collections.abc import Callable

import pytest

from crisis.statement import Part, Rendering, Target

type_of_rendering = Callable[..., Rendering]


@pytest.fixture
def render() -> type_of_rendering:
    """Build a rendering of the given part texts."""

    def build(*texts: str, kind: str = "sandbox", address: str = "", limit: int = 10_000, **more: object) -> Rendering:
        parts = tuple(Part(text=text, length=len(text), limit=limit) for text in texts)
        return Rendering(target=Target(channel="test", kind=kind, address=address), parts=parts, **more)  # type: ignore[arg-type]

    return build
