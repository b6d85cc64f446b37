"""Datasheets: counts against the files made in the test, catalogue facts as they stand, nothing typed that can be computed."""

import re
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from neurallnet.data.datasheet import UNKNOWN, datasheet
from neurallnet.data.manifest import Manifest
from neurallnet.data.source import Notes
from neurallnet.data.sources import SOURCES, get_source
from neurallnet.dataset import Dataset, open_dataset
from neurallnet.errors import DataError
from neurallnet.paths import workspace

SECTIONS = ["Motivation", "Composition", "Collection", "Preprocessing", "Uses", "Distribution", "Maintenance", "Known faults"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Class a: four images, two of them copies; class b: two, one of another size; one file that is no image."""
    root, rng = tmp_path_factory.mktemp("set"), np.random.default_rng(0)
    for name, size in (("a/1", 16), ("a/2", 16), ("a/3", 16), ("b/1", 16), ("b/2", 24)):
        (root / name).parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, size, 3), dtype=np.uint8)).save(root / f"{name}.png")
    (root / "a/4.png").write_bytes((root / "a/1.png").read_bytes())
    (root / "b/3.png").write_text("no image")
    return open_dataset("folder", workspace(tmp_path_factory.mktemp("work")), root)


def section(text, name):
    return re.search(rf"^## {name}\n\n(.*?)(?=^## |\Z)", text, re.S | re.M)[1]


def table(text):
    """Rows of the first markdown table: first cell -> the other cells by column."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return {row[0]: dict(zip(lines[0][1:], row[1:], strict=True)) for row in lines[2:]}


def test_counts_sizes_duplicates_and_refusals_come_from_the_files(dataset):
    text = datasheet(dataset, get_source("folder", dataset.root))
    assert re.findall(r"^## (.*)$", text, re.M) == SECTIONS and text.startswith("# Datasheet: folder\n")
    rows = table(section(text, "Composition"))
    assert {name: row["images"] for name, row in rows.items()} == {"a": "4", "b": "2", "all": "6"}
    assert {name: row["exact duplicates (pairs)"] for name, row in rows.items()} == {"a": "1", "b": "0", "all": "1"}
    assert "16 x 16 (5 images), 24 x 16 (1 images)" in section(text, "Composition")
    faults = section(text, "Known faults")
    assert "1 images are byte-for-byte copies" in faults and "a has 4 images, b 2 (2 to 1)" in faults
    assert "Not used: `b/3.png` is not a JPEG" in faults
    assert "square already: 5 of 6" in section(text, "Preprocessing")
    assert dataset.digest[:12] in text and UNKNOWN in section(text, "Motivation")


def test_duplicates_with_different_labels_are_a_fault(dataset):
    frame = dataset.frame.copy()
    frame.loc[frame["path"] == "a/4.png", "label"] = "b"  # the copy of a/1.png
    found = datasheet(Dataset(dataset.root, Manifest(frame, dataset.manifest.rejected), dataset.classes), get_source("bccd"))
    assert "1 pairs of near duplicates have different labels" in section(found, "Known faults")
    assert "different labels" not in datasheet(dataset, get_source("bccd"))


def test_patients_are_counted_where_known(dataset):
    known = dataset.frame.assign(patient=["1", "1", "1", "2", "H1", ""])
    text = datasheet(Dataset(dataset.root, Manifest(known, dataset.manifest.rejected), dataset.classes), get_source("cnmc"))
    assert "People known by number: 3 (a 2, b 1), with 1 to 3 images each, median 1. Images without one: 1." in text
    assert "No file says which images are of one patient." in datasheet(dataset, get_source("cnmc"))


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_has_its_facts_in_the_right_section(dataset, name):
    source = SOURCES[name]
    text = datasheet(dataset, source)
    assert source.licence in section(text, "Distribution") and source.citation in section(text, "Distribution")
    for note, heading in zip(fields(Notes), ["Motivation", "Composition", "Collection", *SECTIONS[3:]], strict=True):
        value = getattr(source.notes, note.name)
        for words in [value] if isinstance(value, str) else value:
            assert words in section(text, heading)
    assert ("SYNTHETIC" in text) == (source.lab is not None)
    assert name == "folder" or (source.notes.motivation and source.notes.faults)


def test_notes_hold_no_count_the_manifest_gives():
    """A typed number of images would go stale; the publishers' 89 patients and dates are in no file."""
    for source in SOURCES.values():
        words = " ".join(str(getattr(source.notes, field.name)) for field in fields(Notes))
        assert not re.search(r"\d[\d,.]*\s+(images|cells|fields|files|duplicates|pairs)\b", words), source.name


def test_audit_is_added_as_tables(dataset):
    audit = {
        "manifest": dataset.digest,
        "same_field": 0.25,
        "probes": [{"probe": "colour", "accuracy": 0.123456, "n": 9}, {"probe": "corner", "accuracy": 0.5, "n": 9}],
        "protocols": {"random": {"train": 3}, "group": {"train": 4}},
        "empty": [],
    }
    found = section(datasheet(dataset, get_source("folder", dataset.root), audit), "Audit")
    probes, protocols = found.split("### ")[1:]
    assert table(probes) == {"colour": {"accuracy": "0.1235", "n": "9"}, "corner": {"accuracy": "0.5", "n": "9"}}
    assert table(protocols) == {"random": {"train": "3"}, "group": {"train": "4"}}
    assert "- same_field: 0.25" in found


def test_audit_of_other_images_is_refused(dataset):
    with pytest.raises(DataError, match="audit: made of manifest 0123456789ab, not .*make it again"):
        datasheet(dataset, get_source("folder", dataset.root), {"manifest": "0123456789abcdef"})


def test_unlabelled_and_healthy_sets_say_so(dataset):
    bare = Dataset(dataset.root, Manifest(dataset.frame.assign(label=""), pd.DataFrame(columns=["path", "reason"])), ())
    assert "every image is of a healthy person" in datasheet(bare, get_source("bccd"))
    text = datasheet(bare, get_source("external_probe"))
    assert "No labels." in text and "(no label)" in text and "differ in size" not in text
