"""Sealing the evidence of an incident: one signed zip that anybody can prove offline (``crisis.bundle`` proves it).

It holds the installation's whole ledger, because the hash chain can only be followed through every record: records of
other incidents are in it, too, without the words of the public that they tell of, so mind whom you hand it to.
Everything else is of the one incident. docs/evidence.md tells how anybody can prove it. The same content
gives the same bytes; the file appears whole or not at all; that it was sealed, and its hash, goes on record.
"""

import asyncio
import hashlib
import io
import itertools
import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from crisis.bundle import (
    CHECKPOINTS,
    FORMAT,
    MANIFEST,
    PERSONAL,
    PUBLIC_KEY,
    RECORDS,
    SIGNATURE,
    File,
    Manifest,
)
from crisis.chain import Checkpoint, fingerprint, public_key
from crisis.delivery import ARRIVED
from crisis.personal import Disclosed
from crisis.record import GENESIS, Record
from crisis.story import DECISIONS, DELIVERIES, PROPOSALS, STATEMENTS, picture_path, published_files
from tasks.documents import write_documents
from tasks.installation import Installation
from tasks.material import Material, gather
from tasks.progress import under_way

NOTE = (
    "The ledger is the whole installation's: the hash chain can only be followed through every record. "
    "Records of other incidents are therefore in it, without the words of the public that they tell of."
)
README = """\
Evidence of {incident}, sealed {sealed} UTC by {organisation} with Fireline.

  report.html            the after-action report; open it in a browser
  report.pdf             the same, to print and to hand on
  report.json            the same as data (format and version in it), tables/*.csv its tables
  published/             exactly what each target carried, and the platforms' receipts
  pictures/              the pictures of all statement versions, by the SHA-256 that their content hashes cover
  statements.json        every statement version, with the renderings and facts its content hash covers
  proposals.json         what was asked to be approved, and under which policy
  decisions.json         who decided what, when, by which route, on which content hash
  deliveries.json        every delivery, notices to stakeholders included, and what became of it
  incident.json          the incident, its assessments, facts with their history, promises and measured reaction
  mentions.json          the posts that were relied on, as they were read: foreign text, possibly hostile
  signals.json           what was measured while it lasted
  prefect_history.json   the Prefect runs of this incident: states, task runs, logs, artifacts, inputs, events, as
                         far as they were to be had
  ledger/                every record of the installation, the signed checkpoints, and personal.jsonl: the words
                         of the public in this incident's records, which hold salted digests of them
  manifest.json          the SHA-256 of every file; manifest.sig is its Ed25519 signature (hexadecimal)
  public_key.pem         the key that signs manifest and checkpoints

Prove it, on any machine and without asking {organisation}:

  fireline verify {name}

It names the first thing that does not hold. Whoever holds the key could have signed another story: compare the key's
fingerprint with one that you received by another way.

  {key}

{note}
"""


async def seal_evidence(
    here: Installation,
    incident_id: str,
    directory: Path,
    *,
    prefect_history: dict[str, Any] | None = None,
    documents: Mapping[str, bytes] | None = None,
    actor: str = "review",
) -> Path:
    """Write the evidence bundle of an incident into ``directory`` and return its path.

    Args:
        prefect_history: what Prefect knows of the incident's runs (see ``tasks.run_history``), as plain JSON.
        documents: the report and its data (``tasks.documents``), if they have just been written; they are otherwise.

    Raises:
        records.NotFound: there is no such incident.
        ValueError: the store's ledger does not hold, so nothing could be proven with it.
        OSError: the file cannot be written.
    """
    written = documents if documents is not None else await write_documents(here, incident_id, actor=actor)
    await here.store.checkpoint()
    title = f"Proof of the ledger for the evidence of {incident_id}"
    async with under_way(here, f"evidence/{incident_id}", title, unit="records", incident=incident_id) as progress:
        verification = await here.store.verify(progress.at)
    if not verification.ok:
        raise ValueError(f"no evidence is sealed, because {verification.fault}")
    material = await gather(here, incident_id)
    async with here.store.reading() as tx:
        records, checkpoints = await tx.ledger.written(), await tx.ledger.checkpoints()
        disclosures = await tx.ledger.disclosures(incident_id)
    name = f"{incident_id}-evidence-{material.at.astimezone(UTC):%Y%m%dT%H%M%SZ}.zip"
    pem = here.store.public_key_pem
    files = _ledger_files(records, checkpoints, pem) | _story_files(material)
    files[PERSONAL] = _personal_lines(disclosures)
    files |= await _mailing_files(here, material)
    files |= written
    files["prefect_history.json"] = _json(prefect_history or {})
    files["README.txt"] = _readme(material, pem, name)
    manifest = _manifest(material, files, records, pem)
    files |= {MANIFEST: manifest, SIGNATURE: here.store.sign(manifest).encode()}
    bundle = await asyncio.to_thread(_zipped, files)
    path = await asyncio.to_thread(_write, directory, name, bundle)
    async with here.store.transaction() as tx:
        await tx.ledger.append(
            "evidence.sealed",
            actor=actor,
            incident=incident_id,
            via=here.via,
            flow_run_id=here.flow_run_id,
            data={"file": path.name, "sha256": hashlib.sha256(bundle).hexdigest(), "records": len(records)},
        )
    return path


async def _mailing_files(here: Installation, material: Material) -> dict[str, bytes]:
    """Every recipient of every mailing by the hash of the address, and what came of it: no address leaves the house."""
    files = {}
    for delivery in material.mailings:
        async with here.store.reading() as tx:
            found = [(r.position, r.fingerprint, r.state.value) for r in await tx.mailings.list(delivery)]
        rows = "".join(f"{position},{mark},{state}\n" for position, mark, state in sorted(found))
        files[f"mailings/{delivery}.csv"] = f"position,address_sha256,state\n{rows}".encode()
    return files


def _ledger_files(records: list[Record], checkpoints: list[Checkpoint], pem: str) -> dict[str, bytes]:
    lines = (json.dumps(r.model_dump(mode="json"), separators=(",", ":")) for r in records)
    return {
        RECORDS: "".join(line + "\n" for line in lines).encode(),
        CHECKPOINTS: _models(checkpoints),
        PUBLIC_KEY: pem.encode(),
    }


def _personal_lines(disclosures: dict[int, dict[str, Disclosed]]) -> bytes:
    """The personal values of this incident's records; those of others stay at home."""
    lines = (
        json.dumps({"seq": seq, "pointer": pointer, "salt": one.salt, "value": one.value}, separators=(",", ":"))
        for seq, known in sorted(disclosures.items())
        for pointer, one in sorted(known.items())
    )
    return "".join(line + "\n" for line in lines).encode("ascii")


def _story_files(material: Material) -> dict[str, bytes]:
    spoken = material.spoken
    about = {
        "organisation": material.organisation,
        "watch": material.watch.model_dump(mode="json"),
        "incident": material.incident.model_dump(mode="json"),
        "assessments": [a.model_dump(mode="json") for a in material.assessments],
        "facts": [[f.model_dump(mode="json") for f in history] for history in material.facts],
        "commitments": [c.model_dump(mode="json") for c in material.commitments],
        "observations": [o.model_dump(mode="json") for o in material.observations],
        "stakeholders": [s.model_dump(mode="json") for s in material.stakeholders],
        "review": material.review.model_dump(mode="json"),
        "review_tasks": [t.model_dump(mode="json") for t in material.tasks],
    }
    files = {
        "incident.json": _json(about),
        STATEMENTS: _json(
            [{"status": s.status.value, "statement": s.statement.model_dump(mode="json")} for s in spoken]
        ),
        PROPOSALS: _models(s.proposal for s in spoken if s.proposal is not None),
        DECISIONS: _models(d for s in spoken for d in s.decisions),
        DELIVERIES: _models((*material.deliveries, *material.notices)),
        "mentions.json": _models(material.mentions),
        "signals.json": _models(material.signals),
    }
    files |= {picture_path(picture): picture.content for picture in material.pictures}
    for delivery in material.deliveries:
        if delivery.state in ARRIVED:
            files |= published_files(delivery)
    return files


def _readme(material: Material, pem: str, name: str) -> bytes:
    text = README.format(
        incident=material.incident.id,
        sealed=f"{material.at:%Y-%m-%d %H:%M:%S}",
        organisation=material.organisation,
        name=name,
        key=fingerprint(public_key(pem)),
        note=NOTE,
    )
    return text.encode()


def _manifest(material: Material, files: dict[str, bytes], records: list[Record], pem: str) -> bytes:
    manifest = Manifest(
        format=FORMAT,
        incident=material.incident.id,
        organisation=material.organisation,
        sealed_at=material.at,
        records=len(records),
        head=records[-1].hash if records else GENESIS,
        key=fingerprint(public_key(pem)),
        files=tuple(
            File(path=path, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
            for path, content in sorted(files.items())
        ),
        note=NOTE,
    )
    return _json(manifest.model_dump(mode="json"))


def _models(models: Iterable[BaseModel]) -> bytes:
    return _json([m.model_dump(mode="json") for m in models])


def _json(value: Any) -> bytes:
    # ASCII only: foreign text may hold what UTF-8 cannot
    return (json.dumps(value, indent=1, ensure_ascii=True, sort_keys=True) + "\n").encode("ascii")


def _zipped(files: dict[str, bytes]) -> bytes:
    """A zip whose bytes depend on nothing but its files: sorted, without times, owners or modes of this machine."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as bundle:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            bundle.writestr(entry, files[path])
    return whole.getvalue()


def _write(directory: Path, name: str, content: bytes) -> Path:
    """Put the file in place whole; a file of that name with other content is never replaced."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    handle, partial = tempfile.mkstemp(dir=directory, prefix=".evidence-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        for number in itertools.count(2):
            if _place(Path(partial), path):
                return path
            if path.read_bytes() == content:
                return path
            path = directory / f"{Path(name).stem}-{number}.zip"
        raise AssertionError  # counting never ends
    finally:
        Path(partial).unlink(missing_ok=True)


def _place(partial: Path, path: Path) -> bool:
    """Give the finished file its name; False when that is taken."""
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if path.exists():
            return False
        partial.replace(path)
    return True
