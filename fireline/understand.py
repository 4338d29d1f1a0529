"""``fireline understand``: what each post says, one JSON object a line in and out, in the same order.

Reads a file or standard input in bounded pieces and answers as soon as whole lines are there, so that it can stand in
a pipe. A line that cannot be understood is named on stderr and left out; all others are answered, and the exit status
is 2 at the end.
"""

from __future__ import annotations

import codecs
import json as standard_json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal

from cyclopts import Parameter

from fireline.errors import Stop

if TYPE_CHECKING:
    from crisis.understanding import Post, Understanding

PIECE = 1 << 20
"""Bytes read in one go."""
LONGEST_LINE = 16 << 20
"""Bytes of a line that is still looked at."""


class Malformed(Exception):
    """A line is not a post; the message says why."""


def lines(source: BinaryIO) -> Iterator[list[bytes | None]]:
    """The whole lines at hand, again and again; None stands for one longer than ``LONGEST_LINE``."""
    rest, skipping, begun = b"", False, False
    mark = codecs.BOM_UTF8
    read = getattr(source, "read1", source.read)
    while piece := read(PIECE):
        whole = rest + piece
        if not begun:
            if len(whole) < len(mark) and mark.startswith(whole):
                rest = whole
                continue
            whole, begun = whole.removeprefix(mark), True
        parts = whole.split(b"\n")
        rest = parts.pop()
        found: list[bytes | None] = list(parts)
        if skipping and found:
            found[0], skipping = None, False
        if len(rest) > LONGEST_LINE:
            rest, skipping = b"", True
        if found:
            yield found
        if skipping:
            rest = b""
    if rest or skipping:
        yield [None if skipping else rest]


def post(line: bytes) -> Post:
    """The post that a line holds; bytes that are not UTF-8 are replaced, not refused.

    Raises:
        Malformed: it holds none.
    """
    from crisis.understanding import Post

    try:
        held = standard_json.loads(line.decode("utf-8", "replace"))
    except ValueError as error:
        raise Malformed(f"this is not JSON ({error})") from None
    except RecursionError:
        raise Malformed("this is JSON nested too deeply") from None
    if not isinstance(held, dict):
        raise Malformed('this is not an object: write {"id": ..., "text": ...}')
    name, text = held.get("id"), held.get("text")
    if not isinstance(name, str | int) or isinstance(name, bool):
        raise Malformed('"id" is missing or neither text nor a whole number')
    if not isinstance(text, str):
        raise Malformed('"text" is missing or not text')
    return Post(name, text)


def answer(found: Understanding) -> dict[str, Any]:
    """The object that ``--json`` prints."""
    from crisis.understanding import UNDETERMINED

    reading = found.reading
    return {
        "id": found.id,
        "lang": reading.language or UNDETERMINED,
        "sentiment": reading.sentiment,
        "negative": round(reading.negative, 4),
        "emotion": reading.emotion,
        "outrage": round(reading.outrage, 4),
        "type": found.type.value,
        "copy_of": found.copy_of,
    }


def understand(
    file: Path | None = None,
    /,
    *,
    json: Annotated[bool, Parameter(negative=())] = False,
    model: Literal["auto", "small", "meaning"] | None = None,
) -> int:
    """Say what each post says: language, sentiment, emotion, outrage, kind of crisis, and which post it copies.

    Posts in languages that Fireline cannot read are neutral with emotion "none": that is not a finding.

    Args:
        file: JSON lines {"id", "text"}; standard input when left out. Other fields are not looked at.
        json: Print one JSON object a line, and nothing else, on stdout.
        model: Which model reads; auto takes "meaning" where the extra is installed. Default: FIRELINE_MODEL, or auto.
    """
    chosen = model or os.environ.get("FIRELINE_MODEL") or "auto"
    if chosen not in ("auto", "small", "meaning"):
        raise Stop(f"FIRELINE_MODEL is {chosen!r}: set it to auto, small or meaning")
    if file is None:
        return _run(sys.stdin.buffer, "standard input", json, chosen)
    try:
        with file.open("rb") as source:
            return _run(source, str(file), json, chosen)
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror or error}") from None


def _run(source: BinaryIO, name: str, json: bool, chosen: Any) -> int:
    from crisis.copies import CopyFinder
    from crisis.small import NoModel
    from crisis.understanding import understand as understood
    from fireline.progress_bar import shown
    from tasks.progress import counted

    copies, number, wrong = CopyFinder(), 0, 0
    with shown(), counted("understand", f"Reading {name}", unit="posts") as progress:
        for batch in lines(source):
            posts: list[Post] = []
            for line in batch:
                number += 1
                try:
                    if line is None:
                        raise Malformed(f"this is longer than {LONGEST_LINE >> 20} MB")
                    if line.strip():
                        posts.append(post(line))
                except Malformed as error:
                    wrong += 1
                    print(f"fireline: {name}, line {number}: {error}; left out", file=sys.stderr)
            try:
                found = understood(posts, copies, chosen)
            except NoModel as error:
                raise Stop(str(error)) from None
            show = _json if json else _words
            sys.stdout.write("".join(f"{show(one)}\n" for one in found))
            sys.stdout.flush()
            progress.more(len(posts))
    if wrong:
        print(f"fireline: {wrong} of {number} lines were left out, see above", file=sys.stderr)
    return 2 if wrong else 0


def _json(found: Understanding) -> str:
    return standard_json.dumps(answer(found))


def _words(found: Understanding) -> str:
    told = answer(found)
    copy = f", a copy of {told['copy_of']}" if told["copy_of"] is not None else ""
    felt = f"{told['sentiment']} ({told['negative']:.2f}), {told['emotion']}"
    return f"{told['id']}: {told['lang']}, {felt}, {told['type']}{copy}"
