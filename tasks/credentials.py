"""Credentials: Prefect Blocks made from each integration's own settings, with the environment as the fallback.

An integration declares its settings as a plain pydantic model whose ``SecretStr`` fields are its credentials. From that
model a Block type is made here, once, so that secrets can be edited in the Prefect UI and integrations stay free of
Prefect. Secrets are loaded inside a step, by name, and go nowhere but into the client.
"""

import asyncio
import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

import httpx
from pydantic import BaseModel, Field, SecretStr, ValidationError, create_model

import config
import integrations

if TYPE_CHECKING:  # Prefect takes over a second to import, and most commands never load a block
    from prefect.blocks.core import Block


BLOCK_SECONDS = 5.0
"""How long the Prefect server may take to hand out a block: on SQLite it can be locked for a minute under load."""


def secret_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """The names of the credentials among an integration's settings."""
    return tuple(
        name
        for name, f in model.model_fields.items()
        if f.annotation is SecretStr or SecretStr in get_args(f.annotation)
    )


@cache
def block_type(kind: str) -> "type[Block] | None":
    """The Block type of one kind of integration; None when it has no credentials."""
    from prefect.blocks.core import Block

    model = integrations.integration(kind).settings_model
    secrets = secret_fields(model)
    if not secrets:
        return None
    fields: dict[str, Any] = {
        name: (
            SecretStr,
            Field(
                default=... if model.model_fields[name].is_required() else SecretStr(""),
                title=name.replace("_", " "),
                description=model.model_fields[name].description,
            ),
        )
        for name in secrets
    }
    title = kind.replace("_", " ").title().replace(" ", "")
    block: type[Block] = create_model(
        f"Fireline{title}",
        __base__=Block,
        __module__=__name__,
        __cls_kwargs__={},
        **fields,
    )
    block._block_type_name = f"Fireline {title}"
    block._block_type_slug = f"fireline-{kind.replace('_', '-')}"
    block._description = f"Credentials with which Fireline speaks to {title}."
    block.__doc__ = block._description
    return block


def block_types() -> "dict[str, type[Block]]":
    """The Block type of every integration that has credentials, by kind."""
    return {kind: block for kind in integrations.kinds() if (block := block_type(kind)) is not None}


async def register_blocks() -> None:
    """Make every Block type known to the Prefect server, so that people find them in its UI."""
    for block in block_types().values():
        await block.aregister_type_and_schema()


async def secrets_for(name: str, kind: str, settings: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The credentials called ``name`` for an integration of ``kind``: field by field, ready for ``connect``.

    The Prefect Block ``fireline-<kind>/<name>`` comes first, then ``FIRELINE_<NAME>_<FIELD>`` in the environment.
    Without a Prefect server only the environment is asked. What is missing is left out; ``connect`` says so.
    ``settings`` are the others, which tell whether the environment's secrets will do while the server is down.

    Raises:
        integrations.Unreachable: the server that keeps them does not answer, and the environment lacks a needed one.
    """
    model = integrations.integration(kind).settings_model
    found: dict[str, str] = {}
    for field in secret_fields(model):
        value = config.secret_from_environment(name, field)
        if value is not None:
            found[field] = value
    block = block_type(kind) if os.environ.get("PREFECT_API_URL") else None
    if block is not None:
        from prefect.exceptions import ObjectNotFound

        try:
            async with asyncio.timeout(BLOCK_SECONDS):
                loaded: Any = await block.aload(name)
        except (ValueError, ObjectNotFound):
            return found
        except (httpx.HTTPError, OSError):  # among them TimeoutError
            if _suffice(model, {**(settings or {}), **found}):
                return found
            says = f"the Prefect server, which keeps the credentials {name!r}, does not answer"
            raise integrations.Unreachable(says) from None
        for field in secret_fields(type(loaded)):
            if value := getattr(loaded, field).get_secret_value():
                found[field] = value
    return found


async def save_block(name: str, kind: str, secrets: Mapping[str, str]) -> None:
    """Keep credentials in the Prefect Block ``fireline-<kind>/<name>``, over what was there.

    Raises:
        integrations.Unreachable: the server that keeps them does not answer.
    """
    block = block_type(kind)
    if block is None:
        raise integrations.Misconfigured(f"{kind} has no credentials to keep")
    document: Any = block(**{field: secrets[field] for field in secret_fields(block) if field in secrets})
    try:
        async with asyncio.timeout(BLOCK_SECONDS):
            await document.save(name, overwrite=True)
    except (httpx.HTTPError, OSError):
        raise integrations.Unreachable("the Prefect server, which keeps credentials, does not answer") from None


def _suffice(model: type[BaseModel], settings: dict[str, Any]) -> bool:
    try:
        model(**settings)
    except ValidationError:
        return False
    return True


def __getattr__(name: str) -> Any:
    """``FirelineMastodon`` and its like can be imported, as Prefect's own pages show it."""
    for block in block_types().values() if name.startswith("Fireline") else ():
        if block.__name__ == name:
            return block
    raise AttributeError(name)
