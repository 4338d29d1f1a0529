"""``fireline --help`` against an empty Python start, side by side, medians of many runs."""

import statistics
import subprocess
import sys
import time

RUNS = 15


def _seconds(argv: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Print both medians and their ratio."""
    helps, empties = [], []
    for _ in range(RUNS):
        empties.append(_seconds([sys.executable, "-c", "pass"]))
        helps.append(_seconds([sys.executable, "-m", "fireline", "--help"]))
    ours, empty = statistics.median(helps), statistics.median(empties)
    spread = f"{min(helps):.3f}..{max(helps):.3f}"
    print(f"fireline --help: median {ours:.3f} s ({spread}, {RUNS} runs)")
    print(f"an empty Python start: median {empty:.3f} s; ratio {ours / empty:.1f}")


if __name__ == "__main__":
    main()
