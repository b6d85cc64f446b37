"""What a manifest holds, at a glance."""

import pandas as pd

from neurallnet.data.phash import MAX_DISTANCE, near_duplicate_groups, near_pairs


def summarize(frame: pd.DataFrame, max_distance: int = MAX_DISTANCE) -> pd.DataFrame:
    """One row per class in sorted order (unlabelled: "") and a last row "all".

    Columns: images; sizes ("224x224" or "2 sizes"); exact_pairs (equal bytes); near_pairs (pHash Hamming
    distance <= `max_distance`, exact ones included); near_images (images in such pairs); groups (connected
    components). Pairs across classes count in "all" only.
    """
    parts = {str(label): rows for label, rows in frame.groupby("label")} | {"all": frame}
    return pd.DataFrame(
        [_row(rows, max_distance) for rows in parts.values()], index=pd.Index(parts, name="class")
    )


def _row(rows: pd.DataFrame, max_distance: int) -> dict[str, int | str]:
    same = rows["sha256"].value_counts()
    pairs = near_pairs(rows["phash"], max_distance)
    sizes = sorted(set(zip(rows["width"].tolist(), rows["height"].tolist(), strict=True)))
    return {
        "images": len(rows),
        "sizes": "{}x{}".format(*sizes[0]) if len(sizes) == 1 else f"{len(sizes)} sizes",
        "exact_pairs": int((same * (same - 1) // 2).sum()),
        "near_pairs": len(pairs),
        "near_images": len(set(pairs[:, :2].ravel().tolist())),
        "groups": int(near_duplicate_groups(rows, max_distance).nunique()),
    }
