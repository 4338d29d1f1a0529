"""init and check: the first configuration works at once, and what is wrong is found, told and never leaks a secret."""

import asyncio
import json
import re
import socket
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

import config
import integrations
from crisis.approval import Policy
from crisis.delivery import Receipt
from crisis.quorum import missing_approvers
from crisis.stakeholder import Stakeholder
from crisis.statement import Rendering
from fireline.addresses import cannot_listen
from fireline.errors import Stop
from fireline.setup import check, findings_of, init
from fireline.supervisor import Supervisor
from integrations.kinds import GROUP, added
from tasks.credentials import secret_fields
from tasks.kinds import INBOX
from tasks.proving import Finding

PACKAGED = Path(config.__file__).parent
SECRET = "hunter2-very-secret"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import os

    for name in list(os.environ):
        if name.startswith(("FIRELINE_", "PREFECT_API_URL")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIRELINE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def server() -> Iterator[str]:
    """A service that repeats the credentials it was sent, and refuses them."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"error": f"bad credentials: {self.headers['Authorization']}"}).encode()
            self.send_response(401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            return

    running = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


def _edit(wrong: str, right: str) -> None:
    file = Path("fireline.toml")
    text = file.read_text(encoding="utf-8")
    assert wrong in text
    file.write_text(text.replace(wrong, right, 1), encoding="utf-8")


def _add(text: str) -> None:
    with Path("fireline.toml").open("a", encoding="utf-8") as file:
        file.write(text)


def _findings(timeout: float = 10.0) -> list[Finding]:
    async def collect() -> list[Finding]:
        return [finding async for finding in findings_of(config.load(), timeout=timeout)]

    return asyncio.run(collect())


def _wrong(**options: float) -> dict[str, str]:
    return {f.name: f.says for f in _findings(**options) if not f.ok}


def test_init_writes_a_configuration_that_loads_and_says_what_is_next(capsys: pytest.CaptureFixture[str]) -> None:
    init(Path("there"))
    settings = config.load(Path("there"))
    assert len(settings.channels) == 4
    assert len(config.playbooks(settings)) == 10
    out = capsys.readouterr().out
    assert "wrote there/fireline.toml" in out
    assert "Next: cd there && fireline check" in out


def test_init_never_overwrites(capsys: pytest.CaptureFixture[str]) -> None:
    Path("fireline.toml").write_text("mine")
    Path("playbooks").mkdir()
    Path("playbooks/unknown.yaml").write_text("mine, too")
    init(playbooks=True)
    assert Path("fireline.toml").read_text() == "mine"
    assert Path("playbooks/unknown.yaml").read_text() == "mine, too"
    out = capsys.readouterr().out
    assert "left as it is: fireline.toml" in out
    assert "wrote 9 files to playbooks and left 1 as they are" in out
    assert 'playbooks_dir = "playbooks"' in out


def test_init_can_copy_playbooks_and_templates_and_they_are_used(folder: Path) -> None:
    init(playbooks=True)
    settings = config.load()
    assert (settings.playbooks_dir, settings.templates_dir) == (folder / "playbooks", folder / "templates")
    config.playbooks(settings)
    Path("templates/holding.txt.j2").write_text("Mine\n\nand nothing else")
    assert config.templates(settings).render("holding.txt.j2") == "Mine\n\nand nothing else\n"


def test_init_where_nothing_can_be_written_ends_in_one_sentence() -> None:
    Path("file").write_text("")
    with pytest.raises(Stop, match="cannot be written") as caught:
        init(Path("file"))
    assert caught.value.status == 2


def test_the_starting_configuration_passes_its_check(capsys: pytest.CaptureFixture[str]) -> None:
    init()
    capsys.readouterr()
    check()
    out, err = capsys.readouterr()
    assert "WRONG" not in out
    assert "All is well" in err
    for name in ("newsroom-mastodon", "newsroom-bluesky", "status-page", "customer-list", "email", "ida@example.com"):
        assert re.search(rf"^ok .* {name} ", out, re.MULTILINE), name


def test_check_in_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    init()
    capsys.readouterr()
    check(json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(set(line) == {"part", "name", "ok", "says"} for line in lines)
    assert {"configuration", "home", "templates", "playbooks", "approvers", "database", "channel", "notifier"} <= {
        line["part"] for line in lines
    }


def test_check_publishes_and_stores_nothing(folder: Path) -> None:
    init()
    _findings()
    assert [p.name for p in (folder / "home").rglob("*") if p.is_file()] == []


def test_a_configuration_that_cannot_be_read_ends_with_2_and_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    init()
    _edit("tick_seconds = 10", 'tick_seconds = "ten"')
    line = Path("fireline.toml").read_text().splitlines().index('tick_seconds = "ten"') + 1
    capsys.readouterr()
    with pytest.raises(Stop, match=rf"fireline\.toml:{line}: tick_seconds: must be a number") as caught:
        check(json=True)
    assert caught.value.status == 2
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_wrong_playbook_or_template_ends_with_2() -> None:
    init(playbooks=True)
    Path("playbooks/conduct.yaml").write_text("type: conduct\n")
    with pytest.raises(Stop) as caught:
        check()
    assert caught.value.status == 2
    Path("templates/holding.txt.j2").write_text("H\n\n{{ nope }}")
    assert any("holding.txt.j2:3: there is no variable 'nope'" in says for says in _wrong().values())


def test_a_policy_that_nobody_can_meet_is_found_wanting() -> None:
    init()
    _edit('roles = ["legal"]', 'roles = ["support"]')
    assert "1 × legal" in _wrong()["comms + legal"]
    with pytest.raises(Stop, match="found wanting") as caught:
        check()
    assert caught.value.status == 1


def test_one_person_in_two_roles_gives_one_approval() -> None:
    both = Stakeholder(name="B", email="b@example.com", roles=("comms", "legal"))
    comms = Stakeholder(name="C", email="c@example.com", roles=("comms",))
    policy = Policy(roles={"comms": 1, "legal": 1})
    assert missing_approvers(policy, [both]) == {"legal": 1}
    assert missing_approvers(policy, [both, comms]) == {}
    assert missing_approvers(policy, [comms, both]) == {}
    assert missing_approvers(policy, [both, comms], author="c@example.com") == {"legal": 1}
    assert missing_approvers(Policy(roles={"comms": 3}), [both, comms]) == {"comms": 1}


def test_whoever_alone_holds_a_role_is_named_since_their_own_text_could_not_be_approved() -> None:
    init()
    says = next(f.says for f in _findings() if f.name == "comms + legal")
    assert "nobody else could approve what Lena Roth wrote" in says


def test_a_service_that_is_not_there_is_found_wanting_and_hides_no_other() -> None:
    init()
    _add('[[channels]]\nname = "gone"\nkind = "mastodon"\n[channels.settings]\nbase_url = "http://127.0.0.1:9"\n')
    wrong = _wrong()
    assert set(wrong) == {"gone"}
    assert "FIRELINE_GONE_ACCESS_TOKEN" in wrong["gone"]


def test_a_service_that_never_answers_is_told_so_after_the_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    init()
    monkeypatch.setenv("FIRELINE_SLOW_ACCESS_TOKEN", SECRET)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        _add(f'[[channels]]\nname = "slow"\nkind = "mastodon"\n[channels.settings]\nbase_url = "{base_url}"\n')
        assert _wrong(timeout=3.0) == {"slow": "no answer within 3 s: check base_url and the network"}


def test_no_secret_is_shown_even_when_the_service_repeats_it(
    server: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    init()
    monkeypatch.setenv("FIRELINE_ECHO_ACCESS_TOKEN", SECRET)
    settings = f'[channels.settings]\nbase_url = "{server}"\n'
    _add(f'[[channels]]\nname = "echo"\nkind = "mastodon"\n{settings}')
    _add(f'[[channels]]\nname = "bare"\nkind = "mastodon"\n{settings}access_token = "{SECRET}"\n')
    with pytest.raises(Stop) as caught:
        check()
    out, err = capfd.readouterr()
    assert re.search(r"^WRONG .* echo ", out, re.MULTILINE)
    assert SECRET not in out + err + str(caught.value)


class Talkative:
    """A service that is fine, and repeats its token."""

    kind = "talkative"

    class settings_model(BaseModel):
        token: SecretStr

    def __init__(self, settings: settings_model) -> None:
        self.token = settings.token.get_secret_value()

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        raise integrations.Refused("it only talks")

    async def check(self) -> integrations.Health:
        return integrations.Health(ok=True, says=f"hello, {self.token}")

    async def close(self) -> None:
        return


def test_a_secret_in_the_file_is_found_wanting_told_where_it_belongs_and_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(added(), "talkative", EntryPoint("talkative", f"{__name__}:Talkative", GROUP))
    init()
    _add(f'[[channels]]\nname = "chat"\nkind = "talkative"\nsettings = {{ token = "{SECRET}" }}\n')
    assert _wrong() == {"chat": "hello, [hidden]; but token stands in the file: move it to FIRELINE_CHAT_TOKEN"}


def test_a_stakeholder_whose_every_route_is_broken_is_found_wanting() -> None:
    init()
    _add('[[notifiers]]\nname = "mail"\nkind = "smtp"\n[notifiers.settings]\n')
    _add('base_url = "smtp://127.0.0.1:9"\nsender = "a@example.com"\n')
    _edit('routes = ["email:otto@example.com"]', 'routes = ["mail:otto@example.com"]')
    wrong = _wrong()
    assert set(wrong) == {"mail", "otto@example.com"}
    assert "no route works: mail:otto@example.com" in wrong["otto@example.com"]


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        (
            'kind = "sandbox"\nlooks_like = "mastodon"',
            'kind = "mastadon"',
            "no kind of channel 'mastadon'; did you mean 'm",
        ),
        ('looks_like = "mastodon"', 'looks_like = "twitter"', "can look like 'twitter' (there are: bluesky, cachet,"),
        ('kind = "webhook"', 'kind = "webhok"', "no kind of source 'webhok'; did you mean 'webhook'? (there are: app"),
        ('kind = "webhook"', 'kind = "slack"', "no kind of source 'slack' (there are: app_store, feed"),
    ],
)
def test_an_unknown_kind_is_answered_with_its_line_and_those_of_its_family(right: str, wrong: str, says: str) -> None:
    init()
    _edit(right, wrong)
    line = Path("fireline.toml").read_text(encoding="utf-8").splitlines().index(wrong) + 1
    with pytest.raises(Stop) as caught:
        check()
    assert caught.value.status == 2
    assert f"fireline.toml:{line}: there is no kind" in str(caught.value)
    assert says in str(caught.value)


def test_only_a_sandbox_may_look_like_another_channel() -> None:
    init()
    _edit('kind = "sandbox"\nlooks_like = "mastodon"', 'kind = "mastodon"\nlooks_like = "bluesky"')
    line = Path("fireline.toml").read_text(encoding="utf-8").splitlines().index('looks_like = "bluesky"') + 1
    with pytest.raises(Stop) as caught:
        check()
    assert f"fireline.toml:{line}: looks_like is for sandbox channels; 'newsroom-" in str(caught.value)


def test_a_database_that_is_not_there_is_found_wanting_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    init()
    monkeypatch.setenv("FIRELINE_DATABASE_URL", f"postgresql+asyncpg://u:{SECRET}@127.0.0.1:9/x")
    assert _wrong() == {"127.0.0.1/x": "nothing answers there: start PostgreSQL, or set database_url"}


def test_an_empty_configuration_says_what_is_lacking() -> None:
    Path("fireline.toml").write_text('organisation = "Acme"\n')
    lacking = {f.part for f in _findings() if not f.ok}
    assert lacking == {"watches", "channels", "notifiers", "stakeholders", "approvers"}


def test_every_example_in_the_starting_configuration_is_right_as_it_stands() -> None:
    text = (PACKAGED / "starter" / "fireline.toml").read_text(encoding="utf-8")
    examples = re.sub(r"^#(?=[\[a-z])", "", text, flags=re.MULTILINE)
    Path("fireline.toml").write_text(examples, encoding="utf-8")
    Path("playbooks").mkdir()
    Path("templates").mkdir()
    settings = config.load()
    inbox, sources = [s for s in settings.sources if s.kind == INBOX], [s for s in settings.sources if s.kind != INBOX]
    parts = (*settings.channels, *settings.notifiers, *settings.archives, *settings.schedulers, *sources)
    assert len(inbox) == 1
    assert {part.kind for part in parts} <= set(integrations.kinds())
    for part in parts:
        secrets = secret_fields(integrations.integration(part.kind).settings_model)
        connected = integrations.connect(part.kind, **part.settings, **dict.fromkeys(secrets, "x"))
        asyncio.run(connected.close())
    named = set(re.findall(r"FIRELINE_[A-Z_]+(?<!_)", text))
    needed = {
        config.secrets.variable(getattr(part, "credentials", "") or part.name, field)
        for part in parts
        for field in secret_fields(integrations.integration(part.kind).settings_model)
    }
    assert needed <= named
    assert tomllib.loads(text)["organisation"] == "Acme"


def test_a_file_that_is_no_database_is_found(folder: Path) -> None:
    init()
    (folder / "home").mkdir()
    (folder / "home" / "fireline.db").write_bytes(b"garbage" * 1000)
    assert "cannot be used (file is not a database)" in _wrong()["sqlite"]


def test_a_key_that_is_none_is_found(folder: Path) -> None:
    init()
    (folder / "home" / "keys").mkdir(parents=True)
    (folder / "home" / "keys" / "ledger.key").write_bytes(b"none")
    (folder / "home" / "keys" / "codes.key").write_bytes(b"none")
    assert "ledger.key: is not an Ed25519 key" in _wrong()[str(folder / "home" / "keys")]


def test_a_home_that_cannot_be_made_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    init()
    monkeypatch.setenv("FIRELINE_HOME", "/proc/fireline")
    assert "cannot be made in /proc" in _wrong()["/proc/fireline"]


@pytest.mark.parametrize(
    ("host", "says"),
    [("no such host", "is not the name of a host"), ("192.0.2.1", "is not an address of this machine")],
)
def test_a_desk_that_could_not_listen_is_found_and_its_port_not_called_taken(host: str, says: str) -> None:
    init()
    _edit('[desk]\nhost = "127.0.0.1"', f'[desk]\nhost = "{host}"')
    assert says in _wrong()[f"desk {host}"]
    settings = config.load()
    assert settings.file is not None
    with pytest.raises(Stop, match=says) as caught:
        asyncio.run(Supervisor(settings, settings.file).start(lambda _: None))
    assert caught.value.status == 2
    assert "taken" not in str(caught.value)


HOOK = 'name = "hook"\nkind = "webhook"\n[{}.settings]\nbase_url = "http://127.0.0.1:1/hook"'


@pytest.mark.parametrize(
    ("table", "says"), [("notifiers", "to this machine only"), ("channels", "nobody would be told")]
)
def test_what_is_right_for_a_trial_only_is_told(
    table: str, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init()
    file = folder / "fireline.toml"
    file.write_text(f"{file.read_text()}\n[[{table}]]\n{HOOK.format(table)}\n")
    with pytest.raises(Stop):
        check(timeout=2)
    assert any(
        line.startswith("ok") and "mind: " in line and says in line for line in capsys.readouterr().out.splitlines()
    )


def test_a_taken_port_is_called_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "is taken" in cannot_listen("127.0.0.1", taken.getsockname()[1], "desk")
    assert cannot_listen("127.0.0.1", 0, "desk") == ""
