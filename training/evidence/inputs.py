"""The grid and the sources of a run, opened once, with their reports."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shapely import union_all

from features.base import FeatureContext, Grid, projected_crs
from features.sources import SourceReport, Sources, open_area, open_sources
from training.evidence.record_kinds import KINDS
from training.settings import TrainConfig

LOGGER = logging.getLogger(__name__)

# Sources whose records are results of single surveys. Where they make labels, features from them would reveal the
# answer of a held-out region through its neighbours, so no model sees those features.
OUTCOME_SOURCES = frozenset({"hazard_areas", "land_release", "survey"})


@dataclass(frozen=True, eq=False)
class Inputs:
    """The inputs of a run: the grid, the opened sources and every report, the area's first.

    `withdrawn` are the keys of the records that a person rejected and that are no longer in the sources.
    """

    grid: Grid
    sources: Sources
    reports: tuple[SourceReport, ...]
    withdrawn: frozenset[str] = frozenset()

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each source, by name; several files of one source by name and path."""
        names = [report.source for report in self.reports]
        return {
            report.source if names.count(report.source) == 1 else f"{report.source} {report.path}": report.digest
            for report in self.reports
        }


def read_inputs(config: TrainConfig) -> Inputs:
    """Open the area and every source of a config; raises ConfigError and InputError that name the fault.

    Records that a person rejected are among them: `open_inputs` leaves them out.
    """
    crs = projected_crs(config.grid.crs)
    area, area_report = open_area(config.grid.area, crs, config.data_folder)
    if config.as_of > datetime.now(UTC).date() + timedelta(days=1):
        ahead = f"as_of ({config.as_of}) lies in the future: nothing can be known of the days up to it"
        area_report = replace(area_report, notes=(*area_report.notes, ahead))
        LOGGER.warning(ahead)
    grid = Grid.from_area(union_all([area]), crs, config.grid.cell_size_m)
    sources = open_sources(config.sources, grid, config.data_folder, config.home_folder)
    for report in sources.reports:
        LOGGER.info("source %s: %d of %d rows kept", report.source, report.rows_kept, report.rows_read)
    LOGGER.info("grid of %d cells of %g m in %s", grid.n_cells, grid.cell_size_m, grid.crs.to_string())
    return Inputs(grid, sources, (area_report, *sources.reports))


def contamination_context(config: TrainConfig) -> FeatureContext:
    """As-of date and own-event rule of the contamination features.

    Records that label a cell must not enter the features of that cell.
    """
    labels = config.contamination.labels
    label_sources = {KINDS[name].source for name in (*labels.found, *labels.searched) if name in KINDS}
    return FeatureContext(
        as_of=config.as_of,
        own_event_sources=frozenset(label_sources) | frozenset(config.contamination.events_in_labels),
        own_block_m=config.contamination.own_block_m,
    )
