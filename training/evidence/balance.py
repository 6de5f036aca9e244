"""The balance of found and searched cells, on which all that is learned rests."""

from training.evidence.states import FOUND, SEARCHED, Evidence

# Below this share of the found cells, searched ones are too few to tell contaminated land from other land.
LEAST_SEARCHED_SHARE = 0.1


def few_searched_notes(evidence: Evidence) -> tuple[str, ...]:
    """A warning if nearly every labelled cell is found; empty if enough are searched."""
    found = int((evidence.state[evidence.labelled] == FOUND).sum())
    searched = int((evidence.state[evidence.labelled] == SEARCHED).sum())
    if searched >= LEAST_SEARCHED_SHARE * found:
        return ()
    note = (
        f"only {searched:,} cells are searched beside {found:,} found: a model learns and is judged by those few. Give "
        "land_release or survey records, or say in contamination.labels.declared_searched what was surveyed"
    )
    return (note,)
