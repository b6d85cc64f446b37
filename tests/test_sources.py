"""Sources: class-name tables, usual folders, the synthetic truth, and Kaggle without an account."""

import sys
import types

import pytest
from PIL import Image

from neurallnet.data.listing import acquisition_order, printable
from neurallnet.data.sources import SOURCES, download, get_source, locate
from neurallnet.errors import DataError
from neurallnet.paths import workspace

EXTERNAL = {
    "Benign": "Benign",
    "[Malignant] early Pre-B": "Early",
    "[Malignant] Pre-B": "Pre",
    "[Malignant] Pro-B": "Pro",
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("NEURALLNET_DATA", raising=False)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))


@pytest.fixture
def space(tmp_path):
    return workspace(tmp_path / "work")


def image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path)


def class_tree(root, names=("Benign", "Early", "Pre", "Pro")):
    for name in names:
        image(root / name / f"WBC-{name.strip('[]')}-001.png")
    return root


def test_every_source_names_its_origin():
    assert {"synthetic", "taleqani", "taleqani_segmented", "external", "bccd", "folder"} <= set(SOURCES)
    for name, source in SOURCES.items():
        assert source.name == name and source.citation and source.licence
        assert hash(source) == hash(get_source(name) if name != "folder" else source)
    with pytest.raises(DataError, match="unknown; choose one of synthetic, "):
        get_source("imagenet")


def test_external_names_are_mapped_whole(tmp_path):
    """ "[Malignant] early Pre-B" contains "Pre-B": a substring match would call early cells Pre."""
    class_tree(tmp_path, EXTERNAL)
    found = get_source("external").find(tmp_path)
    assert {f.path.split("/")[0]: f.label for f in found} == EXTERNAL


def test_external_names_tolerate_case_and_spaces_only(tmp_path):
    class_tree(tmp_path, ["benign", "[MALIGNANT]  Early pre-b ", "[malignant] Pre-B", "[Malignant] pro-b"])
    assert sorted(f.label for f in get_source("external").find(tmp_path)) == ["Benign", "Early", "Pre", "Pro"]


@pytest.mark.parametrize("name", ["Pre-B", "early Pre-B", "[Malignant] Pre-B (2)", "Normal", "Pre"])
def test_external_unknown_folder_lists_the_known(tmp_path, name):
    image(class_tree(tmp_path, EXTERNAL) / name / "1.png")
    with pytest.raises(
        DataError, match=r"unknown class folder.*known names are 'benign', '\[malignant\] early pre-b'"
    ):
        get_source("external").find(tmp_path)


@pytest.mark.parametrize("below", ["taleqani/Original", "Original", "leukemia/Original", "taleqani", ""])
def test_taleqani_is_found_and_paths_do_not_depend_on_the_layout(tmp_path, space, below):
    class_tree(tmp_path / "data" / below)
    root = locate("taleqani", tmp_path / "data", space)
    assert root == (tmp_path / "data" / below).resolve()
    paths = [f.path for f in get_source("taleqani").find(root)]
    assert paths[0] == "Benign/WBC-Benign-001.png" and len(paths) == 4


def test_original_and_segmented_are_never_confused(tmp_path, space):
    class_tree(tmp_path / "taleqani" / "Original")
    class_tree(tmp_path / "taleqani" / "Segmented")
    for top in (tmp_path, tmp_path / "taleqani"):
        assert locate("taleqani", top, space).name == "Original"
        assert locate("taleqani_segmented", top, space).name == "Segmented"
    with pytest.raises(DataError, match="no images of source 'taleqani'"):
        locate("taleqani", tmp_path / "taleqani" / "Segmented", space)
    with pytest.raises(DataError, match="no images of source 'taleqani_segmented'"):
        locate("taleqani_segmented", tmp_path / "taleqani" / "Original", space)


def test_environment_names_the_data_and_the_argument_wins(tmp_path, space, monkeypatch):
    class_tree(tmp_path / "one" / "Original")
    class_tree(tmp_path / "two" / "Original")
    monkeypatch.setenv("NEURALLNET_DATA", str(tmp_path / "one"))
    assert locate("taleqani", None, space).parent.name == "one"
    assert locate("taleqani", tmp_path / "two", space).parent.name == "two"
    monkeypatch.setenv("NEURALLNET_DATA", str(tmp_path / "gone"))
    with pytest.raises(DataError, match="gone: no such folder"):
        locate("taleqani", None, space)


def test_missing_data_says_what_to_do(tmp_path, space):
    with pytest.raises(DataError, match="--data or NEURALLNET_DATA.*data download external"):
        locate("external", None, space)
    with pytest.raises(DataError, match="looked for 'bccd', .*, the folder itself") as caught:
        locate("bccd", tmp_path, space)
    assert "download" not in str(caught.value)
    with pytest.raises(DataError, match="needs the folder of your images"):
        locate("folder", None, space)


def test_flat_sources_need_image_files(tmp_path, space):
    (tmp_path / "README.md").touch()
    image(tmp_path / "bccd" / "BloodImage_00012.png")
    image(tmp_path / "external_probe" / "probe_03.png")
    assert locate("bccd", tmp_path, space).name == "bccd"
    found = get_source("external_probe").find(locate("external_probe", tmp_path, space))
    assert [tuple(f) for f in found] == [("probe_03.png", "", 3, {})]


def test_folder_takes_its_classes_from_disk(tmp_path, space):
    class_tree(tmp_path, ["zebra", "Ape", "__MACOSX", ".git"])
    (tmp_path / "loop").symlink_to("loop")
    source = get_source("folder", tmp_path)
    assert source.classes == ("Ape", "zebra")
    assert [f.label for f in source.find(locate("folder", tmp_path, space))] == ["Ape", "zebra"]


def test_folder_refuses_what_is_no_class_tree(tmp_path):
    with pytest.raises(DataError, match="name it with --data"):
        get_source("folder")
    with pytest.raises(DataError, match="No such file"):
        get_source("folder", tmp_path / "gone")
    (tmp_path / "one").mkdir()
    with pytest.raises(DataError, match=r"holds 1 class folder\(s\)"):
        get_source("folder", tmp_path)
    (tmp_path / "ONE").mkdir()
    with pytest.raises(DataError, match="differ only in case"):
        get_source("folder", tmp_path)
    (tmp_path / "a\tb").mkdir()
    with pytest.raises(DataError, match="control characters"):
        get_source("folder", tmp_path)


def test_class_folder_that_is_a_symlink_loop_is_reported_missing(tmp_path):
    class_tree(tmp_path, ["Benign", "Early", "Pre"])
    (tmp_path / "Pro").symlink_to("Pro")
    assert get_source("taleqani").scan(tmp_path).problems == [("Pro", "there is no folder for class Pro")]


def test_acquisition_order():
    assert acquisition_order(["WBC-Malignant-Pre-963.jpg", "WBC-Malignant-Pre-007.jpg"]) == [963, 7]
    assert acquisition_order(["Snap_013 (1).jpg", "20-x.png"]) == [1, 20]
    assert acquisition_order(["f10.png", "f9.png", "g.png"]) == [2, 1, 3]  # one has no number: rank
    assert acquisition_order(["9" * 30 + ".png", "1.png"]) == [2, 1]  # does not fit 64 bits: rank
    assert acquisition_order([]) == []


def test_a_note_among_the_images_does_not_change_their_order(tmp_path):
    """Blocks of the session protocol follow the order: a file that is no image must not move images between train and test."""
    class_tree(tmp_path)
    image(tmp_path / "Benign" / "WBC-Benign-010.jpg")
    before = {image.path: image.order for image in get_source("taleqani").find(tmp_path)}
    assert 10 in before.values()
    (tmp_path / "Benign" / "notes.txt").write_text("read on Monday")
    after = {image.path: image.order for image in get_source("taleqani").find(tmp_path)}
    assert {path: after[path] for path in before} == before


def fake_generator(monkeypatch, truth=True):
    """Stands for the smear generator, which is slow; it writes what its contract says."""
    made = []
    module = types.ModuleType("neurallnet.data.synthetic")
    module.SyntheticConfig = lambda lab: types.SimpleNamespace(lab=lab)

    def generate(root, config, progress=None):
        made.append(config.lab)
        class_tree(root)
        lines = [
            f"{c}/WBC-{c}-001.png,{c},{config.lab}1,s2,{config.lab},h,0,f,"
            for c in ("Benign", "Early", "Pre", "Pro")
        ]
        head = "path,label,patient,session,lab,stain,scale_bar,field,near_duplicate_of"
        (root / "truth.csv").write_text("\n".join([head, *lines, ""]))

    module.generate = generate
    monkeypatch.setitem(sys.modules, "neurallnet.data.synthetic", module)
    return made


def test_synthetic_is_drawn_into_the_workspace_and_brings_its_truth(space, monkeypatch):
    made = fake_generator(monkeypatch)
    first, second = locate("synthetic", None, space), locate("synthetic_external", None, space)
    assert made == ["A", "B"] and first != second
    assert space.synthetic in first.parents and space.synthetic in second.parents
    found = get_source("synthetic").find(first)
    assert found[0].extra == {"patient": "A1", "session": "s2", "lab": "A"}
    assert get_source("synthetic_external").find(second)[0].extra["lab"] == "B"
    image(first / "Pro" / "WBC-Pro-002.png")
    assert get_source("synthetic").scan(first).problems == [
        ("Pro/WBC-Pro-002.png", "is not listed in truth.csv")
    ]
    (first / "truth.csv").unlink()
    with pytest.raises(DataError, match="truth.csv: no such file"):
        get_source("synthetic").find(first)


def fake_kagglehub(monkeypatch, result):
    module = types.ModuleType("kagglehub")

    def dataset_download(handle):
        if isinstance(result, Exception):
            raise result
        return str(result)

    module.dataset_download = dataset_download
    monkeypatch.setitem(sys.modules, "kagglehub", module)


def test_download_returns_the_source_root(tmp_path, monkeypatch):
    class_tree(tmp_path / "versions" / "1" / "Blood cell Cancer [ALL]", EXTERNAL)
    fake_kagglehub(monkeypatch, tmp_path / "versions" / "1")
    assert download("external").name == "Blood cell Cancer [ALL]"
    fake_kagglehub(monkeypatch, tmp_path / "versions")
    with pytest.raises(DataError, match="what Kaggle sent has none of the folders"):
        download("external")


def test_download_without_kagglehub_account_or_network(monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)  # import fails
    with pytest.raises(DataError, match="kagglehub is not installed; run: pip install"):
        download("taleqani")
    refused = RuntimeError("401 Client Error.\n\nYou don't have permission")
    refused.response = types.SimpleNamespace(status_code=401)
    fake_kagglehub(monkeypatch, refused)
    with pytest.raises(DataError, match="mehradaria/leukemia: Kaggle refused.*KAGGLE_USERNAME") as caught:
        download("taleqani")
    assert "\n" not in str(caught.value)
    fake_kagglehub(monkeypatch, ConnectionError("no route to host"))
    with pytest.raises(DataError, match="no route to host.*check the network"):
        download("taleqani")
    with pytest.raises(
        DataError, match="not on Kaggle; the ones that are: taleqani, taleqani_segmented, external"
    ):
        download("bccd")
    with pytest.raises(DataError, match="not on Kaggle"):
        download("folder")


def test_an_earlier_download_is_found_without_network(tmp_path, space):
    versions = tmp_path / "kagglehub" / "datasets" / "mehradaria" / "leukemia"
    for number in ("2", "10", "11"):
        class_tree(versions / "versions" / number / "Original")
    for number in ("2", "10"):  # 11 was interrupted
        (versions / f"{number}.complete").touch()
    assert locate("taleqani", None, space) == versions / "versions" / "10" / "Original"


def test_wide_and_narrow_spaces_in_names_are_no_control_characters(tmp_path):
    """Names as Japanese keyboards and screenshots of macOS make them."""
    names = ["\u6a19\u672c\u3000\u4e00.png", "Screenshot 9.41\u202fPM.png"]
    for name in names:
        image(class_tree(tmp_path) / "Benign" / name)
    found = get_source("taleqani").scan(tmp_path)
    assert not found.problems and {f"Benign/{name}" for name in names} <= {image.path for image in found.images}
    assert printable("two\nlines\u2028here") == "two\\nlines\\u2028here"
