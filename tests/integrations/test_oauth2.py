"""OAuth 2.0 with PKCE: consent, and tokens that are renewed before and while they are used, by any number of processes."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from x_receiver import CLIENT, XReceiver

import integrations
from integrations import Misconfigured, Refused
from integrations.http import Connection
from integrations.oauth2 import Consent, TokenDesk, keeping, read_tokens
from integrations.x import X

BACK = "http://127.0.0.1:8421/callback"


@pytest.fixture(scope="module")
def served():
    with XReceiver() as receiver:
        yield receiver


@pytest.fixture
def x(served):
    served.reset()
    served.good = {"access": [], "refresh": []}
    served.lives = 7200
    return served


class Shelf:
    """Where both processes of these tests keep the tokens."""

    def __init__(self, tokens=""):
        self.tokens = tokens

    async def load(self):
        return self.tokens

    async def keep(self, tokens):
        self.tokens = tokens


def tokens(x, *, minutes=60.0):
    pair = x.tokens()
    return json.dumps(
        {
            "access_token": pair["access_token"],
            "refresh_token": pair["refresh_token"],
            "expires_at": (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(),
        }
    )


def connect(x, shelf):
    with keeping(shelf):
        return integrations.connect("x", base_url=x.url, **CLIENT, oauth2_tokens=shelf.tokens)


async def test_consent_buys_tokens_with_the_verifier_of_the_address_and_no_other(x):
    consent = Consent(X.grant, CLIENT["client_id"], BACK)
    desk = TokenDesk("X", Connection(base_url=x.url), X.grant, CLIENT["client_id"], "")
    code = consent.code(x.consent(consent.address))
    with pytest.raises(Refused):
        await desk.ask(Consent(X.grant, CLIENT["client_id"], BACK).form(code))
    bought = await desk.ask(consent.form(consent.code(x.consent(consent.address))))
    await desk.close()
    assert bought.access_token.get_secret_value() in x.good["access"]
    assert bought.expires_at > datetime.now(UTC) + timedelta(hours=1)
    assert "access-" not in repr(bought)
    assert read_tokens(bought.model_dump_json()) == bought


@pytest.mark.parametrize(
    ("came_back", "says"),
    [
        (f"{BACK}?state=forged&code=1", "another request"),
        ("nonsense", "another request"),
        (BACK + "?state={state}&error=access_denied", "not given"),
        (BACK + "?state={state}", "no code"),
    ],
)
def test_an_address_that_brings_no_consent_is_told(x, came_back, says):
    consent = Consent(X.grant, CLIENT["client_id"], BACK)
    state = consent.address.split("state=")[1].split("&")[0]
    with pytest.raises(Refused, match=says):
        consent.code(came_back.format(state=state))


async def test_posts_carry_the_token_and_one_that_is_about_to_run_out_is_renewed_first(x, render):
    shelf = Shelf(tokens(x, minutes=1))
    old = read_tokens(shelf.tokens)
    channel = connect(x, shelf)
    await channel.publish(render("one", kind="x"), "k")
    await channel.close()
    assert x.created == ["one"]
    renewed = read_tokens(shelf.tokens)
    assert renewed.access_token != old.access_token
    used = {r.headers["authorization"] for r in x.requests if r.path == "/2/tweets"}
    assert used == {f"Bearer {renewed.access_token.get_secret_value()}"}


async def test_a_token_that_is_called_invalid_midway_is_renewed_and_the_post_made_once(x, render):
    shelf = Shelf(tokens(x))
    channel = connect(x, shelf)
    assert (await channel.check()).ok
    x.good["access"].clear()
    await channel.publish(render("one", "two", kind="x"), "k")
    await channel.close()
    assert x.created == ["one", "two"]


async def test_two_processes_that_renew_at_once_end_with_the_same_tokens(x, render):
    shelf = Shelf(tokens(x, minutes=1))
    both = [connect(x, shelf) for _ in range(2)]
    await asyncio.gather(*(c.publish(render(f"from {i}", kind="x"), f"k{i}") for i, c in enumerate(both)))
    for channel in both:
        await channel.close()
    assert sorted(x.created) == ["from 0", "from 1"]
    assert read_tokens(shelf.tokens).refresh_token.get_secret_value() in x.good["refresh"]


async def test_consent_that_was_withdrawn_asks_for_a_human_and_has_sent_nothing(x, render):
    shelf = Shelf(tokens(x, minutes=1))
    x.good = {"access": [], "refresh": []}
    channel = connect(x, shelf)
    with pytest.raises(Misconfigured, match="fireline authorize") as caught:
        await channel.publish(render("one", kind="x"), "k")
    await channel.close()
    assert x.created == []
    assert "refresh-" not in str(caught.value)


async def test_tokens_that_cannot_be_kept_hold_nothing_up_and_are_kept_with_the_next_request(x, render):
    class Down(Shelf):
        down = True

        async def keep(self, tokens):
            if self.down:
                raise integrations.Unreachable("the server is down")
            await super().keep(tokens)

    shelf = Down(tokens(x, minutes=1))
    channel = connect(x, shelf)
    await channel.publish(render("one", kind="x"), "k")
    assert read_tokens(shelf.tokens).refresh_token.get_secret_value() not in x.good["refresh"]
    shelf.down = False
    await channel.publish(render("two", kind="x"), "k2")
    await channel.close()
    assert x.created == ["one", "two"]
    assert read_tokens(shelf.tokens).refresh_token.get_secret_value() in x.good["refresh"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "api_key, api_key_secret"),
        ({"api_key": "a", "api_key_secret": "b"}, "access_token_secret are needed"),
        ({**CLIENT}, "fireline authorize"),
        ({**CLIENT, "api_key": "a"}, "two ways"),
        ({**CLIENT, "oauth2_tokens": "s3cret-junk"}, "not what"),
    ],
)
def test_settings_that_let_nobody_in_are_told(settings, says):
    with pytest.raises(Misconfigured, match=says) as caught:
        integrations.connect("x", **settings)
    assert "s3cret" not in str(caught.value)
