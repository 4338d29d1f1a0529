"""Every kind keeps the one contract by which it is reached."""

import inspect

import pytest
from networks import kinds
from pydantic import BaseModel, SecretStr

import integrations
from crisis.delivery import DeliveryClass
from integrations import Limits, Misconfigured, Notifier, Publisher

SETTINGS = {
    "bluesky": {"identifier": "a.test", "password": "p"},
    "mastodon": {"base_url": "https://m.test", "access_token": "t"},
    "statuspage": {"page_id": "p", "api_key": "k"},
    "smtp": {"base_url": "smtp://m.test", "sender": "a@m.test"},
    "slack": {"token": "t"},
    "sandbox": {"directory": "posts"},
    "telegram": {"token": "t"},
    "discord": {"token": "t"},
    "matrix": {"base_url": "https://m.test", "access_token": "t"},
    "ntfy": {},
    "webhook": {"base_url": "https://w.test/hook", "secret": "s"},
    "pagerduty": {"routing_key": "k"},
    "pagerduty_incidents": {"api_key": "k", "sender": "a@acme.test", "service": "PIJ90N7"},
    "opsgenie": {"api_key": "k"},
    "zendesk": {"base_url": "https://z.test", "email": "care@acme.test", "api_token": "t"},
    "intercom": {"access_token": "t"},
    "teams": {"webhook_url": "https://teams.test/workflows/1"},
    "twilio": {"account_sid": f"AC{'0' * 32}", "auth_token": "t", "sender": "Acme"},
    "facebook": {"page": "1", "access_token": "t"},
    "threads": {"access_token": "t"},
    "linkedin": {"organization": "1", "access_token": "t"},
    "instagram": {
        "account": "1",
        "access_token": "t",
        "picture_bucket": "acme-press",
        "picture_url": "https://press.test/pictures",
    },
    "cachet": {"base_url": "https://c.test", "token": "t"},
    "apprise": {"url": "json://a.test"},
    "ses": {"sender": "a@m.test"},
    "sns_sms": {},
    "s3_page": {"bucket": "acme-press", "web_url": "https://press.test"},
    "subreddit": {"client_id": "i", "client_secret": "s", "username": "acme", "user_agent": "a:b:1 (by /u/acme)"},
    "instatus": {"page_id": "p", "api_key": "k"},
    "feed_file": {"base_url": "https://acme.test/news", "directory": "newsroom"},
    "x": {"api_key": "k", "api_key_secret": "s", "access_token": "t", "access_token_secret": "u"},
}
PUBLISHERS = {
    "bluesky",
    "mastodon",
    "statuspage",
    "smtp",
    "sandbox",
    "x",
    "telegram",
    "discord",
    "matrix",
    "ntfy",
    "webhook",
    "facebook",
    "threads",
    "linkedin",
    "instagram",
    "cachet",
    "ses",
    "sns_sms",
    "s3_page",
    "subreddit",
    "instatus",
    "feed_file",
    "twilio",
}
NOTIFIERS = {
    "smtp",
    "slack",
    "sandbox",
    "telegram",
    "discord",
    "matrix",
    "ntfy",
    "webhook",
    "pagerduty",
    "pagerduty_incidents",
    "opsgenie",
    "zendesk",
    "intercom",
    "teams",
    "twilio",
    "apprise",
    "ses",
    "sns_sms",
}


@pytest.mark.parametrize("kind", sorted(SETTINGS))
async def test_a_kind_has_its_settings_limits_and_class(kind):
    connected = integrations.connect(kind, timeout=3, **SETTINGS[kind])
    assert connected.kind == kind
    assert isinstance(connected.delivery_class, DeliveryClass)
    assert isinstance(connected.platform_limits, Limits)
    assert {"base_url", "timeout"} <= set(connected.settings_model.model_fields)
    assert issubclass(connected.settings_model, BaseModel)
    assert all(f.description for f in connected.settings_model.model_fields.values())
    await connected.close()


@pytest.mark.parametrize(
    ("protocol", "kind"), [(Publisher, k) for k in sorted(PUBLISHERS)] + [(Notifier, k) for k in sorted(NOTIFIERS)]
)
def test_a_kind_has_the_methods_of_its_protocol_with_their_signatures(protocol, kind):
    cls = integrations.integration(kind)
    for name, method in inspect.getmembers(protocol, inspect.isfunction):
        if not name.startswith("_"):
            assert list(inspect.signature(getattr(cls, name)).parameters) == list(inspect.signature(method).parameters)


@pytest.mark.parametrize("kind", sorted(PUBLISHERS))
def test_a_publisher_tells_its_limits(kind):
    limits = integrations.connect(kind, **SETTINGS[kind]).limits
    assert limits.length > 0
    assert limits.source


def test_an_unknown_kind_names_those_that_exist():
    with pytest.raises(Misconfigured, match=r"there are: .*mastodon"):
        integrations.connect("telegraph")


def test_every_channel_and_notifier_is_tested_here():
    assert set(integrations.kinds()) - set(SETTINGS) == {
        "recorded",
        *kinds(),
        *integrations.kinds("archive"),
        *integrations.kinds("writer"),
        *integrations.kinds("monitor"),
        *integrations.kinds("scheduler"),
        *integrations.kinds("subscriber"),
    }


BEARERS = ("discord", "mastodon", "slack", "telegram", "opsgenie", "statuspage")


@pytest.mark.parametrize("kind", BEARERS)
@pytest.mark.parametrize("value", ["s3cret-value\n", "", "   ", "s3cret\x00value"])
def test_a_credential_that_none_can_be_is_told_before_anything_is_sent_and_not_shown(kind, value):
    name = next(
        n for n, f in integrations.integration(kind).settings_model.model_fields.items() if f.annotation is SecretStr
    )
    with pytest.raises(Misconfigured, match=f"{kind}: {name} ") as caught:
        integrations.connect(kind, **{**SETTINGS[kind], name: value})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("kind", ["discord", "mastodon", "slack"])
def test_a_credential_in_other_letters_is_told_without_being_shown(kind):
    name = next(
        n for n, f in integrations.integration(kind).settings_model.model_fields.items() if f.annotation is SecretStr
    )
    with pytest.raises(Misconfigured, match="set it anew") as caught:
        integrations.connect(kind, **{**SETTINGS[kind], name: "s3crét-välue"})
    assert "s3cr" not in str(caught.value)
