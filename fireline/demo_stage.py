"""The stage of the demo: a folder of its own, free ports, a mail server that keeps what it gets, and posts moved to today.

Nothing here is special to the product: the same configuration, flows and desk run as for real use; only the company is
invented, the posts are a recording whose times are shifted, and one second is one minute.
"""

import gzip
import json
import os
import shutil
import socket
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

import config
from config.runtime import make_home
from config.scenarios import FIRESTORM, FIRESTORM_STRIKES
from fireline.errors import Stop
from fireline.lock import demo_lock, running_lock

SCENARIOS = FIRESTORM.parent
LEAD = timedelta(minutes=4)
"""Calm minutes on the demo's clock before the storm."""
MARKER = ".fireline-demo"
"""Marks a folder that the demo made and may clear."""


class MailSink:
    """A mail server on this machine that keeps every message in a folder and sends nothing on."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._controller = Controller(self, hostname="127.0.0.1", port=port, decode_data=False)
        self._count = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep one message."""
        self._count += 1
        data = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        fresh = self.folder / f".{self._count:04}"
        fresh.write_bytes(data)
        fresh.rename(self.folder / f"{self._count:04}.eml")
        return "250 kept"

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop(no_assert=True)

    def messages(self) -> list[EmailMessage]:
        """Everything that came in, oldest first."""
        parsed = [message_from_bytes(p.read_bytes(), policy=modern) for p in sorted(self.folder.glob("*.eml"))]
        return [m for m in parsed if isinstance(m, EmailMessage)]


def free_ports(count: int) -> list[int]:
    """Ports on this machine that nobody uses right now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


class Stage:
    """The demo's folder and what stands in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        make_home(home.parent)
        self.lock = demo_lock(home)
        if home.exists() and any(home.iterdir()):
            if not (home / MARKER).exists():
                raise Stop(f"{home} holds something that the demo did not make: set FIRELINE_HOME to another folder")
            running_lock(home).release()  # a `fireline up` on what the last demo left
            shutil.rmtree(home)
        make_home(home)
        (home / MARKER).touch()
        desk, prefect, smtp = free_ports(3)
        text = (SCENARIOS / "demo.toml").read_text(encoding="utf-8")
        for name, port in (("desk_port", desk), ("prefect_port", prefect), ("smtp_port", smtp)):
            text = text.replace(f"{{{name}}}", str(port))
        self.config_file = home / "fireline.toml"
        self.config_file.write_text(f'home = "{home.as_posix()}"\n{text}', encoding="utf-8")
        shutil.copytree(SCENARIOS / "playbooks", home / "playbooks")
        os.environ["FIRELINE_HOME"] = str(home)  # for this process and all it starts, whatever the user has set
        self.settings = config.load(self.config_file)
        self.mail = MailSink(home / "mail", smtp)

    def write_posts(self, now: datetime) -> int:
        """Put the recording beside the configuration, its storm beginning ``LEAD`` from now; returns how many posts."""
        shift = now + LEAD - FIRESTORM_STRIKES
        count = 0
        with gzip.open(FIRESTORM, "rt", encoding="utf-8") as recording, (self.home / "posts.jsonl").open("w") as out:
            for line in recording:
                post: dict[str, Any] = json.loads(line)
                post["created_at"] = (datetime.fromisoformat(post["created_at"]) + shift).isoformat()
                out.write(json.dumps(post, ensure_ascii=False) + "\n")
                count += 1
        return count
