"""What several rooms' tests share: modules beside this file, and the receivers, can be imported from any of them."""

import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent / "chaos"))
settings.register_profile("fireline", deadline=None)  # no test is about time
settings.load_profile("fireline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On two cores the slow tests, which start servers, kill and drive browsers, go one after another on one of them,
    and the files of the quick ones share the other."""
    for item in items:
        group = "slow" if item.get_closest_marker("slow") else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
