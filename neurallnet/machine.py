"""What this machine can do, and the settings that follow: precision, threads, determinism, memory reuse."""

import contextlib
import ctypes
import platform
import sys

import torch

_M_MMAP_MAX, _M_TRIM_THRESHOLD = -4, -1  # parameters of glibc's mallopt


def resolve_precision(precision: str) -> str:
    """ "auto" -> "bfloat16" where the processor multiplies it natively (AVX512-BF16 or AMX), else "float32"."""
    if precision != "auto":
        return precision
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if native else "float32"


def autocast(precision: str) -> contextlib.AbstractContextManager:
    """Run convolutions in bfloat16 when `precision` resolves to it; do nothing for float32."""
    return torch.autocast("cpu", torch.bfloat16, enabled=resolve_precision(precision) == "bfloat16")


def set_up(threads: int | None = None) -> None:
    """Make results repeat bit for bit on one machine, and keep freed memory for the next batch.

    Without the latter, glibc returns every large activation to the system and faults it in again at the next step, which
    costs about a fifth of the training time.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that writes every new tensor twice
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
