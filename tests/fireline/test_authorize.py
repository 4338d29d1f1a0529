"""Consent from the terminal to the block: the tokens are kept by a real Prefect server, and every process posts with them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from acme import write_starter
from stack import FIRELINE, Stack, running
from x_receiver import CLIENT, XReceiver

from fireline.__main__ import run

CHANNEL = """
[[channels]]
name = "acme-x"
kind = "x"
[channels.settings]
client_id = "{client_id}"
base_url = "{url}"
"""


def authorized(stack: Stack, x: XReceiver, *, name: str = "acme-x") -> tuple[int, str, str]:
    """``fireline authorize``, with a browser that consents; exit status, stdout, stderr."""
    process = subprocess.Popen(
        [FIRELINE, "authorize", name, "--paste", "--json"],
        env=stack.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    said = ""
    while "https://x.com/i/oauth2/authorize" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    out, err = process.communicate(x.consent(said.split()[-1]) + "\n", timeout=60)
    return process.returncode, out, said + err


@pytest.mark.slow
def test_consent_is_kept_by_prefect_and_renewed_there(tmp_path: Path) -> None:
    with XReceiver() as x, running(tmp_path, more=CHANNEL.format(url=x.url, **CLIENT)) as stack:
        x.lives = 30  # so that whoever uses them renews them first
        status, out, err = authorized(stack, x)
        assert status == 0, err
        assert json.loads(out)["channel"] == "acme-x"
        assert not any(token in out + err for token in (*x.good["access"], *x.good["refresh"]))
        first = list(x.good["refresh"])
        for _ in range(2):  # another process each, and each renews what the one before has kept
            done = subprocess.run(
                [FIRELINE, "check", "--json"], env=stack.environment, capture_output=True, text=True, check=False
            )
            found = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
            assert found["acme-x"]["says"].startswith("posts as @acme"), found["acme-x"]
        assert x.good["refresh"] != first
        shown = "".join(file.read_text("utf-8", "replace") for file in tmp_path.glob("*.log"))
        assert not any(token in shown for token in (*x.good["access"], *x.good["refresh"]))


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("acme-z", "", "there is no channel 'acme-z'"),
        ("status-page", "", "needs no consent"),
        ("acme-x", CHANNEL.format(url="https://api.x.com", client_id=""), "set client_id of 'acme-x' first"),
    ],
)
def test_a_channel_that_cannot_ask_for_consent_is_told(name, more, says, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path, more=more)))
    assert run(["authorize", name]) in (1, 2)
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err


def test_without_a_prefect_server_tokens_are_not_bought(tmp_path, monkeypatch, capsys):
    with XReceiver() as x:
        monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path, more=CHANNEL.format(url=x.url, **CLIENT))))
        monkeypatch.delenv("PREFECT_API_URL", raising=False)
        monkeypatch.setattr(sys, "stdin", type("In", (), {"readline": lambda _: "http://127.0.0.1/callback"})())
        assert run(["authorize", "acme-x", "--paste"]) == 1
        assert "start it first (fireline up)" in capsys.readouterr().err
        assert x.good["access"] == []
