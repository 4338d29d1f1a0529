"""``fireline learn``: what people's own decisions propose for detection, with the effect on the past; and the labels.

It applies nothing. The lines for ``fireline.toml`` are printed, and a person puts them there or does not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from fireline.errors import Stop
from fireline.incidents import Json
from fireline.session import json_line, session, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crisis.learning import AlertProposal, ClockProposal, EdgeProposal, Effect, Learnt
    from crisis.values import Frozen
    from tasks.installation import Installation


async def learn(
    *,
    export: Annotated[
        Path | None,
        Parameter(help="Write the labelled data into this folder instead: episodes.jsonl, statements.jsonl."),
    ] = None,
    restricted: Annotated[bool, Parameter(negative="", help="Restricted incidents, too.")] = False,
    actor: Annotated[str, Parameter(name="--as", help="Your e-mail address: puts the proposal on record.")] = "",
    json: Json = False,
) -> None:
    """Hold what people said of past incidents against other thresholds, and propose those that would have done better.

    For each: which alerts would not have come, which would have been missed, the delay, false alerts a week, and how
    sure that is. Nothing is changed: the lines for fireline.toml are printed, and a person decides.
    """
    from tasks.learning import learn as learnt_from
    from tasks.learning import put_on_record

    if actor and (restricted or export):
        with_ = "--export" if export else "--restricted"
        raise Stop(
            f"--as puts the proposal on record for everybody, and does not go with {with_}: leave one of them out"
        )
    async with session() as here:
        if export is not None:
            await _export(here, export, restricted=restricted, as_json=json)
            return
        if actor:
            here.settings.stakeholder(actor)
        found = await learnt_from(here, restricted=restricted)
        if json:
            for row in _rows(found):
                print(json_line(row))
        else:
            print("\n".join(_lines(found)))
        if actor:
            recorded = await put_on_record(here, found, actor=actor)
            row = {"recorded": recorded.says, "at": recorded.at.isoformat(), "by": actor}
            show(row, as_json=json, words="\nThe proposal is on record, and on the desk under Set-up, Learning.")


def _rows(found: Learnt) -> Iterator[dict[str, object]]:
    for alert in found.alerts:
        yield {"what": "alert_score", **alert.model_dump(mode="json")}
    for edge in found.edges:
        yield {"what": edge.severity.value.lower(), **edge.model_dump(mode="json")}
    yield {"what": "acknowledge", **found.clock.model_dump(mode="json")}
    yield {"what": "lines", "lines": list(found.lines), "applied": False}


def _lines(found: Learnt) -> Iterator[str]:
    for alert in found.alerts:
        yield from _alert(alert)
    yield from (line for edge in found.edges for line in _edge(edge))
    yield from _clock(found.clock)
    yield ""
    if found.lines:
        yield "Nothing was changed. To take it, put into fireline.toml, then `fireline check`, then start again:"
        yield ""
        yield from (f"    {line}" for line in found.lines)
    elif not found.proposes:
        yield "Nothing is proposed, and nothing was changed."


def _alert(alert: AlertProposal) -> Iterator[str]:
    whose = f"watch {alert.watch}" if alert.watch else "all watches"
    then = f" -> {alert.proposed.score:g}" if alert.proposed else ""
    yield f"Alert score, {whose}: {alert.today.score:g}{then}"
    yield f"    {alert.says}"
    if not alert.today.crises and not alert.today.dismissed:
        return
    yield f"    {'':<9} {'missed':>7} {'false':>6} {'unjudged':>9} {'false a week':>13} {'median delay':>13}"
    for name, one in (("today", alert.today), ("proposed", alert.proposed)):
        if one is not None:
            yield f"    {name:<9} {_effect(one)}"
    if alert.proposed is not None:
        yield from _named("would not have come", set(alert.proposed.gone) - set(alert.today.gone))
        yield from _named("would have come anew", set(alert.today.missed) - set(alert.proposed.missed))
        yield from _named("missed today and then", set(alert.proposed.missed))


def _effect(one: Effect) -> str:
    delay = "-" if one.median_delay is None else f"{one.median_delay / 60:,.0f} min"
    false = len(one.false_alerts)
    return f"{len(one.missed):>7} {false:>6} {one.unjudged:>9} {one.false_a_week:>13.2f} {delay:>13}"


def _named(what: str, incidents: Iterable[str]) -> Iterator[str]:
    names = sorted(incidents, key=lambda name: (len(name), name))
    if names:
        yield f"    {what}: {', '.join(names)}"


def _edge(edge: EdgeProposal) -> Iterator[str]:
    then = f" -> {edge.proposed:g}" if edge.proposed is not None else ""
    yield f"{edge.severity} from {edge.today:g} points{then}"
    yield f"    {edge.says}"
    yield from _named("would be rated otherwise", edge.moved)


def _clock(clock: ClockProposal) -> Iterator[str]:
    then = f" -> {clock.proposed} min" if clock.proposed is not None else ""
    yield f"The next one is called after {clock.today:g} min{then}"
    yield f"    {clock.says}"
    if clock.proposed is not None:
        yield f"    In the playbooks, under clocks: acknowledge: {clock.proposed} min"


async def _export(here: Installation, folder: Path, *, restricted: bool, as_json: bool) -> None:
    from tasks.learning import labelled

    found = await labelled(here, restricted=restricted)
    _write(folder, {"episodes.jsonl": found.episodes, "statements.jsonl": found.statements})
    left = f"; {found.left_out} restricted incidents left out" if found.left_out else ""
    counts = {"episodes": len(found.episodes), "statements": len(found.statements), "left_out": found.left_out}
    words = f"{folder}: {counts['episodes']} episodes, {counts['statements']} statements{left}"
    show({"folder": str(folder), **counts}, as_json=as_json, words=words)


def _write(folder: Path, parts: dict[str, tuple[Frozen, ...]]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in parts.items():
            text = "".join(f"{json_line(row.model_dump(mode='json'))}\n" for row in rows)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Stop(f"{folder}: {error.strerror or error}: name a folder that can be written to") from None
