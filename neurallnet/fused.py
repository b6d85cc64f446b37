"""The time-step engine: batch moments, affine current and LIF over all steps, each in one pass over memory.

`_lif.c` does the work on the CPU when it was built at install; otherwise, and on other devices or for a beta per channel, torch
operations of the same meaning do. Both give the same numbers (tests compare them and a loop over snntorch.Leaky).

Shapes: an activation is (S, C, H, W) in channels_last memory, float32 or bfloat16, with S = T * B rows, time step slowest;
S = B when the input is the same at every step (direct encoding), and its work is then done once, not T times.
"""

import ctypes
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from neurallnet.neurons import SURROGATES, LIFState, Neuron, lif_loop

_VERSION = 3
MAX_STEPS = 64


class _CNeuron(ctypes.Structure):
    _fields_ = [(n, ctypes.c_float) for n in ("beta", "threshold")]
    _fields_ += [(n, ctypes.c_int) for n in ("zero_reset", "delayed", "surrogate")] + [("slope", ctypes.c_float)]


class _CShape(ctypes.Structure):
    _fields_ = [(n, ctypes.c_int64) for n in ("steps", "input_steps", "batch", "pixels", "channels")]
    _fields_ += [("bf16", ctypes.c_int)]


@cache
def library() -> ctypes.CDLL | None:
    """The compiled engine beside this file, or None where it was not built or is of another version."""
    for path in sorted(Path(__file__).parent.glob("_lif*")):
        if path.suffix in (".so", ".pyd", ".dylib"):
            try:
                found = ctypes.CDLL(str(path))
                if found.lif_version() == _VERSION:
                    return found
            except (OSError, AttributeError):
                continue
    return None


def engine() -> str:
    """Which engine runs on the CPU here: "c" or "torch"."""
    return "c" if library() is not None else "torch"


def spatial_moments(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`x` (S, C, H, W) -> the same x, and its mean and mean square over pixels, float32 (S, C) each.

    Continue with the returned x: its gradient and that of the moments are then joined in one pass.
    """
    if _compiled(x):
        return _Moments.apply(_channels_last(x))
    wide = x.float()
    return x, wide.mean((2, 3)), wide.square().mean((2, 3))


def lif_affine(
    x: Tensor, scale: Tensor, shift: Tensor, steps: int, neuron: Neuron, constant: bool = False, potentials: bool = False
) -> LIFState:
    """LIF neurons driven from rest by the current `scale * x + shift`.

    `x` (S, C, H, W); `scale`, `shift` float32 (S, C); S = steps * B, or S = B with `constant` for one input at all steps.
    Returns spikes (steps * B, C, H, W) of x's type and, with `potentials`, membrane potentials of that shape in float32
    (None otherwise). Inside, potentials are float32 whatever x is.
    """
    if _compiled(x, neuron, steps):
        beta = neuron.beta if isinstance(neuron.beta, Tensor) else None
        return LIFState(*_Lif.apply(_channels_last(x), scale, shift, beta, steps, neuron, constant, potentials))
    current = scale[:, :, None, None] * x.float() + shift[:, :, None, None]
    rows = 1 if constant else steps
    current = current.reshape(rows, -1, *current.shape[1:]).expand(steps, *(-1,) * current.dim())
    spikes, membrane = (state.flatten(0, 1) for state in lif_loop(current, neuron))
    return LIFState(spikes.to(x.dtype), membrane if potentials else None)


def lif(currents: Tensor, neuron: Neuron) -> LIFState:
    """Spikes and membrane potentials, each (T, B, ...), of neurons driven by `currents` (T, B, ...) from rest."""
    steps, batch = currents.shape[:2]
    if not _compiled(currents, neuron, steps):
        return lif_loop(currents, neuron)
    rows = currents.reshape(steps * batch, -1, 1, 1)
    ones = torch.ones(rows.shape[:2])
    state = lif_affine(rows, ones, torch.zeros_like(ones), steps, neuron, potentials=True)
    return LIFState(state.spike.reshape(currents.shape), state.membrane.reshape(currents.shape))


def _compiled(x: Tensor, neuron: Neuron | None = None, steps: int = 1) -> bool:
    """Whether the C engine can take this input."""
    return (
        library() is not None
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.bfloat16)
        and steps <= MAX_STEPS
        and (neuron is None or not isinstance(neuron.beta, Tensor) or _one_learned(neuron.beta))
    )


def _one_learned(beta: Tensor) -> bool:
    """Whether the C engine has a gradient for it: one number, not 0 and not where clamping cuts the gradient off."""
    return beta.numel() == 1 and beta.device.type == "cpu" and 0 < beta.item() <= 1


def _channels_last(x: Tensor) -> Tensor:
    """x with (S, H, W, C) memory; a copy only when it is not so already."""
    return x.contiguous(memory_format=torch.channels_last)


def _empty_like(x: Tensor, rows: int, dtype: torch.dtype) -> Tensor:
    return torch.empty((rows, *x.shape[1:]), dtype=dtype, memory_format=torch.channels_last)


def _c_shape(x: Tensor, steps: int, input_steps: int) -> _CShape:
    rows, channels, height, width = x.shape
    return _CShape(steps, input_steps, rows // input_steps, height * width, channels, int(x.dtype == torch.bfloat16))


def _c_neuron(neuron: Neuron) -> _CNeuron:
    return _CNeuron(
        float(neuron.clamped_beta()),
        neuron.threshold,
        int(neuron.reset_mechanism == "zero"),
        int(neuron.reset_delay),
        SURROGATES.index(neuron.surrogate),
        neuron.slope,
    )


def _pointer(tensor: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


class _Moments(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor):
        ctx.save_for_backward(x)
        mean, square = (torch.empty(x.shape[:2]) for _ in range(2))
        library().moments_forward(ctypes.byref(_c_shape(x, 1, 1)), *map(_pointer, (x, mean, square)))
        return x.view_as(x), mean, square

    @staticmethod
    def backward(ctx, g_x: Tensor | None, g_mean: Tensor | None, g_square: Tensor | None):
        (x,) = ctx.saved_tensors
        g_x = torch.zeros_like(x) if g_x is None else _channels_last(g_x.to(x.dtype)).clone(memory_format=torch.channels_last)
        g_mean, g_square = (torch.zeros(x.shape[:2]) if g is None else g.contiguous() for g in (g_mean, g_square))
        library().moments_backward(ctypes.byref(_c_shape(x, 1, 1)), *map(_pointer, (x, g_mean, g_square, g_x)))
        return g_x


class _Lif(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, shift, beta: Tensor | None, steps: int, neuron: Neuron, constant: bool, potentials: bool):
        scale, shift = scale.float().contiguous(), shift.float().contiguous()
        input_steps = 1 if constant else steps
        rows = x.shape[0] // input_steps * steps
        spikes = _empty_like(x, rows, x.dtype)
        membrane = _empty_like(x, rows, torch.float32) if potentials else None
        ctx.save_for_backward(x, scale, shift)
        ctx.constants = _c_neuron(neuron), _c_shape(x, steps, input_steps)
        ctx.beta_shape = None if beta is None else beta.shape
        library().lif_forward(*map(ctypes.byref, ctx.constants), *map(_pointer, (x, scale, shift, spikes, membrane)))
        return spikes, membrane

    @staticmethod
    def backward(ctx, g_spikes: Tensor | None, g_membrane: Tensor | None):
        x, scale, shift = ctx.saved_tensors
        neuron, shape = ctx.constants
        rows = shape.batch * shape.steps
        g_spikes = _empty_like(x, rows, x.dtype).zero_() if g_spikes is None else _channels_last(g_spikes.to(x.dtype))
        g_membrane = None if g_membrane is None else _channels_last(g_membrane)
        g_x = torch.empty_like(x)
        g_scale, g_shift = torch.zeros_like(scale), torch.zeros_like(shift)
        g_beta = None if ctx.beta_shape is None else torch.empty(shape.batch)
        library().lif_backward(
            ctypes.byref(neuron),
            ctypes.byref(shape),
            *map(_pointer, (x, scale, shift, g_spikes, g_membrane, g_x, g_scale, g_shift, g_beta)),
        )
        g_beta = None if g_beta is None else g_beta.sum().reshape(ctx.beta_shape)
        return g_x, g_scale, g_shift, g_beta, None, None, None, None
