"""kill -9 at any moment: what was stored is there, what was invalidated stays so, nothing is torn."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TRIALS = 100

# One interpreter forks a writer a trial, so that a hundred take seconds. The writer says on a pipe what has returned;
# what it was about to say when it died may or may not have happened.
STORY = """
import json, os, random, select, signal, sys, time
from pathlib import Path
import numpy as np
from pyagent_plugins.cache.shelf.depends import Versions
from pyagent_plugins.cache.entry import Dependency, Scope, exact_key
from pyagent_plugins.cache.index.index import VectorIndex, Window
from pyagent_plugins.cache.shelf.limits import Limits
from pyagent_plugins.cache.shelf.shelf import Shelf

folder, trials = Path(sys.argv[1]), int(sys.argv[2])
scope, tag = Scope.of({}), Dependency("tag", "t")

def vector(n):
    made = np.random.default_rng(n).standard_normal(64).astype(np.float32)
    return made / np.linalg.norm(made)

def open_index():
    return VectorIndex.open(folder, 64, "e", Window(entries=300, generations=1))

def answer(n):
    return f"answer {n} " * (1 + n * 37 % 400)

def write(say, start):
    shelf = Shelf.open(folder, Limits(entries=300))
    versions, index = Versions(shelf), open_index()
    for n in range(start, start + 100_000):
        if n % 7 == 0:
            say(b"i %d\\n" % n) if versions.invalidate([tag]) is not None else None
        if n % 31 == 0:
            index.advance(shelf.advance(shelf.high - 100))
        made_from = versions.record([tag] if n % 2 else [])
        name = f"q{n}"
        entry = shelf.store(scope.digest, exact_key(scope, name), name, answer(n), dependencies=made_from,
                            vector=vector(n), embedder="e", on_write=index.add, above=lambda: index.high)
        say(b"s %d %d\\n" % (n, entry.seq))

faults, stored, unfound, start, killed_inside = [], 0, 0, 0, 0
rng = random.Random(7)
Shelf.open(folder).close()
for trial in range(trials):
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        try:
            write(lambda line: os.write(write_end, line), start)
        finally:
            os._exit(1)
    os.close(write_end)
    said = os.read(read_end, 1 << 16)
    # Whatever the machine's load, the writer has begun: now any point of any write is as likely as another.
    time.sleep(rng.uniform(0.0, 0.02))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while part := os.read(read_end, 1 << 16):
        said += part
    os.close(read_end)
    lines = [line.split() for line in said.decode().splitlines()]
    done = [(int(line[1]), int(line[2])) for line in lines if line[0] == "s"]
    ended = max((int(line[1]) for line in lines if line[0] == "i"), default=-1)
    with Shelf.open(folder, Limits(entries=300)) as shelf:
        versions, index = Versions(shelf), open_index()
        faults += shelf.verify()
        low, last = shelf.low, max((n for n, _ in done), default=start - 1)
        for n, seq in done:
            if seq < low:
                continue
            entry = shelf.exact(scope.digest, exact_key(scope, f"q{n}"))
            if entry is None:
                # The writer may have died between an invalidation and saying so.
                if not (n % 2 and n < (last + 1) // 7 * 7):
                    faults.append(f"trial {trial}: {n} was stored and is lost")
                continue
            if entry.answer != answer(n):
                faults.append(f"trial {trial}: {n} is torn")
            if float(shelf.meanings([seq])[seq].vector @ vector(n)) < 0.999:
                faults.append(f"trial {trial}: the vector of {n} is torn")
            near = index.search(scope.digest, vector(n), k=3, floor=0.9)
            faults += [
                f"trial {trial}: {found.prompt} was found for q{n}"
                for found in shelf.entries([each.seq for each in near], scope.digest) if found.prompt != f"q{n}"
            ]
            unfound += not near
            if n % 2 and n < ended and versions.changed(entry) is None:
                faults.append(f"trial {trial}: {n} is given although it was invalidated at {ended}")
        extra = [n for n in range(last + 1, last + 4) if shelf.exact(scope.digest, exact_key(scope, f"q{n}"))]
        if extra not in ([], [last + 1]):
            faults.append(f"trial {trial}: {extra} came from nowhere")
        killed_inside += bool(extra)
        stored += len(done)
        index.close()
    start = last + 10
print(json.dumps({"faults": faults[:5], "stored": stored, "unsaid": killed_inside, "unfound": unfound}))
"""


def test_a_hundred_kills_tear_nothing_lose_nothing_and_revive_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STORY, str(tmp_path), str(TRIALS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["faults"] == []
    # The kills fell into the work, not before it: each trial stored something first.
    assert told["stored"] > TRIALS
    assert told["unfound"] == 0, "what was committed is in the arrays, too"
