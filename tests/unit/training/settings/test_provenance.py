"""Who and what a run is."""

import subprocess

import pytest

from tests.support.paths import ROOT
from training.settings.provenance import code_version


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only a checkout has a commit")
def test_a_checkout_names_its_commit():
    line = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    commit = subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()
    assert code_version().endswith(f"+{commit}")
