"""Which kinds of integration there are: the modules of this package that hold one, and what other packages add.

A kind is called like its module, and the module holds one class whose ``kind`` says so; nothing else is to be edited
to add one. Another package adds a kind by an entry point of the group ``fireline.integrations``, named after the kind
and leading to the class. What a kind can do is told by its methods: ``publish`` makes a channel, ``notify`` a notifier,
``listen`` a source, ``beat`` an outside monitor, ``seal`` an archive, ``pause`` a scheduler, ``write`` a writer,
``inform`` a subscriber.
"""

import pkgutil
import re
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from integrations.outcomes import Misconfigured

GROUP = "fireline.integrations"
FAMILIES = {
    "channel": "publish", "notifier": "notify", "source": "listen", "monitor": "beat", "archive": "seal",
    "scheduler": "pause", "writer": "write", "subscriber": "inform",
}  # fmt: skip
"""What an integration may be for, and the method that makes it so."""
_PACKAGE = __name__.rpartition(".")[0]
_KIND = re.compile(r"[a-z][a-z0-9_]*")


@cache
def added() -> dict[str, EntryPoint]:
    """The kinds that installed packages add, by name; a kind of our own is never replaced."""
    return {point.name: point for point in entry_points(group=GROUP)}


def integration(kind: str) -> type[Any]:
    """The class behind ``kind``.

    Raises:
        Misconfigured: there is no such kind, and the message names those that exist; or the package that adds it
            is broken.
    """
    found = _own(kind) or _added(kind)
    if found is None:
        raise Misconfigured(f"there is no integration {kind!r}; there are: {', '.join(kinds())}")
    return found


def kinds(family: str = "") -> tuple[str, ...]:
    """Every kind that works, or those of one family (see ``FAMILIES``), in alphabetical order. Imports all of them."""
    names = {module.name for module in pkgutil.iter_modules(import_module(_PACKAGE).__path__)} | added().keys()
    found: dict[str, type[Any] | None] = {}
    for name in sorted(names):
        with suppress(Misconfigured):  # a package that is broken is told of when it is asked for
            found[name] = _own(name) or _added(name)
    return tuple(name for name, cls in found.items() if cls is not None and (not family or can(cls, family)))


def is_kind(kind: str, family: str) -> bool:
    """Whether there is such a kind in a family; imports that one only."""
    try:
        return can(integration(kind), family)
    except Misconfigured:
        return False


def can(cls: type[Any], family: str) -> bool:
    """Whether an integration belongs to a family."""
    return hasattr(cls, FAMILIES[family])


@cache
def _own(kind: str) -> type[Any] | None:
    name = f"{_PACKAGE}.{kind}"
    if not _KIND.fullmatch(kind) or find_spec(name) is None:
        return None
    module = import_module(name)
    held = (value for value in vars(module).values() if isinstance(value, type) and value.__module__ == name)
    return next((cls for cls in held if getattr(cls, "kind", None) == kind), None)


def _added(kind: str) -> type[Any] | None:
    point = added().get(kind)
    if point is None:
        return None
    try:
        cls = point.load()
    except Exception as error:  # whatever a foreign package does while it is imported
        raise Misconfigured(f"the package that adds {kind!r} ({point.value}) is broken: {error}") from None
    if not isinstance(cls, type) or getattr(cls, "kind", None) != kind:
        raise Misconfigured(f"the entry point {kind!r} of {GROUP} leads to {point.value}, which is no such integration")
    return cls
