"""``/record``: the ledger, filtered, the newest first, in words and byte for byte; whether it holds; and taken along.

Each record shown is held against its own hash, and against the one before it where that is shown, too. ``POST
/record/verify`` proves the whole ledger, as ``fireline verify --store`` does, and puts that on record. Every record of a
flow run leads to that run in Prefect; ``/record/runs`` lists the runs of an incident.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from config.runtime import read_runtime
from crisis.record import Record, record_hash
from crisis.telling import Known, first_of
from crisis.timeline import Entry, tell_one
from desk import forms
from desk.access import still_allowed
from desk.guard import TokenBucket, caller
from desk.setup import shown_work
from desk.signed_in import person_of
from desk.state import Desk, desk_of
from records import NotFound, Transaction
from records.ledger_search import Wanted
from records.view import Hidden
from tasks.runs import runs_of
from tasks.verifying import VERIFIED, verify_ledger

PAGE = 100
"""Records on one page."""
AT_A_TIME = 1000
"""Records that are read for one piece of an export."""
LONGEST = 200
"""Characters of a filter."""
FILTERS = ("incident", "kind", "actor", "via", "run", "text")
TIMES = ("since", "until")
_proofs = TokenBucket(burst=3, seconds=20.0)
"""Proofs of the whole ledger by caller: each reads all of it."""
_exports = TokenBucket(burst=5, seconds=20.0)
"""Exports by caller: each may read all of it, too."""


@dataclass(frozen=True)
class Shown:
    """One record as the page has it."""

    record: Record
    entry: Entry
    data: str
    """What is proven, as JSON for people."""
    holds: bool
    """Its hash is that of its content, and the next one shown names it."""


@dataclass(frozen=True)
class _Asked:
    """What the address asks for."""

    fields: dict[str, str]
    """As they were given, for the form."""
    wanted: Wanted
    wrong: str
    """A time that cannot be read; it is left out."""

    @property
    def kept(self) -> dict[str, str]:
        """The fields that say something, for addresses that ask the same."""
        return {name: value for name, value in self.fields.items() if value}


def _asked(request: Request) -> _Asked:
    given = {name: request.query_params.get(name, "").strip()[:LONGEST] for name in (*FILTERS, *TIMES)}
    if given["incident"].isdecimal():
        given["incident"] = f"INC-{given['incident']}"
    times, wrong = {}, ""
    for name in TIMES:
        if not given[name]:
            continue
        try:
            at = datetime.fromisoformat(given[name])
        except ValueError:
            wrong = f"“{given[name]}” is no time: write it as 2026-03-01T14:30, in UTC"
            continue
        times[name] = at if at.tzinfo else at.replace(tzinfo=UTC)
        if name == "until" and len(given[name]) <= len("2026-03-01T14:30"):
            times[name] = times[name].replace(second=59, microsecond=999_999)  # the whole minute that was named
    named = {name: given[name] for name in FILTERS}
    return _Asked(given, Wanted.model_validate({**named, **times}), wrong)


async def page(request: Request) -> Response:
    """The records that the filters leave, from ``before`` on."""
    desk, asked = desk_of(request), _asked(request)
    before = request.query_params.get("before", "")
    async with desk.here.store.reading() as tx:
        found = await tx.ledger_search.find(asked.wanted, before=int(before) if _is_seq(before) else None, limit=PAGE)
        known = await _known(tx, found.records)
        kinds = await tx.ledger_search.kinds()
        proofs = (await tx.ledger_search.find(Wanted(kind=VERIFIED), limit=1)).records
        proving = await tx.progress.get("verify")
    context: dict[str, Any] = {
        "records": _shown(found.records, known),
        "unreadable": found.unreadable,
        "looked_at": found.looked_at,
        "asked": asked.fields,
        "wrong": asked.wrong,
        "kinds": sorted({*kinds, *(kind.partition(".")[0] for kind in kinds), asked.wanted.kind} - {""}),
        "people": known.people,
        "proof": _told(proofs[0], known) if proofs else None,
        "work": shown_work(proving) if proving else None,
        "nonce": forms.nonce(request, "verify"),
        "older": urlencode({**asked.kept, "before": found.older}) if found.older else "",
        "kept": urlencode(asked.kept),
        "filtered": bool(asked.kept),
        "prefect": _prefect(desk),
    }
    return desk.pages.show(request, "record.html", context, live=True)


def _prefect(desk: Desk) -> str:
    """The address of Prefect's own pages."""
    runtime = read_runtime(desk.here.settings.home)
    return runtime.ui_url if runtime else desk.here.settings.prefect.url.removesuffix("/api")


def _is_seq(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16


def _told(record: Record, known: Known) -> dict[str, Any]:
    """The last proof on record."""
    return {
        "ok": bool(record.data.get("ok")),
        "records": record.data.get("records", 0),
        "checkpoints": record.data.get("checkpoints", 0),
        "seq": record.data.get("seq"),
        "why": record.reason,
        "at": record.at,
        "by": "somebody at the desk" if record.actor == "desk" else known.person(record.actor),
    }


def _shown(records: list[Record], known: Known) -> list[Shown]:
    """The newest first; neighbours in the chain are held against each other."""
    told = []
    for record, older in zip(records, [*records[1:], None], strict=False):
        follows = older is None or older.seq != record.seq - 1 or older.hash == record.previous
        data = to_json(record.data, indent=1).decode()  # its keys are stored in order
        holds = follows and record_hash(record) == record.hash
        told.append(Shown(record=record, entry=tell_one(record, known), data=data, holds=holds))
    return told


async def _known(tx: Transaction, records: list[Record]) -> Known:
    names = {str(first_of(r.data, "delivery", "id")) for r in records if r.kind.startswith("delivery.")} - {""}
    deliveries = {}
    for name in names:
        try:
            deliveries[name] = await tx.outbox.get(name)
        except NotFound:
            continue
    people = {person.email: person.name for person in await tx.stakeholders.list()}
    return Known(deliveries=deliveries, people=people)


async def verify(request: Request) -> Response:
    """``POST /record/verify``: prove the whole ledger. It goes on when the browser is closed; the page shows how far it is."""
    desk = desk_of(request)
    you = person_of(request)
    await forms.fields(request, "verify")
    if not desk.background.goes_on("verify"):
        if not _proofs.take(caller(request)):
            raise HTTPException(429, "each proof reads the whole ledger: wait a minute, then prove it again")
        desk.background.begin("verify", verify_ledger(desk.here, actor=you.email if you else "desk"))
    return RedirectResponse("/record", status_code=303)


async def export(request: Request) -> Response:
    """``GET /record/export``: the records that the filters leave as JSON lines, the newest first."""
    desk, asked = desk_of(request), _asked(request)
    if not _exports.take(caller(request)):
        raise HTTPException(429, "each export may read the whole ledger: wait a minute, then take it again")
    name = "-".join(["record", *(value for value in (asked.wanted.incident, asked.wanted.kind) if value)])
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)
    headers = {"Content-Disposition": f'attachment; filename="{safe}.jsonl"'}
    return StreamingResponse(_lines(request, desk, asked.wanted), media_type="application/x-ndjson", headers=headers)


async def _lines(request: Request, desk: Desk, wanted: Wanted) -> AsyncIterator[str]:
    before: int | None = None
    hidden: Hidden | None = None
    while True:
        async with desk.here.store.reading() as tx:
            hidden = tx.hidden if hidden is None else hidden
            found = await tx.ledger_search.find(wanted, before=before, limit=AT_A_TIME)
        if before is not None and not await still_allowed(request, hidden):
            yield f"{json.dumps({'ended': 'you may not see the desk as you did any more: what is older is not here'})}\n"
            return
        rows = {record.seq: json.dumps(record.model_dump(mode="json")) for record in found.records}
        rows |= {seq: json.dumps({"seq": seq, "unreadable": True}) for seq in found.unreadable}
        yield "".join(f"{rows[seq]}\n" for seq in sorted(rows, reverse=True))
        if found.older is None:
            return
        before = found.older


async def runs(request: Request) -> Response:
    """``GET /record/runs?incident=INC-7``: the incident's runs as Prefect has them, each with its records here."""
    desk, asked = desk_of(request), _asked(request)
    if asked.wanted.incident:
        async with desk.here.store.reading() as tx:
            try:
                await tx.incidents.get(asked.wanted.incident)
            except NotFound:
                raise HTTPException(404, f"there is no incident {asked.wanted.incident}") from None
    found, problem = await runs_of(asked.wanted.incident) if asked.wanted.incident else ([], "")
    context = {"incident": asked.wanted.incident, "runs": found, "problem": problem, "prefect": _prefect(desk)}
    return desk.pages.show(request, "record_runs.html", context)


ROUTES = [
    Route("/record", page, methods=["GET"]),
    Route("/record/verify", verify, methods=["POST"]),
    Route("/record/export", export, methods=["GET"]),
    Route("/record/runs", runs, methods=["GET"]),
]
