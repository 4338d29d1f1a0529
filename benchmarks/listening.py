"""Posts a second through a live source: websocket, one look at the bytes, and of what may match decode, mention, match;
processor time of the listener alone.

A server in a process of its own sends posts as Jetstream does, as fast as they are taken, three in a thousand about the
brand. Two ways, in turn: as a watch listens (posts that no query can want are turned away undecoded), and with every post
decoded. Prints the median of the runs, the spread, what a stream of 2,000 posts a second would take of a core, and the
peak memory of the process.
"""

import asyncio
import json
import multiprocessing
import resource
import statistics
import time
from contextlib import aclosing
from multiprocessing.queues import SimpleQueue
from typing import Any

import integrations
from benchmarks import say
from crisis.matching import Matcher
from crisis.query import parse

POSTS, RUNS = 60_000, 3
QUERY = '(acme OR @acme OR #acme) -"acme fire hydrant"'
WORDS = "some words that people write about their day and what they had for breakfast, number {}"


def _event(number: int) -> str:
    last = number == POSTS - 1
    text = WORDS.format(number) + (" with my acme kettle" if number % 333 == 0 or last else "")
    record = {"$type": "app.bsky.feed.post", "createdAt": "2024-09-09T19:46:02.102Z", "langs": ["en"], "text": text}
    commit = {"rev": "3l3qo2", "operation": "create", "collection": "app.bsky.feed.post", "rkey": f"3l3{number}"}
    whole = {"did": f"did:plc:{number % 997}", "time_us": 1725911162329308 + number, "kind": "commit"}
    return json.dumps({**whole, "commit": {**commit, "record": record, "cid": "bafy"}})


def _serve(port: "SimpleQueue[int]") -> None:
    from websockets.asyncio.server import serve

    async def send(connection: Any) -> None:
        for number in range(POSTS):
            await connection.send(_event(number))
        await connection.wait_closed()

    async def run() -> None:
        async with serve(send, "127.0.0.1", 0, compression=None) as server:
            port.put(server.sockets[0].getsockname()[1])
            await asyncio.Event().wait()

    asyncio.run(run())


async def _listen(port: int, *, undecoded: bool) -> tuple[float, int]:
    """Processor seconds for all posts, and how many matched."""
    matcher = Matcher({"acme": parse(QUERY)}, text_key="text")
    source = integrations.connect("jetstream", base_url=f"ws://127.0.0.1:{port}")
    source.only = matcher.may_match if undecoded else None
    matched = 0
    last = str(1725911162329308 + POSTS - 1)
    began = time.process_time()
    async with aclosing(source.listen(None)) as posts:
        async for cursor, mention in posts:
            matched += bool(matcher.matches(mention))
            if cursor == last:
                break
    took = time.process_time() - began
    await source.close()
    return took, matched


def main() -> None:
    """Run it."""
    context = multiprocessing.get_context("spawn")
    port: SimpleQueue[int] = context.SimpleQueue()
    server = context.Process(target=_serve, args=(port,), daemon=True)
    server.start()
    ways = {"as a watch listens": True, "every post decoded": False}
    took: dict[str, list[float]] = {way: [] for way in ways}
    try:
        at = port.get()
        for _ in range(RUNS):
            for way, undecoded in ways.items():
                seconds, matched = asyncio.run(_listen(at, undecoded=undecoded))
                took[way].append(POSTS / seconds)
    finally:
        server.kill()
    for way, rates in took.items():
        median = statistics.median(rates)
        spread = f"median of {RUNS}; {min(rates):,.0f} to {max(rates):,.0f}"
        say(f"{way}: {median:,.0f} posts a second and core ({spread}); 2,000 a second: {2000 / median:.1%} of a core")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {memory:.0f} MB; {matched} matched")
