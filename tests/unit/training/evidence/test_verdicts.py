"""Records that a person rejected are neither labels nor features."""

import numpy as np
import pytest

from tests.support.sample_dataset import book_of, config_of, inputs_of, land
from training.evidence.fingerprint import keyed_records
from training.evidence.verdicts import ALL_DAYS, open_ledger, withdrawn
from training.registry.decision_log import write_line

SIDE = 12


@pytest.fixture
def config(tmp_path):
    return config_of().model_copy(update={"home_folder": tmp_path})


def test_a_rejected_record_leaves_the_sources_and_the_ledger_and_others_keep_their_rows(config):
    inputs = inputs_of(land(2, SIDE), SIDE)
    records = keyed_records(book_of(config, inputs), ALL_DAYS)
    records = records[records["source"] == "survey"]
    rejected = records[records["number"].isin([2, 5])]
    write_line(config, "rejected", "Anna", rows="survey:2,5", records=list(rejected["key"]))
    before = inputs.sources.vectors["survey"]
    left = withdrawn(config, inputs, frozenset(rejected["key"]))
    assert left.withdrawn == set(rejected["key"])
    kept = np.setdiff1d(np.arange(1, len(before) + 1), [2, 5])
    assert left.sources.rows["survey"].tolist() == kept.tolist()
    assert left.sources.vectors["survey"].geometry.tolist() == before.geometry.iloc[kept - 1].tolist()
    by_source, by_ledger = (open_ledger(config, one).at(config.as_of) for one in (left, inputs))
    assert (by_source.state == by_ledger.state).all()
    assert (by_source.state != book_of(config, inputs).at(config.as_of).state).sum() == 2
    known = keyed_records(open_ledger(config, left), ALL_DAYS)
    assert known.loc[known["source"] == "survey", "number"].tolist() == kept.tolist()
    everything = withdrawn(config, inputs, frozenset(records["key"]))
    assert "survey" not in everything.sources.vectors
