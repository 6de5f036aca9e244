"""The only room that prints."""

from mlrisk.cli.app import app
from mlrisk.cli.program import main

__all__ = ["app", "main"]
