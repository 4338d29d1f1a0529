"""What an installation is set up with: the typed shape of ``fireline.toml``.

Every key may be overridden by an environment variable: ``FIRELINE_`` and the key in capitals, two underscores between a
table and its key (``FIRELINE_TICK_SECONDS=5``, ``FIRELINE_DESK__PORT=8500``). Secrets have no place in here: they come
from Prefect blocks or the environment (see ``config.secrets``). References between parts (routes, watches, owners) are
checked, so what is loaded can be trusted.
"""

import os
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from config.errors import ConfigError, Lines, did_you_mean
from crisis.duty import Duty
from crisis.events import unknown_patterns
from crisis.sensitivity import Sensitivity
from crisis.stakeholder import Stakeholder
from crisis.values import Frozen, Names
from crisis.voice import Voice, Word
from crisis.watch import Watch


def _name(value: str) -> str:
    if not (
        value and len(value) <= 63 and value[0] != "-" and set(value) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    ):
        raise ValueError("a name is lower-case letters, digits and hyphens, up to 63 of them, such as 'status-page'")
    return value


def _web_address(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return value.rstrip("/")


def _language(value: str) -> str:
    if not (value.isascii() and value.isalpha() and value.islower() and len(value) in (2, 3)):
        raise ValueError("a language is two or three small letters (ISO 639), such as 'de' for German")
    return value


Language = Annotated[str, AfterValidator(_language)]
"""ISO 639 code."""
Name = Annotated[str, AfterValidator(_name)]
"""Short identifier of a configured part."""
WebAddress = Annotated[str, AfterValidator(_web_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
Words = Annotated[str, Field(min_length=1)]
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
MAIL = ("smtp", "ses", "sandbox")
"""Kinds of notifier that reach a person's e-mail address."""


class OidcSettings(Frozen):
    """Signing in with the organisation's own accounts (OpenID Connect). Secret: ``FIRELINE_OIDC_CLIENT_SECRET``."""

    issuer: str
    """The provider's address, exactly as it names itself, such as ``https://login.acme.example/``."""
    client_id: Words
    name: str = "your work account"
    """What the button calls it."""
    allowed_domains: Names = ()
    """Domains of e-mail addresses that may sign in; empty: those of all stakeholders."""

    @field_validator("issuer", mode="after")
    @classmethod
    def _guarded(cls, value: str) -> str:
        place = urlsplit(value)
        safe = place.scheme == "https" or (place.scheme == "http" and place.hostname in LOOPBACK)
        if not safe or not place.hostname or "@" in place.netloc or place.query or place.fragment:
            raise ValueError("must be the provider's https:// address, with no password, query or fragment in it")
        return value


class DeskSettings(Frozen):
    """Where the web desk listens, and how people come in (docs/access.md)."""

    host: str = "127.0.0.1"
    port: Port = 8420
    public_url: WebAddress = ""
    """The address people reach it by, when it is not ``http://host:port``; links in mails begin with it."""
    sign_in_by_key: bool = True
    """The link that ``fireline desk-link`` prints lets somebody in, without a name."""
    sign_in_by_email: bool = False
    """A link in a mail lets a stakeholder in, once."""
    oidc: OidcSettings | None = None
    confirm_with_code: bool = True
    """Approving, publishing and break-glass ask for a one-time code, unless somebody has just signed in by OIDC."""
    fresh_minutes: Annotated[int, Field(ge=0, le=1440)] = 15
    """For how long a sign-in by OIDC stands in for that code; 0: never."""
    idle_hours: Annotated[float, Field(gt=0, le=168)] = 12
    """A session that nobody uses for so long ends."""
    session_days: Annotated[float, Field(gt=0, le=90)] = 7
    """A session ends after so long, used or not."""

    @property
    def url(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"


class PrefectSettings(Frozen):
    """Where the Prefect server is."""

    host: str = "127.0.0.1"
    port: Port = 4200
    api_url: WebAddress = ""
    """A server run elsewhere; empty: ``fireline up`` starts one at ``host:port``."""

    @property
    def url(self) -> str:
        """The address of the API."""
        return self.api_url or f"http://{self.host}:{self.port}/api"


class VoiceSettings(Frozen):
    """How the organisation speaks."""

    spokesperson: str = ""
    contact_url: str = ""
    """Where affected people reach us, unless the watch names its own contact."""
    sign_off: str = ""
    """Last line of longer statements; empty: "The <organisation> team"."""
    tone: str = ""
    """Advice for writers, in words."""
    speaks_as: Literal["we", "name"] = "we"
    """``name``: English texts begin with "At <organisation>, we" instead of "We"."""
    formality: Literal["formal", "informal"] = "formal"
    """*Sie* or *du*, *vous* or *tu*, *usted* or *tú*, in the templates of languages that have both."""
    prefer: dict[Word, Word] = Field(default_factory=dict)
    """Words, and what the brand says instead: templates say it, lint asks people to."""
    avoid: tuple[Word, ...] = ()
    """Words that the brand does not use: lint names them."""
    language: Language = "en"
    """ISO 639-1 code: what is spoken on every channel that names no language of its own."""
    sign_offs: dict[Language, str] = Field(default_factory=dict)
    """The last line of longer statements by language, where it is not ``sign_off``."""

    def spoken_by(self, organisation: str) -> Voice:
        """The voice by which texts are written and checked."""
        return Voice(
            organisation=organisation,
            speaks_as=self.speaks_as,
            formality=self.formality,
            prefer=self.prefer,
            avoid=self.avoid,
        )

    def signed_in(self, language: str) -> str:
        """The last line in a language; empty where nothing was set for it."""
        return self.sign_offs.get(language) or (self.sign_off if language == self.language else "")


class SourceSettings(Frozen):
    """Where mentions come from."""

    name: Name
    kind: str
    watch: Names = ()
    """Watches it feeds; empty feeds all."""
    settings: dict[str, Any] = Field(default_factory=dict)


class ChannelSettings(Frozen):
    """A configured outlet for statements."""

    name: Name
    kind: str
    address: str = ""
    """The list, page or account on it, where it has several."""
    settings: dict[str, Any] = Field(default_factory=dict)
    credentials: str = ""
    """Name of the Prefect block, and of the environment variables, that hold its secrets; empty: its own name."""
    components: Names = ()
    """Of a status page: ids of the components whose state follows a service failure."""
    looks_like: str = ""
    """For the sandbox only: the kind whose limits it keeps to."""
    language: Language | None = None
    """ISO 639-1 code of what its readers speak; left out, the voice's language."""
    replies: bool = False
    """It may answer single posts of other people (docs/replies.md); only kinds that can."""

    @property
    def credentials_name(self) -> str:
        return self.credentials or self.name


class NotifierSettings(Frozen):
    """A configured way to tell stakeholders."""

    name: Name
    kind: str
    settings: dict[str, Any] = Field(default_factory=dict)
    credentials: str = ""
    """As for channels."""

    @property
    def credentials_name(self) -> str:
        return self.credentials or self.name


class HelpdeskSettings(Frozen):
    """Where customer care takes people over (docs/people.md)."""

    name: Name
    notifier: str
    """The notifier that carries it: one of the kind zendesk or intercom, or a mail one."""
    address: str = ""
    """Zendesk: the number of a group, or nothing. Intercom: the external_id of the contact. Mail: care's address."""


class MonitorSettings(NotifierSettings):
    """An outside monitor that raises the alarm when Fireline falls silent."""


class ArchiveSettings(NotifierSettings):
    """Where sealed evidence is stored, too, so that nobody can change it."""


class WriterSettings(NotifierSettings):
    """A language model that drafts, where one is wanted; nothing needs it."""


class SchedulerSettings(NotifierSettings):
    """Where posts are scheduled that an incident may have to freeze."""

    watch: Names = ()
    """Watches whose incidents freeze it; empty: those of all."""


class SubscriberSettings(NotifierSettings):
    """Another system that is told of events (docs/events.md)."""

    events: Names = ("fireline.*",)
    """Names of events, with ``*`` for any part."""
    restricted: bool = False
    """It is told of restricted incidents, too."""

    @field_validator("events", mode="after")
    @classmethod
    def _there_are_such(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if none := unknown_patterns(value):
            raise ValueError(f"no event is called {none[0]!r}: `fireline events` lists them")
        return value


Days = Annotated[int, Field(ge=1, le=36_500)]


class RetentionSettings(Frozen):
    """For how long personal data is kept once its incident is closed; then it is erased, but for hashes and numbers.

    Nothing of an open or a held incident is. The ledger itself, what was published and who decided stay.
    """

    posts_days: Days = 365
    """The words and names of the public: long enough for a complaint and its answer, and for a year's review."""
    recipients_days: Days = 90
    """Addresses of mailings: a correction must still reach whoever had the text; after that the hash suffices."""
    suppressions_days: Days = 365
    """Addresses that are not written to: people may ask why for a year; the hash goes on protecting them."""
    inbox_days: Days = 30
    """Posts handed in by webhook that no incident relies on."""
    sign_ins_days: Days = 180
    """From which address somebody signed in: as long as a break-in may take to come to light."""
    bundles_days: Days = 3653
    """Sealed evidence on this machine: ten years, the longest usual limitation; in archives, its lock says."""


class DrillSettings(Frozen):
    """A rehearsal: nothing that this installation says leaves the machine, except notices where that is wanted."""

    scenario: Words
    """What is rehearsed."""
    posts: Path
    """The posts of the firestorm, as a recording: the only source."""
    reaches_people: bool = False
    """Notices go to stakeholders on their real routes, marked as a drill; else they stay in the sandbox."""


class ReviewSettings(Frozen):
    """The after-action review (docs/review.md)."""

    signed_by: Names = ("incident_lead",)
    """Roles that sign a review before its incident counts as reviewed; empty: it does once its report is written."""
    within_days: Annotated[float, Field(gt=0, le=365)] = 14
    """How long after closing the review is due; then its lead is reminded, once a day."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)
T = TypeVar("T")


P = TypeVar("P", ChannelSettings, NotifierSettings)


def _with_sandbox_defaults(part: P, home: Path, desk: DeskSettings) -> P:
    settings = {"base_url": desk.url, **part.settings}
    settings["directory"] = str(home / at_home(str(settings.get("directory", "sandbox"))))
    if isinstance(part, ChannelSettings) and part.looks_like:
        settings["looks_like"] = part.looks_like
    return part.model_copy(update={"settings": settings})


def _rehearsing(part: P) -> P:
    """The sandbox that stands for a channel or notifier in a drill: nothing of its address or credentials is left."""
    unreal: dict[str, Any] = {"kind": "sandbox", "settings": {}, "credentials": ""}
    if isinstance(part, ChannelSettings):
        unreal["looks_like"] = part.looks_like if part.kind == "sandbox" else part.kind
    return part.model_copy(update=unreal)


def at_home(path: Path | str) -> Path:
    """The path with ``~`` filled in where that names a home; unlike ``Path.expanduser`` it never raises."""
    return Path(os.path.expanduser(path))  # noqa: PTH111


def _default_home() -> Path:
    return Path.home() / ".fireline"


def _sqlite_in_home(data: dict[str, Any]) -> str:
    return f"sqlite+aiosqlite:///{data['home'] / 'fireline.db'}"


toml_document: ContextVar[Mapping[str, Any]] = ContextVar("toml_document")
"""The file that is being loaded, for ``Settings`` to take as its lowest source."""


class Settings(BaseSettings):
    """Everything ``fireline.toml`` and the environment say."""

    model_config = SettingsConfigDict(
        env_prefix="FIRELINE_", env_nested_delimiter="__", frozen=True, extra="forbid", validate_default=True
    )

    organisation: Words
    """The name the public knows."""
    home: Path = Field(default_factory=_default_home)
    """Records, keys and logs."""
    drill: DrillSettings | None = None
    """Set by ``fireline drill`` in the folder of a rehearsal: every channel becomes a sandbox, whatever else is written."""
    database_url: str = Field(default_factory=_sqlite_in_home, repr=False)
    """SQLAlchemy address; may hold a password, so it is never shown."""
    tick_seconds: Annotated[float, Field(gt=0, le=3600)] = 10
    """Seconds between two signals of a watch."""
    playbooks_dir: Path | None = None
    """Your own playbooks, which replace the packaged ones of the same name."""
    templates_dir: Path | None = None
    """Your own templates, likewise."""
    detection: Sensitivity = Sensitivity()
    """From which score on alerts open and severities hold (docs/learning.md)."""
    voice: VoiceSettings = VoiceSettings()
    desk: DeskSettings = DeskSettings()
    prefect: PrefectSettings = PrefectSettings()
    review: ReviewSettings = ReviewSettings()
    watches: tuple[Watch, ...] = ()
    sources: tuple[SourceSettings, ...] = ()
    stakeholders: tuple[Stakeholder, ...] = ()
    duties: tuple[Duty, ...] = ()
    """Who is asked first in a role, and who stands in; where none holds, everybody with the role is asked."""
    channels: tuple[ChannelSettings, ...] = ()
    notifiers: tuple[NotifierSettings, ...] = ()
    helpdesks: tuple[HelpdeskSettings, ...] = ()
    monitors: tuple[MonitorSettings, ...] = ()
    archives: tuple[ArchiveSettings, ...] = ()
    retention: RetentionSettings = RetentionSettings()
    writers: tuple[WriterSettings, ...] = ()
    schedulers: tuple[SchedulerSettings, ...] = ()
    subscribers: tuple[SubscriberSettings, ...] = ()

    _file: Path | None = PrivateAttr(default=None)
    _lines: Lines = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        document = InitSettingsSource(settings_cls, init_kwargs=dict(toml_document.get({})))
        if "drill" in toml_document.get({}):  # what the environment says is about the real installation
            return init_settings, document
        return init_settings, env_settings, document

    @field_validator("home", "playbooks_dir", "templates_dir", mode="after")
    @classmethod
    def _whole_path(cls, value: Path | None) -> Path | None:
        return None if value is None else Path(os.path.abspath(at_home(value)))  # noqa: PTH100 - links stay

    @field_validator("channels", "notifiers", mode="after")
    @classmethod
    def _sandboxes(cls, value: tuple[P, ...], info: ValidationInfo) -> tuple[P, ...]:
        """A sandbox shows its posts on the desk and keeps them in ``<home>/sandbox``, unless it says otherwise.

        In a drill every channel is one, and every notifier that is not meant to reach people.
        """
        home, desk, drill = info.data.get("home"), info.data.get("desk"), info.data.get("drill")
        if home is None or desk is None or "drill" not in info.data:
            return value
        if drill and (info.field_name == "channels" or not drill.reaches_people):
            value = tuple(_rehearsing(part) for part in value)
        return tuple(_with_sandbox_defaults(part, home, desk) if part.kind == "sandbox" else part for part in value)

    @field_validator("monitors", "archives", "writers", "schedulers", "helpdesks", "subscribers", mode="after")
    @classmethod
    def _nobody_else_in_a_drill(cls, value: tuple[T, ...], info: ValidationInfo) -> tuple[T, ...]:
        return () if info.data.get("drill") else value

    @field_validator("review", mode="after")
    @classmethod
    def _nobody_signs_a_drill(cls, value: ReviewSettings, info: ValidationInfo) -> ReviewSettings:
        """A rehearsal ends with its score."""
        return value.model_copy(update={"signed_by": ()}) if info.data.get("drill") else value

    @field_validator("sources", mode="after")
    @classmethod
    def _the_storm_only_in_a_drill(
        cls, value: tuple[SourceSettings, ...], info: ValidationInfo
    ) -> tuple[SourceSettings, ...]:
        drill = info.data.get("drill")
        return (SourceSettings(name="drill", kind="recorded", settings={"path": str(drill.posts)}),) if drill else value

    @field_validator("database_url", mode="after")
    @classmethod
    def _async_database(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("drill") and value != _sqlite_in_home(info.data):
            raise ValueError("a drill keeps its records in its own folder, apart from the real ones: leave this out")
        if not value.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
            raise ValueError("must start with sqlite+aiosqlite:/// or postgresql+asyncpg://")
        return value

    @property
    def file(self) -> Path | None:
        """The file this was loaded from; none when made in code."""
        return self._file

    @property
    def lines(self) -> Lines:
        """Where each value stands in ``file``."""
        return self._lines

    def channel(self, name: str) -> ChannelSettings:
        """Raises ``ConfigError`` naming the channels there are."""
        return _pick(self.channels, name, "channel")

    def notifier(self, name: str) -> NotifierSettings:
        """Raises ``ConfigError`` naming the notifiers there are."""
        return _pick(self.notifiers, name, "notifier")

    def archive(self, name: str) -> ArchiveSettings:
        """Raises ``ConfigError`` naming the archives there are."""
        return _pick(self.archives, name, "archive")

    def writer(self, name: str) -> WriterSettings:
        """Raises ``ConfigError`` naming the writers there are."""
        return _pick(self.writers, name, "writer")

    def scheduler(self, name: str) -> SchedulerSettings:
        """Raises ``ConfigError`` naming the schedulers there are."""
        return _pick(self.schedulers, name, "scheduler")

    def watch(self, name: str) -> Watch:
        """Raises ``ConfigError`` naming the watches there are."""
        return _pick(self.watches, name, "watch")

    def mailer(self, person: Stakeholder) -> NotifierSettings | None:
        """The notifier that mails somebody: one of their own routes, or else the first there is; None without any."""
        mailers = [notifier for notifier in self.notifiers if notifier.kind in MAIL]
        own = {route.notifier for route in person.contact_routes()}
        return next((m for m in mailers if m.name in own), next(iter(mailers), None))

    def stakeholder(self, email: str) -> Stakeholder:
        """Raises ``ConfigError`` naming the stakeholders there are. Letter case does not matter."""
        for person in self.stakeholders:
            if person.email.casefold() == email.casefold():
                return person
        known = [person.email for person in self.stakeholders]
        raise ConfigError(f"there is no stakeholder {email!r}{did_you_mean(email, known, cutoff=0.85)}")


def _pick(parts: Iterable[N], name: str, what: str) -> N:
    parts = tuple(parts)
    for part in parts:
        if part.name == name:
            return part
    raise ConfigError(f"there is no {what} {name!r}{did_you_mean(name, [p.name for p in parts])}")
