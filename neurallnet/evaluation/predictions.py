"""The predictions table: what a network said about each image, and all that statistics ever read.

One row per image, sorted by path: `path`, `label`, `fold`, `predicted`, then `logit_<class>` and `p_<class>`
for each class in class order. Numbers are kept to six significant digits, in memory as on disk, so a figure
computed during a run and one recomputed from the committed file are the same number.
"""

import hashlib
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import softmax

from neurallnet.config import CLASSES
from neurallnet.data.tables import write_text
from neurallnet.errors import DataError

KEYS = ["path", "label", "fold", "predicted"]


def build_predictions(
    paths: Sequence[str],
    labels: Sequence[str],
    folds: Sequence[str] | str,
    logits: np.ndarray,
    classes: Sequence[str] = CLASSES,
) -> pd.DataFrame:
    """The table from logits of shape (images, classes); a model that only has probabilities passes their
    logarithm.

    `labels` may be "" where the class is not known. Raises DataError for NaN or infinite logits, wrong
    shapes, duplicate paths and labels that are no class.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape != (len(paths), len(classes)):
        raise DataError(
            f"predictions: logits have shape {logits.shape}, not (images, classes) {len(paths), len(classes)}"
        )
    if len(labels) != len(paths):
        raise DataError(f"predictions: {len(labels)} labels for {len(paths)} paths")
    table = pd.DataFrame({"path": list(paths), "label": list(labels), "fold": folds})
    table = pd.concat([table, answers(logits, classes)], axis=1)
    return check_predictions(table.sort_values("path", ignore_index=True))


def answers(logits: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """What follows from logits of shape (images, classes): predicted, logit_<class>, p_<class>, to six digits."""
    logits, named = _six_digits(logits), np.array(classes, dtype=object)
    predicted = named[np.where(np.isnan(logits), -np.inf, logits).argmax(axis=1)]
    with np.errstate(invalid="ignore"):  # infinities are named by `check_predictions`
        numbers = np.hstack((logits, _six_digits(softmax(logits, axis=1))))
    columns = [f"{kind}_{name}" for kind in ("logit", "p") for name in classes]
    return pd.concat([pd.DataFrame({"predicted": predicted}), pd.DataFrame(numbers, columns=columns)], axis=1)


def check_predictions(
    table: pd.DataFrame, where: str = "predictions", keys: Sequence[str] = ("path",)
) -> pd.DataFrame:
    """The same table, or a DataError that names `where`, the image and what is wrong with its row.

    `keys`: the columns that tell rows apart; of one network on one set of images, the path.
    """
    classes = class_order(table, where)
    missing = [c for c in [*KEYS, *(f"p_{c}" for c in classes)] if c not in table.columns]
    if missing:
        raise DataError(
            f"{where}: column {', '.join(missing)} is missing; needed are {', '.join(KEYS)}, logit_*, p_*"
        )
    if table.empty:
        raise DataError(f"{where}: holds no image")
    logits, given = _numbers(table, classes, "logit_"), _numbers(table, classes, "p_")
    named = np.array(classes, dtype=object)[np.nan_to_num(logits, nan=-np.inf).argmax(axis=1)]
    with np.errstate(invalid="ignore"):  # infinities are refused before this is looked at
        softly = np.isclose(given, softmax(logits, axis=1), atol=1e-5).all(axis=1)
    finite, as_named = np.isfinite(logits).all(axis=1), table["predicted"].to_numpy(object) == named
    for bad, reason in (
        (table.duplicated([*keys]), f"appears twice; one row per {' and '.join(keys).replace('path', 'image')}"),
        (~table["label"].isin([*classes, ""]), f"has a label that is none of {', '.join(classes)}"),
        (~finite, "has a logit that is no finite number: the run diverged, or the file is damaged"),
        (~softly, "has p_* that are not the softmax of its logits"),
        (~as_named, "has a predicted class that is not the one with the highest logit"),
    ):
        _refuse(table, bad, where, reason, keys)
    return table


def class_order(table: pd.DataFrame, where: str = "predictions") -> list[str]:
    """Class names in the order of the logit columns; raises DataError with fewer than two."""
    classes = [str(c)[6:] for c in table.columns if str(c).startswith("logit_")]
    if len(classes) < 2:
        raise DataError(f"{where}: needs a logit_<class> column for each of two classes or more")
    return classes


def predictions_text(table: pd.DataFrame) -> str:
    """The table as canonical CSV."""
    return check_predictions(table).to_csv(index=False, float_format="%.6g", lineterminator="\n")


def predictions_digest(table: pd.DataFrame) -> str:
    """sha256 of the canonical CSV, so that evidence can name the table it was computed from."""
    return hashlib.sha256(predictions_text(table).encode()).hexdigest()


def write_predictions(path: Path, table: pd.DataFrame) -> None:
    """Write the canonical CSV, atomically; raises DataError when the table is not valid."""
    write_text(predictions_text(table), Path(path))


def read_predictions(path: Path) -> pd.DataFrame:
    """Read and check a table; raises DataError naming the file and the first bad row."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        table = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)
    except (OSError, UnicodeDecodeError, pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise DataError(
            f"{path}: no readable predictions table ({error}); run the evaluation again"
        ) from None
    numeric = [c for c in table.columns if c.startswith(("logit_", "p_"))]
    table[numeric] = table[numeric].apply(pd.to_numeric, errors="coerce")
    return check_predictions(table, str(path))


def select_fold(table: pd.DataFrame, fold: str) -> pd.DataFrame:
    """The labelled rows of one fold; raises DataError when there are none."""
    rows = table[(table["fold"] == fold) & (table["label"] != "")].reset_index(drop=True)
    if rows.empty:
        folds = ", ".join(sorted(set(table["fold"])))
        raise DataError(f"predictions: fold {fold!r} has no labelled image; folds are {folds}")
    return rows


def logits_of(table: pd.DataFrame) -> np.ndarray:
    """Logits, shape (images, classes)."""
    return _numbers(table, class_order(table), "logit_")


def probabilities(table: pd.DataFrame, temperature: float = 1.0) -> np.ndarray:
    """softmax(logits / temperature), shape (images, classes), in full precision (the columns are rounded)."""
    return softmax(logits_of(table) / temperature, axis=1)


def correctness(table: pd.DataFrame) -> np.ndarray:
    """Right (True) or wrong per image; raises DataError when an image has no label."""
    _refuse(
        table,
        table["label"] == "",
        "predictions",
        "has no label, so right and wrong are not known; select labelled images first",
    )
    return (table["predicted"] == table["label"]).to_numpy(bool)


def groups_of(table: pd.DataFrame, groups: pd.Series) -> np.ndarray:
    """Group of each image, from a Series path -> group; raises DataError for an image without one."""
    found = table["path"].map(groups)
    _refuse(table, found.isna(), "predictions", "has no group; make the group table from the same manifest")
    return found.to_numpy()


def _numbers(table: pd.DataFrame, classes: list[str], prefix: str) -> np.ndarray:
    return table[[prefix + c for c in classes]].to_numpy(np.float64)


def _six_digits(values: np.ndarray) -> np.ndarray:
    return np.array([float(f"{v:.6g}") for v in values.ravel()]).reshape(values.shape)


def _refuse(
    table: pd.DataFrame, bad: pd.Series | np.ndarray, where: str, reason: str, keys: Sequence[str] = ("path",)
) -> None:
    bad = np.asarray(bad, dtype=bool)
    if bad.any():
        more = f" (and {bad.sum() - 1} more)" if bad.sum() > 1 else ""
        row = " ".join(str(table[key].to_numpy()[bad.argmax()]) for key in keys)
        raise DataError(f"{where}: {row} {reason}{more}")
