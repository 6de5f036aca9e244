"""Rank all cells with the champion and draw the ranking: python examples/rank_and_plot.py CONFIG PICTURE.png."""

import sys

from matplotlib.figure import Figure

import mlrisk


def main(config_path: str, picture: str) -> None:
    """Write the planner package of the config and a picture of the ranks."""
    config = mlrisk.load_config(config_path)
    ranking = mlrisk.rank(config)
    risk = mlrisk.load_risk_map(config.output_folder)
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.subplots()
    # Land without a rank has no basis to rank or is released: it is drawn apart, never as low.
    axes.scatter(risk["easting_m"], risk["northing_m"], s=3, marker="s", color="#d9d5cf", label="no rank")
    ranked = risk[risk["rank"].notna()]
    dots = axes.scatter(ranked["easting_m"], ranked["northing_m"], c=ranked["rank"], s=3, marker="s", cmap="magma")
    figure.colorbar(dots, label="rank: 1 is surveyed first")
    axes.set(xlabel="easting, m", ylabel="northing, m", aspect="equal")
    axes.set_title("Not evidence of absence: an unranked or low-ranked cell may be contaminated.", fontsize=8)
    figure.savefig(picture, dpi=120)
    print(f"{len(ranked):,} of {len(risk):,} cells ranked; {len(ranking.files)} files in {config.output_folder}")


if __name__ == "__main__":
    main(*sys.argv[1:])
