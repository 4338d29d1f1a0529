"""Language models for tests: OpenAI's chat completions and Bedrock's Converse, which answer as they were told to.

After https://platform.openai.com/docs/api-reference/chat/create and
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
"""

import json
from typing import Any

from counting_http import HttpReceiver
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MODEL = "acme-writer-1"
KEY = "sk-right"


class ModelReceiver(HttpReceiver):
    """``drafts`` are given out in turn, the last one again and again; a string is given out as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.drafts: list[Any] = []
        self.message: dict[str, Any] = {}
        """Over the message of the next answers."""

    def routes(self) -> list[Route]:
        return [
            Route("/v1/models", self._models),
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/model/{model}/converse", self._converse, methods=["POST"]),
        ]

    def _next(self) -> Any:
        return self.drafts.pop(0) if len(self.drafts) > 1 else self.drafts[0]

    async def _models(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": {"message": "Incorrect API key provided: sk-wr***ng"}}, 401)
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    async def _chat(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": {"message": "Incorrect API key provided: sk-wr***ng"}}, 401)
        draft = self._next()
        content = draft if isinstance(draft, str) else json.dumps(draft)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        choice |= {k: v for k, v in self.message.items() if k == "finish_reason"}
        choice["message"] = {
            **choice["message"],  # type: ignore[dict-item]
            **{k: v for k, v in self.message.items() if k != "finish_reason"},
        }
        return JSONResponse({"id": "chatcmpl-1", "object": "chat.completion", "model": MODEL, "choices": [choice]})

    async def _converse(self, request: Request) -> Response:
        asked = await request.json()
        if "toolConfig" not in asked:
            content, stop = [{"text": "O"}], "max_tokens"
        else:
            name = asked["toolConfig"]["toolChoice"]["tool"]["name"]
            content, stop = [{"toolUse": {"toolUseId": "t1", "name": name, "input": self._next()}}], "tool_use"
        return JSONResponse(
            {
                "output": {"message": {"role": "assistant", "content": content}},
                "stopReason": self.message.get("finish_reason", stop),
                "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
                "metrics": {"latencyMs": 1},
            }
        )
