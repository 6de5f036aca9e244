"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML config of a country")]
DataOption = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="folder of relative source paths")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="override a config key, such as grid.cell_size_m=250"),
]
JsonOption = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="also write what is printed as JSON")]
