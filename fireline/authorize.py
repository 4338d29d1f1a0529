"""``fireline authorize``: an account's consent by OAuth 2.0, given in a browser; its tokens go to a Prefect block."""

import asyncio
import sys
from typing import Annotated

from cyclopts import Parameter

from fireline.errors import Stop
from fireline.incidents import Json
from fireline.session import session, show

_PAGE = "<!doctype html><meta name=viewport content='width=device-width'><title>Fireline</title><p>{}</p>"
_DONE = "That is all here. Go back to the terminal."
_LINE = 16 * 1024
"""Bytes of a request's head; an address with a code is a tenth of that."""


async def authorize(
    channel: str,
    *,
    port: int = 8421,
    paste: Annotated[bool, Parameter(negative="", help="The browser is on another machine.")] = False,
    json: Json = False,
) -> None:
    """Ask a channel's account for its consent, and keep the tokens in a Prefect block, which renews them.

    Open the address that is shown in a browser where the account is logged in. The platform sends the browser back to
    http://127.0.0.1:PORT/callback, which must be among the callback addresses in the app's settings there.

    Args:
        channel: The channel's name in fireline.toml.
        port: Where the browser comes back to.
        paste: Do not wait for the browser: paste the address to which it was sent back.
    """
    from integrations import IntegrationError
    from tasks.authorization import Authorization

    async with session() as here:
        chosen = here.settings.channel(channel)
        try:
            asked = Authorization(chosen, f"http://127.0.0.1:{port}/callback")
            print(f"Open this address, logged in as the account that is to post:\n\n{asked.address}\n", file=sys.stderr)
            came_back = await (_pasted() if paste else _redirected(port))
            scopes = await asked.finish(came_back)
        except IntegrationError as error:
            raise Stop(f"{channel}: {error}", 1) from None
        words = f"{channel} may now act ({', '.join(scopes)}). Next: fireline check"
        show({"channel": channel, "scopes": list(scopes)}, as_json=json, words=words)


async def _pasted() -> str:
    print("Paste the address to which the browser was sent back: ", end="", file=sys.stderr, flush=True)
    line: str = await asyncio.to_thread(sys.stdin.readline)
    return line.strip()


async def _redirected(port: int) -> str:
    """The address with which the browser comes back to this machine; other requests are turned away."""
    came_back: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii", "replace")
            path = head.split(" ", 2)[1]
            right = path.startswith("/callback?")
            page = _PAGE.format(_DONE if right else "Nothing is here.")
            status = "200 OK" if right else "404 Not Found"
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(page)}\r\n"
                f"Connection: close\r\n\r\n{page}".encode()
            )
            await writer.drain()
            if right and not came_back.done():
                came_back.set_result(f"http://127.0.0.1:{port}{path}")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, IndexError, OSError):
            pass
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(serve, "127.0.0.1", port, limit=_LINE)
    except OSError as error:
        raise Stop(f"port {port} cannot be used ({error.strerror}): choose another with --port", 2) from None
    async with server:
        return await came_back
