"""Tokens, sessions and restricting from the command line."""

import asyncio
import json
from pathlib import Path

import pytest
from acme import IDA, LENA, acme, incident_in, write_starter

from fireline.__main__ import run


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with INC-1."""
    monkeypatch.delenv("FIRELINE_HOME", raising=False)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path)))

    async def opened() -> None:
        async with acme(tmp_path) as here:
            await incident_in(here)

    asyncio.run(opened())
    return tmp_path


def test_a_token_is_shown_once_listed_without_its_secret_and_revoked(there, capsys):
    assert run(["token", "new", "board", "--scopes", "read,ingest", "--expires", "90d", "--as", IDA]) == 0
    secret = capsys.readouterr().out.split()[0]
    assert run(["token", "list", "--json"]) == 0
    out = capsys.readouterr().out
    (row,) = map(json.loads, out.splitlines())
    assert (row["name"], row["scopes"], row["stands"], row["made_by"]) == ("board", ["read", "ingest"], "in use", IDA)
    assert secret[20:] not in out
    assert run(["token", "revoke", "board"]) == 0
    assert run(["token", "revoke", "board"]) == 1
    capsys.readouterr()
    assert run(["token", "list"]) == 0
    assert "revoked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["new", "board", "--scopes", "approve"], "there is no scope 'approve'"),
        (["new", "board"], "say what it may do"),
        (["new", "board", "--scopes", "read", "--expires", "soon"], "no span of time"),
        (["revoke"], "name the token"),
        (["make", "board"], "make"),
    ],
)
def test_a_token_that_is_not_right_is_said(there, capsys, arguments, says):
    assert run(["token", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_an_incident_is_restricted_and_opened_again(there, capsys):
    by = ["--as", IDA, "--reason", "a person is named"]
    assert run(["restrict", "INC-1", "--to", f"{LENA},role:comms", *by, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["people"], row["roles"]) == ([IDA, LENA], ["comms"])
    assert "Otto Haas" in row["shut_out"]
    assert run(["restrict", "INC-1", *by]) == 2
    assert run(["restrict", "INC-1", "--to", LENA, "--as", LENA, "--reason", "x"]) == 1
    assert "neither leads" in capsys.readouterr().err
    assert run(["restrict", "INC-1", "--lift", *by]) == 0
    assert "open to everybody" in capsys.readouterr().out


def test_who_is_signed_in_is_listed_and_shown_out(there, capsys):
    from datetime import UTC, datetime, timedelta

    from crisis.access import Method

    async def signed_in() -> None:
        async with acme(there) as here, here.store.transaction() as tx:
            for number in range(2):
                await tx.sessions.begin(
                    str(number), person=LENA, method=Method.LINK, agent="x", address="192.0.2.1",
                    now=datetime.now(UTC), lasts=timedelta(days=1), actor=LENA,
                )  # fmt: skip

    asyncio.run(signed_in())
    assert run(["sessions"]) == 0
    assert capsys.readouterr().out.count(LENA) == 2
    assert run(["sign-out", LENA.upper(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ended": 2}
    assert run(["sessions"]) == 0
    assert "Nobody is signed in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "says"),
    [("", []), ('\n[desk.oidc]\nissuer = "http://127.0.0.1:9"\nclient_id = "x"\n', [False])],
    ids=["none", "unreachable"],
)
def test_check_asks_the_provider_that_people_sign_in_with(tmp_path, more, says):
    import config
    from fireline.setup import _provider

    head = "#oidc"
    settings = config.load(write_starter(tmp_path, ("#[desk.oidc]", f"{head}{more}")))
    assert [finding.ok for finding in asyncio.run(_provider(settings, 2.0))] == says
