"""The outside world, one service a file, reached only by ``connect``.

channel = integrations.connect("mastodon", base_url="https://social.example", access_token="...")
receipt = await channel.publish(rendering, key)
"""

from importlib import import_module
from typing import Any

from pydantic import ValidationError

from integrations.outcomes import IntegrationError, Misconfigured, RateLimited, Refused, Unknown, Unreachable
from integrations.protocols import Health, Limits, Message, Notifier, Publisher, Source

__all__ = [
    "KINDS",
    "Health",
    "IntegrationError",
    "Limits",
    "Message",
    "Misconfigured",
    "Notifier",
    "Publisher",
    "RateLimited",
    "Refused",
    "Source",
    "Unknown",
    "Unreachable",
    "connect",
    "integration",
]

KINDS: dict[str, str] = {
    "bluesky": "integrations.bluesky:Bluesky",
    "mastodon": "integrations.mastodon:Mastodon",
    "statuspage": "integrations.statuspage:Statuspage",
    "smtp": "integrations.smtp:Smtp",
    "slack": "integrations.slack:Slack",
    "sandbox": "integrations.sandbox:Sandbox",
    "recorded": "integrations.recorded:Recorded",
    "jetstream": "integrations.jetstream:Jetstream",
    "pds_repos": "integrations.pds_repos:PdsRepos",
    "mastodon_stream": "integrations.mastodon_stream:MastodonStream",
    "mastodon_hashtag": "integrations.mastodon_hashtag:MastodonHashtag",
    "reddit": "integrations.reddit:Reddit",
    "hackernews": "integrations.hackernews:HackerNews",
    "x_recent": "integrations.x_recent:XRecent",
    "x_stream": "integrations.x_stream:XStream",
    "feed": "integrations.feed:Feed",
    "app_store": "integrations.app_store:AppStore",
    "play_reviews": "integrations.play_reviews:PlayReviews",
}
"""Every kind of integration, and the class that speaks to it."""


def integration(kind: str) -> type[Any]:
    """The class behind ``kind``.

    Raises:
        Misconfigured: there is no such kind; the message names those that exist.
    """
    if kind not in KINDS:
        raise Misconfigured(f"there is no integration {kind!r}; there are: {', '.join(sorted(KINDS))}")
    module, _, name = KINDS[kind].partition(":")
    return getattr(import_module(module), name)  # type: ignore[no-any-return]


def connect(kind: str, **settings: Any) -> Any:
    """A client for one outside service, with its settings checked but nothing sent yet.

    Every kind takes ``base_url`` and ``timeout`` (seconds) besides its own settings.

    Raises:
        Misconfigured: unknown kind or setting, or a value that does not fit; secrets are not repeated.
    """
    cls = integration(kind)
    model = cls.settings_model
    try:
        checked = model(**settings)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors())
        names = ", ".join(model.model_fields)
        raise Misconfigured(f"{kind}: {wrong}. Its settings are: {names}") from None
    return cls(checked)
