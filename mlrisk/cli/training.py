"""`mlrisk evaluate` and `mlrisk train`: how good the model of a config is, and the versions that it makes."""

from typing import Annotated

import typer

from mlrisk.cli.options import ConfigPath, DataOption, JsonOption, SetOption
from mlrisk.cli.output_files import prepare, prepare_folder
from mlrisk.cli.printing import print_parts
from mlrisk.cli.run_log import current_log

# What `evaluate --model` judges, and how its row is called; empty: in the place of the model itself.
MODELS = {
    "lightgbm": "", "logistic": "logistic regression", "random_forest": "random forest",
    "gradient_boosting": "gradient boosting",
}  # fmt: skip


def evaluate(
    config: ConfigPath,
    protocol: Annotated[
        list[str] | None,
        typer.Option("--protocol", metavar="NAME", help="as_of, leave_region_out (default), knndm, random; repeatable"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help=f"instead of the blend, or shown beside it: {', '.join(MODELS)}"),
    ] = None,
    data: DataOption = None,
    set_: SetOption = None,
    json_file: JsonOption = None,
) -> None:
    """Judge the model of a config on held-out land beside the baselines; registers and writes nothing."""
    from features.base import ConfigError
    from mlrisk.cli.text.train import judged_contamination
    from mlrisk.commands import evaluate as judge_model
    from mlrisk.commands import open_country, scikit_learn_boosting
    from mlrisk.settings import load_config

    if model is not None and model not in MODELS:
        raise ConfigError(f"--model ({model}) is unknown: choose from {', '.join(MODELS)}")
    prepare(json_file)
    # The trees of LightGBM without the regression that they are blended with.
    trees = ["contamination.linear_share=0"] if model == "lightgbm" else []
    country = open_country(load_config(config, data, [*(set_ or ()), *trees]), current_log())
    estimator = scikit_learn_boosting(country.config.seed) if model == "gradient_boosting" else None
    shown = MODELS.get(model or "", "")
    table = judge_model(estimator, country, protocol or ("leave_region_out",), shown or "estimator")
    print_parts(judged_contamination(table[table["fold"] == "pooled"], also=shown))
    if json_file:
        table.to_json(json_file, orient="records", indent=1)
        print(f"figures: {json_file}")


def train(
    config: ConfigPath,
    only: Annotated[
        str | None, typer.Option("--only", metavar="TARGET", help="contamination: the casualty model stays as it was")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="train even where nothing changed since the last time")
    ] = False,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Train and judge the models and register their versions (champion if there is none, else challenger).

    What would come out the same is not trained again. All figures are in report.html; here are those that decide.
    """
    from mlrisk.cli.text.train import judged, noted
    from mlrisk.commands import train_what_is_new, write_report
    from mlrisk.settings import load_config

    settings = load_config(config, data, set_ or ())
    prepare_folder("output.folder", settings.output_folder)
    trained = train_what_is_new(settings, progress=current_log(), only=only, again=again)
    parts = [*judged(trained, write_report(settings, trained)), *noted(trained)]
    print_parts(parts)
