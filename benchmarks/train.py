"""Train both readers anew, from the data folder to the files in ``crisis/models``: one command, every step seeded.

    python -m benchmarks.train --data ../shared/data --out crisis/models

About an hour on one core. What a step has made is kept in ``--work``, and a run that was stopped goes on after the last
step that ended. Each airline is left out of one of two passes, so that there are two airlines each reader can be judged
on without having met them. Packages: docs/understanding.md, "Training". Ends with status 2 and a sentence where
something is missing.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TEACHER = ("ab3d632", "crisis/models/meaning.npz")
"""The commit and the file of the adapter that the small reader learns from beside the labels."""
NEEDED = ("numpy", "scipy", "pydantic", "vaderSentiment", "torch", "transformers", "onnxruntime", "onnx", "tokenizers")
LEFT_OUT = ("united", "us_airways")


@dataclass(frozen=True)
class Step:
    """One command of training and the file it makes; none where it only sets the temperatures in one."""

    makes: str
    module: str
    arguments: tuple[str, ...]


def steps() -> tuple[Step, ...]:
    """Every step in its order; names ending in ``.npz`` are files of the work folder."""
    meaning = {airline: f"meaning-{airline}.npz" for airline in LEFT_OUT}
    small = {airline: f"small-{airline}.npz" for airline in LEFT_OUT}
    apart = [
        Step(meaning[a], "train_meaning", ("airlines", "--start", "rest.npz", "--without", a, "--out", meaning[a]))
        for a in LEFT_OUT
    ]
    judged = [
        Step(small[a], "train_small", ("--teacher", "teacher.npz", "--without", a, "--out", small[a])) for a in LEFT_OUT
    ]
    unseen_small = tuple(part for a in LEFT_OUT for part in ("--unseen", a, small[a]))
    unseen_meaning = tuple(part for a in LEFT_OUT for part in ("--unseen", a, small[a], meaning[a]))
    return (
        Step("first.npz", "train_meaning", ("first", "--out", "first.npz")),
        Step("rest.npz", "train_meaning", ("rest", "--start", "first.npz", "--out", "rest.npz")),
        *apart,
        Step("meaning.npz", "train_meaning", ("mean", "--start", *meaning.values(), "--out", "meaning.npz")),
        Step("small.npz", "train_small", ("--teacher", "teacher.npz", "--out", "small.npz")),
        *judged,
        Step("", "calibrate_small", ("--model", "small.npz", *unseen_small)),
        Step("", "calibrate_meaning", ("--adapter", "meaning.npz", "--small", "small.npz", *unseen_meaning)),
    )


def command(step: Step, data: Path, work: Path) -> list[str]:
    """What runs a step."""
    named = [str(work / part) if part.endswith(".npz") else part for part in step.arguments]
    return [sys.executable, "-m", f"benchmarks.{step.module}", *named, "--data", str(data)]


def _refuse(says: str) -> None:
    print(says, file=sys.stderr)
    raise SystemExit(2)


def _teacher(work: Path) -> None:
    there = work / "teacher.npz"
    if there.exists():
        return
    found = subprocess.run(["git", "show", ":".join(TEACHER)], capture_output=True, check=False)
    if found.returncode:
        _refuse(f"the teacher is not in this history ({':'.join(TEACHER)}): put an adapter at {there} and begin again")
    there.write_bytes(found.stdout)


def _run(step: Step, data: Path, work: Path) -> None:
    if step.makes and (work / step.makes).exists():
        print(f"{step.makes} is there", flush=True)
        return
    print(f"{step.makes or step.module} ...", flush=True)
    if subprocess.run(command(step, data, work), check=False).returncode:
        if step.makes:
            (work / step.makes).unlink(missing_ok=True)
        _refuse(
            f"{step.module} {step.arguments[0]} failed: what it said stands above; the same command goes on from here"
        )


def main() -> None:
    """See the module."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.train", description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True, help="folder that small.npz and meaning.npz are put into")
    arguments.add_argument("--work", type=Path, default=Path(".training"))
    chosen = arguments.parse_args()
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        _refuse(
            f"training needs {', '.join(missing)}: docs/understanding.md, Training, has the line that installs them"
        )
    if not (chosen.data / "tweeteval").is_dir() or not chosen.out.is_dir():
        _refuse(f"{chosen.data} must hold the folder tweeteval, and {chosen.out} must be a folder")
    chosen.work.mkdir(parents=True, exist_ok=True)
    _teacher(chosen.work)
    for step in steps():
        _run(step, chosen.data, chosen.work)
    for name in ("small.npz", "meaning.npz"):
        shutil.copyfile(chosen.work / name, chosen.out / name)


if __name__ == "__main__":
    main()
