"""Survey plans against the truth of synthetic countries, and their speed; see README.md here."""

import argparse
import tempfile
from pathlib import Path

from benchmarks.planning.season import one_season
from benchmarks.planning.seasons import ten_seasons
from benchmarks.planning.speed import million_cells


def main() -> None:
    """Run what is asked for in a scratch folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["season", "seasons", "speed"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[131, 132])
    parser.add_argument("--cells", type=int, default=20_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.what == "speed":
            million_cells()
        for seed in arguments.seeds if arguments.what != "speed" else ():
            run = one_season if arguments.what == "season" else ten_seasons
            run(seed, arguments.cells, Path(scratch))


if __name__ == "__main__":
    main()
