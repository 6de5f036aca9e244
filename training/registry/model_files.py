"""The folder of a model version: MLflow's flavours, the readable files of mlrisk, and the manifest of all of them."""

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.registry.mlrisk_scores import MANIFEST, changed_files, columns_beside

# Files of MLflow's own flavours; mlrisk reads the others.
FLAVOUR_FILES = ("MLmodel", "model.lgb", "conda.yaml", "python_env.yaml", "requirements.txt", "registered_model_meta")
CODE = "code"
LOADER = Path(__file__).with_name("mlrisk_scores.py")
# Files that pyfunc needs: the curve for probabilities, the patterns for casualties. Without them it opens the booster
# alone.
CALIBRATED = ("calibration.json", "blend.json", "features.json")
COUNTED = ("scale.json", "part.json", "features.json")
NEEDED = ("mlflow", "lightgbm", "numpy", "pandas", "scikit-learn")


def write_version(folder: Path, texts: Mapping[str, str]) -> None:
    """Write a version: `mlflow.lightgbm` opens its trees, `mlflow.pyfunc` predicts the values of the map.

    The code that pyfunc runs is one file beside the model; nothing is pickled and mlrisk need not be installed.
    """
    import lightgbm

    with warnings.catch_warnings():
        # MLflow warns about a type hint of its own on import.
        warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType.*")
        import mlflow.lightgbm

    booster = lightgbm.Booster(model_str=texts["booster.txt"])
    columns = _columns(texts)
    signature = _signature(columns) if columns else None
    mlflow.lightgbm.save_model(booster, str(folder), pip_requirements=_requirements(), signature=signature)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    if columns:
        _add_loader(folder)
    (folder / MANIFEST).write_text(json.dumps(manifest_of(folder), indent=1, sort_keys=True), encoding="utf-8")


def read_texts(folder: Path) -> dict[str, str]:
    """The files of a version that mlrisk wrote, by name."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    return {p.name: p.read_text(encoding="utf-8") for p in files if p.name not in (*FLAVOUR_FILES, MANIFEST)}


def manifest_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a version by its path within the folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name not in (MANIFEST, "registered_model_meta")
    }


def differing_files(folder: Path) -> str:
    """The files of a version that differ from its manifest, in words."""
    return ", ".join(changed_files(folder)) or "its manifest was changed with them"


def schema_difference(wanted: Sequence[str], given: Sequence[str]) -> str:
    """The difference between two lists of features, in words; empty if they hold the same names.

    >>> schema_difference(["slope_deg", "road_distance_m"], ["slope_deg", "height_m"])
    'missing: road_distance_m; new: height_m'
    """
    missing, new = [n for n in wanted if n not in given], [n for n in given if n not in wanted]
    parts = [f"{change}: {', '.join(names)}" for change, names in (("missing", missing), ("new", new)) if names]
    return "; ".join(parts)


def _requirements() -> list[str]:
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in NEEDED]


def _columns(texts: Mapping[str, str]) -> list[str]:
    """The columns of a table for pyfunc; none if pyfunc cannot predict."""
    if all(name in texts for name in COUNTED):
        part = json.loads(texts["part.json"])
        return [*json.loads(texts["features.json"]), *columns_beside(part["weights"])]
    return list(json.loads(texts["features.json"])) if all(name in texts for name in CALIBRATED) else []


def _signature(features: Sequence[str]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    # Doubles take floats of any width and NaN; the model handles unknown values.
    return ModelSignature(Schema([ColSpec("double", name) for name in features]), Schema([ColSpec("double")]))


def _add_loader(folder: Path) -> None:
    """Let `mlflow.pyfunc` load the version by mlrisk_scores instead of the raw booster."""
    from mlflow.models import Model

    (folder / CODE).mkdir()
    (folder / CODE / LOADER.name).write_text(LOADER.read_text(encoding="utf-8"), encoding="utf-8", newline="\n")
    model = Model.load(str(folder))
    before = model.flavors["python_function"]
    kept = {name: before[name] for name in ("env", "python_version") if name in before}
    model.flavors.pop("python_function")
    model.add_flavor("python_function", loader_module=LOADER.stem, code=CODE, **kept)
    model.save(str(folder / "MLmodel"))
