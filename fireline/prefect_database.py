"""An empty Prefect database, migrated once, so that a first start on this machine need not migrate for a quarter of a minute.

``python -m fireline.prefect_database`` (part of ``make setup``) makes it beside the installed Python packages; a start
without a database of its own copies it. Without it everything works all the same, only the first start takes longer.
"""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path


def prepared() -> Path:
    """Where the empty database of the installed Prefect is, if it has been made."""
    return Path(sys.prefix) / "share" / "fireline" / f"prefect-{version('prefect')}.db"


def lay_out(prefect_home: Path) -> None:
    """Copy the empty database into a Prefect home that has none yet. It is its owner's alone to read, copied or not."""
    target = prefect_home / "prefect.db"
    prefect_home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if target.exists():
        target.chmod(0o600)
        return
    if not prepared().exists():
        return
    fresh = target.with_suffix(f".{os.getpid()}")
    shutil.copyfile(prepared(), fresh)
    fresh.chmod(0o600)
    fresh.replace(target)


def make() -> None:
    """Migrate an empty database, unless that is done."""
    target = prepared()
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".making")
    fresh.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "PREFECT_HOME": str(target.parent),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{fresh}",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    argv = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
    subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words
    fresh.replace(target)


if __name__ == "__main__":
    make()
