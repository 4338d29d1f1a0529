"""Real servers, started once a session and stopped by themselves. Those from npm need ``npm ci --prefix tests/real``."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from mastodon_mock.testing import MockServer

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "chaos"))


@contextmanager
def node(script: str) -> Iterator[str]:
    """Run a script beside this file until the block ends; yields the address it prints."""
    assert (HERE / "node_modules").is_dir(), "the servers are not installed; run: npm ci --prefix tests/real"
    process = subprocess.Popen(
        ["node", script], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin
    assert process.stdout
    try:
        line = process.stdout.readline()
        assert line, f"{script} ended with status {process.wait(10)} before it was ready"
        yield json.loads(line)["url"]
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


@pytest.fixture(scope="session")
def pds() -> Iterator[str]:
    """Address of a Bluesky personal data server with the accounts ``brandex.test`` and ``ana.test``."""
    with node("pds.mjs") as url:
        for name in ("brandex", "ana"):
            account = {"handle": f"{name}.test", "email": f"{name}@example.com", "password": f"password-of-{name}"}
            httpx.post(f"{url}/xrpc/com.atproto.server.createAccount", json=account, timeout=30).raise_for_status()
        yield url


@pytest.fixture(scope="session")
def slack_api() -> Iterator[str]:
    """Address of a Slack Web API with the channels ``#general`` and ``#random``."""
    with node("slack.mjs") as url:
        yield f"{url}/api"


@pytest.fixture
def mastodon_server() -> Iterator[MockServer]:
    """A Mastodon server with the accounts alice, bob and carol."""
    with MockServer() as server:
        yield server
