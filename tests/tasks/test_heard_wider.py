"""Monitoring widens with severity: a wider query is heard while a grave incident is watched, and counted for nothing."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from acme import NOON, acme
from test_answers_heard import SOURCE, spoken

import config
from config import ConfigError
from crisis.clock import FixedClock
from crisis.monitoring import hears
from crisis.values import Severity
from tasks.detect import listen
from tasks.monitoring import monitoring_of

WIDER = ("languages = []\n", "languages = []\nwider = '\"payment app\" OR #noshopping'\n")


@pytest.mark.parametrize(("severity", "heard"), [(Severity.SEV2, ["nameless"]), (Severity.SEV3, [])])
async def test_from_sev2_on_those_who_mean_us_without_our_name_are_kept_with_the_incident(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, severity: Severity, heard: list[str]
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, WIDER, clock=FixedClock(NOON), more=SOURCE) as here:
        await spoken(here, severity)
        texts = {"about": "my acme app fails", "nameless": "The payment app is dead again", "other": "The weather app"}
        rows = [
            {"id": id, "text": text, "author": id, "language": "en"}
            | {"created_at": (NOON - timedelta(minutes=9 - n)).isoformat()}
            for n, (id, text) in enumerate(texts.items())
        ]
        (tmp_path / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        says = await listen(here, "acme", "recording")
        async with here.store.reading() as tx:
            kept = {m.id for m in await tx.mentions.list("INC-1")}
            watched = await monitoring_of(here, tx, "INC-1")
    assert "3 posts, 1 matched" in says
    assert sorted(kept - {"about"}) == heard
    assert watched is not None
    assert watched.hears == hears(severity, wider=True)
    assert watched.hears in watched.says


def test_a_wider_query_that_does_not_parse_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    text = "organisation = 'Acme'\n[[watches]]\nname = 'acme'\nbrand = 'Acme'\nquery = 'acme'\nwider = 'app AND ('\n"
    (tmp_path / "fireline.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"fireline\.toml:6: wider: "):
        config.load(tmp_path / "fireline.toml")
