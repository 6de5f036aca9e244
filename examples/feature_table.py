"""The features of every cell as a table: python examples/feature_table.py CONFIG [FAMILY ...]."""

import sys

import mlrisk


def main(config_path: str, *families: str) -> None:
    """Print how complete each feature is, and its range."""
    chosen = [f"features=[{', '.join(families)}]"] if families else []
    table = mlrisk.features(mlrisk.load_config(config_path, overrides=chosen))
    values = table.drop(columns=["easting_m", "northing_m"]).set_index("cell_id")
    known = values.notna().mean().rename("known")
    print(values.agg(["min", "median", "max"]).T.join(known).to_string(float_format="{:.3g}".format))


if __name__ == "__main__":
    main(*sys.argv[1:])
