"""NeurALLNet: a convolutional spiking network with squeeze-and-excitation for blood-smear images, and the evidence about it.

The names below are the public interface; everything else is reached through its module, one per chapter.
"""

from neurallnet.config import DataConfig, ModelConfig, RunConfig, SplitConfig, TrainConfig, profile_config, run_config
from neurallnet.errors import ConfigError, DataError, NeurallnetError, RunError
from neurallnet.paths import workspace

__all__ = [
    "ConfigError",
    "DataConfig",
    "DataError",
    "ModelConfig",
    "NeurALLNet",
    "NeurALLNetClassifier",
    "NeurallnetError",
    "RunConfig",
    "RunError",
    "SplitConfig",
    "TrainConfig",
    "evaluate_run",
    "load_pretrained",
    "open_dataset",
    "open_run",
    "open_study",
    "predict",
    "profile_config",
    "run_config",
    "train_run",
    "workspace",
]

_LAZY = {  # what needs torch is imported when it is used
    "NeurALLNet": "model",
    "NeurALLNetClassifier": "estimator",
    "evaluate_run": "runs",
    "load_pretrained": "pretrained",
    "open_dataset": "dataset",
    "open_run": "runs",
    "open_study": "study",
    "predict": "predicting",
    "train_run": "runs",
}


def __getattr__(name: str):
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"neurallnet.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'neurallnet' has no attribute {name!r}")
