"""The output of `explain`: one cell in full."""

from features.base import NOT_EVIDENCE
from mlrisk.cli.text.parts import Part, Table, versions
from mlrisk.commands import CellStory
from mlrisk.commands.explain_cell import POINTS


def _shown(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 NaN and NaT are not themselves
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value).removesuffix(" 00:00:00")


def cell_parts(story: CellStory) -> list[Part]:
    """Place, evidence and records of one cell, its contamination with interval and domain, reasons, and versions."""
    domain = (
        "rules of the field, not learned here"
        if story.by_rules
        else f"inside the area of applicability (dissimilarity {story.dissimilarity:.2f}, at most "
        f"{story.domain_threshold:.2f}; novelty {story.novelty:.2f})"
        if story.in_domain
        else f"NO BASIS TO RANK: outside the area of applicability (dissimilarity {story.dissimilarity:.2f}, at most "
        f"{story.domain_threshold:.2f}; novelty {story.novelty:.2f})"
    )
    released = "; released by the authority" if story.released else ""
    pair = story.interaction
    together = [f"together: {pair.first} and {pair.second} ({pair.effect:+.2f})"] if pair else []
    records = Table(
        "records that speak of the cell, the strongest first",
        tuple(story.records.columns),
        tuple(tuple(_shown(value) for value in row) for row in story.records.to_numpy(dtype=object)),
    )
    unknown = ", ".join(story.unknown) or f"nothing that the {'rules ask' if story.by_rules else 'model asks'} for"
    place = f"{story.easting_m:.0f} E {story.northing_m:.0f} N, {story.latitude:.5f} {story.longitude:.5f} (WGS 84)"
    return [
        f"cell {story.cell_id} as of {story.as_of}: {place}",
        f"evidence: {story.evidence}{released}",
        "no probability: rules of the field give an order alone"
        if story.by_rules
        else f"contamination: {story.contamination:.3f} ({story.low:.3f} to {story.high:.3f})",
        domain,
        _families(story),
        *together,
        f"unknown here: {unknown}",
        records if len(story.records) else "no record speaks of the cell",
        *versions(vars(version) for version in story.versions),
        NOT_EVIDENCE,
    ]


def _families(story: CellStory) -> Table:
    """What each family gives to the score, in the words of a model or of rules."""
    if story.by_rules:
        points = tuple((one.family, f"{POINTS * one.effect:+.1f}", one.text) for one in story.families)
        title = f"points of {POINTS} that the rules give, more or less than land at the reach of each rule has"
        return Table(title, ("family", "points", "evidence"), points)
    rows = tuple(
        (one.family, f"{one.effect:+.2f}", "yes" if one.steady else "no: not a reason", one.text)
        for one in story.families
    )
    return Table("what moved the score (log-odds)", ("family", "part", "holds on resampled land", "evidence"), rows)
