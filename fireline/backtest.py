"""``fireline backtest``: detection over a series of counts, row by row, and what another threshold would have done.

Each row is judged from itself and the rows above it alone. With ``--json`` each row is one JSON object a line on stdout,
or, with ``--labels``, each threshold; everything else goes to stderr.
"""

from __future__ import annotations

import json as JSON
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from fireline.counts import Series, read_counts, read_labels
from fireline.errors import Stop

if TYPE_CHECKING:
    from crisis.backtest import Verdict
    from crisis.episodes import Outcome

THRESHOLDS = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
"""Scores that are tried with ``--labels``, besides what alerts today."""


def backtest(
    file: Path,
    /,
    *,
    labels: Annotated[Path | None, Parameter(help="CSV start,end[,label]: the episodes there were")] = None,
    thresholds: Annotated[str, Parameter(help="With --labels: scores to try, such as 0.4,0.5,0.6")] = "",
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Run detection over a series of counts, and see what another threshold would have done.

    Parameters
    ----------
    file
        CSV with the columns timestamp, value and, if known, negative: how many of value are negative (a fraction
        between 0 and 1 is read as their share). Steps of any equal length; rows may be missing.
    json
        Print one JSON object a line on stdout, and everything else on stderr.
    """
    from crisis.backtest import Backtest
    from fireline.progress_bar import shown
    from tasks.progress import counted

    today = alert_score()
    tried = sorted({*_thresholds(thresholds), today}) if labels and not thresholds else _thresholds(thresholds)
    if thresholds and not labels:
        raise Stop("--thresholds needs --labels, the episodes to hold them against")
    series = read_counts(file)
    episodes = read_labels(labels) if labels else []
    run = Backtest(series.step, negative=series.negative, alert_at=today)
    verdicts = []
    with shown(), counted("backtest", f"Backtest of {file.name}", total=len(series.rows), unit="rows") as progress:
        for row in series.rows:
            verdicts.append(run.row(row))
            progress.more()
    if labels:
        from crisis.episodes import outcome

        scored = [(row.moment, verdict.score) for row, verdict in zip(series.rows, verdicts, strict=True)]
        outcomes = [outcome(scored, episodes, threshold) for threshold in tried]
        _print_outcomes(outcomes, today, json=json)
    elif json:
        _print_rows(series, verdicts)
    else:
        _print_alerts(series, verdicts)
    _summary(series, verdicts)
    return 0


def _thresholds(text: str) -> Sequence[float]:
    if not text:
        return THRESHOLDS
    found = []
    for part in text.split(","):
        try:
            number = float(part)
        except ValueError:
            number = -1.0
        if not 0 < number <= 1:
            raise Stop(f"--thresholds takes scores above 0 and up to 1, such as 0.4,0.5; {part.strip()!r} is none")
        found.append(number)
    return sorted(set(found))


def _print_rows(series: Series, verdicts: Sequence[Verdict]) -> None:
    for stamp, row, verdict in zip(series.stamps, series.rows, verdicts, strict=True):
        value = int(row.value) if row.value.is_integer() else row.value
        line = {"timestamp": stamp, "value": value, "score": verdict.score, "alert": verdict.alert}
        print(JSON.dumps(line, ensure_ascii=False))


def _print_alerts(series: Series, verdicts: Sequence[Verdict]) -> None:
    for stamp, verdict in zip(series.stamps, verdicts, strict=True):
        if verdict.alert:
            young = " (less than a day is known: a wide guess)" if verdict.cold else ""
            print(f"{stamp}  {verdict.alert:<9}  {verdict.score:.2f}  {verdict.says}{young}")
    if not any(verdict.alert for verdict in verdicts):
        print("no alert")


def alert_score() -> float:
    """The score at which an alert opens, as the installation has set it, if there is one."""
    import config
    from config.loading import find_file
    from crisis.sensitivity import ALERT

    try:
        find_file()
    except config.ConfigError:
        return ALERT
    return config.load().detection.alert_score


def _print_outcomes(outcomes: Sequence[Outcome], alert: float, *, json: bool) -> None:
    if json:
        for one in outcomes:
            print(JSON.dumps({**asdict(one), "today": one.threshold == alert}, ensure_ascii=False))
        return
    print(f"{'score from':>10} {'alerts':>7} {'hit':>5} {'missed':>7} {'false':>6} {'a week':>7} {'median delay':>13}")
    for one in outcomes:
        delay = "-" if one.median_delay is None else f"{one.median_delay / 60:,.0f} min"
        today = "  today" if one.threshold == alert else ""
        print(
            f"{one.threshold:>10.2f} {one.alerts:>7} {one.hits:>5} {one.misses:>7} {one.false_alerts:>6}"
            f" {one.false_alerts_a_week:>7.2f} {delay:>13}{today}"
        )
    worst = next((one for one in outcomes if one.threshold == alert and one.missed), None)
    if worst:
        print(f"missed today: {', '.join(worst.missed)}")


def _summary(series: Series, verdicts: Sequence[Verdict]) -> None:
    days = (series.rows[-1].moment - series.rows[0].moment) / 86_400
    counts = {kind: sum(v.alert == kind for v in verdicts) for kind in ("attention", "outrage")}
    said = f"{len(series.rows)} rows of {series.step:g} s over {days:.1f} days: {counts['attention']} attention"
    said += f", {counts['outrage']} outrage" if series.negative else "; without `negative` no outrage can be seen"
    print(said, file=sys.stderr)
