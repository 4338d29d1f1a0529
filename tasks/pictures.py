"""Reading a picture that somebody wants to publish: it really is one, it is of bounded size, and it tells nothing else.

Files say more than they show: where a photo was taken, on whose telephone, an earlier crop, a film behind the photo.
Such data is taken out before anybody sees the picture, and what was taken out is said in words; the picture is then
saved anew in its own format, a JPEG with its own quality tables, turned as its file said. A file without such data goes
out byte for byte as it came. Files are hostile input: only JPEG, PNG, GIF and WebP are opened, sizes are known before
anything is unpacked, and broken or moving pictures are refused.
"""

import hashlib
import io
import struct
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crisis.pictures import MediaType, Picture
from crisis.typed_in import one_line

if TYPE_CHECKING:
    from PIL import Image

LARGEST = 20_000_000
"""Bytes of a file; more than any channel takes."""
MAX_PIXELS = 50_000_000
"""Width times height; unpacked, four bytes each."""
LONGEST_ALT = 2000
"""Characters of an alternative text; channels take less."""
SMALL = 640
"""Pixels."""
_FORMATS = {"JPEG": MediaType.JPEG, "MPO": MediaType.JPEG, "PNG": MediaType.PNG}
_FORMATS |= {"GIF": MediaType.GIF, "WEBP": MediaType.WEBP}
"""By what Pillow calls them; a JPEG with further pictures behind it is an MPO."""
_OPENED = ("JPEG", "PNG", "GIF", "WEBP")
_GPS, _ORIENTATION = 0x8825, 0x0112
_PLAIN_SEGMENTS = {"APP0", "APP2", "APP14", "COM"}
"""Of a JPEG: sizes, colour profile, colour transform; a comment is told of by itself."""
_SHOWN = {"icc_profile", "transparency", "gamma", "background", "duration", "loop", "dpi"}
"""What a file says about how it looks, and nothing else."""


class NotAPicture(ValueError):
    """A file cannot go with a statement; the message says why and what to do."""


@dataclass(frozen=True)
class Read:
    """A picture, ready to go with a statement."""

    picture: Picture
    taken_out: tuple[str, ...]
    """What its file told besides the picture, and tells no more."""

    @property
    def says(self) -> str:
        """What was taken out, in one sentence; empty when nothing was."""
        return f"taken out of the picture before anybody sees it: {', '.join(self.taken_out)}" if self.taken_out else ""


def read_picture(data: bytes, alt: str = "", *, name: str = "the picture") -> Read:
    """The picture in a file's bytes.

    Args:
        alt: what it shows, for people who do not see it; lint refuses a statement without.
        name: how the file is called in messages.

    Raises:
        NotAPicture: it is too large, no picture, a broken or moving one.
        crisis.typed_in.NotOneLine: ``alt`` is too long or holds control characters.
    """
    from PIL import Image

    words = one_line(" ".join(alt.split()), "the alternative text", longest=LONGEST_ALT) if alt.strip() else ""
    if len(data) > LARGEST:
        raise NotAPicture(f"{name}: it has {len(data):,} bytes, the limit is {LARGEST:,}: save it smaller")
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=_OPENED) as image:
            kind = _FORMATS[image.format or ""]
            _refuse(image, name)
            image.load()
            taken_out = tuple(_told_besides(image, kind, data))
            content = _saved_anew(image, kind) if taken_out else data
            size = image.size
        if taken_out:
            with Image.open(io.BytesIO(content), formats=[kind.value.removeprefix("image/").upper()]) as image:
                image.load()
                size, left = image.size, tuple(_told_besides(image, kind, content))
            if left:
                raise NotAPicture(f"{name}: {', '.join(left)} cannot be taken out of it: export it as a plain PNG")
    except NotAPicture:
        raise
    except Image.DecompressionBombError:
        raise NotAPicture(f"{name}: it unpacks to more than {MAX_PIXELS:,} pixels: save it smaller") from None
    except Exception:  # whatever a decoder says of hostile bytes, it is no picture that can be trusted
        raise NotAPicture(
            f"{name}: it is no JPEG, PNG, GIF or WebP picture, or a broken one: open it in a picture editor and "
            "save it as JPEG or PNG"
        ) from None
    picture = Picture(
        sha256=hashlib.sha256(content).hexdigest(),
        media_type=kind,
        width=size[0],
        height=size[1],
        size=len(content),
        alt=words,
        content=content,
    )
    return Read(picture, taken_out)


def small(content: bytes) -> bytes:
    """A picture that was read before, as a JPEG of at most ``SMALL`` pixels each way: for pages that hold everything."""
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=_OPENED) as image:
        image.thumbnail((SMALL, SMALL))
        flat = Image.new("RGB", image.size, "white")
        shown = image.convert("RGBA")
        flat.paste(shown, mask=shown)
    out = io.BytesIO()
    flat.save(out, "JPEG", quality=80)
    return out.getvalue()


def _refuse(image: "Image.Image", name: str) -> None:
    """Before anything is unpacked."""
    if image.width * image.height > MAX_PIXELS:
        says = f"it is {image.width:,} × {image.height:,}, the limit is {MAX_PIXELS:,} pixels"
        raise NotAPicture(f"{name}: {says}: save it smaller")
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise NotAPicture(f"{name}: it moves, and channels show that differently or not at all: export one frame")


def _told_besides(image: "Image.Image", kind: MediaType, data: bytes) -> list[str]:
    """What the file of a loaded picture tells besides the picture, in words that repeat none of it."""
    exif = image.getexif()
    texts = getattr(image, "text", {})
    segments = {str(name) for name, _ in getattr(image, "applist", ())}
    xmp = any(name in image.info for name in ("xmp", "XML:com.adobe.xmp"))
    found = {
        "where it was taken (GPS)": _GPS in exif,
        "camera, time and settings (EXIF)": bool(exif) or "exif" in image.info,
        "editing data (XMP)": xmp,
        "captions and credits (IPTC)": "photoshop" in image.info,
        "a comment": "comment" in image.info,
        "texts": bool(texts) or bool(getattr(image, "private_chunks", ())),
        "further pictures in the file": image.format == "MPO",
        "data of programs": bool(segments - _PLAIN_SEGMENTS) and not (exif or xmp or "photoshop" in image.info),
        "data behind the picture": image.format != "MPO" and not _ends(kind, data),
    }
    return [words for words, there in found.items() if there]


def _ends(kind: MediaType, data: bytes) -> bool:
    """Whether the file ends where its picture does."""
    if kind is MediaType.JPEG:
        return data.rstrip(b"\0").endswith(b"\xff\xd9")
    if kind is MediaType.PNG:
        return data.endswith(b"\0\0\0\0IEND\xaeB`\x82")
    if kind is MediaType.GIF:
        return data.endswith(b";")
    declared = int(struct.unpack("<I", data[4:8])[0]) + 8
    return len(data) in (declared, declared + 1)


def _saved_anew(image: "Image.Image", kind: MediaType) -> bytes:
    """The picture in its own format, as it is seen, and nothing else."""
    from PIL import ImageOps

    turned = image.getexif().get(_ORIENTATION, 1) not in (0, 1)
    keep = kind is MediaType.JPEG and image.format == "JPEG" and not turned
    upright = ImageOps.exif_transpose(image) if turned else image
    upright.info = {name: value for name, value in upright.info.items() if name in _SHOWN}
    options: dict[str, object] = {"icc_profile": upright.info.get("icc_profile")}
    if kind is MediaType.JPEG:
        options |= {"quality": "keep"} if keep else {"quality": 95, "subsampling": 0}
    elif kind is MediaType.WEBP:
        options |= {"lossless": True, "exif": b"", "xmp": b""}
    out = io.BytesIO()
    upright.save(out, kind.value.removeprefix("image/").upper(), **options)
    return out.getvalue()
