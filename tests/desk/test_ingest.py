"""The signed webhook over HTTP, into a real store."""

import json
import time

import httpx
import pytest
from at_the_desk import Scene
from sqlalchemy.exc import OperationalError

from crisis import signature
from desk import webhook

SECRET = "a-shared-secret"
POST = {"id": "1", "text": "The Acme app does not pay", "created_at": "2026-03-01T11:59:00Z", "author": "@mia"}


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRELINE_INGEST_SECRET", SECRET)


async def send(scene: Scene, body: bytes, **headers: str) -> httpx.Response:
    signed = {signature.HEADER: signature.sign(body, SECRET, int(time.time())), **headers}
    async with scene.browser() as sender:
        return await sender.post("/ingest", content=body, headers=signed)


async def stored(scene: Scene) -> list[str]:
    async with scene.here.store.reading() as tx:
        return [mention.id for _, mention in await tx.inbox.after(0, 100)]


async def test_a_signed_post_is_stored_and_counted(scene: Scene) -> None:
    answer = await send(scene, json.dumps(POST).encode())
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "new": 1, "rejected": []})
    assert await stored(scene) == ["1"]


async def test_the_same_post_again_is_accepted_but_not_new(scene: Scene) -> None:
    body = json.dumps([POST, POST, {**POST, "source": "elsewhere"}]).encode()
    assert (await send(scene, body)).json()["new"] == 2
    assert (await send(scene, body)).json() == {"accepted": 3, "new": 0, "rejected": []}


async def test_a_replayed_request_adds_nothing(scene: Scene) -> None:
    body = json.dumps(POST).encode()
    header = signature.sign(body, SECRET, int(time.time()))
    assert (await send(scene, body, **{signature.HEADER: header})).json()["new"] == 1
    assert (await send(scene, body, **{signature.HEADER: header})).json()["new"] == 0


async def test_good_posts_count_although_others_are_rejected(scene: Scene) -> None:
    answer = await send(scene, json.dumps([{"id": "0"}, POST]).encode())
    assert answer.status_code == 200
    assert answer.json() == {"accepted": 1, "new": 1, "rejected": [{"index": 0, "says": "text is missing"}]}


async def test_only_rejected_posts_are_an_error_that_a_sender_notices(scene: Scene) -> None:
    answer = await send(scene, json.dumps([{"id": "0"}]).encode())
    assert (answer.status_code, answer.json()["accepted"]) == (422, 0)


async def test_an_unsigned_forged_or_old_request_stores_nothing(scene: Scene) -> None:
    body, now = json.dumps(POST).encode(), int(time.time())
    for header in ("", "t=1", signature.sign(body, "guess", now), signature.sign(body, SECRET, now - 301)):
        answer = await send(scene, body, **{signature.HEADER: header})
        assert answer.status_code == 401
        assert list(answer.json()) == ["error"]
        assert SECRET not in answer.text
    assert await stored(scene) == []


async def test_a_body_changed_on_the_way_is_refused(scene: Scene) -> None:
    body = json.dumps(POST).encode()
    header = signature.sign(body, SECRET, int(time.time()))
    assert (await send(scene, body.replace(b"mia", b"eve"), **{signature.HEADER: header})).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[1", b"\0", b'{"id": "\xed\xa0\x80"}'])
async def test_bad_json_and_bad_utf_8_are_refused_in_one_sentence(scene: Scene, body: bytes) -> None:
    answer = await send(scene, body)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["error"]


async def test_a_nul_inside_a_post_is_stored_as_a_mark(scene: Scene) -> None:
    assert (await send(scene, json.dumps({**POST, "text": "a\0b"}).encode())).json()["new"] == 1
    async with scene.here.store.reading() as tx:
        [(_, mention)] = await tx.inbox.after(0, 10)
    assert mention.text == "a\ufffdb"


async def test_an_oversized_body_is_refused_before_it_is_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "MAX_BODY", 1000)
    assert (await send(scene, b"x" * 1001)).status_code == 413
    assert (await send(scene, b"x", **{"Content-Length": "99999999999999999999999999"})).status_code == 413


async def test_an_oversized_body_of_undeclared_length_is_refused_too(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "MAX_BODY", 1000)

    async def chunks() -> object:
        for _ in range(20):
            yield b"x" * 100

    async with scene.browser() as sender:
        answer = await sender.post("/ingest", content=chunks())  # type: ignore[arg-type]
    assert answer.status_code == 413


async def test_a_post_from_the_future_is_rejected_by_name(scene: Scene) -> None:
    answer = await send(scene, json.dumps({**POST, "created_at": "2030-01-01T00:00:00Z"}).encode())
    assert "future" in answer.json()["rejected"][0]["says"]


async def test_without_a_secret_the_webhook_is_off(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRELINE_INGEST_SECRET")
    answer = await send(scene, json.dumps(POST).encode())
    assert answer.status_code == 503
    assert "FIRELINE_INGEST_SECRET" in answer.json()["error"]


async def test_compressed_bodies_are_refused_clearly(scene: Scene) -> None:
    assert (await send(scene, b"x", **{"Content-Encoding": "gzip"})).status_code == 415


async def test_looking_at_the_webhook_is_no_use(scene: Scene) -> None:
    async with scene.browser() as visitor:
        assert (await visitor.get("/ingest")).status_code == 405


async def test_while_the_records_cannot_be_written_the_sender_is_asked_to_try_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked() -> None:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    monkeypatch.setattr(scene.here.store, "transaction", locked)
    answer = await send(scene, json.dumps(POST).encode())
    assert answer.status_code == 503
    assert "send the same again" in answer.json()["error"]
    assert "INSERT" not in answer.text
