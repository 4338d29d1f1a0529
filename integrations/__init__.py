"""The outside world, one service a file, reached only by ``connect``.

channel = integrations.connect("mastodon", base_url="https://social.example", access_token="...")
receipt = await channel.publish(rendering, key)
"""

from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from crisis.counting import Limits
from integrations.kinds import integration, kinds
from integrations.outcomes import IntegrationError, Misconfigured, RateLimited, Refused, Unknown, Unreachable
from integrations.protocols import (
    Archive,
    Health,
    Message,
    Notifier,
    Publisher,
    ReadsBack,
    Scheduler,
    Sealed,
    Source,
    Writer,
)

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
    "ReadsBack",
    "Refused",
    "Scheduler",
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
    if wrong := _unusable_secrets(checked):
        raise Misconfigured(f"{kind}: {wrong}")
    return cls(checked)


def _unusable_secrets(settings: BaseModel) -> str:
    """What is wrong with the credentials, without a word of them: a line break from a file, or nothing at all."""
    for name, field in type(settings).model_fields.items():
        held = getattr(settings, name)
        if not isinstance(held, SecretStr):
            continue
        value = held.get_secret_value()
        if field.is_required() and not value.strip():
            return f"{name} is empty: set it"
        if any(c < " " or c == "\x7f" for c in value):
            return f"{name} holds a line break or another character that no credential has: set it anew, without it"
    return ""
