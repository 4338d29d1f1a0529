"""Slack: notices to channels and people, one thread per incident.

Promises: every message carries its key in ``metadata``, so a look-up tells whether it got there (Slack's
``client_msg_id`` does not deduplicate); text from outside can mention nobody and pretend no link. A thread that cannot
be found delays nobody: the notice then starts a new one. With a signing secret, its buttons act (``slack_actions``);
without, they lead to the desk. API: https://docs.slack.dev/reference/methods/chat.postMessage.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations import slack_actions
from integrations.http import Answer, Connection, Http
from integrations.outcomes import (
    IntegrationError,
    Misconfigured,
    RateLimited,
    Refused,
    Unknown,
    before_sending,
    looking_up,
)
from integrations.protocols import Health, Message
from integrations.rate_limits import DEFAULT_WAIT
from integrations.slack_actions import Click, Submission, buttons

EVENT = "fireline_notice"
SCOPE = "chat:write"
"""Without it nothing can be posted (https://docs.slack.dev/reference/scopes/chat.write)."""
_BUTTON_SCOPES = ("users:read", "users:read.email")
_FURTHER_SCOPES = {
    "channels:read": "#names of public channels",
    "groups:read": "#names of private channels",
    "channels:history": "threads and look-ups in public channels",
    "groups:history": "threads and look-ups in private channels",
    "im:write": "notices to people",
    "im:history": "threads and look-ups with people",
}
"""What each is for; which are needed depends on the addresses of the routes."""
LOOK_BACK = timedelta(days=14)
"""How far back threads and notices are looked for."""
PAGES = 20
SECTION, SECTIONS = 3000, 40
"""Characters a section block holds, and how many of them fit beside the others (50 blocks a message)."""
_CREDENTIALS = frozenset(
    {
        "access_denied",
        "account_inactive",
        "ekm_access_denied",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
_NO_ANSWER = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"})
_CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]{6,}")
_USER_ID = re.compile(r"[UW][A-Z0-9]{6,}")


class SlackSettings(Connection):
    """Settings of a Slack app."""

    base_url: str = Field(default="https://slack.com/api", description="The Slack Web API")
    token: SecretStr = Field(
        description="Bot token (xoxb-...) with chat:write, channels:read, groups:read, channels:history, groups:history, "
        "im:write, im:history; for buttons also users:read, users:read.email"
    )
    signing_secret: SecretStr | None = Field(
        default=None,
        description="The app's signing secret, for buttons that act: its interactivity URL is DESK/hooks/NAME-OF-THIS",
    )


class Slack:
    """A ``Notifier``; a route's address is a channel id, ``#channel`` or a user id."""

    kind: ClassVar[str] = "slack"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.RECONCILE_BY_MARKER
    settings_model: ClassVar[type[SlackSettings]] = SlackSettings
    shows_taken: ClassVar[bool] = True
    platform_limits: ClassVar[Limits] = Limits(
        length=4_000,  # Slack cuts off after 40,000 and advises 4,000
        unit=Unit.ESCAPED,
        source="https://docs.slack.dev/reference/methods/chat.postMessage#truncating",
    )

    def __init__(self, settings: SlackSettings) -> None:
        token = settings.token.get_secret_value()
        self._http = Http("Slack", settings, {"Authorization": f"Bearer {token}"})
        self._signing = settings.signing_secret.get_secret_value() if settings.signing_secret else ""
        self._channels: dict[str, str] = {}
        self._threads: dict[tuple[str, str], str] = {}

    async def notify(self, message: Message, route: Route) -> Receipt:
        with before_sending():
            channel = await self._channel(route.address)
        form = {
            "channel": channel,
            "text": _chunks(f"{message.subject}\n{message.full_text}", self.platform_limits.length)[0],
            "blocks": json.dumps(blocks(message, answers=bool(self._signing)), ensure_ascii=False),
        }
        if message.taken_by and message.earlier:
            return await self._update(message.earlier, form)
        thread = await self._thread(channel, message.thread) if message.thread else ""
        form |= {
            "metadata": json.dumps(
                {"event_type": EVENT, "event_payload": {"key": message.key, "incident": message.thread}}
            ),
            "unfurl_links": "false",
            "unfurl_media": "false",
        }
        if thread:
            form["thread_ts"] = thread
        answer = await self._http.write("POST", "/chat.postMessage", data=form)
        _ok(answer)
        ts = answer.text("ts")
        if message.thread:
            self._threads.setdefault((channel, message.thread), thread or ts)
        return _receipt(answer.text("channel"), ts, thread)

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        """Looks through the channel and the incidents' threads in it, as far back as ``LOOK_BACK``."""
        if rendering is None or not rendering.target.address:
            raise Unknown("the address is needed to look for a notice in Slack")
        with looking_up():
            channel = await self._channel(rendering.target.address)
            async for post in self._history(channel):
                if _payload(post).get("key") == key:
                    return _receipt(channel, str(post["ts"]), "")
                if _payload(post) and post.get("reply_count"):
                    async for reply in self._pages("/conversations.replies", {"channel": channel, "ts": post["ts"]}):
                        if _payload(reply).get("key") == key:
                            return _receipt(channel, str(reply["ts"]), str(post["ts"]))
        return None

    async def check(self) -> Health:
        try:
            with before_sending():
                answer = await self._http.read("/auth.test", method="POST")
                body = _ok(answer)
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        held = {scope.strip() for scope in answer.headers.get("x-oauth-scopes", "").split(",")} - {""}
        needed = (SCOPE, *(_BUTTON_SCOPES if self._signing else ()))
        if held and (lacks := [scope for scope in needed if scope not in held]):
            says = f"the token lacks the scope {', '.join(lacks)}: add it to the app and install it again"
            return Health(ok=False, says=says)
        says = f"posts as {body.get('user')} in {body.get('team')}"
        lacks = [f"{use} ({scope})" for scope, use in _FURTHER_SCOPES.items() if held and scope not in held]
        return Health(ok=True, says=f"{says}; the token's scopes do not allow {', '.join(lacks)}" if lacks else says)

    async def close(self) -> None:
        await self._http.close()

    def heard(self, headers: Mapping[str, str], body: bytes, now: float) -> Click | Submission | None:
        """What somebody pressed in Slack, once it is proven to come from there; None when it needs no answer.

        Raises:
            Misconfigured: there is no signing secret. Refused: it is not proven, or cannot be read.
        """
        if not self._signing:
            raise Misconfigured("buttons of Slack need the signing_secret of the app")
        slack_actions.proven(headers, body, self._signing, now)
        return slack_actions.read(body)

    async def email_of(self, user: str, home: str) -> str:
        """The e-mail address of a member of the workspace ``home``; empty for bots, guests' homes and whoever left.

        Raises:
            IntegrationError: Slack did not say.
        """
        found = _ok(await self._http.read("/users.info", method="POST", data={"user": user}))
        found = _object(found, "user")
        stranger = found.get("is_stranger") or (home and found.get("team_id") not in (None, home))
        if found.get("deleted") or found.get("is_bot") or stranger:
            return ""
        return str(_object(found, "profile").get("email") or "")

    async def ask(self, trigger: str, view: Mapping[str, Any]) -> None:
        """Open a view for whoever pressed a button a moment ago. Raises like ``notify``."""
        form = {"trigger_id": trigger, "view": json.dumps(view, ensure_ascii=False)}
        _ok(await self._http.write("POST", "/views.open", data=form))

    async def whisper(self, channel: str, user: str, text: str) -> None:
        """Say something in a channel that only one person sees. Raises like ``notify``."""
        form = {"channel": channel, "user": user, "text": escape(text)}
        _ok(await self._http.write("POST", "/chat.postEphemeral", data=form))

    async def _update(self, earlier: Receipt, form: dict[str, str]) -> Receipt:
        form = {**form, "channel": str(earlier.raw["channel"]), "ts": earlier.id}
        _ok(await self._http.write("POST", "/chat.update", data=form))
        return _receipt(form["channel"], earlier.id, str(earlier.raw.get("thread_ts") or ""))

    async def _thread(self, channel: str, incident: str) -> str:
        """The first message of the incident in the channel; empty when there is none or it cannot be told."""
        if (channel, incident) not in self._threads:
            try:
                with looking_up():
                    ours = [p async for p in self._history(channel) if _payload(p).get("incident") == incident]
            except Unknown:
                return ""
            if not ours:
                return ""
            self._threads[channel, incident] = min(str(post["ts"]) for post in ours)
        return self._threads[channel, incident]

    async def _channel(self, address: str) -> str:
        """The id of ``address``; a name or a person is looked up once."""
        if _CHANNEL_ID.fullmatch(address):
            return address
        if address not in self._channels:
            if _USER_ID.fullmatch(address):
                answer = await self._http.write("POST", "/conversations.open", data={"users": address})
                self._channels[address] = str(_object(_ok(answer), "channel").get("id") or address)
            else:
                self._channels[address] = await self._named(address)
        return self._channels[address]

    async def _named(self, address: str) -> str:
        """The id of the channel of that name; private ones, which take a scope more, come after the public ones."""
        found = await self._listed(address, "public_channel")
        try:
            found = found or await self._listed(address, "private_channel")
        except Misconfigured as error:
            says = f"there is no public channel {address!r} in Slack, and private ones cannot be looked through"
            raise Misconfigured(f"{says} ({error}); or give the channel's id in place of its name") from None
        if not found:
            raise Refused(f"there is no channel {address!r} in Slack that the app can see; invite it there")
        return found

    async def _listed(self, address: str, types: str) -> str:
        params = {"types": types, "exclude_archived": "true"}
        async for one in self._pages("/conversations.list", params, "channels"):
            if one.get("name") == address.removeprefix("#"):
                return str(one["id"])
        return ""

    def _history(self, channel: str) -> AsyncIterator[dict[str, Any]]:
        oldest = (datetime.now(UTC) - LOOK_BACK).timestamp()
        return self._pages("/conversations.history", {"channel": channel, "oldest": f"{oldest:.6f}"})

    async def _pages(self, path: str, params: dict[str, str], field: str = "messages") -> AsyncIterator[dict[str, Any]]:
        params = {**params, "limit": "200"} | ({"include_all_metadata": "true"} if field == "messages" else {})
        for _ in range(PAGES):
            # Slack takes a POST for reads, too: https://docs.slack.dev/apis/web-api/#basics
            body = _ok(await self._http.read(path, method="POST", data=params))
            key = "ts" if field == "messages" else "id"
            listed = body.get(field) or []
            if not isinstance(listed, list) or not all(isinstance(o, dict) and o.get(key) for o in listed):
                raise Unknown(f"Slack answered {path.removeprefix('/')} with something that is no list of {field}")
            for one in listed:
                yield one
            cursor = _object(body, "response_metadata").get("next_cursor")
            if not cursor:
                return
            params["cursor"] = cursor
        raise Unknown(f"more than {PAGES * 200} entries in Slack's {path.removeprefix('/')}; look by hand")


def escape(text: str) -> str:
    """Make ``text`` show as it is: https://docs.slack.dev/messaging/formatting-message-text#escaping."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks(message: Message, *, answers: bool = False) -> list[dict[str, Any]]:
    """The notice as Block Kit: subject, text, and buttons; ``answers`` when what is pressed reaches us."""
    subject = " ".join(message.subject.split()) or "Notice"
    subject = subject if len(subject) <= 150 else subject[:149] + "…"
    made: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": subject, "emoji": False}}]
    if message.taken_by:
        made.append({"type": "context", "elements": [_shown(f"{message.taken_by} is on it.")]})
    chunks = _chunks(message.words, SECTION)
    if len(chunks) > SECTIONS:
        raise Refused(f"a notice in Slack holds {SECTION * SECTIONS} characters; shorten it and link to the rest")
    for chunk in filter(str.strip, chunks):
        made.append({"type": "section", "text": {"type": "mrkdwn", "text": chunk}})
    if below := buttons(message.on_it, message.thread, message.decides, message.link, answers=answers):
        made.append({"type": "actions", "elements": below})
    return made


def _shown(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _chunks(text: str, size: int) -> list[str]:
    """``text`` escaped, in pieces of at most ``size`` characters that break no character reference."""
    chunks, now = [], ""
    for character in text.strip():
        escaped = escape(character)
        if len(now) + len(escaped) > size:
            chunks.append(now)
            now = ""
        now += escaped
    return [*chunks, now] if now.strip() or not chunks else chunks


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    """An object in an answer that may be missing; raises ``Unknown`` when it is something else."""
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise Unknown(f"Slack answered with a {name} that is no JSON object")
    return value


def _payload(post: dict[str, Any]) -> dict[str, Any]:
    metadata = post.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT:
        return {}
    payload = metadata.get("event_payload")
    return payload if isinstance(payload, dict) else {}


def _ok(answer: Answer) -> dict[str, Any]:
    """The body when Slack says ok; Slack reports errors with status 200 and ``ok: false``."""
    body = answer.body()
    if body.get("ok") is True:
        return body
    if not answer.error or answer.error in _NO_ANSWER:
        raise Unknown(f"Slack gave no clear answer: {answer.says}")
    says = f"Slack refused: {answer.error}"
    if answer.error in {"ratelimited", "rate_limited"}:
        raise RateLimited(says, datetime.now(UTC) + DEFAULT_WAIT)
    if answer.error in _CREDENTIALS:
        needed = answer.body().get("needed")
        raise Misconfigured(f"{says}. Check the token" + (f"; it needs the scope {needed}" if needed else ""))
    raise Refused(says)


def _receipt(channel: str, ts: str, thread: str) -> Receipt:
    at = datetime.fromtimestamp(float(ts), UTC) if re.fullmatch(r"\d{9,11}(\.\d+)?", ts) else datetime.now(UTC)
    return Receipt(id=ts, accepted_at=at, raw={"channel": channel, "ts": ts, "thread_ts": thread, "parts": [ts]})
