"""How a rendering looks where it goes: the words and the look of each platform, for approvers and for the sandbox."""

from dataclasses import dataclass

from crisis.statement import Rendering

NAMES = {
    "mastodon": "Mastodon",
    "bluesky": "Bluesky",
    "statuspage": "Status page",
    "smtp": "E-mail",
    "slack": "Slack",
    "x": "X",
}
LOOKS = {"mastodon": "mastodon", "bluesky": "bluesky", "statuspage": "status", "smtp": "mail"}


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


def preview(rendering: Rendering, looks_like: str = "") -> Preview:
    """The preview of ``rendering``; ``looks_like`` names the kind that a sandbox stands in for."""
    kind = rendering.target.kind
    shown = looks_like or kind
    look = LOOKS.get(shown) or ("mail" if rendering.subject and shown == "sandbox" else "plain")
    name = NAMES.get(shown, "E-mail" if look == "mail" else shown.replace("_", " ").title())
    return Preview(rendering, name, look, kind == "sandbox")
