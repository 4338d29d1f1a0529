"""Connecting to a configured service: with its credentials, the rate budget of its account, and a place for its tokens."""

from collections.abc import Mapping
from typing import Any

import integrations
from integrations.oauth2 import keeping
from integrations.rate_limits import Budget, sharing
from tasks.authorization import BlockKeeper
from tasks.credentials import secrets_for


async def connected(kind: str, credentials_name: str, settings: Mapping[str, Any], budget: Budget) -> Any:
    """A client of one service, nothing sent yet.

    Raises:
        integrations.Misconfigured: its settings or credentials do not fit.
        integrations.Unreachable: the server that keeps its credentials does not answer.
    """
    return opened(kind, credentials_name, settings, await secrets_for(credentials_name, kind, settings), budget)


def opened(
    kind: str, credentials_name: str, settings: Mapping[str, Any], secrets: Mapping[str, str], budget: Budget
) -> Any:
    """As ``connected``, with credentials that are at hand already."""
    with sharing(budget), keeping(BlockKeeper(credentials_name, kind)):
        return integrations.connect(kind, **{**settings, **secrets})


def account_of(kind: str, credentials_name: str) -> str:
    """What a rate budget is kept under: all that log in with the same credentials spend the same one."""
    return f"{kind}/{credentials_name}"
