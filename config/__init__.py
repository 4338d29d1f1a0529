"""What people edit (settings, playbooks, templates), loaded and checked; and an installation's clock and secrets."""

from config.errors import ConfigError
from config.lexicons import newsrooms
from config.loading import load, refuse
from config.playbook_files import playbooks as _playbooks
from config.secrets import secret_from_environment
from config.settings import (
    ArchiveSettings,
    ChannelSettings,
    DeskSettings,
    MonitorSettings,
    NotifierSettings,
    OidcSettings,
    PrefectSettings,
    SchedulerSettings,
    Settings,
    SourceSettings,
    SubscriberSettings,
    VoiceSettings,
)
from config.shared_clock import SharedClock, remove_clock, write_clock
from config.template_files import Templates, templates
from crisis.clock import Clock
from crisis.playbook import Playbook
from crisis.values import CrisisType

__all__ = [
    "ArchiveSettings",
    "ChannelSettings",
    "ConfigError",
    "DeskSettings",
    "MonitorSettings",
    "NotifierSettings",
    "OidcSettings",
    "PrefectSettings",
    "SchedulerSettings",
    "Settings",
    "SourceSettings",
    "SubscriberSettings",
    "Templates",
    "VoiceSettings",
    "clock",
    "load",
    "newsrooms",
    "playbooks",
    "refuse",
    "remove_clock",
    "secret_from_environment",
    "templates",
    "write_clock",
]


def playbooks(settings: Settings) -> dict[CrisisType, Playbook]:
    """The playbook of every cause: packaged ones, replaced by files of the same name in ``settings.playbooks_dir``.

    Raises:
        ConfigError: one line for each mistake in a playbook or a template.
    """
    return _playbooks(settings, templates=templates(settings).names)


def clock(settings: Settings) -> Clock:
    """The machine's clock, or the replay clock that all processes share while ``<home>/clock.json`` exists."""
    return SharedClock(settings.home)
