"""The training runs of a profile: which arms, which seeds. The workflow trains these and nothing else."""

import json
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

from neurallnet.config import TENTHS, RunConfig, profile_config, with_changes
from neurallnet.data.sessions import SESSION_FOLDS
from neurallnet.errors import ConfigError

_NARROW = (8, 16, 32, 64, 64)
_WIDE = (32, 64, 128, 160)
# A column of what ships: half of the single network's parameters in four blocks, without SE
_COLUMN = {"channels": (24, 48, 96, 124), "own_norm": 0.0, "excitation": "none"}
VIEWS = ("normalized", "standardized")  # how the columns see an image, `ModelConfig.hue`
TILES: dict[str, dict[str, Any]] = {"model": {"channels": _WIDE, "pooling": "attention"}}

# `base`, a single network with SE, is what the paper describes and what its claims are tested with; other arms change one thing of
# it, or of the committee: two smaller networks side by side, trained for as many epochs.
COMMITTEE = "committee"
# The arm whose network ships and which every headline figure is of: the committee trained longer, with dyes that vary more.
SHIPPED = f"{COMMITTEE}-stained"
SHIPPED_RUN = f"{SHIPPED}-0"  # its run of seed 0, whose weights ship

TRIO = "trio"

# What each arm changes in its profile's configuration; one line says why the arm exists.
CHANGES: dict[str, dict[str, dict[str, Any]]] = {
    "base": {},  # the model every claim is tested with
    # held-out blocks of acquisition order with an embargo: what is left when slides are not shared
    **{f"session-{fold}": {"split": {"protocol": "session", "fold": fold}} for fold in range(SESSION_FOLDS)},
    # near-duplicates kept on one side: what is left of the random split when only pictures of one field are not shared
    "group": {"split": {"protocol": "group"}},
    # What squeeze-and-excitation (SE) does, and what could make its removal cost as much as the paper says.
    "no-se": {"model": {"excitation": "none"}},  # the paper's ablation: squeeze-and-excitation removed
    "se-image": {"model": {"excitation": "image"}},  # does the gate need to differ between time steps?
    "se-gain": {"model": {"excitation": "gain"}},  # does it need to look at the image, or is a gain per channel enough?
    "no-norm": {"model": {"normalization": "none"}},  # SE as the only source of gain
    "no-norm-no-se": {"model": {"normalization": "none", "excitation": "none"}},  # no gain at all
    # The same two where currents reach the threshold in every block of the untrained network: removal and poor tuning told apart.
    # SE starts with gates of 0.5, so that its threshold is half as high.
    "no-norm-retuned": {
        "model": {"normalization": "none", "threshold": 0.125},
        "train": {"learning_rate": 1e-3},
    },
    "no-norm-no-se-retuned": {
        "model": {"normalization": "none", "excitation": "none", "threshold": 0.25},
        "train": {"learning_rate": 1e-3},
    },
    # The neuron, the code and the loss.
    "beta-0.5": {"model": {"beta": 0.5}},  # forgets three quarters within two steps
    "beta-learned": {"model": {"beta_learned": True}},  # the decay that training would choose, per block
    "reset-zero": {"model": {"reset_mechanism": "zero"}},  # charge above threshold is lost; the reset NIR can carry
    # What an exchange format for neuromorphic chips can say: a constant gain and normalization that fold into the weights, and
    # reset to zero, for which a reset one step later is the same neuron as one at once.
    "nir": {"model": {"excitation": "gain", "own_norm": 0.0, "reset_mechanism": "zero"}},
    "fast-sigmoid": {"model": {"surrogate": "fast_sigmoid", "surrogate_slope": 25.0}},  # snntorch's slope: a narrow surrogate
    "encoding-rate": {"model": {"encoding": "rate"}},  # binary input: noise for accumulations instead of multiplications
    "encoding-latency": {"model": {"encoding": "latency"}},  # binary input with one spike per value
    "loss-tet": {"train": {"loss": "tet"}},  # each step has to be right by itself: better at fewer steps?
    "loss-count": {"train": {"loss": "count_ce"}},  # snntorch's usual loss
    "steps-1": {"model": {"time_steps": 1}},  # no time at all: a binary network
    "steps-4": {"model": {"time_steps": 4}},
    "steps-8": {"model": {"time_steps": 8}},  # is there more to gain from time?
    "dense": {"model": {"family": "dense"}},  # the same network with ReLU: what spiking costs or brings
    # A charge on spikes above 0.05 per neuron and step: what accuracy is left as the rate falls.
    "sparse-30": {"train": {"spike_charge": 30.0}},
    "sparse-300": {"train": {"spike_charge": 300.0}},
    # Pictures as they are, none turned, moved, tinted or made noisy: what training owes its robustness to.
    "unaugmented": {
        "augment": dict.fromkeys(("shift", "zoom", "stain", "brightness", "contrast", "saturation", "hue", "noise"), 0.0)
        | {"symmetries": False}
    },
    # Two networks side by side that do not see the same: one sees an image's own brightness and contrast, the other those of all.
    COMMITTEE: {"model": {**_COLUMN, "columns": 2, "hue": VIEWS}},
    # Three of the single network side by side, alike but for their seeds
    TRIO: {"model": {"columns": 3}},
    # A smear as a bag of tiles, each weighed by attention (multiple-instance learning): what it attends to is shown in chapter 08.
    "tiles": TILES,
    # Peers: other people's networks from scratch, on the same images, split and budget.
    "small-cnn": {"model": {"family": "small_cnn"}},  # of LGD-Net's size, 161 k parameters
    "efficientnet-b0": {"model": {"family": "efficientnet_b0"}},  # 4.0 M; what a user would pick
    "mobilenet-v2": {"model": {"family": "mobilenet_v2"}},  # 2.2 M; a published peer's network
    "densenet121": {"model": {"family": "densenet121"}},  # 7.0 M; the larger one, smallest of the family that leads the table
    # The sweep for a smaller or faster network; compared on validation images only.
    "size-64": {"data": {"image_size": 64}},
    "size-128": {"data": {"image_size": 128}},
    "size-224": {"data": {"image_size": 224}},  # the pixels there are
    "shallow": {"model": {"channels": (16, 32, 64, 64)}},  # a fifth of the parameters in four blocks
    "shallow-steps-4": {"model": {"channels": (16, 32, 64, 64), "time_steps": 4}},  # twice the steps for what the layers lack
    "compact-steps-4": {"model": {"channels": (24, 48, 72, 72), "time_steps": 4}},  # as wide as 100,000 parameters allow
    "narrow": {"model": {"channels": _NARROW}},  # a fifth of the parameters in five blocks
    "narrow-steps-1": {"model": {"channels": _NARROW, "time_steps": 1}},
    "separable": {"model": {"convolution": "separable"}},  # a sixth of the parameters at full width
    "separable-narrow": {"model": {"convolution": "separable", "channels": _NARROW}},  # the smallest
}

# What the published recipe owes to each of its parts, on two held-out folds and their validation images (choice.py).
CHOICES: dict[str, dict[str, dict[str, Any]]] = {
    "hue-stored": {"model": {"hue": "stored"}},  # hues as the camera gave them
    "batch-norm": {"model": {"own_norm": 0.0}},  # no channel is normalized by its own image
    "instance-norm": {"model": {"own_norm": 1.0}},  # every channel of the first block is
    "light-balanced": {"model": {"hue": "balanced"}},  # the background made white first
    "standardized": {"model": {"hue": "standardized"}},  # one brightness and contrast for all images
    "grey": {"model": {"hue": "grey"}},  # no colours at all: what colour alone knows is out of reach
    "unmoved": {"augment": {"shift": 0.0, "zoom": 0.0}},  # cells stay where they lie, as large as they are
    "cell-free": {"augment": {"cell_free": 0.03}},  # some fields without nucleated cells, called benign
    "reset-zero": {"model": {"reset_mechanism": "zero"}},  # charge above threshold is lost
    "steps-4": {"model": {"time_steps": 4}},
    "strong-contrast": {"augment": {"contrast": 0.4}},  # contrast alone, four times as much
    "background": {"augment": {"background": 0.5}},  # half of the cells on another image's field
    "synthetic": {"train": {"synthetic": 0.25}},  # smears of the generator's laboratories mixed in
    "four-blocks": {"model": {"channels": _WIDE}},  # the published size in four blocks: its last map has 36 tiles, not 9
    "tiles": TILES,  # the same, whose tiles are weighed by attention: multiple instances
    # lamp, camera and noise that vary twice as much
    "strong-light": {"augment": {"brightness": 0.2, "contrast": 0.2, "saturation": 0.25, "noise": 0.1}},
}
CHOICE_FOLDS = (1, 3)  # their validation images lie at either end of the file order
CHANGES |= {
    f"choice-{name}-{fold}": {**change, "split": {"protocol": "session", "fold": fold}}
    for name, change in CHOICES.items()
    for fold in CHOICE_FOLDS
}

# The peers that are held against the network on held-out blocks too.
SESSION_PEERS = ("dense", "small-cnn", "efficientnet-b0")

# The single network under other conditions: the scale bar left in, as the paper seems to have it, and other embargoes.
BAR_VISIBLE = "bar-visible"
CHANGES[BAR_VISIBLE] = {"data": {"scale_bar": "visible"}}
EMBARGOES = {0: (0, 1, 2, 3, 4), 75: (0, 1, 2, 3, 4), 150: (0, 2, 4)}  # embargo -> folds in which every class has enough left
FEWER = (75, 150)  # the embargoes that take training images: as few, with the published embargo

# The pictures as their publishers give them, as the paper seems to have read them: every pixel, stored hues, the scale bar in view.
AS_GIVEN = "as-given"
CHANGES[AS_GIVEN] = {"data": {"image_size": 224, "scale_bar": "visible"}, "model": {"hue": "stored"}}
# The same without the bar, whose form can be read at every pixel: is it the pixels and hues that are worth something, or the bar?
AS_GIVEN_MASKED = f"{AS_GIVEN}-masked"
CHANGES[AS_GIVEN_MASKED] = {"data": {"image_size": 224}, "model": {"hue": "stored"}}


def refit(network: str) -> str:
    """The arm of `network` trained anew on its validation images too, once they have set temperature and thresholds."""
    return f"{network}-refit"


# The single network without SE on held-out blocks, and it and three alike trained anew on the validation block too: what SE is
# worth there, and what the images that validation takes.
NO_SE, REFIT, TRIO_REFIT = "no-se", "refit", refit(TRIO)

CHANGES |= {
    f"{name}-session-{fold}": {**CHANGES[name], **CHANGES[f"session-{fold}"]}
    for name in (COMMITTEE, TRIO, *SESSION_PEERS, BAR_VISIBLE, AS_GIVEN, NO_SE)
    for fold in range(SESSION_FOLDS)
}
CHANGES |= {
    f"{name}-session-{fold}": {**CHANGES[f"{network}-session-{fold}"], "train": {"refit": True}}
    for name, network in ((REFIT, NO_SE), (TRIO_REFIT, TRIO))
    for fold in range(SESSION_FOLDS)
}


def alone(view: str) -> str:
    """The arm of one column of the committee, trained by itself."""
    return f"alone-{view}"


CHANGES |= {alone(view): {"model": {**_COLUMN, "hue": view}} for view in VIEWS}
CHANGES |= {
    f"{alone(view)}-session-{fold}": {**CHANGES[alone(view)], **CHANGES[f"session-{fold}"]}
    for view in VIEWS
    for fold in range(SESSION_FOLDS)
}
ONE_COLUMN = alone(VIEWS[0])  # the column that sees an image's own light: of the small CNN's size, with spikes
# The committee, had it been shown the tints that cameras and stains leave: what the hues it cannot see are worth, and where.
TINTED = f"{COMMITTEE}-tinted"
CHANGES[TINTED] = {"model": {**CHANGES[COMMITTEE]["model"], "hue": "stored"}}
CHANGES |= {f"{TINTED}-session-{fold}": {**CHANGES[TINTED], **CHANGES[f"session-{fold}"]} for fold in range(SESSION_FOLDS)}
# The committee on the pictures as given: the random split as the paper seems to have read it, by two columns, not one network.
COMMITTEE_AS_GIVEN = f"{COMMITTEE}-{AS_GIVEN}"
CHANGES[COMMITTEE_AS_GIVEN] = {**CHANGES[AS_GIVEN], "model": CHANGES[TINTED]["model"]}
# The committee, trained on other laboratories' colours too; then with hues as the camera gave them for one of its columns, which
# may go by a tint where it looks as usual and has learned to do without where it does not.
ELSEWHERE, ELSEWHERE_TINTED = f"{COMMITTEE}-elsewhere", f"{COMMITTEE}-elsewhere-tinted"
CHANGES[ELSEWHERE] = {**CHANGES[COMMITTEE], "augment": {"elsewhere": 0.5}}
CHANGES[ELSEWHERE_TINTED] = {**CHANGES[ELSEWHERE], "model": {**CHANGES[COMMITTEE]["model"], "hue": ("stored", VIEWS[1])}}
CHANGES |= {
    f"{name}-session-{fold}": {**CHANGES[name], **CHANGES[f"session-{fold}"]}
    for name in (ELSEWHERE, ELSEWHERE_TINTED)
    for fold in range(SESSION_FOLDS)
}
# The order cut half a block later: how much of a figure is owed to where the published blocks begin. The single network, and the
# peer that leads it there.
SHIFTED = ("base", "small-cnn")
_LATER = {"protocol": "session", "offset": 0.5}


def shifted(network: str) -> str:
    """The arm that trains `network` on blocks that begin half a block later."""
    return f"shifted-{network}"


CHANGES |= {
    f"{shifted(name)}-session-{fold}": {**CHANGES[name], "split": {**_LATER, "fold": fold}}
    for name in SHIFTED
    for fold in range(SESSION_FOLDS)
}
# The random split, each of whose tenths tests once: how much of a figure is owed to the one tenth that all other arms test on.
CROSSED = (COMMITTEE, "base", "small-cnn")


def tenth(network: str, fold: int) -> str:
    """The arm that trains `network` with tenth `fold` of the random split as its test set; tenth 0 is that of all other arms."""
    return f"{network}-tenth-{fold}" if fold else network


CHANGES |= {tenth(name, fold): {**CHANGES[name], "split": {"fold": fold}} for name in CROSSED for fold in range(1, TENTHS)}
# Trained for nearly four times as many epochs: the committee, the single network, and the CNN that leads both on held-out blocks.
LENGTHENED = (COMMITTEE, "base", "small-cnn")
LENGTHENED_HELD_OUT = (COMMITTEE, "small-cnn")  # on held-out blocks too


def longer(network: str) -> str:
    """The arm that trains `network` for more epochs."""
    return f"{network}-long"


CHANGES |= {longer(name): {**CHANGES[name], "train": {"epochs": 60}} for name in LENGTHENED}
CHANGES |= {
    f"{longer(name)}-session-{fold}": {**CHANGES[longer(name)], **CHANGES[f"session-{fold}"]}
    for name in LENGTHENED_HELD_OUT
    for fold in range(SESSION_FOLDS)
}
# What ships: the committee trained so long, with dyes that vary more, so that another stain costs less. Whether it is better than
# the committee is judged for each held-out block by networks that have not seen it, on blocks new to them too (nested.py).
CHANGES[SHIPPED] = {**CHANGES[longer(COMMITTEE)], "augment": {"stain": 0.35}}
CHANGES |= {f"{SHIPPED}-session-{fold}": {**CHANGES[SHIPPED], **CHANGES[f"session-{fold}"]} for fold in range(SESSION_FOLDS)}
CANDIDATES = (COMMITTEE, SHIPPED)
# The candidate that was taken for each held-out block, and is read there for the network that ships: tests hold it against
# evidence/nested.json.
TAKEN = {0: SHIPPED, 1: COMMITTEE, 2: SHIPPED, 3: COMMITTEE, 4: SHIPPED}
# What ships on every held-out block, those for which it was not taken too: all blocks had a part in the choice of that.
EVERY_BLOCK = f"{SHIPPED}-every-block"
# Audits of others, who need no validation, learn from all of the order but the held-out block. So do these.
CHANGES |= {
    f"{refit(name)}-session-{fold}": {
        **CHANGES[f"{name}-session-{fold}"],
        "train": CHANGES[name].get("train", {}) | {"refit": True},
    }
    for name in CANDIDATES
    for fold in range(SESSION_FOLDS)
}
CHOSEN_REFIT, EVERY_BLOCK_REFIT = refit(f"{SHIPPED}-chosen"), refit(EVERY_BLOCK)
PAIRS = tuple(combinations(range(SESSION_FOLDS), 2))


def session_arm(network: str, fold: int) -> str:
    """The arm that is read on held-out block `fold` for `network`, an arm of the random split or a name that stands for several.

    >>> session_arm("base", 1), session_arm("trio", 1), session_arm(SHIPPED, 1), session_arm(EVERY_BLOCK, 1)
    ('session-1', 'trio-session-1', 'committee-session-1', 'committee-stained-session-1')
    >>> session_arm(CHOSEN_REFIT, 1), session_arm(EVERY_BLOCK_REFIT, 1)
    ('committee-refit-session-1', 'committee-stained-refit-session-1')
    """
    if network == "base":
        return f"session-{fold}"
    several = {SHIPPED: TAKEN[fold], EVERY_BLOCK: SHIPPED, CHOSEN_REFIT: refit(TAKEN[fold]), EVERY_BLOCK_REFIT: refit(SHIPPED)}
    read = several.get(network, network)
    return f"{read}-session-{fold}"


def without(network: str, fold: int, other: int) -> str:
    """The arm that trains `network` without two blocks of the order, on which it is then read."""
    return f"{network}-without-{fold}-{other}"


CHANGES |= {
    without(name, fold, other): {**CHANGES[name], "split": {"protocol": "session", "fold": fold, "other": other}}
    for name in CANDIDATES
    for fold, other in PAIRS
}
CHANGES |= {f"{name}-group": {**CHANGES[name], **CHANGES["group"]} for name in CANDIDATES}
CHANGES |= {
    f"embargo-{embargo}-session-{fold}": {"split": {"protocol": "session", "fold": fold, "embargo": embargo}}
    for embargo, folds in EMBARGOES.items()
    for fold in folds
}

CHANGES |= {
    f"few-{embargo}-session-{fold}": {"split": {"protocol": "session", "fold": fold, "as_few_as": embargo}}
    for embargo in FEWER
    for fold in EMBARGOES[embargo]
}

# Arms by the question they answer; peers are compared with what ships, all others with `base`.
GROUPS: dict[str, tuple[str, ...]] = {
    "ablation": (
        *("no-se", "se-image", "se-gain", "no-norm", "no-norm-no-se", "no-norm-retuned", "no-norm-no-se-retuned"),
        *("beta-0.5", "beta-learned", "reset-zero", "fast-sigmoid", "encoding-rate", "encoding-latency"),
        *("loss-tet", "loss-count", "steps-1", "steps-4", "steps-8", "dense"),
    ),
    "energy": ("sparse-30", "sparse-300"),
    "export": ("nir",),
    "robustness": ("unaugmented",),
    "explanations": ("tiles",),
    "conditions": (
        *(BAR_VISIBLE, AS_GIVEN, AS_GIVEN_MASKED, COMMITTEE_AS_GIVEN, TINTED, alone(VIEWS[1]), ELSEWHERE, ELSEWHERE_TINTED),
        *map(longer, LENGTHENED),
        SHIPPED,
    ),
    "peers": (
        *(COMMITTEE, TRIO, ONE_COLUMN, "dense", "small-cnn", longer("small-cnn")),
        *("efficientnet-b0", "mobilenet-v2", "densenet121"),
    ),
    "sweep": (
        COMMITTEE,
        *("steps-1", "steps-4", "steps-8", "size-64", "size-128", "size-224"),
        *("shallow", "shallow-steps-4", "compact-steps-4", "narrow", "narrow-steps-1", "separable", "separable-narrow"),
    ),
}

# The part of the sweep that profile full trains.
SWEEP = ("steps-1", "size-64", "narrow", "size-128", "size-224", "shallow", "shallow-steps-4", "compact-steps-4", "separable")

# The networks that profile full trains on all held-out blocks with three seeds, beside `base`.
REPEATED = (COMMITTEE, TRIO, ONE_COLUMN, "dense", "small-cnn", NO_SE, REFIT, TRIO_REFIT)

_SESSIONS = tuple(f"session-{fold}" for fold in range(SESSION_FOLDS))

SEEDS: dict[str, dict[str, tuple[int, ...]]] = {
    "smoke": {
        **dict.fromkeys(("base", SHIPPED, COMMITTEE, "no-se", "session-0", "steps-1", "nir"), (0,)),
        **dict.fromkeys((*(session_arm(SHIPPED, fold) for fold in (0, 1, 3)), session_arm(COMMITTEE, 0), f"{SHIPPED}-group"), (0,)),
        **dict.fromkeys(("session-1", "session-3", "choice-hue-stored-1", "choice-hue-stored-3"), (0,)),
        **dict.fromkeys(("group", "unaugmented", "tiles", ONE_COLUMN, f"{ONE_COLUMN}-session-0"), (0,)),
        **dict.fromkeys(("dense", "small-cnn", "dense-session-0", "small-cnn-session-0"), (0,)),
        **dict.fromkeys((f"{NO_SE}-session-0", f"{REFIT}-session-0"), (0,)),
        **dict.fromkeys(("embargo-0-session-0", f"{shifted('base')}-session-0", BAR_VISIBLE), (0,)),
        **dict.fromkeys((tenth("base", 1), tenth(COMMITTEE, 1), ELSEWHERE, longer(COMMITTEE)), (0,)),
        **{without(name, *PAIRS[0]): (0,) for name in CANDIDATES},
    },
    "full": {
        **dict.fromkeys(("base", SHIPPED, COMMITTEE, TRIO, ONE_COLUMN, NO_SE), (0, 1, 2, 3, 4)),
        **dict.fromkeys((f"{SHIPPED}-group", f"{COMMITTEE}-group"), (0,)),
        **dict.fromkeys(_SESSIONS, (0, 1, 2)),
        **{f"choice-{name}-{fold}": (0,) for name in CHOICES for fold in CHOICE_FOLDS},
        **dict.fromkeys(SWEEP, (0,)),
        "nir": (0,),
        **{name: (0, 1, 2) for name in GROUPS["ablation"] if name != NO_SE},
        "group": (0,),
        **dict.fromkeys(("unaugmented", "tiles"), (0,)),
        "small-cnn": (0, 1, 2, 3, 4),
        **dict.fromkeys(("efficientnet-b0", "densenet121"), (0,)),
        **{f"{name}-session-{fold}": (0, 1, 2) for name in REPEATED for fold in range(SESSION_FOLDS)},
        **{f"embargo-{embargo}-session-{fold}": (0,) for embargo, folds in EMBARGOES.items() for fold in folds},
        **{f"few-{embargo}-session-{fold}": (0,) for embargo in FEWER for fold in EMBARGOES[embargo]},
        **{f"{alone(VIEWS[1])}-session-{fold}": (0,) for fold in range(SESSION_FOLDS)},
        TINTED: (0, 1, 2, 3, 4),
        **{ELSEWHERE: (0,), ELSEWHERE_TINTED: (0, 1, 2)},
        **{f"{ELSEWHERE}-session-{fold}": (0, 1) for fold in range(SESSION_FOLDS)},
        **{f"{ELSEWHERE_TINTED}-session-{fold}": (0, 1, 2) for fold in range(SESSION_FOLDS)},
        **{f"{TINTED}-session-{fold}": (0,) for fold in range(SESSION_FOLDS)},
        **{f"efficientnet-b0-session-{fold}": (0,) for fold in range(SESSION_FOLDS)},
        BAR_VISIBLE: (0, 1, 2, 3, 4),
        **dict.fromkeys((AS_GIVEN, AS_GIVEN_MASKED, COMMITTEE_AS_GIVEN), (0, 1, 2, 3, 4)),
        **{f"{name}-session-{fold}": (0,) for name in (BAR_VISIBLE, AS_GIVEN) for fold in range(SESSION_FOLDS)},
        **{f"{shifted(name)}-session-{fold}": (0,) for name in SHIFTED for fold in range(SESSION_FOLDS)},
        **{tenth(name, fold): (0,) for name in CROSSED for fold in range(1, TENTHS)},
        **{longer(name): (0,) for name in LENGTHENED} | {longer(COMMITTEE): (0, 1, 2, 3, 4)},
        **{f"{longer(name)}-session-{fold}": (0,) for name in LENGTHENED_HELD_OUT for fold in range(SESSION_FOLDS)},
        **{without(name, *pair): (0,) for name in CANDIDATES for pair in PAIRS},
        **{session_arm(name, fold): (0, 1, 2) for name in (EVERY_BLOCK, EVERY_BLOCK_REFIT, CHOSEN_REFIT) for fold in TAKEN},
    },
}


class Arm(NamedTuple):
    """One run of a profile: `name` is `<arm>-<seed>`."""

    name: str
    config: RunConfig


@cache
def make_arm(profile: str, name: str, seed: int = 0) -> Arm:
    """The arm `name` of CHANGES, whether the profile trains it or not; raises ConfigError for an unknown name.

    >>> make_arm("full", "no-se", 3).name
    'no-se-3'
    """
    if name not in CHANGES:
        raise ConfigError(f"arm {name!r} is unknown; choose one of {', '.join(CHANGES)}")
    return Arm(f"{name}-{seed}", with_changes(profile_config(profile), **CHANGES[name], seed=seed))


def arms(profile: str) -> list[Arm]:
    """The runs of `profile`, in the order they are trained; raises ConfigError for an unknown profile.

    >>> [arm.name for arm in arms("smoke")][:4]
    ['base-0', 'committee-stained-0', 'committee-0', 'no-se-0']
    """
    profile_config(profile)
    return [make_arm(profile, name, seed) for name, seeds in SEEDS[profile].items() for seed in seeds]


def command(config: RunConfig, profile: str) -> list[str]:
    """The arguments of `neurallnet` that train `config`, as a user would type them.

    >>> command(make_arm("smoke", "no-se").config, "smoke")
    ['train', '--profile', 'smoke', '--seed', '0', '--set', 'model.excitation=none']
    """
    start, wanted = profile_config(profile).to_dict(), config.to_dict()
    changed = [
        f"{section}.{key}={value if isinstance(value, str) else json.dumps(value)}"
        for section, values in wanted.items()
        if isinstance(values, dict)
        for key, value in values.items()
        if value != start[section][key]
    ]
    sets = [word for change in changed for word in ("--set", change)]
    return ["train", "--profile", profile, "--seed", str(config.seed), *sets]
