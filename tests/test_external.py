"""Another laboratory: figures by hand or by scikit-learn; sets that are neither labelled nor healthy are refused."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import recall_score, roc_auc_score

from neurallnet.ablation import compare, comparison_table
from neurallnet.config import run_config
from neurallnet.data.manifest import Manifest
from neurallnet.data.sources import get_source
from neurallnet.dataset import Dataset, open_dataset
from neurallnet.errors import DataError
from neurallnet.evaluation import build_predictions, read_predictions, screening_threshold
from neurallnet.external import (
    benign_or_malignant,
    external_accuracy,
    external_report,
    external_source,
    false_alarms,
    sampling_units,
)
from neurallnet.paths import workspace
from neurallnet.plots import interval_figure
from neurallnet.readlog import read_test_reads
from neurallnet.study import Study, open_study


def table(predicted: str, labels: str, sure: float = 3.0) -> pd.DataFrame:
    """Predictions with one logit up; letters b, e, p, o stand for Benign, Early, Pre, Pro, "-" for no label."""
    names = {"b": "Benign", "e": "Early", "p": "Pre", "o": "Pro", "-": ""}
    logits = np.array([[sure * (letter == c) for c in "bepo"] for letter in predicted])
    paths = [f"{i:03}.png" for i in range(len(predicted))]
    return build_predictions(paths, [names[letter] for letter in labels], "external", logits)


def test_false_alarms_by_hand():
    found = false_alarms(table("bbbbbbeo", "--------"))
    assert (found["n"], found["alarms"], found["rate"]) == (8, 2, 0.25)
    assert found["by_class"] == {"Early": 1, "Pro": 1}
    assert found["mean_confidence_of_alarms"] == pytest.approx(np.exp(3) / (np.exp(3) + 3), rel=1e-4)
    assert false_alarms(table("bbb", "---"))["mean_confidence_of_alarms"] is None


def test_accuracy_has_both_intervals():
    found = external_accuracy(table("bbeepoob" * 5, "bbeeppoo" * 5), pd.Series({f"{i:03}.png": i // 4 for i in range(40)}))
    assert found["accuracy"] == 30 / 40
    assert found["interval"]["unit"] != found["naive_interval"]["unit"]


def test_ablation_drop_is_in_points_and_paired():
    groups = pd.Series({f"{i:03}.png": i for i in range(8)})
    found = compare(table("bbeeppoo", "bbeeppoo"), table("bbeeppbb", "bbeeppoo"), groups)
    assert found["drop"] == 25.0 and (found["only_whole_right"], found["only_ablated_right"]) == (2, 0)
    assert found["mcnemar_p"] == 0.5  # two discordant images, both one way: 2 * 0.5 ** 2
    assert comparison_table(found).loc["drop, points", "value"] == "25.00"


def test_only_bccd_counts_as_healthy():
    assert get_source("bccd").healthy and not get_source("external_probe").healthy
    assert external_source(open_study("full")) == "bccd" and external_source(open_study()) == "synthetic_external"


TINY = {
    "data": {"source": "folder", "image_size": 16},
    "model": {"channels": [4, 6], "hue": "stored"},
    "train": {"epochs": 6, "batch_size": 8, "precision": "float32", "learning_rate": 0.03, "averaging": 0.5},
}


def cells(folder, name, channel, count, seed):
    """`count` small pictures with one bright channel; `name` has a place for the number."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        pixels = rng.integers(0, 120, (20, 20, 3), dtype=np.uint8)
        pixels[..., channel] += rng.integers(0, 130, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name.format(number))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A four-class network of a few hundred parameters, and a made-up C-NMC tree of four patients and four healthy subjects."""
    top = tmp_path_factory.mktemp("external")
    for seed, (label, channel) in enumerate({"Benign": 0, "Early": 2, "Pre": 2, "Pro": 2}.items()):
        cells(top / "images" / label, "x-{:03}.png", channel, 20, seed)
    for subject in range(1, 5):
        cells(top / "cnmc/fold_0/all", f"UID_{subject}_1_{{}}_all.bmp", 2, 4, 10 + subject)
        cells(top / "cnmc/fold_0/hem", f"UID_H{subject}_1_{{}}_hem.bmp", 0, 3, 20 + subject)
    return Study("full", workspace(top / "work"), top / "images", run_config(TINY)), top / "cnmc"


def test_benign_or_malignant_images_are_read_as_that_only(trained, monkeypatch):
    """No accuracy, no subtype; every figure follows from the table of predictions that is kept."""
    study, root = trained
    monkeypatch.setattr(Study, "arm", lambda self, name: self.config)
    other = open_dataset("cnmc", study.work, root)
    report = external_report(study, other, "base-0")
    found = report["evidence"]
    assert "accuracy" not in repr(report).lower() and not {"confusion", "per_class"} & found.keys()
    kept = read_predictions(next(study.run().folder.glob("predictions-external-*.csv")))
    assert set(kept["label"]) == {""} and kept["truth"].value_counts().to_dict() == {"Malignant": 16, "Benign": 12}
    assert (kept["truth"] == "Malignant").equals(kept["path"].str.contains("_all"))
    malignant, called = (kept["truth"] == "Malignant").to_numpy(), (kept["predicted"] != "Benign").to_numpy()
    assert found["sensitivity"]["value"] == recall_score(malignant, called)
    assert found["specificity"]["value"] == recall_score(~malignant, ~called)
    assert found["auroc"]["value"] == pytest.approx(roc_auc_score(malignant, -np.log(kept["p_Benign"] / (1 - kept["p_Benign"]))))
    assert (found["unit"], found["units_malignant"], found["units_benign"]) == ("patient", 4, 4)
    assert found["at_given_threshold"]["threshold"] == screening_threshold(study.run().predictions("val"))
    assert report["measure"] == "Benign or malignant" and found["source"] == "cnmc"
    interval_figure(report["figure"], measure=report["measure"])
    assert external_report(study, other, "base-0")["evidence"] == found  # from the kept table
    log = read_test_reads(study.work.evidence / "test_reads.jsonl")
    assert [entry["what"] for entry in log] == ["external set cnmc"]


def test_patients_are_the_unit_only_where_all_are_known(trained):
    study, root = trained
    other = open_dataset("cnmc", study.work, root)
    units, unit = sampling_units(other)
    assert unit == "patient" and units.groupby(other.frame.set_index("path")["patient"]).nunique().eq(1).all()
    assert units.nunique() == 8
    unknown = other.frame.assign(patient=["", *other.frame["patient"][1:]])
    frame = Dataset(root, Manifest(unknown, other.manifest.rejected), other.classes)
    assert sampling_units(frame)[1] == "near-duplicate group"


def test_predictions_without_truth_are_refused(trained):
    study, root = trained
    with pytest.raises(DataError, match="column truth is missing"):
        benign_or_malignant(table("be", "--"), open_dataset("cnmc", study.work, root))
