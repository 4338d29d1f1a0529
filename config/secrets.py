"""Secrets from the environment: the fallback when no Prefect block holds them.

A channel named ``newsroom-mastodon`` whose integration needs ``access_token`` reads it from
``FIRELINE_NEWSROOM_MASTODON_ACCESS_TOKEN``. Values are returned, never logged.
"""

import os
import re


def variable(credentials_name: str, field: str) -> str:
    """The environment variable that holds ``field`` of the credentials called ``credentials_name``."""
    return "FIRELINE_" + re.sub(r"[^A-Z0-9]", "_", f"{credentials_name}_{field}".upper())


def secret_from_environment(credentials_name: str, field: str) -> str | None:
    """The secret, or none when the variable is absent or empty."""
    return os.environ.get(variable(credentials_name, field)) or None
