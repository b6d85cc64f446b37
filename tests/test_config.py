"""Configuration: unknown keys and bad values are named, equal settings have one address."""

import json
from pathlib import Path

import pytest

from neurallnet.arms import arms
from neurallnet.config import FULL, PROFILES, RunConfig, profile_config, run_config, with_changes
from neurallnet.errors import ConfigError

RUNS = Path(__file__).resolve().parents[1] / "results" / "full" / "runs"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model": {"betta": 0.9}}, "model.betta"),
        ({"modell": {}}, "modell"),
        ({"model": {"beta": 1.5}}, "model.beta"),
        ({"model": {"time_steps": 0}}, "model.time_steps"),
        ({"model": {"excitation": "twice"}}, "model.excitation"),
        ({"train": {"learning_rate": float("nan")}}, "train.learning_rate"),
        ({"data": {"image_size": "large"}}, "data.image_size"),
        ({"model": {"encoding": "latency", "time_steps": 1}}, "needs time_steps of 2 or more"),
        ({"model": {"beta_learned": True, "beta": 1.0}}, "a beta between 0 and 1"),
        ({"split": {"protocol": "session", "embargo": 37, "as_few_as": 37}}, "wider embargo than the split's own, 37"),
        ({"split": {"other": 1}}, "a block after fold of protocol 'session', not 1 after 0 of 'random'"),
        ({"split": {"protocol": "session", "fold": 1, "other": 1}}, "not 1 after 1 of 'session'"),
        ({"split": {"protocol": "session", "other": 1, "as_few_as": 75}}, "neither offset nor as_few_as"),
        ({"split": {"protocol": "session", "other": 1, "offset": 0.5}}, "neither offset nor as_few_as"),
        ({"model": {"columns": 2}, "train": {"loss": "tet"}}, "columns need train.loss 'mean_ce'"),
        ({"model": {"columns": 2, "family": "small_cnn"}}, "'small_cnn' has none"),
        ({"model": {"columns": 3, "hue": ("stored", "grey")}}, "hue names 2 ways to see an image for columns 3"),
        ({"model": {"hue": "sepia"}}, "model.hue"),
    ],
)
def test_each_bad_setting_is_named(values, said):
    with pytest.raises(ConfigError, match=said):
        run_config(values)


@pytest.mark.parametrize("config", [RunConfig(), *PROFILES.values(), *(a.config for p in PROFILES for a in arms(p))])
def test_configurations_survive_json(config):
    assert run_config(config.to_dict()) == config
    assert run_config(config.to_dict()).digest() == config.digest()


def test_every_setting_is_part_of_the_address():
    def leaves(values, path=()):
        for key, value in values.items():
            yield from leaves(value, (*path, key)) if isinstance(value, dict) else [(path, key, value)]

    other = {"source": "bccd", "protocol": "group", "reset_mechanism": "zero", "surrogate": "fast_sigmoid", "excitation": "none"}
    other |= {"normalization": "none", "precision": "float32", "channels": [5], "reset_delay": False}
    other |= {"scale_bar": "visible", "hue": "stored", "symmetries": False, "averaging": 0.5, "loss": "tet", "spike_charge": 0.5}
    other |= {"class_weights": "none", "as_few_as": 75, "offset": 0.5, "pooling": "attention", "background": 0.5, "synthetic": 0.5}
    other |= {"elsewhere": 0.5, "other": 1}
    other |= {"cell_free": 0.25, "beta_learned": True, "encoding": "rate", "convolution": "separable", "family": "dense"}
    whole = with_changes(FULL, split={"protocol": "session"})  # some settings are of this protocol alone
    for path, key, value in leaves(whole.to_dict()):
        new = 0.5 if path == ("augment",) and key == "hue" else other.get(key, value / 2 if isinstance(value, float) else value)
        new = value + 1 if new == value and isinstance(value, int) else new
        changes = {path[0]: {key: new}} if path else {key: new}
        assert with_changes(whole, **changes).digest() != whole.digest(), key


def test_a_setting_younger_than_the_published_runs_leaves_their_addresses_alone():
    older = [json.loads((folder / "config.json").read_text(encoding="utf-8")) for folder in RUNS.iterdir()]
    assert any("columns" not in values["model"] for values in older)
    for folder in RUNS.iterdir():
        config = run_config(json.loads((folder / "config.json").read_text(encoding="utf-8")))
        assert folder.name.startswith(config.digest() + "-")


def test_a_retired_setting_is_read_where_it_changed_nothing_and_refused_elsewhere():
    assert run_config({"train": {"column_share": 1.0, "epochs": 3}}).train.epochs == 3
    with pytest.raises(ConfigError, match="train.column_share"):
        run_config({"train": {"column_share": 0.5}})


def test_columns_need_networks_that_stay_apart():
    for change in ({"excitation": "image"}, {"convolution": "separable"}, {"encoding": "rate"}):
        with pytest.raises(ConfigError, match="columns"):
            run_config({"model": {"columns": 2, **change}})


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(AttributeError):
        FULL.model.beta = 0.1


def test_unknown_profile_is_named():
    with pytest.raises(ConfigError, match="choose one of smoke, full"):
        profile_config("nope")
