"""The compiled engine, whose flags depend on the platform, which pyproject.toml cannot say.

`_lif.c` and `_hue.c` make one plain C library, loaded with ctypes. It is optional: where no compiler is found the install
goes on and the package computes the same with torch.
"""

import sys

from setuptools import Extension, setup

# No fused multiply-add: the neuron's float32 results equal the reference bit for bit.
flags = ["-O3", "-ffp-contract=off"]
openmp = ["-fopenmp"] if sys.platform.startswith("linux") else []  # Apple's compiler ships without OpenMP

# A module that is no Python module has no PyInit for MSVC to export, so Windows always takes the torch path.
library = Extension(
    "neurallnet._lif",
    ["neurallnet/_lif.c", "neurallnet/_hue.c"],
    depends=["neurallnet/_portable.h"],
    extra_compile_args=flags + openmp,
    libraries=["m"],
    extra_link_args=openmp,
    optional=True,
)
setup(ext_modules=[] if sys.platform == "win32" else [library])
