"""A language model on AWS Bedrock, by boto3's ``converse``: one way to ask every model there.

Promises: as ``integrations.openai``. The structure is asked for as a tool that the model has to use.
API: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
"""

import json
from typing import Any, ClassVar

from pydantic import Field

from crisis.brief import Brief, Draft, instructions, material, schema
from integrations.aws import Aws, AwsSettings
from integrations.openai import draft_of
from integrations.outcomes import IntegrationError, Refused
from integrations.protocols import Health

TOOL = "draft"


class BedrockSettings(AwsSettings):
    """Settings of a writer on Bedrock; the IAM policy needs ``bedrock:InvokeModel``."""

    timeout: float = Field(default=60.0, gt=0, le=300, description="Seconds one draft may take")
    model: str = Field(description="Model id, or inference profile, that you have access to")
    temperature: float = Field(default=0.2, ge=0, le=1, description="How freely it words things")
    max_tokens: int = Field(default=1500, ge=100, le=16_000, description="Longest answer, in tokens")


class Bedrock:
    """A ``Writer``."""

    kind: ClassVar[str] = "bedrock"
    settings_model: ClassVar[type[BedrockSettings]] = BedrockSettings

    def __init__(self, settings: BedrockSettings) -> None:
        self._settings = settings
        self._aws = Aws("bedrock-runtime", "Amazon Bedrock", settings)

    async def write(self, brief: Brief, findings: tuple[str, ...] = ()) -> Draft:
        tool = {"name": TOOL, "description": "Hand the draft in.", "inputSchema": {"json": schema()}}
        answer = await self._converse(
            material(brief, findings),
            system=[{"text": instructions(brief)}],
            inferenceConfig={
                "maxTokens": self._settings.max_tokens,
                "temperature": self._settings.temperature,
            },
            toolConfig={"tools": [{"toolSpec": tool}], "toolChoice": {"tool": {"name": TOOL}}},
        )
        if answer.get("stopReason") not in {"tool_use", "end_turn"}:
            raise Refused(f"the language model's draft was cut off ({str(answer.get('stopReason'))[:40]})")
        return draft_of(json.dumps(_handed_in(answer)))

    async def check(self) -> Health:
        """Has the model say one token: nothing else shows that it may be used."""
        try:
            await self._converse("Say OK.", inferenceConfig={"maxTokens": 1})
            where = await self._aws.region()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        says = f"drafts with {self._settings.model} in {where}; every draft is checked and approved"
        return Health(ok=True, says=says)

    async def close(self) -> None:
        await self._aws.close()

    async def _converse(self, text: str, **options: Any) -> dict[str, Any]:
        messages = [{"role": "user", "content": [{"text": text}]}]
        return await self._aws.read("converse", modelId=self._settings.model, messages=messages, **options)


def _handed_in(answer: dict[str, Any]) -> Any:
    """What the model gave the tool.

    Raises:
        Refused: it gave nothing.
    """
    content = ((answer.get("output") or {}).get("message") or {}).get("content") or []
    for block in content:
        if "toolUse" in block and block["toolUse"].get("name") == TOOL:
            return block["toolUse"].get("input")
    raise Refused("the language model answered without a draft")
