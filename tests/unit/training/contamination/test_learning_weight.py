"""Weight to a learner: a hazard area on record counts in full for each cell that it touches, a search by its share."""

from dataclasses import replace

import numpy as np

from tests.support.simulated_dataset import simulated_dataset
from training.contamination.learning_set import learning_set_of, learning_weight
from training.evidence.record_kinds import KIND_NAMES
from training.evidence.states import FOUND, SEARCHED


def test_hazard_areas_count_in_full_and_searches_and_finds_by_their_share():
    dataset = simulated_dataset(share=1.0)
    kinds = ("SHA", "CHA", "find", "cleared")
    state, share = dataset.evidence.state.copy(), dataset.evidence.share.copy()
    state[:4], share[:4] = (FOUND, FOUND, FOUND, SEARCHED), (0.2, 0.4, 0.7, 0.3)
    kind = dataset.evidence.kind.copy()
    kind[:4] = [KIND_NAMES.index(name) for name in kinds]
    weight = share * np.where(kind == KIND_NAMES.index("SHA"), 0.5, 1.0)
    evidence = replace(dataset.evidence, state=state, share=share, kind=kind, weight=weight)
    assert np.allclose(learning_weight(evidence)[:4], [0.5, 1.0, 0.7, 0.3])
    learned = learning_set_of(replace(dataset, evidence=evidence), np.arange(4), 5_000)
    assert np.allclose(learned.weight, [0.5, 1.0, 0.7, 0.3])
    assert np.array_equal(learned.share, share[:4])
