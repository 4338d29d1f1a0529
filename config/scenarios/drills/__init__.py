"""The scenarios of ``fireline drill``: one invented firestorm for each cause, told about whoever rehearses.

A scenario is a YAML file here: its texts, how the talk moves on, and its *injects*, the facts that exercise control hands
to the incident lead as the hours pass (the term of exercise design for what is fed in on a schedule). The crowd is made
by the same generator as the demo's firestorm: two calm days, then a storm that peaks after 25 minutes.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from config.errors import ConfigError, did_you_mean
from config.scenarios import generate_firestorm as generator
from crisis.values import CrisisType, Frozen

_FOLDER = Path(__file__).parent
_COMMON = "common.yaml"


class Inject(Frozen):
    """Something that becomes known while the exercise runs."""

    minute: int = Field(ge=0)
    """Minutes after the storm began."""
    fact: str


class Scenario(Frozen):
    """A firestorm to rehearse with."""

    name: str
    title: str
    cause: CrisisType
    about: str
    """What the exercise is about, for whoever leads it."""
    injects: tuple[Inject, ...]
    resolved: str
    """The fact by which it ends."""
    texts: dict[str, Any]
    """What people say, as the generator wants it; names are still open."""
    moods: tuple[dict[str, int], ...]
    """Weights of what the storm talks about, each from minute ``from`` on."""


def names() -> list[str]:
    """The scenarios there are."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml") if path.name != _COMMON)


def scenario(name: str) -> Scenario:
    """A scenario by name.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in names():
        raise ConfigError(f"there is no scenario {name!r}{did_you_mean(name, names())}")
    common = yaml.safe_load((_FOLDER / _COMMON).read_text(encoding="utf-8"))
    own = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    said = {key: own.pop(key) for key in ("storm", "influencer", "news", "brigade") if key in own}
    return Scenario(name=name, texts={**common, **said}, **own)


def posts(rehearsed: Scenario, brand: str, begins: datetime, *, seed: int) -> list[dict[str, Any]]:
    """The scenario's posts about ``brand``, oldest first; its storm begins at ``begins``."""
    texts = _about(rehearsed.texts, brand)
    recording = generator.Recording(texts, random.Random(seed), moods=_moods(rehearsed.moods))
    for part in (generator.calm, generator.storm, generator.loud, *([generator.brigade] if "brigade" in texts else [])):
        part(recording)
    shift = begins - generator.STORM
    ordered = sorted(recording.posts, key=lambda post: str(post["created_at"]))
    return [
        {
            "id": f"drill-{number:05d}",
            **post,
            "created_at": (datetime.fromisoformat(post["created_at"]) + shift).isoformat(timespec="seconds"),
        }
        for number, post in enumerate(ordered, 1)
    ]


def _moods(stages: tuple[dict[str, int], ...]) -> Callable[[float], dict[str, int]]:
    def at(minute: float) -> dict[str, int]:
        now = [stage for stage in stages if stage.get("from", 0) <= minute][-1]
        return {mood: weight for mood, weight in now.items() if mood != "from"}

    return at


def _about(texts: Any, brand: str) -> Any:
    """The texts with the organisation's name and handle filled in."""
    handle = "@" + "".join(letter for letter in brand.lower() if letter.isalnum())
    if isinstance(texts, str):
        return texts.replace("{brand}", brand).replace("{handle}", handle)
    if isinstance(texts, dict):
        return {key: _about(value, brand) for key, value in texts.items()}
    return [_about(value, brand) for value in texts] if isinstance(texts, list) else texts


LASTS = generator.STORM_ENDS - generator.STORM + timedelta(hours=4)
"""How long a scenario gives people something to react to."""
