"""Checkpoints and weights as safetensors: never unpickled, written atomically, checked on reading.

A checkpoint is one file: the tensors of the network and of its average under `model/`, the optimizer's under
`optimizer/<parameter>/<name>`, and the rest of the state as JSON in the header.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from neurallnet.errors import RunError

_METADATA = "neurallnet"


@dataclass
class Checkpoint:
    """Where a training stands: `history` has a row per finished epoch."""

    digest: str
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        return len(self.history)


def save_checkpoint(path: Path, state: Checkpoint, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Replace `path` in one step; a kill at any moment leaves the old or the new file, whole."""
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer/{name}/{key}"] = value
    header = {"digest": state.digest, "history": state.history}
    write_tensors(path, tensors, header)


def load_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, digest: str) -> Checkpoint:
    """Put a checkpoint's tensors into `model` and `optimizer` and return its state; raises RunError when it does not fit."""
    tensors, header = read_tensors(path)
    if not header.keys() >= {"digest", "history"}:
        raise RunError(f"{path}: not a checkpoint of this package; remove it to start anew")
    if header["digest"] != digest:
        raise RunError(f"{path}: checkpoint of another run ({header['digest']}, wanted {digest}); remove it to start anew")
    put_weights(model, _below(tensors, "model/"), path)
    for name, parameter in model.named_parameters():
        values = _below(tensors, f"optimizer/{name}/")
        if values:
            optimizer.state[parameter] = values
    return Checkpoint(digest, header["history"])


def save_weights(path: Path, model: nn.Module, metadata: dict[str, Any] | None = None) -> None:
    """Write all parameters and buffers as float32 safetensors, atomically."""
    write_tensors(path, {name: tensor.float() for name, tensor in model.state_dict().items()}, metadata or {})


def load_weights(path: Path, model: nn.Module) -> dict[str, Any]:
    """Read weights into `model` and return the file's metadata; raises RunError when the file is missing, damaged or foreign."""
    tensors, metadata = read_tensors(path)
    put_weights(model, tensors, path)
    return metadata


def put_weights(model: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Copy `tensors` into `model`; names and shapes must be exactly its own, and values finite."""
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        name = wrong[0]
        raise RunError(
            f"{path}: weights of another model: {name} is {found.get(name, 'missing')}, the model has "
            f"{expected.get(name, 'none')} ({len(wrong)} tensors differ)"
        )
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise RunError(f"{path}: {broken[0]} holds values that are not finite")
    model.load_state_dict(tensors)


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    """Write safetensors to a temporary neighbour, force it to disk, and rename it over `path`.

    `metadata` goes into the header as one JSON text: the format keeps several in random order, and equal runs give equal files.
    """
    header = {_METADATA: json.dumps(metadata, sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(save({name: tensor.contiguous() for name, tensor in tensors.items()}, header))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror}); the last complete version is kept") from None
    finally:
        temporary.unlink(missing_ok=True)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and metadata of a safetensors file of this package; raises RunError when it is missing or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = json.loads((file.metadata() or {}).get(_METADATA, "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118
    except FileNotFoundError:
        raise RunError(f"{path}: no such file") from None
    except (OSError, ValueError, SafetensorError) as error:
        raise RunError(f"{path}: not a readable safetensors file ({error})") from None


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
