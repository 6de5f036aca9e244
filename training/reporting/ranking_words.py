"""Rankings in the words of planners."""

from collections.abc import Mapping

RANKING_WORDS: Mapping[str, str] = {
    "mlrisk": "this map",
    "random order": "chance",
    "distance to the line": "nearest to the former front line",
    "distance to an incident": "nearest to an accident",
    "incident density": "most accidents nearby",
    "distance to a settlement": "nearest to a settlement",
    "distance to a hazard area": "nearest to an area on record",
    "distance to what is known": "nearest to known contamination",
    "placebo": "placebo (shifted land)",
}


def ranking_words(name: str) -> str:
    """What planners call a ranking; its own name where there are no words for it.

    >>> ranking_words("distance to an incident"), ranking_words("random forest")
    ('nearest to an accident', 'random forest')
    """
    return RANKING_WORDS.get(name, name)
