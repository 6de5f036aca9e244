"""The public benchmark of the field: every country, protocol and ranking in one table; see README.md here."""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import pandas as pd

import mlrisk
from benchmarks import ablation
from mlrisk.settings import Config
from training.contamination import dataset_at, earlier_trials, judge_contamination, trials_of
from training.evidence import open_inputs, open_ledger
from training.validation import BASELINES, Ranking, mean_by_ranking

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
SYNTHETIC_SEEDS = (1, 2, 3)
SYNTHETIC_CELLS = 40_000

# The config of each case and its overrides. The north of Bosnia is split into west and east, and at 44.6 N, with and
# without the lines inferred from settlements. The Colombian labels were made from events, so the country is judged with
# them (without a cell's own block) and without any.
NORTH_AND_SOUTH = "validation.regions={north: [15.0, 44.62, 20.0, 46.0], south: [15.0, 44.1, 20.0, 44.58]}"
NO_CONTROL = "sources.control_points=null"
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "bosnia": ("bosnia", ()),
    "bosnia-across": ("bosnia", (NORTH_AND_SOUTH,)),
    "bosnia-without-control": ("bosnia", (NO_CONTROL,)),
    "bosnia-across-without-control": ("bosnia", (NORTH_AND_SOUTH, NO_CONTROL)),
    "colombia": ("colombia", ()),
    "colombia-without-events": (
        "colombia",
        ("features=[terrain, drainage, broad_relief]", "contamination.leave_out=[]"),
    ),
}


def ablated(name: str, config: Config) -> pd.DataFrame:
    """One row for each variant of the model on the held-out regions of a country."""
    inputs = open_inputs(config)
    ledger = open_ledger(config, inputs)
    return ablation.ablation(name, config, dataset_at(config, inputs, ledger.at(config.as_of)))


def judged(name: str, config: Config, rankings: Mapping[str, Ranking]) -> pd.DataFrame:
    """One row for each protocol, fold and ranking of a country, and the means over folds."""
    started = time.monotonic()
    inputs = open_inputs(config)
    ledger = open_ledger(config, inputs)
    dataset = dataset_at(config, inputs, ledger.at(config.as_of))
    trials = trials_of(config, dataset, tuple(earlier_trials(config, inputs, ledger)))
    table = judge_contamination(config, dataset, trials, rankings).table
    print(f"{name}: {len(trials)} folds in {time.monotonic() - started:.0f} s", flush=True)
    return pd.concat([table, mean_by_ranking(table)], ignore_index=True).assign(country=name)


def countries(names: Sequence[str], seeds: Sequence[int], scratch: Path) -> Iterator[tuple[str, Config]]:
    """The configs of the real countries whose data are beside this checkout, and of synthetic ones."""
    for name in names:
        country, overrides = CASES[name]
        if not (DATA / country).is_dir():
            print(f"{name}: skipped, its data are not in {DATA}")
            continue
        yield name, mlrisk.load_config(ROOT / "configs" / f"{country}.yaml", DATA / country, overrides)
    for seed in seeds:
        country = mlrisk.synthetic_country(seed, cells=SYNTHETIC_CELLS, folder=scratch / f"seed-{seed}")
        yield f"synthetic {seed}", mlrisk.load_config(country.config_path)


def own_ranking(text: str) -> Ranking:
    """The ranking module:function, for a model of your own; see training.validation.baselines.Ranking."""
    module, _, function = text.partition(":")
    ranking: Ranking = getattr(import_module(module), function)
    return ranking


def markdown(table: pd.DataFrame, every_fold: bool) -> str:
    """The table as Markdown: means over folds, or every fold."""
    shown = table if every_fold else table[table["fold"] == "mean"]
    lines = [
        "| country | protocol | fold | ranking | ROC AUC | PR AUC (base) | recall at 5 / 10 / 20 % of area |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['country']} | {row['protocol']} | {row['fold']} | {row['ranking']} | {row['roc_auc']:.3f} | "
        f"{row['pr_auc']:.3f} ({row['base_rate']:.3f}) | "
        f"{row['recall_5']:.2f} / {row['recall_10']:.2f} / {row['recall_20']:.2f} |"
        for row in shown.to_dict("records")
    ]
    return "\n".join(lines)


def main() -> None:
    """Judge every country and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--countries", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SYNTHETIC_SEEDS), help="synthetic countries")
    parser.add_argument("--ranking", action="append", default=[], metavar="MODULE:FUNCTION", help="a model of your own")
    parser.add_argument("--folds", action="store_true", help="every fold, not the means alone")
    parser.add_argument("--ablation", action="store_true", help="variants of the model on held-out regions instead")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    rankings = dict(BASELINES) | {text: own_ranking(text) for text in arguments.ranking}
    with tempfile.TemporaryDirectory() as scratch:
        tables = [
            ablated(name, config) if arguments.ablation else judged(name, config, rankings)
            for name, config in countries(arguments.countries, arguments.seeds, Path(scratch))
        ]
    table = pd.concat(tables, ignore_index=True)
    print(ablation.markdown(table) if arguments.ablation else markdown(table, arguments.folds))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
