"""Proving an evidence bundle: offline, with nothing but the bundle, and naming the first thing that does not hold.

A bundle is a zip of one incident's evidence with a signed manifest. ``check_bundle`` proves, in this order: the
manifest is signed by the installation's key; every file is there, unaltered, and nothing was added; the ledger is the
whole chain that was written and signed; every personal value is the one that was recorded, and none is gone without an
erasure on record; every statement still has the hash that was decided on; every decision and
every arrival is in the ledger; and nothing reached the public that was not approved, byte for byte, by as many people
as the policy asks, before it was sent. Text in a bundle may be hostile: nothing of it is run, unpacked to disk or
trusted.

Whoever holds the installation's key could sign another story: compare the key's fingerprint with one received by
another way, or pass it as ``trusted``.
"""

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from pydantic import Field, TypeAdapter, ValidationError

from crisis.chain import Chain, Checkpoint, fingerprint, public_key
from crisis.personal import Disclosed, Openness, disclosed, told_erased
from crisis.record import GENESIS, Record
from crisis.story import BundleProblem, Story
from crisis.values import ContentHash, Frozen, UtcDatetime

FORMAT = "fireline-evidence/2"
FORMATS = ("fireline-evidence/1", FORMAT)
"""What this program proves; the first one had no ``PERSONAL``."""
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "public_key.pem"
RECORDS, CHECKPOINTS, PERSONAL = "ledger/records.jsonl", "ledger/checkpoints.json", "ledger/personal.jsonl"
MAX_BYTES = 2 * 1024**3
"""The most that a bundle may unpack to; above, it is refused before it is read."""


class NotABundle(ValueError):
    """The file is no evidence bundle at all; the message says why."""


class File(Frozen):
    """One file of a bundle, as the manifest tells it."""

    path: str
    sha256: ContentHash
    bytes: int = Field(ge=0)


class Manifest(Frozen):
    """What a bundle holds; its exact bytes are what is signed."""

    format: str
    incident: str
    organisation: str
    sealed_at: UtcDatetime
    records: int = Field(ge=0)
    """Length of the ledger in the bundle, which is the whole installation's."""
    head: ContentHash
    """Hash of the last record."""
    key: str
    """Fingerprint of the key that signs."""
    files: tuple[File, ...]
    note: str = ""


class DisclosureLine(Frozen):
    """One line of ``PERSONAL``: a personal value of a record of this incident."""

    seq: int = Field(ge=1)
    pointer: str
    salt: str
    value: str


class BundleVerification(Frozen):
    """What came of proving a bundle."""

    ok: bool
    incident: str
    sealed_at: UtcDatetime | None
    files: int
    records: int
    key: str
    """Fingerprint of the public key in the bundle."""
    problems: tuple[BundleProblem, ...] = ()
    erased: tuple[str, ...] = ()
    """What was erased of this incident, when, by whom and why: a sentence each."""

    @property
    def problem(self) -> str:
        """The first thing that does not hold; empty when all does."""
        return f"{self.problems[0].where}: {self.problems[0].says}" if self.problems else ""


def read_bundle(path: Path) -> dict[str, bytes]:
    """The files of a bundle, unpacked in memory.

    Raises:
        NotABundle: it is no zip, a file is in it twice or damaged, or it would unpack to more than ``MAX_BYTES``.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            entries = bundle.infolist()
            names = [entry.filename for entry in entries]
            if len(set(names)) != len(names):
                raise NotABundle(f"{path.name} holds two files of one name: it was not written by Fireline")
            if sum(entry.file_size for entry in entries) > MAX_BYTES:
                raise NotABundle(f"{path.name} would unpack to more than {MAX_BYTES // 1024**3} GiB")
            return {name: bundle.read(name) for name in names}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise NotABundle(f"{path.name} cannot be read as a bundle: {error}") from None


def check_bundle(files: Mapping[str, bytes], *, trusted: str = "") -> BundleVerification:
    """Prove a bundle. ``trusted`` is the fingerprint of the key that must have signed it, when it is known.

    Raises:
        NotABundle: there is no manifest in it that could be checked.
    """
    manifest = _manifest(files)
    pem = files.get(PUBLIC_KEY, b"").decode("ascii", "replace")
    problems = list(_signature_problems(files, manifest, pem, trusted))
    found_key = _fingerprint(pem)
    ledger = _Ledger(files.get(RECORDS, b""), files.get(CHECKPOINTS, b"[]"), pem if found_key else "")
    ledger.disclose(files.get(PERSONAL, b""), manifest.incident)
    problems += _file_problems(files, manifest, ledger)
    problems += _ledger_problems(manifest, ledger)
    if not ledger.problem:
        problems += Story(files, ledger.shown, manifest.incident).problems()
    unique = tuple({(p.where, p.says): p for p in problems}.values())
    return BundleVerification(
        ok=not unique,
        incident=manifest.incident,
        sealed_at=manifest.sealed_at,
        files=len(manifest.files),
        records=len(ledger.records),
        key=found_key,
        problems=unique,
        erased=tuple(told_erased(r for r in ledger.shown if r.incident in ("", manifest.incident))),
    )


def _manifest(files: Mapping[str, bytes]) -> Manifest:
    if MANIFEST not in files:
        raise NotABundle(f"there is no {MANIFEST} in it: it is not an evidence bundle")
    try:
        manifest = Manifest.model_validate_json(files[MANIFEST])
    except ValidationError as error:
        raise NotABundle(f"{MANIFEST} cannot be read: {error.errors()[0]['msg']}") from None
    if manifest.format not in FORMATS:
        raise NotABundle(f"{MANIFEST} is of format {manifest.format!r}; this program proves {' and '.join(FORMATS)}")
    return manifest


def _fingerprint(pem: str) -> str:
    try:
        return fingerprint(public_key(pem))
    except (ValueError, TypeError):
        return ""


def _signature_problems(
    files: Mapping[str, bytes], manifest: Manifest, pem: str, trusted: str
) -> Iterator[BundleProblem]:
    found = _fingerprint(pem)
    if not found:
        yield BundleProblem(where=PUBLIC_KEY, says="it is missing or is not an Ed25519 public key")
        return
    if trusted and found != trusted.strip().lower().replace(":", ""):
        says = f"the bundle was signed with key {found[:16]}…, not with the key you trust ({trusted[:16]}…)"
        yield BundleProblem(where=PUBLIC_KEY, says=says)
    try:
        public_key(pem).verify(bytes.fromhex(files.get(SIGNATURE, b"").decode("ascii", "replace")), files[MANIFEST])
    except (InvalidSignature, ValueError):
        says = "the manifest's signature does not hold: the manifest, its signature or the key was altered"
        yield BundleProblem(where=SIGNATURE, says=says)
    if found != manifest.key:
        yield BundleProblem(where=MANIFEST, says=f"it names another key ({manifest.key[:16]}…)")


class _Ledger:
    """The ledger of a bundle: its records, and the first problem of the chain."""

    def __init__(self, records: bytes, checkpoints: bytes, pem: str) -> None:
        self.records: list[Record] = []
        self.shown: list[Record] = []
        """The same as people read them, with the personal values that are there."""
        self.problem = ""
        self.personal = ""
        """What does not hold of the personal values."""
        try:
            chain = Chain(pem, TypeAdapter(list[Checkpoint]).validate_json(checkpoints)) if pem else None
        except ValidationError:
            chain, self.problem = None, "the checkpoints cannot be read"
        for number, line in enumerate(records.splitlines(), start=1):
            try:
                record = Record.model_validate_json(line)
            except ValidationError:
                self.problem = self.problem or f"record {number} cannot be read"
                break
            problem = chain.take(record) if chain else None
            if problem is not None:
                self.problem = problem.says
                break
            self.records.append(record)
        if chain is not None and not self.problem and (ended := chain.end()):
            self.problem = ended.says

    def disclose(self, personal: bytes, incident: str) -> None:
        """Put the personal values of one incident's records in their places, each held against its digest."""
        known: dict[int, dict[str, Disclosed]] = {}
        for number, line in enumerate(personal.splitlines(), start=1):
            try:
                told = DisclosureLine.model_validate_json(line)
            except ValidationError:
                self.personal = self.personal or f"line {number} cannot be read"
                continue
            known.setdefault(told.seq, {})[told.pointer] = Disclosed(salt=told.salt, value=told.value)
        openness = Openness(of=incident)
        for record in self.records:
            beside = known.pop(record.seq, {})
            self.shown.append(disclosed(record, beside))
            if (problem := openness.take(record, beside)) and not self.personal:
                self.personal = problem.says
        if known and not self.personal:
            self.personal = f"it tells of record {min(known)}, which the ledger does not have"
        if not self.personal and (problem := openness.end()):
            self.personal = problem.says

    @property
    def head(self) -> str:
        return self.records[-1].hash if self.records else GENESIS


def _file_problems(files: Mapping[str, bytes], manifest: Manifest, ledger: _Ledger) -> Iterator[BundleProblem]:
    for told in manifest.files:
        content = files.get(told.path)
        if content is None:
            yield BundleProblem(where=told.path, says="the file is missing")
        elif hashlib.sha256(content).hexdigest() != told.sha256:
            more = f": {ledger.problem}" if told.path == RECORDS and ledger.problem else ""
            yield BundleProblem(where=told.path, says=f"the file was altered after it was sealed{more}")
    known = {told.path for told in manifest.files} | {MANIFEST, SIGNATURE}
    for name in sorted(set(files) - known):
        yield BundleProblem(where=name, says="the file was added after the bundle was sealed")


def _ledger_problems(manifest: Manifest, ledger: _Ledger) -> Iterator[BundleProblem]:
    if ledger.problem:
        yield BundleProblem(where=RECORDS, says=ledger.problem)
        return
    if ledger.personal:
        yield BundleProblem(where=PERSONAL, says=ledger.personal)
    if (len(ledger.records), ledger.head) != (manifest.records, manifest.head):
        says = f"the ledger ends with record {len(ledger.records)}; {manifest.records} were sealed"
        yield BundleProblem(where=RECORDS, says=says)
