"""The command line: the only module that prints or exits. Heavy imports wait until a command runs."""

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlrisk.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from mlrisk.config import Config
    from mlrisk.risk_map import Ranking
    from training.train import Trained

app = typer.Typer(
    name="mlrisk",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich help takes twice the 0.4 s that `--help` may take
    help="Ranks land for mine survey. It orders survey work; it never cancels, reduces or releases land.",
)
models_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List and promote model versions.")
app.add_typer(models_app, name="models")

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML config of a country")]
DataOption = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="folder of relative source paths")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="override a config key, such as grid.cell_size_m=250"),
]
JsonOption = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="also write the report as JSON")]

COUNTRY_FOLDER = "country"


def main() -> None:
    """Run the command line; every error ends with its exit code and one sentence that says what would do."""
    from features.errors import MlriskError

    try:
        app()
    except MlriskError as error:
        sys.stderr.write(f"mlrisk: {error}\n")
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 the last line of defence; the trace is what a report of it needs
        traceback.print_exc()
        sys.stderr.write(f"mlrisk: unexpected {type(error).__name__}: {error}\n")
        sys.exit(1)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"mlrisk {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="folder for the country and its map")] = Path("outputs/demo"),
    cells: Annotated[int, typer.Option("--cells", min=2_500, help="least number of cells")] = 40_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="another seed is another country")] = 1,
) -> None:
    """Make a synthetic country with known truth and run the whole chain on it."""
    from mlrisk.api import run as run_chain
    from mlrisk.api import write_report
    from mlrisk.config import load_config
    from mlrisk.synthetic import synthetic_country

    progress = _progress()
    progress("synthetic country")
    country = synthetic_country(seed, cells=cells, folder=out / COUNTRY_FOLDER)
    config = load_config(country.config_path, overrides=["output.folder=.."])
    trained, ranking = run_chain(config, progress)
    progress("done")
    _print_validation(trained.metrics, trained.casualty_metrics)
    _print_report(trained, write_report(config, trained))
    _print_ranking(ranking)


@app.command()
def check(config: ConfigPath, data: DataOption = None, set_: SetOption = None, json_file: JsonOption = None) -> None:
    """Read every source; report what is there, what was repaired or set aside, and why."""
    from features.report import report_rows
    from mlrisk.api import check as run_check

    checked = run_check(_load(config, data, set_))
    rows = report_rows(checked.reports)
    _table(
        "sources",
        ("source", "read", "kept", "repaired", "set aside", "noted", "notes"),
        [
            (
                report.source,
                f"{report.rows_read:,}",
                f"{report.rows_kept:,}",
                _counts(report.repaired),
                _counts(report.set_aside),
                _counts(report.noted),
                "; ".join(report.notes),
            )
            for report in checked.reports
        ],
    )
    print(f"cells: {checked.cells:,}   evidence: {_counts(checked.evidence)}   records: {_counts(checked.records)}")
    if json_file:
        report = {"sources": rows, "cells": checked.cells, "evidence": checked.evidence, "records": checked.records}
        json_file.write_text(json.dumps(report, indent=1, ensure_ascii=False, default=str))
        print(f"report: {json_file}")


@app.command()
def features(
    config: ConfigPath,
    data: DataOption = None,
    set_: SetOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="folder, `features` in the output folder if not given")
    ] = None,
) -> None:
    """Write the features of every cell as a folder of GeoParquet files; goes on where a killed run stopped."""
    from mlrisk.api import write_features

    made = write_features(_load(config, data, set_), out, _progress())
    print(f"features: {made.folder}   {made.cells:,} cells x {made.features} features")
    print(f"tiles: {made.tiles:,}, {made.reused:,} of them reused")


@app.command()
def evidence(
    config: ConfigPath,
    data: DataOption = None,
    set_: SetOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help=".parquet or .csv; evidence.parquet if not given")
    ] = None,
) -> None:
    """Write the evidence ledger for audit: every record on every cell, and the state of the cells at as_of."""
    from mlrisk.api import evidence as write_evidence
    from mlrisk.package import NOT_EVIDENCE

    made = write_evidence(_load(config, data, set_), out, _progress())
    print(f"ledger: {made.files[0]}   {made.rows:,} rows, a cell and a record each")
    print(f"cells: {made.files[1]}   {len(made.evidence.state):,} cells as of {made.evidence.as_of}")
    print(NOT_EVIDENCE)


@app.command()
def train(config: ConfigPath, data: DataOption = None, set_: SetOption = None) -> None:
    """Train and judge both models and register their versions (champion if there is none, else challenger)."""
    from mlrisk.api import write_report
    from training.train import train as run_train

    settings = _load(config, data, set_)
    trained = run_train(settings, progress=_progress())
    _print_validation(trained.metrics, trained.casualty_metrics)
    _print_report(trained, write_report(settings, trained))
    _print_versions(vars(version) for version in trained.versions)
    _print_warnings(trained.warnings)


@app.command()
def rank(config: ConfigPath, data: DataOption = None, set_: SetOption = None) -> None:
    """Score every cell with the champions, explain, rank, plan, and write the planner package."""
    from mlrisk.risk_map import rank as run_rank

    _print_ranking(run_rank(_load(config, data, set_), progress=_progress()))


@app.command()
def run(config: ConfigPath, data: DataOption = None, set_: SetOption = None) -> None:
    """Check, train and rank."""
    from mlrisk.api import run as run_chain
    from mlrisk.api import write_report

    settings = _load(config, data, set_)
    trained, ranking = run_chain(settings, _progress())
    _print_validation(trained.metrics, trained.casualty_metrics)
    _print_report(trained, write_report(settings, trained))
    _print_ranking(ranking)


@app.command()
def verify(
    risk: Annotated[Path, typer.Argument(metavar="RISK", help="risk.parquet or the output folder of a ranking")],
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
    """Judge an old risk map by what was found later, beside the rules of thumb known at its date."""
    from mlrisk.api import verify as run_verify
    from mlrisk.verification_page import RECALL_ONLY, audit_lines, write_verification

    done = run_verify(risk, found, searched, crs)
    counts = done.counts
    print(f"missed: {len(done.missed):,} of {counts['found_cells']:,} found cells lie in the lowest-ranked half; "
          f"{len(done.unranked):,} more had no rank")  # fmt: skip
    _print_missed(done.missed, done.unranked)
    _print_verified(done.table, done.searched_known)
    if not done.searched_known:
        print(RECALL_ONLY)
    for line in audit_lines(done):
        print(line)
    print(f"finds: {counts['finds_read']:,} read, {counts['finds_known_at_as_of']:,} known at {done.as_of} and set "
          f"aside, {counts['finds_outside_the_map']:,} outside the map")  # fmt: skip
    _print_warnings(done.notes)
    write_verification(done, html_file, json_file)
    for name, path in (("report", html_file), ("figures", json_file)):
        if path:
            print(f"{name}: {path}")


@models_app.command("list")
def list_models(config: ConfigPath, set_: SetOption = None) -> None:
    """List the versions of both models, newest first."""
    from training.tracking import Store

    loaded = _load(config, None, set_)
    rows = [
        row for target in ("contamination", "casualty") for row in Store.of(loaded).versions(f"{loaded.name}.{target}")
    ]
    _table(
        "model versions",
        ("model", "version", "alias", "as of", "digest", "promoted by"),
        [
            (
                row["name"], row["version"], row["alias"], row.get("as_of", ""), row.get("digest", "")[:12],
                row.get("promoted_by", ""),
            )
            for row in rows
        ],
    )  # fmt: skip


@models_app.command()
def promote(
    config: ConfigPath,
    target: Annotated[str, typer.Argument(help="contamination or casualty")],
    version: Annotated[int, typer.Argument(min=1, help="number of the version")],
    by: Annotated[str, typer.Option("--by", help="who answers for it")],
    set_: SetOption = None,
) -> None:
    """Let a version rank from now on; an older number rolls back."""
    from training.tracking import Store

    loaded = _load(config, None, set_)
    Store.of(loaded).promote(f"{loaded.name}.{target}", str(version), by)
    print(f"champion: {loaded.name}.{target} version {version}")


def _load(path: Path, data: Path | None, overrides: list[str] | None) -> "Config":
    from mlrisk.config import load_config

    return load_config(path, data, overrides or ())


def _progress() -> Callable[[str], None]:
    """Steps on a terminal, JSON lines otherwise; both on standard error, results go to standard output."""
    started = monotonic()

    def on_terminal(step: str) -> None:
        sys.stderr.write(f"\r\x1b[K{monotonic() - started:6.1f} s  {step}")
        sys.stderr.write("\n" if step == "done" else "")
        sys.stderr.flush()

    def as_json(step: str) -> None:
        sys.stderr.write(json.dumps({"seconds": round(monotonic() - started, 1), "step": step}) + "\n")
        sys.stderr.flush()

    return on_terminal if sys.stderr.isatty() else as_json


def _table(title: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for number, name in enumerate(header):
        table.add_column(name, justify="left" if number == 0 else "default", overflow="fold")
    for row in rows:
        table.add_row(*(escape(text) for text in row))
    console = Console()
    if not console.is_terminal:
        # A pipe has no width: rows stay on their lines.
        console = Console(width=200)
    console.print(table)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "-"


def _print_validation(metrics: "pd.DataFrame", casualty: "pd.DataFrame") -> None:
    """The model beside the rules of thumb, fold by fold and as means."""
    from mlrisk.casualty_map import casualty_table

    if len(metrics):
        # Every fold of every ranking is in the report; here the means, and the model fold by fold where it is honest.
        told = metrics["protocol"].isin(["as_of", "leave_region_out"]) & (metrics["ranking"] == "mlrisk")
        shown = metrics[(metrics["fold"] == "mean") | told]
        _table(
            "contamination, judged on land that was held out (90 % intervals by blocks of land)",
            ("protocol", "fold", "ranking", "ROC AUC", "PR AUC (base)", "recall 1 %", "5 %", "10 % of area", "20 %"),
            [
                (
                    row["protocol"], row["fold"], row["ranking"],
                    f"{row['roc_auc']:.3f}{_interval(row, 'roc_auc', 3)}",
                    f"{row['pr_auc']:.3f} ({row['base_rate']:.3f})", f"{row['recall_1']:.2f}", f"{row['recall_5']:.2f}",
                    f"{row['recall_10']:.2f}{_interval(row, 'recall_10', 2)}",
                    f"{row['recall_20']:.2f}",
                )
                for row in shown.to_dict("records")
            ],
        )  # fmt: skip
    if len(casualty):
        _table("casualties", *casualty_table(casualty))


MOST_MISSED = 20


def _print_missed(missed: "pd.DataFrame", unranked: "pd.DataFrame") -> None:
    """The first of the missed cells with their places; the JSON and the page hold more."""
    rows = [
        (
            str(row["cell_id"]), f"{row['easting_m']:.0f}", f"{row['northing_m']:.0f}",
            f"{100 * row['surveyed_before']:.0f} %", f"{100 * row['best_rule_before']:.0f} % ({row['best_rule']})",
        )
        for row in missed.head(MOST_MISSED).to_dict("records")
    ] + [
        (str(row["cell_id"]), f"{row['easting_m']:.0f}", f"{row['northing_m']:.0f}", str(row["why"]), "")
        for row in unranked.head(MOST_MISSED).to_dict("records")
    ]  # fmt: skip
    if rows:
        _table("missed, worst first", ("cell", "easting", "northing", "surveyed before", "by the best rule"), rows)


def _print_verified(table: "pd.DataFrame", searched_known: bool) -> None:
    header = ("ranking", "recall 1 %", "5 %", "10 % of area", "20 %", "gain of the map at 10 %")
    rows = [
        (
            row["ranking"],
            *(f"{row[f'recall_{share}']:.2f}{_interval(row, f'recall_{share}', 2)}" for share in (1, 5, 10, 20)),
            f"{row['recall_10_gain']:+.2f}{_interval(row, 'recall_10_gain', 2)}" if row["ranking"] != "the map" else "",
            *(
                [f"{row['roc_auc']:.3f}{_interval(row, 'roc_auc', 3)}", f"{row['pr_auc']:.3f} ({row['base_rate']:.3f})"]
                if searched_known
                else []
            ),
        )
        for row in table.to_dict("records")
    ]
    title = "the map against what was found later (90 % intervals by blocks of land)"
    _table(title, (*header, "ROC AUC", "PR AUC (base)") if searched_known else header, rows)


def _print_report(trained: "Trained", files: Iterable[Path]) -> None:
    """What random folds would have promised beyond held-out regions, and where the report lies."""
    gap = {name: value for name, value in trained.optimism_gap.items() if value == value}  # noqa: PLR0124 NaN
    told = ", ".join(f"{name} {value:+.3f}" for name, value in gap.items()) or "not measured"
    print(f"optimism gap (random minus leave_region_out): {told}")
    for file in files:
        print(f"{file.name}: {file}")


def _interval(row: Mapping[Any, Any], name: str, digits: int) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f" ({low:.{digits}f}-{high:.{digits}f})" if low == low else ""  # noqa: PLR0124 NaN where none was drawn


def _print_ranking(ranking: "Ranking") -> None:
    summary: dict[str, Any] = ranking.summary
    for source in summary["inputs"]:
        if source["repaired"] or source["set_aside"]:
            repaired, set_aside = _counts(source["repaired"]), _counts(source["set_aside"])
            print(f"{source['source']}: {source['rows_kept']:,} of {source['rows_read']:,} rows kept; "
                  f"repaired: {repaired}; set aside: {set_aside}")  # fmt: skip
    print(f"cells: {summary['cells']:,}   ranked: {summary['ranked_cells']:,}   tasks: {summary['tasks']:,}")
    _print_versions(summary["models"])
    _print_warnings(summary["warnings"])
    print(ranking.package.notes.NOT_EVIDENCE)
    for path in ranking.files:
        if path.name in ("map.html", "risk.parquet", "risk_map.gpkg", "summary.json"):
            print(f"{path.name}: {path}")


def _print_versions(versions: Iterable[Mapping[str, Any]]) -> None:
    for version in versions:
        print(f"{version['alias']}: {version['name']} version {version['number']} ({version['digest'][:12]})")


def _print_warnings(warnings: Iterable[str]) -> None:
    for warning in warnings:
        print(f"note: {warning}")
