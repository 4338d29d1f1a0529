"""Amazon Web Services by boto3: one way to be a client, and one reading of answers as outcomes.

Promises: a write goes out at most once per call (boto3's own retries are off; only a connection that never came about
is tried again); reads are repeated while that is safe; the event loop never waits for boto3, whose calls run in threads
of each client's own; no secret appears in a message or a receipt. Credentials and region come from the settings, or
else from AWS's standard chain: environment, profiles, single sign-on, container or instance role.

====================================================  ==============================================
no connection, no answer while the credentials were   ``Unreachable``: not sent, try again
fetched (a role's, single sign-on)
throttling codes, ``SlowDown``, 429                   ``RateLimited`` until the time the headers give
no or expired or insufficient credentials, no region  ``Misconfigured``
or profile, no such bucket, sending paused, 3xx
5xx, 408, ``RequestTimeout``, reset or timeout once   ``Unknown``: look it up before sending again
the request was on its way, unreadable answer
other 4xx, parameters that boto3 refuses              ``Rejected``, a ``Refused`` that holds AWS's code
====================================================  ==============================================

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and each service's own pages.
"""

import asyncio
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

from integrations import telemetry
from integrations.http import LARGEST_ANSWER, USER_AGENT, Connection, redact, secrets_of
from integrations.outcomes import (
    IntegrationError,
    Misconfigured,
    RateLimited,
    Refused,
    Unknown,
    Unreachable,
    before_sending,
)
from integrations.rate_limits import come_back_at

THREADS = 8
"""Calls that one client makes at the same time; more wait."""
NOT_NOW = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "OperationAborted",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Not taken now, whatever the status: as botocore's own standard mode has them."""
TO_MEND = frozenset(
    {
        "AccountSuspendedException",
        "AuthFailure",
        "AuthorizationError",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "MailFromDomainNotVerifiedException",
        "NoSuchBucket",
        "NotFoundException",
        "ObjectLockConfigurationNotFoundError",
        "OptInRequired",
        "PermanentRedirect",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SendingPausedException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Refused for what a human sets up, not for what was sent; 401 and 403 are, too."""
_HANDSHAKE = re.compile(r"CERTIFICATE_VERIFY_FAILED|WRONG_VERSION_NUMBER")
_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b")


class Rejected(Refused):
    """AWS said no, and why."""

    def __init__(self, message: str, code: str, status: int) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class AwsSettings(Connection):
    """Settings that every kind on AWS takes."""

    base_url: str = Field(
        default="", description="Endpoint of the service, when it is not AWS's own (a VPC endpoint, another vendor)"
    )
    region: str = Field(
        default="",
        pattern=r"^[a-z0-9-]*$",
        description="Such as eu-central-1; empty: as the environment or profile say",
    )
    profile: str = Field(default="", description="Profile of the AWS configuration files; empty: the standard chain")
    access_key_id: SecretStr = Field(
        default=SecretStr(""), description="Access key; leave out to use the standard chain (roles, single sign-on)"
    )
    secret_access_key: SecretStr = Field(default=SecretStr(""), description="Secret of the access key")
    session_token: SecretStr = Field(default=SecretStr(""), description="Token of a temporary access key")

    @model_validator(mode="after")
    def _whole_key(self) -> Self:
        if bool(self.access_key_id.get_secret_value()) != bool(self.secret_access_key.get_secret_value()):
            raise ValueError("access_key_id and secret_access_key belong together: set both or none")
        if self.profile and self.access_key_id.get_secret_value():
            raise ValueError("profile and access_key_id are two ways to log in: set one")
        return self


class Aws:
    """A connection to one of AWS's services, named as boto3 names it (``sesv2``, ``sns``, ``s3``)."""

    def __init__(self, service: str, title: str, settings: AwsSettings) -> None:
        self.title = title
        self._given = self.secrets = secrets_of(settings)
        self._service, self._settings = service, settings
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"fireline-{service}")
        self._lock = threading.Lock()
        self._session: Any = None
        self._made: Any = None

    async def read(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Ask for something without changing it; transient trouble is tried three times within this call.

        ``operation`` is boto3's method, such as ``head_object``; a streamed body is read.

        Raises:
            RateLimited, Unreachable, Unknown, Misconfigured, Rejected: see above.
        """
        answer: dict[str, Any] = await self._attempts((Unknown, Unreachable), operation, parameters, _whole)
        return answer

    async def read_through(self, operation: str, consume: Callable[[dict[str, Any]], Any], **parameters: Any) -> Any:
        """Like ``read``, for long bodies: what ``consume`` makes of the answer, in the thread."""
        return await self._attempts((Unknown, Unreachable), operation, parameters, consume)

    async def write(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Do something that changes the world, once; the answer as boto3 gives it. Raises like ``read``."""
        answer: dict[str, Any] = await self._attempts((Unreachable,), operation, parameters, _whole)
        return answer

    def text(self, answer: Mapping[str, Any], name: str) -> str:
        """A required, non-empty string of an answer.

        Raises:
            Unknown: it is missing, so the answer makes no sense.
        """
        value = answer.get(name)
        if not isinstance(value, str) or not value:
            raise Unknown(f"{self.title} answered without {name!r}")
        return value

    async def region(self) -> str:
        """Where the client is, once the standard chain has been asked; empty where that says nothing."""
        return str((await self._ready()).meta.region_name or "")

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._made is not None:
            self._made.close()

    async def _attempts(
        self,
        again: tuple[type[Exception], ...],
        operation: str,
        parameters: dict[str, Any],
        consume: Callable[[dict[str, Any]], Any],
    ) -> Any:
        attempts = AsyncRetrying(
            stop=stop_after_attempt(3),
            wait=wait_exponential(multiplier=0.1, max=1.0) + wait_random(0, 0.1),
            retry=retry_if_exception_type(again),
            reraise=True,
        )
        return await attempts(self._once, operation, parameters, consume)

    async def _once(self, operation: str, parameters: dict[str, Any], consume: Callable[[dict[str, Any]], Any]) -> Any:
        client = await self._ready()

        def call() -> Any:
            try:
                return consume(getattr(client, operation)(**parameters))
            except Exception as error:
                raise self._outcome(error) from None

        host = urlsplit(client.meta.endpoint_url).hostname or ""
        with telemetry.request(self.title, operation, host):
            return await self._in_thread(call, within=self._settings.timeout)

    async def _ready(self) -> Any:
        with before_sending():
            return await self._in_thread(self._client)

    async def _in_thread(self, call: Callable[[], Any], within: float | None = None) -> Any:
        running = self._threads.submit(call)
        try:
            async with asyncio.timeout(within):
                return await asyncio.wrap_future(running)
        except TimeoutError:
            if running.cancelled():
                raise Unreachable(
                    f"{self.title}: nothing was sent, {THREADS} calls before it are still going"
                ) from None
            raise Unknown(f"{self.title} gave no answer within {within:g} s") from None

    def _client(self) -> Any:
        """The client, with credentials that hold: fetched here, so that what goes wrong with that has sent nothing."""
        try:
            with self._lock:
                if self._made is None:
                    self._made = self._new_client()
                credentials = self._session.get_credentials()
                held = credentials.get_frozen_credentials() if credentials else None
        except Exception as error:
            raise self._outcome(error) from None
        if held is None:
            raise Misconfigured(f"{self.title}: there are no AWS credentials; set access_key_id, AWS_PROFILE or a role")
        self.secrets = self._given | {part for part in (held.access_key, held.secret_key, held.token) if part}
        return self._made

    def _new_client(self) -> Any:
        from boto3.session import Session  # slow to import, and most commands never ask AWS
        from botocore.config import Config
        from botocore.session import get_session

        s = self._settings
        core = get_session()
        core.register_component("data_loader", _models())
        self._session = Session(
            botocore_session=core,
            aws_access_key_id=s.access_key_id.get_secret_value() or None,
            aws_secret_access_key=s.secret_access_key.get_secret_value() or None,
            aws_session_token=s.session_token.get_secret_value() or None,
            region_name=s.region or None,
            profile_name=s.profile or None,
        )
        elsewhere = bool(s.base_url) and not (urlsplit(s.base_url).hostname or "").endswith(".amazonaws.com")
        config = Config(
            connect_timeout=min(5.0, s.timeout),
            read_timeout=s.timeout,
            retries={"total_max_attempts": 1},  # when to send again is ours to decide
            max_pool_connections=THREADS,
            user_agent_extra=USER_AGENT,
            s3={"addressing_style": "path"} if elsewhere else None,
            proxies={"http": s.proxy, "https": s.proxy} if s.proxy else None,
            client_cert=s.client_certificate or None,
        )
        s.tls()  # botocore would find an unreadable file only while sending
        return self._session.client(
            self._service, endpoint_url=s.base_url or None, config=config, verify=s.ca_file or None
        )

    def _outcome(self, error: Exception) -> Exception:
        from botocore import exceptions as e

        if isinstance(error, IntegrationError):
            return error
        if isinstance(error, e.ClientError):
            return self._answered(error.response)
        says = self._says(error)
        no_connection = e.EndpointConnectionError | e.ConnectTimeoutError | e.ProxyConnectionError
        no_trust = isinstance(error, e.SSLError) and _HANDSHAKE.search(str(error))
        if no_trust or isinstance(error, no_connection | e.MetadataRetrievalError | e.CredentialRetrievalError):
            return Unreachable(f"{self.title} cannot be reached, nothing was sent: {says}")
        if isinstance(error, e.ParamValidationError):
            return Rejected(f"{self.title} cannot be asked so, nothing was sent: {says}", "ParamValidation", 0)
        if isinstance(error, e.FlexibleChecksumError):
            return Unknown(f"{self.title} gave other bytes than their checksum says: {says}")
        if isinstance(error, _sent_something()):
            return Unknown(f"the connection to {self.title} broke before a clear answer: {says}")
        if isinstance(error, e.BotoCoreError):  # credentials, region, profile, endpoint: all before anything is sent
            return Misconfigured(f"{self.title} cannot be used, nothing was sent: {says}. Check the AWS credentials")
        return Unknown(f"unexpected {type(error).__name__} while {self.title} was asked")

    def _answered(self, response: Mapping[str, Any]) -> IntegrationError:
        """What an answer that is no success means."""
        given, meta = response.get("Error") or {}, response.get("ResponseMetadata") or {}
        code, status = str(given.get("Code", "")), int(meta.get("HTTPStatusCode") or 0)
        headers = {str(k).lower(): str(v) for k, v in (meta.get("HTTPHeaders") or {}).items()}
        says = f"{self.title} answered {status} {self._says(code)}: {self._says(given.get('Message') or 'nothing')}"
        if code in NOT_NOW or status == 429:
            until = come_back_at(headers, datetime.now(UTC))
            return RateLimited(f"{says}; it asks to come back at {until:%Y-%m-%d %H:%M:%S} UTC", until)
        if status in {401, 403} or code in TO_MEND:
            return Misconfigured(f"{says}. Check the AWS credentials, region and what they may do")
        if 300 <= status < 400 and status != 304:
            place = self._says(headers.get("x-amz-bucket-region") or headers.get("location", ""))
            return Misconfigured(f"{says}. Check region and base_url: it is elsewhere ({place})")
        if 400 <= status < 500 and status != 408 and code != "RequestTimeout":
            return Rejected(says, code, status)
        return Unknown(says, status)

    def _says(self, what: object) -> str:
        text = redact(str(what), self.secrets) or type(what).__name__
        return _ACCESS_KEY.sub("[hidden]", text)


@cache
def _models() -> Any:
    """What botocore knows of the services, read once for all clients: that takes longer than most calls."""
    from botocore.loaders import create_loader

    return create_loader()


def _sent_something() -> tuple[type[Exception], ...]:
    """Errors after which a request may have gone out."""
    from botocore import exceptions as e
    from botocore.parsers import ResponseParserError

    return (
        e.ConnectionError,
        e.HTTPClientError,
        e.ResponseStreamingError,
        e.IncompleteReadError,
        ResponseParserError,
    )


def _whole(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer whose streamed body, if it has one, is read."""
    body = answer.get("Body")
    if body is None:
        return answer
    content = body.read(LARGEST_ANSWER + 1)
    if len(content) > LARGEST_ANSWER:
        raise Unknown(f"an answer of more than {LARGEST_ANSWER} bytes")
    return {**answer, "Body": content}
