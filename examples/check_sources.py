"""Read every source and say what was kept, repaired and set aside: python examples/check_sources.py CONFIG."""

import sys

import mlrisk


def main(config_path: str) -> None:
    """Print one line a source, and what is known of the land."""
    config = mlrisk.load_config(config_path)
    checked = mlrisk.check(config)
    for report in checked.reports:
        aside = ", ".join(f"{why} {count}" for why, count in report.set_aside.items())
        print(f"{report.source}: {report.rows_kept:,} of {report.rows_read:,} kept; set aside: {aside or 'none'}")
    print(f"{checked.cells:,} cells as of {config.as_of}: {checked.evidence}")


if __name__ == "__main__":
    main(*sys.argv[1:])
