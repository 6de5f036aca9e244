"""What a label set, a schema and a picture are called by: the small facts that a run leaves for later ones."""

import base64
import json
import re
from collections.abc import Mapping

from features.base.feature_info import FeatureInfo
from training.identity import digest_of
from training.states import Evidence

PICTURE = re.compile(r'<figure><img alt="([^"]*)" src="data:image/png;base64,([^"]+)">')


def label_digest(evidence: Evidence) -> str:
    """SHA-256 of states and weights, the identity of the label set."""
    return digest_of({"state": evidence.state.tobytes().hex(), "weight": evidence.weight.tobytes().hex()})


def schema_text(features: tuple[str, ...], infos: Mapping[str, FeatureInfo]) -> str:
    """The features that a model asks for, in order, with unit, family and sources, as JSON."""
    rows = [
        {"name": name, "unit": infos[name].unit, "family": infos[name].family, "sources": list(infos[name].sources)}
        for name in features
    ]
    return json.dumps(rows, indent=1, ensure_ascii=False)


def pictures_of(page: str) -> dict[str, bytes]:
    """The pictures of a report page as PNG by file name, numbered in the order of the page.

    >>> list(pictures_of('<figure><img alt="The first fifth: x" src="data:image/png;base64,QUJD"></figure>'))
    ['01-the-first-fifth.png']
    """
    found = PICTURE.findall(page)
    return {f"{place:02d}-{_slug(said)}.png": base64.b64decode(data) for place, (said, data) in enumerate(found, 1)}


def _slug(said: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", re.split(r"[.:;,(]", said)[0].casefold()).strip("-")
    return words[:48].strip("-") or "picture"
