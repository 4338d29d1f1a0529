"""What people press in Slack: proving that Slack sent it, reading it, and the views that ask and answer.

Promises: nothing is read before the signature fits (v0, HMAC-SHA256 over time and body, at most five minutes old), and
text from outside is shown as it is. API: https://docs.slack.dev/authentication/verifying-requests-from-slack and
https://docs.slack.dev/reference/interaction-payloads.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from integrations.outcomes import Refused

WINDOW_SECONDS = 300
"""A request signed longer ago, or further ahead, is refused."""
ON_IT, APPROVE, RETURN = "on_it", "approve", "return"
"""Ids of the buttons that mean something to us; others are links."""
TAKE_BACK = "take_back"
"""Id of the view in which somebody takes their approval back; no button of its own leads to it."""
_LABELS = {
    APPROVE: ("Anything to put on record", "Approve"),
    RETURN: ("Why you return it, so that it can be mended", "Return"),
    TAKE_BACK: ("Why you take your approval back", "Take it back"),
}
"""What each view asks for, and what its button says (24 characters at most)."""
TITLE, SECTION, BLOCKS = 24, 2900, 96
"""Characters of a view's title and of a section, and sections, that Slack takes (24, 3000 and 100) with room left."""


@dataclass(frozen=True)
class Click:
    """Somebody pressed a button of a message."""

    action: str
    value: str
    user: str
    team: str
    """The user's workspace; the app's own when Slack does not say."""
    home: str
    """The workspace that the app was pressed in."""
    channel: str
    message: str
    trigger: str
    """Lets a view be opened for about three seconds."""


@dataclass(frozen=True)
class Submission:
    """Somebody sent off a view that we had opened."""

    action: str
    value: str
    user: str
    team: str
    home: str
    reason: str
    channel: str
    """Where the button was."""


def proven(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> None:
    """Hold a request to its signature at ``now`` (real seconds since the epoch).

    Raises:
        Refused: unsigned, signed by somebody else, or outside the window.
    """
    at, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not re.fullmatch(r"[0-9]{1,12}", at) or not given:
        raise Refused("the request is not signed as Slack signs")
    mac = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"v0={mac}".encode(), given.encode()):
        raise Refused("the signature does not fit: check the app's signing secret")
    if abs(now - int(at)) > WINDOW_SECONDS:
        raise Refused("the signature is older than five minutes or ahead of time")


def read(body: bytes) -> Click | Submission | None:
    """What was pressed; None for whatever needs no answer, such as a link.

    Raises:
        Refused: it cannot be read.
    """
    try:
        payload = json.loads(parse_qs(body.decode(), max_num_fields=10)["payload"][-1])
        return _read(payload)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise Refused("the request is none of Slack's interaction payloads") from None


def _read(payload: dict[str, Any]) -> Click | Submission | None:
    user, home = payload["user"], str((payload.get("team") or {}).get("id") or "")
    who = {"user": str(user["id"]), "team": str(user.get("team_id") or home), "home": home}
    if payload["type"] == "block_actions":
        pressed = payload["actions"][0]
        if pressed.get("action_id") not in (ON_IT, APPROVE, RETURN):
            return None
        container = payload.get("container") or {}
        return Click(
            action=str(pressed["action_id"]),
            value=str(pressed.get("value") or ""),
            channel=str((payload.get("channel") or {}).get("id") or container.get("channel_id") or ""),
            message=str(container.get("message_ts") or ""),
            trigger=str(payload.get("trigger_id") or ""),
            **who,
        )
    if payload["type"] == "view_submission" and payload["view"].get("callback_id") in _LABELS:
        view = payload["view"]
        held = json.loads(view["private_metadata"])
        values = view["state"]["values"]
        reason = (values.get("reason") or {}).get("reason") or {}
        return Submission(
            action=str(view["callback_id"]),
            value=str(held["value"]),
            channel=str(held["channel"]),
            reason=str(reason.get("value") or "").strip(),
            **who,
        )
    return None


def decision_view(click: Click, title: str, says: str, posts: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The view that asks for a decision.

    Args:
        says: whom it concerns, in one sentence.
        posts: where it would go, and the exact text there, for each target.

    Raises:
        Refused: the texts are longer than a view of Slack holds.
    """
    label, submit = _LABELS[click.action]
    blocks = [_section(says)]
    for place, text in posts:
        blocks += [{"type": "divider"}, _section(place, bold=True)]
        blocks += [
            _section(text[i : i + SECTION]) for i in range(0, len(text), SECTION) if text[i : i + SECTION].strip()
        ]
    if len(blocks) > BLOCKS:
        raise Refused("the texts are longer than Slack shows: use Open, and decide there")
    blocks.append(
        {
            "type": "input",
            "block_id": "reason",
            "optional": click.action == APPROVE,
            "label": _plain(label),
            "element": {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": 3000},
        }
    )
    return {
        "type": "modal",
        "callback_id": click.action,
        "title": _plain(title[:TITLE]),
        "submit": _plain(submit),
        "close": _plain("Not yet"),
        "private_metadata": json.dumps({"value": click.value, "channel": click.channel}),
        "blocks": blocks,
    }


def answer_view(title: str, says: str) -> dict[str, Any]:
    """The answer to a submission: the view then says what came of it."""
    view = {"type": "modal", "title": _plain(title[:TITLE]), "close": _plain("Close"), "blocks": [_section(says)]}
    return {"response_action": "update", "view": view}


def buttons(message_on_it: str, incident: str, decides: str, link: str, *, answers: bool) -> list[dict[str, Any]]:
    """The buttons below a notice.

    Args:
        answers: what is pressed reaches us, so that buttons act; else they lead to the desk's pages.
    """
    made = []
    if message_on_it and answers:
        made.append(_button(ON_IT, "I am on it", style="primary", value=incident))
    elif message_on_it:
        made.append(_button("on_it_link", "I am on it", style="primary", url=message_on_it))
    if decides and answers:
        made.append(_button(APPROVE, "Approve", style="primary", value=decides))
        made.append(_button(RETURN, "Return", style="danger", value=decides))
    if link:
        made.append(_button("open", "Read and decide" if decides else "Open", url=link))
    return made


def _button(action: str, label: str, **more: str) -> dict[str, Any]:
    return {"type": "button", "action_id": action, "text": _plain(label), **more}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _section(text: str, *, bold: bool = False) -> dict[str, Any]:
    """A block that shows ``text`` as it is."""
    return {"type": "header", "text": _plain(text[:150])} if bold else {"type": "section", "text": _plain(text)}
