"""How far a split keeps what belongs together on one side: the size of the leak before any network is trained."""

import numpy as np
import pandas as pd

from neurallnet.config import SplitConfig
from neurallnet.dataset import Dataset, split_folds


def protocol_splits(dataset: Dataset, embargo: int, fold: int = 0, seed: int = 0) -> dict[str, pd.DataFrame]:
    """The three protocols on one data set: name -> split (columns path, fold, in manifest order)."""
    configs = [SplitConfig(protocol=name, fold=fold, embargo=embargo, seed=seed) for name in ("random", "group", "session")]
    return {config.protocol: split_folds(dataset, config) for config in configs}


def protocol_table(dataset: Dataset, splits: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row per protocol: images per fold, and test images with a relative in training.

    A relative is a near-duplicate (pHash within 4 bits) or, where patients are known, another image of the patient;
    a neighbour is an image of the same class at most 3 file numbers away.
    """
    groups, frame = dataset.groups(), dataset.frame
    rows = {}
    for name, split in splits.items():
        fold = split["fold"].to_numpy()
        test, train = fold == "test", fold == "train"
        group = groups.loc[split["path"]].to_numpy()
        rows[name] = {
            **{part: int((fold == part).sum()) for part in ("train", "val", "test", "unused")},
            "test with relative in train": int(np.isin(group[test], group[train]).sum()),
            "test with neighbour in train": int(_near_in_order(frame, test, train).sum()),
        }
    return pd.DataFrame(rows).T.rename_axis("protocol")


def _near_in_order(frame: pd.DataFrame, test: np.ndarray, train: np.ndarray, reach: int = 3) -> np.ndarray:
    """For each test image, whether a training image of its class is at most `reach` file numbers away."""
    near = np.zeros(int(test.sum()), bool)
    label, order = frame["label"].to_numpy(), frame["order"].to_numpy()
    for name in np.unique(label):
        trained = np.sort(order[train & (label == name)])
        mine = label[test] == name
        if trained.size:
            near[mine] = np.abs(order[test][mine][:, None] - trained[None, :]).min(1) <= reach
    return near
