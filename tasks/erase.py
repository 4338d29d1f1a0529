"""Erasing what is known of one person, with a preview first and one report after.

A request is kept until it is done, so that one whose process was killed is taken up by the sweep; each step may be done
twice. First the records (posts, personal values beside the ledger, recipients), one transaction for each incident, then
the files of this installation (the sandbox, reports). What is kept is named with its reason: a legal hold, the
organisation's own words, records of before words of the public could be erased, and sealed bundles.
"""

import asyncio
import csv
import json
import zipfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from crisis.approval import NotAllowed
from crisis.entities import unescaped
from crisis.erasure import Erasure, ErasureState, Found, Matcher
from crisis.hold import ROLE
from crisis.personal import ERASED, readable
from records.erasing import KEPT, Place
from tasks.documents import DATA, HTML, TABLES
from tasks.installation import Installation
from tasks.review import has_documents, store_report

NAMES = {
    "mentions": "posts that incidents rely on",
    "inbox": "posts that wait in the inbox",
    "shared_mentions": "posts that wait for a watch",
    "watch_progress": "posts that a watch holds",
    "disclosures": "words in the ledger",
    "run_copies": "copies of Prefect's history",
    "recipients": "recipients of mailings",
    "suppressions": "addresses that are not written to",
    "askings": "posts that ask questions",
    "public_questions": "questions of the public",
    "do_not_engage": "the do-not-engage list",
    "notices": "messages to people and helpdesks",
    "statements": "statements",
    "renderings": "statements",
    "facts": "facts",
    "deliveries": "deliveries",
    "read_backs": "our texts as their platforms show them",
    "ledger": "records of before words could be erased",
    "sandbox": "files of the sandbox",
    "reports": "stored reports",
    "bundles": "sealed evidence",
}
"""What each place is called in a report."""
_WHY = {
    "statements": "it is what the organisation said, and was approved byte for byte",
    "renderings": "it is what the organisation said, and was approved byte for byte",
    "facts": "it is the organisation's own claim",
    "deliveries": "it proves what was sent",
    "read_backs": "it is what the organisation said",
    "ledger": "it stands in the clear in a record of an earlier version: the chain would break",
    "bundles": "sealed: cannot be erased; it expires with its lock",
}
AT_ONCE = 500
"""Rows that are erased in one transaction."""
_HELD = "it is under legal hold, and is erased when the hold is released"


async def preview(here: Installation, *, author: str = "", recipient: str = "") -> tuple[Found, ...]:
    """Where something of them is, and what would become of it. Changes nothing.

    Raises:
        NotAllowed: neither or both are named.
    """
    one = Erasure(id="", author=author, recipient=recipient, mark="", by="", reason="", asked_at=here.clock.now())
    _one_of(one)
    whose = await _whose(here, one)
    async with here.store.whole.reading() as tx:
        held = await tx.holds.held()
    found = [_found(p, held) for p in await _places(here, one, whose)]
    return _summed([*found, *await _files(here, whose, held, erase=False)])


async def erase(here: Installation, *, author: str = "", recipient: str = "", actor: str, reason: str) -> Erasure:
    """Erase what is known of an author or a recipient; the request as it then stands, with what was found and kept.

    Raises:
        NotAllowed: neither or both are named, no reason is given, or the actor does not have the role ``legal``.
    """
    async with here.store.whole.transaction() as tx:
        people = await tx.stakeholders.list()
        lawyer = next((p for p in people if p.email.casefold() == actor.casefold() and ROLE in p.roles), None)
        if lawyer is None:
            raise NotAllowed(f"{actor} does not have the role {ROLE}: erasing is theirs")
        if not reason.strip():
            raise NotAllowed("say why, in your own words: it goes on record")
        about = recipient or author
        known = {*(p.email.casefold() for p in people)}
        if recipient.casefold() in known:
            raise NotAllowed("that is one of the organisation's own people, whose acts the ledger proves: not erased")
        erasure = Erasure(
            id=f"E-{len(await tx.erasing.list()) + 1}",
            author=author,
            recipient=recipient,
            mark=tx.erasing.mark("person", about.strip().lstrip("@").casefold()),
            by=lawyer.email,
            reason=reason,
            asked_at=here.clock.now(),
        )
        _one_of(erasure)
        await tx.erasing.put(erasure)
        about_it = {"erasure": erasure.id, "mark": erasure.mark, "of": "author" if author else "recipient"}
        await tx.ledger.append("erasure.asked", data=about_it, **_act(here, erasure))
    done = await carry_out(here, erasure)
    await here.store.whole.empty_log()
    return done


_ECHO = timedelta(minutes=15)
"""How long after an erasure the database's log is emptied again: whoever held the words has let go of them by then."""


async def mind_erasures(here: Installation) -> str:
    """Go on with requests that a crash or a legal hold left unfinished. Cheap when there are none."""
    done = []
    async with here.store.whole.reading() as tx:
        waiting = await tx.erasing.list(ErasureState.OPEN, ErasureState.HELD)
        held = await tx.holds.held()
        late = await tx.erasing.list(ErasureState.DONE, since=here.clock.now() - _ECHO)
    for erasure in waiting:
        if erasure.state is ErasureState.HELD and {f.incident for f in erasure.found if f.kept == _HELD} & held:
            continue
        done.append((await carry_out(here, erasure)).id)
    if done or late:
        await here.store.whole.empty_log()
    return f"erasures taken up: {', '.join(done)}" if done else ""


async def carry_out(here: Installation, erasure: Erasure) -> Erasure:
    """Do what is left of a request."""
    whose = await _whose(here, erasure)
    async with here.store.whole.reading() as tx:
        held = await tx.holds.held()
    places = await _places(here, erasure, whose)
    found = [_found(p, held) for p in places]
    seen = _most([*(f for f in erasure.found if f.kept != _HELD), *_summed(found)])
    due = {*erasure.documents, *(f.incident for f in seen if f.incident and f.kept in ("", _HELD))}
    erasure = erasure.model_copy(update={"found": seen, "texts": whose.wrote, "documents": tuple(sorted(due))})
    async with here.store.whole.transaction() as tx:  # so that it is whole, whoever finishes this
        await tx.erasing.put(erasure)
    files = await _files(here, whose, held, erase=True)
    for incident in dict.fromkeys(p.incident for p in places if p.table not in KEPT and p.incident not in held):
        of_it = [p for p in places if p.incident == incident and p.table not in KEPT]
        quiet = _act(here, erasure) | {"reason": ""}  # why is told once, where it can be erased
        if not await erase_places(here, whose, of_it, erasure=erasure.id, act=quiet):  # held meanwhile
            seen = _most(f.model_copy(update={"kept": f.kept or _HELD}) if f.incident == incident else f for f in seen)
    documents = await _reports(here, whose, due)
    everything = _most([*seen, *_summed([*files, *documents])])
    waits = any(f.kept == _HELD for f in everything)
    left = tuple(f.incident for f in documents if f.kept == _HELD)
    now = erasure.model_copy(update={"found": everything, "documents": left})
    now = now.model_copy(update={"state": ErasureState.HELD}) if waits else now.done
    async with here.store.whole.transaction() as tx:
        await tx.erasing.put(now)
        for name in sorted({"", *(f.incident for f in everything)}):  # each seen by those alone who see the incident
            told = [f.model_dump() for f in everything if f.incident == name]
            data = {"erasure": now.id, "state": now.state.value, "found": told}
            await tx.ledger.append("erasure.ended", incident=name, data=data, **(_act(here, erasure) | {"reason": ""}))
    return now


async def erase_places(here: Installation, whose: Matcher, places: list[Place], *, erasure: str, act: Any) -> bool:
    """Erase what ``whose`` finds in these rows of one incident, some rows a transaction, as others wait; False when the
    incident is held, or came under hold meanwhile: then the rest is left."""
    for start in range(0, len(places), AT_ONCE):
        some = places[start : start + AT_ONCE]
        async with here.store.whole.transaction() as tx:
            if some[0].incident in await tx.holds.held():
                return False
            await tx.erasing.erase(whose, some, erasure=erasure, **act)
    return True


async def rewrite_documents(here: Installation, incident: str) -> bool:
    """Write an incident's stored documents anew from what is left, unless it is held by now; whether they were."""
    async with here.store.whole.reading() as tx:
        if incident in await tx.holds.held():
            return False
    await store_report(here, incident)
    return True


async def _whose(here: Installation, erasure: Erasure) -> Matcher:
    if erasure.recipient:
        return Matcher([erasure.recipient])
    async with here.store.whole.reading() as tx:
        posts = await tx.erasing.texts_of(erasure.author)
    return Matcher([erasure.author], dict.fromkeys([*erasure.texts, *(post.text for post in posts)]))


async def _places(here: Installation, erasure: Erasure, whose: Matcher) -> list[Place]:
    async with here.store.whole.reading() as tx:
        places = await tx.erasing.places(whose)
        return [*places, *(await tx.erasing.recipient_rows(erasure.recipient) if erasure.recipient else [])]


def _found(place: Place, held: frozenset[str]) -> Found:
    kept = _WHY.get(place.table, "") or (_HELD if place.incident in held else "")
    return Found(where=NAMES[place.table], incident=place.incident, count=place.texts, kept=kept)


def _summed(found: Iterable[Found]) -> tuple[Found, ...]:
    sums: dict[tuple[str, str, str], int] = {}
    for f in found:
        sums[f.where, f.incident, f.kept] = sums.get((f.where, f.incident, f.kept), 0) + f.count
    return tuple(Found(where=w, incident=i, count=n, kept=k) for (w, i, k), n in sums.items())


def _most(found: Iterable[Found]) -> tuple[Found, ...]:
    """Each place once, with the most that was ever found there."""
    most: dict[tuple[str, str, str], int] = {}
    for f in found:
        key = (f.where, f.incident, f.kept)
        most[key] = max(f.count, most.get(key, 0))
    return tuple(Found(where=w, incident=i, count=n, kept=k) for (w, i, k), n in most.items())


async def _files(here: Installation, whose: Matcher, held: frozenset[str], *, erase: bool) -> list[Found]:
    """Files of the sandbox, and sealed bundles, which are named only."""
    parts = [(c.kind, c.settings) for c in here.settings.channels]
    parts += [(n.kind, n.settings) for n in here.settings.notifiers]
    folders = {Path(str(told["directory"])) for kind, told in parts if kind == "sandbox" and "directory" in told}
    found = await asyncio.to_thread(_sandbox, folders, whose, erase)
    return found + await asyncio.to_thread(_bundles, here.settings.home / "reports", whose)


def _sandbox(folders: Iterable[Path], whose: Matcher, erase: bool) -> list[Found]:
    count = 0
    for file in sorted(f for folder in folders if folder.is_dir() for f in folder.rglob("*.json")):
        try:
            value, number = whose.erased(json.loads(file.read_text("utf-8")))
        except (OSError, ValueError):
            continue
        count += number
        if number and erase:
            fresh = file.with_suffix(".erasing")
            fresh.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
            fresh.replace(file)
    return [Found(where=NAMES["sandbox"], count=count)] if count else []


def _bundles(folder: Path, whose: Matcher) -> list[Found]:
    found = []
    for file in sorted(folder.glob("*/*.zip")):
        try:
            with zipfile.ZipFile(file) as bundle:
                posts = json.loads(bundle.read("mentions.json"))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            continue
        number = sum(whose.text(str(p.get("author", ""))) or whose.text(str(p.get("text", ""))) for p in posts)
        if number:
            where = f"{NAMES['bundles']} {file.name}"
            found.append(Found(where=where, incident=file.parent.name, count=number, kept=_WHY["bundles"]))
    return found


async def _reports(here: Installation, whose: Matcher, due: set[str]) -> list[Found]:
    """Stored documents are written anew from what is left: all in which they are, and all of incidents in which they were,
    for nobody can search a PDF for certain. Those of an incident under hold wait for its release."""
    found = []
    for folder in sorted((here.settings.home / "reports").glob("*/")):
        incident = folder.name
        if not await asyncio.to_thread(has_documents, folder):
            continue
        number = await asyncio.to_thread(_told_in, folder, whose)
        if number or incident in due:
            kept = "" if await rewrite_documents(here, incident) else _HELD
            found.append(Found(where=NAMES["reports"], incident=incident, count=max(1, number), kept=kept))
    return found


def _told_in(folder: Path, whose: Matcher) -> int:
    """How many of an incident's documents they are in, as far as these can be read."""
    files = [folder / HTML, folder / DATA, *(folder / TABLES).glob("*.csv")]
    return sum(any(map(whose.text, _read(file))) for file in files if file.is_file())


def _read(file: Path) -> list[str]:
    """The texts of a document, without what its format does to them."""
    text = file.read_text("utf-8", "replace")
    if file.name == HTML:
        return [unescaped(text)]
    try:
        if file.name == DATA:
            return readable(json.loads(text))
        return [cell for row in csv.reader(text.splitlines(keepends=True)) for cell in row]
    except (ValueError, csv.Error):
        return [text]


def _one_of(erasure: Erasure) -> None:
    if bool(erasure.author.strip().lstrip("@")) is bool(erasure.recipient.strip()):
        raise NotAllowed("name one person: either an author's handle or a recipient's address")
    if erasure.recipient and "@" not in erasure.recipient:
        raise NotAllowed(f"{erasure.recipient!r} is no e-mail address")


def _act(here: Installation, erasure: Erasure) -> Any:
    reason = erasure.reason if erasure.reason != ERASED else ""
    return {"actor": erasure.by, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}
