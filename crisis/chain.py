"""Proving the ledger: whether a run of records still is the chain that was written, and which record first is not.

Pure: it takes records, signed checkpoints and a public key from wherever they are kept (the store, an evidence bundle)
and promises to name the first record that does not hold, be it altered, dropped, swapped or cut off. Signatures are
Ed25519 (RFC 8032) over canonical JSON (RFC 8785).
"""

import hashlib
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from pydantic import Field, ValidationError

from crisis.canonical import canonical
from crisis.record import GENESIS, Problem, Record, record_hash
from crisis.values import ContentHash, Frozen, UtcDatetime

CHECKPOINT = "ledger.checkpoint"
"""The kind of the record that tells of a checkpoint; its data is the checkpoint."""


class Checkpoint(Frozen):
    """The installation's signature under the ledger as far as record ``seq``."""

    seq: int = Field(ge=1)
    hash: ContentHash
    """The hash of record ``seq``, which covers every record before it."""
    at: UtcDatetime
    key: str
    """Fingerprint of the key that signed (see ``fingerprint``)."""
    signature: str
    """Ed25519 over ``checkpoint_message``, hexadecimal."""


class Head(Frozen):
    """Where the ledger ends, signed anew with every record, so that its tail cannot be cut off unseen."""

    seq: int = Field(ge=0)
    hash: ContentHash
    key: str
    signature: str
    """Ed25519 over ``head_message``, hexadecimal; empty while there is no record."""


def checkpoint_message(seq: int, hash_: ContentHash, at: UtcDatetime) -> bytes:
    """The bytes that a checkpoint signs."""
    return canonical({"at": at.isoformat(), "hash": hash_, "seq": seq, "signs": "fireline ledger checkpoint"})


def head_message(seq: int, hash_: ContentHash) -> bytes:
    """The bytes that the head row signs."""
    return canonical({"hash": hash_, "seq": seq, "signs": "fireline ledger head"})


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of the raw public key, hexadecimal."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def public_key(pem: str) -> Ed25519PublicKey:
    """Read a public key.

    Raises:
        ValueError: it is not an Ed25519 public key in PEM.
    """
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("the ledger's public key must be an Ed25519 key")
    return key


def sign_checkpoint(key: Ed25519PrivateKey, seq: int, hash_: ContentHash, at: UtcDatetime) -> Checkpoint:
    """Sign the ledger as far as record ``seq``."""
    signature = key.sign(checkpoint_message(seq, hash_, at)).hex()
    return Checkpoint(seq=seq, hash=hash_, at=at, key=fingerprint(key.public_key()), signature=signature)


def sign_head(key: Ed25519PrivateKey, seq: int, hash_: ContentHash) -> Head:
    """Sign where the ledger ends."""
    signature = key.sign(head_message(seq, hash_)).hex()
    return Head(seq=seq, hash=hash_, key=fingerprint(key.public_key()), signature=signature)


class Chain:
    """Checks records one by one, in order, so that a ledger of any length can be proven without holding it.

    ``checkpoints`` are those that are kept beside the records; the ones the records themselves tell of are checked as
    well. A chain that does not start at record 1 (``whole=False``) takes the first record's ``previous`` on trust.
    """

    def __init__(self, public_key_pem: str, checkpoints: Iterable[Checkpoint] = (), *, whole: bool = True) -> None:
        self._key = public_key(public_key_pem)
        self._fingerprint = fingerprint(self._key)
        self._checkpoints = {c.seq: c for c in checkpoints}
        self._last: Record | None = None
        self._whole = whole
        self._first_seq = 1
        self.told: dict[int, Checkpoint] = {}
        """The checkpoints that records told of, by the record they sign."""
        self.count = 0
        """Records that hold so far."""
        self.proven_to = 0
        """The last record that a checkpoint's signature covers."""

    def take(self, record: Record) -> Problem | None:
        """Check the next record; None when it holds."""
        problem = self._place(record) or self._body(record) or self._link(record) or self._checkpoint_at(record)
        if problem is None and record.kind == CHECKPOINT:
            problem = self._told_checkpoint(record)
        if problem is None:
            self._last = record
            self.count += 1
        return problem

    def end(self, head: Head | None = None) -> Problem | None:
        """Check that nothing is missing behind the last record taken, as far as checkpoints and ``head`` tell."""
        last = self._last.seq if self._last else (0 if self._whole else None)
        for seq, checkpoint in sorted(self._checkpoints.items()):
            if last is None or seq > last:
                return self._signed(checkpoint) or Problem(
                    seq=(last or 0) + 1,
                    says=f"record {(last or 0) + 1} is missing: the ledger was signed as far as record {seq}",
                )
            if seq < self._first_seq and (problem := self._signed(checkpoint)):
                return problem
        return self._head(head, last or 0) if head is not None else None

    def _place(self, record: Record) -> Problem | None:
        if self._last is None and not self._whole:
            self._first_seq = record.seq
            return None
        expected = self._last.seq + 1 if self._last else 1
        if record.seq > expected:
            return Problem(seq=expected, says=f"record {expected} is missing: record {record.seq} follows")
        if record.seq < expected:
            return Problem(seq=record.seq, says=f"record {record.seq} stands where record {expected} should")
        return None

    @staticmethod
    def _body(record: Record) -> Problem | None:
        try:
            holds = record_hash(record) == record.hash
        except (ValueError, TypeError):
            holds = False
        if not holds:
            return Problem(seq=record.seq, says=f"record {record.seq} was altered: its content does not match its hash")
        return None

    def _link(self, record: Record) -> Problem | None:
        if self._last is None:
            if self._whole and record.previous != GENESIS:
                return Problem(seq=record.seq, says=f"record {record.seq} names a record before it; it should be first")
            return None
        if record.previous == self._last.hash:
            return None
        before = self._last.seq
        return Problem(seq=before, says=f"record {before} was replaced: record {record.seq} follows another one")

    def _checkpoint_at(self, record: Record) -> Problem | None:
        checkpoint = self._checkpoints.get(record.seq)
        if checkpoint is None:
            return None
        if problem := self._signed(checkpoint):
            return problem
        if checkpoint.hash != record.hash:
            since = f"after record {self.proven_to}" if self.proven_to else "from the first record on"
            return Problem(
                seq=record.seq,
                says=f"record {record.seq} is not the one that was signed: the ledger was rewritten {since}",
            )
        self.proven_to = record.seq
        return None

    def _told_checkpoint(self, record: Record) -> Problem | None:
        try:
            checkpoint = Checkpoint.model_validate(record.data)
        except ValidationError:
            return Problem(seq=record.seq, says=f"record {record.seq} does not hold a checkpoint")
        if checkpoint.seq != record.seq - 1 or checkpoint.hash != record.previous:
            return Problem(seq=record.seq, says=f"record {record.seq} signs another record than the one before it")
        if problem := self._signed(checkpoint):
            return Problem(seq=record.seq, says=problem.says)
        self.told[checkpoint.seq] = checkpoint
        self.proven_to = checkpoint.seq
        return None

    def _signed(self, checkpoint: Checkpoint) -> Problem | None:
        message = checkpoint_message(checkpoint.seq, checkpoint.hash, checkpoint.at)
        return self._signature(checkpoint.seq, checkpoint.key, checkpoint.signature, message, "checkpoint of")

    def _signature(self, seq: int, key: str, signature: str, message: bytes, what: str) -> Problem | None:
        if key != self._fingerprint:
            return Problem(seq=seq, says=f"the {what} record {seq} was signed with another key ({key[:16]}…)")
        try:
            self._key.verify(bytes.fromhex(signature), message)
        except (InvalidSignature, ValueError):
            return Problem(seq=seq, says=f"the {what} record {seq} is not signed by this installation")
        return None

    def _head(self, head: Head, last: int) -> Problem | None:
        if head.seq > last:
            return Problem(seq=last + 1, says=f"record {last + 1} is missing: the ledger goes as far as {head.seq}")
        if head.seq < last:
            return Problem(seq=head.seq + 1, says=f"record {head.seq + 1} was added past the ledger's own end")
        if self._last is None:
            return None
        if head.hash != self._last.hash:
            return Problem(seq=last, says=f"record {last} is not the one that the ledger ends with")
        message = head_message(head.seq, head.hash)
        return self._signature(head.seq, head.key, head.signature, message, "end of the ledger at")


def first_problem(
    records: Iterable[Record],
    checkpoints: Iterable[Checkpoint],
    public_key_pem: str,
    *,
    head: Head | None = None,
    whole: bool = True,
) -> Problem | None:
    """The first record that does not hold, or None when all do.

    Args:
        records: in order, without gaps.
        checkpoints: in any order; each must be signed with the key and fit its record.
        head: the signed end of the ledger, when it is known.
        whole: the records start at the first of the installation; otherwise at any, whose ``previous`` is trusted.

    Raises:
        ValueError: ``public_key_pem`` is not an Ed25519 public key.
    """
    chain = Chain(public_key_pem, checkpoints, whole=whole)
    for record in records:
        if problem := chain.take(record):
            return problem
    return chain.end(head)
