"""What several rooms' tests share: modules beside this file, and the receivers, can be imported from any of them."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent / "chaos"))
settings.register_profile("fireline", deadline=None)  # no test is about time
settings.load_profile("fireline")
