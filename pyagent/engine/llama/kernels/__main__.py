"""The trial of a compiled library, in a process that may crash: 0 when its numbers are right and llama.cpp takes it."""

import sys

from llama_cpp import llama_cpp as _native  # noqa: F401 - its libraries are what ours is linked to

from pyagent.engine.llama import kernels

good = all(0 <= error < kernels._CLOSE for error in kernels.errors(sys.argv[1]))
sys.exit(0 if good and kernels.load(sys.argv[1]) else 1)
