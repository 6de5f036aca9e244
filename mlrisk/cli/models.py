"""`mlrisk models ...`: each command returns the parts of its output, which mlrisk.cli.app prints."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mlrisk.settings import Config
    from training.registry import Store

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="List, compare, promote, roll back and move model versions."
)

# Lines and tables of cli/text; typed loosely because typer reads annotations and `--help` loads nothing heavy.
Parts = Iterable[Any]
ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML config of a country")]
TargetName = Annotated[str, typer.Argument(metavar="TARGET", help="contamination or casualty")]
Number = Annotated[int, typer.Argument(min=1, help="number of the version")]
By = Annotated[str, typer.Option("--by", help="who answers for it")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="override a config key")]


@app.command("list")
def list_models(config: ConfigPath, set_: SetOption = None) -> Parts:
    """List the versions of both models with their figures, newest first."""
    from mlrisk.cli.text.models import listed
    from training.registry import TARGETS, rows_of

    loaded, store = _opened(config, set_)
    return listed(row for target in TARGETS for row in rows_of(store, f"{loaded.name}.{target}"))


@app.command()
def show(config: ConfigPath, target: TargetName, version: Number, set_: SetOption = None) -> Parts:
    """Show one version: figures, data, code, and who decided on it."""
    from mlrisk.cli.text.models import shown
    from training.registry import row_of

    loaded, store = _opened(config, set_)
    return shown(row_of(store, _model(loaded, target), str(version)))


@app.command()
def compare(config: ConfigPath, target: TargetName, version: Number, other: Number, set_: SetOption = None) -> Parts:
    """Compare two versions: figures, settings, inputs and features that differ."""
    from mlrisk.cli.text.models import compared as comparison
    from training.registry import compared

    loaded, store = _opened(config, set_)
    return comparison(compared(store, _model(loaded, target), str(version), str(other)))


@app.command()
def promote(
    config: ConfigPath,
    target: TargetName,
    version: Number,
    by: By,
    alone: Annotated[bool, typer.Option("--alone", help="leave the other model of this training where it is")] = False,
    set_: SetOption = None,
) -> Parts:
    """Let a version rank from now on, with the other model of the same training."""
    from training.registry import promote as let_rank
    from training.registry import row_of, training_of

    loaded, store = _opened(config, set_)
    row = row_of(store, _model(loaded, target), str(version))
    numbers = {row.name: row.number} if alone else training_of(store, row)
    over = store.champions(loaded.name)
    let_rank(store, loaded, numbers, by, "by hand", judged_against=over)
    return [*_ranking(numbers, over), "map: run `mlrisk rank`"]


@app.command()
def rollback(config: ConfigPath, by: By, set_: SetOption = None) -> Parts:
    """Let the versions rank again that ranked before the newest promotion; then `mlrisk rank` restores their map."""
    from training.registry import roll_back

    loaded, store = _opened(config, set_)
    over = store.champions(loaded.name)
    return [*_ranking(roll_back(store, loaded, by), over), "map: run `mlrisk rank`"]


@app.command("export")
def export_model(
    config: ConfigPath,
    target: TargetName,
    version: Number,
    out: Annotated[Path, typer.Argument(metavar="PATH", help="a new folder, or a new file that ends in .zip")],
    sign: Annotated[
        Path | None, typer.Option("--sign", metavar="KEY", help="private key; writes PATH.sig beside it")
    ] = None,
    set_: SetOption = None,
) -> Parts:
    """Write a version as one folder or archive, for a machine without a network."""
    from training.registry import export_version, signature_path

    loaded, store = _opened(config, set_)
    made = export_version(store, _model(loaded, target), str(version), out, sign)
    return [f"exported: {made}", f"signature: {signature_path(made)}" if sign else "signature: none, give --sign KEY"]


@app.command("import")
def import_model(
    config: ConfigPath,
    source: Annotated[Path, typer.Argument(metavar="PATH", help="what `mlrisk models export` wrote")],
    by: By = "import",
    key: Annotated[
        Path | None, typer.Option("--key", metavar="PUB", help="public key of the authority that signed it (PATH.sig)")
    ] = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="take it without a signature")] = False,
    transfer: Annotated[
        bool, typer.Option("--transfer", help="of another country: it ranks by the features that both have")
    ] = False,
    set_: SetOption = None,
) -> Parts:
    """Register an exported version; champion where there is none, else it waits for `mlrisk models promote`."""
    from mlrisk.settings import load_config
    from training.registry import Store, import_version, transfer_version

    loaded = load_config(config, None, set_ or ())
    store = Store.of(loaded)
    if transfer:
        made = transfer_version(store, loaded, source, by, key=key, unsigned=unsigned)
        return [f"transferred: {made.name} version {made.number}{f', {made.alias}' if made.alias else ''}"]
    version, new = import_version(store, loaded, source, by, key=key, unsigned=unsigned)
    ranks = f", {version.alias}" if version.alias else ""
    return [f"{'imported' if new else 'already here'}: {version.name} version {version.number}{ranks}"]


@app.command()
def prune(
    config: ConfigPath,
    by: By,
    keep: Annotated[int, typer.Option("--keep", min=1, help="newest versions of each model that stay")] = 5,
    set_: SetOption = None,
) -> Parts:
    """Delete old versions that neither rank, wait nor are needed to roll back, with their runs and files."""
    from training.registry import prune as delete_old

    loaded, store = _opened(config, set_)
    gone = delete_old(store, loaded, keep, by)
    return [f"deleted: {row.name} version {row.number}" for row in gone] or ["nothing to delete"]


@app.command()
def keys(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="writes NAME.key, which signs, and NAME.pub")],
) -> Parts:
    """Make a pair of keys: the private one signs exports and stays; the public one goes to those who import them."""
    from training.registry import make_keys

    private, public = make_keys(name)
    return [f"private key: {private} (keep it; there is no passphrase)", f"public key: {public}"]


def _ranking(numbers: "Mapping[str, str]", over: "Mapping[str, str | None]") -> list[str]:
    """The versions that rank now, and the model that did not change."""
    lines = [
        f"champion: {name} version {number}" + (f", before it version {over[name]}" if over.get(name) else "")
        for name, number in numbers.items()
    ]
    others = {name: number for name, number in over.items() if name not in numbers and number is not None}
    return lines + [f"as before: {name} version {number}" for name, number in others.items()]


def _opened(path: Path, overrides: list[str] | None) -> "tuple[Config, Store]":
    from mlrisk.settings import load_config
    from training.registry import Store

    loaded = load_config(path, None, overrides or ())
    return loaded, Store.existing(loaded)


def _model(config: "Config", target: str) -> str:
    from features.base import ConfigError
    from training.registry import TARGETS

    if target not in TARGETS:
        raise ConfigError(f"TARGET ({target}) must be one of {', '.join(TARGETS)}")
    return f"{config.name}.{target}"
