"""A real aiosmtpd in a process of its own that writes down whom it took a mail for, one line each, before it answers.

``python mail_sink.py FILE``: prints its port, serves until its standard input closes.
"""

import asyncio
import os
import sys

from aiosmtpd.smtp import SMTP, Envelope, Session


class Keeper:
    """Writes down every recipient of every mail."""

    def __init__(self, file: str) -> None:
        self._file = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        for recipient in envelope.rcpt_tos:
            os.write(self._file, f"{recipient}\n".encode())
        return "250 taken"


async def serve(file: str) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Keeper(file), hostname="sink.test", loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
