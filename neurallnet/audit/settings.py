"""What the audit calls equal, and how far it looks: every threshold in one place, a reason beside each."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from neurallnet.data.phash import MAX_DISTANCE
from neurallnet.errors import ConfigError
from neurallnet.paths import Workspace

VERSION = 1  # raise when features or comparisons change for equal settings; kept results are then made again
BAR = (0.16, 0.25)  # height and width, as shares, of the lower right corner where scale bars are burned in: never compared

SEEN = ("size", "features", "contrast")  # settings that features depend on
ASKED = (*SEEN, "ratio", "tolerance", "window", "shortlist", "words", "controls", "seed", "max_distance")  # and comparisons


@dataclass(frozen=True)
class AuditConfig:
    """Settings of an audit; raises ConfigError for a value that cannot be meant.

    The last three decide only what is read out of the comparisons, so changing them needs no new ones.
    """

    size: int = 224  # pixels a side: the primary set's own; larger pictures are squeezed to it, as that set's were
    features: int = (
        256  # SIFT features per picture, strongest first; half of the fields of the primary set have 244, the poorest 74
    )
    contrast: float = 0.02  # SIFT contrast threshold; OpenCV's 0.04 leaves some fields with under 100
    ratio: float = 0.8  # Lowe's ratio test, 2004: nearest against second-nearest descriptor
    tolerance: float = 3.0  # pixels of `size` by which a matched point may miss the common affine map
    window: int = 40  # neighbours in file order, within a class, that are compared with every picture
    shortlist: int = 20  # and the pictures of the whole set with the most similar visual words
    words: int = 512  # visual words: enough to tell fields apart, seconds to learn
    controls: int = 400  # pictures used in each of the two false-positive controls
    seed: int = 0  # of visual words and controls
    max_distance: int = MAX_DISTANCE  # pHash bits by which near-duplicates may differ
    min_inliers: int = 8  # distinct matched points that agree on one map; the controls say how often chance gives that
    max_stretch: float = 1.6  # scale of the map along any direction, and its inverse: one microscope, but squeezed to a square
    same_image: float = 8.0  # pixels of `size` a corner may move when two pictures show one view: JPEG and resizing only

    def __post_init__(self) -> None:
        for name in ("size", "features", "window", "shortlist", "words", "controls", "min_inliers"):
            if getattr(self, name) < 1:
                raise ConfigError(f"audit {name} must be 1 or more, not {getattr(self, name)!r}")
        if not 0 < self.ratio <= 1 or self.max_stretch <= 1 or self.tolerance <= 0 or not 0 <= self.max_distance <= 64:
            raise ConfigError("audit: ratio must lie in (0, 1], max_stretch above 1, tolerance above 0, max_distance from 0 to 64")

    def to_dict(self) -> dict[str, Any]:
        """Plain dict, ready for JSON."""
        return asdict(self)


def kept_in(work: Workspace, config: AuditConfig, *digests: str, names: Sequence[str] = ASKED) -> Path:
    """Folder for what was computed from the sets with these manifest digests; another value of a setting of `names` is another."""
    import cv2  # its SIFT may change between versions

    asked = {name: getattr(config, name) for name in names}
    address = json.dumps([VERSION, cv2.__version__, BAR, asked, *digests], sort_keys=True)
    return work.root / "audit" / hashlib.sha256(address.encode()).hexdigest()[:24]
