"""``fireline bench``: the figures that the docs quote, measured here."""

import sys
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from typing import Annotated

from cyclopts import Parameter


def bench(name: str = "", *words: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> None:
    """Measure one figure that the docs quote, or list them. Needs a source checkout.

    Args:
        name: Which one; left out, they are listed.
        words: What the benchmark itself takes, such as --data FOLDER; its source says what there is.
    """
    from fireline.errors import Stop
    from fireline.progress_bar import waited_for

    if find_spec("benchmarks") is None:
        raise Stop("the benchmarks are in the source checkout: run this there")
    names: dict[str, str] = import_module("benchmarks").NAMES
    if not name:
        for known, says in names.items():
            print(f"{known:<10} {says}")
        return
    if name not in names:
        raise Stop(f"there is no benchmark {name!r}; there are: {', '.join(names)}")
    measured = import_module(f"benchmarks.{name}")
    if words and not signature(measured.main).parameters:
        raise Stop(f"the benchmark {name!r} takes no arguments")
    sys.argv[0] = f"fireline bench {name}"  # what its own help and errors call it
    with waited_for(f"bench {name}"):
        measured.main(*([words] if words else []))
