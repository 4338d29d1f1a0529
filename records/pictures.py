"""The bytes of the pictures that statements carry, each kept once, under its SHA-256.

What is handed out is what was put in: the hash is computed anew whenever bytes are read, so that an altered picture is
neither shown to an approver nor published.
"""

import hashlib
from collections.abc import Iterable

from sqlalchemy import select

from crisis.pictures import Picture
from crisis.statement import Rendering
from records.tables import pictures
from records.work import NotFound, Work


class Pictures:
    """The pictures of all statements."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def keep(self, wanted: Iterable[Picture]) -> None:
        """Store the bytes of pictures; those that are here already need not bring theirs.

        Raises:
            ValueError: the bytes are not those that the hash names.
            NotFound: a picture brings no bytes, and none are here.
        """
        for picture in wanted:
            there = await self._work.first(select(pictures.c.sha256).where(pictures.c.sha256 == picture.sha256))
            if there is not None and not picture.content:
                continue
            if not picture.content:
                raise NotFound(f"there is no picture {picture.sha256[:12]}: give its file again")
            if not picture.is_intact:
                raise ValueError(f"the bytes at hand are not those of the picture {picture.sha256[:12]}")
            if there is None:
                row = {"sha256": picture.sha256, "content": picture.content}
                await self._work.insert_new(pictures, [row])

    async def content(self, sha256: str) -> bytes:
        """The bytes of a picture.

        Raises:
            NotFound: there is no such picture.
            ValueError: it was altered behind the store's back.
        """
        row = await self._work.first(select(pictures.c.content).where(pictures.c.sha256 == sha256))
        if row is None:
            raise NotFound(f"there is no picture {sha256[:12]}")
        content = bytes(row.content)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f"the picture {sha256[:12]} was altered in the database: it is not what was approved")
        return content

    async def with_content(self, rendering: Rendering) -> Rendering:
        """``rendering`` with the bytes of its pictures at hand, ready to be sent. Raises like ``content``."""
        if not rendering.media:
            return rendering
        loaded = [p.model_copy(update={"content": await self.content(p.sha256)}) for p in rendering.media]
        return rendering.model_copy(update={"media": tuple(loaded)})
