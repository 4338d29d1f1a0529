"""Whatever goes wrong with AWS, each kind says the same: there, certainly not there, or unknown; none sends twice by itself."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aws_receiver import KEYS, AwsReceiver, error
from counting_http import Fault
from proxy import Proxy

import integrations
from crisis.delivery import Receipt
from crisis.rendering import render
from crisis.statement import Target
from integrations import Misconfigured, RateLimited, Refused, Unknown, Unreachable
from integrations.aws import NOT_NOW, TO_MEND

TEXT = "We are sorry & looking into it."
KINDS: dict[str, tuple[dict[str, Any], str, bytes]] = {
    "ses": ({"sender": "status@acme.example"}, "list@example.com", b"POST /v2/email/outbound-emails"),
    "sns_sms": ({}, "+15550100123", b"Action=Publish"),
    "s3_page": ({"bucket": "acme-press", "web_url": "https://press.acme.example"}, "", b"</html>"),
}
SECRET = KEYS["secret_access_key"]


@dataclass
class Bench:
    """The receiver, how to connect to it, and how to send to it."""

    receiver: AwsReceiver
    kind: str
    settings: dict[str, Any]
    write: bytes
    send: Callable[[Any], Awaitable[Receipt]]
    find: Callable[[Any], Awaitable[Receipt | None]]

    def connect(self, **more: Any) -> Any:
        settings = {"base_url": self.receiver.url, "timeout": 30, **KEYS, **self.settings, **more}
        return integrations.connect(self.kind, **settings)

    @property
    def looks_up(self) -> bool:
        return self.kind == "s3_page"


@pytest.fixture(params=sorted(KINDS))
def bench(request: pytest.FixtureRequest, aws: AwsReceiver) -> Bench:
    settings, address, write = KINDS[request.param]
    target = Target(channel="test", kind=request.param, address=address)
    limits = integrations.integration(request.param).platform_limits
    rendering = render(headline="Outage", body=TEXT, target=target, limits=limits)

    async def send(channel: Any) -> Receipt:
        return await channel.publish(rendering, "key1")

    async def find(channel: Any) -> Receipt | None:
        return await channel.find("key1", rendering)

    return Bench(aws, request.param, settings, write, send, find)


async def absent(bench: Bench, channel: Any) -> None:
    """Nothing is there, and where a look-up can tell, it does."""
    assert bench.receiver.created == []
    if bench.looks_up:
        assert await bench.find(channel) is None


async def once(bench: Bench, channel: Any) -> None:
    """It is there once; a look-up finds it, or says that it cannot tell; sent again where that is safe, it stays one."""
    assert len(bench.receiver.created) == 1
    if bench.looks_up:
        receipt = await bench.send(channel)
        assert (await bench.find(channel)).id == receipt.id
    else:
        with pytest.raises(Unknown):
            await bench.find(channel)
    assert len(bench.receiver.created) == 1


async def test_what_was_sent_is_there_once(bench):
    channel = bench.connect()
    receipt = await bench.send(channel)
    assert receipt.raw["parts"] == [receipt.id]
    assert SECRET not in receipt.model_dump_json()
    await once(bench, channel)
    await channel.close()


@pytest.mark.parametrize("silent", [False, True], ids=["reset", "timeout"])
async def test_delivered_but_the_answer_lost_is_unknown_and_not_sent_again(bench, silent):
    with Proxy("127.0.0.1", bench.receiver.port, after=bench.write) as proxy:
        channel = bench.connect(base_url=proxy.url, timeout=1)
        proxy.silent = silent
        proxy.lose()
        with pytest.raises(Unknown):
            await bench.send(channel)
        assert proxy.lost == 1
    await once(bench, bench.connect())


@pytest.mark.parametrize(("status", "code"), [(500, "InternalFailure"), (503, "ServiceUnavailable"), (408, "X")])
async def test_a_5xx_after_it_was_taken_is_unknown_and_not_sent_again(bench, status, code):
    bench.receiver.faults.append(error(bench.kind, status, code, done=True))
    channel = bench.connect()
    with pytest.raises(Unknown, match=str(status)):
        await bench.send(channel)
    await once(bench, channel)


async def test_a_5xx_before_it_was_taken_is_unknown_all_the_same(bench):
    bench.receiver.faults.append(error(bench.kind, 503, "InternalError"))
    channel = bench.connect()
    with pytest.raises(Unknown, match="503"):
        await bench.send(channel)
    await absent(bench, channel)


@pytest.mark.parametrize("body", ["<html>ok</html>", "[]", "{}", '{"MessageId": 7}', ""])
async def test_a_malformed_answer_is_unknown_and_not_sent_again(bench, body):
    bench.receiver.faults.append(Fault(200, body, done=True))
    channel = bench.connect()
    with pytest.raises(Unknown):
        await bench.send(channel)
    await once(bench, channel)


def _in(seconds: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("status", "code", "headers", "seconds"),
    [
        (429, "TooManyRequestsException", lambda: {"retry_after": "90"}, 90),
        (429, "anything", lambda: {"retry_after": format_datetime(_in(90), usegmt=True)}, 90),
        (400, "Throttling", dict, 30),
        (400, "ThrottlingException", lambda: {"retry_after": "soon"}, 30),
        (503, "SlowDown", dict, 30),
    ],
    ids=["seconds", "http-date", "absent", "junk", "slow-down"],
)
async def test_throttling_says_when_to_come_back_and_nothing_is_there(bench, status, code, headers, seconds):
    bench.receiver.faults.append(error(bench.kind, status, code, **headers()))
    channel = bench.connect()
    with pytest.raises(RateLimited) as caught:
        await bench.send(channel)
    assert type(caught.value) is RateLimited
    assert abs((caught.value.until - _in(0)).total_seconds() - seconds) < 5
    await absent(bench, channel)


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, "InvalidParameter", Refused),
        (400, "MessageRejected", Refused),
        (413, "EntityTooLarge", Refused),
        (403, "AccessDenied", Misconfigured),
        (400, "ExpiredToken", Misconfigured),
        (403, "SignatureDoesNotMatch", Misconfigured),
    ],
)
async def test_a_refusal_is_certain_and_repeats_no_secret(bench, status, code, outcome):
    said = f"no, {SECRET} of {KEYS['access_key_id']} and AKIAIOSFODNN7EXAMPLE"
    bench.receiver.faults.append(error(bench.kind, status, code, said))
    channel = bench.connect()
    with pytest.raises(outcome) as caught:
        await bench.send(channel)
    assert SECRET not in str(caught.value)
    assert "AKIA" not in str(caught.value)
    await absent(bench, channel)


async def test_a_redirect_is_misconfigured_except_to_the_region_that_a_bucket_is_in(bench):
    bench.receiver.faults.append(error(bench.kind, 301, "PermanentRedirect", location="http://elsewhere.test/"))
    channel = bench.connect()
    if bench.kind == "s3_page":  # boto3 asks where the bucket is, and sends there what was not taken here
        await bench.send(channel)
        await once(bench, channel)
        return
    with pytest.raises(Misconfigured, match="region"):
        await bench.send(channel)
    await absent(bench, channel)


async def test_no_connection_means_that_nothing_was_sent(bench):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for base_url in (f"http://127.0.0.1:{port}", "http://nowhere.invalid", bench.receiver.url.replace("http", "https")):
        with pytest.raises(Unreachable) as caught:
            await bench.send(bench.connect(base_url=base_url))
        assert caught.value.until > _in(0)
    await absent(bench, bench.connect())


async def test_credentials_from_the_standard_chain_are_used_and_never_told(bench, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    alone = {"access_key_id": "", "secret_access_key": "", "region": ""}
    with pytest.raises(Misconfigured, match=r"region|credentials"):
        await bench.send(bench.connect(**alone))
    monkeypatch.setenv("AWS_REGION", KEYS["region"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", KEYS["region"])
    with pytest.raises(Misconfigured, match="credentials"):
        await bench.send(bench.connect(**alone))
    await absent(bench, bench.connect())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFROMENVIRONMENT2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "chained-secret")
    bench.receiver.faults.append(error(bench.kind, 400, "X", "your chained-secret is odd"))
    with pytest.raises(Refused) as caught:
        await bench.send(bench.connect(**alone))
    assert "chained-secret" not in str(caught.value)
    await bench.send(bench.connect(**alone))
    assert "AKIAFROMENVIRONMENT2" in bench.receiver.requests[-1].headers["authorization"]


async def test_a_profile_that_does_not_exist_is_misconfigured(bench):
    with pytest.raises(Misconfigured, match="nobody"):
        await bench.send(bench.connect(access_key_id="", secret_access_key="", profile="nobody"))


async def test_the_event_loop_goes_on_while_aws_is_slow(bench):
    bench.receiver.faults.append(Fault(delay=0.5, done=True, **_as_given(bench)))
    sending = asyncio.ensure_future(bench.send(bench.connect()))
    turns = 0
    while not sending.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 5
    sending.exception()


def _as_given(bench: Bench) -> dict[str, Any]:
    given = error(bench.kind, 500, "InternalFailure")
    return {"status": given.status, "body": given.body, "headers": given.headers}


async def test_check_publishes_nothing_and_says_who_we_are_or_what_is_wrong(bench):
    health = await bench.connect().check()
    assert health.ok, health.says
    assert bench.receiver.created == []
    broken = await bench.connect(base_url="http://nowhere.invalid").check()
    assert not broken.ok
    assert SECRET not in broken.says


async def test_settings_show_no_secret_and_wrong_ones_are_named_without_it(bench):
    model = integrations.integration(bench.kind).settings_model
    assert SECRET not in repr(model(**{"base_url": "http://x.test", **KEYS, **bench.settings}))
    for wrong in ({"secret_access_key": ["hunter2"]}, {"access_key_id": ""}, {"profile": "x"}, {"base_url": "ftp://x"}):
        with pytest.raises(Misconfigured, match="Its settings are") as caught:
            bench.connect(**wrong)
        assert "hunter2" not in str(caught.value)
        assert SECRET not in str(caught.value)


def test_no_code_is_both_a_wait_and_a_mistake():
    assert not NOT_NOW & TO_MEND


def test_telling_all_kinds_imports_nothing_of_amazons():
    asked = (
        "import sys, integrations; integrations.kinds(); sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
