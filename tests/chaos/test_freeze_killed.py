"""A freeze or its lifting killed at any step boundary: nothing goes out, nothing is lost, and all comes back exactly.

Takes about four minutes.
"""

import asyncio
import json
import shutil
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from acme import incident_in
from acts import Act, Processes, boundaries
from scheduler_receivers import SCHEDULERS

import config
from crisis.freeze import FreezeState, FrozenPost, in_words, shown
from crisis.values import Severity
from tasks.installation import installation
from tasks.people import save_configuration

pytestmark = pytest.mark.slow
KILLED = -9
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
HOURS = {"postiz": (2, 30), "facebook_scheduled": (2, 30), "mixpost": (2,), "buffer": (2,)}
"""When what is scheduled goes out: two posts for each way of pausing."""
TOML = """\
organisation = "Acme"
home = "{home}"

[[watches]]
name = "acme"
brand = "Acme"
query = "acme"
owner = "ida@example.com"

[[stakeholders]]
name = "Ida Okafor"
email = "ida@example.com"
roles = ["incident_lead"]

[[notifiers]]
name = "email"
kind = "sandbox"

[[schedulers]]
name = "marketing"
kind = "{kind}"
settings = {{ {settings} }}
"""


class _Scene:
    """A home with an incident that is to be frozen, and a scheduler with two posts, copied for every kill."""

    def __init__(self, folder: Path, kind: str, receiver: Any) -> None:
        self.folder, self.kind, self.receiver, self._copies = folder, kind, receiver, 0
        self.master = folder / "master"
        self.posts = [receiver.add(NOW + timedelta(hours=n), f"Buy within {n} hours!") for n in HOURS[kind]]
        self.before = receiver.stands()
        self.memory = deepcopy(receiver.posts)
        asyncio.run(self._begin())

    async def _begin(self) -> None:
        async with installation(self.settings(self.master)) as here:
            await save_configuration(here)
            await incident_in(here, severity=Severity.SEV1)

    def settings(self, home: Path) -> config.Settings:
        home.mkdir(parents=True, exist_ok=True)
        given = {"base_url": self.receiver.url, **self.receiver.settings}
        table = ", ".join(f"{name} = {json.dumps(value)}" for name, value in given.items())
        (home / "fireline.toml").write_text(TOML.format(home=home, kind=self.kind, settings=table))
        return config.load(home / "fireline.toml")

    def copy(self) -> Path:
        """The master once more, the scheduler as it was then."""
        self._copies += 1
        home = self.folder / f"copy-{self._copies}"
        shutil.copytree(self.master, home)
        self.settings(home)
        self.receiver.reset()
        self.receiver.posts.update(deepcopy(self.memory))
        return home

    def go_on_from(self, home: Path) -> None:
        self.master, self.memory = home, deepcopy(self.receiver.posts)

    def ends(self, home: Path) -> list[FrozenPost]:
        async def read() -> list[FrozenPost]:
            async with installation(self.settings(home)) as here, here.store.reading() as tx:
                assert (await here.store.verify()).ok
                return await tx.frozen.list()

        return asyncio.run(read())


def _kill_everywhere(processes: Processes, scene: _Scene, act: Act, then: tuple[Act, ...], judge: Any) -> list[str]:
    home = scene.copy()
    assert processes.run(act, home) == 0
    count = len(boundaries(home))
    found = [f"not killed: {says}" for says in judge(home)]
    for number in range(1, count + 1):
        home, after = scene.copy(), then[number % len(then)]
        status = processes.run(act, home, die_at=number)
        where = f"{act.name} killed at {number} of {count} ({boundaries(home)[-1]}), then {after.name}"
        if (status, processes.run(after, home)) != (KILLED, 0):
            found.append(f"{where}: it ended with {status}, or what came after it failed")
            continue
        found += [f"{where}: {says}" for says in judge(home)]
    assert count >= 12
    return found


@pytest.mark.parametrize("kind", sorted(SCHEDULERS))
def test_killed_anywhere_and_taken_up_again_nothing_goes_out_and_all_comes_back(
    kind: str, processes: Processes, tmp_path: Path
) -> None:
    with SCHEDULERS[kind]() as receiver:
        scene = _Scene(tmp_path, kind, receiver)
        freeze, mind = Act("freeze", incident="INC-1"), Act("mind freezes")
        unfreeze = Act("unfreeze", incident="INC-1")

        def is_frozen(home: Path) -> list[str]:
            posts = shown(scene.ends(home))
            whole = {p.post.id: (p.post.at, p.post.text) for p in posts}
            says = [] if in_words(posts) == f"{len(scene.posts)} frozen" else [f"on record: {in_words(posts)}"]
            says += [] if whole == scene.before else [f"kept: {whole}"]
            return says if receiver.stands() == {} else [*says, f"still going out: {receiver.stands()}"]

        def is_back(home: Path) -> list[str]:
            states = {p.state for p in shown(scene.ends(home))}
            if states == {FreezeState.FROZEN}:  # killed before anything was on record: whoever called it calls it again
                return [] if receiver.stands() == {} else ["it goes out, and the record says that it is frozen"]
            says = [] if states == {FreezeState.RESTORED} else [f"on record: {states}"]
            return says if receiver.stands() == scene.before else [*says, f"scheduled: {receiver.stands()}"]

        found = _kill_everywhere(processes, scene, freeze, (freeze, mind), is_frozen)
        assert not found, "\n".join(found)
        home = scene.copy()
        assert processes.run(freeze, home) == 0
        scene.go_on_from(home)
        found = _kill_everywhere(processes, scene, unfreeze, (unfreeze, mind), is_back)
        assert not found, "\n".join(found)
