"""Training is one command: its steps fit together, and what is missing is told before anything is trained."""

import subprocess
import sys
from pathlib import Path

from benchmarks.train import command, steps

ROOT = Path(__file__).parents[2]


def test_each_step_reads_only_what_earlier_ones_have_made() -> None:
    made = {"teacher.npz"}
    for step in steps():
        needed = {part for part in step.arguments if part.endswith(".npz")} - {step.makes}
        assert needed <= made, step
        made.add(step.makes)
    assert {"small.npz", "meaning.npz"} <= made


def test_both_readers_are_calibrated_last_and_on_airlines_they_have_not_met() -> None:
    for step in steps()[-2:]:
        assert step.module.startswith("calibrate_")
        assert step.arguments.count("--unseen") == 2
    assert command(steps()[0], Path("data"), Path("work"))[1:] == [
        *("-m", "benchmarks.train_meaning", "first", "--out", str(Path("work/first.npz")), "--data", "data")
    ]


def test_missing_packages_are_told_in_one_sentence(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "benchmarks.train", "--data", str(tmp_path), "--out", str(tmp_path)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("training needs ")
    assert "torch" in done.stderr
    assert len(done.stderr.splitlines()) == 1
