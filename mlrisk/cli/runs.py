"""`mlrisk runs ...`: each command returns the parts of its output, which mlrisk.cli.app prints."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from mlrisk.cli.options import ConfigPath, SetOption

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List and compare training runs.")

Parts = Iterable[Any]
Run = Annotated[str, typer.Argument(metavar="RUN", help="the id of a run, or how it begins")]


@app.command("list")
def list_runs(config: ConfigPath, set_: SetOption = None) -> Parts:
    """List the training runs of a country with their figures, newest first."""
    from mlrisk.cli.text.runs import listed

    country, store = _opened(config, set_)
    from training.registry import runs_of

    return listed(runs_of(store, country))


@app.command()
def compare(config: ConfigPath, one: Run, other: Run, set_: SetOption = None) -> Parts:
    """Compare two runs: the ten figures, and the settings and inputs that differ."""
    from mlrisk.cli.text.runs import compared
    from training.registry import run_of, runs_compared

    country, store = _opened(config, set_)
    runs = [run_of(store, country, start) for start in (one, other)]
    return compared(runs[0], runs[1], runs_compared(*runs))


def _opened(path: Path, overrides: list[str] | None) -> tuple[str, Any]:
    from mlrisk.settings import load_config
    from training.registry import Store

    loaded = load_config(path, None, overrides or ())
    return loaded.name, Store.existing(loaded)
