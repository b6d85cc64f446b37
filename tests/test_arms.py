"""The runs the workflow trains."""

import pytest

from neurallnet.arms import SEEDS, arms, command
from neurallnet.cli import changed
from neurallnet.config import PROFILES, profile_config, with_changes
from neurallnet.errors import ConfigError


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
