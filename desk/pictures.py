"""The pictures of statements, as exactly the bytes that go out: for whoever may see the page that shows them.

Under a signed link only the pictures of its own text are there; at the desk, with its key, those of every statement. A
picture is sent as the type it was found to be when it was read, and browsers are told to take it for nothing else.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crisis.pictures import MediaType
from crisis.statement import Statement
from desk.state import desk_of
from records import NotFound


async def picture_of(request: Request, *statements: Statement) -> Response:
    """The picture of one of ``statements`` that the path names."""
    wanted = request.path_params["sha256"]
    picture = next((p for statement in statements for p in statement.media if p.sha256 == wanted), None)
    if picture is None:
        raise HTTPException(404, "the text has no such picture")
    return await _answer(request, picture.sha256, picture.media_type)


async def at_desk(request: Request) -> Response:
    """Any picture that a statement carries, by its hash and its suffix."""
    suffix = request.path_params["suffix"]
    kind = next((kind for kind in MediaType if kind.suffix == suffix), None)
    if kind is None:
        raise HTTPException(404, "there is no such picture")
    return await _answer(request, request.path_params["sha256"], kind)


async def _answer(request: Request, sha256: str, kind: MediaType) -> Response:
    try:
        async with desk_of(request).here.store.reading() as tx:
            if not await tx.statements.carries(sha256):
                raise NotFound("there is no such picture for whoever asks")
            content = await tx.pictures.content(sha256)
    except NotFound:
        raise HTTPException(404, "there is no such picture") from None
    except ValueError as altered:
        raise HTTPException(410, str(altered)) from None
    name = f"{sha256[:16]}.{kind.suffix}"
    return Response(content, media_type=kind.value, headers={"Content-Disposition": f'inline; filename="{name}"'})


ROUTES = [Route("/pictures/{sha256:str}.{suffix:str}", at_desk, methods=["GET"])]
