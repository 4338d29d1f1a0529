"""Holds outgoing requests against the official descriptions in ``../shared/specs``."""

import json
from email import message_from_bytes
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import regex
from jsonschema import Draft202012Validator
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from receivers import Seen
from werkzeug.datastructures import Headers, ImmutableMultiDict

SPECS = Path(__file__).parents[2] / "../shared/specs"


class AsRequest:
    """A request as openapi-core wants to see it."""

    def __init__(self, seen: Seen, host: str) -> None:
        self.host_url, self.path, self.method = host, seen.path, seen.method.lower()
        self.content_type = seen.headers.get("content-type", "").partition(";")[0]
        self.body = seen.body
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(seen.query), header=Headers(seen.headers), cookie=ImmutableMultiDict(), path={}
        )


@cache
def mastodon() -> OpenAPI:
    spec = json.loads((SPECS / "mastodon_openapi.json").read_text())
    # The description calls this header an object; the documentation says "any arbitrary string".
    spec["paths"]["/api/v1/statuses"]["post"]["parameters"][0]["schema"] = {"type": "string"}
    # It wants one of several forms, and a status with text and pictures is of two of them.
    (body,) = spec["paths"]["/api/v1/statuses"]["post"]["requestBody"]["content"].values()
    body["schema"]["anyOf"] = body["schema"].pop("oneOf")
    used = ("statuses", "statuses/{id}", "accounts/verify_credentials", "accounts/{id}/statuses")
    asked = ("/api/v2/instance", "/api/v2/search", "/api/v1/media/{id}", *(f"/api/v1/{u}" for u in used))
    spec["paths"] = {p: spec["paths"][p] for p in asked}
    for item in spec["paths"].values():
        for operation in item.values():
            operation.pop("security", None)  # openapi-core knows no OAuth 2
    return OpenAPI.from_dict(spec, config=Config(spec_validator_cls=None))


def mastodon_media_fields() -> set[str]:
    """The fields of the form that uploads a picture; openapi-core reads no files."""
    spec = json.loads((SPECS / "mastodon_openapi.json").read_text())
    form = spec["paths"]["/api/v2/media"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    return set(form["properties"])


def multipart(seen: Seen) -> dict[str, bytes]:
    """The fields of a form with files."""
    kind = f"Content-Type: {seen.headers['content-type']}\r\n\r\n".encode()
    parts = message_from_bytes(kind + seen.body).walk()
    named = {
        str(part.get_param("name", header="content-disposition")): part for part in parts if not part.is_multipart()
    }
    return {name: bytes(part.get_payload(decode=True)) for name, part in named.items()}  # type: ignore[arg-type]


@cache
def discord() -> OpenAPI:
    """The calls used, without the components of messages, of which none are sent."""
    spec = json.loads((SPECS / "discord_openapi.json").read_text())
    messages = "/channels/{channel_id}/messages"
    used = ("/users/@me", messages, f"{messages}/{{message_id}}")
    spec["paths"] = {path: spec["paths"][path] for path in used}
    for item in spec["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
                operation.get("requestBody", {}).get("content", {}).pop("multipart/form-data", None)
                operation.get("requestBody", {}).get("content", {}).pop("application/x-www-form-urlencoded", None)
    return OpenAPI.from_dict(spec, config=Config(spec_validator_cls=None))


@cache
def twilio() -> OpenAPI:
    """The calls used."""
    spec = json.loads((SPECS / "twilio_api_v2010.json").read_text())
    account = "/2010-04-01/Accounts/{Sid}.json"
    spec["paths"] = {p: spec["paths"][p] for p in (account, "/2010-04-01/Accounts/{AccountSid}/Messages.json")}
    for item in spec["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
    spec.pop("security", None)
    return OpenAPI.from_dict(spec, config=Config(spec_validator_cls=None))


@cache
def opsgenie() -> OpenAPI:
    """The Swagger 2.0 as OpenAPI 3, for the calls used."""
    old = json.loads(_as_openapi3((SPECS / "opsgenie_swagger.json").read_text()))
    used = ("/v2/alerts", "/v2/alerts/{identifier}/close", "/v2/alerts/{identifier}/acknowledge")
    paths = {path: {m: _operation(old, o) for m, o in old["paths"][path].items()} for path in used}
    new = {
        "openapi": "3.0.3",
        "info": {"title": "Opsgenie", "version": "2"},
        "servers": [{"url": "https://api.opsgenie.com"}],
        "paths": paths,
        "components": {"schemas": old["definitions"]},
    }
    return OpenAPI.from_dict(new, config=Config(spec_validator_cls=None))


def _as_openapi3(text: str) -> str:
    return text.replace("#/definitions/", "#/components/schemas/")


def _operation(old: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """One operation of Swagger 2.0: the body apart, and the types of parameters in a schema."""
    given = [old["parameters"][p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in operation["parameters"]]
    new: dict[str, Any] = {"responses": {"200": {"description": "ok"}}, "parameters": []}
    for p in given:
        if p["in"] == "body":
            new["requestBody"] = {"content": {"application/json": {"schema": p["schema"]}}}
        else:
            schema = {n: p[n] for n in ("type", "enum", "items", "format") if n in p}
            new["parameters"].append({n: p[n] for n in ("name", "in", "required") if n in p} | {"schema": schema})
    return new


@cache
def slack() -> OpenAPI:
    """The Swagger 2.0 of 2021 as OpenAPI 3, for the methods used.

    Every method may be called with a POSTed form (https://docs.slack.dev/apis/web-api/#basics), the token may come as
    a bearer token, and message metadata came after 2021.
    """
    old = json.loads((SPECS / "slack_web_openapi_v2.json").read_text())
    later = {"metadata": {"type": "string"}, "include_all_metadata": {"type": "boolean"}}
    conversations = ("conversations.open", "conversations.list", "conversations.history", "conversations.replies")
    others = ("chat.postMessage", "chat.update", "chat.postEphemeral", "auth.test", "users.info", "views.open")
    paths = {f"/{name}": _as_post(old["paths"][f"/{name}"], later) for name in (*conversations, *others)}
    new = {
        "openapi": "3.0.3",
        "info": {"title": "Slack", "version": "1"},
        "servers": [{"url": "https://slack.com/api"}],
        "paths": paths,
    }
    return OpenAPI.from_dict(new, config=Config(spec_validator_cls=None))


def _as_post(item: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    operation = item.get("post") or item["get"]
    fields = {p["name"]: p for p in operation["parameters"] if p["name"] != "token"}
    schema = {
        "type": "object",
        "properties": {n: {"type": p["type"]} for n, p in fields.items()} | later,
        "required": [n for n, p in fields.items() if p.get("required")],
        "additionalProperties": False,
    }
    content = {"application/x-www-form-urlencoded": {"schema": schema}}
    return {"post": {"requestBody": {"content": content}, "responses": {"200": {"description": "ok"}}}}


def hold(spec: OpenAPI, host: str, requests: list[Seen]) -> None:
    """Raises unless every request is as the description says."""
    assert requests
    for seen in requests:
        spec.validate_request(AsRequest(seen, host))


def hold_slack(requests: list[Seen]) -> None:
    """Like ``hold``; and no field may be unknown, which openapi-core overlooks in forms."""
    hold(slack(), "https://slack.com", requests)
    for seen in requests:
        operation = slack().spec / "paths" / seen.path.removeprefix("/api") / "post" / "requestBody" / "content"
        known = operation / "application/x-www-form-urlencoded" / "schema" / "properties"
        unknown = set(form(seen)) - set(known.str_keys())
        assert not unknown, f"{seen.path} has no {unknown}"


def form(seen: Seen) -> dict[str, str]:
    return {k: v[0] for k, v in parse_qs(seen.body.decode(), keep_blank_values=True).items()}


def lexicon_problems(ref: str, value: Any) -> list[str]:
    """What in ``value`` breaks the AT Protocol lexicon definition ``ref`` (``app.bsky.feed.post``, ``...#main``)."""
    name, _, part = ref.partition("#")
    document = json.loads((SPECS / "atproto/lexicons" / (name.replace(".", "/") + ".json")).read_text())
    definition = document["defs"][part or "main"]
    if definition["type"] == "record":
        definition = definition["record"]
    if definition["type"] == "procedure":
        definition = definition["input"]["schema"]
    if definition["type"] == "query":
        definition = definition["parameters"]
    return _problems(definition, value, name, ref)


def _problems(definition: dict[str, Any], value: Any, document: str, at: str) -> list[str]:
    kind = definition["type"]
    if kind == "ref":
        ref = definition["ref"]
        return lexicon_problems(document + ref if ref.startswith("#") else ref, value)
    if kind == "union":
        refs = [document + r if r.startswith("#") else r for r in definition["refs"]]
        return (
            lexicon_problems(value["$type"], value) if value.get("$type") in refs else [f"{at}: {value} not in union"]
        )
    if kind in {"object", "params"}:
        found = [f"{at}: {n} is missing" for n in definition.get("required", []) if n not in value]
        for name, one in value.items():
            rule = definition["properties"].get(name)
            if rule is None and name != "$type":
                found.append(f"{at}: {name} is unknown")
            elif rule and not (one is None and name in definition.get("nullable", [])):
                found += _problems(rule, one, document, f"{at}.{name}")
        return found
    if kind == "array":
        found = [p for one in value for p in _problems(definition["items"], one, document, at)]
        return found + ([f"{at}: too many"] if len(value) > definition.get("maxLength", 10**9) else [])
    if kind == "string":
        too_long = len(value.encode()) > definition.get("maxLength", 10**9)
        too_many = len(regex.findall(r"\X", value)) > definition.get("maxGraphemes", 10**9)
        return [f"{at}: too long"] if too_long or too_many else _format(definition.get("format"), value, at)
    types = {"integer": int, "boolean": bool, "unknown": object}
    return [] if isinstance(value, types[kind]) else [f"{at}: {value!r} is no {kind}"]


_FORMATS = {
    "datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "did": r"did:[a-z]+:[\w.:%-]+",
    "at-uri": r"at://[^/]+/[^/]+/[^/]+",
    "nsid": r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+(\.[a-zA-Z][a-zA-Z0-9]*)",
    "record-key": r"[\w.:~-]{1,512}",
    "uri": r"\w+:\S+",
    "cid": r"b[a-z2-7]+\w*",
    "language": r"[a-z]{2,3}(-[A-Za-z0-9]+)*",
}


def _format(name: str | None, value: str, at: str) -> list[str]:
    return [] if not name or name not in _FORMATS or regex.fullmatch(_FORMATS[name], value) else [f"{at}: no {name}"]


STATUSPAGE_INCIDENT = {
    # The fields of https://developer.statuspage.io/#operation/postPagesPageIdIncidents that an incident in real time has.
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "status": {"enum": ["investigating", "identified", "monitoring", "resolved"]},
        "impact_override": {"enum": ["none", "maintenance", "minor", "major", "critical"]},
        "body": {"type": "string"},
        "deliver_notifications": {"type": "boolean"},
        "component_ids": {"type": "array", "items": {"type": "string"}},
        "components": {
            "type": "object",
            "additionalProperties": {
                "enum": ["operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage"]
            },
        },
        "metadata": {"type": "object", "additionalProperties": {"type": "object"}},
    },
    "additionalProperties": False,
}


def hold_incident(body: Any) -> None:
    """Raises unless ``body`` is a documented way to open or update an incident."""
    wrapper = {
        "type": "object",
        "properties": {"incident": STATUSPAGE_INCIDENT},
        "required": ["incident"],
        "additionalProperties": False,
    }
    Draft202012Validator(wrapper).validate(body)
