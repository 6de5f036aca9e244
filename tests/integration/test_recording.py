"""What a run leaves behind, read from a store that only remembers what it was given."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import training.train
from tests.support.page_reader import FORBIDDEN, Seen
from tests.support.sample_dataset import added, book_of, config_of, inputs_of, land, survey
from training.evidence.fingerprint import label_digest
from training.evidence.states import FOUND, STATE_NAMES, UNKNOWN
from training.registry.store import Version
from training.reporting import recording
from training.reporting.model_card import model_card
from training.reporting.recording import record, run_report
from training.reporting.tables import compute
from training.train import train

SIDE = 20
TEXTS = {
    "report.html", "report.json", "config.json", "validation.csv", "casualty_validation.csv", "casualty_tenths.csv",
    "casualty_years.csv", "metrics.json", "missed_found_cells.csv", "sensitivity.csv", "folds.json", "warnings.txt",
    "model_card.md", "inputs.json", "environment.txt", "records.txt",
}  # fmt: skip


class Memory:
    """Stands for training.registry.store.Store, call by call."""

    def __init__(self, breaks=False):
        self.breaks, self.calls, self.metrics, self.texts, self.tags, self.files = breaks, [], {}, {}, {}, {}
        self.parts, self.fold_metrics, self.inputs, self.pictures = {}, {}, {}, {}

    def of(self, _):
        return self

    def start_run(self, *_):
        self.calls.append("start")
        return "run"

    def log_results(self, run, metrics, texts):
        if run == "run":
            self.metrics, self.texts = dict(metrics), dict(texts)
        else:
            self.fold_metrics[run] = dict(metrics)

    def register(self, _, name, files, tags):
        self.calls.append(name)
        if self.breaks:
            raise RuntimeError("the disk is full")
        self.tags[name], self.files[name] = tags, files
        return Version(
            name=name, number="1", run_id="run", digest="digest", alias="", as_of=tags["as_of"], grid=tags["grid"]
        )

    def check_open_to(self, _):
        pass

    def assign_aliases(self, store, _, versions, *__, **___):
        assert store is self
        self.calls.append("assign_aliases")
        return tuple(versions)

    def start_part(self, _, name, params, tags):
        self.parts[name] = (params, tags)
        return name

    def log_inputs(self, _, inputs):
        self.inputs = dict(inputs)

    def log_pictures(self, _, pictures):
        self.pictures = dict(pictures)

    def finish_run(self, run):
        if run == "run":
            self.calls.append("finish")

    def fail_run(self, _):
        self.calls.append("fail")


@pytest.fixture(scope="module")
def config():
    return config_of(
        validation={
            "protocols": ["as_of", "leave_region_out", "random"],
            "folds": 2,
            "rounds": 1,
            "explained_cells": 150,
        }
    )


@pytest.fixture(scope="module")
def inputs():
    return inputs_of(land(2, SIDE), SIDE)


@pytest.fixture(scope="module")
def run(config, inputs):
    """The result of training, the calls of the store, and the findings in between."""
    memory, kept = Memory(), {}

    def keep(*arguments):
        kept["found"], kept["models"] = arguments[2], arguments[3:]
        return record(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "Store", memory)
        patch.setattr(recording, "assign_aliases", memory.assign_aliases)
        patch.setattr(training.train, "Store", memory)
        patch.setattr(training.train, "record", keep)
        trained = train(config, inputs)
        return trained, memory, kept


def table(memory, name):
    return pd.read_csv(io.StringIO(memory.texts[name]))


def test_every_text_of_a_run_is_logged_and_the_report_is_handed_back(run):
    trained, memory, _ = run
    assert memory.texts.keys() == TEXTS
    assert trained.report == {name: memory.texts[name] for name in ("report.html", "report.json")}
    assert memory.calls == ["start", "small.contamination", "small.casualty", "finish", "assign_aliases"]


def test_the_optimism_gap_of_the_report_is_that_of_the_folds(run):
    trained, memory, _ = run
    rows = table(memory, "validation.csv")
    ours = rows[(rows["ranking"] == "mlrisk") & (rows["fold"] != "mean")].groupby("protocol")
    gap = json.loads(memory.texts["report.json"])["optimism_gap"]
    assert gap.keys() == trained.optimism_gap.keys() >= {"roc_auc", "recall_10"}
    for name, value in gap.items():
        mean = ours[name].mean()
        assert value == pytest.approx(mean["random"] - mean["leave_region_out"])
        assert trained.optimism_gap[name] == pytest.approx(value)


def test_folds_explain_themselves_in_the_run(run):
    _, memory, kept = run
    folds = json.loads(memory.texts["folds.json"])
    judgement = kept["found"].judgement
    assert [(fold["protocol"], fold["fold"]) for fold in folds] == [(f.protocol, f.name) for f in judgement.folds]
    assert [fold["test_cells"] for fold in folds] == [len(fold.test) for fold in judgement.folds]
    assert {"from", "until"} <= folds[0].keys()
    report = json.loads(memory.texts["report.json"])
    assert report["folds"]


def test_what_moves_the_scores_is_in_the_report_and_among_the_pictures(run):
    _, memory, kept = run
    explained = json.loads(memory.texts["report.json"])["explained"]
    assert explained["cells"] == 150
    assert {row["family"] for row in explained["families"]} == {"front_lines", "incidents", "settlements"}
    assert {row["feature"] for row in explained["features"]} == set(kept["models"][0].ranker.features)
    names = " ".join(memory.pictures)
    assert "importance-by-family" in names
    assert "leading-features" in names
    assert "dependence-on-the-leading-features" in names


def test_the_model_card_is_made_of_what_was_measured(run, config):
    _, memory, kept = run
    card, report = memory.texts["model_card.md"], json.loads(memory.texts["report.json"])
    row = next(row for row in report["pooled"] if row["ranking"] == "mlrisk")
    assert f"{row['recall_10']:.2f} ({row['recall_10_low']:.2f} to {row['recall_10_high']:.2f})" in card
    assert "distance to the line" in card
    assert f"{len(report['missed_positives']):,} found cells lie in the lowest-ranked half" in card
    worst = next(row for row in report["worst_regions"] if row["ranking"] == "mlrisk")
    assert f"{worst['protocol']}: {worst['fold']}" in card
    for part in ("Intended use", "Forbidden use", "Labels", "Known failures", "Not evidence of absence"):
        assert part in card
    assert all(warning in card for warning in kept["found"].warnings)
    found = kept["found"].report
    bare = replace(found, computed=replace(found.computed, pooled=pd.DataFrame()))
    assert "missed finds: not measured" in model_card(config, {}, bare, 3, [])
    assert not FORBIDDEN.search(card)


def test_sensitivity_holds_what_was_varied(run):
    moved = table(run[1], "sensitivity.csv")
    assert moved["variant"].tolist() == ["prevalence x0.5", "prevalence x2", "without survey weights"]
    # No survey weights were asked for: without them nothing moves, and prevalence does move.
    assert moved["spearman"].tolist()[2] == pytest.approx(1)
    assert (moved["spearman"][:2] < 1).all()


def test_the_missed_cells_of_the_file_are_those_of_the_report(run, config, inputs):
    _, memory, kept = run
    found, protocol = kept["found"], "leave_region_out"
    listed = json.loads(memory.texts["report.json"])["missed_positives"]
    assert table(memory, "missed_found_cells.csv").to_dict("records") == listed
    # The newest results of this country miss nothing: the regions do.
    computed = compute(replace(found.report.source, held_out={protocol: found.judgement.held_out[protocol]}))
    other = replace(found, report=replace(found.report, computed=computed))
    texts = recording._texts(config, {}, other, kept["models"][0])
    missed = pd.read_csv(io.StringIO(texts["missed_found_cells.csv"]))
    assert len(missed) > 0
    assert missed.to_dict("records") == json.loads(texts["report.json"])["missed_positives"]
    cells = np.argsort(inputs.grid.cell_ids())[np.searchsorted(np.sort(inputs.grid.cell_ids()), missed["cell_id"])]
    assert np.array_equal(inputs.grid.centres_m()[cells], missed[["easting_m", "northing_m"]])
    assert (found.dataset.evidence.state[cells] == FOUND).all()


def test_the_report_promises_nothing(run):
    page = run[1].texts["report.html"]
    words = " ".join(Seen(page.split("</style>")[1]).words)
    assert "it orders survey and releases no land" in words
    assert not FORBIDDEN.search(words)
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", page)


def test_numbers_that_are_logged_are_numbers_and_count_the_evidence(run):
    _, memory, kept = run
    assert len(memory.metrics) <= 10
    every = recording._flat_metrics(kept["found"])
    assert all(np.isfinite(value) for value in (*memory.metrics.values(), *every.values()))
    state = kept["found"].dataset.evidence.state
    for number, name in enumerate(STATE_NAMES):
        assert every[f"evidence/{name}"] == (state == number).sum()
    assert every["leave_region_out/mean/random order/roc_auc"] == 0.5
    unknown = replace(kept["found"], metrics=kept["found"].metrics.assign(roc_auc=np.nan))
    logged = recording._flat_metrics(unknown)
    assert not any(name.endswith("/roc_auc") for name in logged)
    assert logged.keys() < every.keys()
    assert every["evidence/effective_sample_size"] == pytest.approx((state != UNKNOWN).sum())


def test_the_report_repeats_byte_for_byte(run, config):
    trained, _, kept = run
    found = kept["found"]
    again = run_report(
        config,
        found.dataset,
        found.judgement,
        found.metrics,
        found.moved,
        found.warnings,
        found.casualty,
        trained.promises,
    )
    assert again.texts() == trained.report


def test_a_run_that_breaks_is_marked_as_failed(run, config, inputs, monkeypatch):
    memory = Memory(breaks=True)
    monkeypatch.setattr(recording, "Store", memory)
    with pytest.raises(RuntimeError, match="the disk is full"):
        record(config, inputs.digests, run[2]["found"], *run[2]["models"])
    assert memory.calls == ["start", "small.contamination", "fail"]


def test_labels_are_named_by_what_they_say_and_not_by_when(run, config, inputs):
    trained, memory, kept = run
    evidence = kept["found"].dataset.evidence
    digest = label_digest(evidence)
    assert memory.tags["small.contamination"]["labels"] == digest == label_digest(trained.evidence)
    assert label_digest(replace(evidence, as_of=config.as_of.replace(year=1999))) == digest
    other, lighter = evidence.state.copy(), evidence.weight.copy()
    place = np.flatnonzero(other == FOUND)[0]
    other[place], lighter[place] = UNKNOWN, 0.5
    assert (
        len({digest, label_digest(replace(evidence, state=other)), label_digest(replace(evidence, weight=lighter))})
        == 3
    )
    more = added(
        land(2, SIDE), survey=survey(np.random.default_rng(0), inputs.grid.centres_m()[:5] + 1, np.ones(5, bool))
    )
    assert label_digest(book_of(config, inputs_of(more, SIDE)).at(config.as_of)) != digest
