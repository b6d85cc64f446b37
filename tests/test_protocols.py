"""How far a split keeps relatives and neighbours apart: counted by hand on a small set."""

import pandas as pd

from neurallnet.config import SplitConfig
from neurallnet.data.manifest import Manifest
from neurallnet.dataset import Dataset, rows_in, split_folds
from neurallnet.protocols import protocol_splits, protocol_table


def dataset(hashes: list[str]) -> Dataset:
    """Images of one class, file numbers 1, 2, ..."""
    same = {"label": "A", "width": 8, "height": 8, "source": "folder"}
    rows = [{"path": f"A/{i:03}.png", "sha256": f"{i:064x}", "phash": h, "order": i, **same} for i, h in enumerate(hashes, 1)]
    return Dataset(None, Manifest(pd.DataFrame(rows), pd.DataFrame(columns=["path", "reason"])), ("A",))


def test_relatives_and_neighbours_are_counted():
    far = [f"{(0x1111111111111111 * k) & (2**64 - 1):016x}" for k in (0, 3, 5, 6, 9, 10)]
    images = dataset([far[0], far[0], *far[1:]])  # the first two are one field
    fold = ["test", "train", "unused", "unused", "unused", "unused", "test"]
    split = pd.DataFrame({"path": images.frame["path"], "fold": fold})
    row = protocol_table(images, {"mine": split}).loc["mine"]
    assert (row["train"], row["val"], row["test"], row["unused"]) == (1, 0, 2, 4)
    assert row["test with relative in train"] == 1, "image 1 has its copy, image 2, in training"
    assert row["test with neighbour in train"] == 1, "image 7 is five numbers from image 2"


def test_protocols_of_the_synthetic_set_leak_as_they_should(tmp_path):
    from neurallnet.dataset import open_dataset
    from neurallnet.paths import workspace

    images = open_dataset("synthetic", workspace(tmp_path), progress=False)
    table = protocol_table(images, protocol_splits(images, embargo=4))
    assert table.loc["random", "test with relative in train"] > 0
    assert table.loc["group", "test with relative in train"] == 0
    assert table.loc["session", "test with neighbour in train"] == 0


def test_a_seed_draws_the_random_split_anew_and_leaves_the_blocks_alone(tmp_path):
    from neurallnet.dataset import open_dataset
    from neurallnet.paths import workspace

    images = open_dataset("synthetic", workspace(tmp_path), progress=False)
    first, other = (protocol_splits(images, embargo=4, seed=seed) for seed in (0, 9))
    assert not first["random"].equals(other["random"]) and first["session"].equals(other["session"])


def test_split_rows_follow_the_manifest(tmp_path):
    from neurallnet.dataset import open_dataset
    from neurallnet.paths import workspace

    images = open_dataset("synthetic", workspace(tmp_path), progress=False)
    split = split_folds(images, SplitConfig("random"))
    assert split["path"].tolist() == images.frame["path"].tolist()
    assert sum(len(rows_in(split, fold)) for fold in ("train", "val", "test")) == len(images.frame)
