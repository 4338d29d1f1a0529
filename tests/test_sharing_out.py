"""The tests are shared out between workers by file, and those that start whole installations stay on one of them."""

import os

import pytest


def test_the_workers_are_told_which_tests_belong_together(request: pytest.FixtureRequest) -> None:
    if os.environ.get("PYTEST_XDIST_WORKER"):
        assert request.node.nodeid.endswith("@tests/test_sharing_out.py")
    assert [m.args[0] for m in request.node.iter_markers("xdist_group")] == ["tests/test_sharing_out.py"]
