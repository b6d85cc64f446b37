"""Fit a network: one loop, and a checkpoint every epoch from which it goes on bit for bit.

Nothing random outlives an epoch: its order and augmentation come from a generator seeded with (seed, epoch). A run killed in
epoch 7 and started again therefore repeats epoch 7 exactly and ends with the weights of an uninterrupted run.
"""

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from neurallnet.augment import augment, to_float
from neurallnet.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from neurallnet.config import AugmentConfig, TrainConfig
from neurallnet.errors import RunError
from neurallnet.losses import loss_function, spike_rate_penalty, spike_rates
from neurallnet.machine import autocast

SPARSE = 0.05  # spikes per neuron and time step that `spike_charge` leaves free of charge; a win in energy needs about this


@dataclass(frozen=True)
class Examples:
    """`images` uint8 (N, H, W, 3), possibly memory-mapped, and `labels` int64 (N,); an index into them makes a fold.

    `healthy` is the label of fields without leukemia.
    """

    images: np.ndarray
    labels: np.ndarray
    healthy: int = 0

    def batch(self, index: np.ndarray) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self.images[index]), torch.from_numpy(self.labels[index])


def fit(
    model: nn.Module,
    examples: Examples,
    train: np.ndarray,
    validation: np.ndarray,
    config: TrainConfig,
    seed: int,
    checkpoint: Path,
    digest: str = "",
    progress: bool | None = None,
    after_epoch: Callable[[int], Any] | None = None,
    changes: AugmentConfig | None = None,
) -> list[dict[str, float]]:
    """Train `model` in place and leave its averaged weights after the last epoch in it; returns the history, a row per epoch.

    What is validated and kept are weights averaged over the last steps (Polyak & Juditsky 1992, doi 10.1137/0330046), in
    float32. Validation images choose nothing here; without any, the history has no `val_` columns. `train`, `validation`: indices
    into `examples`. `checkpoint` is written after each epoch, and read first when it exists; `digest` must equal the one it was
    written with. `after_epoch` is called once an epoch is safe on disk.
    Raises RunError when the loss or a weight stops being finite, or the checkpoint is damaged or of another run.
    """
    average = AveragedModel(model, multi_avg_fn=partial(move_average, config.averaging), use_buffers=True)
    pair = nn.ModuleDict({"model": model, "average": average})
    optimizer = make_optimizer(model, config)
    weights = class_weights(examples.labels[train], int(examples.labels.max()) + 1) if config.class_weights == "balanced" else None
    state = load_checkpoint(checkpoint, pair, optimizer, digest) if checkpoint.exists() else Checkpoint(digest)
    bar = tqdm(total=config.epochs, initial=state.epoch, unit="epoch", disable=None if progress is None else not progress)
    with bar:
        while state.epoch < config.epochs:
            plan = config, changes or AugmentConfig(), weights
            epoch = Epoch(model, average, optimizer, examples, *plan, seed, state.epoch)
            loss, right = epoch.run(train)
            row = {"epoch": state.epoch + 1, "train_loss": loss, "train_accuracy": right}
            if len(validation):
                logits = predict_logits(average.module, examples.images, validation)
                row |= validation_scores(logits, examples.labels[validation])
            finite = all(bool(tensor.isfinite().all()) for tensor in model.state_dict().values())
            if not (finite and math.isfinite(row["train_loss"] + row.get("val_loss", 0))):
                rate = config.learning_rate
                raise RunError(f"loss or weights are not finite in epoch {row['epoch']}: lower train.learning_rate ({rate})")
            state.history.append(row)
            save_checkpoint(checkpoint, state, pair, optimizer)
            bar.update()
            bar.set_postfix({key: f"{row[key]:.4f}" for key in ("val_accuracy",) if key in row})
            if after_epoch is not None:
                after_epoch(state.epoch)
    model.load_state_dict(average.module.state_dict())
    return state.history


@dataclass(frozen=True)
class Epoch:
    """One pass over the training images in random order; everything random comes from (`seed`, `number`)."""

    model: nn.Module
    average: AveragedModel
    optimizer: torch.optim.Optimizer
    examples: Examples
    config: TrainConfig
    changes: AugmentConfig
    weights: Tensor | None
    seed: int
    number: int

    def run(self, train: np.ndarray) -> tuple[float, float]:
        """Train on the examples at `train`; returns mean loss and accuracy."""
        generator = torch.Generator().manual_seed(self.seed * 100_003 + self.number)
        torch.manual_seed(self.seed * 100_003 + self.number)  # dropout of peers and the rate code draw from the global one
        columns = self.model.config.columns
        orders = [train[torch.randperm(len(train), generator=generator).numpy()] for _ in range(columns)]
        steps = math.ceil(len(train) / self.config.batch_size)
        self.model.train()
        total = right = 0.0
        for step, chosen in enumerate(zip(*(np.array_split(order, steps) for order in orders), strict=True)):
            images, labels = self.examples.batch(np.concatenate([np.sort(part) for part in chosen]))
            images, labels = augment(images, labels, self.changes, generator, self.examples.healthy)
            if columns > 1:
                images, labels = images.unflatten(0, (columns, -1)), labels.unflatten(0, (columns, -1))
            place = self.number * steps + step, self.config.epochs * steps
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(*place, self.config.learning_rate)
            loss, share = self.step(images, labels)
            total += loss * labels.shape[-1]
            right += share * labels.shape[-1]
        return total / len(train), right / len(train)

    def step(self, images: Tensor, labels: Tensor) -> tuple[float, float]:
        """One update of the weights and of their average; returns the loss and the share of the batch that was right.

        Of a network of columns, `images` (columns, B, 3, H, W) and `labels` (columns, B) are of each.
        """
        loss_of, charge = loss_function(self.config.loss), self.config.spike_charge
        with spike_rates(self.model) if charge else nullcontext([]) as rates, autocast(self.config.precision):
            output = self.model(images)
        loss = loss_of(output, labels, self.config.label_smoothing, self.weights)
        if charge:
            loss = loss + charge * spike_rate_penalty(rates, SPARSE)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.average.update_parameters(self.model)
        answers = output.logits if output.column_logits is None else output.column_logits
        return loss.item(), float((answers.argmax(-1) == labels).float().mean())


def class_weights(labels: np.ndarray, classes: int) -> Tensor:
    """Weight of each class in the loss, (classes,): inversely proportional to its frequency, on average 1 per image."""
    there, weights = np.unique(labels), np.ones(classes)
    weights[there] = compute_class_weight("balanced", classes=there, y=labels)
    return torch.tensor(weights, dtype=torch.float32)


def move_average(decay: float, averages: list[Tensor], values: list[Tensor], count: Tensor) -> None:
    """Exponential moving average whose first steps forget faster, so that the untrained weights are soon gone."""
    get_ema_multi_avg_fn(min(decay, (1 + int(count)) / (10 + int(count))))(averages, values, count)


def learning_rate(step: int, total: int, peak: float, warmup: float = 0.2, start: float = 0.05) -> float:
    """One cycle (Smith & Topin 2018, arXiv 1708.07120): linear rise to `peak` over the first fifth, cosine fall to zero."""
    done = (step + 1) / total
    if done < warmup:
        return peak * (start + (1 - start) * done / warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW; weight decay on matrices and kernels, not on biases and normalization."""
    weights = [p for p in model.parameters() if p.requires_grad and p.dim() > 1]
    others = [p for p in model.parameters() if p.requires_grad and p.dim() <= 1]
    groups = [{"params": weights, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.learning_rate, foreach=True)


@torch.inference_mode()
def predict_logits(
    model: nn.Module, images: np.ndarray, index: np.ndarray | None = None, precision: str = "float32", batch_size: int = 128
) -> np.ndarray:
    """Logits (len(index), classes), float32, of `images[index]` (default: all); the model is left in evaluation mode."""
    model.eval()
    index = np.arange(len(images)) if index is None else index
    rows = []
    for start in range(0, len(index), batch_size):
        batch = to_float(torch.from_numpy(images[index[start : start + batch_size]]))
        with autocast(precision):
            rows.append(model(batch).logits.float().numpy())
    return np.concatenate(rows) if rows else np.empty((0, 0), np.float32)


def validation_scores(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Cross-entropy and accuracy of an epoch."""
    loss = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels)).item()
    return {"val_loss": loss, "val_accuracy": float((logits.argmax(1) == labels).mean())}
