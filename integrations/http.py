"""What every integration over HTTP shares: one client, and one reading of answers as outcomes.

Promises: a write goes out at most once per call (only a connection that never came about is tried again); reads are
repeated while that is safe; no secret appears in a message or a receipt. Outcomes of a write:

====================================================  ==============================================
no connection (refused, no such host, TLS, proxy)     ``Unreachable``: not sent, try again
2xx with a sensible body                              the answer
2xx with a body that makes no sense, 5xx, 408,        ``Unknown``: look it up before sending again
reset or timeout once the request was on its way
420, 429                                              ``RateLimited`` until the time the headers give
401, 403, 3xx                                         ``Misconfigured``
other 4xx                                             ``Refused``
====================================================  ==============================================
"""

import asyncio
import json
import logging
import re
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

from integrations import telemetry
from integrations.outcomes import Misconfigured, RateLimited, Refused, Unknown, Unreachable, before_sending
from integrations.rate_limits import Allowance, allowance_of, come_back_at, endpoint_of, read_date, shared_budget

try:
    USER_AGENT = f"Fireline/{version('fireline')}"
except PackageNotFoundError:
    USER_AGENT = "Fireline"

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes; a longer answer is malformed."""
LARGEST_LINE = 1024 * 1024
"""Bytes of one line of an answer that does not end."""
_SECRET_NAME = re.compile(r"token|secret|passw|jwt|authori[sz]ation|api_?key|cookie|signature", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"\b(Bearer|OAuth|Basic)\s+[\w.~+/=-]{8,}|\beyJ[\w-]+\.[\w-]+\.[\w-]*", re.IGNORECASE)
_HIDDEN = "[hidden]"
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every address, and some platforms want secrets in them


class Connection(BaseModel):
    """Settings that every kind over HTTP takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(description="Where the service is, https://...")
    timeout: float = Field(default=10.0, gt=0, le=300, description="Seconds one request may take as a whole")
    proxy: str = Field(
        default="",
        description="Proxy, http://host:port; empty, or one with a password: HTTPS_PROXY and NO_PROXY in the environment",
    )
    ca_file: str = Field(
        default="",
        description="File with the certificates to trust (PEM); empty: as SSL_CERT_FILE says, or the usual ones",
    )
    client_certificate: str = Field(
        default="", description="File with the certificate and key by which we show who we are (PEM); empty: none"
    )

    @field_validator("base_url")
    @classmethod
    def _http(cls, value: str) -> str:
        url = urlsplit(value.strip())
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ValueError("must start with https:// (or http://) and name a host")
        if "@" in url.netloc or url.query or url.fragment:
            raise ValueError("must hold no password, query or fragment; credentials have their own settings")
        try:
            return str(httpx.URL(url.geturl())).rstrip("/")
        except httpx.InvalidURL as error:
            raise ValueError(f"is no address: {error}") from None

    @field_validator("proxy")
    @classmethod
    def _a_proxy(cls, value: str) -> str:
        url = urlsplit(value.strip())
        if value and (url.scheme not in {"http", "https"} or not url.hostname):
            raise ValueError("must be http:// or https://, a host and a port")
        if "@" in url.netloc:
            raise ValueError("must hold no password: set HTTPS_PROXY in the environment instead")
        return value.strip()

    def tls(self) -> ssl.SSLContext:
        """How this service is trusted, and how we show who we are.

        Raises:
            Misconfigured: a file cannot be read or holds something else.
        """
        return _tls(self.ca_file, self.client_certificate)


class ReceiverConnection(Connection):
    """Settings of a receiver whose address is passed on as it was given: it may tell /hook from /hook/, or want a query."""

    @field_validator("base_url")
    @classmethod
    def _http(cls, value: str) -> str:
        url = urlsplit(value.strip())
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ValueError("must start with https:// (or http://) and name a host")
        if "@" in url.netloc or url.fragment:
            raise ValueError("must hold no password and no fragment")
        try:
            httpx.URL(value.strip())
        except httpx.InvalidURL as error:
            raise ValueError(f"is no address: {error}") from None
        return value.strip()


def secrets_of(settings: BaseModel) -> set[str]:
    """The values that must never be shown, from a settings model's ``SecretStr`` fields."""
    values = (getattr(settings, name) for name in type(settings).model_fields)
    return {v.get_secret_value() for v in values if isinstance(v, SecretStr) and v.get_secret_value()}


def redact(text: str, secrets: Iterable[str], *, limit: int = 300) -> str:
    """``text`` on one line of at most ``limit`` characters, without secrets or control characters."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    text = " ".join(_SECRET_TEXT.sub(_HIDDEN, text).split())
    text = "".join(c for c in text if c.isprintable())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def scrub(value: Any, secrets: Iterable[str]) -> Any:
    """A copy of a decoded JSON value in which secret fields and secret values are hidden."""
    secrets = tuple(secrets)
    if isinstance(value, Mapping):
        return {
            str(k): _HIDDEN if _SECRET_NAME.search(str(k)) and isinstance(v, str) and v else scrub(v, secrets)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [scrub(v, secrets) for v in value]
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, _HIDDEN)
        return _SECRET_TEXT.sub(_HIDDEN, value)
    return value


def moment(value: Any) -> datetime:
    """A platform's ISO-8601 time in UTC; now, when it gave none that can be read."""
    return (read_date(value) if isinstance(value, str) else None) or datetime.now(UTC)


class Answer:
    """A platform's answer below 500."""

    def __init__(
        self, service: str, status: int, headers: Mapping[str, str], content: bytes, secrets: set[str]
    ) -> None:
        self.status, self.headers, self._content = status, headers, content
        self._service, self._secrets = service, secrets

    @property
    def content(self) -> bytes:
        """The body as it came."""
        return self._content

    @property
    def value(self) -> Any:
        """The decoded body, whatever the status; ``None`` when it is not JSON."""
        try:
            return json.loads(self._content)
        except (ValueError, RecursionError):
            return None

    @property
    def error(self) -> str:
        """The platform's short error code; empty when there is none."""
        body = self.value
        code = body.get("error") if isinstance(body, dict) else None
        return code if isinstance(code, str) else ""

    def accepted(self) -> "Answer":
        """This answer when it is a 2xx; else raises ``Misconfigured`` or ``Refused``."""
        if 200 <= self.status < 300:
            return self
        says = f"{self._service} answered {self.status}: {self.says}"
        if self.status in {401, 403}:
            raise Misconfigured(f"{says}. Check the credentials and what they may do")
        if 300 <= self.status < 400:
            place = redact(self.headers.get("location", ""), self._secrets)
            raise Misconfigured(f"{says}. base_url leads elsewhere ({place}); use the address it leads to")
        raise Refused(says)

    def removed(self) -> None:
        """Of a request to remove something: done, or there is nothing any more (404). Raises like ``accepted``."""
        if self.status != 404:
            self.accepted()

    @property
    def says(self) -> str:
        """The answer in a line, without secrets."""
        return redact(self._content[:4000].decode("utf-8", "replace"), self._secrets) or "nothing"

    def body(self) -> dict[str, Any]:
        """The JSON object of a 2xx. Raises like ``accepted``, and ``Unknown`` when it is no JSON object."""
        value = self.accepted().value
        if not isinstance(value, dict):
            raise Unknown(f"{self._service} answered {self.status} with something that is no JSON object: {self.says}")
        return value

    def items(self) -> list[dict[str, Any]]:
        """The JSON array of objects of a 2xx. Raises like ``body``."""
        value = self.accepted().value
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise Unknown(f"{self._service} answered {self.status} with something that is no list: {self.says}")
        return value

    def text(self, name: str) -> str:
        """A required, non-empty string of the body. Raises like ``body``, and ``Unknown`` when it is missing."""
        value = self.body().get(name)
        if not isinstance(value, str) or not value:
            raise Unknown(f"{self._service} answered {self.status} without {name!r}: {self.says}")
        return value

    def raw(self, *names: str, **more: Any) -> dict[str, Any]:
        """Those fields of the body for a receipt, secrets hidden, with ``more`` beside them."""
        body = self.body()
        return {**scrub({n: body[n] for n in names if n in body}, self._secrets), **more}


class Bearer(Protocol):
    """Where access tokens that run out come from."""

    async def token(self, refused: str = "") -> str:
        """One that holds; ``refused`` is one that the service has just called invalid."""
        ...

    async def close(self) -> None: ...


class Http:
    """A connection to one service."""

    def __init__(
        self,
        service: str,
        settings: Connection,
        headers: Mapping[str, str] | None = None,
        *,
        auth: httpx.Auth | tuple[str, str] | None = None,
        bearer: Bearer | None = None,
    ) -> None:
        self.service = service
        self._bearer = bearer
        self.secrets = secrets_of(settings)
        self._timeout = settings.timeout
        self._budget = shared_budget()
        if not all(value.isascii() for value in (headers or {}).values()):
            raise Misconfigured(f"{service}: a credential has letters that no header can carry: set it anew")
        self._client = httpx.AsyncClient(
            base_url=settings.base_url,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})},
            timeout=httpx.Timeout(settings.timeout, connect=min(5.0, settings.timeout)),
            follow_redirects=False,
            auth=auth,
            proxy=settings.proxy or None,
            verify=settings.tls(),
        )

    async def read(self, path: str, *, method: str = "GET", **options: Any) -> Answer:
        """Ask for something without changing it; transient trouble is tried three times within this call.

        Raises:
            RateLimited: answered 429. Unreachable: no connection. Unknown: no clear answer.
        """
        return await self._attempts((Unknown, *NOT_SENT), method, path, options)

    async def write(self, method: str, path: str, **options: Any) -> Answer:
        """Send a request that changes something, once; ``options`` are httpx's (``json``, ``data``, ``headers``).

        Raises:
            RateLimited: answered 429. Unreachable: not sent. Unknown: it may or may not have been done.
        """
        return await self._attempts(NOT_SENT, method, path, options)

    @asynccontextmanager
    async def lines(self, path: str, *, quiet: float, **options: Any) -> AsyncIterator[AsyncIterator[str]]:
        """A GET whose answer does not end, line by line; keep-alives are empty lines.

        Args:
            quiet: seconds without a byte after which the connection counts as broken.

        Raises:
            RateLimited, Unreachable, Unknown: as ``read``. Misconfigured, Refused: as ``Answer.accepted``.
            Unknown: while reading, when the connection breaks, falls silent, or sends a line of over a megabyte.
        """
        timeout = httpx.Timeout(self._timeout, connect=min(5.0, self._timeout), read=quiet)
        try:
            async with self._client.stream("GET", path, timeout=timeout, **options) as response:
                if response.status_code != 200:
                    self._judged(response, await _content(response)).accepted()
                yield _lines(response)
        except NOT_SENT as error:
            why = redact(str(error), self.secrets) or type(error).__name__
            raise Unreachable(f"{self.service} cannot be reached: {why}") from None
        except httpx.ReadTimeout:
            raise Unknown(f"{self.service} fell silent for {quiet:g} s") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            why = redact(str(error), self.secrets) or type(error).__name__
            raise Unknown(f"the connection to {self.service} broke: {why}") from None

    async def close(self) -> None:
        await self._client.aclose()
        if self._bearer is not None:
            await self._bearer.close()

    async def _attempts(
        self, again: tuple[type[Exception], ...], method: str, path: str, options: dict[str, Any]
    ) -> Answer:
        attempts = AsyncRetrying(
            stop=stop_after_attempt(3),
            wait=wait_exponential(multiplier=0.1, max=1.0) + wait_random(0, 0.1),
            retry=retry_if_exception_type(again),
            reraise=True,
        )
        try:
            if self._bearer is not None:
                return await self._with_token(self._bearer, attempts, method, path, options)
            return await attempts(self._once, method, path, **options)
        except NOT_SENT as error:
            why = redact(str(error), self.secrets) or type(error).__name__
            raise Unreachable(f"{self.service} cannot be reached, nothing was sent: {why}") from None

    async def _with_token(
        self, bearer: Bearer, attempts: AsyncRetrying, method: str, path: str, options: dict[str, Any]
    ) -> Answer:
        """Sent once more with another token where the service calls this one invalid: it has then done nothing."""
        refused = ""
        while True:
            with before_sending():
                token = await bearer.token(refused)
            self.secrets.add(token)
            headers = {**(options.get("headers") or {}), "Authorization": f"Bearer {token}"}
            answer: Answer = await attempts(self._once, method, path, **{**options, "headers": headers})
            if answer.status != 401 or refused:
                return answer
            refused = token

    async def _once(self, method: str, path: str, **options: Any) -> Answer:
        endpoint = endpoint_of(method, redact(path, self.secrets, limit=2000))
        if until := await self._budget.take(endpoint):
            says = f"{self.service} takes no more until {until:%Y-%m-%d %H:%M:%S} UTC, nothing was sent"
            raise RateLimited(says, until)
        address = self._client.base_url
        with telemetry.request(self.service, method, address.host, address.port) as seen:
            try:
                async with (
                    asyncio.timeout(self._timeout),
                    self._client.stream(method, path, **options) as response,
                ):
                    seen.answered(response.status_code)
                    content = await _content(response)
            except NOT_SENT:
                raise
            except TimeoutError:
                raise Unknown(f"{self.service} gave no answer within {self._timeout:g} s") from None
            except (httpx.HTTPError, httpx.StreamError) as error:
                why = redact(str(error), self.secrets) or type(error).__name__
                raise Unknown(f"the connection to {self.service} broke before a clear answer: {why}") from None
        return await self._counted(endpoint, response, content)

    async def _counted(self, endpoint: str, response: httpx.Response, content: bytes) -> Answer:
        """The answer as judged; what it says is left of the rate limit is noted for everybody."""
        now = datetime.now(UTC)
        allowance = allowance_of(response.headers, now)
        try:
            answer = self._judged(response, content)
        except RateLimited as limited:
            await self._budget.left(endpoint, Allowance(0, until=limited.until))
            raise
        if allowance is not None:
            await self._budget.left(endpoint, allowance)
        return answer

    def _judged(self, response: httpx.Response, content: bytes) -> Answer:
        """The answer, unless it is one that tells nothing (5xx, 408) or asks to wait (420, 429)."""
        answer = Answer(self.service, response.status_code, response.headers, content, self.secrets)
        if response.status_code in {420, 429}:
            until = come_back_at(response.headers, datetime.now(UTC), answer.value)
            raise RateLimited(f"{self.service} asks to come back at {until:%Y-%m-%d %H:%M:%S} UTC", until)
        if response.status_code >= 500 or response.status_code == 408:
            raise Unknown(f"{self.service} answered {response.status_code}: {answer.says}", response.status_code)
        return answer


@cache
def _tls(ca_file: str, client_certificate: str) -> ssl.SSLContext:
    """One for all clients with the same settings: reading the certificate store takes longer than a post."""
    try:
        context = ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()
    except (OSError, ValueError) as error:
        raise Misconfigured(f"ca_file: {ca_file} cannot be read as certificates ({_why(error)})") from None
    try:
        if client_certificate:
            context.load_cert_chain(client_certificate)
    except (OSError, ValueError) as error:
        says = f"client_certificate: {client_certificate} holds no certificate with its key ({_why(error)})"
        raise Misconfigured(says) from None
    return context


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__


async def _content(response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > LARGEST_ANSWER:
            raise httpx.DecodingError(f"an answer of more than {LARGEST_ANSWER} bytes")
    return bytes(content)


async def _lines(response: httpx.Response) -> AsyncIterator[str]:
    rest = b""
    async for chunk in response.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
        if len(rest) > LARGEST_LINE:
            raise httpx.DecodingError(f"a line of more than {LARGEST_LINE} bytes")
