"""How a user's own images are trained on: can they be split, by which protocol, and with which settings.

Settings are the base network's at 96 pixels; what depends on the number of images is the batch, so that few images still make
enough steps.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from neurallnet.config import TENTHS, RunConfig, SplitConfig, run_config, with_changes
from neurallnet.data.sources import get_source
from neurallnet.data.splits import make_split, split_groups
from neurallnet.dataset import Dataset, open_dataset
from neurallnet.errors import DataError
from neurallnet.own.finding import OWN, folders_with_images
from neurallnet.paths import Workspace, data_root

FEWEST_GROUPS = 3  # one for training, one for validation, one for the test
STEPS = 20  # an epoch of fewer steps learns little
BATCHES = (64, 32, 16)
SPLIT_SEEDS = range(10)  # a group split may leave a fold without a class; another draw may not
STAMP = "generator.json"  # what the smear generator leaves in a folder it has drawn


@dataclass(frozen=True)
class Plan:
    """`config` of the run, `dataset` it sees, `split` and `settings` as sentences, and `synthetic`: whether images are drawn."""

    config: RunConfig
    dataset: Dataset
    split: str
    settings: str
    synthetic: bool

    @property
    def rejected(self) -> pd.DataFrame:
        """Files that cannot be used: columns path, reason."""
        return self.dataset.manifest.rejected


def make_plan(
    data: Path | str,
    work: Workspace,
    changes: dict[str, Any] | None = None,
    *,
    seed: int = 0,
    strict: bool = False,
    progress: bool | None = None,
) -> Plan:
    """The plan for the folder `data`, one subfolder of images per class; `changes` are sections of a RunConfig that win.

    Raises DataError naming the folder or class: fewer than two classes, a class without a readable image, too few for a split.
    """
    root = data_root(data)
    dataset = _open(root, work, strict, progress)
    check_classes(dataset)
    changes = {section: values for section, values in (changes or {}).items() if values}
    if "protocol" in changes.get("split", {}):
        split, why = SplitConfig(**changes["split"]), "as you asked"
        make_split(dataset.frame, split)
    else:
        split, why = choose_split(dataset.frame, changes.get("split", {}))
    n_train = int((make_split(dataset.frame, split)["fold"] == "train").sum())
    batch = next((size for size in BATCHES if n_train // size >= STEPS), BATCHES[-1])
    base = run_config({"data": {"source": OWN}, "train": {"batch_size": batch}, "seed": seed})
    config = with_changes(with_changes(base, **changes), split=asdict(split), data={"source": OWN}, seed=seed)
    settings = (
        f"{config.data.image_size} pixels a side, {config.train.epochs} epochs, batches of {config.train.batch_size} from "
        f"{n_train} training images, seed {seed}"
    )
    return Plan(config, dataset, f"{split.protocol} ({why})", settings, (root / STAMP).is_file())


def check_classes(dataset: Dataset) -> None:
    """Raise DataError naming each class without a readable image, and why."""
    counts, rejected = dataset.frame["label"].value_counts(), dataset.manifest.rejected
    for name in dataset.classes:
        if counts.get(name, 0):
            continue
        bad = rejected[rejected["path"].str.startswith(f"{name}/")]
        why = f"has no image that can be read ({len(bad)} tried)" if len(bad) else "is empty"
        if len(bad):
            why += f", the first {bad['path'].iloc[0]}: {bad['reason'].iloc[0]}"
        raise DataError(f"{dataset.root / name}: class folder {why}; put images into it or remove it")


def choose_split(frame: pd.DataFrame, changes: dict[str, Any]) -> tuple[SplitConfig, str]:
    """The first split that these images allow, and why it: whole groups of near-duplicates, else single images at random.

    Raises DataError saying how many images a class has, and how many it needs.
    """
    images = frame["label"].value_counts()
    groups = split_groups(frame)
    labels = frame.set_index("path")["label"].loc[groups.index]
    distinct = groups.groupby(labels.to_numpy()).nunique()
    few = distinct.idxmin()
    if distinct[few] >= FEWEST_GROUPS:
        for seed in SPLIT_SEEDS:
            split = SplitConfig(**{"protocol": "group", "seed": seed, **changes})
            try:
                make_split(frame, split)
            except DataError:
                continue  # a fold without a class
            return split, "near-duplicate images stay together in training, validation or test"
    if images.min() >= TENTHS:
        split = SplitConfig(**{"protocol": "random", **changes})
        make_split(frame, split)
        why = f"no split by groups: class {few} has {distinct[few]} group(s) of near-duplicates; results may flatter"
        return split, why
    raise DataError(
        f"class {few} has {images[few]} image(s), {distinct[few]} of them distinct; training, validation and test need "
        f"{FEWEST_GROUPS} distinct images per class at the least, {TENTHS} for a random split, and 50 or more to mean anything"
    )


def _open(root: Path, work: Workspace, strict: bool, progress: bool | None) -> Dataset:
    """The images of `root`, after checking that its subfolders are classes."""
    source = get_source(OWN, root)  # names a folder with fewer than two subfolders
    if not folders_with_images(root):
        raise DataError(
            f"{root}: none of its subfolders ({', '.join(source.classes[:5])}) holds images directly; name the folder whose "
            "subfolders are the classes"
        )
    return open_dataset(OWN, work, root, strict=strict, progress=progress)
