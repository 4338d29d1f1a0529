"""``fireline bench``: the figures that the docs quote, measured here."""

from importlib import import_module
from importlib.util import find_spec


def bench(name: str = "") -> None:
    """Measure one figure that the docs quote, or list them. Needs a source checkout.

    Args:
        name: Which one; left out, they are listed.
    """
    from fireline.errors import Stop

    if find_spec("benchmarks") is None:
        raise Stop("the benchmarks are in the source checkout: run this there")
    names: dict[str, str] = import_module("benchmarks").NAMES
    if not name:
        for known, says in names.items():
            print(f"{known:<10} {says}")
        return
    if name not in names:
        raise Stop(f"there is no benchmark {name!r}; there are: {', '.join(names)}")
    import_module(f"benchmarks.{name}").main()
