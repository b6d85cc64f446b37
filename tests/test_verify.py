"""Verification: passes on what was published, and names the file when one digit of it is another, even if the hashes agree."""

import json
import re
import shutil
from pathlib import Path

import pytest
from published import publish_made_up
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from neurallnet.errors import DataError
from neurallnet.evaluation import read_predictions
from neurallnet.evidence import package_hash, read_evidence, write_evidence, write_hashes
from neurallnet.verify import command, notebook_checks, verify_results
from neurallnet.verify.compare import compare_payloads, flatten
from neurallnet.verify.evidence_checks import check_evidence
from neurallnet.verify.file_checks import check_claims, check_hashes
from neurallnet.verify.notebook_checks import check_notebooks
from neurallnet.verify.published import open_published
from neurallnet.verify.run_checks import check_runs


@pytest.fixture(scope="module")
def made_up(tmp_path_factory) -> Path:
    return publish_made_up(tmp_path_factory.mktemp("verify"))


@pytest.fixture
def results(made_up, tmp_path) -> Path:
    for name in ("results", "notebooks"):
        shutil.copytree(made_up.parent / name, tmp_path / name)
    shutil.copy(made_up.parent / "README.md", tmp_path)
    return tmp_path / "results"


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.rglob(pattern)
    return found


def shipped(results: Path) -> Path:
    found = read_evidence(results / "full" / "evidence" / "robustness.json")["runs"]
    return results / "full" / "runs" / found["committee-stained-0"]


def failed(checks) -> dict[str, str]:
    return {check.where: check.detail for check in checks if not check.ok}


def bad_runs(results: Path) -> dict[str, str]:
    with open_published(results) as study:
        return failed(check_runs(study))


def bad_evidence(results: Path, *names: str) -> dict[str, str]:
    with open_published(results) as study:
        return failed(check_evidence(study, study.work.evidence / f"{name}.json") for name in names)


def another_digit(path: Path, number: str) -> None:
    """Change the last digit of the first occurrence of `number`, a regular expression."""
    text = path.read_text()
    end = re.search(number, text).end()
    assert text[end - 1].isdigit()
    path.write_text(f"{text[: end - 1]}{(int(text[end - 1]) + 1) % 10}{text[end:]}")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_was_published_passes_and_is_left_as_it_was(results, capsys, monkeypatch):
    monkeypatch.delenv("NEURALLNET_DATA", raising=False)
    stamp = json.loads((results / "full" / "notebooks" / "00_data.ipynb").read_text())["metadata"]["neurallnet"]
    monkeypatch.setattr(notebook_checks, "package_hash", lambda: stamp["package_hash"])  # someone may be editing the package
    before = contents(results)
    assert command(results) == 0
    out = capsys.readouterr().out
    assert "FAIL" not in out and "none failed" in out and "primary_random.json" in out
    assert contents(results) == before


def test_the_recomputed_numbers_are_those_of_another_library(results):
    found = read_evidence(results / "full" / "evidence" / "primary_random.json")
    table = read_predictions(shipped(results) / "predictions-test.csv")
    assert found["accuracy"] == pytest.approx(accuracy_score(table["label"], table["predicted"]), abs=1e-6)
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(table["label"], table["predicted"]), abs=1e-6)
    with open_published(results) as study:
        check = check_evidence(study, study.work.evidence / "primary_random.json")
    assert check.ok and check.measured == 0
    assert check.recomputed == sum(isinstance(v, int | float) and not isinstance(v, bool) for v in flatten(found).values())


@pytest.mark.parametrize(
    "file", ["runs/*/predictions-val.csv", "evidence/model.json", "notebooks/00_data.ipynb", "manifests/bccd/*.csv"]
)
def test_any_changed_digit_is_named_by_its_hash(results, file):
    path = sorted((results / "full").glob(file))[0]
    another_digit(path, r"0\.\d+|\d+")
    where = f"results/full/{path.relative_to(results / 'full').as_posix()}"
    assert list(failed(check_hashes(results))) == [where]


def test_a_missing_and_an_added_file_are_named(results):
    full = results / "full"
    (full / "evidence" / "times.json").unlink()
    (full / "evidence" / "more.json").write_text("{}")
    (results / "draft.json").write_text("{}")
    found = failed(check_hashes(results))
    assert set(found) == {"results/full/evidence/times.json", "results/full/evidence/more.json", "results/draft.json"}
    assert "not there" in found["results/full/evidence/times.json"]


@pytest.mark.parametrize("text", [None, "{", "[]", '{"sha256": 3}'])
def test_without_a_list_of_hashes_nothing_is_verified(results, text):
    path = results / "full" / "hashes.json"
    path.unlink() if text is None else path.write_text(text)
    assert list(failed(check_hashes(results))) == ["results/full/hashes.json"]


@pytest.mark.parametrize(
    "name", ["predictions-val.csv", "predictions-test.csv", "predictions-external-*.csv", "predictions-corrupted-*.csv"]
)
@pytest.mark.parametrize("column", [-8, -1], ids=["logit", "probability"])
def test_one_digit_of_a_prediction_is_found_when_the_hashes_agree(results, name, column):
    path = only(shipped(results), name)
    lines = path.read_text().splitlines()
    cells = lines[7].split(",")
    cells[column] = f"{cells[column][:-1]}{(int(cells[column][-1]) + 1) % 10}"  # the sixth digit, more or less
    path.write_text("\n".join([*lines[:7], ",".join(cells), *lines[8:]]) + "\n")
    write_hashes(results / "full")
    assert failed(check_hashes(results)) == {}
    (where, detail), *more = bad_runs(results).items()
    assert where.endswith(shipped(results).name) and path.name in detail and not more


def test_a_consistent_forgery_of_a_prediction_contradicts_the_evidence(results):
    """One more image called right, in the test table and its copy among the corrupted: valid tables, but not those published."""
    for path in (only(shipped(results), "predictions-test.csv"), only(shipped(results), "predictions-corrupted-*.csv")):
        path.write_text(_called_right(path))
    write_hashes(results / "full")
    assert bad_runs(results) == {}
    found = bad_evidence(results, "primary_random", "ablation_se", "robustness", "external_bccd")
    assert set(found) == {f"results/full/evidence/{name}.json" for name in ("primary_random", "robustness")}
    assert "accuracy is 0." in found["results/full/evidence/primary_random.json"]


def test_a_forgery_of_an_arm_contradicts_what_it_was_compared_for(results):
    whole = read_evidence(results / "full" / "evidence" / "ablation_se.json")["runs"]["base-0"]
    path = results / "full" / "runs" / whole / "predictions-test.csv"
    path.write_text(_called_right(path))
    write_hashes(results / "full")
    assert set(bad_evidence(results, "primary_random", "ablation_se")) == {"results/full/evidence/ablation_se.json"}


def _called_right(path: Path) -> str:
    """The text of a table with the first wrong row's logits of the label and of the prediction exchanged."""
    lines = path.read_text().splitlines()
    head = lines[0].split(",")
    for place, line in enumerate(lines[1:], 1):
        row = dict(zip(head, line.split(","), strict=True))
        if row["label"] != row["predicted"]:
            for kind in ("logit", "p"):
                one, two = f"{kind}_{row['label']}", f"{kind}_{row['predicted']}"
                row[one], row[two] = row[two], row[one]
            lines[place] = ",".join((row | {"predicted": row["label"]}).values())
            return "\n".join(lines) + "\n"
    raise AssertionError("every image is right")


@pytest.mark.parametrize(
    "name, number, key",
    [
        ("model", r'"footprint_bytes": \d+', "footprint_bytes"),
        ("primary_random", r'"low": [\d.]+', "balanced_accuracy_interval.low"),
        ("ablation_se", r'"mcnemar_p": [\d.]+', "mcnemar_p"),
        ("external_bccd", r'"mean_confidence_of_alarms": [\d.]+', "mean_confidence_of_alarms"),
        ("robustness", r'"high": [\d.]+', "rows[0].high"),
        ("data", r'"test": \d+', "protocols.group.test"),
        ("times", r'"notebooks_seconds": [\d.]+', "notebooks_seconds"),
    ],
)
def test_one_digit_of_the_evidence_is_found_when_the_hashes_agree(results, name, number, key):
    another_digit(results / "full" / "evidence" / f"{name}.json", number)
    write_hashes(results / "full")
    assert failed(check_hashes(results)) == {}
    ((where, detail),) = bad_evidence(results, name).items()
    assert where == f"results/full/evidence/{name}.json" and detail.startswith(f"{key} is ")


def test_a_number_more_or_less_in_the_evidence_is_found(results):
    path = results / "full" / "evidence" / "ablation_se.json"
    good = read_evidence(path)
    write_evidence(path, {**good, "effect": 30.0})
    assert "effect is not recomputed" in bad_evidence(results, "ablation_se")["results/full/evidence/ablation_se.json"]
    write_evidence(path, {key: value for key, value in good.items() if key != "drop"})
    assert "drop is missing" in bad_evidence(results, "ablation_se")["results/full/evidence/ablation_se.json"]
    path.write_text(json.dumps(good))
    assert "not written as evidence is" in bad_evidence(results, "ablation_se")["results/full/evidence/ablation_se.json"]


def test_evidence_nobody_recomputes_fails(results):
    write_evidence(results / "full" / "evidence" / "surprise.json", {"profile": "full", "accuracy": 1.0})
    assert "no function" in bad_evidence(results, "surprise")["results/full/evidence/surprise.json"]


def test_every_changed_leaf_is_named():
    payload = {"a": [1, {"b": 0.5, "c": "x"}], "d": None, "e": {}, "f": True, "g": 0.25}
    assert compare_payloads(payload, payload).problem is None
    assert compare_payloads(payload, payload).recomputed == 3
    for key, value in flatten(payload).items():
        other = json.loads(json.dumps(payload))
        place = other["a"] if key.startswith("a") else other
        if key.startswith("a[1]"):
            place[1][key[-1]] = 0.500001 if value == 0.5 else "y"
        else:
            place[0 if key == "a[0]" else key] = 7 if value is None or value is True else {"n": 1} if key == "e" else value * 2
        assert key in compare_payloads(other, payload).problem


def test_only_what_is_declared_may_go_without_recomputation():
    committed = {"rows": [{"ms": 1.5, "n": 2}, {"ms": 2.5, "n": 2}], "total": 4.00001}
    given = {"rows": [{"n": 2}, {"n": 2}]}
    assert "rows[0].ms" in compare_payloads(committed, given, {"total": "clock"}).problem
    found = compare_payloads(committed, given, {"rows[].ms": "clock", "total": "clock"})
    assert (found.problem, found.recomputed, found.measured) == (None, 2, 3)
    whole = {**committed, "total": 4.0}
    assert "total" in compare_payloads(committed, whole).problem
    assert compare_payloads(committed, whole, close={"total": 5e-6}).problem is None
    assert "total" in compare_payloads(committed, whole, close={"total": 1e-6}).problem


@pytest.mark.parametrize(
    "file, number, said",
    [
        ("run.json", r'"parameters": \d+', "parameters"),
        ("run.json", r'"learning_rate": [\d.]+', "by configuration"),
        ("run.json", r'"split": "[0-9a-f]*?\d', "split"),
        ("config.json", r'"learning_rate": [\d.]+', "config.json"),
        ("history.csv", r"\n3,0\.\d+,[\d.]+,[\d.]+,0\.\d{3}", "val_accuracy"),
    ],
)
def test_a_run_that_contradicts_itself_is_named(results, file, number, said):
    another_digit(shipped(results) / file, number)
    ((where, detail),) = bad_runs(results).items()
    assert where == f"results/full/runs/{shipped(results).name}" and said in detail


def test_a_run_under_another_address_is_named(results):
    shipped(results).rename(shipped(results).with_name("0123456789ab-" + shipped(results).name[-8:]))
    (detail,) = bad_runs(results).values()
    assert "by configuration and manifest" in detail


def test_another_split_is_named(results):
    path = shipped(results) / "split.csv"
    path.write_text(path.read_text().replace(",val", ",train", 1))
    assert "split.csv: not the random split" in bad_runs(results)[f"results/full/runs/{shipped(results).name}"]


def test_an_image_of_another_fold_is_named(results):
    path = shipped(results) / "predictions-test.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    assert "predictions-test.csv" in bad_runs(results)[f"results/full/runs/{shipped(results).name}"]


def test_weights_of_another_network_are_named(results):
    other = next(folder for folder in shipped(results).parent.iterdir() if folder != shipped(results))
    shutil.copy(other / "weights.safetensors", shipped(results))
    assert "weights of another model" in bad_runs(results)[f"results/full/runs/{shipped(results).name}"]


def test_no_run_is_left_out_where_several_processes_share_them(results, monkeypatch):
    monkeypatch.setattr("neurallnet.verify.run_checks.TOGETHER", 2)
    with open_published(results) as study:
        looked_at = [check.where for check in check_runs(study)][1:]
    runs = sorted(shipped(results).parent.iterdir())
    assert len(runs) > 2 and looked_at == [f"results/full/runs/{run.name}" for run in runs]


def test_a_run_without_weights_says_so_and_a_claim_about_weights_fails(results):
    for folder in shipped(results).parent.iterdir():
        (folder / "weights.safetensors").unlink()
    with open_published(results) as study:
        said = {check.where: check for check in check_runs(study)}
    found = said[f"results/full/runs/{shipped(results).name}"]
    assert found.ok and found.detail.startswith("without weights")
    assert "weights.safetensors" in bad_evidence(results, "model")["results/full/evidence/model.json"]


@pytest.mark.parametrize("what, table", [("external set", "predictions-external"), ("corrupted", "predictions-corrupted")])
def test_held_out_images_read_without_an_entry_in_the_log_are_named(results, what, table):
    log = results / "full" / "evidence" / "test_reads.jsonl"
    entries = [entry for entry in map(json.loads, log.read_text().splitlines()) if what not in entry["what"]]
    numbered = [entry | {"read": number} for number, entry in enumerate(entries, 1)]
    log.write_text("".join(json.dumps(entry) + "\n" for entry in numbered))
    (detail,) = bad_runs(results).values()
    assert table in detail and "log of readings" in detail


def test_a_table_of_unknown_kind_is_not_taken_on_trust(results):
    shutil.copy(shipped(results) / "predictions-test.csv", shipped(results) / "predictions-best.csv")
    (detail,) = bad_runs(results).values()
    assert "no way to check" in detail


def test_claims_and_readme_follow_from_the_evidence(results):
    another_digit(results / "claims.json", r'"ours": \d+')
    another_digit(results.parent / "README.md", r"\| \d\d+,\d{3}")
    assert list(failed(check_claims(results))) == ["results/claims.json", "README.md"]
    (results / "claims.json").unlink()
    (results.parent / "README.md").unlink()
    assert list(failed(check_claims(results))) == ["results/claims.json", "README.md"]


WARNED = {"output_type": "stream", "name": "stderr", "text": ["full"]}


def edit(path: Path, change) -> None:
    notebook = json.loads(path.read_text())
    change(notebook)
    path.write_text(json.dumps(notebook))


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda page: page["cells"][3].update(source=["print(other)"]), "cell 3 is not that of"),
        (lambda page: page["cells"].pop(0), "cell 1 is not that of"),
        (lambda page: page["cells"][2].update(source=['profile = "full"\narm = "best"']), "other parameters"),
        (lambda page: page["cells"][3].update(execution_count=5), "execution counts"),
        (lambda page: page["cells"][3].update(execution_count=None), "was not run"),
        (lambda page: page["cells"][3].update(outputs=[{"output_type": "error"}]), "failed"),
        (lambda page: page["cells"][3].update(outputs=[WARNED]), "warning: full"),
        (lambda page: page["metadata"]["neurallnet"].update(profile="smoke"), "profile full"),
        (lambda page: page["metadata"].clear(), "profile full"),
    ],
)
def test_a_notebook_that_is_not_the_run_of_its_source_is_named(results, change, said):
    edit(results / "full" / "notebooks" / "00_data.ipynb", change)
    found = failed(check_notebooks(results, results.parent / "notebooks"))
    assert said in found["results/full/notebooks/00_data.ipynb"]


def test_notebooks_not_executed_or_without_source_are_named(results):
    sources = results.parent / "notebooks"
    (sources / "00_data.ipynb").rename(sources / "01_other.ipynb")
    found = failed(check_notebooks(results, sources))
    assert "no source" in found["results/full/notebooks/00_data.ipynb"]
    assert found["results/full/notebooks/01_other.ipynb"] == "not executed"


def test_notebooks_of_another_state_of_the_package_are_stale(results, capsys):
    notebooks, sources = results / "full" / "notebooks", results.parent / "notebooks"
    stamp = {"package_hash": package_hash(), "profile": "full"}
    edit(notebooks / "00_data.ipynb", lambda page: page["metadata"].update(neurallnet=stamp))
    assert failed(check_notebooks(results, sources)) == {}
    edit(notebooks / "00_data.ipynb", lambda page: page["metadata"]["neurallnet"].update(package_hash="0" * 64))
    assert "stale" in failed(check_notebooks(results, sources))["results/full/notebooks"]
    assert failed(check_notebooks(results, sources, allow_stale=True)) == {}
    for folder in (sources, notebooks):
        shutil.copy(folder / "00_data.ipynb", folder / "01_more.ipynb")
    edit(notebooks / "01_more.ipynb", lambda page: page["metadata"]["neurallnet"].update(package_hash="1" * 64))
    assert "another state" in failed(check_notebooks(results, sources, allow_stale=True))["results/full/notebooks"]


def test_a_damaged_file_fails_its_own_check_and_the_command(results, capsys):
    run = shipped(results)
    (results / "full" / "evidence" / "robustness.json").write_text('{"profile": "full", "rows": 3}')
    (run / "weights.safetensors").write_bytes(b"\0" * 20)
    write_hashes(results / "full")
    assert command(results, allow_stale=True) == 1
    out = capsys.readouterr().out
    assert "Traceback" not in out and "FAILED" in out.splitlines()[-1]
    # model.json counts the parameters of the damaged weights
    named = {Path(line.split()[2].rstrip(":")).name for line in out.splitlines() if line.startswith("FAIL ")}
    # claims.json cites robustness.json, and the README counts the claims
    assert named == {"robustness.json", run.name, "model.json", "claims.json", "README.md"}


def test_a_folder_without_results_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no published results"):
        verify_results(tmp_path)


def test_there_are_no_images_to_fall_back_on(results):
    with open_published(results) as study, pytest.raises(DataError, match="no images"):
        study.dataset().images(96, study.work)
