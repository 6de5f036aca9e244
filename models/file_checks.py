"""Checks of the files of a version: each against its schema, and all of them against each other."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError

from models.file_schemas import (
    BlendFile,
    CalibrationFile,
    DomainFile,
    Features,
    FileSchema,
    LevelFile,
    LikelyRangeFile,
    LinearFile,
    LocalRatioFile,
    MissedShareFile,
    OutOfBagFile,
    PartFile,
    Reference,
    ScaleFile,
    Schema,
    Target,
    VennAbersFile,
)
from models.tree_text import check_trees

Check = Callable[[str, Sequence[str]], None]
Found = TypeVar("Found")
SCORE_LINE = re.compile(r"[0-9]{1,19},-?[0-9]{1,4}\.[0-9]{1,17}")


def check_files(target: Target, texts: Mapping[str, str]) -> None:
    """Raise ValueError, with the file and the reason, unless these are exactly the files of a model.

    A missing file, a file that no model of this kind has, and one that contradicts the others are refused like one that
    cannot be read.
    """
    features = _named("features.json", lambda: Features.validate_json(texts["features.json"], strict=True))
    checks = _contamination(texts) if target == "contamination" else _casualty(texts)
    if strange := sorted(set(texts) - set(checks) - {"features.json"}):
        raise ValueError(f"{strange[0]!r:.80} is no file of a {target} model")
    for name, check in checks.items():
        if name not in texts:
            raise ValueError(f"{name} is missing")
        _named(name, lambda name=name, check=check: check(texts[name], features))  # type: ignore[misc]


def _contamination(texts: Mapping[str, str]) -> dict[str, Check]:
    blend = _named("blend.json", lambda: BlendFile.model_validate_json(texts["blend.json"]))
    checks: dict[str, Check] = {
        "blend.json": _of(BlendFile),
        "calibration.json": _of(CalibrationFile),
        "venn_abers.json": _of(VennAbersFile),
        "missed_share.json": _of(MissedShareFile),
        "domain.json": _of(DomainFile),
    }
    for stem in ("booster", *(f"member_{number:02d}" for number in range(blend.members))):
        if blend.linear_share < 1:
            checks[f"{stem}.txt"] = check_trees
        if blend.linear_share > 0:
            checks[f"{stem}_linear.json"] = _of(LinearFile)
    beside: dict[str, Check] = {
        "level.json": _of(LevelFile),
        "likely_range.json": _of(LikelyRangeFile),
        "local_ratio.json": _of(LocalRatioFile),
        "out_of_bag.json": _of(OutOfBagFile),
        "schema.json": _check_schema,
        "reference.json": _check_reference,
    }
    return checks | {name: check for name, check in beside.items() if name in texts}


def _casualty(texts: Mapping[str, str]) -> dict[str, Check]:
    scale = _named("scale.json", lambda: ScaleFile.model_validate_json(texts["scale.json"]))
    checks: dict[str, Check] = {"scale.json": _of(ScaleFile)}
    for ending in ("", *(f"_member_{number}" for number in range(1, scale.members + 1))):
        checks[f"booster{ending}.txt"] = check_trees
        checks[f"part{ending}.json"] = _part_beside(f"hurdle{ending}.txt" in texts)
        if f"hurdle{ending}.txt" in texts:
            checks[f"hurdle{ending}.txt"] = check_trees
    return checks | ({"scores.csv": _check_scores} if "scores.csv" in texts else {})


def _of(schema: type[FileSchema]) -> Check:
    def check(text: str, features: Sequence[str]) -> None:
        fault = schema.model_validate_json(text).fault(features)
        if fault:
            raise ValueError(fault)

    return check


def _part_beside(hurdle: bool) -> Check:
    def check(text: str, _features: Sequence[str]) -> None:
        part = PartFile.model_validate_json(text)
        if hurdle != (part.mean_where_any is not None):
            raise ValueError("a hurdle has its trees and mean_where_any, or neither")
        if not hurdle and part.weights.get("hurdle", 0):
            raise ValueError("weights name a hurdle that is not there")

    return check


def _check_schema(text: str, features: Sequence[str]) -> None:
    if [row.name for row in Schema.validate_json(text, strict=True)] != list(features):
        raise ValueError("its features are not those of features.json")


def _check_reference(text: str, _features: Sequence[str]) -> None:
    Reference.validate_json(text, strict=True)


def _check_scores(text: str, _features: Sequence[str]) -> None:
    head, *lines = text.splitlines()
    if head != "cell_id,score":
        raise ValueError("its first line is not cell_id,score")
    for number, line in enumerate(lines, start=2):
        if not SCORE_LINE.fullmatch(line):
            raise ValueError(f"line {number} is no cell_id and score")


def _named(name: str, read: Callable[[], Found]) -> Found:
    """The result of `read`; its errors are raised again with the name of the file and the first fault in words."""
    try:
        return read()
    except KeyError as error:
        raise ValueError(f"{name} is missing") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:80]
        raise ValueError(f"{name}: {place}{': ' if place else ''}{first['msg'][:160]}") from error
    except (ValueError, IndexError) as error:
        raise ValueError(f"{name}: {error}") from error
