"""The only room that prints."""

from mlrisk.cli.app import app, main

__all__ = ["app", "main"]
