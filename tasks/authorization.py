"""Consent of an account by OAuth 2.0: asked for once by a person, its tokens kept in a Prefect block and renewed there.

Tokens that a platform replaces with every renewal cannot stand in the environment, so the block is needed.
"""

import os

import config
import integrations
from integrations.http import Connection
from integrations.oauth2 import Consent, Grant, TokenDesk
from tasks.credentials import save_block, secrets_for

FIELD = "oauth2_tokens"


class BlockKeeper:
    """An account's tokens in its Prefect block."""

    def __init__(self, name: str, kind: str) -> None:
        self._name, self._kind = name, kind

    async def load(self) -> str:
        return (await secrets_for(self._name, self._kind)).get(FIELD, "")

    async def keep(self, tokens: str) -> None:
        """Save them beside the block's other credentials."""
        held = {**await secrets_for(self._name, self._kind), FIELD: tokens}
        await save_block(self._name, self._kind, held)


class Authorization:
    """Asking one configured channel's account for consent."""

    def __init__(self, channel: config.ChannelSettings, redirect_uri: str) -> None:
        cls = integrations.integration(channel.kind)
        grant: Grant | None = getattr(cls, "grant", None)
        if grant is None:
            raise integrations.Misconfigured(f"{channel.kind} needs no consent: its credentials are all it takes")
        client_id = str(channel.settings.get("client_id", ""))
        if not client_id:
            raise integrations.Misconfigured(
                f"set client_id of {channel.name!r} first, from the platform's app settings"
            )
        self._channel, self._cls, self._grant = channel, cls, grant
        self._client_id = client_id
        self._consent = Consent(grant, client_id, redirect_uri)

    @property
    def address(self) -> str:
        """Where the account's owner gives consent."""
        return self._consent.address

    async def finish(self, redirected_to: str) -> tuple[str, ...]:
        """Buy the tokens with the code in that address and keep them; the scopes that were granted.

        Raises:
            integrations.IntegrationError: consent was not given, the platform did not answer, or the Prefect server
                that keeps tokens is not there.
        """
        if not os.environ.get("PREFECT_API_URL"):
            raise integrations.Unreachable("tokens are kept by the Prefect server: start it first (fireline up)")
        name, kind = self._channel.credentials_name, self._channel.kind
        held = await secrets_for(name, kind)
        plain = {k: v for k, v in self._channel.settings.items() if k in ("base_url", "timeout", "proxy", "ca_file")}
        fields = self._cls.settings_model.model_fields
        connection = Connection(**{"base_url": fields["base_url"].default, **plain})
        desk = TokenDesk(kind, connection, self._grant, self._client_id, held.get("client_secret", ""))
        try:
            tokens = await desk.ask(self._consent.form(self._consent.code(redirected_to)))
        finally:
            await desk.close()
        await BlockKeeper(name, kind).keep(tokens.model_dump_json())
        return tokens.scopes or self._grant.scopes
