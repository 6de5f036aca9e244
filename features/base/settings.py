"""The base of every part of a configuration: frozen, with unknown keys refused."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A frozen part of a configuration; an unknown key is an error that names the valid ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
