"""Buffer: posts scheduled there, for a freeze; paused as drafts.

Promises: a post is scheduled again only when it still stands there as a draft with its own words; what people changed
meanwhile is theirs. What stood in a queue's slot comes back at that slot's time. API: https://developers.buffer.com.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.freeze import ScheduledPost, same_time
from integrations.http import Answer, Connection, Http, moment
from integrations.outcomes import IntegrationError, Misconfigured, RateLimited, Refused, Unknown, before_sending
from integrations.protocols import Health
from integrations.rate_limits import DEFAULT_WAIT

PAGES = 50
_POST = "id text status dueAt channelId channelService schedulingType externalLink"
LIST = f"""query Scheduled($organization: OrganizationId!, $after: String) {{
  posts(first: 100, after: $after, input: {{organizationId: $organization, filter: {{status: [scheduled]}}}}) {{
    edges {{ node {{ {_POST} }} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
ONE = f"query One($id: PostId!) {{ post(input: {{id: $id}}) {{ {_POST} }} }}"
EDIT = f"""mutation Edit($input: EditPostInput!) {{ editPost(input: $input) {{
  ... on PostActionSuccess {{ post {{ {_POST} }} }} ... on MutationError {{ message }} }} }}"""
CHANNELS = (
    "query Channels($organization: OrganizationId!) { channels(input: {organizationId: $organization}) { id name } }"
)
_CREDENTIALS = frozenset({"UNAUTHORIZED", "UNAUTHENTICATED", "FORBIDDEN"})
_CERTAIN = frozenset({"NOT_FOUND", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"})


class BufferSettings(Connection):
    """Settings of an organization."""

    base_url: str = Field(default="https://api.buffer.com", description="The GraphQL API")
    organization: str = Field(examples=["66f1c0ffee0000000000abcd"], min_length=1, description="The organization's id")
    api_key: SecretStr = Field(description="API key, from https://publish.buffer.com/settings/api")


class Buffer:
    """A ``Scheduler``."""

    kind: ClassVar[str] = "buffer"
    puts_off: ClassVar[timedelta | None] = None
    settings_model: ClassVar[type[BufferSettings]] = BufferSettings

    def __init__(self, settings: BufferSettings) -> None:
        self._organization = settings.organization
        key = settings.api_key.get_secret_value()
        self._http = Http("Buffer", settings, {"Authorization": f"Bearer {key}"})

    async def scheduled(self, now: datetime) -> tuple[ScheduledPost, ...]:
        found: list[ScheduledPost] = []
        after = None
        for _ in range(PAGES):
            page = (await self._ask(LIST, organization=self._organization, after=after)).get("posts")
            edges, info = (page.get("edges"), page.get("pageInfo")) if isinstance(page, dict) else (None, None)
            if not isinstance(edges, list) or not isinstance(info, dict):
                raise Unknown("Buffer answered without a list of posts")
            found += [_scheduled(_node(edge.get("node"))) for edge in edges]
            if not info.get("hasNextPage"):
                return tuple(post for post in found if post.at is None or post.at > now)
            after = info.get("endCursor")
        raise Unknown(f"Buffer has more than {PAGES} pages of scheduled posts")

    async def pause(self, post: ScheduledPost, put_off: Sequence[datetime] = ()) -> None:
        there = await self._there(post)
        if there["status"] == "draft":
            return
        if there["status"] != "scheduled" or not same_time(_scheduled(there), post):
            raise Refused(f"in Buffer it is {there['status']}, at another time or out already: look at it there")
        await self._edit({"id": post.id, "saveToDraft": True}, "draft")

    async def restore(self, post: ScheduledPost, put_off: Sequence[datetime] = ()) -> None:
        there = await self._there(post)
        if there["status"] == "scheduled" and same_time(_scheduled(there), post):
            return
        if there["status"] != "draft" or there.get("text") != post.text or post.at is None:
            raise Refused("people have changed it meanwhile: look at it in Buffer, and schedule it there")
        due = post.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        change = {"id": post.id, "saveToDraft": False, "mode": "customScheduled", "dueAt": due}
        await self._edit({**change, **post.original}, "scheduled")

    async def check(self) -> Health:
        try:
            with before_sending():
                channels = (await self._ask(CHANNELS, organization=self._organization)).get("channels") or []
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        names = ", ".join(str(c.get("name")) for c in channels if isinstance(c, dict))
        return Health(ok=True, says=f"schedules for {names or 'nobody yet'}")

    async def close(self) -> None:
        await self._http.close()

    async def _there(self, post: ScheduledPost) -> dict[str, Any]:
        with before_sending():
            return _node((await self._ask(ONE, id=post.id)).get("post"))

    async def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        return _data(await self._http.read("/", method="POST", json=body))

    async def _edit(self, change: dict[str, Any], wanted: str) -> None:
        body = {"query": EDIT, "variables": {"input": change}}
        done = _data(await self._http.write("POST", "/", json=body)).get("editPost")
        if isinstance(done, dict) and isinstance(done.get("message"), str):
            raise Refused(f"Buffer refused it: {done['message'][:300]}")
        there = _node(done.get("post") if isinstance(done, dict) else None)
        if there["status"] != wanted:
            raise Refused(f"Buffer left it {there['status']}")


def _data(answer: Answer) -> dict[str, Any]:
    """What was asked for; errors by their code, whatever the status."""
    value = answer.value
    errors = value.get("errors") if isinstance(value, dict) else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else None
    if first is not None:
        extensions = first.get("extensions")
        code = str(extensions.get("code") if isinstance(extensions, dict) else "")
        if code in _CREDENTIALS:
            raise Misconfigured(f"Buffer answered {code}: {answer.says}. Check the credentials and the organization")
        if code == "RATE_LIMIT_EXCEEDED":
            raise RateLimited("Buffer asks to slow down", datetime.now(UTC) + DEFAULT_WAIT * 10)
        if code in _CERTAIN:
            raise Refused(f"Buffer answered {code}: {answer.says}")
        raise Unknown(f"Buffer answered an error: {answer.says}")
    data = answer.body().get("data")
    if not isinstance(data, dict):
        raise Unknown(f"Buffer answered {answer.status} without data: {answer.says}")
    return data


def _node(node: Any) -> dict[str, Any]:
    if not isinstance(node, dict) or not node.get("id") or not node.get("status"):
        raise Unknown("Buffer answered without the post")
    return node


def _scheduled(node: dict[str, Any]) -> ScheduledPost:
    due = node.get("dueAt")
    kind = node.get("schedulingType")
    return ScheduledPost(
        id=str(node["id"]),
        at=moment(due) if isinstance(due, str) else None,
        text=str(node.get("text") or ""),
        where=f"{node.get('channelService') or 'Buffer'} {node.get('channelId') or ''}".strip(),
        original={"schedulingType": kind} if kind else {},
    )
