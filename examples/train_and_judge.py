"""Train both models and show the model beside its baselines: python examples/train_and_judge.py CONFIG."""

import sys

import mlrisk


def main(config_path: str) -> None:
    """Print recall at 10 % of the area on regions that the model had not seen, and the versions registered."""
    trained = mlrisk.train(mlrisk.load_config(config_path))
    judged = trained.metrics.query("protocol == 'leave_region_out' and fold == 'mean'")
    print(judged.set_index("ranking")[["recall_10", "roc_auc", "base_rate"]].to_string(float_format="{:.2f}".format))
    for version in trained.versions:
        print(f"{version.name} version {version.number} ({version.alias})")
    for warning in trained.warnings:
        print(f"note: {warning}")


if __name__ == "__main__":
    main(*sys.argv[1:])
