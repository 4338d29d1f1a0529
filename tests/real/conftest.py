"""Real servers, started once a session and stopped by themselves. Those from npm and PyPI need ``make real``."""

import hashlib
import hmac
import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from mastodon_mock.testing import MockServer

HERE = Path(__file__).parent
SYNAPSE = HERE / ".venv" / "bin" / "python"
sys.path[:0] = [str(HERE.parent / "chaos"), str(HERE.parent / "integrations")]


@contextmanager
def node(script: str, *arguments: str) -> Iterator[str]:
    """Run a script beside this file until the block ends; yields the address it prints."""
    assert (HERE / "node_modules").is_dir(), "the servers are not installed; run: make real"
    process = subprocess.Popen(
        ["node", script, *arguments],
        cwd=HERE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
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
    with node("emulated.mjs", "slack") as url:
        yield f"{url}/api"


@pytest.fixture(scope="session")
def twilio_api() -> Iterator[str]:
    """Address of Twilio's API, with the account and number of emulate's documentation."""
    with node("emulated.mjs", "twilio") as url:
        yield url


@pytest.fixture
def mastodon_server() -> Iterator[MockServer]:
    """A Mastodon server with the accounts alice, bob and carol."""
    with MockServer() as server:
        yield server


@dataclass(frozen=True)
class Homeserver:
    """A Synapse with two people on it."""

    url: str
    tokens: dict[str, str]
    """Access tokens of ``acme`` and ``ana``."""


@pytest.fixture(scope="session")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homeserver]:
    """A Matrix homeserver on SQLite."""
    assert SYNAPSE.exists(), "Synapse is not installed; run: make real"
    folder = tmp_path_factory.mktemp("synapse")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = secrets.token_hex(16)
    (folder / "homeserver.yaml").write_text(json.dumps(_homeserver(folder, port, shared)))
    start = [str(SYNAPSE), "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]
    subprocess.run([*start, "--generate-keys"], cwd=folder, check=True, capture_output=True, timeout=60)
    log = (folder / "log").open("wb")
    process = subprocess.Popen(start, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _until_it_answers(f"{url}/health", process)
        yield Homeserver(url, {name: _registered(url, shared, name) for name in ("acme", "ana")})
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _homeserver(folder: Path, port: int, shared: str) -> dict[str, object]:
    names = ["client"]
    rates = ("message", "registration", "joins", "login", "admin_redaction")
    return {
        "server_name": "acme.test",
        "listeners": [{"port": port, "bind_addresses": ["127.0.0.1"], "type": "http", "resources": [{"names": names}]}],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "media_store_path": str(folder / "media"),
        "signing_key_path": str(folder / "signing.key"),
        "registration_shared_secret": shared,
        "macaroon_secret_key": shared,
        "report_stats": False,
        "trusted_key_servers": [],
        **{f"rc_{rate}": {"per_second": 1000, "burst_count": 1000} for rate in rates if rate not in ("joins", "login")},
    }


def _until_it_answers(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert process.poll() is None, f"Synapse ended with status {process.returncode}"
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError("Synapse did not answer within a minute")


def _registered(url: str, shared: str, name: str) -> str:
    """A new account's access token (https://element-hq.github.io/synapse/latest/admin_api/register_api.html)."""
    place = f"{url}/_synapse/admin/v1/register"
    nonce = httpx.get(place, timeout=30).json()["nonce"]
    signed = "\0".join((nonce, name, "password", "notadmin")).encode()
    mac = hmac.new(shared.encode(), signed, hashlib.sha1).hexdigest()
    asked = {"nonce": nonce, "username": name, "password": "password", "admin": False, "mac": mac}
    answer = httpx.post(place, json=asked, timeout=30).raise_for_status()
    return str(answer.json()["access_token"])


@pytest.fixture
def openid_provider() -> Iterator[str]:
    """Address of an OpenID Connect provider that has verified ``ana@example.com``, and of others only the address."""
    with node("openid.mjs", "http://127.0.0.1:8420/sign-in/oidc/back", "ana@example.com", "eve@example.com") as url:
        yield url
