"""Evidence files, provenance, payloads and the log of test-set readings."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from neurallnet.config import RunConfig
from neurallnet.errors import DataError
from neurallnet.evaluation import build_predictions, cluster_interval, wilson_interval
from neurallnet.evidence import (
    canonical_json,
    machine,
    package_hash,
    provenance,
    read_evidence,
    write_evidence,
)
from neurallnet.payloads import model_evidence, primary_evidence
from neurallnet.readlog import append_test_read, read_test_reads


def test_text_is_canonical(tmp_path):
    payload = {"b": 1 / 3, "a": (np.float32(0.25), np.int64(3), np.bool_(True)), "c": np.eye(2), "d": None}
    write_evidence(tmp_path / "new" / "e.json", payload)
    text = (tmp_path / "new" / "e.json").read_text()
    assert (
        text
        == json.dumps(
            {"a": [0.25, 3, True], "b": 0.333333, "c": [[1.0, 0.0], [0.0, 1.0]], "d": None}, indent=2
        )
        + "\n"
    )
    assert canonical_json(read_evidence(tmp_path / "new" / "e.json")) == text


def test_rounding_is_idempotent_and_keeps_whole_numbers():
    assert json.loads(canonical_json({"n": 1_350_000, "x": 123456789.0})) == {
        "n": 1_350_000,
        "x": 123457000.0,
    }


def test_intervals_are_written_as_objects():
    assert json.loads(canonical_json({"i": wilson_interval(3, 4)}))["i"]["method"] == "Wilson"


@pytest.mark.parametrize("bad", [np.nan, np.inf, np.float32("nan"), object(), {1: 2}])
def test_what_json_cannot_say_is_refused_by_key(tmp_path, bad):
    with pytest.raises(DataError, match=r"e\.json: robustness: 1"):
        write_evidence(tmp_path / "e.json", {"robustness": [1.0, bad]})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", [None, "", "{", "[1]"])
def test_unreadable_evidence_is_named(tmp_path, text):
    if text is not None:
        (tmp_path / "e.json").write_text(text)
    with pytest.raises(DataError, match="e.json"):
        read_evidence(tmp_path / "e.json")


def test_provenance_names_everything_needed_to_repeat():
    config = RunConfig(seed=7)
    found = provenance(config, profile="full", manifest_digest="m", split_digest="s")
    assert found["run"] == config.digest()
    assert found["seeds"] == [7]
    assert found["config"]["seed"] == 7
    assert found["package"] == package_hash()
    assert len(package_hash()) == 64
    assert {"cpu", "cores", "threads", "gpu", "system", "versions"} <= set(machine())
    assert machine()["versions"]["numpy"] == np.__version__
    canonical_json(found)


@pytest.fixture
def predictions() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 4, 80)
    logits = rng.normal(size=(80, 4)) + 3 * np.eye(4)[label]
    names = np.array(["Benign", "Early", "Pre", "Pro"])[label]
    return build_predictions([f"{i:03d}" for i in range(80)], names, ["test"] * 60 + ["val"] * 20, logits)


def test_primary_evidence_is_a_pure_function_of_its_inputs(predictions):
    groups = pd.Series(np.arange(80) // 2, index=[f"{i:03d}" for i in range(80)])
    options = {"protocol": "random", "provenance": {"seeds": [0]}, "test_read": {"read": 1}}
    found = primary_evidence(predictions, groups, **options)
    test = predictions[predictions["fold"] == "test"]
    right = (test["label"] == test["predicted"]).to_numpy()
    assert (found["n"], found["groups"], found["correct"]) == (60, 30, right.sum())
    assert found["interval"] == cluster_interval(right, np.arange(60) // 2).to_dict()
    assert found["intervals"]["wilson"]["unit"] == "image"
    assert found["test_read"] == {"read": 1}
    assert canonical_json(found) == canonical_json(primary_evidence(predictions, groups, **options))


def test_model_evidence_holds_whole_numbers():
    assert model_evidence((np.int64(870_000), 3_500_000), (290_000, np.int64(1_200_000)), {}) == {
        "parameters": 870_000,
        "footprint_bytes": 3_500_000,
        "single": {"parameters": 290_000, "footprint_bytes": 1_200_000},
        "provenance": {},
    }


def test_readings_are_numbered_and_never_lost(tmp_path, monkeypatch):
    log = tmp_path / "results" / "reads.jsonl"
    assert read_test_reads(log) == []

    def slow_read(path):  # leaves time for others to come between counting and writing
        entries = read_test_reads(path)
        time.sleep(0.005)
        return entries

    monkeypatch.setattr("neurallnet.readlog.read_test_reads", slow_read)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: append_test_read(log, f"what {i}", "abc", "split", "why"), range(24)))
    entries = read_test_reads(log)
    assert [entry["read"] for entry in entries] == list(range(1, 25))
    assert {entry["what"] for entry in entries} == {f"what {i}" for i in range(24)}


def test_a_reason_may_hold_any_character(tmp_path):
    """Pasted text has line separators that are none of JSON's: the log could not be read again, nor taken back."""
    log, reason = tmp_path / "reads.jsonl", "pasted\u2028from\u2029elsewhere\x85\nand more"
    append_test_read(log, "primary", "abc", "split", reason)
    append_test_read(log, "primary", "abc", "split")
    assert [entry["why"] for entry in read_test_reads(log)][0] == reason and len(read_test_reads(log)) == 2


def test_a_line_taken_out_of_the_log_is_noticed(tmp_path):
    log = tmp_path / "reads.jsonl"
    for _ in range(3):
        append_test_read(log, "primary", "abc", "split")
    lines = log.read_text().splitlines(keepends=True)
    log.write_text(lines[0] + lines[2])
    with pytest.raises(DataError, match="line 2"):
        append_test_read(log, "primary", "abc", "split")
    log.write_text(lines[0] + lines[1][:20])
    with pytest.raises(DataError, match="line 2 is damaged"):
        read_test_reads(log)
