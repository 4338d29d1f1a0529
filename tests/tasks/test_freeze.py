"""Freezing: whole on record before anything is done, put back only by people and exactly, never late, never lost."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from acme import IDA, acme, incident_in, sandbox
from counting_http import Fault
from scheduler_receivers import FacebookScheduledReceiver, PostizReceiver

from crisis.clock import FixedClock
from crisis.freeze import FreezeState
from crisis.incident import IllegalStep, IncidentState
from crisis.values import Severity
from integrations.facebook_scheduled import FacebookScheduled
from integrations.postiz import Postiz
from tasks import freeze as freezing
from tasks.freeze import freeze, freeze_if_due, frozen_in, mind_freezes, propose_unfreezing, unfreeze
from tasks.incidents import dismiss
from tasks.installation import Installation

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
MORE = """
[[schedulers]]
name = "marketing"
kind = "postiz"
[schedulers.settings]
base_url = "{url}"
"""
BY_HAND = """
[[schedulers]]
name = "x-itself"
kind = "by_hand"
[schedulers.settings]
what = "posts scheduled in X"
"""


@pytest.fixture(scope="module")
def postiz_served() -> Iterator[PostizReceiver]:
    with PostizReceiver() as receiver:
        yield receiver


@pytest.fixture
def postiz(postiz_served: PostizReceiver, monkeypatch: pytest.MonkeyPatch) -> PostizReceiver:
    postiz_served.reset()
    monkeypatch.setenv("FIRELINE_MARKETING_API_KEY", "right")
    return postiz_served


@pytest.fixture
async def here(tmp_path: Path, postiz: PostizReceiver) -> AsyncIterator[Installation]:
    async with acme(tmp_path, clock=FixedClock(NOW), more=MORE.format(url=postiz.url)) as opened:
        yield opened


async def states(here: Installation, incident: str = "INC-1") -> dict[str, str]:
    return {p.post.id or p.scheduler: p.state.value for p in await frozen_in(here, incident)}


async def kinds_of_records(here: Installation) -> list[str]:
    async with here.store.reading() as tx:
        kinds = [r.kind for r in await tx.ledger.list(incident="INC-1")]
    return [kind for kind in kinds if kind.startswith(("freeze.", "post.", "scheduler."))]


def told(here: Installation) -> list[str]:
    return [post.rendering.subject for post in sandbox(here) if "scheduled" in post.rendering.subject.lower()]


async def test_each_post_is_on_record_whole_before_it_is_paused(here, postiz):
    await incident_in(here)
    number = postiz.add(NOW + timedelta(hours=2), "Buy now!")
    await freeze(here, "INC-1", actor=IDA, reason="not now")
    assert postiz.stands() == {}
    assert await kinds_of_records(here) == [
        "freeze.begun", "scheduler.freezing", "post.freezing", "scheduler.frozen", "post.frozen",
    ]  # fmt: skip
    async with here.store.reading() as tx:
        (record,) = await tx.ledger.list(incident="INC-1", kind="post.freezing")
    assert record.data["post"]["text"] == "Buy now!"
    assert datetime.fromisoformat(record.data["post"]["at"]) == NOW + timedelta(hours=2)
    assert (record.actor, record.reason) == (IDA, "not now")
    assert await states(here) == {number: "frozen"}
    assert told(here) == ["[INC-1] Scheduled posts are frozen: Payments fail"]
    assert (await here.store.verify()).ok


async def test_freezing_twice_freezes_what_came_new_and_tells_nothing_twice(here, postiz):
    await incident_in(here)
    postiz.add(NOW + timedelta(hours=2), "Buy now!")
    await freeze(here, "INC-1", actor=IDA)
    writes = len([r for r in postiz.requests if r.method == "PUT"])
    postiz.add(NOW + timedelta(hours=3), "Buy more!")
    await freeze(here, "INC-1", actor=IDA)
    assert postiz.stands() == {}
    assert len([r for r in postiz.requests if r.method == "PUT"]) == writes + 1
    assert len(told(here)) == 1


async def test_unfreezing_puts_back_exactly_what_was_there_and_twice_is_refused(here, postiz):
    await incident_in(here)
    for hours in (2, 50):
        postiz.add(NOW + timedelta(hours=hours), f"Buy in {hours} hours!")
    before = postiz.stands()
    await freeze(here, "INC-1", actor=IDA)
    await unfreeze(here, "INC-1", actor=IDA, reason="it is over")
    assert postiz.stands() == before
    assert set((await states(here)).values()) == {"restored"}
    with pytest.raises(IllegalStep, match="nothing is frozen"):
        await unfreeze(here, "INC-1", actor=IDA)
    assert "post.restoring" in await kinds_of_records(here)


async def test_what_came_due_while_it_was_frozen_is_listed_and_never_published_late(here, postiz):
    await incident_in(here)
    early = postiz.add(NOW + timedelta(hours=1), "Good morning!")
    late = postiz.add(NOW + timedelta(hours=9), "Good night!")
    await freeze(here, "INC-1", actor=IDA)
    here.clock.move(timedelta(hours=3))
    await unfreeze(here, "INC-1", actor=IDA)
    assert await states(here) == {early: "missed", late: "restored"}
    assert list(postiz.stands()) == [late]
    assert told(here)[0] == "[INC-1] 1 scheduled post needs you: Payments fail"


async def test_what_cannot_be_frozen_is_a_humans_and_named_to_the_lead(here, postiz):
    await incident_in(here)
    postiz.add(NOW + timedelta(hours=1), "Buy now!")
    other = postiz.add(NOW + timedelta(hours=2), "Buy then!")
    postiz.faults.append(Fault(400, '{"msg": "this post is locked"}'))
    posts = await freeze(here, "INC-1", actor=IDA)
    assert [p.state for p in posts if p.problem] == [FreezeState.NOT_FROZEN]
    assert (await states(here))[other] == "frozen"
    (notice,) = [p for p in sandbox(here) if "needs you" in p.rendering.subject]
    assert "locked" in notice.rendering.text
    assert "Buy now!" in notice.rendering.text
    await freeze(here, "INC-1", actor=IDA)  # a person tries again
    assert postiz.stands() == {}


async def test_a_scheduler_that_cannot_be_read_at_all_is_named_too(tmp_path, postiz, monkeypatch):
    monkeypatch.setenv("FIRELINE_MARKETING_API_KEY", "wrong")
    more = MORE.format(url=postiz.url) + BY_HAND
    async with acme(tmp_path, clock=FixedClock(NOW), more=more) as here:
        await incident_in(here)
        await freeze(here, "INC-1", actor=IDA)
        assert await states(here) == {"marketing": "not frozen", "all": "not frozen"}
        (notice,) = [p for p in sandbox(here) if "2 scheduled posts need you" in p.rendering.subject]
        assert "posts scheduled in X" in notice.rendering.text
        assert "wrong" not in notice.rendering.text
        await unfreeze(here, "INC-1", actor=IDA)
        assert (await states(here))["all"] == "not restored"


async def test_the_playbook_says_from_which_severity_on_and_it_is_done_once(here, postiz):
    await incident_in(here, severity=Severity.SEV3)
    postiz.add(NOW + timedelta(hours=2), "Buy now!")
    assert await freeze_if_due(here, "INC-1") == ""
    assert await mind_freezes(here) == ""
    assert len(postiz.stands()) == 1
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get("INC-1")
        worse = incident.assessment.model_copy(update={"severity": Severity.SEV1})
        await tx.incidents.assess("INC-1", worse, actor=IDA)
    assert await mind_freezes(here) == "INC-1: 1 frozen"
    requests = len(postiz.requests)
    await freeze_if_due(here, "INC-1")
    await mind_freezes(here)
    assert len(postiz.requests) == requests
    await unfreeze(here, "INC-1", actor=IDA)
    await freeze_if_due(here, "INC-1")  # a response that runs again
    await mind_freezes(here)
    assert len(postiz.stands()) == 1, "what people unfroze stays so"


async def test_an_open_outcome_is_tried_again_and_then_a_human_is_asked(here, postiz, monkeypatch):
    monkeypatch.setattr(freezing, "AGAIN_AFTER", timedelta(0))
    await incident_in(here)
    postiz.add(NOW + timedelta(hours=2), "Buy now!")
    postiz.faults.append(Fault(502, done=True))
    await freeze(here, "INC-1", actor=IDA)
    assert set((await states(here)).values()) == {"freezing"}
    await mind_freezes(here)
    assert set((await states(here)).values()) == {"frozen"}
    number = postiz.add(NOW + timedelta(hours=3), "Buy more!")
    postiz.faults += [Fault(502)] * freezing.MAX_ATTEMPTS
    await freeze(here, "INC-1", actor=IDA)
    for _ in range(freezing.MAX_ATTEMPTS):
        await mind_freezes(here)
    assert (await states(here))[number] == "not frozen"
    assert "needs you" in told(here)[0]


async def test_a_rate_limit_is_waited_for_unless_the_post_goes_out_before_it_ends(here, postiz):
    await incident_in(here)
    first = postiz.add(NOW + timedelta(minutes=30), "Buy now!")
    second = postiz.add(NOW + timedelta(hours=20), "Buy then!")
    postiz.faults.append(Fault(429, headers={"Retry-After": "3600"}))
    await freeze(here, "INC-1", actor=IDA)
    assert await states(here) == {first: "not frozen", second: "freezing"}
    writes = len(postiz.requests)
    await mind_freezes(here)
    assert len(postiz.requests) == writes, "nothing is asked before the time"


async def test_an_incident_that_ends_proposes_to_unfreeze_and_does_not_do_it(here, postiz):
    incident = await incident_in(here)
    postiz.add(NOW + timedelta(hours=2), "Buy now!")
    await freeze(here, "INC-1", actor=IDA)
    ended = await dismiss(here, "INC-1", actor=IDA, reason="a false alarm")
    assert ended.state is IncidentState.DISMISSED
    assert postiz.stands() == {}
    subjects = [p.rendering.subject for p in sandbox(here)]
    assert "[INC-1] 1 scheduled post is still frozen" in subjects
    await propose_unfreezing(here, incident)
    assert len(subjects) == len(sandbox(here))
    with pytest.raises(IllegalStep, match="goes on"):
        await freeze(here, "INC-1", actor=IDA)
    await unfreeze(here, "INC-1", actor=IDA)
    assert len(postiz.stands()) == 1


async def test_a_freeze_that_another_incident_needs_is_not_lifted(here, postiz):
    await incident_in(here)
    await incident_in(here)
    postiz.add(NOW + timedelta(hours=2), "Buy now!")
    await freeze(here, "INC-1", actor=IDA)
    await freeze(here, "INC-2", actor=IDA)
    with pytest.raises(IllegalStep, match="INC-2 goes on"):
        await unfreeze(here, "INC-1", actor=IDA)
    assert postiz.stands() == {}
    await dismiss(here, "INC-2", actor=IDA, reason="a false alarm")
    await unfreeze(here, "INC-1", actor=IDA)
    assert len(postiz.stands()) == 1


async def test_what_was_answered_but_not_done_is_seen_by_reading_back(here, postiz, monkeypatch):
    await incident_in(here)
    number = postiz.add(NOW + timedelta(hours=2), "Buy now!")
    postiz.faults.append(Fault(200, '{"id": "post-1", "state": "DRAFT"}'))  # says so, and does nothing
    await freeze(here, "INC-1", actor=IDA)
    assert await states(here) == {number: "not frozen"}
    await freeze(here, "INC-1", actor=IDA)
    postiz.faults.append(Fault(200, '{"id": "post-1", "state": "QUEUE"}'))
    await unfreeze(here, "INC-1", actor=IDA)
    assert await states(here) == {number: "not restored"}
    await unfreeze(here, "INC-1", actor=IDA)
    assert list(postiz.stands()) == [number]


async def test_schedulers_of_another_watch_are_left_alone(tmp_path, postiz):
    other = '[[watches]]\nname = "other"\nbrand = "Other"\nquery = "other"\nowner = "ida@example.com"\n'
    more = other + MORE.format(url=postiz.url).replace('kind = "postiz"', 'kind = "postiz"\nwatch = ["other"]')
    async with acme(tmp_path, clock=FixedClock(NOW), more=more) as here:
        await incident_in(here)
        postiz.add(NOW + timedelta(hours=2), "Buy now!")
        await freeze(here, "INC-1", actor=IDA)
        assert len(postiz.stands()) == 1
        assert postiz.requests == []


async def test_a_post_that_is_only_put_off_is_put_off_further_in_time(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELINE_MARKETING_ACCESS_TOKEN", "right")
    with FacebookScheduledReceiver() as facebook:
        page = facebook.settings["page"]
        more = MORE.format(url=facebook.url).replace("postiz", "facebook_scheduled") + f'page = "{page}"\n'
        async with acme(tmp_path, clock=FixedClock(NOW), more=more) as here:
            await incident_in(here)
            await incident_in(here)
            facebook.add(NOW + timedelta(hours=2), "Buy now!")
            before = facebook.stands()
            await freeze(here, "INC-1", actor=IDA)
            assert facebook.stands() == {}
            await freeze(here, "INC-2", actor=IDA)
            assert await states(here, "INC-2") == {}, "what the other freeze put off is not scheduled anew"
            monkeypatch.setattr(freezing, "RENEW_BEFORE", timedelta(days=40))
            monkeypatch.setattr(FacebookScheduled, "puts_off", timedelta(days=29))
            (held,) = await frozen_in(here, "INC-1")
            await mind_freezes(here)
            (further,) = await frozen_in(here, "INC-1")
            assert further.put_off[:-1] == held.put_off
            assert sum(r.method == "POST" for r in facebook.requests) == 2
            await dismiss(here, "INC-2", actor=IDA, reason="no")
            await unfreeze(here, "INC-1", actor=IDA)
            assert facebook.stands() == before


async def test_a_scheduler_taken_out_of_the_configuration_leaves_its_posts_to_a_human(tmp_path, postiz):
    async with acme(tmp_path, clock=FixedClock(NOW), more=MORE.format(url=postiz.url)) as here:
        await incident_in(here)
        number = postiz.add(NOW + timedelta(hours=2), "Buy now!")
        await freeze(here, "INC-1", actor=IDA)
    async with acme(tmp_path, clock=FixedClock(NOW)) as here:
        posts: list[Any] = await unfreeze(here, "INC-1", actor=IDA)
        assert await states(here) == {number: "not restored"}
        assert "there is no scheduler" in posts[-1].problem


async def test_a_post_that_was_never_paused_is_not_called_held_back_when_its_time_has_passed(here, postiz):
    await incident_in(here)
    number = postiz.add(NOW + timedelta(hours=2), "Buy now!")
    postiz.faults.append(Fault(429, headers={"Retry-After": "3600"}))
    await freeze(here, "INC-1", actor=IDA)
    here.clock.move(timedelta(hours=3))
    await unfreeze(here, "INC-1", actor=IDA)
    assert await states(here) == {number: "not frozen"}
    assert (await frozen_in(here, "INC-1"))[0].problem == freezing.TOO_LATE


async def test_a_pause_that_comes_after_the_freeze_was_lifted_is_undone(here, postiz, monkeypatch):
    await incident_in(here)
    postiz.add(NOW + timedelta(hours=2), "Buy now!")
    original, lifted = Postiz.pause, []

    async def slow(self, post, put_off=()):
        if not lifted:
            lifted.append(True)
            await unfreeze(here, "INC-1", actor=IDA)
        await original(self, post, put_off)

    monkeypatch.setattr(Postiz, "pause", slow)
    await freeze(here, "INC-1", actor=IDA)
    assert len(postiz.stands()) == 1
    assert set((await states(here)).values()) == {"restored"}
