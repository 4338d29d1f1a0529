"""How requests leave the house: proxies, certificates of one's own, and what an observer sees of them."""

import asyncio
import ssl
from contextlib import asynccontextmanager

import pytest
import trustme
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr, ValidationError

from integrations import telemetry
from integrations.http import Connection, Http
from integrations.outcomes import Misconfigured, Unknown, Unreachable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Key(Connection):
    token: SecretStr = SecretStr("t0ken-value")


@asynccontextmanager
async def serving(answer=OK, tls=None):
    """A server that answers everything alike; its port, and the first lines of what it was asked."""
    asked = []

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n", 1)[0].decode())
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()


async def read(**settings):
    http = Http("Test", Key(**settings))
    try:
        return await http.read("/me")
    finally:
        await http.close()


async def test_requests_go_through_the_proxy_that_is_set():
    async with serving() as (port, asked):
        await read(base_url="http://platform.example", proxy=f"http://127.0.0.1:{port}")
    assert asked == ["GET http://platform.example/me HTTP/1.1"]


async def test_requests_go_through_the_proxy_of_the_environment(monkeypatch):
    async with serving() as (port, asked):
        monkeypatch.setenv("HTTP_PROXY", f"http://user:pass@127.0.0.1:{port}")
        await read(base_url="http://platform.example")
    assert asked == ["GET http://platform.example/me HTTP/1.1"]


async def test_a_proxy_that_is_down_means_that_nothing_was_sent():
    with pytest.raises(Unreachable, match="nothing was sent"):
        await read(base_url="http://platform.example", proxy="http://127.0.0.1:1")


@pytest.mark.parametrize("proxy", ["127.0.0.1:3128", "ftp://proxy:21", "http://user:pass@proxy:3128", "http://"])
def test_a_proxy_that_is_none_or_holds_a_password_is_refused(proxy):
    with pytest.raises(ValidationError, match="proxy"):
        Connection(base_url="https://x.test", proxy=proxy)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def server_side(authority, *, wants_client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    return context


async def test_a_certificate_of_ones_own_authority_is_trusted_when_it_is_named(authority, tmp_path):
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    async with serving(tls=server_side(authority)) as (port, asked):
        with pytest.raises(Unreachable):
            await read(base_url=f"https://127.0.0.1:{port}")
        assert asked == []
        assert (await read(base_url=f"https://127.0.0.1:{port}", ca_file=str(file))).status == 200


async def test_a_service_that_wants_our_certificate_gets_it(authority, tmp_path):
    trusted, ours = tmp_path / "ca.pem", tmp_path / "us.pem"
    authority.cert_pem.write_to_path(str(trusted))
    authority.issue_cert("fireline").private_key_and_cert_chain_pem.write_to_path(str(ours))
    async with serving(tls=server_side(authority, wants_client=True)) as (port, _):
        here = {"base_url": f"https://127.0.0.1:{port}", "ca_file": str(trusted)}
        assert (await read(**here, client_certificate=str(ours))).status == 200
        with pytest.raises((Unreachable, Unknown)):
            await read(**here)


@pytest.mark.parametrize("name", ["ca_file", "client_certificate"])
async def test_a_file_that_holds_no_certificate_is_named(name, tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_text("not a certificate")
    for file in (junk, tmp_path / "missing.pem"):
        with pytest.raises(Misconfigured, match=f"{name}: {file}"):
            await read(base_url="https://x.test", **{name: str(file)})


@pytest.fixture
def spans(monkeypatch):
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("test"))
    return exporter


async def test_an_observer_sees_every_request_but_no_path_and_no_secret(spans):
    async with serving(b"HTTP/1.1 404 No\r\nContent-Length: 11\r\n\r\nt0ken-value") as (port, _):
        http = Http("Test", Key(base_url=f"http://127.0.0.1:{port}"))
        await http.read("/bott0ken-value/me")
        await http.close()
    with pytest.raises(Unreachable):
        await read(base_url="http://127.0.0.1:1")
    answered, *refused = spans.get_finished_spans()
    assert answered.name == "GET"
    assert dict(answered.attributes) == {
        "fireline.service": "Test",
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": port,
        "http.response.status_code": 404,
        "error.type": "404",
    }
    assert {span.attributes["error.type"] for span in refused} == {"ConnectError"}
    assert "t0ken" not in "".join(span.to_json() for span in spans.get_finished_spans())
