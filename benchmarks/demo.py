"""``fireline demo --yes`` from start to end, in a folder of its own; set-up (installation) is not part of it."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 3


def main() -> None:
    """Print each run and the median."""
    taken = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as home:
            began = time.perf_counter()
            environment = {**os.environ, "FIRELINE_HOME": home}
            argv = [sys.executable, "-m", "fireline", "demo", "--yes"]
            subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            taken.append(time.perf_counter() - began)
    print(f"demo: median {statistics.median(taken):.0f} s ({', '.join(f'{t:.0f}' for t in taken)})")


if __name__ == "__main__":
    main()
