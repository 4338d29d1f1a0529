"""Serving the desk inside a process that runs other things too: ``fireline up`` embeds it.

Nothing is logged per request, because addresses hold approval tokens and the desk key. Signals stay with the process
that embeds it: cancel the coroutine and the desk finishes its open answers and stops.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from config import ConfigError
from desk.app import create_app
from tasks.installation import Installation

CLOSING_SECONDS = 5
"""How long open answers may still take when the desk stops."""


class _Embedded(uvicorn.Server):
    """A server that leaves the process's signals alone and says when it answers."""

    def __init__(self, settings: uvicorn.Config, answers: asyncio.Event | None) -> None:
        super().__init__(settings)
        self._answers = answers

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self._answers is not None:
            self._answers.set()


def listen(host: str, port: int) -> socket.socket:
    """The socket the desk will answer on; port 0 takes any free one.

    Raises:
        ConfigError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigError(
            f"the desk cannot listen on {host}:{port} ({error}): stop what uses it, or set another [desk] port"
        ) from None
    listener.setblocking(False)
    return listener


async def serve(
    here: Installation,
    host: str = "127.0.0.1",
    port: int = 8420,
    *,
    listener: socket.socket | None = None,
    started: asyncio.Event | None = None,
) -> None:
    """Answer until cancelled. ``started`` is set once requests are answered.

    Raises:
        ConfigError: the address cannot be used.
    """
    app = create_app(here)
    server = _Embedded(
        uvicorn.Config(
            app,
            access_log=False,
            log_level="warning",
            log_config=None,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_keep_alive=10,
            timeout_graceful_shutdown=CLOSING_SECONDS,
            limit_concurrency=512,
        ),
        started,
    )
    answering = asyncio.ensure_future(server.serve(sockets=[listener or listen(host, port)]))
    try:
        await asyncio.shield(answering)
    finally:
        app.state.desk.live.close()  # else open pages would hold up the end for as long as they may
        server.should_exit = True
        await answering
