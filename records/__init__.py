"""Durable truth: watches, mentions, incidents, facts, statements, decisions, the outbox and the ledger."""

from records.decisions import AlreadyDecided
from records.ledger import Verification
from records.migrations import TooNew
from records.shared import Holding
from records.statements import Proposal, StatementStatus
from records.store import Store, Transaction, open_store
from records.unusable import Unusable
from records.work import NotFound

__all__ = [
    "AlreadyDecided",
    "Holding",
    "NotFound",
    "Proposal",
    "StatementStatus",
    "Store",
    "TooNew",
    "Transaction",
    "Unusable",
    "Verification",
    "open_store",
]
