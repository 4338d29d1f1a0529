"""Programs' tokens: what each may do, until when, and when it was last used. Only their hashes are kept."""

from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import Row, select, update

from crisis.access import Token
from records.ledger import Ledger
from records.tables import api_tokens
from records.work import Act, NotFound, Work

ADDRESSES = 50
"""Addresses that are remembered of each token, the newest."""


class Tokens:
    """What lets programs in."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def add(self, token: Token, token_hash: str, **act: Unpack[Act]) -> None:
        """Let a program in.

        Raises:
            ValueError: a token of that name is in use.
        """
        if any(t.name == token.name and t.lives(token.made_at) for t in await self.list()):
            raise ValueError(f"a token named {token.name!r} is in use: revoke it first, or take another name")
        row = token.model_dump() | {"scopes": " ".join(token.scopes), "token_hash": token_hash}
        await self._work.write(api_tokens.insert().values(row))
        data = token.model_dump(mode="json", include={"id", "name", "scopes", "expires_at"})
        await self._ledger.append("token.made", data=data, **act)

    async def list(self) -> list[Token]:
        """Every token there ever was, the oldest first."""
        return [_token(row) for row in await self._work.all(select(api_tokens).order_by(api_tokens.c.made_at))]

    async def find(self, token_hash: str) -> Token | None:
        """The token of that hash, revoked or not."""
        row = await self._work.first(select(api_tokens).where(api_tokens.c.token_hash == token_hash))
        return None if row is None else _token(row)

    async def used(self, token: Token, now: datetime, address: str) -> None:
        """Note that a token was used; from an address that it never came from before, it goes on record."""
        known = token.used_from.split()
        after = " ".join([*(a for a in known if a != address), address][-ADDRESSES:])
        change = update(api_tokens).where(api_tokens.c.id == token.id)
        await self._work.write(change.values(used_at=now, used_from=after))
        if address not in known:
            data = {"id": token.id, "name": token.name, "address": address}
            await self._ledger.append("token.used", data=data, actor=f"token:{token.name}", via="api")

    async def revoke(self, name: str, now: datetime, **act: Unpack[Act]) -> Token:
        """Let a program in no more, by its token's name or id.

        Raises:
            NotFound: there is no such token in use.
        """
        for token in await self.list():
            if name in (token.name, token.id) and token.revoked_at is None:
                await self._work.write(update(api_tokens).where(api_tokens.c.id == token.id).values(revoked_at=now))
                await self._ledger.append("token.revoked", data={"id": token.id, "name": token.name}, **act)
                return token
        raise NotFound(f"there is no token {name!r} in use: `fireline token list` shows those there are")


def _token(row: Row[Any]) -> Token:
    read = {name: value for name, value in row._mapping.items() if name != "token_hash"}
    return Token.model_validate(read | {"scopes": tuple(row.scopes.split())})
