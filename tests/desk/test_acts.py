"""Confirming, dismissing, merging and splitting on the desk: looking does nothing, and only a lead who is one can act."""

import re
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from at_the_desk import ANA, HOSTILE, NOON, Outgoing, Scene, assessment

from crisis.approval import NotAllowed
from crisis.delivery import Delivery, DeliveryState, Purpose
from crisis.freeze import FreezeState, FrozenPost, ScheduledPost
from crisis.incident import Incident, IncidentState
from crisis.triage import Narrative
from crisis.watch import Mention
from desk import acts
from integrations.sandbox import posts
from tasks.incidents import ask_to_confirm, labels
from tasks.links import ACTING_PLACEHOLDER, acting_link, read_acting_link, read_link, read_reading_link
from tasks.publish import ask_about_open

IDA = "ida@example.com"
OVERHEATS = "acme kettle number {} overheats and burns, smoke everywhere"
REFUND = "the acme hotline refused my refund, case {} is lost"


@pytest.fixture(autouse=True)
def _full_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    for bucket in (acts._forged, acts._submitted):
        monkeypatch.setattr(bucket, "_levels", {})


async def candidate(scene: Scene, **other: object) -> Incident:
    async with scene.here.store.transaction() as tx:
        return await tx.incidents.open(
            watch="acme",
            title=f"Acme: another matter {HOSTILE}",
            assessment=assessment(**other),
            opened_at=NOON,
            started_at=NOON - timedelta(minutes=5),
            lead=IDA,
            state=IncidentState.CANDIDATE,
            actor="detector",
        )


def link(scene: Scene, incident: Incident, person: str = IDA, **options: timedelta) -> str:
    return urlsplit(acting_link(scene.here, incident.id, person, **options)).path


async def state(scene: Scene, incident: Incident) -> IncidentState:
    async with scene.here.store.reading() as tx:
        return (await tx.incidents.get(incident.id)).state


async def send(browser: httpx.AsyncClient, where: str, **fields: str) -> httpx.Response:
    """Open the page and hand in one of its forms."""
    nonce = re.search(r'name="nonce" value="([^"]+)"', (await browser.get(where)).text)
    given = {"nonce": nonce[1] if nonce else "", "reason": "I looked at the posts"} | fields
    return await browser.post(where, data=given)


async def test_the_lead_confirms_by_the_link_in_the_message(scene: Scene) -> None:
    waiting = await candidate(scene)
    assert await ask_to_confirm(scene.here, waiting)
    [notice] = [p for p in posts(scene.here.settings.home / "sandbox") if f"[{waiting.id}]" in p.rendering.subject]
    [sent] = set(re.findall(r"http://127\.0\.0\.1:8420(/act/[\w.-]+)", notice.rendering.text + notice.rendering.html))
    async with scene.here.store.reading() as tx:
        stored = [row for row in await tx.outbox.list() if row.incident == waiting.id]
    assert ACTING_PLACEHOLDER in stored[0].rendering.text
    assert "/act/" not in stored[0].model_dump_json()
    async with scene.browser() as phone:
        assert (await phone.get(sent)).status_code == 200
        assert (await phone.head(sent)).status_code == 200
        assert await state(scene, waiting) is IncidentState.CANDIDATE, "looking does nothing"
        answer = await send(phone, sent, act="confirm")
        assert (answer.status_code, answer.headers["location"]) == (303, sent)
        assert await state(scene, waiting) in (IncidentState.OPEN, IncidentState.RESPONDING)
        again = await send(phone, sent, act="confirm")
        assert again.status_code in (303, 403), "sent twice counts once"
    async with scene.here.store.reading() as tx:
        [opened] = await tx.ledger.list(kind="incident.open", incident=waiting.id)
    assert (opened.actor, opened.reason) == (IDA, "I looked at the posts")


async def test_a_dismissal_with_its_reason_is_a_label(scene: Scene) -> None:
    waiting = await candidate(scene)
    async with scene.browser() as phone:
        answer = await send(phone, link(scene, waiting), act="dismiss", label="praise")
        assert answer.status_code == 303
        page = await phone.get(link(scene, waiting))
        assert "It is dismissed" in page.text
        assert "<form" not in page.text
    said = [label for label in await labels(scene.here) if label.incident == waiting.id]
    assert [(label.label, label.by, label.reason) for label in said] == [("praise", IDA, "I looked at the posts")]


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        ({"reason": "  "}, {}, 400),
        ({"reason": "x" * 5000}, {}, 400),
        ({"label": "nonsense"}, {}, 400),
        ({"act": "publish"}, {}, 400),
        ({"nonce": "forged"}, {}, 403),
        ({}, {"sec-fetch-site": "cross-site"}, 403),
        ({}, {"origin": "https://evil.example"}, 403),
    ],
    ids=["no reason", "endless reason", "no such label", "no such act", "forged form", "cross-site", "other origin"],
)
async def test_a_form_that_is_not_right_does_nothing(
    scene: Scene, fields: dict[str, str], headers: dict[str, str], status: int
) -> None:
    waiting = await candidate(scene)
    async with scene.browser(**headers) as phone:
        answer = await send(phone, link(scene, waiting), **({"act": "dismiss", "label": "praise"} | fields))
    assert answer.status_code == status
    assert "Nothing was done" in answer.text
    assert await state(scene, waiting) is IncidentState.CANDIDATE


async def test_a_form_made_for_one_incident_fits_no_other(scene: Scene) -> None:
    waiting, other = await candidate(scene), await candidate(scene)
    async with scene.browser() as phone:
        nonce = re.search(r'name="nonce" value="([^"]+)"', (await phone.get(link(scene, other))).text)
        assert nonce
        answer = await phone.post(link(scene, waiting), data={"nonce": nonce[1], "act": "confirm", "reason": "yes"})
    assert answer.status_code == 403
    assert await state(scene, waiting) is IncidentState.CANDIDATE


async def test_links_that_are_forged_old_or_for_somebody_without_the_role_open_nothing(scene: Scene) -> None:
    waiting = await candidate(scene)
    good = link(scene, waiting)
    async with scene.browser() as phone:
        assert (await phone.get(good[:-3] + "abc")).status_code == 403
        assert (await phone.get(link(scene, waiting, ANA))).status_code == 403, "Ana is no incident lead"
        assert (await phone.get(link(scene, waiting, "nobody@example.com"))).status_code == 403
        assert (await phone.get(link(scene, waiting, lasts=timedelta(seconds=-1)))).status_code == 410
    token = good.removeprefix("/act/")
    assert read_acting_link(scene.here, token).person == IDA
    for other in (read_link, read_reading_link):
        with pytest.raises(NotAllowed):
            other(scene.here, token)


async def test_at_the_desk_people_prove_who_they_are_by_a_code_that_works_once(scene: Scene) -> None:
    waiting, second = await candidate(scene), await candidate(scene)
    async with scene.here.store.transaction() as tx:
        address = await tx.codes.enrol(IDA)
    code = pyotp.TOTP(parse_qs(urlsplit(address).query)["secret"][0]).at(int(time.time()))
    where, dismissal = f"/incidents/{waiting.id}/act", {"act": "dismiss", "label": "off_topic"}
    async with scene.browser() as stranger:
        assert (await stranger.post(where, data=dismissal)).status_code == 403
    async with scene.at_the_desk() as desk:
        assert "/act" in (await desk.get(f"/incidents/{waiting.id}")).text
        assert (await send(desk, where, person=IDA, code="000000", **dismissal)).status_code == 409
        assert (await send(desk, where, person=ANA, code=code, **dismissal)).status_code == 409
        assert (await send(desk, where, **dismissal)).status_code == 409
        assert await state(scene, waiting) is IncidentState.CANDIDATE
        assert (await send(desk, where, person=IDA, code=code, **dismissal)).status_code == 303
        assert await state(scene, waiting) is IncidentState.DISMISSED
        used = await send(desk, f"/incidents/{second.id}/act", person=IDA, code=code, **dismissal)
        assert used.status_code == 409
        assert await state(scene, second) is IncidentState.CANDIDATE


async def test_codes_cannot_be_guessed_by_trying(scene: Scene) -> None:
    waiting = await candidate(scene)
    async with scene.here.store.transaction() as tx:
        await tx.codes.enrol(IDA)
    async with scene.at_the_desk() as desk:
        tries = [
            await send(desk, f"/incidents/{waiting.id}/act", act="confirm", person=IDA, code=f"{n:06}")
            for n in range(14)
        ]
    assert tries[-1].status_code == 429


async def test_a_lead_rates_it_otherwise_and_the_reason_is_on_record(scene: Scene) -> None:
    waiting = await candidate(scene)
    async with scene.browser() as phone:
        where = link(scene, waiting)
        assert (await send(phone, where, act="rate", severity="SEV9", type="conduct")).status_code == 400
        answer = await send(phone, where, act="rate", severity="SEV1", type="safety_harm", reason="people are hurt")
        assert answer.status_code == 303
        assert "people are hurt" in (await phone.get(where)).text
    async with scene.here.store.reading() as tx:
        now = (await tx.incidents.get(waiting.id)).assessment
    assert (now.severity, now.type, now.assessed_by) == ("SEV1", "safety_harm", IDA)
    assert now.override_reason == "people are hurt"


async def test_what_is_over_is_closed_and_whoever_is_left_behind_has_a_reason_on_record(scene: Scene) -> None:
    over = await candidate(scene)
    async with scene.browser() as phone:
        early = await send(phone, link(scene, over), act="close")
        assert early.status_code == 409
        async with scene.here.store.transaction() as tx:
            for step in (IncidentState.OPEN, IncidentState.RESPONDING, IncidentState.MONITORING):
                await tx.incidents.step(over.id, step, actor=IDA, reason="as it goes")
        assert "It is over" in (await phone.get(link(scene, over))).text
        answer = await send(phone, link(scene, over), act="close", unreached="they asked not to be written to")
        assert answer.status_code == 303, answer.text
        assert (await send(phone, link(scene, over), act="close")).status_code in (303, 403), "sent twice counts once"
    assert await state(scene, over) is IncidentState.RESOLVED


async def test_two_that_are_one_are_merged(scene: Scene) -> None:
    other = await candidate(scene)
    async with scene.browser() as phone:
        page = await phone.get(link(scene, other))
        assert f'<option value="{scene.incident.id}">' in page.text
        answer = await send(phone, link(scene, other), act="merge", into=scene.incident.id)
        assert answer.status_code == 303
        assert f"merged into <strong>{scene.incident.id}</strong>" in (await phone.get(link(scene, other))).text
        wrong = await send(phone, link(scene, scene.incident), act="merge", into="INC-99")
        assert wrong.status_code in (403, 409)


async def test_one_that_is_two_is_split(scene: Scene) -> None:
    told = (
        Narrative(id="n-1", label="overheats, smoke", size=40, quote=OVERHEATS.format(0)),
        Narrative(id="n-2", label="refunds, hotline", size=40, quote=REFUND.format(0)),
    )
    texts = [words.format(n) for words in (OVERHEATS, REFUND) for n in range(40)]
    both = await candidate(scene, narratives=told)
    async with scene.here.store.transaction() as tx:
        await tx.incidents.step(both.id, IncidentState.OPEN, actor=IDA)
        mentions = [Mention(id=str(n), text=text, author=f"a{n}", created_at=NOON) for n, text in enumerate(texts)]
        await tx.mentions.relied_on(both.id, mentions)
    async with scene.browser() as phone:
        assert (await send(phone, link(scene, both), act="split", narrative="n-2")).status_code == 303
    async with scene.here.store.reading() as tx:
        new = (await tx.incidents.list())[-1]
        moved = [m.text for m in await tx.mentions.list(new.id)]
    assert new.narrative == "n-2"
    assert len(moved) == 40
    assert all("refund" in text for text in moved)


async def test_hostile_words_stay_words_on_the_page_of_acts(scene: Scene) -> None:
    waiting = await candidate(scene)
    async with scene.browser() as phone:
        page = await phone.get(link(scene, waiting))
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert "\u202e" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def unknown_post(scene: Scene, outgoing: Outgoing, channel: str = "newsroom-bluesky") -> Delivery:
    """A post that got no clear answer, and that only a person can look for."""
    delivery = outgoing(scene.statement, channel)
    async with scene.here.store.transaction() as tx:
        await tx.outbox.enqueue(delivery, actor="outbox")
        await tx.outbox.arm(delivery.id, owner="test", lease_seconds=60, actor="outbox")
        await tx.outbox.settle(delivery.id, DeliveryState.UNKNOWN, problem="no answer", actor="outbox")
        await tx.outbox.ask_human(delivery.id, problem="no answer", actor="outbox")
        return await tx.outbox.get(delivery.id)


async def delivery_of(scene: Scene, delivery: Delivery) -> Delivery:
    async with scene.here.store.reading() as tx:
        return await tx.outbox.get(delivery.id)


async def test_a_lead_says_by_link_that_an_unknown_post_is_there_and_nothing_is_sent(
    scene: Scene, outgoing: Outgoing
) -> None:
    post = await unknown_post(scene, outgoing)
    where = link(scene, scene.incident)
    async with scene.browser() as browser:
        shown = (await browser.get(where)).text
        assert "Is it there?" in shown
        assert "if you are wrong, it stands there twice" in shown
        answer = await send(browser, where, act="there", delivery=post.id)
        again = await send(browser, where, act="again", delivery=post.id)
    assert answer.status_code == 303
    assert again.status_code == 409
    assert (await delivery_of(scene, post)).state is DeliveryState.RECONCILED
    assert posts(scene.here.settings.home / "sandbox") == []
    async with scene.here.store.reading() as tx:
        record = (await tx.ledger.list(kind="delivery.reconciled"))[-1]
    assert (record.actor, record.via, record.reason) == (IDA, "desk", "I looked at the posts")


async def test_a_post_that_is_not_there_is_sent_again_once(scene: Scene, outgoing: Outgoing) -> None:
    post = await unknown_post(scene, outgoing)
    where = link(scene, scene.incident)
    async with scene.browser() as browser:
        for _ in range(2):
            await send(browser, where, act="again", delivery=post.id)
    assert (await delivery_of(scene, post)).state is DeliveryState.ACCEPTED
    assert len(posts(scene.here.settings.home / "sandbox")) == 1


@pytest.mark.parametrize(
    ("fields", "status"), [({"delivery": "nonsense"}, 409), ({"reason": ""}, 400), ({"nonce": "forged"}, 403)]
)
async def test_an_answer_that_is_not_whole_changes_nothing(
    scene: Scene, outgoing: Outgoing, fields: dict[str, str], status: int
) -> None:
    post = await unknown_post(scene, outgoing)
    async with scene.browser() as browser:
        answer = await send(browser, link(scene, scene.incident), **{"act": "again", "delivery": post.id} | fields)
    assert answer.status_code == status
    assert (await delivery_of(scene, post)).state is DeliveryState.UNKNOWN


async def test_the_lead_is_sent_the_page_on_which_one_thumb_answers(scene: Scene, outgoing: Outgoing) -> None:
    post = await unknown_post(scene, outgoing)
    await ask_about_open(scene.here, scene.incident, [post])
    async with scene.here.store.reading() as tx:
        notices = [d for d in await tx.outbox.list(incident=scene.incident.id) if d.purpose is Purpose.NOTICE]
    asked = [n for n in notices if n.rendering.options.get("occasion", "").startswith("stuck/")]
    assert ACTING_PLACEHOLDER in asked[0].rendering.text


async def test_frozen_posts_are_put_back_by_the_lead_and_nobody_else(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str, str]] = []

    async def unfrozen(here: object, incident: str, *, actor: str, reason: str) -> None:
        asked.append((incident, actor, reason))

    monkeypatch.setattr(acts, "unfreeze", unfrozen)
    where = link(scene, scene.incident)
    async with scene.browser() as browser:
        assert "Put them back" not in (await browser.get(where)).text
        post = ScheduledPost(id="p1", at=NOON + timedelta(days=1), text=HOSTILE, where="x Acme", url="")
        held = FrozenPost(
            incident=scene.incident.id,
            scheduler="marketing",
            post=post,
            state=FreezeState.FROZEN,
            problem="",
            changed_at=NOON,
        )
        async with scene.here.store.transaction() as tx:
            await tx.frozen.put(held, actor="freeze")
        assert "1 scheduled post is put back at its own time" in (await browser.get(where)).text
        assert (await send(browser, where, act="unfreeze")).status_code == 303
        assert (await browser.post(where, data={"act": "unfreeze", "reason": "now"})).status_code == 403
    assert asked == [(scene.incident.id, IDA, "I looked at the posts")]
