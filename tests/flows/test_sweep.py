"""A sweep goes on where one of its steps fails, and says that it did."""

import pytest
from acme import acme

from flows import sweep as sweeping
from tasks.installation import Installation


async def test_a_step_that_fails_keeps_no_other_from_being_done(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    async def fails(here: Installation) -> str:
        done.append("fails")
        raise OSError("the disk is full")

    async def works(here: Installation) -> str:
        done.append("works")
        return "all is well"

    monkeypatch.setattr(sweeping, "IN_ORDER", (fails, works))
    async with acme(tmp_path) as here:
        found, failed = await sweeping._each(here)
    assert done == ["fails", "works"]
    assert found == ["all is well"]
    assert [str(error) for error in failed] == ["the disk is full"]
