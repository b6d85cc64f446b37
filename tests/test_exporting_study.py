"""Exported forms on validation images: predictions kept once, evidence that can be computed again without images."""

import json

import numpy as np
import pandas as pd
import pytest
from published import guesses, made_up_run, made_up_set

from neurallnet.errors import DataError
from neurallnet.evaluation import correctness
from neurallnet.evaluation.predictions import build_predictions, logits_of, read_predictions, write_predictions
from neurallnet.evidence import write_evidence
from neurallnet.exporting import Exported
from neurallnet.exporting_study import FORMS, TORCH, export_evidence, exported_path, form_table
from neurallnet.verify import recompute_export
from neurallnet.verify.evidence_checks import check_evidence
from neurallnet.verify.published import open_published
from neurallnet.verify.tables import check_table


@pytest.fixture
def results(tmp_path):
    """results/full with two runs and the predictions of their forms, and no image."""
    full = tmp_path / "results" / "full"
    dataset = made_up_set(full, "taleqani", 60)
    for seed, arm in enumerate(FORMS):
        folder = made_up_run(full, arm, dataset, seed)
        whole = guesses(read_predictions(folder / "predictions-val.csv")[["path", "label"]], "val", seed)
        for place, form in enumerate(FORMS[arm]):
            logits = logits_of(whole) + 2.0 * place * np.random.default_rng(place).normal(size=(len(whole), 4))
            table = build_predictions(whole["path"].tolist(), whole["label"].tolist(), "val", logits)
            write_predictions(folder / f"predictions-exported-{form}.csv", table)
    return tmp_path / "results"


def written():
    return {(arm, form): Exported(None, form, 1000, (), "") for arm, forms in FORMS.items() for form in forms if form != TORCH}


def test_table_counts_what_the_predictions_say(results):
    with open_published(results) as study:
        table = form_table(study).set_index(["arm", "form"])
        folder = results / "full" / "runs" / study.run("committee-stained-0").address
    whole, small = (pd.read_csv(folder / f"predictions-exported-{form}.csv") for form in (TORCH, "onnx-int8"))
    row = table.loc["committee-stained-0", "onnx-int8"]
    assert row["val_accuracy"] == (small["predicted"] == small["label"]).mean() < 1 and row["n"] == len(small)
    assert row["torchs_class"] == (small["predicted"] == whole["predicted"]).mean() < 1
    columns = [name for name in small if name.startswith("logit_")]
    deviation = (small[columns] - whole[columns]).abs().max(axis=1)
    np.testing.assert_allclose(row[["median_deviation", "largest_deviation"]].astype(float), [deviation.median(), deviation.max()])
    assert table.loc["nir-0", TORCH]["torchs_class"] == 1 and table.loc["nir-0", TORCH]["largest_deviation"] == 0


def test_evidence_is_verified_without_images(results):
    with open_published(results) as study:
        payload = export_evidence(study, written())
        sizes = {row["form"]: row["bytes"] for row in payload["rows"] if row["arm"] == "committee-stained-0"}
        assert sizes["onnx"] == 1000 and sizes[TORCH] == study.run("committee-stained-0").weights.stat().st_size
        found = payload["nir_against_base"]
        folders = [study.run(arm).folder for arm in ("base-0", "nir-0")]
        rights = [correctness(read_predictions(folder / "predictions-exported-torch.csv")) for folder in folders]
        assert found["drop"] == pytest.approx(100 * (rights[0].mean() - rights[1].mean()))
        assert found["only_nir_right"] == (~rights[0] & rights[1]).sum()
        path = study.work.evidence / "export.json"
        write_evidence(path, {"profile": "full", "synthetic": False, **payload, "spikes": {"images": 3}})
        check = check_evidence(study, path)
        assert check.ok and check.recomputed > 40 and check.measured == 5, check
        changed = json.loads(path.read_text())
        changed["rows"][2]["val_accuracy"] = 0.5
        write_evidence(path, changed)
        assert "rows[2].val_accuracy is 0.5, but recomputed" in check_evidence(study, path).detail


def test_tables_are_checked_to_hold_the_validation_images(results):
    with open_published(results) as study:
        run = study.run("committee-stained-0")
        path = run.folder / "predictions-exported-onnx.csv"
        check_table(study, run, path, ())
        table = read_predictions(path)
        write_predictions(path, table.iloc[1:])
        with pytest.raises(DataError, match="is in the table or in val, not in both"):
            check_table(study, run, path, ())
        write_predictions(path, table.assign(label=np.roll(table["label"], 1)))
        with pytest.raises(DataError, match="by manifest and split it is not"):
            check_table(study, run, path, ())


def test_a_missing_table_is_named_not_made(results):
    with open_published(results) as study:
        (study.run("nir-0").folder / "predictions-exported-nir.csv").unlink()
        with pytest.raises(DataError, match=r"predictions-exported-nir\.csv: not published with its run"):
            recompute_export.export(study, {})


def test_files_are_named_by_the_network(results):
    with open_published(results) as study:
        names = {exported_path(study, study.run(arm), "onnx").name for arm in FORMS}
    assert len(names) == 3 and all(name.endswith("-onnx.onnx") for name in names)
