"""``check`` tells that a token may not do what it is for, before a post is refused on the worst day."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import integrations

INSTANCE = {"configuration": {"statuses": {"max_characters": 500, "characters_reserved_per_url": 23}}}
ACCOUNT = {"id": "1", "acct": "acme", "username": "acme"}
ME = {"data": {"id": "1", "username": "acme"}}
SLACK = {"ok": True, "user": "fireline", "team": "Acme"}
BUTTONS = {"token": "t", "signing_secret": "s"}
KEYS = {"api_key": "a", "api_key_secret": "b", "access_token": "c", "access_token_secret": "d"}
MASTODON = {"access_token": "t"}
PAGE = {"page": "1", "access_token": "t"}


@asynccontextmanager
async def answering(answers: dict[str, Any], headers: dict[str, str]) -> AsyncIterator[str]:
    """A service that answers each path with its JSON, 404 elsewhere."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split(" ", 2)[1].partition("?")[0]
                found = answers.get(path)
                body = json.dumps(found if found is not None else {"error": "Record not found"})
                more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                status = "200 OK" if found is not None else "404 Not Found"
                writer.write(f"HTTP/1.1 {status}\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}".encode())
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def mastodon(scopes: list[str] | None) -> dict[str, Any]:
    app = {"name": "Fireline"} | ({"scopes": scopes} if scopes is not None else {})
    base = "/api/v1/accounts/verify_credentials"
    return {base: ACCOUNT, "/api/v2/instance": INSTANCE, "/api/v1/apps/verify_credentials": app}


@pytest.mark.parametrize(
    ("kind", "settings", "answers", "headers", "ok", "says"),
    [
        ("slack", {"token": "t"}, {"/auth.test": SLACK}, {"X-OAuth-Scopes": "chat:write,users:read"}, True, "posts as"),
        ("slack", {"token": "t"}, {"/auth.test": SLACK}, {"X-OAuth-Scopes": "users:read"}, False, "chat:write"),
        ("slack", {"token": "t"}, {"/auth.test": SLACK}, {}, True, "posts as"),
        ("slack", {"token": "t"}, {"/auth.test": SLACK}, {"X-OAuth-Scopes": "chat:write"}, True, "groups:read"),
        ("slack", BUTTONS, {"/auth.test": SLACK}, {"X-OAuth-Scopes": "chat:write"}, False, "users:read.email"),
        ("mastodon", MASTODON, mastodon(["read", "write:statuses"]), {}, True, "500 characters"),
        ("mastodon", MASTODON, mastodon(["read"]), {}, False, "write:statuses"),
        ("mastodon", MASTODON, mastodon(None), {}, True, "500 characters"),
        ("x", KEYS, {"/2/users/me": ME}, {"x-access-level": "read-write"}, True, "posts as @acme"),
        ("x", KEYS, {"/2/users/me": ME}, {"x-access-level": "read"}, False, "may only read"),
        ("facebook", PAGE, {"/1": {"id": "1", "name": "A", "tasks": ["CREATE_CONTENT"]}}, {}, True, "speaks for"),
        ("facebook", PAGE, {"/1": {"id": "1", "name": "A", "tasks": ["ANALYZE"]}}, {}, False, "CREATE_CONTENT"),
    ],
)
async def test_a_token_that_lacks_the_right_to_post_is_told(kind, settings, answers, headers, ok, says):
    async with answering(answers, headers) as address:
        connection = integrations.connect(kind, base_url=address, **settings)
        health = await connection.check()
        await connection.close()
    assert health.ok is ok, health.says
    assert says in health.says
