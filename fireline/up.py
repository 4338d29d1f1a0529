"""``fireline up``: Prefect, the flows and the desk on this machine, in one command that stops cleanly."""

import asyncio
import contextlib
import signal
import sys


async def up() -> int:
    """Run Prefect, the flows and the desk on this machine; Ctrl-C stops all of them cleanly."""
    import config
    from config.runtime import read_runtime
    from fireline.errors import Stop
    from fireline.supervisor import Supervisor
    from tasks.kinds import refuse_unknown_kinds

    settings = config.load()
    refuse_unknown_kinds(settings)
    running = read_runtime(settings.home)
    if running is not None:
        raise Stop(f"Fireline is already running here (process {running.pid}): stop it with Ctrl-C in its terminal", 1)
    if settings.file is None:
        raise Stop("no configuration file: run `fireline init`")
    supervisor = Supervisor(settings, settings.file)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        starting = asyncio.create_task(_start(supervisor))
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
            return 0
        print(await starting, flush=True)
        keeping = asyncio.create_task(supervisor.keep_alive())
        await stopping
        keeping.cancel()
        print("\nstopping …", file=sys.stderr, flush=True)
    finally:
        await supervisor.stop()
    print("stopped; nothing is left running", file=sys.stderr)
    return 0


async def _start(supervisor: object) -> str:
    """Start everything, then the watches; the addresses to print."""
    import os

    from fireline.supervisor import Supervisor

    assert isinstance(supervisor, Supervisor)  # noqa: S101 - imported late, so typed late
    await supervisor.start(lambda says: print(f"… {says}", file=sys.stderr, flush=True))
    os.environ.update(supervisor.runtime.environment())
    os.environ["PREFECT_HOME"] = supervisor.environment["PREFECT_HOME"]
    from desk.access import desk_link
    from tasks.installation import installation
    from tasks.people import save_configuration
    from tasks.recover import recover_watches

    async with installation(supervisor.settings, via="up") as here:
        await save_configuration(here)
        await recover_watches(here)
        desk = desk_link(here)
    runtime = supervisor.runtime
    user, _, _ = runtime.auth.get_secret_value().partition(":")
    return (
        f"\nFireline is running.\n"
        f"  desk         {desk}\n"
        f"  Prefect      {runtime.ui_url}\n"
        f"  its key      fireline ui-key   (the Prefect page asks for it once; user {user})\n"
        f"  records      {supervisor.settings.home}\n"
        f"  logs         {supervisor.settings.home / 'logs'}\n"
        f"Ctrl-C stops everything."
    )
