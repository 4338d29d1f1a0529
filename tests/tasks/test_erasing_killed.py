"""A process is killed before each commit of an erasure and of a retention run: whoever comes next finishes it.

Some ten processes are killed, in about half a minute.
"""

import asyncio
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from staged import START, settings_in
from test_erasing import QUOTE, raw, with_author

from crisis.clock import FixedClock
from crisis.erasure import ErasureState
from crisis.incident import IncidentState
from records import open_store
from tasks import erase, retention
from tasks.installation import Installation

pytestmark = pytest.mark.slow
LATER = START + timedelta(days=500)
CHILD = """
import asyncio, os, signal, sys
from contextlib import asynccontextmanager
sys.path[:0] = {paths!r}
from test_erasing_killed import opened, ACTS
from records.store import Store

begin, left = Store.transaction, [int(sys.argv[3])]

@asynccontextmanager
async def transaction(self):
    async with begin(self) as tx:
        yield tx
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

Store.transaction = transaction

async def main():
    from pathlib import Path
    here = await opened(Path(sys.argv[1]))
    await ACTS[sys.argv[2]](here)
    await here.close()

asyncio.run(main())
"""


async def opened(home: Path) -> Installation:
    settings = settings_in(home)
    store = await open_store(settings.database_url, keys=home / "keys", clock=FixedClock(LATER))
    return Installation(settings, store)


async def _erase(here: Installation) -> None:
    await erase.erase(here, author="kim.b", actor="lena@example.com", reason="request 12 of @kim.b")


async def _retain(here: Installation) -> None:
    await retention.carry_out(here)


ACTS = {"erase": _erase, "retain": _retain}


@pytest.fixture(scope="module")
def staged_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("killed")

    async def prepare() -> None:
        here, incident = await with_author(home)
        async with here.store.transaction() as tx:
            await tx.incidents.step(incident, IncidentState.REVIEWED, actor="review")
        await here.close()

    asyncio.run(prepare())
    return home


@pytest.mark.parametrize("act", ACTS)
def test_what_a_kill_left_is_finished_by_whoever_comes_next(act: str, staged_home: Path, tmp_path: Path) -> None:
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), str(here.parents[1])]
    killed = 0
    for number in range(1, 20):
        home = tmp_path / str(number)
        shutil.copytree(staged_home, home)
        command = [sys.executable, "-c", CHILD.format(paths=paths), str(home), act, str(number)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        killed += 1
        asyncio.run(_finished(home, act))
    assert killed >= 2


async def _finished(home: Path, act: str) -> None:
    here = await opened(home)
    try:
        assert (await here.store.verify()).ok
        async with here.store.reading() as tx:
            asked = await tx.erasing.list()
        if act == "retain":
            await retention.carry_out(here)
        elif asked:
            await erase.mind_erasures(here)
        if act == "retain" or asked:  # before it was asked for, nothing is to be done
            assert QUOTE not in raw(home)
            assert await retention.due(here) == () or act == "erase"
        verified = await here.store.verify()
        assert verified.ok, verified.problem
        async with here.store.reading() as tx:
            assert all(e.state is ErasureState.DONE for e in await tx.erasing.list())
    finally:
        await here.close()
