"""Which answers of a source a rule is for."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from lineshaft.common.mapping.paths import Getter, compile_path, parse_path
from lineshaft.common.outcomes import Operation


class When(BaseModel):
    """What an answer has to look like; all that is given has to hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    status: int | None = Field(default=None, ge=100, le=599)
    operation: Operation | None = None
    content_type: str | None = None
    """How the content type begins."""
    header: str | None = None
    """A header that has to be there."""
    path: str | None = None
    """A place in the body, written as in mappings."""
    equals: JsonValue = None
    """The value at `path`."""
    starts_with: str | None = None
    """How the text at `path` begins."""

    @field_validator("path")
    @classmethod
    def _path_is_one(cls, path: str | None) -> str | None:
        if path is not None:
            parse_path(path)
        return path

    @cached_property
    def _get(self) -> Getter | None:
        return None if self.path is None else compile_path(parse_path(self.path))

    def fits(
        self,
        status: int,
        body: Any,
        operation: Operation | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bool:
        """Whether an answer is one of those.

        Args:
            status: the HTTP status.
            body: the decoded JSON, or anything else if the body is none.
            operation: what was asked for.
            headers: by lower-case name.
        """
        found = headers or {}
        return (
            (self.status is None or self.status == status)
            and (self.operation is None or self.operation == operation)
            and (self.content_type is None or found.get("content-type", "").startswith(self.content_type))
            and (self.header is None or self.header.lower() in found)
            and self._body_fits(body)
        )

    def _body_fits(self, body: Any) -> bool:
        if self._get is None:
            return True
        value = self._get(body) if isinstance(body, dict) else None
        if "equals" in self.model_fields_set:
            return bool(value == self.equals)
        if self.starts_with is not None:
            return isinstance(value, str) and value.startswith(self.starts_with)
        return value is not None
