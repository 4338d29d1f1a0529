"""Records: entries of the tamper-evident ledger, and how the chain is computed and checked.

Each record's hash covers its canonical JSON (RFC 8785), which includes the hash of the record before it.
"""

import hashlib
from collections.abc import Mapping
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
    committed: Mapping[str, str] = Field(default_factory=dict, exclude=True)
    """Where personal values are shown (see ``crisis.personal``): the digests that the chain has in their places, by
    JSON pointer. No part of the record itself."""

    @property
    def written(self) -> "Record":
        """The record as the chain has it: digests in the places of personal values."""
        if not self.committed:
            return self
        return placed(self, self.committed).model_copy(update={"committed": {}})


class Problem(Frozen):
    """The first record that does not hold, and why."""

    seq: int | None
    """Its number; None when it is not one record's fault (a wrong key)."""
    says: str


def record_hash(record: Record | dict[str, Any]) -> ContentHash:
    """SHA-256 of the canonical JSON of the record as written, without its own ``hash`` field."""
    body = record.written.model_dump(mode="json") if isinstance(record, Record) else dict(record)
    body.pop("hash", None)
    return hashlib.sha256(canonical(body)).hexdigest()


def placed(record: Record, values: Mapping[str, str]) -> Record:
    """The record with other texts in the places that JSON pointers name; places it does not have are passed over."""
    return record.model_copy(update=replaced({"reason": record.reason, "data": record.data}, values))


def replaced(value: Any, values: Mapping[str, str]) -> Any:
    """A JSON value with other texts in the places that JSON pointers (RFC 6901) name."""
    whole = _copied(value)
    for pointer, text in values.items():
        *path, last = (name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:])
        inside: Any = whole
        for name in path:
            inside = _inside(inside, name)
        if isinstance(inside, dict) and last in inside:
            inside[last] = text
        elif isinstance(inside, list) and last.isdecimal() and int(last) < len(inside):
            inside[int(last)] = text
    return whole


def _inside(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    return value[int(name)] if isinstance(value, list) and name.isdecimal() and int(name) < len(value) else None


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(inner) for name, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value
