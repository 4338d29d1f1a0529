"""The Set-up pages: a query tried on recorded posts, services checked, and nothing secret or alive on any of them."""

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from at_the_desk import HOSTILE, Scene

from config import SourceSettings
from crisis.learning import Elsewhere, Learnt, Past, propose_alert, propose_clock, propose_edges
from desk import watch_preview
from desk.watch_preview import toml_of
from records.budgets import Left
from records.checks import Checked
from tasks.learning import put_on_record

PLACES = (
    "/setup",
    "/setup/watches",
    "/setup/playbooks",
    "/setup/people",
    "/setup/channels",
    "/setup/learning",
    "/setup/work",
)


async def shown(scene: Scene, path: str, status: int = 200, **params: str) -> str:
    async with scene.at_the_desk() as browser:
        answer = await browser.get(path, params=params)
    assert answer.status_code == status
    return answer.text


@pytest.mark.parametrize("path", PLACES)
async def test_each_page_is_there_for_whoever_has_a_session_and_for_nobody_else(scene: Scene, path: str) -> None:
    assert "<h1>" in await shown(scene, path)
    async with scene.browser() as browser:
        assert (await browser.get(path)).status_code == 403


async def test_a_query_shows_what_it_matches_in_the_posts_that_incidents_relied_on(scene: Scene) -> None:
    page = await shown(scene, "/setup/watches", query="till OR أدفع", **{"in": "records"})
    assert "2 of 3 posts match (67 %)" in page
    assert "Stood at the till like a fool, @acme." in page
    assert "كيف أدفع الآن؟" in page


async def test_hostile_posts_and_queries_stay_words(scene: Scene) -> None:
    page = await shown(scene, "/setup/watches", query=f"script {HOSTILE[:60]}", brand=HOSTILE, **{"in": "records"})
    page += await shown(scene, "/setup/watches", query='script OR "<script>alert(1)</script>"', **{"in": "records"})
    assert "owned" in page
    assert "<script>" not in page
    assert "<img src=x" not in page
    assert "\u202e" not in page


async def test_a_query_that_does_not_parse_points_at_the_character(scene: Scene) -> None:
    page = await shown(scene, "/setup/watches", query="acme AND (broken")
    assert "does not parse, at character 10" in page
    assert "<mark>(</mark>" in page
    assert "never closed" in page


async def test_a_part_is_answered_to_htmx_and_a_page_to_everybody_else(scene: Scene) -> None:
    async with scene.at_the_desk() as browser:
        params = {"query": "till", "in": "records"}
        part = await browser.get("/setup/watches", params=params, headers={"HX-Request": "true"})
        whole = await browser.get("/setup/watches", params=params)
        judged = await browser.get("/setup/watches/alarms", params=params, headers={"HX-Request": "true"})
        alone = await browser.get("/setup/watches/alarms", params=params)
    assert "<html" not in part.text
    assert "<html" in whole.text
    assert "1 of 3 posts match" in part.text
    assert "It would have raised no alarm" in judged.text
    assert "<html" not in judged.text
    assert "data:image/svg+xml" in alone.text


async def test_judging_that_takes_too_long_is_stopped_and_says_so(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_preview, "ALARM_SECONDS", 0.0)
    page = await shown(scene, "/setup/watches/alarms", query="brewline", **{"in": "firestorm"})
    assert "What came later is not known" in page
    monkeypatch.setattr(watch_preview, "MATCH_SECONDS", 0.0)
    assert "Stopped after 0 of 2,991 posts" in await shown(
        scene, "/setup/watches", query="brewline", **{"in": "firestorm"}
    )


async def test_a_recording_of_a_source_is_asked_first_and_one_that_cannot_be_read_says_so(
    scene: Scene, tmp_path: Path
) -> None:
    file = tmp_path / "posts.csv"
    file.write_text(
        "id,text,created_at\n1,acme is down,2026-03-01T10:00:00Z\n2,rain,2026-03-01T10:01:00Z\n3,acme,never\n"
    )
    source = SourceSettings(name="posts", kind="recorded", settings={"path": str(file)})
    wrong = SourceSettings(name="wrong", kind="recorded", settings={"speed": "fast"})
    scene.here.settings = scene.here.settings.model_copy(update={"sources": (wrong, source)})
    page = await shown(scene, "/setup/watches", query="acme")
    assert "1 of 2 posts match" in page
    assert "Rows that could not be read: 1; the first: posts.csv:4" in page
    file.unlink()
    assert "cannot be read" in await shown(scene, "/setup/watches", query="acme")


def test_the_lines_for_the_file_say_what_was_tried_whatever_it_holds() -> None:
    query = f'acme "straße" \\ \u202e\x00\x7f\n\t {HOSTILE}'
    lines = toml_of("acme", 'Ac"me', query)
    assert tomllib.loads(lines)["watches"] == [{"name": "acme", "brand": 'Ac"me', "query": query}]
    assert "\u202e" not in lines
    assert "\x7f" not in lines


async def test_services_are_checked_on_request_and_only_then(scene: Scene) -> None:
    async with scene.at_the_desk() as browser:
        page = (await browser.get("/setup/channels")).text
        assert "never checked" in page
        nonce = re.search(r'name="nonce" value="([^"]+)"', page)
        assert nonce
        assert (await browser.post("/setup/check", data={"nonce": "forged"})).status_code == 403
        other = {"nonce": nonce[1]}
        crossed = await browser.post("/setup/check", data=other, headers={"sec-fetch-site": "cross-site"})
        assert crossed.status_code == 403
        assert (await browser.get("/setup/check")).status_code == 405
        assert "never checked" in (await browser.get("/setup/channels")).text
        assert (await browser.post("/setup/check", data={"nonce": nonce[1]})).status_code == 303
        await scene.app.state.desk.background.over()
        page = (await browser.get("/setup/channels")).text
    assert "never checked" not in page
    assert "5 of 5 services" in page
    async with scene.here.store.reading() as tx:
        assert {c.name for c in await tx.checks.list()} >= {"newsroom-mastodon", "email"}


async def test_what_is_wanting_and_what_is_scarce_is_told(scene: Scene) -> None:
    now = datetime.now(UTC)
    async with scene.here.store.transaction() as tx:
        await tx.checks.note(Checked(part="channel", name="status-page", ok=False, says=HOSTILE, at=now))
        await tx.budgets.note("sandbox/status-page", "POST /posts", Left(requests=3, until=now + timedelta(hours=1)))
        await tx.ledger.append("delivery.refused", actor="outbox", incident="INC-1", data={"channel": "status-page"})
    page = await shown(scene, "/setup/channels")
    assert "wanting" in page
    assert "3 left of POST /posts" in page
    assert re.search(r"refused, <time.*INC-1", page)
    assert "<script>" not in page
    assert "1 found wanting" in await shown(scene, "/setup")


async def test_people_show_roles_and_routes_and_no_secret(scene: Scene) -> None:
    hooked = scene.here.settings.stakeholders[0].model_copy(
        update={
            "routes": ("webhook:https://hooks.example/s3cr3t", "sms:+491234"),
            "roles": ("incident_lead", "on_call"),
        }
    )
    scene.here.settings = scene.here.settings.model_copy(update={"stakeholders": (hooked,)})
    page = await shown(scene, "/setup/people")
    assert "s3cr3t" not in page
    assert "sms: +491234" in page
    assert page.index("On call now") < page.index("Ida Okafor") < page.index("Everybody")


async def test_every_playbook_is_told_in_words(scene: Scene) -> None:
    page = await shown(scene, "/setup/playbooks")
    for book in scene.here.playbooks.values():
        assert book.title in page
    assert "1 comms, 1 legal" in page


async def proposal(scene: Scene) -> None:
    """A proposal on record, for all watches and for one with a hostile name."""
    told = [Past(f"INC-{n}", HOSTILE, n % 2 == 0, ((0.0, 0.55 if n % 2 else 0.8),)) for n in range(20)]
    whole = propose_alert(told, [Elsewhere(HOSTILE, 26.0)], 0.5)
    learnt = Learnt(
        alerts=(whole, whole.model_copy(update={"watch": HOSTILE})),
        edges=propose_edges([], scene.here.settings.detection),
        clock=propose_clock([]),
    )
    await put_on_record(scene.here, learnt, actor="ida@example.com")


async def test_the_newest_proposal_is_shown_and_hostile_words_in_it_stay_words(scene: Scene) -> None:
    page = await shown(scene, "/setup/learning")
    assert "No proposal is on record" in page
    await proposal(scene)
    page = await shown(scene, "/setup/learning")
    assert "alert_score = 0.56" in page
    assert "0 of 10" in page
    assert "<script>" not in page
    assert "\u202e" not in page
