"""The stage of a drill: a folder of its own beside the real records, with a configuration in which nothing is real but the
people.

The organisation's own people, playbooks, voice and watch are rehearsed with. Its channels become sandboxes by the
``[drill]`` table in the written file: whoever opens that folder, by whatever command, is in the drill.
"""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import toml

import config
from config.loading import FILE
from config.runtime import make_home
from config.scenarios import drills
from crisis.watch import Watch
from fireline.addresses import cannot_listen
from fireline.demo_stage import SCENARIOS, free_ports
from fireline.errors import Stop

LEAD = timedelta(minutes=4)
"""Calm minutes before the storm, so that everybody is in place."""
_HEADER = (
    "# Written by `fireline drill`: the [drill] table makes every channel a sandbox. Delete the folder when done.\n"
)


class DrillStage:
    """One drill's folder and what stands in it."""

    def __init__(self, scenario: drills.Scenario, *, watch: str, reaches_people: bool, begins: datetime) -> None:
        self.scenario = scenario
        real, self.invented = _rehearsing()
        self.watch = _watch(real, watch)
        self.home = real.home / "drills" / f"{scenario.name}-{begins:%Y%m%d-%H%M%S}"
        if self.home.exists():
            raise Stop(f"{self.home} is there already: wait a second and start the drill again", 1)
        make_home(self.home)
        self.config_file = self.home / FILE
        self.posts = self.home / "posts.jsonl"
        written = self._written(real, reaches_people)
        self.config_file.write_text(_HEADER + toml.dumps(written), encoding="utf-8")
        _forget_overrides()
        os.environ["FIRELINE_HOME"] = str(self.home)  # for this process and all that it starts
        os.environ["FIRELINE_CONFIG"] = str(self.config_file)
        self.settings = config.load(self.config_file)

    def _written(self, real: config.Settings, reaches_people: bool) -> dict[str, Any]:
        desk, prefect = free_ports(2)
        written = real.model_dump(
            mode="json",
            exclude_none=True,
            exclude={
                *("home", "database_url", "drill", "sources"),
                *("monitors", "archives", "writers", "schedulers", "subscribers", "helpdesks"),
            },
        )
        for family in ("channels", "notifiers"):
            if family == "channels" or not reaches_people:
                written[family] = [_unreal(part, family) for part in written.get(family, [])]
        written["home"] = str(self.home)
        written["drill"] = {"scenario": self.scenario.title, "posts": str(self.posts), "reaches_people": reaches_people}
        written["prefect"] = {"port": prefect}
        if cannot_listen(real.desk.host, real.desk.port, "desk"):  # the real desk runs: the drill's has another door
            written["desk"] = {**written["desk"], "port": desk, "public_url": ""}
        # The brand's plain name finds every post of the scenario, whatever the watch asks for in earnest.
        own = {**self.watch.model_dump(mode="json", exclude_none=True), "query": f'"{self.watch.brand}"'}
        written["watches"] = [own]
        name, owner = self.watch.name, self.watch.owner
        there = [p for p in real.stakeholders if not p.watches or name in p.watches or p.email == owner]
        written["stakeholders"] = [
            {
                **p.model_dump(mode="json", exclude_none=True),
                "watches": [watch for watch in p.watches if watch == name],
                "watch_roles": {watch: list(roles) for watch, roles in p.watch_roles.items() if watch == name},
            }
            for p in there
        ]
        kept = {p.email for p in there}
        for duty in written.get("duties", []):
            for key in ("people", "deputies"):
                duty[key] = [email for email in duty.get(key, []) if email in kept]
        written["duties"] = [duty for duty in written.get("duties", []) if duty["people"] or duty["deputies"]]
        return written

    def write_posts(self, storm_at: datetime) -> int:
        """Write the storm; returns how many posts there are."""
        posts = drills.posts(self.scenario, self.watch.brand, storm_at, seed=int(storm_at.timestamp()))
        with self.posts.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(post, ensure_ascii=False) + "\n" for post in posts)
        return len(posts)


def _unreal(part: dict[str, Any], family: str) -> dict[str, Any]:
    """A channel or notifier as it is written: a sandbox, even for whoever deletes the ``[drill]`` table afterwards."""
    written = {**part, "kind": "sandbox", "settings": {}, "credentials": ""}
    if family == "channels" and part["kind"] != "sandbox":
        written["looks_like"] = part["kind"]
    return written


def _rehearsing() -> tuple[config.Settings, bool]:
    """Whoever rehearses: the installation that is configured here, else the demo's invented company."""
    try:
        settings = config.load()
    except config.ConfigError as error:
        if "there is no" not in str(error) or os.environ.get("FIRELINE_CONFIG"):
            raise
        return _invented(), True
    if settings.drill:
        raise Stop(f"{settings.file} is a drill's own: change to another folder, or unset FIRELINE_CONFIG")
    if not settings.watches:
        raise Stop(f"{settings.file}: a drill needs a [[watches]] table: add the brand that you protect")
    if not settings.stakeholders:
        raise Stop(f"{settings.file}: a drill needs people: add [[stakeholders]] tables with their roles")
    return settings, False


def _invented() -> config.Settings:
    home = Path(os.environ.get("FIRELINE_HOME") or "~/.fireline").expanduser().absolute()
    make_home(home)
    text = (SCENARIOS / "demo.toml").read_text(encoding="utf-8").replace('playbooks_dir = "playbooks"\n', "")
    for name, port in zip(("desk_port", "prefect_port", "smtp_port"), free_ports(3), strict=True):
        text = text.replace(f"{{{name}}}", str(port))
    file = home / "invented.toml"
    file.write_text(f'home = "{home.as_posix()}"\n{text}', encoding="utf-8")
    try:
        return config.load(file)
    finally:
        file.unlink()


def _watch(settings: config.Settings, name: str) -> Watch:
    return settings.watch(name) if name else settings.watches[0]


def _forget_overrides() -> None:
    """What the environment says of the real installation must not reach into the drill: its file says it all."""
    for variable in list(os.environ):
        key = variable.removeprefix("FIRELINE_").split("__")[0].lower()
        if variable.startswith("PREFECT_") or (
            variable.startswith("FIRELINE_") and key in config.Settings.model_fields
        ):
            del os.environ[variable]
