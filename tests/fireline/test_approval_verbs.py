"""Verbs around approving: what they do, what they refuse in one sentence, and with which exit status."""

import asyncio
import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pyotp
import pytest

from fireline.__main__ import run
from fireline.session import session
from tests.acme import ANA, CARL, IDA, LENA, write_starter

SID = "INC-1-S1"
EVA = "eva@example.com"
WHY = "people are being hurt and nobody answers"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(folder)))
    monkeypatch.setenv("FIRELINE_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def opened(capsys: pytest.CaptureFixture[str]) -> None:
    """An incident with its holding statement proposed, and a correction-like text that comms and legal must approve."""
    assert run(["open", "acme", "Payments fail", "--as", IDA, "--severity", "SEV2", "--type", "service_failure"]) == 0


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, object]], str]:
    """Exit status, the JSON lines and stderr of one verb."""
    capsys.readouterr()
    status = run([*arguments, "--json"])
    captured = capsys.readouterr()
    return status, [json.loads(line) for line in captured.out.splitlines()], captured.err


def code_of(who: str) -> str:
    async def enrol() -> str:
        async with session() as here, here.store.transaction() as tx:
            return await tx.codes.enrol(who)

    return pyotp.TOTP(parse_qs(urlparse(asyncio.run(enrol())).query)["secret"][0]).at(time.time())


@pytest.mark.usefixtures("opened")
def test_a_turn_is_handed_on_used_listed_and_ended(capsys: pytest.CaptureFixture[str]) -> None:
    status, [given], _ = said(
        capsys, "delegate", EVA, "--as", ANA, "--for", "8 h", "--reason", "away", "--statement", SID
    )
    assert (status, given["id"], given["delegate"]) == (0, "D-1", EVA)
    status, [listed], _ = said(capsys, "delegations")
    assert (status, listed["holds"]) == (0, True)
    assert said(capsys, "undelegate", "D-1", "--as", CARL, "--reason", "x")[0] == 1
    assert said(capsys, "undelegate", "D-1", "--as", ANA, "--reason", "back")[0] == 0
    assert said(capsys, "approve", SID, "--as", EVA, "--role", "comms")[0] == 1
    said(capsys, "delegate", EVA, "--as", ANA, "--for", "8 h", "--reason", "away")
    status, [after], _ = said(capsys, "approve", SID, "--as", EVA, "--role", "comms")
    assert (status, after["approved"]) == (0, True)


@pytest.mark.usefixtures("opened")
def test_an_approval_that_has_gone_out_cannot_be_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = said(capsys, "take-back", SID, "--as", ANA, "--reason", "too early")
    assert (status, "has not approved" in err) == (1, True)
    said(capsys, "approve", SID, "--as", ANA, "--role", "comms")
    status, _, err = said(capsys, "take-back", SID, "--as", ANA, "--reason", "too early")
    assert (status, "`fireline withdraw INC-1-S1`" in err) == (1, True)


@pytest.mark.usefixtures("opened")
def test_the_glass_is_broken_with_a_code_and_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    short = said(capsys, "break-glass", SID, "--as", IDA, "--code", code_of(IDA), "--reason", "hurry")
    assert (short[0], "at least 20 characters" in short[2]) == (1, True)
    status, [row], _ = said(capsys, "break-glass", SID, "--as", IDA, "--code", code_of(IDA), "--reason", WHY)
    assert status == 0
    assert set(row["deliveries"].values()) == {"accepted"}  # type: ignore[attr-defined]


PLAYBOOKS = Path(__file__).parents[2] / "config" / "playbooks"


def test_words_are_cleared_beforehand_and_go_out_by_themselves(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "playbooks"
    own.mkdir()
    text = (PLAYBOOKS / "service_failure.yaml").read_text(encoding="utf-8").replace("preclear: false", "preclear: true")
    (own / "service_failure.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("FIRELINE_PLAYBOOKS_DIR", str(own))
    channels = [
        w
        for name in ("newsroom-mastodon", "newsroom-bluesky", "status-page", "customer-list")
        for w in ("--channel", name)
    ]
    asking = ["preclear", "acme", "--type", "service_failure", *channels, "--for", "90 d", "--uses", "2", "--as", IDA]
    status, [made], _ = said(capsys, *asking)
    assert (status, made["id"]) == (0, "PC-1")
    assert "something is wrong" in made["shown"]["service_failure"]  # type: ignore[index]
    status, [after], _ = said(capsys, "preclear-approve", "PC-1", "--as", ANA, "--role", "comms")
    assert (status, after["approved"]) == (0, True)
    run(["open", "acme", "Payments fail", "--as", IDA, "--severity", "SEV2", "--type", "service_failure"])
    status, [listed], _ = said(capsys, "preclearances")
    assert (listed["state"], listed["used"]) == ("approved", 1)
    assert said(capsys, "preclear-end", "PC-1", "--as", LENA, "--reason", "new voice")[0] == 0
    assert said(capsys, "preclearances")[1][0]["state"] == "voided"


BAD = [
    (("delegate", EVA, "--as", ANA, "--for", "soon", "--reason", "x"), 2, "--for: must be a length of time"),
    (
        ("delegate", "eve@example.com", "--as", ANA, "--for", "8 h", "--reason", "x"),
        2,
        "did you mean 'eva@example.com'",
    ),
    (("delegate", EVA, "--as", ANA, "--for", "40 d", "--reason", "x"), 1, "30 days at most"),
    (("undelegate", "D-9", "--as", ANA, "--reason", "x"), 1, "there is no delegation 'D-9'"),
    (("take-back", "INC-9-S1", "--as", ANA, "--reason", "x"), 1, "there is no statement 'INC-9-S1'"),
    (("break-glass", "INC-9-S1", "--as", IDA, "--code", "1", "--reason", "x"), 1, "there is no statement"),
    (("preclear-approve", "PC-9", "--as", ANA, "--role", "comms"), 1, "there is no pre-clearance 'PC-9'"),
    (
        ("preclear", "acme", "--type", "service_failure", "--channel", "x", "--for", "9 d", "--uses", "1", "--as", IDA),
        2,
        "'x'",
    ),
    (
        (
            "preclear",
            "acme",
            "--type",
            "unknown",
            "--channel",
            "status-page",
            "--for",
            "9 d",
            "--uses",
            "1",
            "--as",
            IDA,
        ),
        1,
        "does not allow pre-cleared statements",
    ),
    (("preclear", "acme", "--for", "9 d", "--uses", "1", "--as", IDA), 2, "type"),
]


@pytest.mark.parametrize(
    ("arguments", "status", "says"), BAD, ids=[" ".join(b[0][:2]) + f" {n}" for n, b in enumerate(BAD)]
)
def test_bad_input_ends_in_one_sentence(
    arguments: tuple[str, ...], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, rows, err = said(capsys, *arguments)
    assert (found, rows) == (status, [])
    assert len(err.splitlines()) == 1
    assert says in err
