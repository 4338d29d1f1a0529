"""What several rooms' tests share: modules beside this file, and the receivers, can be imported from any of them."""

import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent / "chaos"))
settings.register_profile("fireline", deadline=None)  # no test is about time
settings.load_profile("fireline")

SERVERS = ("chaos", "fireline", "flows", "real")
"""Rooms of tests whose slow ones start whole installations: beside each other they would starve each other."""


def _group(item: pytest.Item) -> str:
    """What a test shares a worker with: the tests of its file, whose fixtures it uses, or all that start servers."""
    file = item.nodeid.partition("::")[0]
    if item.get_closest_marker("slow") is None:
        return file
    return "servers" if file.split("/")[1] in SERVERS else f"slow {file}"


@pytest.hookimpl(tryfirst=True)  # xdist writes the groups into the names of the tests in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On two cores those that start whole installations go one after another on one of them, and everything else
    shares the other, the slow files first: what is long is begun early. (xdist takes groups in the order of tests.)"""
    groups = {item: _group(item) for item in items}
    items.sort(key=lambda item: (groups[item] != "servers", not groups[item].startswith("slow ")))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(groups[item]))
