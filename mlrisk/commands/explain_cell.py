"""`mlrisk explain`: one cell in full, with its records, its score, the reasons, and unknown features."""

import io
import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from features.base import NOT_EVIDENCE, Grid, Place, Progress, filled, geographic_centres, no_progress
from features.table import feature_infos
from mlrisk.ranking import PRIOR, Champions, explained, load_champions, prior_champions, scorer_of
from mlrisk.risk_map import Cases, Language, quantity_text, reason
from mlrisk.risk_map.language import language
from mlrisk.settings import Config
from models.attribution import Interaction, strongest_interaction
from models.contamination import ContaminationModel
from models.field_rules import PriorModel
from training.evidence import STATE_NAMES, Evidence, Inputs, in_open_area, open_inputs, open_ledger
from training.registry import Version

# The score of rules is shown out of so many points.
POINTS = 100
RECORD_COLUMNS = ("source", "kind", "state", "event_date", "recorded_date", "known", "share", "weight")


@dataclass(frozen=True)
class FamilyEffect:
    """A family of features: its effect, whether that is steady over resampled land, and the reason.

    The effect of a model is its contribution to the log-odds; that of rules of the field a part of their score from 0
    to 1, compared with land at the reach of each rule.
    """

    family: str
    effect: float
    steady: bool
    text: str


@dataclass(frozen=True, eq=False, kw_only=True)
class CellStory:
    """One cell at `as_of`: its records, its score and the reasons for it.

    `families` begin with the one that raised the score most; `unknown` are features without a value here; `records`
    every record of the ledger on the cell, those of later dates too (`known` marks those that counted). `by_rules`:
    rules of the field rank in the place of a model.
    """

    cell_id: int
    as_of: date
    easting_m: float
    northing_m: float
    longitude: float
    latitude: float
    evidence: str
    released: bool
    by_rules: bool
    contamination: float
    low: float
    high: float
    in_domain: bool
    dissimilarity: float
    domain_threshold: float
    novelty: float
    families: tuple[FamilyEffect, ...]
    interaction: Interaction | None
    values: dict[str, str]
    unknown: tuple[str, ...]
    records: pd.DataFrame
    versions: tuple[Version, ...]
    code: str

    def tree(self) -> dict[str, Any]:
        """The cell as plain JSON values, with the sentence that every output carries."""
        plain = {
            name: value for name, value in vars(self).items() if name not in ("families", "interaction", "records")
        }
        return {
            "not_evidence": NOT_EVIDENCE,
            **plain,
            "as_of": str(self.as_of),
            "families": [asdict(one) for one in self.families],
            "interaction": asdict(self.interaction) if self.interaction else None,
            "records": json.loads(self.records.to_json(orient="records", date_format="iso")),
            "versions": [vars(version) for version in self.versions],
        }


def explain_cell(
    config: Config,
    cell_id: int,
    inputs: Inputs | None = None,
    progress: Progress = no_progress,
    code: str | None = None,
) -> CellStory:
    """Explain one cell with the champion; `code` is the language, the first of `output.languages` if none is given.

    Raises ConfigError for a cell outside the area or an unknown language.
    """
    words = language(code or config.output.languages[0])
    champions = None
    if config.ranking.policy != PRIOR:
        progress("champions")
        champions = load_champions(config)
    progress("sources")
    inputs = inputs or open_inputs(config)
    champions = champions or prior_champions(config, inputs)
    progress("evidence")
    ledger = open_ledger(config, inputs)
    records, evidence = ledger.of(cell_id, config.as_of), ledger.at(config.as_of)
    place = int(np.flatnonzero(inputs.grid.cell_ids() == cell_id)[0])
    progress("features")
    scorer = scorer_of(config, inputs, champions.contamination, evidence)
    tile = _tile_of(inputs.grid, place)
    values = scorer.values(tile)
    infos = feature_infos(scorer.snapshot, config.features)
    cases = explained(champions.contamination, values, infos, config.compute.threads)
    return _story(config, inputs.grid, place, champions, cases, words, records, evidence)


def _tile_of(grid: Grid, place: int) -> Grid:
    """The grid of one cell: a feature does not depend on where the borders of a tile are."""
    row, column = (int(index[place]) for index in np.nonzero(grid.mask))
    return grid.window(row, row + 1, column, column + 1)


def _story(
    config: Config,
    grid: Grid,
    place: int,
    champions: Champions,
    cases: Cases,
    words: Language,
    records: pd.DataFrame,
    evidence: Evidence,
) -> CellStory:
    model, values = champions.contamination, cases.values
    domain = model.domain if isinstance(model, ContaminationModel) else None
    scores = model.scores(
        values, 1, grid.centres_m()[place : place + 1], in_open_area(evidence.status[place : place + 1])
    )
    easting, northing = grid.centres_m()[place]
    longitude, latitude = geographic_centres(grid)
    return CellStory(
        cell_id=int(grid.cell_ids()[place]),
        as_of=config.as_of,
        easting_m=float(easting),
        northing_m=float(northing),
        longitude=float(longitude[place]),
        latitude=float(latitude[place]),
        evidence=STATE_NAMES[evidence.shown[place]],
        released=bool(evidence.released[place]),
        by_rules=isinstance(model, PriorModel),
        contamination=float(scores.probability[0]),
        low=float(scores.low[0]),
        high=float(scores.high[0]),
        in_domain=bool(scores.in_domain[0]),
        dissimilarity=float(domain.dissimilarity(values)[0]) if domain else np.nan,
        domain_threshold=float(domain.threshold) if domain else np.nan,
        novelty=float(domain.novelty(values)[0]) if domain else np.nan,
        families=tuple(_family_effects(cases, words, config.as_of)),
        interaction=_together(model, cases),
        values={
            words.text(name, cases.infos): quantity_text(name, float(value), _unit(cases, name), words)
            for name, value in zip(cases.names, values[0], strict=True)
        },
        unknown=tuple(
            words.text(name, cases.infos)
            for name, value in zip(cases.names, values[0], strict=True)
            if not np.isfinite(value)
        ),
        records=records[list(RECORD_COLUMNS)],
        versions=champions.versions,
        code=words.code,
    )


def _family_effects(cases: Cases, words: Language, as_of: date) -> list[FamilyEffect]:
    order = np.argsort(-cases.sums[0], kind="stable")
    return [
        FamilyEffect(
            cases.families.names[family],
            float(cases.sums[0, family]),
            bool(cases.steady[0, family]),
            reason(cases, 0, int(family), words, as_of),
        )
        for family in order
    ]


def _together(model: ContaminationModel | PriorModel, cases: Cases) -> Interaction | None:
    # The score is a blend, in which only the trees have interactions.
    trees = model.ranker.trees if isinstance(model, ContaminationModel) else None
    return strongest_interaction(trees, cases.values[0]) if trees else None


def _unit(cases: Cases, name: str) -> str:
    return cases.infos[name].unit if name in cases.infos else ""


def _stated(story: CellStory) -> str:
    """The probability and its likely range; rules of the field have none."""
    if story.by_rules:
        return "rules of the field: no probability"
    return f"contamination {story.contamination:.3f} ({story.low:.3f} to {story.high:.3f})"


def picture(story: CellStory) -> bytes:
    """The families as bars (PNG): those that raised the score to the right, those without a steady effect hatched."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [one for one in story.families if abs(one.effect) > 1e-6][::-1]
    figure = Figure(figsize=(6.4, 1.4 + 0.3 * len(shown)), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    bars = axes.barh(
        [one.family.replace("_", " ") for one in shown],
        [one.effect * (POINTS if story.by_rules else 1) for one in shown],
        color=["#b3401a" if one.effect > 0 else "#3b5b92" for one in shown],
    )
    for bar, one in zip(bars, shown, strict=True):
        if not one.steady:
            bar.set(hatch="///", facecolor="#ffffff", edgecolor="#8a8580")
    axes.axvline(0, color="#1f2430", linewidth=0.8)
    axes.set_xlabel(
        f"points of {POINTS} of the rules, against land at the reach of each"
        if story.by_rules
        else "part of the log-odds (hatched: turns round on resampled land)"
    )
    axes.set_title(
        f"Cell {story.cell_id}, as of {story.as_of}\n{_stated(story)}",
        x=0, ha="left", fontsize=10,
    )  # fmt: skip
    figure.supxlabel(NOT_EVIDENCE, fontsize=7)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def write_story(story: CellStory, folder: Place) -> tuple[Place, ...]:
    """Write the cell as cell_ID.json and cell_ID.png into the folder."""
    text, image = f"cell_{story.cell_id}.json", f"cell_{story.cell_id}.png"
    tree = json.dumps(story.tree(), indent=1, ensure_ascii=False, default=str) + "\n"
    with filled("the folder of the cell", folder) as local:
        local.mkdir(parents=True, exist_ok=True)
        (local / text).write_text(tree, encoding="utf-8")
        (local / image).write_bytes(picture(story))
    return folder / text, folder / image
