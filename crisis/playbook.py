"""Playbooks: the policy for each kind of crisis."""

from typing import Any

from pydantic import Field, model_validator

from crisis.approval import Policy
from crisis.triage import Clocks, Cluster
from crisis.values import CrisisType, Frozen, Names, Severity, StatementKind


class Playbook(Frozen):
    """Who is told, how fast, who approves, which templates, which channels."""

    type: CrisisType
    title: str
    cluster: Cluster
    """Coombs' responsibility cluster this cause belongs to unless evidence says otherwise."""
    guidance: str = ""
    """What a communications person should think of first."""
    clocks: Clocks = Clocks()
    confirm_up_to: Severity | None = None
    """Detected incidents of this severity and below wait as candidates until a person confirms them."""
    freeze_from: Severity | None = Severity.SEV2
    """Scheduled marketing is frozen when an incident is at least this severe; None never freezes by itself."""
    approval: dict[StatementKind, Policy]
    break_glass: bool = True
    """One incident lead may release a text without its approvals, with a typed reason, and everybody is told."""
    preclear: bool = False
    """A holding statement whose words were approved beforehand may go out by itself (see ``crisis.clearance``)."""
    channels: dict[StatementKind, Names] = Field(default_factory=dict)
    """Channel names by statement kind; a kind that is absent goes to every channel."""
    templates: dict[StatementKind, str]
    """Template file by statement kind."""
    audience: str = "customers and the public"
    observe_minutes: int = Field(default=10, gt=0)
    """Minutes between two measurements of the reaction."""
    quiet_observations: int = Field(default=3, gt=0)
    """Calm measurements in a row before closing is proposed."""

    @model_validator(mode="before")
    @classmethod
    def _replies(cls, given: Any) -> Any:
        """Where nothing is said of replies, they are approved like answers and begin from the packaged template."""
        if not isinstance(given, dict):
            return given
        approval, templates = given.get("approval"), given.get("templates")
        if isinstance(approval, dict) and "answer" in approval:
            given = {**given, "approval": {"reply": approval["answer"], **approval}}
        if isinstance(templates, dict) and "answer" in templates:
            given = {**given, "templates": {"reply": "reply.txt.j2", **templates}}
        return given
