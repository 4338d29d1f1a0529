"""Replies through the whole chain (proposal, approval, outbox) to a real PDS and mastodon-mock. About 20 s beside the PDS."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import specs
from acme import ANA, IDA, sandbox
from acts import Act, Processes
from answering import SECRETS, Fediverse, Somebody, answering, as_seen, ourselves, planned, somebody
from mastodon_mock.config import DatabaseConfig, MastodonMockConfig
from mastodon_mock.testing import MockServer
from mastodon_mock.testing.seed import DEFAULT_TEST_SEED
from replying import FALSE, answering_fact, approved, crisis_with

import tasks.approve
import tasks.replies
from crisis.approval import NotAllowed
from crisis.delivery import Delivery, DeliveryState
from crisis.read_back import Stand
from crisis.triage import Narrative
from crisis.watch import Mention
from integrations.bluesky import COLLECTION
from tasks.approve import propose
from tasks.claims import prepare_correction
from tasks.engage import allow, bar, reply_to
from tasks.incidents import merge, tie
from tasks.installation import Installation
from tasks.publish import publish_statement
from tasks.read_back import read_back
from tasks.replies import HELD, stop_replies

pytestmark = pytest.mark.slow
SORRY = "We are sorry that you waited. What we know: https://acme.example/status?a=1 #acme"
LOOKING = "Thank you for telling us. Payments are being looked at, and we write here when they work."
AT = {"bob": "@bob", "carol": "@carol"}


@pytest.fixture(scope="module")
def fediverse() -> Iterator[Fediverse]:
    """A Mastodon server that names its posts by its own address."""
    config = MastodonMockConfig(database=DatabaseConfig(path=":memory:"), seed=DEFAULT_TEST_SEED, url_scheme="http")
    with MockServer(config=config) as server:
        config.domain = server.base_url.removeprefix("http://")
        yield Fediverse(server.base_url)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def here(tmp_path: Path, fediverse: Fediverse, pds: str) -> AsyncIterator[Installation]:
    async with answering(tmp_path, fediverse.url, pds) as opened:
        yield opened


@pytest.fixture
def ana(pds: str) -> Somebody:
    return somebody(pds)


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replies need not wait for each other."""
    monkeypatch.setattr(tasks.replies, "GAP", timedelta())
    monkeypatch.setattr(tasks.replies, "paced", lambda channels, **_: [datetime.now(UTC)] * len(channels))


@pytest.fixture
def approved_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last approval plans, and sends nothing by itself."""

    async def nothing(*_: object, **__: object) -> None: ...

    monkeypatch.setattr(tasks.approve, "publish_statement", nothing)


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """Every request that goes out from here on."""
    sent: list[httpx.Request] = []
    send = httpx.AsyncClient.send

    async def seen(self: httpx.AsyncClient, request: httpx.Request, **more: Any) -> httpx.Response:
        sent.append(request)
        return await send(self, request, **more)

    monkeypatch.setattr(httpx.AsyncClient, "send", seen)
    return sent


async def deliveries(here: Installation, statement: str) -> dict[str, Delivery]:
    """The deliveries of a batch, by the post that each answers."""
    async with here.store.reading() as tx:
        return {d.rendering.reply_to: d for d in await tx.outbox.list(statement=statement)}


def under(pds: str, mention: Mention) -> list[dict[str, Any]]:
    """Our own posts on the PDS that answer a post."""
    params = {"repo": "brandex.test", "collection": COLLECTION, "limit": 100}
    found = httpx.get(f"{pds}/xrpc/com.atproto.repo.listRecords", params=params, timeout=30).json()["records"]
    return [r for r in found if (r["value"].get("reply") or {}).get("parent", {}).get("uri") == mention.id]


async def test_personal_replies_stand_once_under_the_very_posts_and_are_read_back(
    here: Installation, fediverse: Fediverse, pds: str, ana: Somebody, requests: list[httpx.Request]
) -> None:
    bob = fediverse.post("bob", "My card was declined at the acme till")
    began = ana.post("acme tills are down, I stand here with my kids")
    post = ana.post("and nobody from acme tells us anything", under=began)
    incident = await crisis_with(here, [bob, post])
    batch = await reply_to(
        here, incident.id, {"mastodon:bob": SORRY, f"bluesky:{ana.did}": LOOKING + " #acme"}, author=IDA
    )
    await propose(here, batch, by=IDA)
    await approved(here, batch)
    made = await deliveries(here, batch.id)
    assert {d.state for d in made.values()} == {DeliveryState.ACCEPTED}

    [status] = fediverse.replies(bob)
    assert (status["in_reply_to_id"], status["visibility"]) == (bob.id.rpartition("/")[2], "public")
    assert [m["acct"] for m in status["mentions"]] == ["bob"], "Mastodon tells nobody who is not named"
    told = fediverse.call("GET", "/api/v1/notifications", "bob")
    assert [n["type"] for n in told if (n.get("status") or {}).get("id") == status["id"]] == ["mention"]
    [record] = under(pds, post)
    assert record["value"]["reply"] == {"root": ana.reference(began), "parent": ana.reference(post)}
    assert [f["features"][0]["tag"] for f in record["value"]["facets"]] == ["acme"]

    sent = [as_seen(r) for r in requests]
    specs.hold(specs.mastodon(), "https://mastodon.example", [s for s in sent if s.path.startswith("/api/")])
    [posting] = [s for s in sent if (s.method, s.path) == ("POST", "/api/v1/statuses")]
    assert posting.headers["idempotency-key"] == f"{made[bob.id].id}.0"
    [putting] = [s for s in sent if s.path.endswith("repo.putRecord")]
    assert specs.lexicon_problems("com.atproto.repo.putRecord", putting.json) == []
    assert specs.lexicon_problems(COLLECTION, putting.json["record"]) == []

    await publish_statement(here, batch.id, 1)
    assert (len(fediverse.replies(bob)), len(under(pds, post))) == (1, 1)
    await read_back(here, [d.id for d in made.values()])
    async with here.store.reading() as tx:
        looked = await tx.read_backs.last(d.id for d in made.values())
    assert [one.stand for one in looked.values()] == [Stand.MATCHED] * 2
    fediverse.call("DELETE", f"/api/v1/statuses/{status['id']}", "alice")
    assert await read_back(here, [made[bob.id].id]) == ["newsroom-mastodon (gone)"]


async def test_a_correction_goes_under_the_posts_that_carry_the_claim_on_both_networks(
    here: Installation, fediverse: Fediverse, pds: str, ana: Somebody
) -> None:
    bob = fediverse.post("bob", FALSE)
    theirs = ana.post(
        "My bank rang: acme sells payment data to advertisers, all our cards. It is in the terms, page nine, look"
    )
    third = fediverse.post(
        "carol", "So acme sells your payment data. To advertisers! Who reads terms of service at a till? I am out"
    )
    reach = {bob.id: 90_000, theirs.id: 89_000, third.id: 88_000}
    carrying = [m.model_copy(update={"followers": reach[m.id]}) for m in (bob, theirs, third)]
    incident = await crisis_with(here, carrying)
    narrative = Narrative(id="n-1", label="sells payment data", size=3, quote=FALSE)
    async with here.store.transaction() as tx:
        assessment = incident.assessment.model_copy(update={"narratives": (narrative,)})
        incident = await tx.incidents.assess(incident.id, assessment, actor=IDA)
    await tie(here, incident.id, "n-1", (await answering_fact(here, incident)).id, actor=IDA)
    text = await prepare_correction(here, incident.id, "n-1", why="People quote a clause on card networks", author=IDA)
    await propose(here, text, by=IDA)
    await approved(here, text)
    [status], [record] = fediverse.replies(bob), under(pds, theirs)
    assert ([m["acct"] for m in status["mentions"]], fediverse.replies(third)) == (["bob"], [])
    assert record["value"]["reply"] == {"root": ana.reference(theirs), "parent": ana.reference(theirs)}
    said = (status["content"], record["value"]["text"])
    assert all("has never sold payment data" in one and "advertisers" not in one for one in said), (
        "the truth, not the claim"
    )


@pytest.mark.parametrize("call", ["POST /api/v1/statuses", "POST /xrpc/com.atproto.repo.putRecord"])
async def test_killed_between_the_answer_and_the_record_a_reply_is_found_and_not_sent_again(
    here: Installation, fediverse: Fediverse, pds: str, ana: Somebody, approved_only: None, call: str
) -> None:
    bob, theirs = fediverse.post("bob", "acme till declined my card"), ana.post("acme declined mine, too")
    incident = (await crisis_with(here, [bob, theirs])).id
    batch = await planned(here, incident, (bob, f"@bob {SORRY}"), (theirs, LOOKING))
    processes, act = Processes(SECRETS), Act("publish", statement=batch.id, incident=incident)
    assert processes.run(act, here.settings.home, die_at=f"after {call}") == -9
    assert processes.run(Act("recover", incident=incident), here.settings.home) == 0
    assert {d.state for d in (await deliveries(here, batch.id)).values()} <= {
        DeliveryState.ACCEPTED,
        DeliveryState.RECONCILED,
    }
    assert (len(fediverse.replies(bob)), len(under(pds, theirs))) == (1, 1)
    assert (await here.store.verify()).ok


async def test_a_post_that_was_deleted_edited_or_closed_meanwhile_or_is_ours_gets_no_reply_and_the_lead_is_told(
    here: Installation, fediverse: Fediverse, pds: str, ana: Somebody, unpaced: None, approved_only: None
) -> None:
    others = [somebody(pds) for _ in range(2)]
    deleted, edited = fediverse.post("bob", "acme declined my card"), fediverse.post("carol", "acme is slow today")
    gone, closed, some = (who.post("acme, hello?") for who in (ana, *others))
    ours = (fediverse.post("alice", "Our tills work again"), ourselves(pds).post("Our tills work again"))
    posts = (deleted, edited, gone, closed, some, *ours)
    incident = (await crisis_with(here, posts)).id
    said = [(m, f"{AT.get(m.author, '')} Number {n}: thank you for telling us.".strip()) for n, m in enumerate(posts)]
    batch = await planned(here, incident, *said)
    fediverse.call("DELETE", f"/api/v1/statuses/{deleted.id.rpartition('/')[2]}", "bob")
    fediverse.call("PUT", f"/api/v1/statuses/{edited.id.rpartition('/')[2]}", "carol", status="Buy my coins!")
    ana.delete(gone)
    others[0].close(closed)
    others[1].close(some, {"$type": "app.bsky.feed.threadgate#followingRule"})
    await publish_statement(here, batch.id, 1)
    made = await deliveries(here, batch.id)
    assert {d.state for d in made.values()} == {DeliveryState.REFUSED}
    why = {post.id: made[post.id].problem for post in posts}
    assert "not there" in why[deleted.id]
    assert "says something else now" in why[edited.id]
    assert "not there" in why[gone.id]
    assert "lets nobody reply" in why[closed.id]
    assert "lets only some people reply" in why[some.id]
    assert [why[post.id] for post in ours] == ["the post to answer is our own"] * 2
    assert fediverse.replies(edited) == under(pds, closed) == under(pds, some) == []
    told = " ".join(p.rendering.text for p in sandbox(here) if p.rendering.target.address == ANA)
    assert all(problem[1:60] in told for problem in why.values()), "the lead knows of each"


async def test_whoever_is_listed_by_any_name_of_theirs_gets_no_reply_under_their_next_name_either(
    here: Installation,
    fediverse: Fediverse,
    pds: str,
    ana: Somebody,
    unpaced: None,
    approved_only: None,
    tmp_path: Path,
) -> None:
    bob, theirs = fediverse.post("bob", "acme declined my card"), ana.post("acme is down again")
    incident = (await crisis_with(here, [bob, theirs])).id
    why = {"mark": "asked", "reason": "asked us to stop", "actor": IDA}
    for who in (
        f"bluesky:@{ana.name.upper()}",
        f"https://bsky.app/profile/{ana.name}",
        f"bluesky:{ana.did}",
        f"*:{ana.name}",
    ):
        listed = await bar(here, who, **why)
        assert listed.author in (ana.did, ana.name)
        with pytest.raises(NotAllowed, match="do-not-engage: asked"):
            await planned(here, incident, (theirs, SORRY))
        await allow(here, who, reason="wrote again", actor=IDA)
        if listed.author != ana.did:
            await allow(here, f"bluesky:{ana.did}", reason="wrote again", actor=IDA)
    batch = await planned(here, incident, (bob, f"@bob {SORRY}"), (theirs, LOOKING))
    before = ana.name
    await bar(here, f"bluesky:{before}", **why)
    await bar(here, f"mastodon:@BOB@{fediverse.url.removeprefix('http://')}", **why)
    ana.call("identity.updateHandle", handle=f"new-{before}")
    await publish_statement(here, batch.id, 1)
    made = await deliveries(here, batch.id)
    assert {d.state for d in made.values()} == {DeliveryState.REFUSED}
    assert all(d.problem.startswith(HELD) and "do-not-engage list: asked" in d.problem for d in made.values())
    assert (fediverse.replies(bob), under(pds, theirs)) == ([], [])
    with pytest.raises(NotAllowed, match="nobody on Bluesky is called"):
        await bar(here, "bluesky:nobody-at-all.test", **why)
    async with answering(tmp_path / "down", fediverse.url, "http://127.0.0.1:9") as cut_off:
        with pytest.raises(NotAllowed, match="could not be looked up on Bluesky, so nobody is on the list yet"):
            await bar(cut_off, f"bluesky:new-{before}", **why)


async def test_replies_are_paced_and_stopped_on_the_real_server_and_a_merged_incident_sends_none(
    here: Installation, fediverse: Fediverse
) -> None:
    bob, carol = (
        fediverse.post("bob", "acme declined my card"),
        fediverse.post("carol", "acme declined mine", visibility="unlisted"),
    )
    incident = (await crisis_with(here, [bob, carol])).id
    batch = await planned(here, incident, (carol, f"@carol {SORRY}"), (bob, f"@bob {LOOKING}"))
    made = await deliveries(here, batch.id)
    assert [made[m.id].state for m in (carol, bob)] == [DeliveryState.ACCEPTED, DeliveryState.PENDING]
    [reply] = fediverse.replies(carol)
    assert reply["visibility"] == "unlisted", "no wider than the post it answers"
    assert await stop_replies(here, incident, actor=IDA, reason="it reads like a pile-on") == 1
    await publish_statement(here, batch.id, 1)
    assert fediverse.replies(bob) == []

    other = (await crisis_with(here, [bob])).id
    waiting = await planned(here, other, (bob, f"@bob {LOOKING} Truly."))
    into = (await crisis_with(here, [fediverse.post("bob", "acme, still nothing")])).id
    await merge(here, other, into, actor=IDA, reason="one and the same")
    async with here.store.transaction() as tx:
        [late] = await tx.outbox.list(statement=waiting.id)
        await tx.outbox.put_off(late.id, late.created_at - timedelta(days=9999), problem="", actor="test")
    await publish_statement(here, waiting.id, 1)
    assert fediverse.replies(bob) == []
