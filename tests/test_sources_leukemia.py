"""C-NMC 2019 and ALL-IDB: made-up trees of the published layouts; labels, patients and order by hand."""

import zlib

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from neurallnet.cli import app
from neurallnet.data.manifest import build_manifest
from neurallnet.data.sources import get_source, locate
from neurallnet.data.splits import split_groups
from neurallnet.errors import DataError
from neurallnet.paths import workspace

TRAINING = [
    "fold_0/all/UID_2_1_1_all.bmp",
    "fold_0/all/UID_10_2_1_all.bmp",
    "fold_1/all/UID_10_1_7_all.bmp",
    "fold_0/hem/UID_H3_1_1_hem.bmp",
    "fold_2/hem/UID_H12_4_2_hem.bmp",
]
PRELIM = "Patient_ID,new_names,labels\nUID_57_29_1_all.bmp,1.bmp,1\nUID_H49_35_1_hem.bmp,2.bmp,0\n"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("NEURALLNET_DATA", raising=False)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))


def draw(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(zlib.crc32(str(path).encode())).integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(path)


def cnmc_tree(top, training="C-NMC_training_data", prelim="C-NMC_test_prelim_phase_data", table=PRELIM):
    for name in TRAINING:
        draw(top / training / name)
    for name in ("1.bmp", "2.bmp"):
        draw(top / prelim / name)
    (top / prelim).with_name("C-NMC_test_prelim_phase_data_labels.csv").write_text(table)
    return top


def idb_tree(top):
    for name in ("Im001_1.jpg", "Im002_1.jpg", "Im034_0.jpg"):
        draw(top / "ALL_IDB1" / "im" / name)
    (top / "ALL_IDB1" / "xyc").mkdir()
    (top / "ALL_IDB1" / "xyc" / "Im001_1.xyc").write_text("3 4\n")
    for name in ("Im001_1.tif", "Im131_0.tif"):
        draw(top / "ALL_IDB2" / "img" / name)
    return top


def by_name(listing):
    return {image.path.rsplit("/", 1)[1]: image for image in listing.images}


def test_cnmc_labels_patients_and_order(tmp_path):
    found = get_source("cnmc").scan(cnmc_tree(tmp_path))
    assert found.problems == []
    images = by_name(found)
    expected = {
        "UID_2_1_1_all.bmp": ("Malignant", "2", 1),
        "UID_10_1_7_all.bmp": ("Malignant", "10", 2),  # 10 after 2, image 1 before image 2, whatever the fold
        "UID_10_2_1_all.bmp": ("Malignant", "10", 3),
        "1.bmp": ("Malignant", "57", 4),
        "UID_H3_1_1_hem.bmp": ("Benign", "H3", 1),
        "UID_H12_4_2_hem.bmp": ("Benign", "H12", 2),
        "2.bmp": ("Benign", "H49", 3),
    }
    assert {n: (i.label, i.extra["patient"], i.order) for n, i in images.items()} == expected
    assert images["1.bmp"].path == "C-NMC_test_prelim_phase_data/1.bmp"


def test_cnmc_manifest_keeps_patients_together(tmp_path):
    frame = build_manifest(get_source("cnmc"), cnmc_tree(tmp_path), strict=True, progress=False).frame
    assert "patient" in frame and frame["patient"].tolist().count("10") == 2
    groups = split_groups(frame)
    ten = frame.loc[frame["patient"] == "10", "path"]
    assert groups[ten].nunique() == 1 and groups.nunique() == frame["patient"].nunique() == 6


@pytest.mark.parametrize(
    ("below", "training", "prelim"),
    [
        ("", "C-NMC_training_data", "C-NMC_test_prelim_phase_data"),
        ("cnmc", "C-NMC_training_data", "C-NMC_test_prelim_phase_data/C-NMC_test_prelim_phase_data"),
        ("C-NMC_Leukemia", "training_data", "validation_data/C-NMC_test_prelim_phase_data"),
        ("cnmc/C-NMC_Leukemia", "training_data", "validation_data/C-NMC_test_prelim_phase_data"),
        ("PKG - C-NMC 2019", "C-NMC_training_data", "C-NMC_test_prelim_phase_data"),
    ],
)
def test_cnmc_is_found_as_it_is_published(tmp_path, below, training, prelim):
    top = tmp_path / "data"
    cnmc_tree(top / below, training, prelim)
    draw(top / below / "testing_data" / "C-NMC_test_final_phase_data" / "9.bmp")  # no published labels
    draw(top / "bccd" / "BloodImage_00012.jpg")  # another set beside it
    root = locate("cnmc", top, workspace(tmp_path / "work"))
    assert root == (top / below).resolve()
    found = get_source("cnmc").scan(root)
    assert (len(found.images), found.problems) == (7, [])


def test_cnmc_training_alone_is_enough(tmp_path):
    cnmc_tree(tmp_path)
    root = locate("cnmc", tmp_path / "C-NMC_training_data", workspace(tmp_path / "work"))
    assert len(get_source("cnmc").scan(root).images) == len(TRAINING)


def test_cnmc_names_that_do_not_fit_are_reported(tmp_path):
    training = cnmc_tree(tmp_path) / "C-NMC_training_data"
    for name in ("fold_0/all/cell1.bmp", "fold_0/all/UID_4_1_1_hem.bmp", "fold_1/other/UID_4_1_2_all.bmp", "UID_5_1_1_all.bmp"):
        draw(training / name)
    found = get_source("cnmc").scan(tmp_path)
    problems = dict(found.problems)
    below = "C-NMC_training_data"
    assert problems.keys() == {
        f"{below}/fold_0/all/cell1.bmp",
        f"{below}/fold_0/all/UID_4_1_1_hem.bmp",
        f"{below}/fold_1/other",
        f"{below}/UID_5_1_1_all.bmp",
    }
    assert "UID_<subject>_<image>_<cell>" in problems[f"{below}/fold_0/all/cell1.bmp"]
    assert "named hem but lies in folder all" in problems[f"{below}/fold_0/all/UID_4_1_1_hem.bmp"]
    assert len(found.images) == 7
    with pytest.raises(DataError, match=r"4 file\(s\) or folder\(s\) refused"):
        build_manifest(get_source("cnmc"), tmp_path, strict=True, progress=False)


@pytest.mark.parametrize(
    ("table", "path", "said"),
    [
        (PRELIM.replace("2.bmp,0", "3.bmp,0"), "2.bmp", "listed 0 times"),
        (PRELIM.replace("2.bmp,0", "3.bmp,0"), "3.bmp", "but not there"),
        (PRELIM + "UID_7_1_1_all.bmp,2.bmp,1\n", "2.bmp", "listed 2 times"),
        (PRELIM.replace("2.bmp,0", "2.bmp,7"), "2.bmp", "label '7'"),
        (PRELIM.replace("2.bmp,0", "2.bmp,1"), "2.bmp", "labelled 1 but originally named hem"),
        (PRELIM.replace("UID_H49_35_1_hem", "cell49"), "2.bmp", "original name 'cell49.bmp'"),
    ],
)
def test_cnmc_label_table_that_does_not_fit_is_reported(tmp_path, table, path, said):
    found = get_source("cnmc").scan(cnmc_tree(tmp_path, table=table))
    problems = dict(found.problems)
    assert said in problems[f"C-NMC_test_prelim_phase_data/{path}"]
    assert "2.bmp" not in by_name(found) and "1.bmp" in by_name(found)


@pytest.mark.parametrize("damage", [None, "a,b\n1,2\n", ""])
def test_cnmc_preliminary_set_without_its_table_is_left_out(tmp_path, damage):
    cnmc_tree(tmp_path)
    table = tmp_path / "C-NMC_test_prelim_phase_data_labels.csv"
    if damage is None:
        table.unlink()
    else:
        table.write_text(damage)
    found = get_source("cnmc").scan(tmp_path)
    assert [p for p, _ in found.problems] == ["C-NMC_test_prelim_phase_data"] and len(found.images) == len(TRAINING)


def test_cnmc_without_original_names_has_labels_but_no_patients(tmp_path):
    images = by_name(get_source("cnmc").scan(cnmc_tree(tmp_path, table="new_names,labels\n1.bmp,1\n2.bmp,0\n")))
    assert (images["1.bmp"].label, images["1.bmp"].extra, images["1.bmp"].order) == ("Malignant", {"patient": ""}, 4)


def test_cnmc_ends_a_loop_of_links_and_names_a_missing_class(tmp_path):
    draw(tmp_path / "training_data" / "fold_0" / "all" / "UID_1_1_1_all.bmp")
    (tmp_path / "training_data" / "fold_0" / "fold_1").symlink_to(tmp_path / "training_data")
    problems = get_source("cnmc").scan(tmp_path).problems
    assert ("Benign", "there are no cells of class Benign") in problems


def test_all_idb_labels_and_order(tmp_path):
    idb_tree(tmp_path)
    fields = get_source("all_idb1").scan(tmp_path / "ALL_IDB1" / "im")
    assert [tuple(i) for i in fields.images] == [
        ("Im001_1.jpg", "Malignant", 1, {}),
        ("Im002_1.jpg", "Malignant", 2, {}),
        ("Im034_0.jpg", "Benign", 34, {}),
    ]
    cells = get_source("all_idb2").scan(tmp_path / "ALL_IDB2" / "img")
    assert [(i.path, i.label) for i in cells.images] == [("Im001_1.tif", "Malignant"), ("Im131_0.tif", "Benign")]
    assert fields.problems == cells.problems == []


def test_all_idb_names_that_do_not_fit_are_reported(tmp_path):
    folder = idb_tree(tmp_path) / "ALL_IDB1" / "im"
    for name in ("Im003_2.jpg", "cover.jpg", "Im004_1.png"):
        draw(folder / name)
    (folder / "Im001_1.xyc").write_text("3 4\n")
    (folder / "Thumbs.db").touch()
    found = get_source("all_idb1").scan(folder)
    assert {p for p, _ in found.problems} == {"Im003_2.jpg", "cover.jpg", "Im004_1.png"} and len(found.images) == 3
    (folder / "Im034_0.jpg").unlink()
    assert ("Benign", "there are no images of class Benign") in get_source("all_idb1").scan(folder).problems


@pytest.mark.parametrize("below", ["", "ALL-IDB", "ALL_IDB1"])
def test_the_two_all_idb_sets_are_never_confused(tmp_path, below):
    """Their file names are equal: a cell must not be taken for a field."""
    idb_tree(tmp_path / below)
    space = workspace(tmp_path / "work")
    assert locate("all_idb1", tmp_path / below, space).parent.name == "ALL_IDB1"
    assert locate("all_idb2", tmp_path / below, space).parent.name == "ALL_IDB2"
    assert locate("all_idb1", tmp_path / below / "ALL_IDB1", space).name == "im"
    with pytest.raises(DataError, match="no images of source 'all_idb1'"):
        locate("all_idb1", tmp_path / below / "ALL_IDB2", space)
    with pytest.raises(DataError, match="no images of source 'all_idb2'"):
        locate("all_idb2", tmp_path / below / "ALL_IDB1" / "im", space)


@pytest.mark.parametrize(("name", "images"), [("cnmc", 7), ("all_idb1", 3), ("all_idb2", 2)])
def test_manifest_command(tmp_path, name, images):
    idb_tree(cnmc_tree(tmp_path / "data"))
    words = ["data", "manifest", name, "--data", str(tmp_path / "data"), "--work", str(tmp_path / "work"), "--strict"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line.split()[1] for line in result.output.splitlines() if line.startswith(("Benign", "Mal", "all"))}
    assert rows.keys() == {"Benign", "Malignant", "all"} and rows["all"] == str(images)
