"""``python -m benchmarks [NAME ...]``: run the named benchmarks, or all of them."""

import sys
from importlib import import_module

from benchmarks import NAMES, say


def main(names: list[str]) -> int:
    """Run them in order; status 2 when a name is unknown."""
    for name in names or list(NAMES):
        if name not in NAMES:
            print(f"there is no benchmark {name!r}; there are: {', '.join(NAMES)}", file=sys.stderr)
            return 2
        say(f"== {name}: {NAMES[name]}")
        import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
