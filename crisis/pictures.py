"""Pictures that go with a statement, and what a channel takes of them.

A picture is known by the SHA-256 of its bytes, so an approval that covers the hash covers every byte; its alternative
text is part of it, for somebody who does not see the picture reads that instead. The bytes travel beside the model and
are never part of its JSON. What a channel takes is class data of its integration (``PictureLimits``).
"""

import hashlib
from collections.abc import Iterable, Iterator
from enum import StrEnum

from pydantic import Field

from crisis.values import ContentHash, Frozen


class MediaType(StrEnum):
    """The kinds of pictures that statements carry, by their media types."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    GIF = "image/gif"
    WEBP = "image/webp"

    @property
    def suffix(self) -> str:
        """How a file of it is named: ``jpg``, ``png``, ``gif``, ``webp``."""
        return {"jpeg": "jpg"}.get(name := self.value.removeprefix("image/"), name)


class Picture(Frozen):
    """One picture of a statement."""

    sha256: ContentHash
    media_type: MediaType
    width: int = Field(gt=0)
    """In pixels, like ``height``."""
    height: int = Field(gt=0)
    size: int = Field(gt=0)
    """Bytes."""
    alt: str = ""
    """What it shows, for people who do not see it. Nothing is proposed or published without."""
    content: bytes = Field(default=b"", exclude=True, repr=False)
    """The bytes, where they are at hand; never part of the JSON."""

    @property
    def name(self) -> str:
        """A file name that says nothing about where it came from."""
        return f"{self.sha256[:16]}.{self.media_type.suffix}"

    @property
    def is_intact(self) -> bool:
        """Whether its bytes are at hand, and are the ones that its hash names."""
        return len(self.content) == self.size and hashlib.sha256(self.content).hexdigest() == self.sha256


class PictureProblem(Frozen):
    """Why a picture cannot go out as it is."""

    rule: str
    says: str
    fix: str
    reference: str


WCAG = "WCAG 2.2, 1.1.1 (text alternatives)"


class PictureLimits(Frozen):
    """What one post on a platform takes of pictures."""

    most: int = Field(gt=0)
    """Pictures in one post."""
    needed: bool = False
    """A post must have one."""
    size: int = Field(gt=0)
    """Bytes of one picture."""
    types: frozenset[MediaType] = frozenset({MediaType.JPEG, MediaType.PNG, MediaType.GIF, MediaType.WEBP})
    alt: int = Field(gt=0)
    """Characters of an alternative text."""
    pixels: int | None = Field(default=None, gt=0)
    """Width times height."""
    narrowest: float | None = None
    """The least width for one of height."""
    widest: float | None = None
    """The most width for one of height."""
    in_answers: int | None = None
    """Pictures in a post that answers another; None for as many as in any."""
    wants: str = ""
    """The setting without which the channel takes no pictures."""
    address: str = ""
    """How a rendering's HTML names a picture, by ``{sha256}``, ``{suffix}`` or ``{name}``; empty where there is no HTML."""
    source: str
    """The page that says so."""

    def problems(self, pictures: Iterable[Picture]) -> Iterator[PictureProblem]:
        """What in ``pictures``, as the pictures of one post, the platform does not take."""
        pictures = tuple(pictures)
        if self.needed and not pictures:
            yield self._problem("no-picture", "it takes no post without a picture", "add one, or leave the channel out")
        if len(pictures) > self.most:
            yield self._problem(
                "too-many-pictures",
                f"it takes {self.most} pictures in a post, not {len(pictures)}",
                f"take {len(pictures) - self.most} of them out",
            )
        for number, picture in enumerate(pictures, 1):
            which = "the picture" if len(pictures) == 1 else f"picture {number}"
            yield from without_alt(picture, which)
            yield from self._problems_of(picture, which)

    def _problems_of(self, picture: Picture, which: str) -> Iterator[PictureProblem]:
        if picture.media_type not in self.types:
            names = ", ".join(sorted(t.suffix.upper() for t in self.types))
            says = f"{which} is a {picture.media_type.suffix.upper()}, which it does not take"
            yield self._problem("picture-type", says, f"save it as one of {names}")
        if picture.size > self.size:
            says = f"{which} has {picture.size:,} bytes, the limit is {self.size:,}"
            yield self._problem("picture-too-large", says, "save it smaller")
        if self.pixels and picture.width * picture.height > self.pixels:
            says = f"{which} is {picture.width} × {picture.height}, the limit is {self.pixels:,} pixels"
            yield self._problem("picture-too-large", says, "save it smaller")
        shape = picture.width / picture.height
        if (self.narrowest and shape < self.narrowest) or (self.widest and shape > self.widest):
            says = f"{which} is {picture.width} × {picture.height}: too {'wide' if shape > 1 else 'tall'} for it"
            yield self._problem("picture-shape", says, "crop it")
        if len(picture.alt) > self.alt:
            says = f"the alternative text of {which} has {len(picture.alt)} characters, the limit is {self.alt:,}"
            yield self._problem("alt-text-too-long", says, "shorten it")

    def _problem(self, rule: str, says: str, fix: str) -> PictureProblem:
        return PictureProblem(rule=rule, says=says, fix=fix, reference=self.source)


def without_alt(picture: Picture, which: str = "the picture") -> Iterator[PictureProblem]:
    """The one problem that a picture has wherever it goes: nobody who does not see it knows what it shows."""
    if not picture.alt.strip():
        yield PictureProblem(
            rule="no-alt-text",
            says=f"{which} has no alternative text",
            fix="say in a sentence what it shows, for people who do not see it",
            reference=WCAG,
        )
