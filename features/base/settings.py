"""The base of every part of a configuration: frozen, with unknown keys refused."""

import re
from datetime import date
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class Settings(BaseModel):
    """A frozen part of a configuration; an unknown key is an error that names the valid ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_other_kind(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse a number for a date (seconds since 1970 to pydantic) and a truth value for a number (1)."""
        field = cls.model_fields.get(info.field_name or "")
        kinds = () if field is None else (field.annotation, *get_args(field.annotation))
        number = isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"[-+\d.eE]+", value))
        if date in kinds and number and not re.fullmatch(r"\d+-\d+-\d+", str(value)):
            raise ValueError("must be a day, written as 2024-07-31")
        if isinstance(value, bool) and {int, float} & set(kinds) and bool not in kinds:
            raise ValueError("yes, no, true and false are truth values in YAML: give a number")
        return value
