"""The hand-written part of the book: front page, checklists, datasheets, readings, bibliography. Nothing is rendered here."""

import json
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import balanced_accuracy_score

from neurallnet.arms import CHOSEN_REFIT, EVERY_BLOCK, EVERY_BLOCK_REFIT, SHIPPED, TAKEN, Arm, arms, make_arm
from neurallnet.claims import build_claims
from neurallnet.claims.leak import SESSION_AIM
from neurallnet.claims.registry import BUILDERS
from neurallnet.data.catalogue import SOURCES
from neurallnet.evaluation.predictions import read_predictions
from neurallnet.evidence import read_evidence
from neurallnet.leak import network_arms
from neurallnet.robustness import read_corrupted

TOP = Path(__file__).resolve().parents[1]
BOOK, EVIDENCE, MANIFESTS = TOP / "book", TOP / "results" / "full" / "evidence", TOP / "results" / "full" / "manifests"
RUNS = TOP / "results" / "full" / "runs"
PAGES = sorted(BOOK.glob("*.md"))
TOC = yaml.safe_load((BOOK / "_toc.yml").read_text(encoding="utf-8"))
CHAPTERS = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
ITEMS = {"claim": 44, "tripod": 27, "stard": 40}


@pytest.fixture(scope="module", autouse=True)
def extensions():
    pytest.importorskip("sphinx")
    sys.path.insert(0, str(BOOK / "_ext"))
    yield
    sys.path.remove(str(BOOK / "_ext"))


@pytest.fixture
def rows():
    from headline import headline_rows

    return headline_rows(*(json.loads((EVIDENCE / name).read_text(encoding="utf-8")) for name in ("protocols.json", "tenths.json")))


def test_the_figure_has_the_five_accuracies_and_says_them(rows):
    from headline import described, headline_svg

    svg = ET.fromstring(headline_svg(rows))
    words = " ".join("".join(node.itertext()) for node in svg.iter() if node.tag.endswith("}text"))
    claims = {claim.id: claim for claim in build_claims(EVIDENCE, TOP)}
    assert [row.kind for row in rows] == ["paper", "network", "network", "colour", "colour"]
    for row, name in zip(rows[1:3], ("primary_accuracy_tenths", "primary_accuracy_session"), strict=True):
        assert (row.value, (row.low, row.high), row.n) == (claims[name].ours, claims[name].interval, claims[name].n)
    for row in rows:
        assert row.low <= row.value <= row.high
        assert row.label in words and f"{row.value:.1%}" in words and f"n = {row.n:,}" in words
        assert f"{row.value:.2%}, interval {row.low:.2%} to {row.high:.2%}, {row.n:,} images" in described(rows)
    assert svg.get("role") == "img" and described(rows) in "".join(svg.itertext())


def test_marks_stand_at_their_place_on_the_axis(rows):
    from headline import LEFT, RIGHT, headline_svg

    made = [row._replace(value=0.95, low=0.9, high=1.0) for row in rows]
    middle = (LEFT + RIGHT) / 2
    text = headline_svg(made)
    assert f'cx="{middle}"' in text and text.count(f"M{LEFT}.0 ") >= len(made) and f"H{RIGHT}.0" in text
    wide = headline_svg([row._replace(value=0.5, low=0.3, high=0.7) for row in rows])
    assert "30%" in wide and "100%" in wide
    axis = [float(at) for at in re.findall(r'<text x="([\d.]+)"[^>]*>\d+%</text>', wide)]
    assert min(axis) >= 14, "the first label, middle at its mark, would start outside the figure"
    assert float(re.search(r'cx="([\d.]+)"', wide)[1]) == pytest.approx(LEFT + (RIGHT - LEFT) * 2 / 7, abs=0.1)


def test_what_the_front_page_says_in_words_is_so_in_the_evidence(rows):
    """Its sentences name no numbers and would go on standing if the numbers turned."""
    paper, random, session, colour_random, colour_session = rows
    assert random.value - 0.02 < colour_random.value < random.low, "colour alone comes close on the random split"
    assert paper.value < random.high, "the accuracy can be had"
    assert session.high < random.value and colour_session.high < colour_random.value, "both fall"
    claims = {claim.id: claim.ours for claim in build_claims(EVIDENCE, TOP)}
    assert claims["session_lead_over_colour"] > claims["tenths_lead_over_colour"] > 0, "the network leads colour, there by more"
    peers = json.loads((EVIDENCE / "peers.json").read_text(encoding="utf-8"))
    small = next(row for row in peers["session"] if row["network"] == "small-cnn")
    size = next(row["parameters"] for row in peers["random"]["rows"] if row["arm"] == "small-cnn")
    assert small["balanced_lead_of_ours"]["high"] < 0, "a plain CNN has the better balanced accuracy on held-out blocks"
    assert 0.45 < size / peers["random"]["reference"]["parameters"] < 0.55, "... and half the parameters of the committee"
    leads = {row["network"]: row["balanced_accuracy"] - colour_session.value for row in peers["session"]}
    assert 0 < leads["base"] < leads[SHIPPED], "a single network leads colour by less"
    energy = json.loads((EVIDENCE / "latency.json").read_text(encoding="utf-8"))["energy"]["models"]
    ratios = {model["id"]: model["ratio"] for model in energy}
    assert ratios["optimistic"] > 1 > max(ratios["fair_twin_skips_zeros"], ratios["fair_twin_dense_reuse"])


def test_what_the_page_on_leakage_says_of_seeds_is_so_in_the_runs():
    runs = json.loads((EVIDENCE / "protocols.json").read_text(encoding="utf-8"))["session"]["single"]["runs"][:3]
    assert [(run["split_fold"], run["seed"]) for run in runs] == [(0, 0), (0, 1), (0, 2)], "the first block"
    shares = [run["balanced_accuracy"] for run in runs]
    assert max(shares) - min(shares) > 0.02, "seeds matter"
    peers = json.loads((EVIDENCE / "peers.json").read_text(encoding="utf-8"))
    assert {row["seeds"] for row in peers["together"]} == {3}
    tables = pd.concat([read_predictions(folder / "predictions-test.csv") for folder in session_runs("")])
    wrong = tables.loc[tables["label"] != tables["predicted"], ["label", "predicted"]]
    pairs = wrong.apply(lambda row: " ".join(sorted(row)), axis=1).value_counts(normalize=True)
    assert pairs.index[0] == "Benign Early" and 0.35 < pairs.iloc[0] < 0.45, "the most frequent errors, four in ten"


def errors(network: str) -> pd.DataFrame:
    """Test images of held-out blocks that a seed of `network` calls wrong: columns path, label, predicted, fold."""
    tables = []
    for _, config in network_arms("full", "session", network):
        (folder,) = RUNS.glob(f"{config.digest()}-*")
        table = read_predictions(folder / "predictions-test.csv")
        tables.append(table[table["label"] != table["predicted"]].assign(fold=config.split.fold))
    return pd.concat(tables)[["path", "label", "predicted", "fold"]]


def test_what_the_pages_say_of_the_committees_errors_is_so_in_the_runs():
    wrong, short = errors(SHIPPED), errors("committee")
    kinds = wrong[["label", "predicted"]].value_counts(normalize=True)
    between = kinds["Benign", "Early"] + kinds["Early", "Benign"]
    assert set(kinds.index[:2]) == {("Benign", "Early"), ("Early", "Benign")} and 0.45 < between < 0.55, "half of them"
    missed = [(table["predicted"] == "Benign").mean() for table in (wrong, short)]
    assert 0.36 < missed[0] < 0.44 and 0.57 < missed[1] < 0.66, "four in ten call a malignant image benign, where six in ten did"
    assert short[["label", "predicted"]].value_counts().index[0] == ("Pre", "Benign"), "the most frequent one when trained short"
    pre = short[(short["label"] == "Pre") & (short["predicted"] == "Benign")]
    assert (pre["fold"] == 0).mean() > 0.85, "nearly always on the first block"
    last = wrong[wrong["fold"] == 4]
    assert ((last["label"] == "Benign") & (last["predicted"] == "Early")).mean() > 0.9, "nearly all errors on the last block"
    (folder,) = RUNS.glob(f"{make_arm('full', 'session-0').config.digest()}-*")
    warned = read_predictions(folder / "predictions-val.csv")["path"]
    assert 0.4 < pd.Series(last["path"].unique()).isin(warned).mean() < 0.6, "half in the stretch that validates the first folds"


def test_the_model_cards_rows_on_trust_are_of_all_blocks_together():
    found = read_evidence(EVIDENCE / "trust.json")
    assert [row["part"] for part in ("screening", "calibration") for row in found[part]].count("all together") == 2
    assert found["screening_specificity"] == 0.95


def conditions() -> dict[str, dict]:
    """Rows of conditions.json by arm; of an arm of both protocols, that of the session protocol."""
    rows = json.loads((EVIDENCE / "conditions.json").read_text(encoding="utf-8"))["rows"]
    return {row["arm"]: row for row in sorted(rows, key=lambda row: row["protocol"] == "session")}


def test_what_the_page_on_leakage_says_of_the_embargo_and_the_cut_is_so_in_the_evidence():
    rows = conditions()
    wide = rows["embargo-75"]["lead_over_colour"]["interval"]
    assert rows["embargo-75"]["seeds"] == [0] and wide[0] < 0 < wide[1], "not told from colour alone"
    single, cnn = rows["shifted-base"]["gain"], rows["shifted-small-cnn"]["gain"]
    assert single["low"] < 0 < single["high"] and cnn["low"] > 0, "the small CNN does better there, the single network is as before"


def test_what_the_pages_say_of_the_committee_is_so_in_the_evidence():
    peers = json.loads((EVIDENCE / "peers.json").read_text(encoding="utf-8"))
    against = {row["network"]: row["against_ours"] for row in peers["session"]}
    ahead = [against[name] for name in ("base", "dense", "no-se")]
    assert all(row["low"] > 0 and row["p_holm"] < 0.05 for row in ahead), "ahead on held-out blocks, by intervals without zero"
    balanced = {row["network"]: row["balanced_lead_of_ours"] for row in peers["session"]}
    assert all(balanced[name]["low"] > 0 for name in ("base", "dense", "no-se")), "... in balanced accuracy too"
    cnn = against["small-cnn"]
    assert balanced["small-cnn"]["high"] < 0 and cnn["low"] < 0 < cnn["high"], "the small CNN is ahead in balanced accuracy alone"
    assert balanced["small-cnn-long"]["high"] < 0 and against["small-cnn-long"]["high"] < 0, "trained as long in both"
    short = against["committee"], balanced["committee"]
    assert short[0]["low"] > 0 and short[1]["low"] < 0 < short[1]["high"], "ahead of the committee trained short in accuracy alone"
    untold = [row[name] for row in (balanced, against) for name in ("trio", "alone-normalized")]
    assert all(row["low"] < 0 < row["high"] for row in untold), "not to be told from three alike, nor from one column"
    random = {row["arm"]: row for row in peers["random"]["rows"]}
    told = {name for name, row in random.items() if row["low"] > 0}
    assert set(random) - told == {"densenet121", "small-cnn-long"}, "on the random split ahead of all but these"
    assert all(random[name]["low"] <= 0 <= random[name]["high"] for name in set(random) - told), "... from which it cannot be told"
    assert {name for name, row in random.items() if row["p_holm"] < 0.05} == {"base", "efficientnet-b0"}, "after correction"
    means = {row["network"]: row["balanced_accuracy"] for row in peers["session"]}
    together = next(row for row in peers["together"] if row["network"] == "base")
    assert 100 * (means[SHIPPED] - means["base"]) < together["gain"], "by less than its seeds read together were"
    alarms = json.loads((EVIDENCE / "false_alarms.json").read_text(encoding="utf-8"))["rows"]
    rows = {row["network"]: row for row in alarms if row["seeds"] == 5}
    assert rows[SHIPPED]["high"] < rows["base"]["low"] < rows["committee"]["low"] / 1.5, "before the flag, fewer than these"
    rows = read_evidence(EVIDENCE / "trust.json")["out_of_distribution"]
    flagged = [row["flagged"] for row in rows if (row["set"], row["score"]) == ("bccd", "mahalanobis")]
    assert flagged == [1] * 6, "the flag holds back every one"


def test_what_the_pages_say_of_every_tenth_is_so_in_the_evidence():
    rows = json.loads((EVIDENCE / "tenths.json").read_text(encoding="utf-8"))["rows"]
    assert {len(row["tenths"]) for row in rows} == {10} and {row["n"] for row in rows} == {3256}
    ours, *others, colour = rows
    single, cnn = (row["lead_of_ours"] for row in others)
    assert single["low"] < 0 < single["high"] and cnn["low"] > 0, "not to be told from the single network, ahead of the small CNN"
    assert colour["published"]["accuracy"] >= ours["published"]["accuracy"], "colour does as well on the published tenth"
    assert colour["lead_of_ours"]["low"] > 0, "... and not over all"


def session_runs(begin: str) -> list[Path]:
    """Folders of the published runs of the arms <begin>session-<fold>."""
    digests = [arm.config.digest() for arm in arms("full") if arm.name.startswith(f"{begin}session-")]
    found = [folder for digest in digests for folder in EVIDENCE.parent.glob(f"runs/{digest}-*")]
    assert len(found) == len(digests) == 15
    return found


def share(begin: str, seeds: Iterable[int], part: str = "val", folds: Iterable[int] = range(5)) -> float:
    """Mean balanced accuracy of the runs <begin>session-<fold>, on their validation or test images."""
    found = [make_arm("full", f"{begin}session-{fold}", seed) for fold in folds for seed in seeds]
    tables = [read_predictions(next(RUNS.glob(f"{arm.config.digest()}-*")) / f"predictions-{part}.csv") for arm in found]
    return float(np.mean([balanced_accuracy_score(table["label"], table["predicted"]) for table in tables]))


def test_what_the_pages_say_validation_images_had_promised_is_so_in_the_runs():
    committee, cnn = share("committee-", range(3)), share("small-cnn-", range(3))
    assert committee > max(share(begin, range(3)) for begin in ("", "trio-", "dense-", "no-se-")) + 0.004, "a lead over all"
    assert committee < cnn + 0.002, "... but that CNN"
    columns = [share(f"alone-{view}-", range(1)) for view in ("normalized", "standardized")]
    assert abs(columns[0] - columns[1]) < 0.003 and max(columns) < share("committee-", range(1)) - 0.004, "alike, better together"


def test_what_the_pages_say_of_stored_hues_among_colours_of_other_laboratories_is_so_in_the_runs():
    tinted, ours = "committee-elsewhere-tinted-", "committee-"
    assert share(tinted, range(3)) > share(ours, range(3)) + 0.003, "validation images were for it"
    worse = [fold for fold in range(5) if share(tinted, range(3), "test", [fold]) < share(ours, range(3), "test", [fold]) - 0.01]
    assert worse == [0, 1, 4], "worse on the first block, the second and the last"
    wrong = {}
    for begin in (tinted, ours):
        tables = [read_predictions(folder / "predictions-test.csv") for folder in session_runs(begin)]
        errors = [table.loc[table["label"] != table["predicted"], ["label", "predicted"]] for table in tables]
        first = pd.concat(errors[:3])
        wrong[begin] = sum(map(len, errors)), first.loc[first["label"] == "Pre", "predicted"].value_counts()
    lost, (_, before), (_, after) = wrong[tinted][0] - wrong[ours][0], wrong[ours], wrong[tinted]
    assert after.sum() - before.sum() > 0.7 * lost > 0, "most of it Pre images of the first block"
    assert len(after) == 3 and after.min() > 50, "... which are called by each other class"


def parts(worse: dict, *networks: str) -> list[dict]:
    """Those of robustness.json that are of `networks`."""
    named = {part["network"]: part for part in (worse, *worse["beside"])}
    return [named[name] for name in networks]


def drops(worse: dict, *networks: str) -> list[dict[str, dict]]:
    """What each corruption costs each of `networks`, by corruption."""
    return [{drop["corruption"]: drop for drop in part["drops"]} for part in parts(worse, *networks)]


def seeds_of(worse: dict, *networks: str) -> set[int]:
    return {len(part["runs"]) for part in parts(worse, *networks)}


def test_what_the_page_says_of_colours_of_other_laboratories_is_so_in_the_evidence():
    name = "committee-elsewhere"
    row = conditions()[name]
    assert row["gain"]["high"] < 0 and row["seeds"] == [0, 1], "less than the same seeds without them"
    assert conditions()[f"{name}-tinted"]["seeds"] == [0, 1], "two of its three seeds, those that the other has"
    assert share(f"{name}-", range(2)) > share("committee-", range(2)) + 0.003, "validation images had promised more"
    found = json.loads((EVIDENCE / "robustness.json").read_text(encoding="utf-8"))
    assert seeds_of(found, name) == {1}
    ours, its = drops(found, "committee", name)
    assert its["stain_shift"]["drop"] < ours["stain_shift"]["drop"] / 2
    assert its["illumination"]["high"] < ours["illumination"]["low"], "uneven light costs less"
    alarms = {row["network"]: row for row in json.loads((EVIDENCE / "false_alarms.json").read_text(encoding="utf-8"))["rows"]}
    assert alarms[name]["seeds"] == 1 and alarms[name]["low"] > max(alarms[other]["high"] for other in alarms if other != name)


def test_what_the_pages_say_of_longer_training_is_so_in_the_evidence():
    found = json.loads((EVIDENCE / "learned.json").read_text(encoding="utf-8"))
    wrong = {(row["network"], row["part"]): row["wrong"] for row in found["rows"]}
    for name in ("committee", "base", "small-cnn"):
        assert wrong[f"{name}-long", "training"] < wrong[name, "training"] / 2, "longer training learns more of what it is shown"
    (folder,) = RUNS.glob(f"{make_arm('full', 'committee').config.digest()}-*")
    learned = read_predictions(folder / "predictions-train.csv")
    errors = learned[learned["label"] != learned["predicted"]]
    early = errors[(errors["label"] == "Early") & (errors["predicted"] == "Benign")]
    assert len(errors) == wrong["committee", "training"] < 2 * len(early), "most of them Early called Benign"

    rows = json.loads((EVIDENCE / "conditions.json").read_text(encoding="utf-8"))["rows"]
    rows = {(row["arm"], row["protocol"]): row for row in rows if row["arm"].endswith("-long")}
    assert rows["committee-long", "random"]["seeds"] == [0, 1, 2, 3, 4]
    assert all(row["seeds"] == [0] for key, row in rows.items() if key != ("committee-long", "random")), "one seed each"
    assert all(row["gain"]["low"] > 0 for row in rows.values()), "more images right, on held-out blocks too"
    gains = {(row["network"], row["protocol"]): row["gain"] for row in found["validation"]}
    said = [gains[name, "session"]["high"] for name in ("committee-long", "small-cnn-long")]
    assert max(said) < 0, "validation images said the opposite"
    random = gains["committee-long", "random"]
    assert random["low"] < 0 < random["high"], "no worse on the random split"
    for begin in ("committee-", "small-cnn-"):
        more = {label: called_early(f"{begin}long-", label) - called_early(begin, label) for label in ("Benign", "Pre", "Pro")}
        assert more["Benign"] >= 5 and max(more["Pre"], more["Pro"]) < more["Benign"], "most of it Benign called Early"

    worse = json.loads((EVIDENCE / "robustness.json").read_text(encoding="utf-8"))
    ours, its = drops(worse, "committee", "committee-long")
    assert all(its[name]["high"] < ours[name]["low"] for name in ("gaussian_noise", "illumination")), "noise and light cost less"
    assert its["gaussian_blur"]["low"] > ours["gaussian_blur"]["high"], "blur more"
    assert its["stain_shift"]["low"] < ours["stain_shift"]["drop"] < its["stain_shift"]["high"], "other stains about as much"
    assert seeds_of(worse, "committee", "committee-long") == {5}


def test_what_the_pages_say_of_the_choice_by_pairs_of_blocks_is_so_in_the_evidence():
    found = read_evidence(EVIDENCE / "nested.json")
    *blocks, whole = found["rows"]
    assert [row["chosen"] == "committee-stained" for row in blocks] == [True, False, True, False, True], "three blocks of five"
    assert {row["block"]: row["chosen"] for row in blocks} == TAKEN, "what is read on a block for what ships"
    assert whole["chosen"] == "committee-stained" and whole["gain"]["low"] < 0 < whole["gain"]["high"], "not told from none"
    assert [row["gain"]["points"] > 0 for row in blocks] == [True, False, True, False, True] and whole["block"] is None
    assert whole["chosen"] == SHIPPED


def test_what_the_pages_say_of_what_ships_is_so_in_the_evidence():
    rows = {(row["arm"], row["protocol"]): row for row in read_evidence(EVIDENCE / "conditions.json")["rows"]}
    chosen, every, random = rows[SHIPPED, "session"], rows[EVERY_BLOCK, "session"], rows[SHIPPED, "random"]
    for row in (chosen, every):
        assert row["gain"]["low"] < 0 < row["gain"]["points"] < row["gain"]["high"], "not told from the committee trained short"
        assert row["seeds"] == [0, 1, 2] and row["folds"] == [0, 1, 2, 3, 4] and row["balanced_accuracy"] < SESSION_AIM
    assert random["gain"]["low"] > 0 and random["seeds"] == [0, 1, 2, 3, 4]
    for fold, better, worse in ((0, "committee-stained-", "committee-"), (4, "committee-", "committee-stained-")):
        seeds = [[share(begin, [seed], "test", [fold]) for seed in range(3)] for begin in (better, worse)]
        assert min(seeds[0]) > max(seeds[1]), "the first block better and the last worse, by each seed"
    learned = read_evidence(EVIDENCE / "learned.json")["validation"]
    (rule,) = [row for row in learned if (row["network"], row["protocol"]) == (SHIPPED, "random")]
    assert rule["gain"]["points"] < 0 < rule["gain"]["high"] and rule["seeds"] == [0, 1, 2, 3, 4], "worse, and not told from none"

    worse = read_evidence(EVIDENCE / "robustness.json")
    ours, short, long = drops(worse, SHIPPED, "committee", "committee-long")
    assert all(ours["stain_shift"]["drop"] < other["stain_shift"]["drop"] for other in (short, long))
    assert all(ours[name]["high"] < short[name]["low"] for name in ("gaussian_noise", "illumination"))
    assert all(ours[name]["low"] > short[name]["high"] for name in ("gaussian_blur", "defocus", "salt_and_pepper")), "paid for"
    assert seeds_of(worse, SHIPPED, "committee", "committee-long") == {5}


def called_early(begin: str, label: str) -> int:
    """Validation images of `label` that the first seed's runs <begin>session-<fold> call Early, over all folds."""
    found = [make_arm("full", f"{begin}session-{fold}") for fold in range(5)]
    tables = [read_predictions(next(RUNS.glob(f"{arm.config.digest()}-*")) / "predictions-val.csv") for arm in found]
    return sum(int(((table["label"] == label) & (table["predicted"] == "Early")).sum()) for table in tables)


def test_what_the_page_on_limits_says_of_validation_blocks_is_so_in_the_splits():
    images = []
    for fold in range(5):
        (folder,) = RUNS.glob(f"{make_arm('full', f'session-{fold}').config.digest()}-*")
        images.append(set(read_predictions(folder / "predictions-val.csv")["path"]))
    assert images[0] == images[1] == images[2] and images[3] == images[4] and not images[0] & images[3]


def test_what_the_page_says_of_tints_is_so_in_the_evidence():
    rows = read_evidence(EVIDENCE / "tints.json")["rows"]
    at = [(row["label"], row["block"]) for row in rows]
    assert (at[10], at[12], at[2]) == (("Pre", 0), ("Pre", 2), ("Benign", 2)), "the rows that the page names"
    pre, benign = ({row["block"]: row for row in rows if row["label"] == label} for label in ("Pre", "Benign"))
    quarter = pre[0]["quarter"]
    assert all(benign[block]["low"] < quarter < pre[block]["low"] - 8 for block in (2, 3, 4)), "as Benign elsewhere, not as Pre"
    assert all(row["low"] > quarter + 8 for row in rows if row["label"] == "Early"), "nor as Early"
    assert all(row["low"] > quarter for row in rows if row["label"] == "Pro" and row["block"]), "nor as Pro"
    close = [pre[block]["low"] for block in (2, 3, 4)], [benign[block]["low"] for block in (2, 3)]
    assert all(max(lows) - min(lows) < 3 for lows in close), "alike in the blocks that the page takes together"


def test_validation_images_of_the_random_split_do_not_show_that_pictures_as_given_are_read_better():
    def right(name: str) -> float:
        folders = [next(RUNS.glob(f"{make_arm('full', name, seed).config.digest()}-*")) for seed in range(5)]
        tables = [read_predictions(folder / "predictions-val.csv") for folder in folders]
        return float(np.mean([(table["label"] == table["predicted"]).mean() for table in tables]))

    assert right("as-given") <= right("base") and right("committee-as-given") <= right("committee")


def test_three_single_networks_together_led_one_by_more_than_a_point():
    """What made the committee: mean log-probabilities of the three seeds of a fold against each seed by itself."""
    gains = []
    tables = [read_predictions(folder / "predictions-test.csv").set_index("path") for folder in session_runs("")]
    for fold in {tuple(sorted(table.index)) for table in tables}:
        seeds = [table.loc[list(fold)] for table in tables if tuple(sorted(table.index)) == fold]
        columns = [name for name in seeds[0] if name.startswith("p_")]
        together = sum(np.log(seed[columns]) for seed in seeds).idxmax(axis=1).str.removeprefix("p_")
        alone = [balanced_accuracy_score(seed["label"], seed["predicted"]) for seed in seeds]
        gains.append(balanced_accuracy_score(seeds[0]["label"], together) - np.mean(alone))
    assert len(gains) == 5 and 0.01 < np.mean(gains) < 0.02


def test_precisions_are_what_the_page_on_limits_says():
    def precisions(chosen: Callable[[Arm], bool]) -> set[str]:
        folders = [folder for arm in arms("full") if chosen(arm) for folder in RUNS.glob(f"{arm.config.digest()}-*")]
        return {json.loads((folder / "run.json").read_text(encoding="utf-8"))["precision"] for folder in folders}

    later = ("committee", "trio", "alone", "efficientnet-b0", "shifted", "few", "choice-", "no-se-session", "refit-session")
    later += ("no-se-3", "no-se-4", "densenet121", "size-224", "as-given", "tiles", "base-long", "small-cnn-long")
    later += tuple(f"small-cnn-{seed}" for seed in (1, 2, 3, 4))
    changed = ("beta-0.5", "beta-learned", "fast-sigmoid", "encoding-rate", "encoding-latency", "loss-tet", "loss-count")
    later += tuple(f"{name}-{seed}" for name in (*changed, "steps-1", "steps-4", "steps-8") for seed in (1, 2))
    assert precisions(lambda arm: arm.name.startswith(later) or "-tenth-" in arm.name) == {"bfloat16"}
    assert precisions(lambda arm: not (arm.name.startswith(later) or "-tenth-" in arm.name)) == {"float32"}


def test_what_the_decision_log_says_of_the_arms_offered_is_so_in_the_evidence():
    rows = {row["choice"]: row for row in json.loads((EVIDENCE / "choice.json").read_text(encoding="utf-8"))["rows"]}
    published = rows["as published"]
    even = rows["standardized"]
    assert even["balanced_accuracy"] - even["contrast"] < 0.01, "contrast costs next to nothing"
    assert published["low"] < even["balanced_accuracy"] < published["high"], "within the interval"
    assert even["stain_shift"] < published["stain_shift"] - 0.05 and even["illumination"] < published["illumination"] - 0.05
    for name in ("tiles", "background", "synthetic"):
        assert rows[name]["balanced_accuracy"] < published["high"], f"{name}: not better by more than the interval"
    assert rows["background"]["high"] < published["balanced_accuracy"], "cells on other fields: worse"
    assert rows["synthetic"]["false_alarms"] < 0.05 < 0.3 < published["false_alarms"], "hardly any where the recipe has a third"
    assert rows["synthetic"]["gaussian_noise"] < published["gaussian_noise"] - 0.1, "... and it loses more to noise"


def test_what_the_decision_log_says_of_contrast_is_so_in_the_evidence():
    lost = []
    for seed in range(5):
        (folder,) = RUNS.glob(f"{make_arm('full', 'trio', seed).config.digest()}-*")
        table = read_corrupted(next(folder.glob("predictions-corrupted-*.csv")))
        right = (table["label"] == table["predicted"]).groupby([table["corruption"], table["severity"]]).mean()
        test = read_predictions(folder / "predictions-test.csv")
        lost.append((test["label"] == test["predicted"]).mean() - right["contrast", 3])
    assert min(lost) < 0.1 and max(lost) > 0.35, "three alike: a few points, nearly half"


def test_the_second_column_is_for_contrast():
    found = json.loads((EVIDENCE / "robustness.json").read_text(encoding="utf-8"))
    one, both = (of_one["contrast"] for of_one in drops(found, "alone-normalized", "committee"))
    assert seeds_of(found, "alone-normalized", "committee") == {5}
    assert one["drop"] > 10 * max(both["drop"], 1) and one["low"] > both["high"]
    one, both = (of_one["illumination"] for of_one in drops(found, "alone-normalized", "committee"))
    assert one["high"] < both["low"], "paid for under uneven light"


def test_spikes_are_paid_for_under_worse_pictures():
    beside = json.loads((EVIDENCE / "robustness.json").read_text(encoding="utf-8"))["beside"]
    drops = {row["network"]: {drop["corruption"]: drop for drop in row["drops"]} for row in beside}
    for corruption in ("gaussian_noise", "contrast"):
        dense, spiking = drops["dense"][corruption], drops["base"][corruption]
        assert dense["high"] < spiking["low"] and dense["drop"] < spiking["drop"] / 2, corruption


@pytest.mark.parametrize("arm", ["efficientnet-b0", *(f"efficientnet-b0-session-{fold}" for fold in range(5))])
def test_efficientnet_had_not_finished_learning(arm):
    (folder,) = RUNS.glob(f"{make_arm('full', arm).config.digest()}-*")
    history = pd.read_csv(folder / "history.csv")
    earlier, last = history["train_loss"].iloc[-6:-4].mean(), history["train_loss"].iloc[-2:].mean()
    assert len(history) == 16 and last < earlier and history["train_accuracy"].iloc[-1] < 0.85


def test_what_the_decision_log_says_of_the_network_without_se_is_so_in_the_evidence():
    without = conditions()["no-se"]["gain"]
    assert without["low"] < 0 < without["high"], "no better than with SE"


def test_the_sizes_of_the_single_network_are_of_it():
    evidence = {name: json.loads((EVIDENCE / f"{name}.json").read_text(encoding="utf-8")) for name in ("export", "latency")}
    row = evidence["export"]["rows"][3]
    assert (row["arm"], row["form"]) == ("base-0", "torch") and evidence["latency"]["model"]["columns"] == 1


def test_what_the_pages_say_of_embargoes_and_the_scale_bar_is_so_in_the_evidence():
    rows = json.loads((EVIDENCE / "conditions.json").read_text(encoding="utf-8"))["rows"]
    named = conditions()
    assert named["embargo-75"]["folds"] == [0, 1, 2, 3, 4]
    wide = named["embargo-75"]["gain"], named["embargo-150"]["gain"]
    peers = json.loads((EVIDENCE / "peers.json").read_text(encoding="utf-8"))["session"]
    networks = [row["balanced_accuracy"] for row in peers if row["network"] not in ("colour", "efficientnet-b0")]
    assert all(gain["high"] < -100 * (max(networks) - min(networks)) for gain in wide), "it matters more than the network"
    few = [named[f"few-{embargo}"]["gain"] for embargo in (75, 150)]
    assert wide[0]["high"] < few[0]["low"] and few[0]["low"] < 0 < few[0]["high"], "nearly all of the cost of 75 is likeness"
    assert few[1]["points"] < wide[1]["points"] / 2, "more than half of that of 150 is the images that are gone"
    column, other = named["alone-normalized"]["gain"], named["alone-standardized"]["gain"]
    assert column["low"] < 0 < column["high"] and other["high"] < 0, "one column cannot be told from both, the other is behind"
    assert named["alone-normalized"]["seeds"] == [0, 1, 2] and named["alone-standardized"]["seeds"] == [0]
    single, cnn = named["shifted-base"], named["shifted-small-cnn"]
    assert all(row["balanced_accuracy"] > row["published"] for row in (single, cnn)), "better where the order is cut later"
    assert cnn["balanced_accuracy"] > single["balanced_accuracy"] > single["colour"] > named["no-se"]["colour"]
    gains = {name: row["gain"] for name, row in named.items()}
    assert gains["refit"]["low"] > 0 and gains["trio-refit"]["points"] < 0, "a gain for one network, none for the other"
    every, chosen = named[EVERY_BLOCK_REFIT], named[CHOSEN_REFIT]
    assert all(row["gain"]["low"] < 0 < row["gain"]["high"] and row["seeds"] == [0, 1, 2] for row in (every, chosen)), "nor ships"
    means = [named[name]["balanced_accuracy"] for name in (EVERY_BLOCK, EVERY_BLOCK_REFIT, CHOSEN_REFIT)]
    assert max(means) < SESSION_AIM <= every["high"] and chosen["high"] < SESSION_AIM, "no mean reaches the aim, one interval does"
    given = {row["protocol"]: row for row in rows if row["arm"] == "as-given"}
    assert given["random"]["gain"]["low"] > 0 and given["session"]["gain"]["low"] > 0, "a gain in both protocols"
    assert (given["random"]["seeds"], given["session"]["seeds"]) == ([0, 1, 2, 3, 4], [0])
    bar, committee = gains["as-given-masked"], gains["committee-as-given"]
    assert bar["low"] < 0 < bar["points"] and named["as-given-masked"]["seeds"] == [0, 1, 2, 3, 4], "removing the bar costs nothing"
    assert committee["low"] < 0 < committee["points"], "ahead, and not told from what ships"
    for name in ("bar-visible", "committee-tinted"):
        found = [row["gain"] for row in rows if row["arm"] == name]
        assert len(found) == 2 and all(gain["low"] < 0 for gain in found), f"no gain by {name} is shown, in neither protocol"
    assert [row["folds"] for row in rows if row["arm"] == "embargo-150"] == [[0, 2, 4]], "folds that are not listed"


def test_the_front_page_is_short_and_leads_on():
    text = (BOOK / "index.md").read_text(encoding="utf-8")
    assert "{results-table} headline" in text and "{results-table} claims" in (BOOK / "claims.md").read_text(encoding="utf-8")
    assert re.findall(r"^- \[\]\((\w+\.md)\)", text, re.M) == ["claims.md", "leakage.md", "limits.md"]
    assert len(re.sub(r"{{.*?}}", "0", text).split()) < 300 and "Not a medical device" in text


@pytest.mark.parametrize("name", ITEMS)
def test_a_checklist_answers_every_item_in_order_and_leads_to_a_page(name):
    from checklists import WORDS, checklist_markdown, read_checklist, word

    found = read_checklist(BOOK / "checklists" / f"{name}.yml")
    numbers = [int(re.match(r"\d+", row["item"])[0]) for row in found]
    assert sorted(set(numbers)) == list(range(1, ITEMS[name] + 1)) and numbers == sorted(numbers)
    assert len({row["item"] for row in found}) == len(found), "an item is answered once"
    for row in found:
        assert row.get("page", CHAPTERS[0]) in CHAPTERS, row
        assert len(row["answer"].removeprefix(word(row))) > 5, "an answer is a phrase"
        assert "page" in row or word(row) in ("No", "Not applicable"), row
    counts = dict(re.findall(r"(yes|partly|not applicable|no) (\d+)", checklist_markdown(found, TOP, BOOK).splitlines()[0]))
    assert sum(map(int, counts.values())) == len(found) and set(counts) <= {name.lower() for name in WORDS}


def test_a_checklist_with_a_gap_stops_the_build(tmp_path):
    from checklists import checklist_markdown, read_checklist

    path = tmp_path / "one.yml"
    for text, said in (
        ("- {item: 1, topic: a}", "needs item"),
        ("- {item: 1, topic: a, answer: 'Maybe: b'}", "begins with none"),
        ("- {item: 1, topic: a, answer: 'Yes: b', pge: c}", "needs item"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=said):
            read_checklist(path)
    with pytest.raises(ValueError, match="not in the book"):
        checklist_markdown([{"item": "1", "topic": "a", "answer": "Yes: b", "page": "book/nowhere"}], TOP, BOOK)


def test_every_known_set_has_a_datasheet_and_counts_come_from_manifests(tmp_path):
    from datasheets import datasheets_markdown

    text = datasheets_markdown(MANIFESTS, EVIDENCE)
    sheets = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    assert set(sheets) == set(SOURCES) - {"folder"}
    for name, sheet in sheets.items():
        counted = (MANIFESTS / name).is_dir()
        assert SOURCES[name].licence in sheet and ("Computed from the manifest" in sheet) == counted
        assert counted or "nothing here is counted" in sheet
        assert ("SYNTHETIC" in sheet) == (SOURCES[name].lab is not None)
    rows = len((MANIFESTS / "taleqani" / "manifest.csv").read_text(encoding="utf-8").splitlines()) - 1
    assert f"| all | {rows} |" in sheets["taleqani"]
    assert "**Audit**" in sheets["taleqani"] and "**Audit**" not in sheets["bccd"], "an audit stands with its own images"
    shutil.copytree(MANIFESTS / "bccd", tmp_path / "bccd")
    assert "nothing here is counted" in datasheets_markdown(tmp_path, EVIDENCE).split("## taleqani\n")[1].split("\n## ")[0]


def test_every_reading_is_a_row_and_given_up_settings_are_marked(tmp_path):
    from readings import EARLIER, readings_markdown

    from neurallnet.arms import arms
    from neurallnet.readlog import append_test_read

    log = EVIDENCE / "test_reads.jsonl"
    assert len(readings_markdown(log).splitlines()) == 2 + len(log.read_text(encoding="utf-8").splitlines())
    known, made = arms("full")[0], tmp_path / "reads.jsonl"
    append_test_read(made, "test fold", f"{known.config.digest()}-12345678", "s", "because")
    append_test_read(made, "test fold", "000000000000-12345678", "s")
    append_test_read(made, "test fold", "probe colour", "s")
    first, second, third = readings_markdown(made).splitlines()[2:]
    assert known.name in first and "because" in first and EARLIER in second and "| probe colour |" in third
    assert "not measured" in readings_markdown(tmp_path / "none")


def test_each_source_of_the_bibliography_is_cited_and_each_citation_is_in_it():
    keys = set(re.findall(r"^@\w+\{(\w+),", (BOOK / "references.bib").read_text(encoding="utf-8"), re.M))
    texts = [path.read_text(encoding="utf-8") for path in [*PAGES, *(TOP / "notebooks").glob("*.ipynb")]]
    cited = {key for text in texts for found in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text) for key in found.split(",")}
    assert keys == cited


def test_every_page_is_a_chapter_and_every_chapter_is_there():
    assert {f"book/{path.stem}" for path in PAGES} == {name for name in CHAPTERS if name.startswith("book/")}
    assert all((TOP / f"{name}.ipynb").is_file() for name in CHAPTERS if name.startswith("notebooks/"))
    order = ["images", "model", "leakage", "limits", "use", "rerun", "model_card", "datasheets", "checklists", "decisions"]
    places = [CHAPTERS.index(f"book/{name}") for name in order]
    assert places == sorted(places), "in the order a reader asks"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_claims_named_in_prose_exist(page):
    for name in re.findall(r"claims\.(\w+)\.(?:ours|paper|interval|n|verdict|claim)\b", page.read_text(encoding="utf-8")):
        assert name in BUILDERS


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_no_number_is_named_where_it_would_not_be_filled_in(page):
    """Inside code and raw blocks a substitution stays as it is written; MyST does not warn."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```.*?^```", text, re.M | re.S)
    inline = re.findall(r"`[^`\n]*`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    assert not [code for code in [*blocks, *inline] if "{{" in code]


def test_claims_read_in_prose_as_in_the_table(tmp_path):
    from results import NOT_MEASURED, claims_in_words

    words = claims_in_words(EVIDENCE)
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    accuracy = words["primary_accuracy_tenths"]
    assert f"| {accuracy['claim']} | {accuracy['paper']} | {accuracy['ours']} | {accuracy['interval']} |" in readme
    assert str(claims_in_words(tmp_path)["parameters"]["ours"]) == NOT_MEASURED


def test_the_block_that_the_model_card_names_has_the_worst_calibration_after_the_temperature():
    rows = {row["part"]: row["ece_scaled"] for row in read_evidence(EVIDENCE / "trust.json")["calibration"]}
    assert max(rows, key=rows.get) == "committee-session-1-0" and len(rows) == 6


def test_the_page_on_leakage_counts_what_each_protocol_leaves_in_training():
    rows = read_evidence(EVIDENCE / "audit.json")["leak"]
    shown = {0: "random", 1: "group", 3: "session, embargo 37", 4: "session, embargo 75", 5: "session, embargo 150"}
    assert {place: rows[place]["protocol"] for place in shown} == shown
    held_out = rows[3]["shares"]
    assert held_out["field"] < 0.1 < 0.9 < held_out["stream"], "held-out blocks keep fields apart, not smears"
