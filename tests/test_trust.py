"""Trust tables against scikit-learn, against counting by hand, and on networks whose calibration is known."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_curve

from neurallnet.errors import DataError
from neurallnet.evaluation import build_predictions, expected_calibration_error, fit_temperature, probabilities, reliability
from neurallnet.evaluation.metrics import malignancy_score
from neurallnet.evaluation.selective import risk_coverage
from neurallnet.evidence import canonical_json
from neurallnet.plots import svg_text
from neurallnet.plots.trust import distance_figure, reliability_figure, risk_coverage_figure
from neurallnet.trust import (
    POOLED,
    Part,
    calibration_table,
    conformal_table,
    corruption_calibration,
    ece_interval,
    screening_table,
    selective_table,
    tempered,
    trust_payload,
)

CLASSES = ("Benign", "Early", "Pre")


def drawn(seed, n=400, sharpness=1.0, prefix="", fold="test"):
    """Images whose labels are drawn from softmax(logits / sharpness): `sharpness` is the temperature that calibrates them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 3))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = [CLASSES[rng.choice(3, p=row)] for row in p]
    return build_predictions([f"{prefix}{i:04}.png" for i in range(n)], labels, fold, logits * sharpness, CLASSES)


@pytest.fixture(scope="module")
def parts():
    return {name: Part(drawn(k, prefix="v", fold="val"), drawn(k + 9, prefix=name)) for k, name in enumerate(("one", "two"))}


def test_temperature_mends_an_overconfident_network():
    part = Part(drawn(0, 2000, 3.0, "v", "val"), drawn(1, 2000, 3.0))
    row = calibration_table({"a": part}).iloc[0]
    assert row["temperature"] == pytest.approx(3, rel=0.15)
    assert row["ece"] > 0.1 > 0.04 > row["ece_scaled"] and row["nll_scaled"] < row["nll"] and row["brier_scaled"] < row["brier"]
    p = probabilities(part.test, row["temperature"])
    assert row["nll_scaled"] == pytest.approx(log_loss(part.test["label"], p, labels=list(CLASSES)), rel=1e-4)


def test_pooled_images_keep_their_own_temperature(parts):
    table = calibration_table(parts).set_index("part")
    assert table.loc[POOLED, "n"] == 800 and pd.isna(table.loc[POOLED, "temperature"])
    assert table.loc[POOLED, "nll_scaled"] == pytest.approx(table.loc[["one", "two"], "nll_scaled"].mean())
    same = {name: Part(parts["one"].validation, parts["one"].test) for name in ("a", "b")}
    assert POOLED not in set(calibration_table(same)["part"])  # the same images twice are not more images


def test_tempered_keeps_answers_and_divides_logits(parts):
    table = parts["one"].test
    warm = tempered(table, 2.0)
    assert (warm["predicted"] == table["predicted"]).all()
    np.testing.assert_allclose(warm["logit_Pre"], table["logit_Pre"] / 2, rtol=1e-5)


def test_ece_interval_is_the_bootstrap_of_the_ece(parts):
    """Against a plain loop over resampled tables."""
    table = parts["one"].test
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(150):
        again = table.iloc[rng.integers(len(table), size=len(table))].reset_index(drop=True)
        draws.append(expected_calibration_error(again))
    interval = ece_interval(table)
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.012)
    groups = pd.Series(np.arange(len(table)) // 4, index=table["path"])
    assert ece_interval(table, groups).unit == "near-duplicate group"
    with pytest.raises(DataError, match="two or more"):
        ece_interval(table, groups * 0)


def test_corruptions_are_calibrated_with_the_clean_temperature(parts):
    table = parts["one"].test
    corrupted = pd.concat([table.assign(corruption=name, severity=s) for name, s in (("jpeg", 3), ("none", 0))], ignore_index=True)
    found = corruption_calibration(corrupted, 2.0)
    assert found[["corruption", "severity"]].to_numpy().tolist() == [["none", 0], ["jpeg", 3]]
    assert found["ece"].iloc[0] == pytest.approx(expected_calibration_error(table))
    assert found["ece_scaled"].iloc[0] == pytest.approx(expected_calibration_error(table, 2.0), abs=1e-4)
    assert found["accuracy"].iloc[0] == (table["label"] == table["predicted"]).mean()


def test_selective_risk_by_hand():
    logits = np.array([[k, 0, 0] for k in (9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.5, 1.0)])
    labels = ["Benign"] * 8 + ["Pre", "Early"]
    table = build_predictions([f"{i}.png" for i in range(10)], labels, "test", logits, CLASSES)
    row = selective_table({"a": Part(table, table)}).iloc[0]
    assert (row["errors"], row["risk_100"], row["risk_80"], row["risk_50"]) == (2, 0.2, 0, 0)
    assert row["risk_90"] == pytest.approx(1 / 9) and row["risk_95"] == 0.2  # no threshold answers 95% of ten images
    assert row["aurc"] == pytest.approx((1 / 9 + 2 / 10) / 10)


def test_screening_uses_the_threshold_of_validation(parts):
    table = screening_table(parts).set_index("part")
    for name, part in parts.items():
        malignant = (part.validation["label"] != "Benign").to_numpy()
        false_alarms, _, thresholds = roc_curve(malignant, malignancy_score(part.validation))
        threshold = thresholds[false_alarms <= 0.05 + 1e-12].min()
        called = malignancy_score(part.test) >= threshold
        truth = (part.test["label"] != "Benign").to_numpy()
        assert table.loc[name, "sensitivity"] == pytest.approx(called[truth].mean(), abs=0.02)
        assert table.loc[name, "specificity"] == pytest.approx((~called[~truth]).mean(), abs=0.02)
        assert table.loc[name, "low"] < table.loc[name, "sensitivity"] < table.loc[name, "high"]
    weights = table.loc[["one", "two"], "n_malignant"]
    pooled = np.average(table.loc[["one", "two"], "sensitivity"], weights=weights)
    assert table.loc[POOLED, "sensitivity"] == pytest.approx(pooled) and table.loc[POOLED, "n_malignant"] == weights.sum()


def test_payload_is_evidence_and_names_what_it_was_made_from(parts):
    corrupted = parts["two"].test.assign(corruption="none", severity=0)
    flags = pd.DataFrame([{"set": "test", "flagged": 0.1, "auroc": None}])
    payload = trust_payload(parts, protocol="drawn", corrupted=corrupted, corrupted_part="two", flags=flags)
    text = canonical_json(payload)  # refuses NaN
    again = json.loads(text)
    assert set(again["predictions"]) == {"one", "two"} and again["out_of_distribution"][0]["auroc"] is None
    expected = expected_calibration_error(parts["two"].test, fit_temperature(parts["two"].validation))
    assert again["corruptions"][0]["ece_scaled"] == pytest.approx(expected, abs=1e-4)
    rows = conformal_table(parts, 0.95)
    assert [row["part"] for row in again["conformal"]] == rows["part"].tolist() and len(rows) == 8


def test_figures_are_stamped_equal_when_numbers_are_and_refuse_nothing_to_draw(parts):
    table = parts["one"].test
    scores = pd.DataFrame({"set": np.repeat(["test", "elsewhere"], 20), "score": np.linspace(0.2, 4, 40)})
    for draw in (
        lambda: reliability_figure(reliability(table), reliability(table, 2.0), split="test", synthetic=True),
        lambda: risk_coverage_figure({"a": risk_coverage(table), "b": risk_coverage(table)}, n=400, split="test", synthetic=True),
        lambda: distance_figure(scores, synthetic=True),
    ):
        figure = draw()
        assert any(text.get_text() == "SYNTHETIC" for text in figure.texts)
        assert svg_text(figure) == svg_text(draw())
    with pytest.raises(DataError, match="no curve"):
        risk_coverage_figure({}, n=0, split="test")
    with pytest.raises(DataError, match="figure"):
        distance_figure(scores.drop(columns="score"))
