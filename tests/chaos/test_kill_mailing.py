"""A mailing whose sender is killed again and again: nobody gets it twice, and nobody is silently missed (about 40 s)."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from acme import IDA, acme, incident_in

from crisis.clock import SystemClock
from crisis.delivery import DeliveryState
from crisis.mailing import RecipientState
from crisis.values import StatementKind
from records import StatementStatus
from tasks.draft import draft
from tasks.publish import delivery_of

R = RecipientState
HERE = Path(__file__).parent
RECIPIENTS, KILLS, CONNECTIONS = 6_000, 5, 3
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


@pytest.fixture
def sink(tmp_path):
    taken = tmp_path / "taken"
    server = subprocess.Popen(
        [sys.executable, str(HERE / "mail_sink.py"), str(taken)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    yield int(server.stdout.readline()), taken
    server.kill()
    server.wait()


def channel(tmp_path, port):
    return f"""
[[channels]]
name = "readers"
kind = "smtp"
[channels.settings]
base_url = "smtp://127.0.0.1:{port}"
sender = "news@acme.example"
recipients_file = "{(tmp_path / "readers.txt").as_posix()}"
connections = {CONNECTIONS}
"""


def lines(file):
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.slow
async def test_a_mailing_killed_again_and_again_reaches_everybody_once_but_for_those_in_flight(tmp_path, sink):
    port, taken = sink
    people = [f"reader{n}@x.example" for n in range(RECIPIENTS)]
    (tmp_path / "readers.txt").write_text("\n".join(people))
    async with acme(tmp_path, clock=SystemClock(), more=channel(tmp_path, port)) as here:
        text = await draft(here, (await incident_in(here)).id, StatementKind.HOLDING, author=IDA)
        rendering = next(r for r in text.renderings if r.target.channel == "readers")
        delivery = delivery_of(here, text, rendering)
        async with here.store.transaction() as tx:
            await tx.statements.set_status(text.id, 1, StatementStatus.PUBLISHED, actor="test")
            await tx.outbox.enqueue(delivery, actor="test")
    dice = random.Random(7)
    for kill in range(KILLS + 1):
        sender = subprocess.Popen(
            [sys.executable, str(HERE / "mailer.py"), str(tmp_path / "fireline.toml"), delivery.id],
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        assert sender.stdout.readline() == "begins\n"
        if kill < KILLS:
            goal = len(lines(taken)) + dice.randint(50, 700)
            while len(lines(taken)) < goal and sender.poll() is None:
                time.sleep(0.005)
            sender.send_signal(signal.SIGKILL)
        assert sender.wait(300) == (-9 if kill < KILLS else 0)
    got = Counter(lines(taken))
    async with acme(tmp_path, clock=SystemClock(), more=channel(tmp_path, port)) as here:
        async with here.store.reading() as tx:
            after = await tx.outbox.get(delivery.id)
            rows = await tx.mailings.list(delivery.id)
        assert (await here.store.verify()).ok
    assert max(got.values()) == 1
    states = {r.address: r.state for r in rows}
    assert set(states) == set(people)
    unknown = {a for a, state in states.items() if state is R.UNKNOWN}
    assert {a for a, state in states.items() if state is R.ACCEPTED} == set(people) - unknown
    assert set(people) - set(got) <= unknown
    assert len(unknown) <= KILLS * CONNECTIONS
    assert after.state is (DeliveryState.UNKNOWN if unknown else DeliveryState.ACCEPTED), after.problem
    assert after.needs_human is bool(unknown)
