"""Bringing the configuration into records: who is protected and who is told is part of what an auditor reads."""

from tasks.installation import Installation


async def save_configuration(here: Installation) -> None:
    """Store the configured watches and stakeholders; what did not change leaves no record."""
    async with here.store.transaction() as tx:
        for watch in here.settings.watches:
            await tx.watches.put(watch, actor="configuration", via=here.via)
        await tx.stakeholders.put_all(here.settings.stakeholders, actor="configuration", via=here.via)
