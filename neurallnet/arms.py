"""The training runs of a profile: which arms, which seeds. The workflow trains these and nothing else."""

import json
from typing import Any, NamedTuple

from neurallnet.config import RunConfig, profile_config, with_changes

# What each arm changes in its profile's configuration; one line says why the arm exists.
CHANGES: dict[str, dict[str, dict[str, Any]]] = {
    "base": {},  # the model every claim is tested with
    "no-se": {"model": {"excitation": "none"}},  # the paper's ablation: squeeze-and-excitation removed
    # Acquisition blocks; the embargo is short because a synthetic class is.
    "session": {"split": {"protocol": "session", "embargo": 4}},
}

SEEDS: dict[str, dict[str, tuple[int, ...]]] = {
    "smoke": {"base": (0,), "no-se": (0,), "session": (0,)},
    "full": {"base": (0,), "no-se": (0,)},
}


class Arm(NamedTuple):
    """One run of a profile: `name` is `<arm>-<seed>`."""

    name: str
    config: RunConfig


def arms(profile: str) -> list[Arm]:
    """The runs of `profile`, in the order they are trained; raises ConfigError for an unknown profile.

    >>> [arm.name for arm in arms("smoke")]
    ['base-0', 'no-se-0', 'session-0']
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
