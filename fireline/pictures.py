"""Pictures as people name them on the command line and in statement files, read and told about.

``--image FILE --alt TEXT`` once for each picture, in order; or, in a statement file, a line of its own as in Markdown:
``![What it shows](picture.jpg)``, the path from the folder of that file.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from crisis.visible import visible
from fireline.errors import Stop

if TYPE_CHECKING:
    from tasks.pictures import Read

Images = Annotated[
    list[str] | None,
    Parameter(
        name="--image", negative="", help="A picture that goes with it: JPEG, PNG, GIF or WebP. May be repeated."
    ),
]
Alts = Annotated[
    list[str] | None,
    Parameter(
        name="--alt", negative="", help="What the picture shows, for people who do not see it; one for each --image."
    ),
]
_LINE = re.compile(r"^[ \t]*!\[([^\]\n]*)\]\(([^)\n]+)\)[ \t]*(?:\n|\Z)", re.MULTILINE)


def read_pictures(
    text: str, source: str, images: Sequence[str] | None, alts: Sequence[str] | None
) -> "tuple[str, list[Read]]":
    """``text`` without its lines that are pictures, and all pictures: those of the text, then those of the command.

    What was taken out of their files is told on stderr.

    Args:
        source: the file that ``text`` came from; ``-`` or empty when it came from none, and paths are from here.

    Raises:
        Stop: a file cannot be read or is no picture, or there are more ``alts`` than ``images``.
    """
    images, alts = list(images or ()), list(alts or ())
    if len(alts) > len(images):
        raise Stop(f"there are {len(alts)} --alt for {len(images)} --image: give each picture its own, in order")
    folder = Path(source).parent if source not in ("", "-") else Path()
    named = [(folder / path.strip(), alt) for alt, path in _LINE.findall(text)]
    named += [(Path(path), alts[n] if n < len(alts) else "") for n, path in enumerate(images)]
    found = [_read(path, alt) for path, alt in named]
    for (path, _), one in zip(named, found, strict=True):
        if one.says:
            print(f"{visible(path.name)}: {one.says}", file=sys.stderr)
    return _LINE.sub("", text) if text else "", found


def _read(path: Path, alt: str) -> "Read":
    from crisis.typed_in import NotOneLine
    from tasks.pictures import LARGEST, NotAPicture, read_picture

    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Stop(f"{visible(str(path))}: {why}: name a picture file") from None
    try:
        return read_picture(data, alt, name=visible(path.name))
    except NotAPicture as error:
        raise Stop(str(error)) from None
    except NotOneLine as error:
        raise Stop(f"{visible(path.name)}: {error}") from None
