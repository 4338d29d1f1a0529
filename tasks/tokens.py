"""Tokens for programs: made, shown once, and taken back. A token begins with ``fireline_``, so that scanners of code and
logs know one when they see it; its second part is its public id, by which one that was found somewhere can be revoked.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from crisis.access import Scope, Token
from crisis.approval import NotAllowed
from tasks.installation import Installation

PREFIX = "fireline_"
_SPAN = re.compile(r"([1-9]\d{0,3})\s*(h|d|w)")


def token_hash(secret: str) -> str:
    """What is kept of a token. It holds 256 random bits, so a plain hash is as good as a slow one."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def span(text: str) -> timedelta:
    """A span of time as people type it: ``90d``, ``12h``, ``2w``.

    Raises:
        NotAllowed: it is none.
    """
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise NotAllowed(f"{text!r} is no span of time: write 90d, 12h or 2w")
    return int(found[1]) * {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}[found[2]]


async def new_token(
    here: Installation, name: str, scopes: Sequence[Scope], *, lasts: timedelta | None, actor: str
) -> tuple[Token, str]:
    """Let a program in: what is kept of its token, and the token itself, which is shown once and kept nowhere.

    Raises:
        NotAllowed: the name is no short identifier, or in use, or no scope is given.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name):
        raise NotAllowed("a token's name is lower-case letters, digits and hyphens, such as 'status-board'")
    if not scopes:
        raise NotAllowed(f"say what it may do: --scopes {','.join(Scope)}")
    id, now = secrets.token_hex(4), datetime.now(UTC)
    secret = f"{PREFIX}{id}_{secrets.token_urlsafe(32)}"
    expires_at = now + lasts if lasts is not None else None
    token = Token(
        id=id, name=name, scopes=tuple(dict.fromkeys(scopes)), made_by=actor, made_at=now, expires_at=expires_at
    )
    async with here.store.transaction() as tx:
        try:
            await tx.tokens.add(token, token_hash(secret), actor=actor, via=here.via)
        except ValueError as in_use:
            raise NotAllowed(str(in_use)) from None
    return token, secret


async def revoke_token(here: Installation, name: str, *, actor: str) -> Token:
    """Let a program in no more, at once, by its token's name, its id, or the token itself.

    Raises:
        records.NotFound: there is no such token in use.
    """
    if name.startswith(PREFIX):
        name = name.removeprefix(PREFIX).partition("_")[0]
    async with here.store.transaction() as tx:
        return await tx.tokens.revoke(name, datetime.now(UTC), actor=actor, via=here.via)
