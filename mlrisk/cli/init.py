"""`mlrisk init`: from a folder of files to a config that is checked."""

from pathlib import Path
from typing import Annotated

import typer

from mlrisk.cli.printing import print_parts


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="folder with the files of a country")],
    name: Annotated[str | None, typer.Option("--name", metavar="N", help="of the country; that of the folder")] = None,
    force: Annotated[bool, typer.Option("--force", help="replace a config of that name")] = False,
) -> None:
    """Look at a folder of files, write a commented config for them, and check it."""
    from mlrisk.cli.text.check import checked_sources
    from mlrisk.cli.text.init import proposed
    from mlrisk.commands import check as run_check
    from mlrisk.commands import init as run_init
    from mlrisk.settings import load_config

    done = run_init(folder, name, force=force)
    print_parts(proposed(done))
    print_parts(checked_sources(run_check(load_config(done.config))))
