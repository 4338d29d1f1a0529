"""The outside world, one service a file, reached only by ``connect``.

channel = integrations.connect("mastodon", base_url="https://social.example", access_token="...")
receipt = await channel.publish(rendering, key)
"""

from typing import Any

from pydantic import ValidationError

from crisis.counting import Limits
from integrations.kinds import integration, kinds
from integrations.outcomes import IntegrationError, Misconfigured, RateLimited, Refused, Unknown, Unreachable
from integrations.protocols import Archive, Health, Message, Notifier, Publisher, Sealed, Source, Writer

__all__ = [
    "Archive",
    "Health",
    "IntegrationError",
    "Limits",
    "Message",
    "Misconfigured",
    "Notifier",
    "Publisher",
    "RateLimited",
    "Refused",
    "Sealed",
    "Source",
    "Unknown",
    "Unreachable",
    "Writer",
    "connect",
    "integration",
    "kinds",
]


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
