"""An installation whose channels answer posts on a real Mastodon API and a real PDS, and the people who post there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from acme import IDA, acme
from counting_http import Seen
from replying import approved

from crisis.statement import Statement
from crisis.watch import Mention
from integrations.bluesky_posts import COLLECTION, bluesky_mention
from integrations.mastodon_posts import mastodon_mention
from tasks.approve import propose
from tasks.installation import Installation
from tasks.reply_drafts import Answer, draft_replies

SECRETS = {
    "FIRELINE_NEWSROOM_MASTODON_ACCESS_TOKEN": "alice_token",
    "FIRELINE_NEWSROOM_BLUESKY_PASSWORD": "password-of-brandex",
}
_numbers = count(1)


@dataclass
class Somebody:
    """An account on the PDS that is ours in no way."""

    url: str
    name: str
    session: dict[str, str] = field(default_factory=dict)

    @property
    def did(self) -> str:
        return self.session["did"]

    def call(self, name: str, **body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.session['accessJwt']}"} if self.session else {}
        answer = httpx.post(f"{self.url}/xrpc/com.atproto.{name}", json=body, headers=headers, timeout=30)
        made: dict[str, Any] = answer.raise_for_status().json() if answer.content else {}
        return made

    def post(self, text: str, *, under: Mention | None = None, root: Mention | None = None) -> Mention:
        """A post of theirs as a mention; ``under`` another one, in the thread that ``root`` began."""
        record: dict[str, Any] = {"$type": COLLECTION, "text": text, "createdAt": "2026-03-02T11:59:00.000Z"}
        if under is not None:
            refs = {"root": self.reference(root or under), "parent": self.reference(under)}
            record["reply"] = refs
        made = self.call("repo.createRecord", repo=self.did, collection=COLLECTION, record=record)
        mention = bluesky_mention(self.did, made["uri"].rpartition("/")[2], record, datetime.now(UTC))
        assert mention is not None
        return mention

    def reference(self, mention: Mention) -> dict[str, str]:
        return {"uri": mention.id, "cid": self.record(mention.id)["cid"]}

    def record(self, uri: str) -> dict[str, Any]:
        repo, collection, rkey = uri.removeprefix("at://").split("/")
        params = {"repo": repo, "collection": collection, "rkey": rkey}
        found = httpx.get(f"{self.url}/xrpc/com.atproto.repo.getRecord", params=params, timeout=30)
        value: dict[str, Any] = found.raise_for_status().json()
        return value

    def delete(self, mention: Mention) -> None:
        rkey = mention.id.rpartition("/")[2]
        self.call("repo.deleteRecord", repo=self.did, collection=COLLECTION, rkey=rkey)

    def close(self, mention: Mention, *rules: dict[str, Any]) -> None:
        """Let nobody reply to a thread of theirs, or only whom the rules name."""
        rkey, kind = mention.id.rpartition("/")[2], "app.bsky.feed.threadgate"
        gate = {"$type": kind, "post": mention.id, "allow": list(rules), "createdAt": "2026-03-02T11:59:30.000Z"}
        self.call("repo.putRecord", repo=self.did, collection=kind, rkey=rkey, record=gate)


def somebody(pds: str) -> Somebody:
    """A new account on the PDS."""
    name = f"reader{next(_numbers)}.test"
    made = Somebody(pds, name)
    made.session = made.call("server.createAccount", handle=name, email=f"{name}@example.com", password="their-own")
    return made


def ourselves(pds: str) -> Somebody:
    """Our own account there, as somebody of ours who posts by hand."""
    made = Somebody(pds, "brandex.test")
    made.session = made.call("server.createSession", identifier=made.name, password="password-of-brandex")
    return made


class Fediverse:
    """What people do on the Mastodon server, by its API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, who: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {who}_token"}
        sent = {"params": body} if method == "GET" else {"json": body}
        return httpx.request(method, f"{self.url}{path}", headers=headers, timeout=30, **sent).raise_for_status().json()

    def post(self, who: str, text: str, **more: Any) -> Mention:
        mention = mastodon_mention(self.call("POST", "/api/v1/statuses", who, status=text, **more))
        assert mention is not None
        return mention

    def replies(self, mention: Mention) -> list[dict[str, Any]]:
        """What stands under a post, as we see it."""
        number = mention.id.rpartition("/")[2]
        found: list[dict[str, Any]] = self.call("GET", f"/api/v1/statuses/{number}/context", "alice")["descendants"]
        return found


@asynccontextmanager
async def answering(
    folder: Path, mastodon: str, pds: str, *replacements: tuple[str, str], more: str = ""
) -> AsyncIterator[Installation]:
    """The starter installation, whose two newsrooms are real accounts that may reply."""
    async with acme(
        folder,
        *(
            (
                f'kind = "sandbox"\nlooks_like = "{kind}"',
                f'kind = "{kind}"\nreplies = true\nsettings = {{ {settings} }}',
            )
            for kind, settings in (
                ("mastodon", f'base_url = "{mastodon}"'),
                ("bluesky", f'base_url = "{pds}", identifier = "brandex.test"'),
            )
        ),
        *replacements,
        more=more,
    ) as here:
        yield here


async def planned(here: Installation, incident: str, *answers: tuple[Mention, str]) -> Statement:
    """A batch of replies, proposed and approved. Whether it goes out at once is the caller's affair."""
    batch = await draft_replies(here, incident, [Answer(m, said, "en") for m, said in answers], author=IDA)
    await propose(here, batch, by=IDA)
    await approved(here, batch)
    return batch


def as_seen(request: httpx.Request) -> Seen:
    """A request that went out, as the specifications' checks take it."""
    url = request.url
    return Seen(request.method, url.path, dict(url.params), dict(request.headers), request.content)
