"""Who was photographed when: the frames of a laboratory in acquisition order, before any pixel is drawn.

Within a class, file numbers follow acquisition: the images of a patient are contiguous, and so are those of a
session. A frame may show the field before it again, moved and re-lit (a near-duplicate), or be that very
frame (an exact one).
"""

from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from neurallnet.config import CLASSES
from neurallnet.data.synthetic_config import ORDER, SyntheticConfig, stream
from neurallnet.data.synthetic_stain import Session, session_of

TRUTH_COLUMNS = (
    "path",
    "label",
    "patient",
    "session",
    "lab",
    "stain",
    "scale_bar",
    "field",
    "near_duplicate_of",
)


@dataclass(frozen=True)
class Frame:
    """One image to draw. `take` counts the looks at a field; frames of equal field and take are equal byte
    for byte.
    """

    path: str
    label: str
    patient: int  # number within the class
    sitting: int  # number of the session within the patient
    field: int  # number within the class
    take: int
    near_duplicate_of: str  # path of the field's first frame, or ""


@lru_cache(maxsize=8)
def frames(config: SyntheticConfig) -> tuple[Frame, ...]:
    """All frames of a laboratory, classes in class order, each in acquisition order."""
    return tuple(frame for label in CLASSES for frame in _class_frames(config, label))


def _class_frames(config: SyntheticConfig, label: str) -> list[Frame]:
    rng = stream(config, ORDER, CLASSES.index(label))
    sittings = config.patients_per_class * config.sessions_per_patient
    made: list[Frame] = []
    field = take = -1
    first, previous = "", -1
    for number in range(config.images_per_class):
        place = number * sittings // config.images_per_class  # equal shares, contiguous
        patient, sitting = divmod(place, config.sessions_per_patient)
        chance = rng.random()
        again = place == previous and chance < config.near_duplicates + config.exact_duplicates
        path = f"{label}/Lab{config.lab}-{label}-{number + 1:03d}.png"
        if not again:
            field, take, first = field + 1, 0, path
        elif chance < config.near_duplicates:
            take += 1
        made.append(Frame(path, label, patient, sitting, field, take, first if again else ""))
        previous = place
    return made


def frame_session(config: SyntheticConfig, frame: Frame) -> Session:
    """The session a frame was taken in."""
    return session_of(config, CLASSES.index(frame.label), frame.patient, frame.sitting)


def truth_table(config: SyntheticConfig) -> pd.DataFrame:
    """What is true of every image, one row each, sorted by path; nothing is drawn.

    Columns: path, label, patient, session, lab, stain, scale_bar, field, near_duplicate_of (path or "").
    """
    rows = []
    for frame in frames(config):
        session = frame_session(config, frame)
        patient = f"{config.lab}-{frame.label}-P{frame.patient + 1:02d}"
        rows.append(
            (
                frame.path,
                frame.label,
                patient,
                f"{patient}-S{frame.sitting + 1}",
                config.lab,
                session.stain,
                session.scale_bar,
                f"{config.lab}-{frame.label}-F{frame.field + 1:03d}",
                frame.near_duplicate_of,
            )
        )
    return pd.DataFrame(rows, columns=list(TRUTH_COLUMNS)).sort_values("path", ignore_index=True)
