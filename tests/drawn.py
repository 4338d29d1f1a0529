"""Pictures for tests: drawn here, small, each colour another picture."""

import io
from functools import cache

from PIL import Image

from crisis.pictures import Picture
from tasks.pictures import read_picture

ALT = "A map of the line: trains end at Brugge, buses run from there."


@cache
def file(colour: str = "teal", kind: str = "JPEG", size: tuple[int, int] = (64, 48)) -> bytes:
    """The bytes of a picture file."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


def picture(colour: str = "teal", alt: str = ALT, kind: str = "JPEG", size: tuple[int, int] = (64, 48)) -> Picture:
    """A picture with its bytes at hand."""
    return read_picture(file(colour, kind, size), alt).picture
