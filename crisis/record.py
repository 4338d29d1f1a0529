"""Records: entries of the tamper-evident ledger, and how the chain is computed and checked.

Each record's hash covers its canonical JSON (RFC 8785), which includes the hash of the record before it.
"""

import hashlib
from typing import Any

from pydantic import Field

from crisis.canonical import canonical
from crisis.values import ContentHash, Frozen, UtcDatetime

GENESIS = "0" * 64
"""What the first record of an installation names as the one before it."""


class Record(Frozen):
    """One entry of the ledger."""

    seq: int = Field(ge=1)
    at: UtcDatetime
    kind: str
    """What happened, as ``noun.verb``: ``delivery.armed``."""
    incident: str = ""
    actor: str
    """E-mail address, or the name of the part that acted: ``detector``, ``outbox``."""
    via: str = ""
    """The route: ``cli``, ``desk``, ``flow`` ..."""
    reason: str = ""
    flow_run_id: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    """What is proven, in JSON; never a secret."""
    previous: ContentHash
    hash: ContentHash


def record_hash(record: Record | dict[str, Any]) -> ContentHash:
    """SHA-256 of the record's canonical JSON without its own ``hash`` field."""
    body = record.model_dump(mode="json") if isinstance(record, Record) else dict(record)
    body.pop("hash", None)
    return hashlib.sha256(canonical(body)).hexdigest()
