"""The loopback networks of the integrations' tests, for stages that listen."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "integrations"))
