"""The desk as part of a running process."""

import asyncio
import logging
import signal

import httpx
import pytest
from at_the_desk import Scene

from config import ConfigError
from desk.server import listen, serve


async def test_it_answers_until_it_is_cancelled_and_leaves_signals_alone(scene: Scene) -> None:
    before = signal.getsignal(signal.SIGINT)
    listener, started = listen("127.0.0.1", 0), asyncio.Event()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    serving = asyncio.create_task(serve(scene.here, listener=listener, started=started))
    await asyncio.wait_for(started.wait(), 10)
    assert signal.getsignal(signal.SIGINT) is before
    async with httpx.AsyncClient(base_url=address) as browser:
        answer = await browser.get("/healthz")
    assert answer.json() == {"ok": True}
    assert "server" not in answer.headers
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(serving, 10)
    with pytest.raises(httpx.ConnectError):
        await httpx.AsyncClient().get(f"{address}/healthz")


async def test_an_address_in_use_is_named_in_one_sentence() -> None:
    taken = listen("127.0.0.1", 0)
    with pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1:"):
        listen("127.0.0.1", taken.getsockname()[1])
    taken.close()


async def test_no_token_or_key_is_logged(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    listener, started = listen("127.0.0.1", 0), asyncio.Event()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    serving = asyncio.create_task(serve(scene.here, listener=listener, started=started))
    await asyncio.wait_for(started.wait(), 10)
    async with httpx.AsyncClient(base_url=address) as browser:
        link = scene.link()
        await browser.get(link)
        await browser.get(f"/?key={scene.key}")
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    ours = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpcore")))
    assert link.removeprefix("/approve/") not in ours
    assert scene.key not in ours
