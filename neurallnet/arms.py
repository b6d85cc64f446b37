"""The training runs of a profile: which arms, which seeds. The workflow trains these and nothing else."""

import json
from typing import Any, NamedTuple

from neurallnet.config import RunConfig, profile_config, with_changes

# What each arm changes in its profile's configuration; one line says why the arm exists.
CHANGES: dict[str, dict[str, dict[str, Any]]] = {
    "base": {},  # the model every claim is tested with
    "no-se": {"model": {"excitation": "none"}},  # the paper's ablation: squeeze-and-excitation removed
    "session": {"split": {"protocol": "session"}},  # acquisition blocks with an embargo
    # The sweep for a smaller or faster network; compared on validation images only.
    "steps-1": {"model": {"time_steps": 1}},
    "steps-2": {"model": {"time_steps": 2}},
    "size-64": {"data": {"image_size": 64}},
    "shallow": {"model": {"channels": (16, 32, 64, 64)}},  # a fifth of the parameters in four blocks
    "narrow": {"model": {"channels": (8, 16, 32, 64, 64)}},  # a fifth of the parameters in five blocks
    "narrow-steps-2": {"model": {"channels": (8, 16, 32, 64, 64), "time_steps": 2}},
}

SWEEP = ("steps-1", "steps-2", "size-64", "shallow", "narrow", "narrow-steps-2")

SEEDS: dict[str, dict[str, tuple[int, ...]]] = {
    "smoke": {"base": (0,), "no-se": (0,), "session": (0,), "steps-1": (0,)},
    "full": {"base": (0,), "no-se": (0,), **dict.fromkeys(SWEEP, (0,))},
}


class Arm(NamedTuple):
    """One run of a profile: `name` is `<arm>-<seed>`."""

    name: str
    config: RunConfig


def arms(profile: str) -> list[Arm]:
    """The runs of `profile`, in the order they are trained; raises ConfigError for an unknown profile.

    >>> [arm.name for arm in arms("smoke")]
    ['base-0', 'no-se-0', 'session-0', 'steps-1-0']
    """
    start = profile_config(profile)
    return [
        Arm(f"{name}-{seed}", with_changes(start, **CHANGES[name], seed=seed))
        for name, seeds in SEEDS[profile].items()
        for seed in seeds
    ]


def command(config: RunConfig, profile: str) -> list[str]:
    """The arguments of `neurallnet` that train `config`, as a user would type them.

    >>> command(arms("smoke")[1].config, "smoke")
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
