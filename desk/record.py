"""``GET /record``: the ledger, filtered, the newest first, in words and byte for byte; and whether it holds.

Each record shown is held against its own hash, and against the one before it where that is shown, too. ``?prove=1``
proves the whole ledger, as ``fireline verify --store`` does. Every record of a flow run leads to that run in Prefect.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.runtime import read_runtime
from crisis.record import Record, record_hash
from crisis.telling import Known
from crisis.timeline import Entry, tell_one
from desk.guard import TokenBucket, caller
from desk.state import desk_of
from records import Transaction

PAGE = 100
"""Records on one page."""
LONGEST = 200
"""Characters of a filter."""
FILTERS = ("incident", "kind", "actor", "reason")
_proofs = TokenBucket(burst=3, seconds=20.0)
"""Proofs of the whole ledger by caller: each reads all of it."""


@dataclass(frozen=True)
class Shown:
    """One record as the page has it."""

    record: Record
    entry: Entry
    data: str
    """What is proven, as JSON for people."""
    holds: bool
    """Its hash is that of its content, and the next one shown names it."""


async def page(request: Request) -> Response:
    """The records that the filters leave, from ``before`` on."""
    desk = desk_of(request)
    asked = {name: request.query_params.get(name, "").strip()[:LONGEST] for name in FILTERS}
    before = request.query_params.get("before", "")
    proof = None
    async with desk.here.store.reading() as tx:
        records = await tx.ledger.newest(**asked, before=int(before) if _is_seq(before) else None, limit=PAGE + 1)
        known = await _known(tx, records)
        context: dict[str, Any] = {
            "records": _shown(records, known)[:PAGE],
            "asked": asked,
            "kinds": sorted({*await tx.ledger.kinds(), asked["kind"]} - {""}),
            "incidents": await tx.incidents.names(),
            "people": known.people,
        }
        if request.query_params.get("prove") == "1":
            if not _proofs.take(caller(request)):
                says = "Each proof reads the whole ledger: wait a minute, then prove it again."
                return desk.pages.notice(request, 429, "Proven a moment ago", says)
            proof = await tx.ledger.verify()
    runtime = read_runtime(desk.here.settings.home)
    kept = {name: value for name, value in asked.items() if value}
    older = urlencode({**kept, "before": records[PAGE - 1].seq}) if len(records) > PAGE else ""
    context |= {
        "proof": proof,
        "older": older,
        "filtered": bool(kept),
        "prove": urlencode({**kept, "prove": 1}),
        "prefect": runtime.ui_url if runtime else desk.here.settings.prefect.url.removesuffix("/api"),
    }
    return desk.pages.show(request, "record.html", context)


def _is_seq(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16


def _shown(records: list[Record], known: Known) -> list[Shown]:
    """The newest first; neighbours in the chain are held against each other."""
    told = []
    for record, older in zip(records, [*records[1:], None], strict=False):
        follows = older is None or older.seq != record.seq - 1 or older.hash == record.previous
        data = json.dumps(record.data, ensure_ascii=False, indent=1, sort_keys=True)
        holds = follows and record_hash(record) == record.hash
        told.append(Shown(record=record, entry=tell_one(record, known), data=data, holds=holds))
    return told


async def _known(tx: Transaction, records: list[Record]) -> Known:
    incidents = {record.incident for record in records if record.kind.startswith("delivery.")} - {""}
    deliveries = [d for name in incidents for d in await tx.outbox.list(incident=name)]
    people = {person.email: person.name for person in await tx.stakeholders.list()}
    return Known(deliveries={d.id: d for d in deliveries}, people=people)


ROUTES = [Route("/record", page, methods=["GET"])]
