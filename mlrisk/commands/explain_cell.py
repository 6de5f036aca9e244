"""One cell in full: what is known of it, what the champion says, why, how sure, and what is unknown."""

import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.base import NOT_EVIDENCE, Grid, geographic_centres
from features.table import feature_infos
from mlrisk.ranking import Champions, explained, load_champions, scorer_of
from mlrisk.risk_map import Cases, Language, reason, told
from mlrisk.risk_map.language import language
from mlrisk.settings import Config
from models.attribution import Interaction, strongest_interaction
from models.contamination import ContaminationModel
from training.evidence import STATE_NAMES, Inputs, open_inputs, open_ledger
from training.registry import Version

RECORD_COLUMNS = ("source", "kind", "state", "event_date", "recorded_date", "known", "share", "weight")


@dataclass(frozen=True)
class Said:
    """What a family of features says: its part of the log-odds, whether it holds over resampled land, and in words."""

    family: str
    effect: float
    steady: bool
    text: str


@dataclass(frozen=True, eq=False)
class CellStory:
    """Everything that the program knows of one cell at `as_of`.

    `families` have the one that raised the score most first; `unknown` are features without a value here; `records`
    every record of the ledger that speaks of the cell, those of later dates too (`known` says which counted).
    """

    cell_id: int
    as_of: date
    easting_m: float
    northing_m: float
    longitude: float
    latitude: float
    evidence: str
    released: bool
    contamination: float
    low: float
    high: float
    in_domain: bool
    dissimilarity: float
    domain_threshold: float
    novelty: float
    families: tuple[Said, ...]
    interaction: Interaction | None
    values: dict[str, str]
    unknown: tuple[str, ...]
    records: pd.DataFrame
    versions: tuple[Version, ...]
    code: str

    def tree(self) -> dict[str, Any]:
        """The same as plain JSON values, with the sentence that every output carries."""
        plain = {
            name: value for name, value in vars(self).items() if name not in ("families", "interaction", "records")
        }
        return {
            "not_evidence": NOT_EVIDENCE,
            **plain,
            "as_of": str(self.as_of),
            "families": [asdict(said) for said in self.families],
            "interaction": asdict(self.interaction) if self.interaction else None,
            "records": json.loads(self.records.to_json(orient="records", date_format="iso")),
            "versions": [vars(version) for version in self.versions],
        }


def explain_cell(
    config: Config,
    cell_id: int,
    inputs: Inputs | None = None,
    progress: Callable[[str], None] = lambda _: None,
    code: str | None = None,
) -> CellStory:
    """Explain one cell with the champion; `code` is the language, the first of `output.languages` if none is given.

    Raises ConfigError for a cell that is not in the area or a language that there is not.
    """
    spoken = language(code or config.output.languages[0])
    progress("champions")
    champions = load_champions(config)
    progress("sources")
    inputs = inputs or open_inputs(config)
    progress("evidence")
    ledger = open_ledger(config, inputs)
    records, evidence = ledger.of(cell_id, config.as_of), ledger.at(config.as_of)
    place = int(np.flatnonzero(inputs.grid.cell_ids() == cell_id)[0])
    progress("features")
    scorer = scorer_of(config, inputs, champions.contamination)
    tile = _tile_of(inputs.grid, place)
    values = scorer.values(tile)
    infos = feature_infos(scorer.snapshot, config.features)
    cases = explained(champions.contamination, values, infos, config.compute.threads)
    return _story(config, inputs.grid, place, champions, cases, spoken, records, STATE_NAMES[evidence.shown[place]],
                  bool(evidence.released[place]))  # fmt: skip


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
    spoken: Language,
    records: pd.DataFrame,
    state: str,
    released: bool,
) -> CellStory:
    model, values = champions.contamination, cases.values
    scores = model.scores(values, 1)
    easting, northing = grid.centres_m()[place]
    longitude, latitude = geographic_centres(grid)
    return CellStory(
        int(grid.cell_ids()[place]),
        config.as_of,
        float(easting),
        float(northing),
        float(longitude[place]),
        float(latitude[place]),
        state,
        released,
        float(scores.probability[0]),
        float(scores.low[0]),
        float(scores.high[0]),
        bool(scores.in_domain[0]),
        float(model.domain.dissimilarity(values)[0]),
        float(model.domain.threshold),
        float(model.domain.novelty(values)[0]),
        tuple(_said(cases, spoken, config.as_of)),
        _together(model, cases),
        {
            spoken.text(name, cases.infos): told(name, float(value), _unit(cases, name), spoken)
            for name, value in zip(cases.names, values[0], strict=True)
        },
        tuple(
            spoken.text(name, cases.infos)
            for name, value in zip(cases.names, values[0], strict=True)
            if not np.isfinite(value)
        ),
        records[list(RECORD_COLUMNS)],
        champions.versions,
        spoken.code,
    )


def _said(cases: Cases, spoken: Language, as_of: date) -> list[Said]:
    order = np.argsort(-cases.sums[0], kind="stable")
    return [
        Said(
            cases.families.names[family],
            float(cases.sums[0, family]),
            bool(cases.steady[0, family]),
            reason(cases, 0, int(family), spoken, as_of),
        )
        for family in order
    ]


def _together(model: ContaminationModel, cases: Cases) -> Interaction | None:
    # The score is a blend: features act together in its trees alone.
    trees = model.ranker.trees
    return strongest_interaction(trees, cases.values[0]) if trees else None


def _unit(cases: Cases, name: str) -> str:
    return cases.infos[name].unit if name in cases.infos else ""


def picture(story: CellStory) -> bytes:
    """The families as bars, PNG: right what raised the score, left what lowered it, hatched what does not hold."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [said for said in story.families if abs(said.effect) > 1e-6][::-1]
    figure = Figure(figsize=(6.4, 1.4 + 0.3 * len(shown)), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    bars = axes.barh(
        [said.family.replace("_", " ") for said in shown],
        [said.effect for said in shown],
        color=["#b3401a" if said.effect > 0 else "#3b5b92" for said in shown],
    )
    for bar, said in zip(bars, shown, strict=True):
        if not said.steady:
            bar.set(hatch="///", facecolor="#ffffff", edgecolor="#8a8580")
    axes.axvline(0, color="#1f2430", linewidth=0.8)
    axes.set_xlabel("part of the log-odds (hatched: turns round on resampled land)")
    axes.set_title(
        f"Cell {story.cell_id}, as of {story.as_of}\n"
        f"contamination {story.contamination:.3f} ({story.low:.3f} to {story.high:.3f})",
        x=0, ha="left", fontsize=10,
    )  # fmt: skip
    figure.supxlabel(NOT_EVIDENCE, fontsize=7)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def write_story(story: CellStory, folder: Path) -> tuple[Path, ...]:
    """Write the cell as cell_ID.json and cell_ID.png into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text, image = folder / f"cell_{story.cell_id}.json", folder / f"cell_{story.cell_id}.png"
    text.write_text(json.dumps(story.tree(), indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    image.write_bytes(picture(story))
    return text, image
