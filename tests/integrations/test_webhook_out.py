"""The outgoing webhook: signed so that its receiver can tell, and never sent twice by itself."""

import json
import time
from collections.abc import Iterator

import pytest
from counting_http import Fault, HttpReceiver
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import integrations
from crisis import signature
from crisis.stakeholder import Route as To
from integrations import Message, Refused, Unknown

SECRET = "a secret of thirty-two characters"


class Hook(HttpReceiver):
    """Takes whatever is signed with the secret."""

    def routes(self) -> list[Route]:
        return [Route("/hook", self._take, methods=["GET", "POST"])]

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        try:
            signature.verify(request.headers.get(signature.HEADER, ""), body, SECRET, time.time())
        except signature.Unsigned as error:
            return Response(str(error), 401)
        if request.method == "POST":
            self.created.append(json.loads(body)["text"])
        return Response(status_code=204)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as receiver:
        yield receiver


def connect(hook: Hook, secret: str = SECRET) -> integrations.Publisher:
    channel: integrations.Publisher = integrations.connect("webhook", base_url=f"{hook.url}/hook", secret=secret)
    return channel


async def test_a_statement_and_a_notice_arrive_signed_with_their_keys(hook, render):
    receipt = await connect(hook).publish(render("We know. “é”", kind="webhook", subject="Outage", address="a"), "k")
    await connect(hook).notify(
        Message(key="n", subject="SEV1", text="Look", thread="INC-1"), To(notifier="hook", address="b")
    )
    assert hook.created == ["We know. “é”", "Look"]
    first, second = hook.requests
    assert first.headers["idempotency-key"] == receipt.id == "k"
    assert (first.json["kind"], second.json["incident"]) == ("statement", "INC-1")
    assert (await connect(hook).check()).ok


async def test_a_wrong_secret_is_told(hook, render):
    with pytest.raises(integrations.Misconfigured, match="does not fit"):
        await connect(hook, "another secret").publish(render("x", kind="webhook"), "k")


async def test_no_clear_answer_is_for_a_human(hook, render):
    hook.faults.append(Fault(502, done=True))
    with pytest.raises(Unknown):
        await connect(hook).publish(render("x", kind="webhook"), "k")
    with pytest.raises(Unknown, match="look there"):
        await connect(hook).find("k")
    with pytest.raises(Refused):
        await connect(hook).withdraw(await connect(hook).publish(render("y", kind="webhook"), "k2"))
