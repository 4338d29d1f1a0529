"""AWS for tests: moto's server keeps the state, and in front of it stands a receiver that counts, records and fails on order.

What moto lacks is answered here after AWS's documentation: SES's GetAccount and SNS's GetSMSSandboxAccountStatus.
"""

import asyncio
import base64
import json
from collections import UserDict
from typing import Any
from urllib.parse import parse_qs, quote
from xml.sax.saxutils import escape

import boto3
import httpx
from counting_http import Fault, HttpReceiver
from moto.server import ThreadedMotoServer
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KEYS = {"access_key_id": "AKIAFIRELINETESTSXYZ", "secret_access_key": "right", "region": "eu-central-1"}
SNS_NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
_HOP = {"host", "content-length", "transfer-encoding", "connection", "expect", "keep-alive", "content-encoding"}


class _Clients(UserDict[str, Any]):
    """No dict, so that ``reset`` leaves it alone."""


class AwsReceiver(HttpReceiver):
    """One endpoint for every service, as moto has it."""

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = False
        """SES and SNS say that the account is in their sandboxes."""
        self.drops: set[str] = set()
        """Headers, in lower case, that a careless endpoint would not heed."""
        self.corrupts = False
        """What is stored is not what was sent; moto does not mind the checksum."""
        self.verified = True
        """SES has verified the identities there are; moto never does by itself."""

    def routes(self) -> list[Route]:
        methods = ["GET", "HEAD", "PUT", "POST", "DELETE"]
        return [
            Route("/v2/email/account", self._account),
            Route("/{path:path}", self._forward, methods=methods),
        ]

    async def start(self) -> None:
        self._clients = _Clients()
        self._moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._moto.start()
        host, port = self._moto.get_host_and_port()
        self.moto = f"http://{host}:{port}"
        self._client = httpx.AsyncClient(base_url=self.moto, timeout=20)
        self._one_at_a_time = asyncio.Lock()
        await super().start()

    async def stop(self) -> None:
        await self._client.aclose()
        await super().stop()
        self._moto.stop()

    def reset(self) -> None:
        super().reset()
        self.sandbox, self.verified, self.corrupts = False, True, False
        self.drops.clear()
        httpx.post(f"{self.moto}/moto-api/reset")

    def client(self, service: str) -> Any:
        """boto3's own client, past the faults: for what a human sets up, and to see what is there."""
        if service not in self._clients:
            keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": KEYS["region"]}
            self._clients[service] = boto3.client(service, endpoint_url=self.moto, **keys)
        return self._clients[service]

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Every object of a bucket."""
        s3 = self.client("s3")
        names = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
        return {name: s3.get_object(Bucket=bucket, Key=name)["Body"].read() for name in names}

    @property
    def sms(self) -> list[tuple[str, str]]:
        """Number and text of every message that reached a phone."""
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.sns import sns_backends

        return list(sns_backends[DEFAULT_ACCOUNT_ID][KEYS["region"]].sms_messages.values())

    async def _account(self, request: Request) -> Response:
        quota = {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 1_000.0}
        state = {"SendingEnabled": True, "ProductionAccessEnabled": not self.sandbox, "EnforcementStatus": "HEALTHY"}
        return JSONResponse(state | {"SendQuota": quota, "DedicatedIpAutoWarmupEnabled": True})

    async def _forward(self, request: Request) -> Response:
        body = await request.body()
        form = parse_qs(body.decode("utf-8", "replace")) if request.url.path == "/" else {}
        if form.get("Action") == ["GetSMSSandboxAccountStatus"]:
            answer = f"<IsInSandbox>{str(self.sandbox).lower()}</IsInSandbox>"
            return _sns("GetSMSSandboxAccountStatus", answer)
        headers = {k: v for k, v in request.headers.items() if k not in _HOP | self.drops}
        if self.corrupts and request.method == "PUT":
            body = body[:-1] + b"?"
        path = quote(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
        async with self._one_at_a_time:  # S3 checks a condition and writes in one step, moto in two
            answer = await self._client.request(request.method, path, content=body, headers=headers)
        if answer.is_success:
            self._note(request, body, form)
        if self.verified and request.url.path.startswith("/v2/email/identities/") and answer.is_success:
            return JSONResponse(answer.json() | {"VerifiedForSendingStatus": True})
        kept = {k: v for k, v in answer.headers.items() if k not in _HOP}
        if request.method == "HEAD" and (length := answer.headers.get("content-length")):
            kept["content-length"] = length
        return Response(answer.content, answer.status_code, kept)

    def _note(self, request: Request, body: bytes, form: dict[str, list[str]]) -> None:
        if request.url.path == "/v2/email/outbound-emails":
            self.created.append(base64.b64decode(json.loads(body)["Content"]["Raw"]["Data"]).decode())
        elif form.get("Action") == ["Publish"]:
            self.created.append(form["Message"][0])
        elif request.method == "PUT" and "/statements/" in request.url.path:
            self.created.append(request.url.path)


def _sns(action: str, answer: str) -> Response:
    meta = "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"
    body = (
        f'<{action}Response xmlns="{SNS_NAMESPACE}"><{action}Result>{answer}</{action}Result>{meta}</{action}Response>'
    )
    return Response(body, media_type="text/xml")


def error(kind: str, status: int, code: str, message: str = "no", *, done: bool = False, **headers: str) -> Fault:
    """An error as the service of ``kind`` writes it: SES in JSON, SNS and S3 in XML."""
    given: dict[str, Any] = {name.replace("_", "-"): value for name, value in headers.items()}
    if kind == "ses":
        return Fault(status, json.dumps({"message": message}), {"x-amzn-ErrorType": code, **given}, done=done)
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if kind == "sns_sms":
        body = f'<ErrorResponse xmlns="{SNS_NAMESPACE}"><Error><Type>Sender</Type>{inner}</Error></ErrorResponse>'
    else:
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}<RequestId>r-1</RequestId></Error>'
    return Fault(status, body, given, done=done)
