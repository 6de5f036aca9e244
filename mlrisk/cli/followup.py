"""`mlrisk progress` and `mlrisk verify`: a plan and a map compared with later results."""

from pathlib import Path
from typing import Annotated

import typer

from mlrisk.cli.options import JsonOption
from mlrisk.cli.output_files import prepare
from mlrisk.cli.printing import print_parts


def progress(
    risk: Annotated[str, typer.Argument(metavar="RISK", help="risk.parquet or the output folder of a ranking")],
    found: Annotated[Path, typer.Option("--found", metavar="FILE", help="points or polygons of later finds")],
    searched: Annotated[Path, typer.Option("--searched", metavar="FILE", help="land released or surveyed since")],
    crs: Annotated[
        str | None, typer.Option("--crs", metavar="CODE", help="CRS of files that state none, such as EPSG:4326")
    ] = None,
) -> None:
    """Hold land release results against the plan: expected and actual finds by task and by purpose."""
    from mlrisk.cli.text.progress import progress_parts
    from mlrisk.followup import plan_progress as run_progress

    print_parts(progress_parts(run_progress(risk, found, searched, crs)))


def verify(
    risk: Annotated[str, typer.Argument(metavar="RISK", help="risk.parquet or the output folder of a ranking")],
    found: Annotated[Path, typer.Option("--found", metavar="FILE", help="points or polygons of later finds")],
    searched: Annotated[
        Path | None, typer.Option("--searched", metavar="FILE", help="what was searched later, points or polygons")
    ] = None,
    crs: Annotated[
        str | None, typer.Option("--crs", metavar="CODE", help="CRS of files that state none, such as EPSG:4326")
    ] = None,
    json_file: JsonOption = None,
    html_file: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="also write a page")] = None,
) -> None:
    """Judge an old risk map by what was found later, beside the baselines of its date."""
    from mlrisk.cli.text.verify import verified
    from mlrisk.followup import verify as run_verify
    from mlrisk.followup import write_verification

    prepare(json_file, html_file)
    done = run_verify(risk, found, searched, crs)
    print_parts(verified(done))
    write_verification(done, html_file, json_file)
    for name, path in (("report", html_file), ("figures", json_file)):
        if path:
            print(f"{name}: {path}")
