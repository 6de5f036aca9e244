"""Hold a map against what was found after it: python examples/verify_map.py OUTPUT_FOLDER FINDS [SEARCHED]."""

import sys

import mlrisk


def main(risk: str, found: str, searched: str | None = None) -> None:
    """Print the missed finds first, then the map beside the baselines of its date."""
    verification = mlrisk.verify(risk, found, searched)
    print(f"map of {verification.as_of}: {verification.counts['found_cells']} cells with later finds on new land")
    print(f"missed, in the lower half of the ranking: {len(verification.missed)}")
    print(verification.missed.head().to_string(index=False))
    shown = verification.table.set_index("ranking")[["recall_5", "recall_10", "recall_20"]]
    print(shown.to_string(float_format="{:.2f}".format))


if __name__ == "__main__":
    main(*sys.argv[1:])
