"""The base of every section of the settings file: unknown keys are refused, and a model is immutable once read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticUndefined


class Strict(BaseModel):
    """A section of the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _an_empty_block_says_nothing(cls, given: Any) -> Any:
        """Leave out a block, list or mapping below which nothing is written: all of its lines may be comments."""
        if not isinstance(given, Mapping):
            return given
        return {name: value for name, value in given.items() if value is not None or not _is_block(cls, str(name))}


def _is_block(model: type[BaseModel], name: str) -> bool:
    field = model.model_fields.get(name)
    if field is None:
        return False
    default = field.default if field.default is not PydanticUndefined else field.default_factory
    return (
        isinstance(default, BaseModel | tuple)
        or default is dict
        or (callable(default) and isinstance(field.get_default(call_default_factory=True), dict))
    )
