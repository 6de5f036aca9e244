"""A synthetic country with known truth, written as the files that an authority would hand over."""

from dataclasses import dataclass
from pathlib import Path

from mlrisk.synthetic.country import build_country
from mlrisk.synthetic.files import write_country

__all__ = ["SyntheticCountry", "synthetic_country"]


@dataclass(frozen=True)
class SyntheticCountry:
    """Where the files of a synthetic country lie."""

    folder: Path
    config_path: Path
    truth_raster: Path
    truth_json: Path


def synthetic_country(
    seed: int = 1, *, cells: int = 40_000, folder: Path, cell_size_m: float = 250.0
) -> SyntheticCountry:
    """Make the country of a seed with at least `cells` cells and write it into `folder`.

    The folder then holds a config, every source and the truth (`truth.tif`, `truth.json`, `truth.gpkg`). The same
    arguments give the same files. Raises ConfigError for fewer than 1,000 cells, less than 20 km2, or cells outside
    50 to 1,000 m.
    """
    folder = Path(folder)
    write_country(build_country(seed, cells, cell_size_m), folder)
    return SyntheticCountry(folder, folder / "config.yaml", folder / "truth.tif", folder / "truth.json")
