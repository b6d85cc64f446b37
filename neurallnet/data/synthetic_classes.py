"""The cartoon: how the cells of the four classes differ here.

This is a drawing exercise with a known answer, not a model of leukemia. It borrows the direction of the
textbook's maturity axis and nothing else: from Benign over Pre and Early to Pro, cells and nuclei grow, the
nucleus fills more of the cell, chromatin turns from clumped and dark to fine and pale, and nucleoli appear.
Neighbours overlap, and patients differ, so that no single cell decides. Every class also shows a few
bystanders (neutrophils, small lymphocytes), smudges and platelets.
"""

from dataclasses import dataclass, replace

from neurallnet.config import CLASSES
from neurallnet.data.synthetic_config import PATIENT, SyntheticConfig, stream


@dataclass(frozen=True)
class Morphology:
    """Typical leukocyte of a class; lengths in micrometres."""

    radius: float  # of the whole cell
    nucleus: float  # share of the cell's area: the nucleus/cytoplasm ratio as nucleus / whole cell
    density: float  # amount of nuclear dye
    grain: float  # size of chromatin clumps
    clumping: float  # contrast of chromatin, relative to its density
    nucleoli: tuple[int, int]  # fewest and most
    nucleolus: float  # how clearly nucleoli show, 0 to 1
    irregularity: float  # of the nuclear outline
    basophilia: float  # amount of blue cytoplasm dye
    count: tuple[int, int]  # fewest and most cells of the class in a field of lab A


MORPHOLOGY: dict[str, Morphology] = {
    "Benign": Morphology(4.3, 0.55, 1.36, 0.62, 0.22, (0, 0), 0.0, 0.03, 0.40, (2, 4)),
    "Pre": Morphology(5.2, 0.68, 1.18, 0.46, 0.17, (0, 1), 0.5, 0.09, 0.80, (6, 10)),
    "Early": Morphology(6.1, 0.79, 1.02, 0.34, 0.14, (0, 2), 0.4, 0.05, 0.62, (3, 6)),
    "Pro": Morphology(7.0, 0.87, 0.82, 0.26, 0.11, (1, 3), 0.9, 0.06, 0.85, (3, 6)),
}


def patient_morphology(config: SyntheticConfig, label: str, patient: int) -> Morphology:
    """A class's morphology as one patient shows it: a little larger or smaller, paler or darker, coarser or
    finer.
    """
    typical = MORPHOLOGY[label]
    size, fill, dark, grain, blue = stream(config, PATIENT, CLASSES.index(label), patient).uniform(-1, 1, 5)
    return replace(
        typical,
        radius=typical.radius * (1 + 0.05 * size),
        nucleus=min(typical.nucleus + 0.04 * fill, 0.92),
        density=typical.density * (1 + 0.08 * dark),
        grain=typical.grain * (1 + 0.20 * grain),
        basophilia=typical.basophilia * (1 + 0.20 * blue),
    )
