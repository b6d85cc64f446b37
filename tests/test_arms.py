"""The runs the workflow trains."""

import re

import numpy as np
import pytest
import torch

from neurallnet.activity import activity
from neurallnet.arms import CHANGES, GROUPS, SEEDS, arms, command, make_arm
from neurallnet.cli import changed
from neurallnet.config import PROFILES, profile_config, with_changes
from neurallnet.errors import ConfigError
from neurallnet.networks import build_model

NEEDS_MONAI = ("efficientnet-b0", "densenet121")


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_has_runs_with_one_address_each(profile):
    runs = arms(profile)
    assert len({name for name, _ in runs}) == len({config.digest() for _, config in runs}) == len(runs) > 0


@pytest.mark.parametrize("profile", PROFILES)
def test_ablation_differs_from_base_in_excitation_alone(profile):
    runs = dict(arms(profile))
    assert runs["base-0"] == profile_config(profile)
    assert runs["no-se-0"] == with_changes(runs["base-0"], model={"excitation": "none"})


def test_seeds_cover_exactly_the_profiles():
    assert set(SEEDS) == set(PROFILES)


@pytest.mark.parametrize("profile", PROFILES)
def test_no_two_arms_are_the_same_run(profile):
    addresses = {name: make_arm(profile, name).config.digest() for name in CHANGES}
    assert len(set(addresses.values())) == len(addresses)


def test_groups_hold_every_arm_that_is_compared_with_the_base():
    grouped = {name for names in GROUPS.values() for name in names}
    other = "^base$|^group$|-group$|session-|-tenth-|-without-|^choice-"
    assert grouped == {name for name in CHANGES if not re.search(other, name)}
    assert all(len(names) == len(set(names)) for names in GROUPS.values())


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "densenet121"])
def test_every_arm_is_a_network_that_can_be_trained(name):
    """One step at 64 pixels gives each weight a finite gradient."""
    if name in NEEDS_MONAI:
        pytest.importorskip("monai")
    torch.manual_seed(0)
    model = build_model(make_arm("smoke", name).config.model)
    model(torch.rand(4, 3, 64, 64)).logits.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


def test_retuned_threshold_wakes_every_block_of_the_untrained_network():
    """What the arms without normalization are retuned for; untouched, their last block is silent."""
    images = np.random.default_rng(0).integers(0, 256, (8, 96, 96, 3), dtype=np.uint8)
    for name, awake in (("no-norm", False), ("no-norm-no-se", False), ("no-norm-retuned", True), ("no-norm-no-se-retuned", True)):
        torch.manual_seed(0)
        rates = activity(build_model(make_arm("full", name).config.model), images)["rate"]
        assert (rates.iloc[-1] > 0.02) == awake, name


def test_unknown_arm_is_refused():
    with pytest.raises(ConfigError, match="arm 'no-such' is unknown; choose one of base"):
        make_arm("full", "no-such")


def test_unknown_profile_is_refused():
    with pytest.raises(ConfigError, match="nonsense"):
        arms("nonsense")


@pytest.mark.parametrize("profile", PROFILES)
def test_command_line_trains_exactly_the_arm(profile):
    for _, config in arms(profile):
        words = command(config, profile)
        assert words[:3] == ["train", "--profile", profile]
        settings = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
        assert changed(profile_config(profile), settings, int(words[words.index("--seed") + 1])) == config


def test_command_line_writes_numbers_and_lists_as_json():
    config = with_changes(profile_config("smoke"), model={"channels": (8, 16), "reset_delay": False}, seed=3)
    words = command(config, "smoke")
    assert "model.channels=[8, 16]" in words and "model.reset_delay=false" in words
    settings = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
    assert changed(profile_config("smoke"), settings, 3) == config
