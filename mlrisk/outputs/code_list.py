"""The meaning of the codes in the files, as a table to join in a GIS."""

import pandas as pd

from mlrisk.risk_map import CLASSES, EVIDENCE_CODES, EVIDENCE_TEXTS

PURPOSES = {
    "survey": "by the ranking policy",
    "explore": "where survey teaches the map most",
    "audit": "drawn at random, to tell what the map misses",
}


def lookup_table() -> pd.DataFrame:
    """`field`, `value`, `meaning` and `colour` (empty for none), all text, in a fixed order."""
    rows = [("priority_class", str(cls.code), cls.text, cls.colour) for cls in CLASSES]
    rows += [
        ("evidence", name, EVIDENCE_TEXTS[name], "") for name in sorted(EVIDENCE_CODES, key=EVIDENCE_CODES.__getitem__)
    ]
    rows += [("purpose", name, text, "") for name, text in PURPOSES.items()]
    return pd.DataFrame(rows, columns=["field", "value", "meaning", "colour"], dtype="str")
