"""The command line: every command loads its config, runs, and prints the result. Heavy imports wait until then."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlrisk.cli import config_commands
from mlrisk.cli import followup as followup_cli
from mlrisk.cli import init as init_cli
from mlrisk.cli import models as models_cli
from mlrisk.cli import runs as runs_cli
from mlrisk.cli import training as training_cli
from mlrisk.cli.options import ConfigPath, DataOption, JsonOption, SetOption
from mlrisk.cli.output_files import prepare, prepare_folder
from mlrisk.cli.printing import print_parts
from mlrisk.cli.program import app
from mlrisk.cli.run_log import current_log

if TYPE_CHECKING:
    from features.base import Place
    from mlrisk.settings import Config

__all__ = ["app"]

COUNTRY_FOLDER = "country"


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="folder for the country and its map")] = Path("outputs/demo"),
    cells: Annotated[int, typer.Option("--cells", min=2_500, help="least number of cells")] = 40_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="another seed is another country")] = 1,
) -> None:
    """Make a synthetic country with known truth and run the whole chain on it."""
    from mlrisk.cli.text.rank import ranked_map
    from mlrisk.cli.text.train import judged
    from mlrisk.commands import run as run_chain
    from mlrisk.commands import write_report
    from mlrisk.settings import load_config
    from mlrisk.synthetic import synthetic_country

    prepare_folder("--out", out)
    progress = current_log()
    progress("synthetic country")
    country = synthetic_country(seed, cells=cells, folder=out / COUNTRY_FOLDER)
    config = load_config(country.config_path, overrides=["output.folder=.."])
    trained, ranking = run_chain(config, progress)
    progress("done")
    print_parts([*judged(trained, write_report(config, trained)), *ranked_map(ranking)])


@app.command()
def warm() -> None:
    """Compile ahead what the first map would wait for; once after an installation, by a user who may write there."""
    from mlrisk.commands import warm as compile_kernels

    made = compile_kernels()
    print_parts([f"kernels: {made.compiled} compiled, {made.found} found compiled, {made.seconds:.0f} s"])


@app.command()
def check(config: ConfigPath, data: DataOption = None, set_: SetOption = None, json_file: JsonOption = None) -> None:
    """Read every source; report what is there, what was repaired or set aside, and why."""
    from features.sources import report_rows
    from mlrisk.cli.text.check import checked_sources
    from mlrisk.commands import check as run_check

    prepare(json_file)
    checked = run_check(_load(config, data, set_))
    print_parts(checked_sources(checked))
    if json_file:
        report = {
            "sources": report_rows(checked.reports),
            "cells": checked.cells,
            "evidence": checked.evidence,
            "records": checked.records,
            "memory_gb": checked.memory_gb,
            "core_minutes": checked.core_minutes,
        }
        json_file.write_text(json.dumps(report, indent=1, ensure_ascii=False, default=str), encoding="utf-8")
        print(f"report: {json_file}")


@app.command()
def features(
    config: ConfigPath,
    data: DataOption = None,
    set_: SetOption = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DIR", help="folder or address, `features` in the output folder if not given"),
    ] = None,
) -> None:
    """Write the features of every cell as a folder of GeoParquet files; goes on where a killed run stopped."""
    from mlrisk.commands import write_features

    settings = _load(config, data, set_)
    prepare_folder(*_target(out, settings))
    written = write_features(settings, out, current_log())
    table = f"features: {written.folder}   {written.cells:,} cells x {written.features} features"
    print_parts([table, f"tiles: {written.tiles:,}, {written.reused:,} of them reused"])


@app.command()
def evidence(
    config: ConfigPath,
    data: DataOption = None,
    set_: SetOption = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help=".parquet or .csv; evidence.parquet if not given")
    ] = None,
) -> None:
    """Write the evidence ledger for audit: every record on every cell, and the state of the cells at as_of."""
    from features.base import NOT_EVIDENCE, place_of
    from mlrisk.commands import evidence as write_evidence

    settings = _load(config, data, set_)
    if out:
        # Its folder is made where it is not there.
        prepare_folder("--out", place_of("--out", out).parent)
    else:
        prepare_folder("output.folder", settings.output_folder)
    written = write_evidence(settings, out, current_log())
    records, cells = written.files[:2]
    print_parts(
        [
            f"ledger: {records}   {written.rows:,} rows, a cell and a record each",
            f"cells: {cells}   {len(written.evidence.state):,} cells as of {written.evidence.as_of}",
            NOT_EVIDENCE,
        ]
    )


app.command()(training_cli.evaluate)
app.command()(training_cli.train)


@app.command()
def rank(
    config: ConfigPath,
    data: DataOption = None,
    set_: SetOption = None,
    compare: Annotated[
        str | None, typer.Option("--compare", metavar="OLD", help="output folder of another plan: say what changes")
    ] = None,
) -> None:
    """Score every cell with the champions, explain, rank, plan, and write the planner package."""
    from mlrisk.cli.text.rank import compared, ranked_map
    from mlrisk.commands.rank import rank as run_rank
    from mlrisk.followup import compare_plans, read_tasks

    settings = _load(config, data, set_)
    # Read first: the new package may replace the old one.
    old = read_tasks(compare) if compare else None
    ranking = run_rank(settings, progress=current_log(), earlier=old)
    print_parts(ranked_map(ranking))
    if old is not None:
        print_parts(compared(compare_plans(old, ranking.package.tasks)))


app.command()(followup_cli.progress)


@app.command()
def run(config: ConfigPath, data: DataOption = None, set_: SetOption = None) -> None:
    """Check, train and rank."""
    from mlrisk.cli.text.rank import ranked_map
    from mlrisk.cli.text.train import judged
    from mlrisk.commands import run as run_chain
    from mlrisk.commands import write_report

    settings = _load(config, data, set_)
    trained, ranking = run_chain(settings, current_log())
    print_parts([*judged(trained, write_report(settings, trained)), *ranked_map(ranking)])


@app.command()
def retrain(
    config: ConfigPath,
    approve: Annotated[
        str | None,
        typer.Option("--approve", metavar="NAME", help="sign for the version that waits; nothing is trained"),
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="the waiting version that --approve signs for")
    ] = None,
    accept: Annotated[
        list[str] | None, typer.Option("--accept", metavar="ROWS", help="these records are right: survey:12,15-20")
    ] = None,
    reject: Annotated[
        list[str] | None, typer.Option("--reject", metavar="ROWS", help="these records must not teach")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="who decides about these records")] = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Train on newer results, judge beside the champion, promote or refuse, and rank with the champion.

    Exit code 4: the gate refused; the output states the reasons, and the earlier champion has ranked.
    """
    from features.base import ConfigError
    from mlrisk.cli.text.retrain import retrained
    from mlrisk.commands.retrain import decide_about_records
    from mlrisk.commands.retrain import retrain as run_retrain
    from training.retraining import REFUSED

    if version is not None and approve is None:
        raise ConfigError(f"--version ({version}) says what --approve NAME signs for: give both")
    if bool(accept or reject) != (by is not None):
        raise ConfigError(f"--accept or --reject and --by ({by}) belong together: give ROWS and the person")
    loaded = _load(config, data, set_)
    if by is not None:
        for line in decide_about_records(loaded, accept or (), reject or (), by):
            print(line)
    done = run_retrain(loaded, approve, current_log(), version)
    print_parts(retrained(done))
    if done.decision.kind == REFUSED:
        raise typer.Exit(4)


app.command()(followup_cli.verify)


@app.command()
def explain(
    config: ConfigPath,
    cell: Annotated[int, typer.Option("--cell", metavar="ID", help="cell_id of risk.parquet")],
    data: DataOption = None,
    set_: SetOption = None,
    language: Annotated[str | None, typer.Option("--language", metavar="CODE", help="of the reasons: en, az")] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DIR", help="for cell_ID.json and .png; the output folder"),
    ] = None,
) -> None:
    """Explain one cell in full: its records, what the champion says, why, how sure, and what is unknown."""
    from mlrisk.cli.text.explain import cell_parts
    from mlrisk.commands import write_story
    from mlrisk.commands.explain_cell import explain_cell

    settings = _load(config, data, set_)
    what, target = _target(out, settings)
    prepare_folder(what, target)
    story = explain_cell(settings, cell, progress=current_log(), code=language)
    print_parts(cell_parts(story))
    for path in write_story(story, target):
        print(f"written: {path}")


def _target(out: str | None, settings: "Config") -> "tuple[str, Place]":
    """Where a command writes: the option or key that says so, and the folder."""
    from features.base import place_of

    return ("--out", place_of("--out", out)) if out else ("output.folder", settings.output_folder)


def _load(path: Path, data: Path | None, overrides: list[str] | None) -> "Config":
    from mlrisk.settings import load_config

    return load_config(path, data, overrides or ())


app.command()(init_cli.init)
app.add_typer(models_cli.app, name="models", result_callback=print_parts)
app.add_typer(runs_cli.app, name="runs", result_callback=print_parts)
app.add_typer(config_commands.app, name="config", result_callback=print_parts)
