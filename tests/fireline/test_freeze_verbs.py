"""Freeze and unfreeze from the command line: each post with what became of it, and 1 when a human must see to any."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from acme import IDA, acme, incident_in, write_starter
from scheduler_receivers import PostizReceiver

from fireline.__main__ import run

BY = ["--as", IDA, "--reason", "because"]
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
MORE = '[[schedulers]]\nname = "marketing"\nkind = "postiz"\nsettings = {{ base_url = "{}" }}\n'
BY_HAND = '[[schedulers]]\nname = "x"\nkind = "by_hand"\nsettings = { what = "posts scheduled in X" }\n'


@pytest.fixture(scope="module")
def served() -> Iterator[PostizReceiver]:
    with PostizReceiver() as receiver:
        yield receiver


@pytest.fixture
def postiz(served: PostizReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PostizReceiver:
    """An installation with INC-1 and a scheduler with one post."""
    served.reset()
    monkeypatch.delenv("FIRELINE_HOME", raising=False)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("FIRELINE_MARKETING_API_KEY", "right")
    more = MORE.format(served.url)
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path, more=more)))

    async def opened() -> None:
        async with acme(tmp_path, more=more) as here:
            await incident_in(here)

    asyncio.run(opened())
    served.add(NOW + timedelta(hours=2), "Buy\n\x1b[31mnow!")
    return served


def test_what_is_frozen_and_put_back_is_listed_post_by_post(postiz, capsys):
    assert run(["freeze", "INC-1", *BY]) == 0
    out = capsys.readouterr().out
    assert "frozen" in out
    assert "x Acme" in out
    assert "\x1b" not in out
    assert postiz.stands() == {}
    assert run(["unfreeze", "INC-1", *BY, "--json"]) == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (row["scheduler"], row["post"], row["state"]) == ("marketing", "post-1", "restored")
    assert len(postiz.stands()) == 1
    assert run(["unfreeze", "INC-1", *BY]) == 1
    assert "nothing is frozen for INC-1" in capsys.readouterr().err


def test_what_no_api_reaches_ends_with_1_and_says_what_to_do(postiz, tmp_path, capsys):
    write_starter(tmp_path, more=BY_HAND)
    assert run(["freeze", "INC-1", *BY]) == 1
    assert "posts scheduled in X" in (out := capsys.readouterr().out)
    assert "pause it there by hand" in out


def test_a_closed_incident_that_still_holds_posts_says_so_in_the_list(postiz, capsys):
    assert run(["freeze", "INC-1", *BY]) == 0
    assert run(["dismiss", "INC-1", *BY]) == 0
    capsys.readouterr()
    assert run(["incidents"]) == 0
    assert "what becomes of a frozen post: `fireline unfreeze INC-1`" in capsys.readouterr().out


def test_check_proves_each_scheduler_and_hides_its_key(postiz, capsys):
    run(["check"])
    lines = [line for line in capsys.readouterr().out.splitlines() if "scheduler" in line]
    assert len(lines) == 1
    assert lines[0].startswith("ok")
    assert "schedules for Acme" in lines[0]
    assert len(postiz.stands()) == 1


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[[schedulers]]\nname = "m"\nkind = "postix"\n', "did you mean 'postiz'"),
        ('[[schedulers]]\nname = "m"\nkind = "postiz"\nwatch = ["acmee"]\n', "belongs to an unknown watch 'acmee'"),
        (f"{BY_HAND}{BY_HAND}", "two schedulers have the name 'x'"),
        ('[[schedulers]]\nname = "m"\nkind = "mastodon"\n', "no kind of scheduler 'mastodon'"),
        (
            '[[channels]]\nname = "m"\nkind = "sandbox"\nlooks_like = "mastodon"\ncomponents = ["c1"]\n',
            "components are for status pages; 'm' is 'mastodon'",
        ),
    ],
)
def test_a_mistake_in_the_configuration_of_either_is_one_sentence(postiz, tmp_path, capsys, more, says):
    write_starter(tmp_path, more=more)
    assert run(["check"]) == 2
    assert says in capsys.readouterr().err
