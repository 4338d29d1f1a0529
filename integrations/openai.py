"""A language model behind OpenAI's chat completions API, which most model servers speak (vLLM, Ollama, Azure, LM Studio).

Promises: it is asked for a draft in a fixed structure; what comes back is read as that or refused, never guessed at; it
is given the brief and nothing else. Asking twice does no harm, so asking is repeated while the service is in trouble.
API: https://platform.openai.com/docs/api-reference/chat/create.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, ValidationError

from crisis.brief import Brief, Draft, instructions, material, schema
from integrations.http import Connection, Http
from integrations.outcomes import IntegrationError, Refused
from integrations.protocols import Health


class OpenAISettings(Connection):
    """Settings of a writer on a chat completions API."""

    base_url: str = Field(default="https://api.openai.com/v1", description="The API, up to and with its version")
    timeout: float = Field(default=60.0, gt=0, le=300, description="Seconds one draft may take")
    api_key: SecretStr = Field(default=SecretStr(""), description="API key; servers of your own often need none")
    model: str = Field(description="The model, as the service calls it")
    structure: Literal["json_schema", "json_object"] = Field(
        default="json_schema", description="How the structure is asked for: json_object for servers without schemas"
    )
    temperature: float = Field(default=0.2, ge=0, le=2, description="How freely it words things")
    max_tokens: int = Field(default=1500, ge=100, le=16_000, description="Longest answer, in tokens")


class OpenAI:
    """A ``Writer``."""

    kind: ClassVar[str] = "openai"
    settings_model: ClassVar[type[OpenAISettings]] = OpenAISettings

    def __init__(self, settings: OpenAISettings) -> None:
        self._settings = settings
        key = settings.api_key.get_secret_value()
        self._http = Http("the language model", settings, {"Authorization": f"Bearer {key}"} if key else None)

    async def write(self, brief: Brief, findings: tuple[str, ...] = ()) -> Draft:
        asked = {
            "model": self._settings.model,
            "temperature": self._settings.temperature,
            "max_tokens": self._settings.max_tokens,
            "response_format": self._format(),
            "messages": [
                {"role": "system", "content": self._system(brief)},
                {"role": "user", "content": material(brief, findings)},
            ],
        }
        answer = await self._http.read("/chat/completions", method="POST", json=asked)
        return draft_of(_content(answer.body()))

    async def check(self) -> Health:
        try:
            answer = await self._http.read("/models")
            held = answer.body().get("data")
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        names = [str(m.get("id")) for m in held if isinstance(m, dict)] if isinstance(held, list) else []
        if names and self._settings.model not in names:
            return Health(ok=False, says=f"there is no model {self._settings.model!r} there: {', '.join(names[:8])}")
        return Health(ok=True, says=f"drafts with {self._settings.model}; every draft is checked and approved")

    async def close(self) -> None:
        await self._http.close()

    def _format(self) -> dict[str, Any]:
        if self._settings.structure == "json_object":
            return {"type": "json_object"}
        return {"type": "json_schema", "json_schema": {"name": "draft", "strict": True, "schema": schema()}}

    def _system(self, brief: Brief) -> str:
        if self._settings.structure == "json_schema":
            return instructions(brief)
        return f"{instructions(brief)}\n\nAnswer with one JSON object after this JSON Schema:\n{schema()}"


def _content(body: dict[str, Any]) -> str:
    """The text of the first choice.

    Raises:
        Refused: the model would not write, was cut off, or said nothing.
    """
    choices = body.get("choices")
    choice: Any = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message: Any = choice.get("message")
    message = message if isinstance(message, dict) else {}
    if message.get("refusal"):
        raise Refused("the language model would not write this draft")
    if choice.get("finish_reason") in {"length", "content_filter"}:
        raise Refused(f"the language model's draft was cut off ({choice['finish_reason']})")
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        raise Refused("the language model answered without a draft")
    return content


def draft_of(written: str) -> Draft:
    """A draft from its JSON.

    Raises:
        Refused: it is something else.
    """
    try:
        return Draft.model_validate_json(written.strip().removeprefix("```json").removesuffix("```"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the answer"
        raise Refused(
            f"the language model's draft is not in the structure asked for ({where}: {first['type']})"
        ) from None
