"""Errors that a person can act on: bad configuration and bad input data."""


class MlriskError(Exception):
    """Base of every error that mlrisk raises on purpose; `exit_code` is what the CLI returns for it."""

    exit_code = 1


class ConfigError(MlriskError):
    """The configuration or the command line asks for something impossible."""

    exit_code = 2


class InputError(MlriskError):
    """Input data are missing, unreadable or unfit for use."""

    exit_code = 3
