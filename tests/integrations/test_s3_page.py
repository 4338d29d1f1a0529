"""A press page on S3 shows each statement once, byte for byte, on every list, and loses nothing of anybody else's."""

import asyncio
import json
from typing import Any

import feedparser
import pytest
from aws_receiver import KEYS, error
from counting_http import Fault
from drawn import ALT, picture

import integrations
from crisis.pictures import Picture
from crisis.rendering import render as rendered
from crisis.statement import Rendering, Target
from integrations import Misconfigured, Refused, Unknown
from integrations.press import Item, with_item

BUCKET = "acme-press"
LISTS = ("feed.json", "feed.xml", "index.html")


def page(aws, **more):
    settings = {"bucket": BUCKET, "web_url": "https://press.acme.example/", "title": "Acme <Newsroom>"}
    return integrations.connect("s3_page", **{"base_url": aws.url, **KEYS, **settings, **more})


def statement(
    headline: str = "Outage", body: str = "We are sorry.", language: str = "en", media: tuple[Picture, ...] = ()
) -> Rendering:
    limits = integrations.integration("s3_page").platform_limits
    target = Target(channel="press", kind="s3_page")
    return rendered(headline=headline, body=body, target=target, limits=limits, language=language, media=media)


def listed(aws, prefix: str = "") -> list[list[str]]:
    """The addresses on each list, in its order."""
    objects = aws.objects(BUCKET)
    feed, atom, index = (objects[prefix + name] for name in LISTS)
    entries = feedparser.parse(atom)
    assert not entries.bozo, entries.get("bozo_exception")
    links = [part.partition('"')[0] for part in index.decode().split('<a dir="auto" href="')[1:]]
    return [[i["url"] for i in json.loads(feed)["items"]], [e.link for e in entries.entries], links]


async def test_people_read_the_approved_bytes(aws):
    rendering = statement("Störung", "Wir bitten um Entschuldigung.", "de")
    receipt = await page(aws).publish(rendering, "abc")
    assert receipt.url == "https://press.acme.example/statements/abc.html"
    there = aws.client("s3").get_object(Bucket=BUCKET, Key="statements/abc.html")
    assert there["Body"].read() == rendering.html.encode()
    assert there["ContentType"] == "text/html; charset=utf-8"
    assert there["ContentLanguage"] == "de"
    assert there["CacheControl"] == "public, max-age=60"


async def test_every_list_has_every_statement_the_newest_first(aws):
    channel = page(aws, prefix="news/")
    for key in ("one", "two"):
        await channel.publish(statement(), key)
        await asyncio.sleep(1.1)  # S3 keeps times in seconds
    expected = [f"https://press.acme.example/statements/{key}.html" for key in ("two", "one")]
    assert listed(aws, "news/") == [expected] * 3
    feed = json.loads(aws.objects(BUCKET)["news/feed.json"])
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == "https://press.acme.example/feed.json"
    assert {"id", "url", "title", "content_text", "date_published"} <= feed["items"][0].keys()
    types = {name: aws.client("s3").head_object(Bucket=BUCKET, Key=f"news/{name}")["ContentType"] for name in LISTS}
    assert [t.partition(";")[0] for t in types.values()] == [
        "application/feed+json",
        "application/atom+xml",
        "text/html",
    ]


async def test_hostile_text_stays_text(aws):
    evil = "</title><script>alert(1)</script>]]> & \x00\x0b\ufffe"
    await page(aws).publish(statement(evil, f"{evil}\n\nfoo@example.com"), "k")
    objects = aws.objects(BUCKET)
    assert not feedparser.parse(objects["feed.xml"]).bozo
    for name in ("feed.xml", "index.html"):
        assert b"<script" not in objects[name]
    assert listed(aws) == [["https://press.acme.example/statements/k.html"]] * 3


async def test_writers_at_the_same_time_lose_nothing_of_each_other(aws):
    keys = [f"k{n}" for n in range(5)]
    await asyncio.gather(*(page(aws).publish(statement(f"Statement {key}"), key) for key in keys))
    wanted = {f"https://press.acme.example/statements/{key}.html" for key in keys}
    assert [set(addresses) for addresses in listed(aws)] == [wanted] * 3
    assert sorted(aws.created) == sorted(f"/{BUCKET}/statements/{key}.html" for key in keys)
    assert all([await page(aws).find(key) for key in keys])


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("step", [1, 2, 3])
async def test_a_half_listed_statement_is_finished_not_begun_again(aws, step, done):
    channel = page(aws)
    await channel.publish(statement(), "before")
    aws.created.clear()
    aws.faults += [_passes(), *([_passes()] * (step - 1)), error("s3_page", 500, "InternalError", done=done)]
    with pytest.raises(Unknown):
        await channel.publish(statement(), "k")
    if await channel.find("k") is None:
        await channel.publish(statement(), "k")
    assert (await channel.find("k")).raw["parts"] == ["statements/k.html"]
    assert [len(addresses) for addresses in listed(aws)] == [2, 2, 2]
    assert aws.created == [f"/{BUCKET}/statements/k.html"]


def _passes() -> Fault:
    """A write that goes well: S3's own answer to one, with an ETag."""
    return Fault(200, "", {"ETag": '"x"'}, done=True)


async def test_a_list_that_may_not_be_written_takes_the_page_back(aws):
    aws.faults += [_passes(), error("s3_page", 403, "AccessDenied")]
    with pytest.raises(Misconfigured, match="AccessDenied"):
        await page(aws).publish(statement(), "k")
    assert aws.objects(BUCKET) == {}
    aws.faults += [_passes(), error("s3_page", 403, "AccessDenied"), error("s3_page", 403, "AccessDenied")]
    with pytest.raises(Unknown, match="still there"):
        await page(aws).publish(statement(), "k")
    assert set(aws.objects(BUCKET)) == {"statements/k.html"}


async def test_what_somebody_else_put_there_is_left_alone(aws):
    s3 = aws.client("s3")
    s3.put_object(Bucket=BUCKET, Key="statements/k.html", Body=b"theirs")
    with pytest.raises(Refused, match="not of Fireline's making"):
        await page(aws).publish(statement(), "k")
    assert await page(aws).find("k") is None
    s3.put_object(Bucket=BUCKET, Key="feed.json", Body=b'{"version": "2"}')
    with pytest.raises(Misconfigured, match=r"feed\.json is no feed"):
        await page(aws).publish(statement(), "other")
    assert aws.created == []
    assert aws.objects(BUCKET) == {"statements/k.html": b"theirs", "feed.json": b'{"version": "2"}'}


async def test_a_correction_in_place_changes_page_and_lists(aws):
    channel = page(aws)
    receipt = await channel.publish(statement(), "k")
    changed = statement("Outage over", "All is well.")
    await channel.amend(receipt, changed)
    objects = aws.objects(BUCKET)
    assert objects["statements/k.html"] == changed.html.encode()
    assert [b"Outage over" in objects[name] for name in LISTS] == [True] * 3
    assert await channel.find("k")


async def test_a_statement_taken_back_is_on_no_list_and_twice_is_no_error(aws):
    channel = page(aws)
    receipt = await channel.publish(statement(), "k")
    for _ in range(2):
        await channel.withdraw(receipt)
    assert set(aws.objects(BUCKET)) == set(LISTS)
    assert listed(aws) == [[]] * 3
    assert await channel.find("k") is None
    with pytest.raises(Refused, match="not there any more"):
        await channel.amend(receipt, statement())


async def test_check_proves_that_writes_are_allowed_and_conditional_without_writing(aws):
    assert (await page(aws).check()).says == f"writes to s3://{BUCKET}/, 0 statements there"
    aws.faults.append(error("s3_page", 403, "AccessDenied"))
    assert "AccessDenied" in (await page(aws).check()).says
    assert not (await page(aws, bucket="nobodys").check()).ok
    aws.drops.add("if-match")
    assert "ignores conditions" in (await page(aws).check()).says
    assert aws.objects(BUCKET) == {}


@pytest.mark.parametrize(
    "settings", [{"bucket": "A_b"}, {"prefix": "/news"}, {"prefix": "news"}, {"web_url": "ftp://x"}, {"title": ""}]
)
def test_settings_that_cannot_be_are_named(settings: dict[str, Any]):
    given = {"bucket": BUCKET, "web_url": "https://press.acme.example", **settings}
    with pytest.raises(Misconfigured, match="Its settings are"):
        integrations.connect("s3_page", **given)


def test_an_item_takes_the_place_of_the_one_of_its_address():
    items: tuple[Item, ...] = ()
    for title in ("first", "second"):
        at = "2026-01-01T00:00:00Z"
        items = with_item(items, Item(id="x", title=title, content_text="", date_published=at, date_modified=at))
    assert [item.title for item in items] == ["second"]


async def test_a_picture_lies_beside_the_page_and_goes_with_the_last_page_that_shows_it(aws):
    channel, shown = page(aws), picture()
    name = f"pictures/{shown.sha256}.jpg"
    rendering = statement(media=(shown,))
    assert f'<img src="../{name}" alt="{ALT}"' in rendering.html
    first = await channel.publish(rendering, "one")
    second = await channel.publish(rendering, "two")
    there = aws.client("s3").get_object(Bucket=BUCKET, Key=name)
    assert there["Body"].read() == shown.content
    assert there["ContentType"] == "image/jpeg"
    assert json.loads(aws.objects(BUCKET)["feed.json"])["items"][0]["_pictures"] == [name]
    await channel.withdraw(first)
    assert name in aws.objects(BUCKET)
    for _ in range(2):
        await channel.withdraw(second)
    assert name not in aws.objects(BUCKET)


def questions(text: str, made: int) -> Rendering:
    """A version of a page that stays at one address."""
    return statement("Questions", text).model_copy(
        update={"options": {"page": "questions-inc-1", "page_made": str(made)}}
    )


async def test_a_page_of_its_own_stays_at_one_address_and_is_never_put_back(aws):
    channel = page(aws)
    first = await channel.publish(questions("Nobody knows yet.", 100), "v1")
    assert first.url == "https://press.acme.example/pages/questions-inc-1.html"
    second = questions("It works again.", 200)
    receipt = await channel.publish(second, "v2")
    assert receipt.url == first.url
    assert await channel.publish(second, "v2") == receipt  # sent twice: there once
    assert await channel.find("v2", second) == receipt
    assert await channel.find("v1", questions("Nobody knows yet.", 100)) is None
    with pytest.raises(Refused, match="newer version"):
        await channel.publish(questions("Late.", 150), "v0")
    await channel.withdraw(first)  # its place was taken: nothing of the newer one is lost
    assert aws.objects(BUCKET)["pages/questions-inc-1.html"] == second.html.encode()
    assert listed(aws)[0] == [first.url]
    await channel.withdraw(receipt)
    assert "pages/questions-inc-1.html" not in aws.objects(BUCKET)


@pytest.mark.parametrize("name", ["../feed", "a/b", "", "ä"])
async def test_a_page_name_that_could_lie_elsewhere_is_refused(aws, name: str):
    bad = statement().model_copy(update={"options": {"page": name, "page_made": "1"}})
    with pytest.raises(Refused, match="name of a page"):
        await page(aws).publish(bad, "k")
