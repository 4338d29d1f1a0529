"""A TCP proxy that can deliver a request and lose the answer, the case every delivery class has to survive.

with Proxy("127.0.0.1", port, after=b"POST /api/v1/statuses") as proxy:
    proxy.lose(1)          # the next matching request is delivered; its answer is dropped and the connection reset
    ...                    # connect to proxy.port
"""

import asyncio
import contextlib
import socket
import struct

from loopback import LoopThread


class Proxy(LoopThread):
    """Forwards to ``host:port``; ``after`` is what a client must have sent for its answer to be lost."""

    def __init__(self, host: str, port: int, *, after: bytes = b"") -> None:
        self._upstream, self.after = (host, port), after
        self._lose = 0
        self.silent = False
        """Keep the connection open without an answer instead of resetting it."""
        self.lost = 0
        """Answers lost so far."""
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lose(self, answers: int = 1) -> None:
        """Lose that many further answers."""
        self._lose = answers

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        await super().stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        except OSError:
            writer.transport.abort()
            return
        seen = bytearray()

        async def requests() -> None:
            while data := await reader.read(65536):
                seen.extend(data)
                up_writer.write(data)
                await up_writer.drain()
            up_writer.close()

        async def answers() -> None:
            while data := await up_reader.read(65536):
                if self._lose and self.after in seen:
                    self._lose -= 1
                    self.lost += 1
                    if self.silent:
                        await asyncio.sleep(3600)
                    _reset(writer)
                    return
                del seen[: -len(self.after) or None]
                writer.write(data)
                await writer.drain()

        asking = asyncio.ensure_future(requests())
        try:
            with contextlib.suppress(OSError):
                await answers()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            up_writer.close()
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a crashed host or an impatient load balancer does."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
