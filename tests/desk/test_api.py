"""Programs at the desk: a token does what its scopes say, until it ends, and never decides."""

import json
from datetime import timedelta

import openapi_core
import pytest
from at_the_desk import LENA, Scene
from openapi_core.contrib.starlette import StarletteOpenAPIRequest, StarletteOpenAPIResponse
from openapi_spec_validator import validate
from starlette.requests import Request
from starlette.responses import Response

from crisis.access import Scope
from crisis.approval import NotAllowed
from desk import bearer
from desk.api_document import document
from records import NotFound
from tasks.restrict import restrict
from tasks.tokens import new_token, revoke_token, span

IDA = "ida@example.com"
POSTS = json.dumps([{"id": "1", "text": "acme fails", "created_at": "2026-03-01T11:00:00Z"}])


async def token(scene: Scene, *scopes: Scope, lasts: timedelta | None = timedelta(days=90), name: str = "board") -> str:
    return (await new_token(scene.here, name, scopes or (Scope.READ,), lasts=lasts, actor=IDA))[1]


def by(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


async def test_a_program_reads_incidents_as_the_document_says(scene: Scene) -> None:
    secret = await token(scene)
    async with scene.browser(**by(secret)) as program:
        described = (await program.get("/api/openapi.json")).json()
        listed = await program.get("/api/incidents")
        one = await program.get("/api/incidents/INC-1")
        none = await program.get("/api/incidents/INC-9")
        asked = await program.get("/api/incidents/INC-1/questions")
        felt = await program.get("/api/incidents/INC-1/empathy")
        wrong = await program.get("/api/incidents", params={"state": "burning"})
    validate(described)
    more = ((asked, "incidents/INC-1/questions"), (felt, "incidents/INC-1/empathy"))
    api = openapi_core.OpenAPI.from_dict(described)
    for answer, path in ((listed, "incidents"), (one, "incidents/INC-1"), (none, "incidents/INC-9"), *more):
        scope = {"type": "http", "method": "GET", "path": f"/api/{path}", "query_string": b"", "scheme": "http"}
        headers = [(b"host", b"127.0.0.1:8420"), (b"authorization", f"Bearer {secret}".encode())]
        call = StarletteOpenAPIRequest(Request(scope | {"headers": headers, "server": ("127.0.0.1", 8420)}), b"")
        shown = Response(answer.content, answer.status_code, {"content-type": "application/json"})
        api.validate_response(call, StarletteOpenAPIResponse(shown))
    [short] = listed.json()["incidents"]
    assert (short["id"], short["severity"], listed.json()["more"]) == ("INC-1", "SEV2", False)
    assert short.items() <= one.json().items()
    assert one.json()["statements"][0]["status"] == "proposed"
    assert one.json()["waits_for"]
    assert (none.status_code, wrong.status_code) == (404, 400)


async def test_whatever_is_asked_for_wrongly_below_api_is_answered_as_the_document_says(scene: Scene) -> None:
    secret = await token(scene)
    async with scene.browser(**by(secret)) as program:
        answers = [await program.get("/api/nothing"), await program.delete("/api/incidents")]
    assert [a.status_code for a in answers] == [404, 405]
    assert all(a.headers["content-type"] == "application/json" and a.json()["error"] for a in answers)
    assert "openapi.json" in answers[0].json()["error"]
    assert "GET" in answers[1].headers["allow"]


def test_the_document_names_every_field_and_needs_a_token() -> None:
    described = document("Fireline", "https://desk.example")
    validate(described)
    assert described["security"] == [{"token": []}]
    ways = ("", "/{id}", "/{id}/deliveries", "/{id}/commitments", "/{id}/questions", "/{id}/empathy")
    own = {f"/api/incidents{rest}" for rest in ways}
    assert set(described["paths"]) == {*own, "/api/watches", "/api/events"}


@pytest.mark.parametrize(
    "given", ["", "Bearer ", "Bearer x", "Bearer fireline_x_y", "Basic Zm9vOmJhcg==", "Bearer \xe9"]
)
async def test_without_a_token_that_holds_nothing_is_read(scene: Scene, given: str) -> None:
    async with scene.browser() as program:
        for path in ("/api/incidents", "/api/incidents/INC-1", "/api/anything"):
            answer = await program.get(path, headers={"authorization": given.encode("latin-1")})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "INC-1" not in answer.text


async def test_a_token_is_kept_as_a_hash_and_ends_when_it_is_told_to(scene: Scene) -> None:
    secret = await token(scene)
    short = await token(scene, lasts=timedelta(seconds=-1), name="over")
    async with scene.here.store.reading() as tx:
        kept = str([t.model_dump() for t in await tx.tokens.list()]) + str(
            [r.model_dump() for r in await tx.ledger.list()]
        )
    assert secret.startswith("fireline_")
    assert secret.rpartition("_")[2] not in kept
    assert secret[:20] not in repr(scene.here.settings)
    async with scene.browser() as program:
        assert (await program.get("/api/incidents", headers=by(secret))).status_code == 200
        assert (await program.get("/api/incidents", headers=by(secret[:-1]))).status_code == 401
        assert (await program.get("/api/incidents", headers=by(short))).status_code == 401
        await revoke_token(scene.here, secret, actor=IDA)
        assert (await program.get("/api/incidents", headers=by(secret))).status_code == 401
        with pytest.raises(NotFound, match="no token"):
            await revoke_token(scene.here, "board", actor=IDA)
        again = await token(scene)
        assert (await program.get("/api/incidents", headers=by(again))).status_code == 200
    async with scene.here.store.reading() as tx:
        used = await tx.ledger.list(kind="token.used")
        refused = [r.reason for r in await tx.ledger.list(kind="token.refused")]
    assert [r.data["address"] for r in used] == ["127.0.0.1", "127.0.0.1"]
    assert refused == ["no such token", "expired", "revoked"]


async def test_a_token_does_only_what_its_scopes_say(scene: Scene) -> None:
    reads, hands_in = await token(scene, name="reads"), await token(scene, Scope.INGEST, name="hands-in")
    async with scene.browser() as program:
        assert (await program.get("/api/incidents", headers=by(hands_in))).status_code == 403
        assert (await program.post("/ingest", content=POSTS, headers=by(reads))).status_code == 403
        taken = await program.post("/ingest", content=POSTS, headers=by(hands_in))
        assert (taken.status_code, taken.json()["new"]) == (200, 1)
        assert (await program.post("/ingest", content=POSTS, headers=by("fireline_x_y"))).status_code == 401
        assert (await program.post("/ingest", content=POSTS)).status_code in (401, 503)


async def test_no_token_opens_a_page_or_decides(scene: Scene) -> None:
    secret = await token(scene, Scope.READ, Scope.INGEST)
    async with scene.browser(**by(secret)) as program:
        for path in ("/", "/incidents/INC-1", "/record", "/sessions", "/incidents/INC-1/act"):
            assert (await program.get(path)).status_code == 403
            assert (await program.post(path)).status_code == 403
        assert (await program.post("/api/incidents")).status_code == 405
        assert (await program.post(scene.link())).status_code == 403
    assert await scene.decisions() == []


async def test_a_token_sees_no_restricted_incident(scene: Scene) -> None:
    secret = await token(scene)
    await restrict(scene.here, "INC-1", [LENA], actor=IDA, reason="x")
    async with scene.browser(**by(secret)) as program:
        assert (await program.get("/api/incidents")).json()["incidents"] == []
        assert (await program.get("/api/incidents/INC-1")).status_code == 404


async def test_programs_and_guessers_are_slowed(scene: Scene) -> None:
    secret = await token(scene)
    async with scene.browser() as program:
        guesses = [(await program.get("/api/incidents", headers=by(f"fireline_{n}_x"))).status_code for n in range(25)]
        assert (guesses[0], guesses[-1]) == (401, 429)
        assert (await program.get("/api/incidents", headers=by(secret))).status_code == 200, "others are not held up"
        bearer._requests._levels.clear()
        statuses = [(await program.get("/api/incidents", headers=by(secret))).status_code for _ in range(70)]
        assert (statuses[0], statuses[-1]) == (200, 429)


@pytest.mark.parametrize(("text", "hours"), [("90d", 2160), ("12h", 12), (" 2w ", 336)])
def test_a_span_is_read_as_people_type_it(text: str, hours: int) -> None:
    assert span(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "0d", "d", "-1d", "9", "1y", "99999d", "1.5h"])
def test_what_is_no_span_is_said(text: str) -> None:
    with pytest.raises(NotAllowed, match="write 90d"):
        span(text)


async def test_a_token_has_a_name_of_its_own(scene: Scene) -> None:
    await token(scene)
    with pytest.raises(NotAllowed, match="in use"):
        await token(scene)
    for name in ("", "A", "a b", "-a", "x" * 64):
        with pytest.raises(NotAllowed, match="lower-case"):
            await token(scene, name=name)
