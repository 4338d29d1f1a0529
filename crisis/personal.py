"""Personal data in the ledger: kept so that it can be erased on request while the chain still proves every record.

Words of the public (quoted posts, handles, addresses) do not stand in a record themselves. A salted digest stands in
their place, and the *disclosure* (salt and value) beside the ledger, as in selective disclosure (SD-JWT). The chain
covers the digest; whoever holds the disclosure proves what was recorded; once it is erased nobody can tell or guess it
any more, and nothing of the chain changes. A ``personal.erased`` record names every value that was erased, by whom and
why; a value that is gone without one was taken away behind Fireline's back.

Pure. Records of before this was so hold such words in the clear: they still verify, and cannot be erased.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import rfc8785

from crisis.record import Problem, Record, placed
from crisis.values import Frozen

MARK = "$personal:sha256:"
"""How the digest of a personal value begins, where it stands in a record."""
ERASED = "[erased]"
"""What is read where a personal value stood."""
ERASURE = "personal.erased"
"""The kind of the record that names values that were erased: ``{"values": {"17": ["/data/title", …]}}``."""

_DIGEST = re.compile(re.escape(MARK) + r"[0-9a-f]{64}\Z")
_SOMEBODY = re.compile(r"(?<![\w/@.])@[\w][\w.\-]+|[\w.+\-]+@[\w\-]+\.[\w.\-]+")
"""A handle, or an e-mail address."""
FIELDS = frozenset(
    {
        "quote", "quotes", "cluster_quotes", "author", "author_name", "authors_named", "handle", "handles", "profile",
        "post_text", "post_url", "author_url", "excerpt", "asked_by", "addressed_to", "posts",
    }
)  # fmt: skip
"""Names of fields that hold words or names of the public, in records of any kind."""
OF_KINDS: dict[str, frozenset[str]] = {
    "incident": frozenset({"title", "label", "questions", "why_cluster"}),
    "narrative": frozenset({"narrative"}),
    "session": frozenset({"address", "agent"}),
    "question": frozenset({"text"}),
    "questions": frozenset({"text"}),
    "effect": frozenset({"says", "reasons", "label"}),
    "review": frozenset({"sections", "notes"}),
    "review_task": frozenset({"text", "note"}),
    "reply": frozenset({"text", "post", "url", "person", "name", "to"}),
    "person": frozenset({"text", "post", "url", "person", "name"}),
    "care": frozenset({"text", "post", "url", "person", "name"}),
}
"""By noun of the kind (``incident`` of ``incident.opened``): further fields."""
OWN = frozenset(
    {"watch", "statement", "proposal", "decision", "delegation", "clearance", "stakeholder", "fact", "code", "post",
     "scheduler", "ledger", "token", "delivery", "hold", "commitment", "promise", "internal"}
)  # fmt: skip
"""Nouns of records about the organisation's own people, texts and accounts, whose handles and addresses stay readable:
that they stay is what the ledger is for."""
REASONS = frozenset({"erasure", "person", "effect"})
"""Nouns of records whose reason always is: it tells whose request it was, why somebody gets no reply, what narratives say."""
PLAIN = frozenset({"incident.labelled"})
"""Kinds without any personal value, whatever their fields are called."""
_WHO = frozenset(
    {"actor", "approver", "by", "email", "lead", "person", "people", "owner", "opened_by", "assessed_by", "edited_by",
     "made_by", "kept_by"}
)  # fmt: skip
"""Fields that name the organisation's own people."""


class Disclosed(Frozen):
    """One personal value, with the salt that makes its digest unguessable."""

    salt: str
    """128 random bits, hexadecimal."""
    value: str


Disclosures = Mapping[str, Disclosed]
"""Those of one record, by JSON pointer (RFC 6901) into it: ``/data/assessment/narratives/0/quote``."""


def digest(salt: str, value: str) -> str:
    """What stands in the record: SHA-256 of the canonical JSON (RFC 8785) of ``[salt, value]``, behind ``MARK``."""
    return MARK + hashlib.sha256(rfc8785.dumps([salt, value])).hexdigest()


def withheld(kind: str, reason: str, data: Any, salt: Callable[[], str]) -> tuple[dict[str, Disclosed], dict[str, str]]:
    """The personal values of a record to be: what is kept beside it, and the digests, each by its pointer."""
    noun = kind.partition(".")[0]
    kept: dict[str, Disclosed] = {}
    if reason.startswith(MARK) or _names_somebody(reason) or (reason and noun in REASONS):
        kept["/reason"] = Disclosed(salt=salt(), value=reason)
    for pointer, names, value in _leaves(data, "/data", ()) if kind not in PLAIN else ():
        if value and (value.startswith(MARK) or _is_personal(noun, names, value)):
            kept[pointer] = Disclosed(salt=salt(), value=value)
    return kept, {pointer: digest(one.salt, one.value) for pointer, one in kept.items()}


def _is_personal(noun: str, names: tuple[str, ...], value: str) -> bool:
    if OF_KINDS.get(noun, frozenset()).intersection(names):
        return True
    if noun in OWN:
        return False
    return bool(FIELDS.intersection(names)) or (not _WHO.intersection(names) and _names_somebody(value))


def _names_somebody(text: str) -> bool:
    return "@" in text and _SOMEBODY.search(text) is not None


def digests(record: Record) -> dict[str, str]:
    """The digests that stand in a record, by their pointers."""
    if record.committed:
        return dict(record.committed)
    found = {pointer: value for pointer, _, value in _leaves(record.data, "/data", ()) if _DIGEST.match(value)}
    if _DIGEST.match(record.reason):
        found["/reason"] = record.reason
    return found


def disclosed(record: Record, known: Disclosures) -> Record:
    """The record as people read it: each value in its place again, and ``ERASED`` where it is not known any more."""
    marks = digests(record)
    if not marks:
        return record
    values = {pointer: known[pointer].value if pointer in known else ERASED for pointer in marks}
    return placed(record, values).model_copy(update={"committed": marks})


def told_erased(records: Iterable[Record]) -> list[str]:
    """Of ``personal.erased`` records, one sentence for each request: what was erased when, by whom and why.

    ``records`` are those and, for the reasons, the ``erasure.asked`` ones.
    """
    why: dict[str, str] = {}
    sums: dict[tuple[str, str, str], int] = {}
    for record in records:
        if record.kind == "erasure.asked":
            why[str(record.data.get("erasure"))] = record.reason
        elif record.kind == ERASURE:
            values = record.data.get("values")
            number = sum(len(p) for p in values.values()) if isinstance(values, dict) else 0
            key = (str(record.data.get("erasure")), f"{record.at:%Y-%m-%d}", record.actor)
            sums[key] = sums.get(key, 0) + number
    found = []
    for (request, day, actor), number in sums.items():
        reason = why.get(request, ERASED)
        by = f"as [{request}] says" if request == "retention" else f"by {actor} ({request}"
        by += "" if request == "retention" else ")" if reason == ERASED else f": {reason})"
        found.append(f"{number} personal value{'' if number == 1 else 's'} erased on {day} {by}")
    return found


LASTING = frozenset({"title", "label"})
"""Fields that retention leaves: names of incidents and narratives. A request to erase takes them out, too."""
WRITTEN = frozenset({"effect", "review", "review_task", "audience"})
"""Nouns of records of what the organisation wrote, of the public and of its own people and guests: retention leaves them,
a request takes out what is somebody's."""


def lasts(kind: str, pointer: str) -> bool:
    """Whether retention leaves a personal value of a record of that kind; a request to erase takes it out, too."""
    return pointer == "/reason" or pointer.rpartition("/")[2] in LASTING or kind.partition(".")[0] in WRITTEN


def readable(data: Any) -> list[str]:
    """Every text in a record's data."""
    return [value for _, _, value in _leaves(data, "", ())]


def _leaves(value: Any, pointer: str, names: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Every text in a JSON value: its pointer, the names of the fields it is in, and itself."""
    if isinstance(value, str):
        yield pointer, names, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}", (*names, name))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _leaves(inner, f"{pointer}/{n}", names)


class Openness:
    """Checks disclosures against their records, one by one and in order, beside ``crisis.chain.Chain``.

    ``of``: the incident whose disclosures must all be there or erased on record; of others they may be withheld.
    Empty: those of all records.
    """

    def __init__(self, *, of: str = "") -> None:
        self._of = of
        self._gone: dict[tuple[int, str], None] = {}
        self._there: dict[tuple[int, str], None] = {}
        self.disclosed = 0
        """Values that are there and hold."""
        self.erased = 0
        """Values whose erasure is on record."""

    def take(self, record: Record, known: Disclosures) -> Problem | None:
        """Check what is disclosed of the next record; None when it holds."""
        marks = digests(record)
        for pointer, one in known.items():
            if marks.get(pointer) != digest(one.salt, one.value):
                says = f"the personal value {pointer} of record {record.seq} is not the one that was recorded"
                return Problem(seq=record.seq, says=says)
            self.disclosed += 1
            self._there[record.seq, pointer] = None
        if not self._of or record.incident == self._of:
            self._gone |= dict.fromkeys((record.seq, pointer) for pointer in marks if pointer not in known)
        return self._erasure(record) if record.kind == ERASURE else None

    def _erasure(self, record: Record) -> Problem | None:
        values = record.data.get("values")
        for seq, pointers in values.items() if isinstance(values, dict) else ():
            for pointer in pointers if isinstance(pointers, list) else ():
                key = (int(seq) if str(seq).isdecimal() else 0, str(pointer))
                self.erased += 1
                if key in self._there:
                    says = f"the personal value {pointer} of record {seq} is there, though it was erased: record {record.seq}"
                    return Problem(seq=key[0], says=says)
                self._gone.pop(key, None)
        return None

    def end(self) -> Problem | None:
        """Check that nothing is gone without an erasure on record."""
        for seq, pointer in self._gone:
            says = f"the personal value {pointer} of record {seq} is gone, and no record tells that it was erased"
            return Problem(seq=seq, says=says)
        return None
