"""Sixty damaged inputs: none may end in an unexpected error, a hang, or a map that changed without a word."""

import os

import pytest

from benchmarks.fuzz import FAULTS, campaign


@pytest.mark.skipif(not hasattr(os, "fork"), reason="every case runs in a process of its own, made by fork")
def test_damaged_inputs_are_read_refused_or_reported(tmp_path):
    faults: list[str] = []
    classes = campaign(60, 7, tmp_path, faults.append).classes
    assert not faults, "\n".join(faults)
    assert sum(classes.values()) == 60
    assert not any(classes[fault] for fault in FAULTS)
    assert classes["refused"] > 10
    assert classes["read as before"] + classes["read, change reported"] > 10
