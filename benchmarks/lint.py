"""How good lint is: precision and recall of every rule on written statements, good and bad, by what was tuned on.

    fireline bench lint [-- --wrong]        python -m benchmarks lint [--wrong]

Good statements should trigger no rule; bad ones are labelled with every rule that should fire. ``good.yaml`` and
``bad.yaml`` were all tuned on. ``unseen_good.yaml`` and ``unseen_bad.yaml`` were written before looking at the rules, and
each case belongs to one part, by its name: tuning sees ``train`` alone, choosing sees ``val``, and ``held_out`` is
measured only. The first table of a part counts rules on bad statements; "on good" says on how many good statements of
the part a rule fired, and no rule may fire on more than one in ten. ``--wrong`` lists each disagreement, but of the held-out
part, so that nobody tunes on it.
"""

import hashlib
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import integrations  # noqa: E402
from benchmarks import say  # noqa: E402
from crisis.fact import Fact  # noqa: E402
from crisis.lint import lint  # noqa: E402
from crisis.statement import Statement, Target, content_hash  # noqa: E402
from crisis.triage import Strategy  # noqa: E402
from crisis.values import CrisisType, Severity, StatementKind  # noqa: E402

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


PARTS = ("train", "val", "held_out")
FIRES_ON_GOOD = 0.10
"""Share of good statements on which no rule may fire more often."""


def cases(goodness: str) -> list[dict[str, Any]]:
    """The entries of a file of statements: ``good``, ``bad``, ``unseen_good`` or ``unseen_bad``."""
    file = ROOT / "tests" / "crisis" / "statements" / f"{goodness}.yaml"
    entries: list[dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return entries


def part_of(case: str) -> str:
    """Where an unseen case belongs: by the SHA-256 of its name, half of all are held out."""
    return ("held_out", "held_out", "train", "val")[int(hashlib.sha256(case.encode()).hexdigest(), 16) % 4]


def fired(case: dict[str, Any]) -> set[str]:
    """The rules that lint fires on one entry."""
    return {finding.rule for finding in findings(case)}


def findings(case: dict[str, Any]) -> list[Any]:
    """What lint finds in one entry."""
    return lint(
        case["text"],
        kind=StatementKind(case["kind"]),
        facts=[_fact(n, f) for n, f in enumerate(case.get("facts", ()), 1)],
        earlier=[_earlier(n, e) for n, e in enumerate(case.get("earlier", ()), 1)],
        outlets=_outlets(case.get("channel_kind")),
        strategy=Strategy(case["strategy"]) if "strategy" in case else None,
        crisis_type=CrisisType(case["crisis_type"]),
        legal_signed_off=case.get("legal_signed_off", False),
    )


def _outlets(kind: str | None) -> list[tuple[Target, Any]]:
    return [(Target(channel=kind, kind=kind), integrations.integration(kind).platform_limits)] if kind else []


def _fact(number: int, entry: dict[str, str]) -> Fact:
    return Fact(id=f"INC-1-F{number}", incident="INC-1", owner="ana@example.com", updated_at=AT, **entry)


def _earlier(number: int, entry: dict[str, str]) -> Statement:
    hashed = content_hash(
        incident="INC-1", kind=StatementKind.HOLDING, audience="all", severity=Severity.SEV2, facts=(), renderings=()
    )
    return Statement(
        id=f"INC-1-S{number}",
        version=1,
        incident="INC-1",
        kind=StatementKind.HOLDING,
        strategy=Strategy(entry["strategy"]),
        author="ana@example.com",
        created_at=AT,
        audience="all",
        headline="",
        body=entry["body"],
        severity=Severity.SEV2,
        content_hash=hashed,
    )


def measure(good: list[dict[str, Any]], bad: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """For each rule: labelled, right, wrong on bad statements, wrong on good ones."""
    rows: dict[str, dict[str, int]] = defaultdict(lambda: {"labelled": 0, "right": 0, "extra": 0, "on_good": 0})
    for case in bad:
        found, wanted = fired(case), set(case["rules"])
        for rule in found | wanted:
            rows[rule]["labelled"] += rule in wanted
            rows[rule]["right"] += rule in wanted & found
            rows[rule]["extra"] += rule in found - wanted
    for case in good:
        for rule in fired(case):
            rows[rule]["on_good"] += 1
    return dict(rows)


def show(title: str, good: list[dict[str, Any]], bad: list[dict[str, Any]]) -> None:
    """Print one table, within 80 columns."""
    print(f"\n{title}: {len(good)} good and {len(bad)} bad statements")
    print(f"{'rule':<24}{'labelled':>9}{'found':>7}{'false':>7}{'precision':>11}{'recall':>8}{'on good':>12}")
    rows = measure(good, bad)
    for rule, row in sorted(rows.items()):
        wrong = row["extra"] + row["on_good"]
        share = row["on_good"] / max(len(good), 1)
        mark = " !" if share > FIRES_ON_GOOD else ""
        on_good = f"{row['on_good']} {share:5.1%}"
        print(
            f"{rule:<24}{row['labelled']:>9}{row['right']:>7}{wrong:>7}{_ratios(row['right'], wrong, row['labelled'])}"
            f"{on_good:>12}{mark}"
        )
    right = sum(r["right"] for r in rows.values())
    wrong = sum(r["extra"] + r["on_good"] for r in rows.values())
    labelled = sum(r["labelled"] for r in rows.values())
    clean = sum(not fired(case) for case in good)
    blocked = sum(any(f.level == "block" for f in findings(case)) for case in good)
    caught = sum(bool(fired(case)) for case in bad)
    print(f"{'all rules':<24}{labelled:>9}{right:>7}{wrong:>7}{_ratios(right, wrong, labelled)}")
    print(f"good statements without any finding: {clean} of {len(good)}; blocked: {blocked}")
    print(f"bad statements with a finding: {caught} of {len(bad)}")


def _ratios(right: int, wrong: int, labelled: int) -> str:
    precision = f"{right / (right + wrong):.2f}" if right + wrong else "-"
    recall = f"{right / labelled:.2f}" if labelled else "-"
    return f"{precision:>11}{recall:>8}"


def show_wrong(good: list[dict[str, Any]], bad: list[dict[str, Any]]) -> None:
    """Print every disagreement with its place."""
    for case in [*good, *bad]:
        wanted = set(case.get("rules", ()))
        for finding in findings(case):
            if finding.rule not in wanted:
                say(f"extra   {finding.rule:<22} {case['case']}: {case['text'][finding.start : finding.end][:90]!r}")
        for rule in wanted - fired(case):
            say(f"missed  {rule:<22} {case['case']}")


def main() -> None:
    """Measure every part apart."""
    wrong = "--wrong" in sys.argv
    parts = [("Tuned on", cases("good"), cases("bad"))]
    for part in PARTS:
        chosen = [[c for c in cases(f"unseen_{g}") if c["split"] == part] for g in ("good", "bad")]
        parts.append((f"Written unseen, {part.replace('_', ' ')}", *chosen))
    for title, good, bad in parts:
        show(title, good, bad)
        if wrong and not title.endswith("held out"):
            show_wrong(good, bad)


if __name__ == "__main__":
    main()
