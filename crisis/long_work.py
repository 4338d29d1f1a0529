"""Long work and how far it is: what a terminal, the desk and Prefect show while a mailing, a proof or a report goes on."""

from typing import Literal

from crisis.values import Frozen, UtcDatetime


class LongWork(Frozen):
    """One piece of work that takes longer than a person likes to wait without a sign."""

    work: str
    """What it is called among all work: ``verify``, ``mailing/<delivery>``; the next one of that name replaces it."""
    title: str
    """For people: ``Proof of the ledger``."""
    incident: str = ""
    done: int = 0
    total: int | None = None
    """None while nobody knows."""
    unit: str = ""
    """What is counted: ``records``, ``recipients``."""
    says: str = ""
    """What is being done just now, or how it ended."""
    began_at: UtcDatetime
    updated_at: UtcDatetime
    """Both in real time: no replay's clock says how long a person waits."""
    ended: Literal["", "done", "failed"] = ""

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None while that is not known."""
        if self.ended == "done":
            return 1.0
        return None if not self.total else min(1.0, self.done / self.total)

    @property
    def counted(self) -> str:
        """``250,000 of 1,000,000 records``; empty when nothing is counted."""
        if not self.done and not self.total:
            return ""
        of = f" of {self.total:,}" if self.total else ""
        return f"{self.done:,}{of} {self.unit}".rstrip()

    @property
    def line(self) -> str:
        """All of it in one line of text."""
        share = "" if self.share is None or not self.total else f" ({self.share:.0%})"
        parts = [f"{self.counted}{share}", self.says]
        return f"{self.title}: {', '.join(filter(None, parts)) or 'under way'}"
