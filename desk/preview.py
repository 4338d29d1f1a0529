"""How a rendering looks where it goes: the words, the look and the count of each platform, for approvers and authors.

The look says at a glance where a text will stand; the count is the platform's own, with every cap that it has; links,
mentions and hashtags are marked as the platform marks them, so that one that broke is seen.
"""

from dataclasses import dataclass

from markupsafe import Markup, escape

import integrations
from crisis.counting import Limits, Unit, in_gsm_alphabet, measure
from crisis.cutting import protected
from crisis.statement import Part, Rendering
from crisis.visible import visible

NAMES = {
    "mastodon": "Mastodon",
    "bluesky": "Bluesky",
    "statuspage": "Status page",
    "instatus": "Status page (Instatus)",
    "cachet": "Status page (Cachet)",
    "smtp": "E-mail",
    "ses": "E-mail (Amazon SES)",
    "slack": "Slack",
    "x": "X",
    "linkedin": "LinkedIn",
    "twilio": "SMS (Twilio)",
    "sns_sms": "SMS (Amazon SNS)",
    "s3_page": "Web page",
    "subreddit": "Reddit",
    "feed_file": "Feed",
    "ntfy": "ntfy",
}
LOOKS = {
    "mastodon": "mastodon",
    "bluesky": "bluesky",
    "x": "x",
    "linkedin": "linkedin",
    "facebook": "facebook",
    "instagram": "instagram",
    "threads": "threads",
    "telegram": "telegram",
    "slack": "slack",
    "discord": "discord",
    "matrix": "discord",
    "teams": "slack",
    "twilio": "sms",
    "sns_sms": "sms",
    "statuspage": "status",
    "instatus": "status",
    "cachet": "status",
    "smtp": "mail",
    "ses": "mail",
    "s3_page": "page",
}
HANDLED = frozenset({"mastodon", "bluesky", "x", "linkedin", "facebook", "instagram", "threads", "slack", "discord"})
"""Looks that show who speaks above the words."""
HIDDEN_OPTIONS = frozenset({"claims", "reader", "handler", "card_link", "card_title"})
"""Options that are machinery, or are shown as what they make."""


@dataclass(frozen=True)
class Preview:
    """One rendering, and where it would be seen."""

    rendering: Rendering
    platform: str
    """The platform's name for people."""
    look: str
    """Which of the style sheet's looks it gets."""
    sandboxed: bool
    """It goes to the sandbox, whatever it looks like."""
    limits: Limits | None = None
    """What a post there may hold, where that is known."""

    @property
    def read(self) -> str:
        """All words of it that somebody reads or hears."""
        rendering = self.rendering
        return "".join((rendering.subject, rendering.text, rendering.html, *(p.alt for p in rendering.media)))

    @property
    def where(self) -> str:
        """The target in words."""
        target = self.rendering.target
        return f"{target.channel} ({target.address})" if target.address else target.channel

    @property
    def options(self) -> dict[str, str]:
        """What the platform is told besides the words."""
        return {name: value for name, value in self.rendering.options.items() if name not in HIDDEN_OPTIONS}

    @property
    def threaded(self) -> bool:
        """The text is cut into several posts."""
        return len(self.rendering.parts) > 1

    def counted(self, part: Part) -> str:
        """What the numbers beside a part are, and its other caps, in words."""
        if self.limits is None:
            return ""
        told = [self.limits.unit.value]
        if self.limits.unit is Unit.SEGMENTS:
            told = [_segments(part.text)]
        elif self.limits.octets:
            told.append(f"{len(part.text.encode()):,} of {self.limits.octets:,} bytes")
        return ", ".join(told)


def _segments(text: str) -> str:
    """How a phone network carries a text: its alphabet, and whether its readers' phones join several messages."""
    alphabet = "GSM-7" if in_gsm_alphabet(text) else "UCS-2: it has a character that GSM-7 has not"
    one = "text message" if measure(Unit.SEGMENTS, text) == 1 else "text messages, joined by the phone"
    return f"{one} ({alphabet})"


def as_posted(text: str) -> Markup:
    """A text as a platform shows it: links, addresses, mentions and hashtags marked, nothing of it working or hidden."""
    pieces, at = [], 0
    for start, end in protected(text):
        pieces.append(escape(visible(text[at:start])))
        pieces.append(Markup('<span class="token">{}</span>').format(visible(text[start:end])))
        at = end
    return Markup("").join([*pieces, escape(visible(text[at:]))])


def preview(rendering: Rendering, looks_like: str = "") -> Preview:
    """The preview of ``rendering``; ``looks_like`` names the kind that a sandbox stands in for."""
    kind = rendering.target.kind
    shown = looks_like or kind
    look = LOOKS.get(shown) or ("mail" if rendering.subject and shown == "sandbox" else "plain")
    name = NAMES.get(shown, "E-mail" if look == "mail" else shown.replace("_", " ").title())
    return Preview(rendering, name, look, kind == "sandbox", _limits(shown))


def _limits(kind: str) -> Limits | None:
    try:
        limits: Limits | None = getattr(integrations.integration(kind), "platform_limits", None)
    except integrations.Misconfigured:  # a kind that was taken out of this installation since
        return None
    return limits
