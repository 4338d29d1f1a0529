"""The sandbox writes each post once, keeps every version, and shows them."""

import asyncio
import json
from pathlib import Path

import pytest

import integrations
from crisis.stakeholder import Route
from integrations import Misconfigured, Refused
from integrations.sandbox import posts


@pytest.fixture
def sandbox(tmp_path: Path):
    return integrations.connect("sandbox", directory=tmp_path / "posts", base_url="http://desk.test")


async def test_a_post_becomes_one_file_that_says_where_it_is_shown(sandbox, render, tmp_path):
    receipt = await sandbox.publish(render("We are looking into it."), "k1")
    assert receipt.url == "http://desk.test/sandbox#k1"
    assert [f.name for f in (tmp_path / "posts").iterdir()] == ["k1.json"]
    assert posts(tmp_path / "posts")[0].rendering.text == "We are looking into it."


async def test_the_same_key_from_many_senders_makes_one_post(sandbox, render, tmp_path):
    receipts = await asyncio.gather(*(sandbox.publish(render(f"text {i}"), "k") for i in range(20)))
    assert len({r.accepted_at for r in receipts}) == 1
    assert len(posts(tmp_path / "posts")) == 1


async def test_find_answers_only_for_a_post_that_is_there(sandbox, render):
    assert await sandbox.find("k") is None
    receipt = await sandbox.publish(render("a"), "k")
    assert await sandbox.find("k") == receipt


async def test_a_key_that_is_no_file_name_stays_inside_the_folder(sandbox, render, tmp_path):
    await sandbox.publish(render("a"), "../../evil")
    assert await sandbox.find("../../evil")
    assert not (tmp_path.parent / "evil.json").exists()
    assert len(posts(tmp_path / "posts")) == 1


async def test_an_amendment_keeps_what_stood_there_before(sandbox, render, tmp_path):
    receipt = await sandbox.publish(render("first"), "k")
    await sandbox.amend(receipt, render("second"))
    third = await sandbox.amend(receipt, render("third"))
    (post,) = posts(tmp_path / "posts")
    assert (post.rendering.text, post.version) == ("third", 3)
    assert [r.text for r in post.earlier] == ["first", "second"]
    assert third.raw["version"] == 3


async def test_a_withdrawn_post_is_kept_and_marked_and_withdrawing_twice_is_no_error(sandbox, render, tmp_path):
    receipt = await sandbox.publish(render("first"), "k")
    await sandbox.withdraw(receipt)
    at = posts(tmp_path / "posts")[0].withdrawn_at
    await sandbox.withdraw(receipt)
    assert at is not None
    assert posts(tmp_path / "posts")[0].withdrawn_at == at
    assert await sandbox.find("k") is None


async def test_a_sandboxed_mail_cannot_be_changed_or_taken_back_as_no_mail_can(render, tmp_path):
    sandbox = integrations.connect("sandbox", directory=tmp_path / "posts", looks_like="smtp")
    receipt = await sandbox.publish(render("first"), "k")
    with pytest.raises(Refused, match="send a correction"):
        await sandbox.withdraw(receipt)
    with pytest.raises(Refused, match="send a correction"):
        await sandbox.amend(receipt, render("second"))
    (post,) = posts(tmp_path / "posts")
    assert (post.withdrawn_at, post.version) == (None, 1)


async def test_a_notice_is_shown_with_its_incident_and_link(sandbox, tmp_path):
    message = integrations.Message(key="n1", subject="SEV1", text="Look", thread="INC-1", link="http://desk.test/i/1")
    await sandbox.notify(message, Route(notifier="email", address="ana@example.com"))
    (post,) = posts(tmp_path / "posts")
    assert (post.thread, post.rendering.target.address) == ("INC-1", "ana@example.com")
    assert post.rendering.text.endswith("http://desk.test/i/1")


async def test_it_holds_the_limits_of_the_kind_it_looks_like(render, tmp_path):
    sandbox = integrations.connect("sandbox", directory=tmp_path, looks_like="smtp")
    assert not sandbox.limits.threads
    with pytest.raises(Refused, match="no threads"):
        await sandbox.publish(render("a", "b"), "k")
    assert posts(tmp_path) == []


async def test_a_part_over_its_limit_is_refused_and_nothing_is_written(sandbox, render, tmp_path):
    with pytest.raises(Refused, match="11 characters long, the limit is 10"):
        await sandbox.publish(render("hello world", limit=10), "k")
    assert posts(tmp_path / "posts") == []


async def test_files_left_over_from_a_crash_while_writing_are_no_posts(sandbox, render, tmp_path):
    await sandbox.publish(render("a"), "k")
    (tmp_path / "posts" / ".k2.json.99.abcd").write_text('{"half')
    assert len(posts(tmp_path / "posts")) == 1
    assert await sandbox.find("k2") is None


async def test_a_damaged_file_is_named(sandbox, tmp_path):
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "k.json").write_text(json.dumps({"id": "k"}))
    with pytest.raises(Misconfigured, match=r"k\.json"):
        posts(tmp_path / "posts")


async def test_check_says_what_it_is_and_what_is_wrong(sandbox, tmp_path):
    health = await sandbox.check()
    assert health.ok
    (tmp_path / "file").write_text("")
    bad = integrations.connect("sandbox", directory=tmp_path / "file" / "x")
    assert not (await bad.check()).ok


def test_an_unknown_setting_or_kind_names_what_exists(tmp_path):
    with pytest.raises(Misconfigured, match="Its settings are: base_url"):
        integrations.connect("sandbox", directory=tmp_path, colour="red")
    with pytest.raises(Misconfigured, match="bluesky, cachet"):
        integrations.connect("sandbox", directory=tmp_path, looks_like="nothing")
