"""llama.cpp's own server from the wheel xllamacpp, in a process of its own: a peer that is not ours.

python tests/servers/native.py MODEL.gguf      prints its address, then serves until it is killed
"""

from __future__ import annotations

import signal
import sys


def main(path: str, sequences: int = 4, context: int = 4096, threads: int = 1) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_parallel = sequences
    params.n_ctx = context
    params.cpuparams.n_threads = threads
    params.port = 0
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
