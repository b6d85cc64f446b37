"""What other networks are reported to reach on these images, as their authors give it; none of it was checked by us."""

from typing import NamedTuple

from neurallnet.claims import paper

BLOCKED = "file-order blocks, embargo 37; balanced accuracy"


class Published(NamedTuple):
    """A published figure. `parameters` in millions as reported; `accuracy` a share of one; `protocol`: how images were split."""

    model: str
    parameters: float
    accuracy: float
    protocol: str
    source: str


PUBLISHED = (
    Published("NeurALLNet", 0.3, paper.PRIMARY_ACCURACY, "tenth of the images, by image", f"Hassan 2026, doi {paper.DOI}"),
    Published("SE in inverted residuals", 0.986, 1.0, "by image", "Abbas 2025, doi 10.1016/j.compbiolchem.2025.108645"),
    Published("DenseNet201", 18, 0.9985, "by image", "Ghaderzadeh 2022"),
    Published("EfficientNet-B3", 12, 0.9984, "by image", "reported without a source that we could check"),
    Published("LGD-Net", 0.161, 0.9908, "validation images, by image", "github.com/arkodasgupta0412/LGLD-Net"),
    Published("MobileNetV2", 3.5, 0.9742, "by image", "Kawser 2025, doi 10.5815/ijem.2025.02.04"),
    Published("ResNet50 with attention", 25, 0.935, "by image", "doi 10.1177/20552076261428734"),
    Published("DinoBloom-S, frozen", 22, 0.968, BLOCKED, "a public audit of these images"),
)
