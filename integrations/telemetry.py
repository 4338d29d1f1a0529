"""What an observer sees of every request: an OpenTelemetry span and its duration, for whoever set a collector up.

Named after OpenTelemetry's semantic conventions for HTTP clients (https://opentelemetry.io/docs/specs/semconv/http/).
Paths, queries, bodies and messages of errors are left out: platforms want secrets in them. Without a collector nothing
is kept and nothing sent.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

_tracer = trace.get_tracer("fireline.integrations")
_duration = metrics.get_meter("fireline.integrations").create_histogram(
    "http.client.request.duration", unit="s", description="Duration of requests to platforms"
)


class Seen:
    """One request while it is under way."""

    def __init__(self, span: Span, attributes: dict[str, AttributeValue]) -> None:
        self._span, self._attributes = span, attributes

    def answered(self, status: int) -> None:
        """The platform answered with this HTTP status."""
        self._attributes["http.response.status_code"] = status
        self._span.set_attribute("http.response.status_code", status)
        if status >= 400:
            self.failed(str(status))

    def failed(self, what: str) -> None:
        """It came to an error of this type."""
        self._attributes["error.type"] = what
        self._span.set_attribute("error.type", what)
        self._span.set_status(StatusCode.ERROR)


@contextmanager
def request(service: str, method: str, host: str, port: int | None = None) -> Iterator[Seen]:
    """Around one request to ``service``; ``method`` is the HTTP method, or the operation where a library hides that."""
    attributes: dict[str, AttributeValue] = {
        "fireline.service": service,
        "http.request.method": method,
        "server.address": host,
    }
    if port is not None:
        attributes["server.port"] = port
    begun = time.perf_counter()
    with _tracer.start_as_current_span(
        method,
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        seen = Seen(span, attributes)
        try:
            yield seen
        except BaseException as error:
            seen.failed(type(error).__name__)
            raise
        finally:
            _duration.record(time.perf_counter() - begun, attributes)
