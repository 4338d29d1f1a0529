"""Ways into the desk in the settings: nobody is locked out, no secret goes over an open line, mistakes are said."""

from pathlib import Path

import pytest
from acme import write_starter

import config

HEAD = '#public_url = "https://fireline.acme.example"\n'
OIDC = '\n[desk.oidc]\nissuer = "{}"\nclient_id = "fireline"\n'


@pytest.mark.parametrize(
    ("desk", "says"),
    [
        ("sign_in_by_key = false\n", "nobody could come in"),
        (OIDC.format("http://login.acme.example"), "https://"),
        (OIDC.format("https://user:pass@login.acme.example"), "https://"),
        (OIDC.format("login.acme.example"), "https://"),
        ('\n[desk.oidc]\nissuer = "https://login.acme.example"\n', "client_id"),
        ("idle_hours = 0\n", "idle_hours"),
        ("session_days = 400\n", "session_days"),
    ],
)
def test_a_mistake_is_said_with_its_line(tmp_path: Path, desk: str, says: str) -> None:
    file = write_starter(tmp_path, (HEAD, HEAD + desk))
    with pytest.raises(config.ConfigError, match=says) as mistake:
        config.load(file)
    assert "fireline.toml" in str(mistake.value)


@pytest.mark.parametrize(
    "desk",
    [
        "sign_in_by_key = false\nsign_in_by_email = true\n",
        "sign_in_by_key = false\n" + OIDC.format("https://login.acme.example/"),
        OIDC.format("http://127.0.0.1:9000"),
    ],
)
def test_another_way_in_stands_in_for_the_key(tmp_path: Path, desk: str) -> None:
    settings = config.load(write_starter(tmp_path, (HEAD, HEAD + desk)))
    if settings.desk.oidc:
        assert settings.desk.oidc.issuer in desk, "exactly as written: a provider's name may end with a slash"


def test_roles_on_a_watch_that_is_not_there_are_said(tmp_path: Path) -> None:
    ida = 'email = "ida@example.com"\n'
    file = write_starter(tmp_path, (ida, ida + 'watch_roles = { acmee = ["legal"] }\n'))
    with pytest.raises(config.ConfigError, match="unknown watch 'acmee'"):
        config.load(file)


def test_the_examples_of_the_starter_file_work_as_they_are(tmp_path: Path) -> None:
    names = ("#sign_in_by_email = true", "#sign_in_by_key = false", "#[desk.oidc]", "#allowed_domains")
    more = (*names, '#issuer = "https://login.acme.example"', '#client_id = "fireline"', '#name = "your Acme account"')
    file = write_starter(tmp_path, *((line, line.removeprefix("#")) for line in more))
    desk = config.load(file).desk
    assert desk.oidc is not None
    assert (desk.sign_in_by_key, desk.sign_in_by_email, desk.oidc.allowed_domains) == (False, True, ("acme.example",))
