"""Recorded firestorms that ship with the project. All of them are generated, and the README beside them says so."""

from datetime import UTC, datetime
from pathlib import Path

FIRESTORM = Path(__file__).with_name("firestorm.jsonl.gz")
"""The firestorm of ``fireline demo``; watch it with the query ``brewline``."""
FIRESTORM_BEGINS = datetime(2026, 3, 1, 7, 0, tzinfo=UTC)
"""Its first post."""
FIRESTORM_STRIKES = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)
"""When its storm starts."""
