"""A mail server that takes everything and does nothing with it, so that a sender is what a benchmark measures.

Run as ``python -m benchmarks.smtp_sink``: it prints its port, serves until its standard input closes, and then prints
how many messages it took and how many different recipients they had.
"""

import asyncio
import sys
from collections import Counter
from typing import ClassVar


class Sink(asyncio.Protocol):
    """One connection: the replies of RFC 5321, as fast as Python gives them."""

    taken: ClassVar[Counter[bytes]] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""
        self._in_text = False
        self._to = b""
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            if self._in_text:
                end = self._buffer.find(b"\r\n.\r\n")
                if end < 0:
                    return
                self._buffer = self._buffer[end + 5 :]
                self._in_text = False
                Sink.taken[self._to] += 1
                self._transport.write(b"250 taken\r\n")
                continue
            line, found, rest = self._buffer.partition(b"\r\n")
            if not found:
                return
            self._buffer = rest
            self._command(line)

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"DATA":
            self._in_text = True
            self._transport.write(b"354 go on\r\n")
        elif verb == b"EHLO":
            self._transport.write(b"250-sink\r\n250 8BITMIME\r\n")
        elif verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:
            if verb == b"RCPT":
                self._to = line[9:-1]
            self._transport.write(b"250 ok\r\n")


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()
    print(sum(Sink.taken.values()), len(Sink.taken), flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
