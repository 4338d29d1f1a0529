"""Where a running installation can be reached: ``<home>/runtime.json``, written by ``fireline up``, gone when it stops.

It lets a command in another terminal find the Prefect server. It holds the server's key, so only its owner can read it.
"""

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError

from config.errors import ConfigError
from crisis.values import Frozen

FILE = "runtime.json"


def make_home(home: Path) -> None:
    """Make an installation's folder, for its owner only, unless it is there.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.scandir(home).close()
    except OSError as error:
        says = f"{home}: cannot be this installation's folder ({error.strerror})"
        raise ConfigError(f"{says}: set FIRELINE_HOME, or home in fireline.toml, to one that can be written") from None


class Runtime(Frozen):
    """The addresses of a running installation."""

    pid: int = Field(gt=0)
    """The supervising process."""
    api_url: str
    desk_url: str
    auth: SecretStr
    """What the Prefect server asks for: ``user:password``."""

    @property
    def ui_url(self) -> str:
        """Prefect's pages."""
        return self.api_url.removesuffix("/api")

    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to reach the server."""
        return {"PREFECT_API_URL": self.api_url, "PREFECT_API_AUTH_STRING": self.auth.get_secret_value()}

    def write(self, home: Path) -> None:
        """Publish it, readable by its owner only, in one step."""
        make_home(home)
        fresh = home / f".{FILE}.{os.getpid()}.{secrets.token_hex(4)}"
        document = {**self.model_dump(mode="json"), "auth": self.auth.get_secret_value()}
        handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document, file)
        fresh.replace(home / FILE)


def read_runtime(home: Path) -> Runtime | None:
    """The running installation of ``home``; None when there is none, or none that can be read, or it died."""
    try:
        runtime = Runtime.model_validate_json((home / FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    try:
        os.kill(runtime.pid, 0)
    except (ProcessLookupError, OverflowError):
        return None
    except PermissionError:
        pass  # it runs, as another user
    return runtime


def remove_runtime(home: Path) -> None:
    """Forget it; no error when it is gone already, or its folder never was."""
    with suppress(OSError):
        (home / FILE).unlink(missing_ok=True)


def without_prefect(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment as a drill may have it: what it says of a Prefect server, its database or its messages is about the
    real one."""
    return {name: value for name, value in environment.items() if not name.startswith("PREFECT_")}


def reach(home: Path, *, drill: bool = False) -> bool:
    """Point this process at the running installation's Prefect server, unless the environment already names one.

    In a drill the environment is not asked: the server that it names is the real one, and would run what was rehearsed.
    Call it before Prefect is imported. False when nothing is running.
    """
    if drill:
        for name in os.environ.keys() - without_prefect(os.environ).keys():
            del os.environ[name]
    if os.environ.get("PREFECT_API_URL"):
        return True
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_ENABLED", "false")
    os.environ.setdefault("PREFECT_HOME", str(home / "prefect"))
    runtime = read_runtime(home)
    if runtime is None:
        return False
    os.environ.update(runtime.environment())
    return True
