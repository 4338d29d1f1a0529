"""Every mistake in what people edit is one sentence with the file, the right line and the fix; never a traceback."""

import string
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

import config
from config.lines import read_toml, read_yaml

GOOD = """\
organisation = "Acme"
home = "home"

[desk]
port = 8420

[[watches]]
name = "acme"
brand = "Acme"
query = "acme OR @acme"
owner = "ana@example.com"

[[sources]]
name = "recording"
kind = "recorded"
watch = ["acme"]

[[stakeholders]]
name = "Ana"
email = "ana@example.com"
roles = ["comms"]
routes = ["email:ana@example.com"]
told_from = "SEV3"

[[notifiers]]
name = "email"
kind = "sandbox"

[[channels]]
name = "newsroom"
kind = "sandbox"
looks_like = "mastodon"

[[channels]]
name = "status-page"
kind = "sandbox"
"""


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("FIRELINE_"):
            monkeypatch.delenv(name)


def _load(folder: Path, text: str) -> config.Settings:
    (folder / "fireline.toml").write_text(text, encoding="utf-8")
    return config.load(folder / "fireline.toml")


def _mistake(folder: Path, text: str) -> str:
    with pytest.raises(config.ConfigError) as caught:
        _load(folder, text)
    return str(caught.value)


def test_the_specimen_itself_is_right(tmp_path: Path) -> None:
    assert _load(tmp_path, GOOD).watches[0].brand == "Acme"


@pytest.mark.parametrize(
    ("wrong", "right", "line", "says"),
    [
        ('organisation = "Acme"', "organisation = Acme", 1, "is not valid TOML: invalid value (text needs quotes)"),
        ('organisation = "Acme"', 'organisaton = "Acme"', 1, "no key 'organisaton'; did you mean 'organisation'?"),
        ('organisation = "Acme"', "organisation = 7", 1, "organisation: must be text in quotes"),
        ('organisation = "Acme"', 'organisation = ""', 1, "organisation: must not be empty"),
        ("port = 8420", 'port = "web"', 5, "desk.port: must be a whole number"),
        ("port = 8420", "port = 0", 5, "desk.port: input should be greater than or equal to 1"),
        ("port = 8420", 'public_url = "desk.example"', 5, "desk.public_url: must start with http:// or https://"),
        ("[desk]", "[desk]\nprot = 1", 5, "no key 'prot'; did you mean 'port'?"),
        ("[desk]", "desk = 5\n[voice]", 4, "desk: must be a table"),
        ('name = "acme"', 'name = "Acme Air"', 8, "watches[1].name: must be lower-case letters, digits and hyphens"),
        ('query = "acme OR @acme"', 'qery = "acme"', 10, "no key 'qery'; did you mean 'query'?"),
        ('query = "acme OR @acme"', 'query = "acme AND ("', 10, "query: at character"),
        ('brand = "Acme"\n', "", 7, "'brand' is missing"),
        ('owner = "ana@example.com"', 'owner = "anna@example.com"', 11, "did you mean 'ana@example.com'?"),
        ('watch = ["acme"]', 'watch = ["acne"]', 16, "unknown watch 'acne'; did you mean 'acme'?"),
        ('["email:ana@', '["mail:ana@', 22, "unknown notifier 'mail'; did you mean 'email'?"),
        ('["email:ana@example.com"]', '["ana"]', 22, "a route is written notifier:address"),
        (
            'told_from = "SEV3"',
            'told_from = "sev3"',
            23,
            "must be one of 'SEV4', 'SEV3', 'SEV2' or 'SEV1'; did you mean",
        ),
        ('told_from = "SEV3"', 'watches = ["acm"]', 23, "unknown watch 'acm'; did you mean 'acme'?"),
        (
            "[[stakeholders]]",
            '[[stakeholders]]\nname = "Bo"\nemail = "bo"\n[[stakeholders]]',
            20,
            "'bo' is not an e-mail",
        ),
        (
            'name = "status-page"',
            'name = "newsroom"',
            35,
            "two channels have the name 'newsroom' (the other is on line 30)",
        ),
        *(
            ("[[notifiers]]", f'[[duties]]\nrole = "comms"\n{rest}\n[[notifiers]]', 27, says)
            for rest, says in (
                (
                    'people = ["anna@example.com"]',
                    "'anna@example.com', on duty as comms, is no stakeholder; did you mean",
                ),
                ('deputies = ["eve@example.com"]', "'eve@example.com', on duty as comms, is no stakeholder"),
                ('hours = "mon 8-18 UTC"\npeople = "ana@example.com"', "duties[1].hours: hours are written"),
            )
        ),
        (
            "[[notifiers]]",
            '[[duties]]\nrole = "legal"\npeople = ["ana@example.com"]\n[[notifiers]]',
            27,
            "ana@example.com does not hold the role 'legal': give it to them, or name them in deputies",
        ),
        ("[[notifiers]]", "[notifiers]", 25, "notifiers: must be a list: write [[notifiers]] with two brackets"),
        ('home = "home"', 'home = "home"\nhome = "there"', 3, "it is there twice: keep one"),
        ('home = "home"', 'database_url = "postgres://db/x"', 2, "must start with sqlite+aiosqlite:/// or postgresql"),
        ('home = "home"', 'templates_dir = "none"', 2, "templates_dir: there is no folder"),
    ],
)
def test_a_mistake_is_told_by_its_line_and_its_fix(
    tmp_path: Path, wrong: str, right: str, line: int, says: str
) -> None:
    text = GOOD.replace(wrong, right, 1)
    assert text != GOOD
    (tmp_path / "fireline.toml").write_text(text, encoding="utf-8")
    with pytest.raises(config.ConfigError) as caught:
        config.templates(config.load(tmp_path))
    told = str(caught.value)
    first = told.splitlines()[0]
    assert first.startswith(f"{tmp_path / 'fireline.toml'}:{line}: "), told
    assert says in told, told


def test_a_person_without_routes_needs_a_notifier_called_email(tmp_path: Path) -> None:
    text = GOOD.replace('routes = ["email:ana@example.com"]\n', "").replace('name = "email"', 'name = "mail"')
    assert "no notifier is called 'email'" in _mistake(tmp_path, text)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("port = 8420", 'port = "x"').replace('kind = "recorded"', 'knd = "recorded"')
    told = _mistake(tmp_path, text).splitlines()
    assert [line.split(":")[1] for line in told] == ["5", "15"]


def test_a_missing_file_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIRELINE_HOME", str(tmp_path / "home"))
    with pytest.raises(config.ConfigError, match="run `fireline init`"):
        config.load()
    monkeypatch.setenv("FIRELINE_CONFIG", str(tmp_path / "elsewhere.toml"))
    with pytest.raises(config.ConfigError, match=r"elsewhere\.toml.*FIRELINE_CONFIG names it"):
        config.load()


def test_the_file_is_found_by_variable_then_here_then_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("named", "here", "home"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "fireline.toml").write_text(f'organisation = "{folder}"')
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("FIRELINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FIRELINE_CONFIG", str(tmp_path / "named"))
    assert config.load().organisation == "named"
    monkeypatch.delenv("FIRELINE_CONFIG")
    assert config.load().organisation == "here"
    (tmp_path / "here" / "fireline.toml").unlink()
    assert config.load().organisation == "home"


def test_the_environment_outweighs_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRELINE_DESK__PORT", "9000")
    monkeypatch.setenv("FIRELINE_HOME", str(tmp_path / "elsewhere"))
    settings = _load(tmp_path, GOOD + "")
    assert (settings.desk.port, settings.desk.host, settings.home) == (9000, "127.0.0.1", tmp_path / "elsewhere")


def test_a_wrong_variable_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRELINE_TICK_SECONDS", "soon")
    assert _mistake(tmp_path, GOOD) == "environment variable FIRELINE_TICK_SECONDS: tick_seconds: must be a number"
    monkeypatch.delenv("FIRELINE_TICK_SECONDS")
    monkeypatch.setenv("FIRELINE_WATCHES", "not json")
    assert "must be JSON" in _mistake(tmp_path, GOOD)


def test_paths_in_the_file_are_read_from_where_the_file_is(tmp_path: Path) -> None:
    settings = _load(tmp_path, GOOD.replace('watch = ["acme"]', 'settings = {path = "data/posts.csv"}'))
    assert settings.home == tmp_path / "home"
    assert settings.sources[0].settings["path"] == str(tmp_path / "data" / "posts.csv")
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path / 'home' / 'fireline.db'}"


def test_a_sandbox_keeps_its_posts_at_home_and_shows_them_on_the_desk(tmp_path: Path) -> None:
    channel = _load(tmp_path, GOOD).channel("newsroom")
    assert channel.settings == {
        "base_url": "http://127.0.0.1:8420",
        "directory": str(tmp_path / "home" / "sandbox"),
        "looks_like": "mastodon",
    }


def test_an_unknown_name_is_answered_with_those_that_exist(tmp_path: Path) -> None:
    settings = _load(tmp_path, GOOD)
    with pytest.raises(config.ConfigError, match="no channel 'newsrom'; did you mean 'newsroom'"):
        settings.channel("newsrom")
    with pytest.raises(config.ConfigError, match="no notifier 'pager'; there is email"):
        settings.notifier("pager")
    with pytest.raises(config.ConfigError, match="no stakeholder"):
        settings.stakeholder("eve@example.com")
    assert settings.stakeholder("ANA@example.com").name == "Ana"


def test_a_database_password_is_never_shown(tmp_path: Path) -> None:
    text = GOOD.replace('home = "home"', 'database_url = "postgresql+asyncpg://u:hunter2@db/x"')
    assert "hunter2" not in repr(_load(tmp_path, text))
    assert "hunter2" not in _mistake(tmp_path, text.replace("postgresql+asyncpg", "mysql"))


def test_text_that_is_not_utf8_is_told_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "fireline.toml"
    file.write_bytes(b'organisation = "Acme"\n# caf\xe9\n')
    with pytest.raises(config.ConfigError, match=r"fireline\.toml:2: is not UTF-8"):
        config.load(file)


def test_lines_are_right_for_every_way_to_write_toml(tmp_path: Path) -> None:
    text = '''\
# a comment = "with [brackets]"
plain = """
[not.a.table]
""""
"quoted.key" = '# no comment'
dotted.key.deep = 1
list = [
  1, # one
  { a = "}", b = [2, "]"] }, "\\"]",
]
[table."odd name"]
x = 1
[[rows]]
y = 1
[[rows.inner]]
z = 1
[[rows.inner]]
z = 2
[[rows]]
y = 2
[rows.sub]
w = 3
'''
    file = tmp_path / "x.toml"
    file.write_text(text)
    _, lines = read_toml(file)
    expected = {
        ("plain",): 2,
        ("quoted.key",): 5,
        ("dotted", "key", "deep"): 6,
        ("list", 0): 8,
        ("list", 1, "b", 1): 9,
        ("list", 2): 9,
        ("table", "odd name", "x"): 12,
        ("rows", 0, "inner", 1, "z"): 18,
        ("rows", 1): 19,
        ("rows", 1, "y"): 20,
        ("rows", 1, "sub", "w"): 22,
    }
    assert {where: lines.get(where) for where in expected} == expected


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = " + "{b=" * 5000])
def test_a_monstrous_toml_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    assert "is not valid TOML" in _mistake(tmp_path, text)


@pytest.mark.parametrize(
    "text", ["a: " + "[" * 5000, "a: " + "[" * 5000 + "]" * 5000, "a: " + "9" * 5000, "? [a]\n: b"]
)
def test_a_monstrous_yaml_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(config.ConfigError, match=r"x\.yaml"):
        read_yaml(tmp_path / "x.yaml")


words = st.text(st.sampled_from([*string.printable, "é", "\u202e", "\x00", "\ud7ff", "😀"]), max_size=60)
pieces = st.lists(st.sampled_from([*GOOD.splitlines(keepends=True), "[[", "]]\n", '"""', "{", "= ", "'", "a.b=1\n"]))


@effort(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(words, pieces.map("".join), st.tuples(pieces.map("".join), words).map("".join)))
def test_no_toml_gives_a_traceback(tmp_path: Path, text: str) -> None:
    file = tmp_path / "fireline.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    told = _told(lambda: config.load(file))
    assert told is None or told.strip()
    if told is None:
        assert tomllib.loads(text.replace("\r\n", "\n"))["organisation"] == config.load(file).organisation


def _told(act: Callable[[], object]) -> str | None:
    """The mistake that was told, or none when there was none; anything else that is raised fails the test."""
    try:
        act()
    except config.ConfigError as error:
        return str(error)
    return None


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=8,
)
TOP = ["organisation", "home", "desk", "prefect", "voice", "watches", "channels", "stakeholders", "tick_seconds"]


@effort(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.dictionaries(st.sampled_from(TOP), values, max_size=5))
def test_no_value_of_any_type_gives_a_traceback(tmp_path: Path, data: dict[str, object]) -> None:
    file = tmp_path / "fireline.toml"
    lines = [f"{key} = {_toml(value)}\n" for key, value in data.items()]
    file.write_text("".join(lines), encoding="utf-8", errors="replace", newline="")
    told = _told(lambda: config.load(file)) or ""
    assert all(str(file) in line or "environment" in line for line in told.splitlines())


def _toml(value: object) -> str:
    import json

    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool) or value is None:
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, str) else repr(value)


@effort(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.sampled_from([*"abc:- \n{}[]&*!|>%@`'\"#?,<=0123456789~\t", "é", "\x00", "\u2028"]), max_size=80)
)
def test_no_yaml_gives_a_traceback(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text, encoding="utf-8")
    told = _told(lambda: read_yaml(file))
    assert isinstance(read_yaml(file)[0], dict) if told is None else told.startswith(str(file))
