"""``fireline kinds``: what Fireline can speak to, and what each kind needs, told by the integrations themselves."""

import json as jsonlib
import sys
import textwrap
from typing import Any

from fireline.errors import Stop

_FAMILY = {"channel": "channels: where statements go", "notifier": "notifiers: how people are told"}
_FAMILY["source"] = "sources: where mentions come from"
_FAMILY["monitor"] = "monitors: who is told, from outside, that Fireline works"
_FAMILY["archive"] = "archives: where sealed evidence cannot be changed"
_FAMILY["scheduler"] = "schedulers: where marketing is scheduled that an incident freezes"
_FAMILY["writer"] = "writers: language models that draft"
_FAMILY["subscriber"] = "subscribers: other systems that are told of events"
_WIDTH = 78


def kinds(kind: str = "", *, json: bool = False) -> None:
    """List the kinds of channels, notifiers and sources; with KIND, what it needs, as a block for fireline.toml.

    Args:
        kind: Such as mastodon.
        json: One JSON object a line: {"kind", "families", "delivery_class", "says", "settings"}.
    """
    import integrations

    if kind:
        try:
            cls = integrations.integration(kind)
        except integrations.Misconfigured as error:
            raise Stop(str(error)) from None
        print(jsonlib.dumps(_described(kind, cls), ensure_ascii=False) if json else example(kind, cls))
        return
    every = {name: integrations.integration(name) for name in integrations.kinds()}
    if json:
        for name, cls in every.items():
            print(jsonlib.dumps(_described(name, cls), ensure_ascii=False))
        return
    for family, title in _FAMILY.items():
        print(f"\n{title}")
        for name, cls in every.items():
            if family in _families(cls):
                first, *rest = textwrap.wrap(_says(cls), _WIDTH - 22)
                print(f"  {name:<20}{first}", *rest, sep=f"\n{'':22}")
    print("\nfireline kinds KIND tells what one needs.", file=sys.stderr)


def example(kind: str, cls: type[Any]) -> str:
    """What a kind is, and a table for fireline.toml that holds all it needs."""
    family = _families(cls)[0]
    told = [*textwrap.wrap(_says(cls, whole=True), _WIDTH), *_class_says(cls)]
    lines = [*(f"# {line}".rstrip() for line in told), f"[[{family}s]]", f'name = "{kind.replace("_", "-")}"']
    lines += [f'kind = "{kind}"', f"[{family}s.settings]"]
    for setting in _settings(cls):
        lines += [f"# {line}" for line in textwrap.wrap(setting["says"], _WIDTH)]
        if setting["secret"]:
            lines.append(f"# In the environment, or in a Prefect block: {setting['variable']}")
            continue
        mark = "" if setting["required"] else "#"
        lines.append(f"{mark}{setting['name']} = {_toml(setting['value'])}")
    return "\n".join(lines)


def _described(kind: str, cls: type[Any]) -> dict[str, Any]:
    guard = getattr(cls, "delivery_class", None)
    return {
        "kind": kind,
        "families": _families(cls),
        "delivery_class": str(guard) if guard else None,
        "says": _says(cls),
        "settings": [{n: s[n] for n in ("name", "required", "secret", "says")} for s in _settings(cls)],
    }


def _settings(cls: type[Any]) -> list[dict[str, Any]]:
    from config.secrets import variable
    from tasks.credentials import secret_fields

    model = cls.settings_model
    secrets = secret_fields(model)
    told = []
    for name, field in model.model_fields.items():
        given = field.is_required() or bool(field.examples)
        value = (field.examples or [""])[0] if given else field.get_default(call_default_factory=True)
        told.append(
            {
                "name": name,
                "required": given,
                "secret": name in secrets,
                "says": field.description or "",
                "variable": variable(cls.kind.replace("_", "-"), name),
                "value": value,
            }
        )
    return sorted(told, key=lambda s: (not s["required"], s["secret"]))


def _families(cls: type[Any]) -> list[str]:
    from integrations.kinds import FAMILIES, can

    return [family for family in FAMILIES if can(cls, family)]


def _says(cls: type[Any], *, whole: bool = False) -> str:
    """The module's account of itself: its first paragraph, or the whole of it."""
    text = sys.modules[cls.__module__].__doc__ or ""
    return " ".join((text if whole else text.split("\n\n", 1)[0]).replace("``", "").split())


def _class_says(cls: type[Any]) -> list[str]:
    _, _, more = " ".join((cls.__doc__ or "").split()).partition("; ")
    return [more[:1].upper() + more[1:]] if more else []


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return jsonlib.dumps("" if value is None else str(value), ensure_ascii=False)
