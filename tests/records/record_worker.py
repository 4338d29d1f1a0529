"""Another process on the same store, for tests of competition and of sudden death. It says ``ready`` and waits for a
line on its standard input, so that several start at the same moment."""

import asyncio
import sys
from pathlib import Path

from record_samples import ANA, delivery, opened, statement

from crisis.clock import SystemClock
from records import Store, open_store


async def append(store: Store, name: str, count: str) -> None:
    for number in range(int(count)):
        async with store.transaction() as tx:
            await tx.ledger.append("drill.step", actor=name, data={"number": number})


async def arm(store: Store, name: str) -> None:
    async with store.transaction() as tx:
        armed = await tx.outbox.arm(delivery().id, owner=name, lease_seconds=60, actor=name)
    print("armed" if armed else "not mine", flush=True)


async def claim(store: Store, name: str) -> None:
    async with store.transaction() as tx:
        print("claimed" if await tx.incidents.claim("INC-1", name) else "not mine", flush=True)


async def die_half_way(store: Store) -> None:
    async with store.transaction() as tx:
        incident = await opened(tx)
        await tx.statements.add(statement(f"{incident.id}-S1", incident.id), **ANA)
        await tx.outbox.enqueue(delivery("half-way"), **ANA)
        print("half-way", flush=True)
        await asyncio.sleep(600)


async def main(verb: str, url: str, keys: str, *rest: str) -> None:
    if verb != "open":
        store = await open_store(url, keys=Path(keys), clock=SystemClock())
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    if verb == "open":
        store = await open_store(url, keys=Path(keys), clock=SystemClock())
        print(store.public_key_pem, flush=True)
    else:
        await {"append": append, "arm": arm, "claim": claim, "die": die_half_way}[verb](store, *rest)
    await store.close()


asyncio.run(main(*sys.argv[1:]))
