"""The book's numbers: what a chapter may name, what it shows when nothing was measured, and what stops the build."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest
import torch

from neurallnet.errors import DataError
from neurallnet.neurons import Neuron, lif_loop

TOP = Path(__file__).resolve().parent.parent
INTERVAL = {"low": 0.9663, "high": 0.9939, "level": 0.95, "method": "BCa", "unit": "near-duplicate group"}
PRIMARY = {
    "accuracy": 0.981595,
    "n": 1326,
    "groups": 300,
    "protocol": "random 80/10/10",
    "interval": INTERVAL,
    "gpu": None,
    "provenance": {"profile": "full", "run": "abc", "seeds": [0], "manifest": "0123456789abcdef", "package": None},
}


@pytest.fixture(scope="module")
def results():
    pytest.importorskip("sphinx")
    sys.path.insert(0, str(TOP / "book" / "_ext"))
    import results

    yield results
    sys.path.remove(str(TOP / "book" / "_ext"))


@pytest.fixture
def evidence(tmp_path):
    folder = tmp_path / "results" / "full" / "evidence"
    folder.mkdir(parents=True)
    (folder / "primary_random.json").write_text(json.dumps(PRIMARY))
    return folder


def shown(text, context):
    """As MyST renders a substitution: Jinja2 that refuses undefined names."""
    return jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text).render(context)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("primary_random.accuracy_percent", "98.16%"),
        ("primary_random.n_text", "1,326"),
        ("primary_random.protocol", "random 80/10/10"),
        ("primary_random.interval.text", "96.63% to 99.39% (95% BCa over near-duplicate groups)"),
        ("primary_random.gpu or 'none'", "none"),
        ("primary_random.gpu", "*not measured in this build*"),
        ("model.provenance.machine.cpu", "*not measured in this build*"),
        ("config.data.source", "taleqani"),
    ],
)
def test_a_number_reads_as_a_reader_expects(results, evidence, name, text):
    assert shown(f"{{{{ {name} }}}}", results.load_results(evidence, ["model"])) == text


def test_a_row_is_found_by_what_it_is_of(results, evidence):
    rows = [{"network": "base", "n": 1300}, {"network": "no-se", "n": 2}, {"arm": "bar", "n": 3}, {"arm": "bar", "n": 4}]
    both = [{"arm": "bar", "protocol": "random", "n": 5, "part": None}, {"arm": "bar", "protocol": "session", "n": 6}]
    (evidence / "peers.json").write_text(json.dumps({"session": rows, "both": both}))
    found = results.load_results(evidence)
    assert shown("{{ peers.both['bar, session'].n }} {{ peers.both['random, bar'].n }}", found) == "6 5"
    assert shown("{{ peers.session['base'].n_text }} {{ peers.session['no-se'].n }} {{ peers.session[2].n }}", found) == "1,300 2 3"
    for name in ("committee", "bar", "bar, base"):  # no row, and two that could be meant
        with pytest.raises(jinja2.UndefinedError):
            shown(f"{{{{ peers.session['{name}'].n }}}}", found)


@pytest.mark.parametrize("name", ["primary_random.acuracy_percent", "primary_rndom.accuracy", "config.model.depth"])
def test_an_unknown_name_is_an_error(results, evidence, name):
    with pytest.raises(jinja2.UndefinedError):
        shown(f"{{{{ {name} }}}}", results.load_results(evidence, ["model"]))


def test_synthetic_evidence_is_refused(results, evidence):
    (evidence / "model.json").write_text(json.dumps({"parameters": 1, "provenance": {"profile": "smoke"}}))
    with pytest.raises(DataError, match=r"model\.json: profile 'smoke'"):
        results.load_results(evidence)


def test_tables_link_to_the_evidence_from_the_page(results, evidence):
    page = evidence.parents[2] / "book"
    claims = results.TABLES["claims"](evidence, page)
    assert "98.16%" in claims
    assert "](../results/full/evidence/primary_random.json)" in claims
    listed = results.TABLES["evidence"](evidence, page)
    assert "[primary_random.json](../results/full/evidence/primary_random.json)" in listed
    assert "`01234567`" in listed


def test_conditions_and_stretches_become_rows(results, evidence):
    row = {"condition": "embargo 75, session", "folds": [0, 2], "seeds": [0], "balanced_accuracy": 0.93, "low": 0.92, "high": 0.94}
    row |= {"arm": "embargo-75", "reference": "base"}
    row |= {"published": 0.95, "gain": {"points": -2.0, "low": -3.0, "high": -1.0}, "colour": 0.91}
    (evidence / "conditions.json").write_text(json.dumps({"rows": [row]}))
    stretch = {"label": "Early", "first": 220, "last": 247, "images": 6, "called": "Benign"}
    (evidence / "misread.json").write_text(json.dumps({"session": {"stretches": [stretch]}}))
    head, ends, line = results.TABLES["conditions"](evidence, evidence).splitlines()
    assert line == "| embargo 75, session | yes | 0, 2 | 1 | 93.00% [92.00%, 94.00%] | 95.00% | -2.00 [-3.00, -1.00] | 91.00% |"
    assert head.count("|") == line.count("|") and ends == "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |"
    _, ends, line = results.TABLES["misread"](evidence, evidence).splitlines()
    assert (ends, line) == ("| --- | --- | ---: | --- |", "| Early | 220 to 247 | 6 | Benign |")


def test_without_evidence_every_table_says_so(results, tmp_path):
    for make in results.TABLES.values():
        assert results.NOT_MEASURED in make(tmp_path / "none", tmp_path)


def test_choices_repeat_the_source(results):
    import choices

    from neurallnet.config import ModelConfig

    table = choices.choices_markdown("ModelConfig")
    assert f"| `time_steps` | `{ModelConfig().time_steps}` |" in table
    assert len(table.splitlines()) == 2 + len(ModelConfig.__dataclass_fields__)
    with pytest.raises(ValueError, match="NoConfig"):
        choices.choices_markdown("NoConfig")


def test_the_worked_neuron_is_what_the_code_computes():
    text = (TOP / "book" / "model.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| (\d) \| (\d\.\d{4}) \| (\d) \|$", text, re.M)
    state = lif_loop(torch.full((len(rows),), 0.3), Neuron(beta=0.9, threshold=1.0))
    assert len(rows) == 6
    assert [float(row[2]) for row in rows] == pytest.approx(state.membrane.tolist(), abs=5e-5)
    assert [int(row[3]) for row in rows] == state.spike.int().tolist()
    assert [int(row[1]) for row in rows] == [0, *state.spike.int().tolist()[:-1]]


def test_an_unknown_name_stops_a_build_and_a_known_one_is_printed(results, evidence, tmp_path):
    book = tmp_path / "pages"
    book.mkdir()
    shutil.copytree(TOP / "book" / "_ext", tmp_path / "_ext", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "conf.py").write_text(
        "import sys\nsys.path.insert(0, '_ext')\nextensions = ['myst_parser', 'results']\n"
        "myst_enable_extensions = ['substitution']\nresults_evidence = 'results/full/evidence'\n"
        "root_doc = 'pages/index'\nexclude_patterns = ['out*']\n"
    )
    page = book / "index.md"
    page.write_text("# T\n\nFound {{ primary_random.accuracy_percent }}.\n\n```{results-table} claims\n```\n")
    built = build(tmp_path, "out1")
    assert built.returncode == 0, built.stderr
    html = (tmp_path / "out1" / "pages" / "index.html").read_text(encoding="utf-8")
    assert "Found 98.16%." in html
    link = re.search(r'href="([^"]*primary_random\.json)"', html).group(1)
    assert (tmp_path / "out1" / "pages" / link).resolve().is_file()

    page.write_text("# T\n\nFound {{ primary_random.acuracy }}.\n")
    failed = build(tmp_path, "out2")
    assert failed.returncode != 0
    assert "acuracy" in failed.stderr


def build(source, target):
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "-b", "html", ".", target]
    return subprocess.run(command, cwd=source, capture_output=True, text=True, env=_environment())


def _environment():
    plain = {key: value for key, value in os.environ.items() if key not in ("NEURALLNET_EVIDENCE", "NEURALLNET_PROFILE")}
    return {**plain, "PYTHONPATH": os.pathsep.join(filter(None, [str(TOP), plain.get("PYTHONPATH", "")]))}
