"""``fireline narratives``: posts in, and out which of them make the same claim or complaint.

Every post gets the id of its narrative, in the order of input; then each narrative is named once. With ``--details``
a narrative's line also quotes a post and says what people ask in it. With the extra ``fireline[meaning]`` whole sentences
are read; without it, words.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from crisis.visible import visible
from fireline.errors import Stop
from fireline.session import json_line

if TYPE_CHECKING:
    from crisis.triage import Narrative

AT_HAND = 200_000
"""Distinct texts held at once; of more, the earliest are only counted."""


def narratives(
    file: Annotated[Path | None, Parameter(help="JSON lines; standard input when left out or -.")] = None,
    /,
    *,
    beside: Annotated[str, Parameter(help="Words that tell nothing apart, such as the brand's name.")] = "",
    details: Annotated[
        bool, Parameter(negative=(), help="Also a quote of each narrative and what people ask.")
    ] = False,
    json: Annotated[bool, Parameter(name="--json", negative=(), help="One JSON object a line on stdout.")] = False,
) -> int:
    """Group posts by what they claim or complain about.

    FILE holds JSON lines {"id": "1", "text": "..."}. Out, with --json, in the order of input: {"id", "narrative"} for
    each post, and then {"narrative", "label", "size"} for each narrative, the largest first.
    """
    from crisis.narratives import OTHER, Narratives
    from crisis.sentences import installed, sentence_model
    from crisis.small import NoModel
    from fireline.progress_bar import shown
    from tasks.progress import counted

    posts = list(_posts(file))
    if not posts:
        raise Stop(f"{file or 'standard input'}: not one post could be read")
    try:
        found = Narratives((beside,), keep=AT_HAND, sentences=sentence_model().read if installed() else None)
    except NoModel as error:
        raise Stop(str(error)) from None
    with shown(), counted("narratives", "Grouping", total=len(posts), unit="posts") as progress:
        for _, text in posts:
            found.add(text)
            progress.more()
        progress.at(len(posts), says="settling")
        found.settle()
        placed = [(id, found.narrative(text)) for id, text in posts]
    sizes = Counter(narrative for _, narrative in placed)
    named = [n for n in found.all() if sizes[n.id]]
    labels = {n.id: n.label for n in named}
    if json:
        for id, narrative in placed:
            _line({"id": id, "narrative": narrative})
    else:
        _tell(named, sizes)
        return 0
    for n in sorted(named, key=lambda n: (-sizes[n.id], n.id)):
        more = {"quote": n.quote, "questions": [q.model_dump() for q in n.questions]} if details else {}
        _line({"narrative": n.id, "label": labels[n.id], "size": sizes[n.id], **more})
    if sizes[OTHER]:
        _line({"narrative": OTHER, "label": "", "size": sizes[OTHER]})
    return 0


def _line(row: dict[str, Any]) -> None:
    print(json_line(row))


def _tell(named: Iterable[Narrative], sizes: Counter[str]) -> None:
    for n in sorted(named, key=lambda n: (-sizes[n.id], n.id)):
        print(visible(f"{n.id}  {sizes[n.id]:>6,} posts  {n.label}"))
        print(visible(f"    {' '.join(n.quote.split())[:160]}"))
        for question in n.questions:
            print(visible(f"    asked {question.count}×: {question.text}"))


def _posts(file: Path | None) -> Iterator[tuple[Any, str]]:
    name = "standard input" if file is None or str(file) == "-" else str(file)
    try:
        data = sys.stdin.buffer.read() if name == "standard input" else Path(name).read_bytes()
    except OSError as error:
        raise Stop(f"{name}: {error.strerror or 'cannot be read'}: name a file of JSON lines") from None
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            raise Stop(f"{name}, line {number}: is not JSON: write one object a line") from None
        if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not _names(row.get("id")):
            raise Stop(f'{name}, line {number}: needs "id" and "text": {{"id": "1", "text": "..."}}')
        yield row["id"], row["text"]


def _names(id: object) -> bool:
    return isinstance(id, str | int) and not isinstance(id, bool)
