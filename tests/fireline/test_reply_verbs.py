"""People, replies, claims, care and the do-not-engage list from the command line."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from acme import ANA, IDA, write_starter
from replying import FALSE, REPLYING, answering_fact, crisis_with, post, replying

from crisis.triage import Narrative
from fireline.__main__ import run
from tasks.incidents import tie

POSTS = (
    post(1, f"{FALSE}!", followers=900_000),
    post(2, "My card was declined again at the acme till, this is awful and nobody helps", followers=50_000),
    post(3, "acme fixed my refund in minutes, great people, I love them", followers=2_000),
)
NORA, TOM = "mastodon:@P2@social.example", "mastodon:p3@social.example"


@pytest.fixture(autouse=True)
def an_incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRELINE_HOME", raising=False)
    monkeypatch.setenv("FIRELINE_CONFIG", str(tmp_path / "fireline.toml"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)

    async def opened() -> None:
        async with replying(tmp_path) as here:
            incident = await crisis_with(here, POSTS)
            narrative = Narrative(id="n-1", label="sells data", size=1, quote=FALSE)
            assessment = incident.assessment.model_copy(update={"narratives": (narrative,)})
            async with here.store.transaction() as tx:
                await tx.incidents.assess(incident.id, assessment, actor=IDA)
            fact = await answering_fact(here, incident)
            await tie(here, incident.id, "n-1", fact.id, actor=IDA)

    asyncio.run(opened())


def rows(capsys: pytest.CaptureFixture[str], *verb: str) -> list[dict[str, Any]]:
    assert run([*verb, "--json"]) == 0, capsys.readouterr().err
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def refused(capsys: pytest.CaptureFixture[str], *verb: str) -> tuple[int, str]:
    status = run(list(verb))
    return status, capsys.readouterr().err


def test_from_people_to_replies_and_the_stop(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys, "people", "INC-1")
    assert [(p["who"], p["stance"], p["reach"]) for p in found][1:] == [
        ("mastodon:p2@social.example", "critic", 50_000),
        ("mastodon:p3@social.example", "advocate", 2_000),
    ]
    [made] = rows(capsys, "reply", "INC-1", "--to", NORA, "--to", TOM, "--as", IDA)
    assert [r["to"] for r in made["replies"]] == ["p2@social.example", "p3@social.example"]
    [left] = rows(capsys, "strike", made["id"], "2", "--as", ANA, "--reason", "not now")
    assert (left["version"], len(left["replies"])) == (2, 1)
    assert run(["propose", made["id"], "--as", IDA]) == 0
    assert run(["replies", "INC-1", "--stop", "--as", ANA, "--reason", "a pile-on"]) == 0
    assert "Replies are stopped" in capsys.readouterr().out
    assert refused(capsys, "reply", "INC-1", "--to", TOM, "--as", IDA)[0] == 1


@pytest.mark.slow
def test_a_claim_is_corrected_from_its_fact(capsys: pytest.CaptureFixture[str]) -> None:
    [claim] = rows(capsys, "claims", "INC-1")
    assert (claim["fact"], [c["author"] for c in claim["carriers"]], claim["hinders"]) == (
        "INC-1-F1",
        ["p1@social.example"],
        "",
    )
    [made] = rows(capsys, "reply", "INC-1", "--claim", "sells data", "--why", "It quotes another firm", "--as", IDA)
    assert "It quotes another firm." in made["replies"][0]["text"]
    status, says = refused(capsys, "reply", "INC-1", "--claim", "n-1", "--as", IDA)
    assert (status, "is empty" in says) == (2, True)


@pytest.mark.slow
def test_the_do_not_engage_list_is_kept_with_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    [entry] = rows(capsys, "do-not-engage", NORA, "--mark", "minor", "--reason", "is 15", "--as", ANA)
    assert (entry["author"], entry["mark"], entry["by"]) == ("p2@social.example", "minor", ANA)
    assert "do-not-engage: minor" in refused(capsys, "reply", "INC-1", "--to", NORA, "--as", IDA)[1]
    for verb, says in (
        (("do-not-engage", "ada", "--reason", "x", "--as", ANA), "network:author"),
        (("do-not-engage", NORA, "--mark", "silly", "--reason", "x", "--as", ANA), "asked, minor, vulnerable"),
        (("do-not-engage", NORA, "--as", ANA), "the reason is empty"),
        (("hand-over", "INC-1", NORA, "--helpdesk", "care", "--as", ANA), "add [[helpdesks]]"),
        (("reply", "INC-1", "--as", ANA), "say whom to reply to"),
        (("draft", "INC-1", "--kind", "reply"), "fireline reply"),
    ):
        status, told = refused(capsys, *verb)
        assert (status in (1, 2), says in told, told.count("\n")) == (True, True, 1), (verb, told)
    assert rows(capsys, "do-not-engage", NORA, "--remove", "--reason", "is 18 now", "--as", ANA) == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[[channels]]\nname = "li"\nkind = "linkedin"\nreplies = true\n', "cannot answer single posts"),
        ('[[helpdesks]]\nname = "care"\nnotifier = "nobody"\n', "there is no notifier 'nobody'"),
        (
            '[[notifiers]]\nname = "og"\nkind = "opsgenie"\n[[helpdesks]]\nname = "care"\nnotifier = "og"\n',
            "takes nobody over (these do: intercom, zendesk",
        ),
    ],
)
def test_what_cannot_answer_or_take_over_is_told_by_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, says: str
) -> None:
    write_starter(tmp_path, *REPLYING, more=more)
    status, told = refused(capsys, "people", "INC-1")
    assert (status, says in told, "fireline.toml:" in told) == (2, True, True), told
