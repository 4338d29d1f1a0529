"""The descriptions that outgoing requests are held against do notice what is wrong."""

import json
from urllib.parse import urlencode

import pytest
import specs
from jsonschema import ValidationError
from openapi_core.exceptions import OpenAPIError
from receivers import Seen


def seen(path: str, body: bytes, kind: str, method: str = "POST") -> Seen:
    return Seen(method, path, {}, {"content-type": kind, "authorization": "Bearer t"}, body)


@pytest.mark.parametrize("body", [{}, {"status": 5}, {"status": "x", "language": ["de"]}])
def test_a_wrong_status_is_noticed(body):
    request = seen("/api/v1/statuses", json.dumps(body).encode(), "application/json")
    with pytest.raises(OpenAPIError):
        specs.hold(specs.mastodon(), "https://mastodon.example", [request])


def test_a_path_or_method_that_mastodon_does_not_have_is_noticed():
    for path, method in (("/api/v1/statuses", "DELETE"), ("/api/v1/posts", "POST")):
        with pytest.raises(OpenAPIError):
            specs.hold(specs.mastodon(), "https://mastodon.example", [seen(path, b"{}", "application/json", method)])


@pytest.mark.parametrize(
    "body", [{"text": "x"}, {"channel": "C1", "colour": "red"}, {"channel": "C1", "mrkdwn": "maybe"}]
)
def test_a_wrong_message_is_noticed(body):
    request = seen("/api/chat.postMessage", urlencode(body).encode(), "application/x-www-form-urlencoded")
    with pytest.raises((OpenAPIError, AssertionError)):
        specs.hold_slack([request])


@pytest.mark.parametrize(
    "record",
    [
        {"text": "x"},
        {"text": "x" * 301, "createdAt": "2026-01-01T00:00:00.000Z"},
        {"text": "x", "createdAt": "yesterday"},
        {"text": "x", "createdAt": "2026-01-01T00:00:00.000Z", "colour": "red"},
        {"text": "x", "createdAt": "2026-01-01T00:00:00.000Z", "langs": ["de", "en", "fr", "it"]},
        {"text": "x", "createdAt": "2026-01-01T00:00:00.000Z", "reply": {"root": {"uri": "x"}}},
        {
            "text": "x",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "facets": [{"index": {"byteStart": 0}, "features": [{"$type": "app.bsky.richtext.facet#link"}]}],
        },
    ],
)
def test_a_wrong_record_is_noticed(record):
    assert specs.lexicon_problems("app.bsky.feed.post", record)


@pytest.mark.parametrize("incident", [{"metadata": {"key": "k"}}, {"status": "broken"}, {"title": "x"}])
def test_a_wrong_incident_is_noticed(incident):
    with pytest.raises(ValidationError):
        specs.hold_incident({"incident": incident})
