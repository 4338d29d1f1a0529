"""Delivery: one rendering on its way to one target, as a state machine, and what a platform answers.

The state is stored before the call. A reset, a timeout or a 5xx means *unknown*, not failed, and an unknown is
reconciled before anything is sent again (DESIGN §7).
"""

import uuid
from enum import StrEnum
from typing import Any

from pydantic import Field

from crisis.statement import Rendering, Target
from crisis.values import Frozen, UtcDatetime

_NAMESPACE = uuid.UUID("6f1c2f0e-6d2e-5b0c-9a53-0a4e6f1d7c11")


class DeliveryClass(StrEnum):
    """How a channel prevents a second send."""

    NATIVE_KEY = "native key"
    CREATE_IF_ABSENT = "create-if-absent"
    RECONCILE_BY_MARKER = "reconcile by marker"
    AT_MOST_ONCE = "at most once"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    ARMED = "armed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    RECONCILED = "reconciled"


D = DeliveryState
STEPS: dict[DeliveryState, dict[DeliveryState, str]] = {
    D.PENDING: {D.ARMED: "a sender claims it", D.REFUSED: "it may not be sent at all"},
    D.ARMED: {
        D.ACCEPTED: "the platform answered with a receipt",
        D.REFUSED: "the platform said no",
        D.PENDING: "the platform said it did not take it and when to come back",
        D.UNKNOWN: "there was no clear answer, or the sender vanished",
    },
    D.UNKNOWN: {
        D.RECONCILED: "it was found on the platform, or a human saw it there",
        D.PENDING: "it is proven absent, the platform deduplicates the key, or a human said to send again",
        D.REFUSED: "a human gave it up",
    },
    D.ACCEPTED: {},
    D.REFUSED: {D.PENDING: "a human said to send again"},
    D.RECONCILED: {},
}

ARRIVED = frozenset({D.ACCEPTED, D.RECONCILED})
"""The target carries the text."""
SETTLED = frozenset({D.ACCEPTED, D.RECONCILED, D.REFUSED})
"""Nothing more happens by itself."""


class IllegalDeliveryStep(ValueError):
    """A delivery was asked to make a step that its state does not allow."""


def check_step(state: DeliveryState, to: DeliveryState) -> None:
    """Raise ``IllegalDeliveryStep`` unless ``to`` may follow ``state``."""
    if to not in STEPS[state]:
        ways = "; ".join(f"{s} when {why}" for s, why in STEPS[state].items()) or "it is final"
        raise IllegalDeliveryStep(f"a delivery that is {state} cannot become {to} ({ways})")


class Receipt(Frozen):
    """The platform's word that it has the post."""

    id: str
    """The platform's id (for a thread, of its first part)."""
    url: str = ""
    accepted_at: UtcDatetime
    raw: dict[str, Any] = Field(default_factory=dict)
    """The platform's answer, secrets removed. Ids of a thread's parts are under ``parts``."""


class Purpose(StrEnum):
    """Why something is delivered."""

    STATEMENT = "statement"
    NOTICE = "notice"
    """A message to a stakeholder: needs no approval."""
    WITHDRAWAL = "withdrawal"


class Delivery(Frozen):
    """One row of the outbox."""

    id: str
    """Deterministic (see ``delivery_id``); also the operation key given to the platform."""
    incident: str
    purpose: Purpose
    statement: str = ""
    """Statement id; empty for a notice."""
    version: int = 0
    content_hash: str = ""
    """The approved hash it relies on; empty for a notice."""
    rendering: Rendering
    delivery_class: DeliveryClass
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    not_before: UtcDatetime | None = None
    """Set by a rate limit (real time, not replay time)."""
    receipt: Receipt | None = None
    problem: str = ""
    """The last refusal or the reason for an unknown, secrets removed."""
    needs_human: bool = False
    """An unknown that no look-up can settle."""
    created_at: UtcDatetime
    updated_at: UtcDatetime
    withdraws: str = ""
    """For a withdrawal: the delivery it takes back."""

    @property
    def arrived(self) -> bool:
        """The target carries the text; of a mailing that is not over, somebody has it."""
        return self.state in ARRIVED or self.receipt is not None


def delivery_id(purpose: Purpose, reference: str, target: Target) -> str:
    """The one id of a delivery, so that planning it twice plans it once.

    ``reference`` is the content hash of a statement, the delivery a withdrawal takes back, or whatever identifies a
    notice within the installation.
    """
    name = "\n".join((purpose.value, reference, target.channel, target.kind, target.address))
    return uuid.uuid5(_NAMESPACE, name).hex
