"""A drill reaches nobody outside: every channel is a sandbox by its settings, and a second wall stands behind that."""

import os
import socket
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import toml
from acme import ANA, CARL, acme, incident_in, proposed_in, sandbox, write_starter

import config
import integrations
from config.runtime import reach
from config.scenarios import drills
from config.settings import ChannelSettings, NotifierSettings
from crisis.approval import Verdict, Via
from crisis.clocks import ClockState
from crisis.delivery import DeliveryState, Purpose
from crisis.drill import Mark
from crisis.lint import Level, lint
from crisis.values import StatementKind
from fireline.drill_stage import DrillStage
from fireline.supervisor import Supervisor
from integrations.kinds import kinds
from tasks import drill
from tasks.approve import decide, propose
from tasks.documents import HTML, write_documents
from tasks.draft import draft
from tasks.linting import known_of
from tasks.notify import REHEARSED

DRILL = '\n[drill]\nscenario = "A leaked customer database"\nposts = "posts.jsonl"\nreaches_people = {people}\n'
FAMILIES = (
    "channels",
    "notifiers",
    "schedulers",
    "archives",
    "monitors",
    "writers",
    "subscribers",
    "sources",
)


@pytest.fixture
def outside():
    """A server that stands for the whole outside world, and the number of connections it got."""
    counted: list[object] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(0.1)
        over = threading.Event()

        def count() -> None:
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                counted.append(connection.getpeername())
                connection.close()

        counting = threading.Thread(target=count)
        counting.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", counted
        over.set()
        counting.join()


def every_kind(outside: str) -> str:
    """One part of every kind there is, of every family, all leading to ``outside``."""
    tables = []
    for family in FAMILIES:
        for kind in kinds(family.removesuffix("s")):
            if kind != "sandbox":
                scheme = "smtp" if kind == "smtp" else "http"
                name = kind.replace("_", "-")
                tables.append(
                    f'[[{family}]]\nname = "every-{name}"\nkind = "{kind}"\n'
                    f'[{family}.settings]\nbase_url = "{scheme}://{outside}"'
                )
    return "\n".join(tables)


def rehearsed(people: str = "false") -> str:
    return DRILL.format(people=people)


def test_in_a_drill_every_kind_of_channel_is_a_sandbox_and_nothing_else_is_left(tmp_path, outside):
    file = write_starter(tmp_path, more=every_kind(outside[0]) + rehearsed())
    settings = config.load(file)
    assert len(settings.channels) > len(kinds("channel"))
    for part in (*settings.channels, *settings.notifiers):
        assert part.kind == "sandbox"
        assert outside[0] not in str(part.settings)
    assert {c.looks_like for c in settings.channels} >= set(kinds("channel")) - {"sandbox"}
    assert not (
        *settings.schedulers,
        *settings.archives,
        *settings.monitors,
        *settings.writers,
        *settings.subscribers,
        *settings.helpdesks,
    )
    assert [s.kind for s in settings.sources] == ["recorded"]


def test_a_drill_that_tells_people_leaves_notifiers_as_they_are_and_channels_never(tmp_path, outside):
    file = write_starter(tmp_path, more=every_kind(outside[0]) + rehearsed("true"))
    settings = config.load(file)
    assert {n.kind for n in settings.notifiers} >= set(kinds("notifier")) - {"sandbox"}
    assert {c.kind for c in settings.channels} == {"sandbox"}


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:////var/lib/fireline/fireline.db", "postgresql+asyncpg://db/real"])
def test_a_drill_never_opens_the_real_records(tmp_path, monkeypatch, url):
    file = write_starter(tmp_path, more=rehearsed())
    monkeypatch.setenv("FIRELINE_DATABASE_URL", url)
    assert str(tmp_path) in config.load(file).database_url
    file.write_text(f'database_url = "{url}"\n{file.read_text()}')
    with pytest.raises(config.ConfigError, match="its records in its own folder"):
        config.load(file)


async def test_what_is_approved_in_a_drill_is_published_in_the_sandbox_only(tmp_path, outside):
    address, connections = outside
    async with acme(tmp_path, more=every_kind(address) + rehearsed()) as here:
        incident = await incident_in(here)
        assert incident.title.startswith("DRILL: ")
        statement = await proposed_in(here, incident)
        await decide(
            here,
            statement=statement.id,
            version=1,
            content_hash=statement.content_hash,
            approver=ANA,
            role="comms",
            verdict=Verdict.APPROVE,
            via=Via.CLI,
        )
        async with here.store.reading() as tx:
            out = await tx.outbox.list(statement=statement.id, purpose=Purpose.STATEMENT)
        wordless = {"every-instagram"}  # carries no post without a picture
        assert {d.rendering.target.channel for d in out} == {c.name for c in here.settings.channels} - wordless
        assert {d.state for d in out} <= {
            DeliveryState.ACCEPTED,
            DeliveryState.REFUSED,
        }  # some refuse the text's length
        assert {d.rendering.target.kind for d in out} == {"sandbox"}
        notices = [post for post in sandbox(here) if post.purpose is Purpose.NOTICE]
        assert notices
        for post in notices:
            assert post.rendering.subject.startswith("DRILL: ")
            assert post.rendering.text.startswith(REHEARSED)
            assert "DRILL: " in post.rendering.html
        assert (
            "A rehearsal of “A leaked customer database”" in (await write_documents(here, incident.id))[HTML].decode()
        )
    assert connections == []


async def test_the_second_wall_holds_where_the_settings_were_got_round(tmp_path, outside):
    address, connections = outside
    async with acme(tmp_path, more=rehearsed("true")) as here:
        real = ChannelSettings(name="real", kind="webhook", settings={"base_url": f"http://{address}"})
        loud = NotifierSettings(name="loud", kind="webhook", settings={"base_url": f"http://{address}"})
        here.settings = here.settings.model_copy(update={"channels": (real,), "notifiers": (loud,)})
        with pytest.raises(integrations.Misconfigured, match="this is a drill"):
            await here.channel("real")
        quiet = here.settings.drill.model_copy(update={"reaches_people": False})
        here.settings = here.settings.model_copy(update={"drill": quiet})
        with pytest.raises(integrations.Misconfigured, match="this is a drill"):
            await here.notifier("loud")
    assert connections == []


async def test_an_inject_becomes_a_confirmed_fact_once(tmp_path):
    async with acme(tmp_path, more=rehearsed()) as here:
        incident = await incident_in(here)
        for _ in range(2):
            await drill.inject(here, incident, 1, "No card numbers were taken")
        async with here.store.reading() as tx:
            (fact,) = await tx.facts.list(incident.id)
            assert len(await tx.facts.history(fact.id)) == 1
        assert (fact.text, fact.status.value) == ("No card numbers were taken", "confirmed")


async def test_an_inject_that_voids_what_waits_for_approval_has_it_written_and_proposed_anew(tmp_path):
    async with acme(tmp_path, more=rehearsed()) as here:
        incident = await incident_in(here)
        await drill.inject(here, incident, 1, "Names and addresses were taken")
        text = await draft(here, incident.id, StatementKind.SUBSTANTIVE)
        await propose(here, text, by=ANA)
        await drill.inject(here, incident, 2, "The access was closed")
        async with here.store.reading() as tx:
            (newest,) = [s for s in await tx.statements.list(incident.id) if s.id == text.id]
            assert newest.version == 2
            assert await tx.statements.proposal(newest.id, 2)
            assert {fact.text for fact in newest.facts} >= {"The access was closed"}


async def test_a_rehearsal_that_ends_early_leaves_its_report(tmp_path):
    async with acme(tmp_path, more=rehearsed()) as here:
        assert await drill.report(here) is None
        await incident_in(here)
        folder = await drill.report(here)
        assert "A rehearsal of" in (folder / HTML).read_text()


async def test_scripted_people_take_the_incident_on_and_approve_what_waits_for_them(tmp_path):
    async with acme(tmp_path, more=rehearsed()) as here:
        await drill.begin(here, title="A leaked customer database", storm_at=here.clock.now())
        incident = await incident_in(here)
        statement = await proposed_in(here, incident, author=CARL)
        cast = drill.Cast(here, ends_with="It is over")
        said = []
        while did := await cast.act(incident):
            said.append(did)
        assert any(f"approved {statement.label}" in line for line in said)
        async with here.store.reading() as tx:
            out = await tx.outbox.list(statement=statement.id, purpose=Purpose.STATEMENT)
        assert out
        assert all(d.arrived for d in out)
        result = await drill.scored(here, storm_at=incident.opened_at)
        marks = {mark.name: mark.state for mark in result.marks}
        assert marks["Somebody on it"] is ClockState.KEPT
        assert marks["Holding statement"] is ClockState.KEPT
        async with here.store.reading() as tx:
            kinds_on_record = {r.kind for r in await tx.ledger.list()}
        assert {"drill.began", "drill.scored"} <= kinds_on_record


@pytest.mark.slow  # about 8 s: every scenario's four drafts
@pytest.mark.parametrize("name", drills.names())
async def test_every_scenario_can_be_told_to_its_end_with_what_the_templates_say(tmp_path, name):
    scenario = drills.scenario(name)
    async with acme(tmp_path) as here:
        incident = await incident_in(here, kind=scenario.cause)
        said = []
        for kind in (StatementKind.HOLDING, StatementKind.SUBSTANTIVE, StatementKind.UPDATE, StatementKind.RESOLUTION):
            if kind is StatementKind.SUBSTANTIVE:
                for number, given in enumerate(scenario.injects, 1):
                    await drill.inject(here, incident, number, given.fact)
            if kind is StatementKind.RESOLUTION:
                await drill.inject(here, incident, 99, scenario.resolved)
            text = await draft(here, incident.id, kind)
            async with here.store.reading() as tx:
                known = {**await known_of(here, tx, incident.id), "earlier": tuple(said)}
            found = lint(f"{text.headline}\n\n{text.body}", kind=kind, **known)
            assert not [f.says for f in found if f.level is Level.BLOCK]
            said.append(text)


async def test_a_storm_in_which_nothing_was_opened_says_so(tmp_path):
    async with acme(tmp_path, more=rehearsed()) as here:
        result = await drill.scored(here, storm_at=here.clock.now())
    assert result.marks == (Mark(name="Found", says="no incident was opened in 0 s"),)
    assert "stopped early" in result.says


def test_what_the_environment_says_of_the_real_installation_does_not_reach_into_a_drill(tmp_path, monkeypatch):
    file = write_starter(tmp_path / "drill", more=rehearsed())
    for name, value in (("HOME", str(tmp_path / "real")), ("ORGANISATION", "Real"), ("DESK__PORT", "1")):
        monkeypatch.setenv(f"FIRELINE_{name}", value)
    settings = config.load(file)
    assert settings.home == tmp_path / "drill"
    assert settings.organisation != "Real"
    assert settings.desk.port != 1


def test_whoever_follows_other_watches_only_is_not_told_by_a_drill(tmp_path, monkeypatch):
    more = """
[[watches]]
name = "air"
brand = "Acme Air"
query = "air"
[[stakeholders]]
name = "Zoe"
email = "zoe@example.com"
roles = ["comms"]
watches = ["air"]
"""
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path, more=more)))
    monkeypatch.delenv("FIRELINE_HOME", raising=False)
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    for watch, there in (("acme", False), ("air", True)):
        with monkeypatch.context() as own:
            own.setattr(os, "environ", dict(os.environ))
            stage = DrillStage(
                drills.scenario("conduct"), watch=watch, reaches_people=True, begins=now + timedelta(seconds=there)
            )
        assert ("zoe@example.com" in {p.email for p in stage.settings.stakeholders}) is there


def test_a_drill_whose_table_is_deleted_afterwards_still_has_no_real_channel(tmp_path, monkeypatch, outside):
    channels = "\n".join(
        f'[[channels]]\nname = "real-{kind}"\nkind = "{kind}"\n[channels.settings]\nbase_url = "http://{outside[0]}"'
        for kind in ("mastodon", "x", "webhook")
    )
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path, more=channels)))
    monkeypatch.delenv("FIRELINE_HOME", raising=False)
    with monkeypatch.context() as own:
        own.setattr(os, "environ", dict(os.environ))
        began = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
        stage = DrillStage(drills.scenario("conduct"), watch="", reaches_people=False, begins=began)
    written = toml.loads(stage.config_file.read_text())
    del written["drill"]
    stage.config_file.write_text(toml.dumps(written))
    settings = config.load(stage.config_file)
    assert settings.drill is None
    assert {part.kind for part in (*settings.channels, *settings.notifiers)} == {"sandbox"}
    assert {c.looks_like for c in settings.channels} >= {"mastodon", "x", "webhook"}


def test_a_drills_processes_find_no_prefect_server_database_or_messages_but_their_own(tmp_path, monkeypatch):
    real = {
        "PREFECT_API_URL": "https://prefect.acme.example/api",
        "PREFECT_API_DATABASE_CONNECTION_URL": "postgresql+asyncpg://prefect@db.acme.example/prefect",
        "PREFECT_MESSAGING_BROKER": "prefect_redis.messaging",
        "PREFECT_REDIS_MESSAGING_HOST": "redis.acme.example",
    }
    for name, value in real.items():
        monkeypatch.setenv(name, value)
    file = write_starter(tmp_path, more=rehearsed())
    environment = Supervisor(config.load(file), file).environment
    assert not any("acme.example" in value or "redis" in value for k, value in environment.items() if "PREFECT" in k)
    assert str(tmp_path) in environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"]
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert reach(tmp_path, drill=True) is False
    assert not real.keys() & os.environ.keys()
