"""The version of mlrisk, defined only here."""

__version__ = "0.1.0"
