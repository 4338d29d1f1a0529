"""The standard test of credentials, for every channel and notifier: a Block of their own, never shown, proven by ``check``."""

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from aws_receiver import error
from counting_http import Fault
from pydantic import SecretStr
from receivers import SmtpReceiver
from roles import Bench, Role, roles, served

import integrations
from crisis.stakeholder import Route
from integrations import IntegrationError, Message
from tasks.credentials import block_type, block_types, secret_fields, secrets_for

ROOT = Path(__file__).parents[2]
WRONG = "hunter2-hunter2"
KINDS = tuple(dict.fromkeys(role.kind for role in roles()))
WITH_SECRETS = tuple(k for k in KINDS if secret_fields(integrations.integration(k).settings_model))
CANNOT_PROVE = {"pagerduty", "teams", "apprise", "webhook"}
"""Kinds where only a post shows whether the credentials are right; their ``check`` says so."""
DENIAL = {
    "mastodon": Fault(401, '{"error": "The access token is invalid"}'),
    "statuspage": Fault(401, '{"error": "Could not authenticate"}'),
    "slack": Fault(200, '{"ok": false, "error": "invalid_auth"}'),
    "ses": error("ses", 403, "UnrecognizedClientException"),
    "sns_sms": error("sns_sms", 403, "InvalidClientTokenId"),
    "s3_page": error("s3_page", 403, "InvalidAccessKeyId"),
}
"""How those platforms answer to wrong credentials whose receivers take any."""


class Guarded(SmtpReceiver):
    """A mail server that wants a log-in."""

    def __init__(self) -> None:
        super().__init__(authenticator=self._known, auth_required=True, auth_require_tls=False)

    def _known(self, *given: Any) -> AuthResult:
        right = given[-1].password == b"right"
        return AuthResult(success=right, handled=right, message=None if right else "535 5.7.8 It is not known")

    def reset(self) -> None:
        self.mails.clear()


@pytest.fixture(scope="module", params=KINDS)
def at(request: pytest.FixtureRequest) -> Iterator[tuple[Role, Bench]]:
    role = next(role for role in roles() if role.kind == request.param)
    with (Guarded if role.kind == "smtp" else served(role.kind).receiver)() as receiver:
        yield role, Bench({role: receiver})


def given(role: Role, bench: Bench, *, wrong: bool = False) -> dict[str, Any]:
    """Settings with the right credentials, or with wrong ones."""
    found = bench.connection(role, timeout=5)
    if role.kind == "smtp":
        found |= {"username": "acme", "password": "right"}
    if wrong:
        for name in secret_fields(role.cls.settings_model):
            if name in found:
                found[name] = re.sub("hunter2$", WRONG, found[name]) if "://" in found[name] else WRONG
    return found


async def say(channel: Any, role: Role) -> Any:
    rendering = role.rendering()
    if role.family == "channel":
        return await channel.publish(rendering, "k")
    message = Message(key="k", subject=rendering.subject, text=rendering.text, thread="INC-1", occasion="opened")
    return await channel.notify(message, Route(notifier=role.name, address=rendering.target.address))


async def test_check_works_with_the_right_credentials_and_nothing_shows_them(at, caplog):
    role, bench = at
    bench.reset()
    caplog.set_level(logging.DEBUG)
    logging.getLogger("botocore").setLevel(logging.INFO)  # it names access keys, as AWS's own tools do
    settings = given(role, bench)
    channel = integrations.connect(role.kind, **settings)
    health = await channel.check()
    assert health.ok, health.says
    assert "\n" not in health.says
    assert (role.kind in CANNOT_PROVE) == bool(re.search(r"shows (when|with)", health.says))
    receipt = await say(channel, role)
    shown = f"{health.says} {receipt!r} {receipt.model_dump_json()} {channel!r} {caplog.text}"
    model = role.cls.settings_model(**settings)
    shown += f" {model!r} {model!s} {model.model_dump_json()}"
    for name in secret_fields(role.cls.settings_model):
        if settings.get(name):
            assert not re.search(rf"(?<![\w-]){re.escape(settings[name])}(?![\w-])", shown), name
    await channel.close()


@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_wrong_credentials_are_told_in_one_line_without_being_shown(at, caplog):
    role, bench = at
    if role.kind not in WITH_SECRETS:
        return
    bench.reset()
    caplog.set_level(logging.DEBUG)
    if role.kind in DENIAL:
        bench.receivers[role].denial.append(DENIAL[role.kind])
    channel = integrations.connect(role.kind, **given(role, bench, wrong=True))
    health = await channel.check()
    assert health.ok == (role.kind in CANNOT_PROVE), health.says
    assert "\n" not in health.says
    with pytest.raises(IntegrationError) as caught:
        await say(channel, role)
    await channel.close()
    assert WRONG not in f"{health.says} {caught.value} {caught.value!r} {caplog.text}"
    assert getattr(bench.receivers[role], "created", []) == []


@pytest.mark.parametrize("kind", WITH_SECRETS)
async def test_the_credentials_of_a_kind_are_a_block_that_hides_them(kind, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    names = secret_fields(integrations.integration(kind).settings_model)
    block = block_type(kind)
    assert block is not None
    assert block_types()[kind] is block
    assert set(names) == {n for n, f in block.model_fields.items() if f.annotation is SecretStr}
    assert all(block.model_fields[name].description for name in names)
    made = block(**dict.fromkeys(names, WRONG))
    assert WRONG not in f"{made!r} {made!s} {made.model_dump_json()} {block.get_description()}"
    for name in names:
        monkeypatch.setitem(os.environ, f"FIRELINE_MY_ACCOUNT_{name.upper()}", WRONG)
    assert await secrets_for("my-account", kind) == dict.fromkeys(names, WRONG)


def test_every_kind_is_in_the_docs_and_the_starter_file_says_where_its_example_is():
    page = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
    assert all(re.search(rf"^\| `{kind}` \|", page, re.MULTILINE) for kind in KINDS)
    starter = (ROOT / "config" / "starter" / "fireline.toml").read_text(encoding="utf-8")
    assert "`fireline kinds` lists every kind" in starter
