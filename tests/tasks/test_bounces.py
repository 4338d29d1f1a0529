"""Bounces that wait in SQS are stored before they leave the queue, once, and keep nobody else from being written to."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from acme import IDA, acme
from aws_receiver import KEYS, AwsReceiver

from fireline.__main__ import run
from integrations.ses_events import came_back
from tasks.bounces import collect_bounces


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsReceiver]:
    with AwsReceiver() as server:
        yield server


def event(kind: str, address: str, **more: Any) -> str:
    who = [{"emailAddress": address, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 nobody"}]
    told: dict[str, Any] = {"eventType": kind, "mail": {"messageId": "m", "tags": {"fireline": ["d1"]}}}
    if kind == "Bounce":
        told["bounce"] = {"bounceType": "Permanent", "bouncedRecipients": who, **more}
    else:
        told["complaint"] = {"complainedRecipients": who, "complaintFeedbackType": "abuse", **more}
    return json.dumps(told)


async def test_bounces_and_complaints_of_the_queue_suppress_their_addresses(aws, tmp_path, monkeypatch):
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName="bounces")["QueueUrl"]
    bodies = [
        event("Bounce", "a@x.example"),
        json.dumps({"Type": "Notification", "Message": event("Complaint", "B <b@x.example>")}),
    ]
    bodies += [
        "no json",
        "[]",
        event("Bounce", "c@x.example", bounceType="Transient"),
        event("Bounce", "evil\r\nBcc: v@x.example"),
    ]
    for body in [*bodies, *bodies]:
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    path = queue.partition("://")[2].partition("/")[2]
    channel = f"""
[[channels]]
name = "customers"
kind = "ses"
credentials = "aws"
address = "customers@x.example"
[channels.settings]
base_url = "{aws.url}"
region = "{KEYS["region"]}"
sender = "news@acme.example"
events_queue = "{aws.url}/{path}"
"""
    monkeypatch.setenv("FIRELINE_AWS_ACCESS_KEY_ID", KEYS["access_key_id"])
    monkeypatch.setenv("FIRELINE_AWS_SECRET_ACCESS_KEY", KEYS["secret_access_key"])
    async with acme(tmp_path, more=channel) as here:
        assert await collect_bounces(here) == "2 addresses suppressed"
        assert await collect_bounces(here) == ""
        async with here.store.reading() as tx:
            found = {(s.address, s.reason) for s in await tx.suppressions.list()}
    assert found == {("a@x.example", "bounced"), ("b@x.example", "complained")}
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        '{"eventType": "Bounce", "bounce": []}',
        '{"eventType": "Bounce", "bounce": {"bounceType": "Permanent"}}',
    ],
)
def test_what_is_no_event_tells_nothing(body):
    assert list(came_back(body)) == []


def test_an_address_is_suppressed_and_freed_by_hand(tmp_path, monkeypatch, capsys):
    from acme import write_starter

    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path)))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    who = ["--as", IDA, "--reason", "she asked by phone"]
    assert run(["suppress", "ann@x.example", *who]) == 0
    assert run(["suppressed", "ANN@x.example", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["reason"] == "by hand"
    assert run(["unsuppress", "Ann@x.example", *who]) == 0
    assert run(["unsuppress", "ann@x.example", *who]) == 1
    assert run(["suppress", "ann@x.example", *who, "--list", "nowhere"]) == 2
    assert run(["suppress", "ann\r\nx@x.example", *who]) == 2
    assert run(["mailing", "nothing"]) == 1
