"""What a reader is told of an arm's network."""

from neurallnet.arms import COMMITTEE, ELSEWHERE, LENGTHENED, NO_SE, ONE_COLUMN, SHIPPED, TRIO, TRIO_REFIT, longer

COLOUR = "colour"

TITLES = {
    SHIPPED: "NeurALLNet, committee",
    COMMITTEE: "Committee, trained short",
    ELSEWHERE: "Committee, other laboratories' colours",
    "base": "NeurALLNet, single",
    NO_SE: "NeurALLNet, single, without SE",
    TRIO: "NeurALLNet, three alike",
    ONE_COLUMN: "NeurALLNet, one column",
    TRIO_REFIT: "NeurALLNet, three alike, validation block learned from too",
    "unaugmented": "Single, unaugmented",
    "dense": "Dense twin",
    "small-cnn": "Small CNN",
    "mobilenet-v2": "MobileNetV2",
    "efficientnet-b0": "EfficientNet-B0",
    "densenet121": "DenseNet121",
    COLOUR: "Colour alone",
}
TITLES |= {longer(name): f"{TITLES[name]}, trained longer" for name in LENGTHENED}
TITLES[longer(COMMITTEE)] = "Committee, trained longer, usual dyes"


def title(network: str) -> str:
    """The network's name for a reader; that of its arm where it has no other.

    >>> title("small-cnn"), title("beta-0.5")
    ('Small CNN', 'beta-0.5')
    """
    return TITLES.get(network, network)
