"""How a flow's parameters are called in the Prefect UI.

Prefect takes the titles of a form from the names of the parameters and drops those of an annotated ``Field``; what
stands in ``json_schema_extra`` gets through.
"""

from typing import Any

from pydantic import Field


def shown(title: str, says: str) -> Any:
    """The annotation of a parameter that the form shows as ``title``, explained by ``says``."""
    return Field(json_schema_extra={"title": title, "description": says})
