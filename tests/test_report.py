"""The report: every number is the one of the tables, the page stands alone, and odd names do no harm."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from neurallnet.data.tables import write_table, write_text
from neurallnet.errors import RunError
from neurallnet.evaluation import build_predictions, cluster_interval, metrics, write_predictions
from neurallnet.evidence import canonical_json
from neurallnet.paths import repository
from neurallnet.report import page, report_facts, write_report
from neurallnet.report.figures import plain
from neurallnet.runs import open_run

CLASSES = ["a <b> $x", "second", "a third with a name that is far too long for any axis"]


@pytest.fixture
def run(tmp_path):
    """A finished run on disk, made of tables alone: 3 classes, 60 test images in 30 groups of two."""
    folder = tmp_path / "work" / "runs" / "abc-def"
    random = np.random.default_rng(0)
    images = []
    for fold, n in (("test", 20), ("val", 5), ("train", 40)):
        labels = np.repeat(CLASSES, n)
        paths = [f"{label}/{fold}-{place}.png" for place, label in enumerate(labels)]
        images += [(p, label, fold, place // 2) for place, (p, label) in enumerate(zip(paths, labels, strict=True))]
        logits = random.normal(size=(len(labels), 3)) + 2 * np.eye(3)[np.repeat(range(3), n)]
        if fold != "train":
            write_predictions(folder / f"predictions-{fold}.csv", build_predictions(paths, labels.tolist(), fold, logits, CLASSES))
    table = pd.DataFrame(images, columns=["path", "label", "fold", "group"])
    write_table(table, folder / "images.csv")
    write_table(table[["path", "fold"]], folder / "split.csv")
    write_table(pd.DataFrame({"path": ["second/<x>.png"], "reason": ["is damaged"]}), folder / "rejected.csv")
    history = {"epoch": [1, 2], "train_loss": [1.0, 0.5], "train_accuracy": [0.4, 0.7]}
    history |= {"val_loss": [1.0, 0.6], "val_accuracy": [0.4, 0.8]}
    write_table(pd.DataFrame(history), folder / "history.csv")
    machine = {"cpu": "a processor", "cores": 2, "threads": 1, "gpu": None, "system": "a system", "versions": {"torch": "2"}}
    record = {"config": {"data": {"source": "folder"}}, "manifest": "m" * 64, "split": "s" * 64, "package": "p" * 64}
    record |= {"parameters": 1234, "precision": "float32", "machine": machine, "epochs": 2}
    record |= {"images": {"test": 60, "train": 120, "val": 15}}
    write_text(canonical_json(record), folder / "run.json")
    notes = {"folder": "my & slides", "split": "group (why)", "synthetic": False, "ood": "fitted"}
    write_text(canonical_json(notes), folder / "notes.json")
    return open_run(folder)


class Reader(HTMLParser):
    """Tags, attributes and ids of a page; fails on tags that are not closed in order."""

    void = {"meta", "br", "img", "link", "input", "use", "path"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.refs = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append((tag, values))
        self.ids += [values["id"]] if "id" in values else []
        self.refs += [values["href"].removeprefix("#")] if "href" in values else []
        self.refs += re.findall(r"url\(#([\w-]+)\)", " ".join(v for _, v in attributes if v))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.void:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.void:
            assert self.open.pop() == tag


def test_numbers_are_those_of_the_predictions(run):
    text = write_report(run).read_text(encoding="utf-8")
    test = run.predictions("test")
    right = (test["predicted"] == test["label"]).to_numpy()
    assert f"{right.sum()} of 60</span>" in text and "33.3%" in text
    interval = cluster_interval(right, np.arange(60) // 2)
    assert f"{interval.low:.1%} to {interval.high:.1%}" in text and "BCa bootstrap over near-duplicate groups" in text
    cells = [int(n) for n in re.findall(r'<td class="cell"[^>]*>(\d+)</td>', text)]
    assert cells == np.ravel(metrics(test)["confusion"]).tolist()
    assert [row["counts"]["train"] for row in report_facts(run)["classes"]] == [40, 40, 40]


def test_page_stands_alone_and_can_be_read_aloud(run):
    text = page(report_facts(run))
    read = Reader(text)
    assert not re.search(r"https?:|<script|<image|data:|@import|url\((?!#)", text)
    drawings = [values for tag, values in read.tags if tag == "svg"]
    assert len(drawings) == 2 and all(d["role"] == "img" and len(d["aria-label"]) > 40 for d in drawings)
    assert len(read.ids) == len(set(read.ids)) and set(read.refs) <= set(read.ids) and read.refs
    assert "Not a medical device" in text and "prefers-color-scheme: dark" in text and 'name="viewport"' in text


def test_names_are_text_never_markup(run):
    text = page(report_facts(run))
    assert "<b>" not in text and "a &lt;b&gt; $x" in text and "my &amp; slides" in text and "second/&lt;x&gt;.png" in text
    assert plain(CLASSES[2]).endswith("…") and plain("$") == r"\$"


def test_synthetic_pages_say_so_on_top_and_on_each_figure(run):
    facts = report_facts(run)
    assert "SYNTHETIC" not in page(facts)
    drawn = page({**facts, "synthetic": True})
    assert drawn.index("SYNTHETIC") < drawn.index("Test images")
    assert 'id="curve-synthetic"' in drawn and 'id="recall-synthetic"' in drawn


def test_without_groups_intervals_are_over_images(run):
    for name in ("images.csv", "rejected.csv", "notes.json"):
        (run.folder / name).unlink()
    text = page(report_facts(run))
    assert "over images" in text and "near-duplicate group" not in text and "Not known" in text


def test_a_run_that_was_not_evaluated_is_told_what_to_do(run):
    (run.folder / "predictions-test.csv").unlink()
    with pytest.raises(RunError, match="neurallnet evaluate"):
        write_report(run)


def test_published_runs_have_a_report_from_the_committed_files():
    folder = next(iter(sorted((repository() / "results" / "full" / "runs").glob("*/predictions-test.csv")))).parent
    text = page(report_facts(open_run(folder)))
    assert "near-duplicate groups" in text and "SYNTHETIC" not in text and "taleqani" in text
