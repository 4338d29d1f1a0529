"""Preloaded by the fork server: everything an act needs is imported and done once, so that each new process is quick.

The threads it takes are over before anything is forked.
"""

import asyncio
import tempfile
from pathlib import Path

import acts  # noqa: F401 - imported here so that every fork has it
import apprise
import stops  # noqa: F401

import config
from integrations.aws import Aws, AwsSettings
from tasks.installation import installation

_TOML = """\
organisation = "Rehearsal"
home = "{home}"

[[notifiers]]
name = "email"
kind = "sandbox"

[[channels]]
name = "mastodon"
kind = "mastodon"
settings = {{ base_url = "http://127.0.0.1:9", access_token = "t" }}
"""


async def _rehearse() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fireline.toml"
        file.write_text(_TOML.format(home=folder))
        async with installation(config.load(file)) as here:
            await here.channel("mastodon")
            await here.store.checkpoint()
            async with here.store.reading() as tx:
                await tx.outbox.list()
                await tx.incidents.list()
                await tx.stakeholders.list()


asyncio.run(_rehearse())
apprise.Apprise().add("json://127.0.0.1:9")
for service in ("sesv2", "sns", "s3"):
    Aws(service, service, AwsSettings(region="eu-central-1"))._new_client().close()
