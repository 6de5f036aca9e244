"""`mlrisk config ...`: each command returns the parts of its output, which mlrisk.cli.app prints."""

import json
from collections.abc import Iterable

import typer

app = typer.Typer(no_args_is_help=True, help="About the config itself.")


@app.command("schema")
def config_schema() -> Iterable[str]:
    """Print the JSON schema of the config, for editors that complete and check YAML."""
    from mlrisk.settings import Config

    return [json.dumps(Config.model_json_schema(), indent=1)]


@app.callback()
def _config_root() -> None:
    pass
