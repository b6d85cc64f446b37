"""Nodes and constants of an ONNX graph, as they are written down."""

from collections import Counter

import numpy as np
import onnx
from onnx import helper, numpy_helper


class Writer:
    """Collects nodes and constants; every node is called after its place in the network, so that a viewer reads well."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.used: Counter[str] = Counter()

    def node(self, kind: str, *inputs: str, name: str, outputs: int = 1, **attributes) -> list[str]:
        """Add a node called `name`, with a number behind it from the second time on; returns the names of its outputs."""
        used = self.used[name]
        self.used[name] += 1
        base = f"{name}_{used}" if used else name
        names = [base] if outputs == 1 else [f"{base}.{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=base, **attributes))
        return names

    def constant(self, name: str, value) -> str:
        """A float32 (or, for integers, int64) constant; one of a name and value is stored once."""
        array = np.asarray(value)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        self.constants.setdefault(name, numpy_helper.from_array(array, name))
        return name

    def number(self, value: float) -> str:
        return self.constant(f"number {float(value)!r}", float(value))
