"""Energy of one operation and of one memory access, 45 nm: Horowitz, ISSCC 2014 (doi 10.1109/ISSCC.2014.6757323, fig. 1.1.9).

| operation      | pJ   |   | 64-bit access | pJ   |
|----------------|-----:|---|---------------|-----:|
| float32 add    | 0.9  |   | SRAM, 8 kB    | 10   |
| float32 multiply | 3.7 |  | SRAM, 32 kB   | 20   |
| int8 multiply  | 0.2  |   | SRAM, 1 MB    | 100  |
| int32 add      | 0.1  |   | DRAM          | 1300 (to 2600) |

An access costs what the smallest of these memories that holds the whole buffer costs, in proportion to its bits.
"""

from dataclasses import dataclass

FLOAT_ADD, FLOAT_MULTIPLY = 0.9, 3.7
INT8_MULTIPLY, INT32_ADD = 0.2, 0.1
MEMORIES = ((8 * 1024, 10.0), (32 * 1024, 20.0), (1024**2, 100.0))  # bytes, pJ per 64 bits
DRAM = 1300.0


def access(bits: float, buffer_bytes: float) -> float:
    """pJ to read or write `bits` of a buffer of `buffer_bytes`.

    >>> access(32, 4096), access(32, 500_000)
    (5.0, 50.0)
    """
    fitting = (cost for size, cost in MEMORIES if buffer_bytes <= size)
    return next(fitting, DRAM) / 64 * bits


@dataclass(frozen=True)
class Arithmetic:
    """Number formats of a network, and whether memory is counted.

    weight: bits of a weight; pixel: of an input value; state: of a partial sum or membrane potential; activation: of what
    travels between the dense twin's layers (spikes have one bit, or an address where only spikes are sent). memory: "none",
    "no reuse" (every operand of every operation is fetched) or "dense reuse" (the same for spikes, which come in any order,
    but a dense layer moves each weight, input and output once, the most a dense accelerator can save).
    """

    floating: bool = True
    weight: int = 32
    pixel: int = 32
    state: int = 32
    activation: int = 32
    memory: str = "none"
    skip_zeros: bool = False  # the twin spends nothing on inputs that are zero, as spiking hardware does

    def add(self) -> float:
        """pJ of one accumulate; integers accumulate in 32 bits."""
        return FLOAT_ADD if self.floating else INT32_ADD

    def mac(self, bits: int) -> float:
        """pJ of a weight times a value of `bits`, accumulated; an integer multiplier grows with the product of its widths."""
        if self.floating:
            return FLOAT_MULTIPLY + FLOAT_ADD
        return INT8_MULTIPLY * self.weight * bits / 64 + INT32_ADD
