"""The channel that the docs build is found as another package's, and does what every channel must."""

import importlib
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from counting_http import Fault, HttpReceiver
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import integrations
from crisis.stakeholder import Route as To
from fireline.__main__ import run
from integrations import Message, Misconfigured, Unknown
from integrations.kinds import added

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-channel.md"
ROOM = "4xp9fdt77pncbef59f4k1qe83o"


class MattermostReceiver(HttpReceiver):
    """Reconcile by marker: props are kept with every post."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/api/v4/users/me", self._me),
            Route("/api/v4/posts", self._post, methods=["POST"]),
            Route(f"/api/v4/channels/{ROOM}/posts", self._posts),
            Route("/api/v4/posts/{id}", self._remove, methods=["DELETE"]),
            Route("/api/v4/posts/{id}/patch", self._patch, methods=["PUT"]),
        ]

    async def _me(self, request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer right":
            return JSONResponse({"id": "api.context.session_expired", "status_code": 401}, 401)
        return JSONResponse({"id": "u", "username": "acme"})

    async def _post(self, request: Request) -> Response:
        asked = await request.json()
        self.created.append(asked["message"])
        number = f"p{next(self._ids)}"
        self.posts[number] = {**asked, "id": number, "create_at": int(datetime.now(UTC).timestamp() * 1000)}
        return JSONResponse(self.posts[number], 201)

    async def _posts(self, request: Request) -> Response:
        return JSONResponse({"order": list(self.posts), "posts": self.posts})

    async def _remove(self, request: Request) -> Response:
        gone = self.posts.pop(request.path_params["id"], None)
        return JSONResponse({"status": "OK"}) if gone else JSONResponse({"status_code": 404}, 404)

    async def _patch(self, request: Request) -> Response:
        self.posts[request.path_params["id"]] |= await request.json()
        return JSONResponse(self.posts[request.path_params["id"]])


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The page's code and its entry point, installed as a package of its own."""
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (toml,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    group, name, value = re.findall(r'entry-points\."([\w.]+)"\]\n(\w+) = "([\w.:]+)"', toml)[0]
    site = tmp_path_factory.mktemp("site")
    (site / "fireline_mattermost.py").write_text(code, encoding="utf-8")
    info = site / "fireline_mattermost-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fireline-mattermost\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
    sys.path.insert(0, str(site))
    importlib.invalidate_caches()
    added.cache_clear()
    yield
    sys.path.remove(str(site))
    added.cache_clear()


@pytest.fixture
def chat(package: None) -> Iterator[MattermostReceiver]:
    with MattermostReceiver() as receiver:
        yield receiver


def connect(chat: MattermostReceiver, token: str = "right") -> Any:
    return integrations.connect("mattermost", base_url=chat.url, token=token, timeout=5)


async def test_it_is_found_by_its_entry_point_and_publishes_once(chat, render):
    assert "mattermost" in integrations.kinds("channel")
    said = render("We know.", kind="mattermost", address=ROOM)
    chat.faults.append(Fault(500, done=True))
    with pytest.raises(Unknown):
        await connect(chat).publish(said, "k")
    found = await connect(chat).find("k", said)
    assert found.id == "p1"
    assert await connect(chat).find("k2", said) is None
    await connect(chat).notify(Message(key="n", subject="SEV1", text="Look"), To(notifier="chat", address=ROOM))
    assert chat.created == ["We know.", "**SEV1**\n\nLook"]


async def test_it_amends_takes_back_answers_and_checks(chat, render):
    said = render("We know.", kind="mattermost", address=ROOM)
    receipt = await connect(chat).publish(said, "k")
    await connect(chat).amend(receipt, render("We know more.", kind="mattermost", address=ROOM))
    assert chat.posts["p1"]["message"] == "We know more."
    answer = render("It works.", kind="mattermost", address=ROOM, reply_to=receipt.id)
    assert chat.posts[(await connect(chat).publish(answer, "k2")).id]["root_id"] == "p1"
    for _ in range(2):
        await connect(chat).withdraw(receipt)
    assert await connect(chat).find("k", said) is None
    assert (await connect(chat).check()).says == "posts as @acme"
    assert not (await connect(chat, "hunter2").check()).ok


def test_the_command_line_tells_of_it_and_what_it_needs(package, capsys):
    assert run(["kinds", "mattermost"]) == 0
    out = capsys.readouterr().out
    assert 'kind = "mattermost"' in out
    assert "FIRELINE_MATTERMOST_TOKEN" in out


def test_a_package_that_is_broken_is_named_and_breaks_nothing_else(monkeypatch):
    broken = importlib.metadata.EntryPoint("broken", "no_such_module:Thing", "fireline.integrations")
    monkeypatch.setitem(added(), "broken", broken)
    with pytest.raises(Misconfigured, match=r"no_such_module:Thing.* is broken"):
        integrations.integration("broken")
    assert "mastodon" in integrations.kinds("channel")
    assert "broken" not in integrations.kinds()
