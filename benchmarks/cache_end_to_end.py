"""What the cache saves of a whole `swarm run` in which half of the tasks repeat another one's meaning.

    python benchmarks/cache_end_to_end.py [--questions 30] [--tokens 24]

Each question stands twice in the file: for every second one word for word, for the others in another wording. The
real command runs in its own process with the bundled model and an empty home, once with `--cache off` and once with
`--cache use` on a fresh cache, where only strict matches are joined. Model time is the sum of `seconds` of the results
that a model computed, which holds what each waited while others were in its batch; CPU holds starting everything, too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LANDS = """France Peru Kenya Norway Japan Ghana Chile Latvia Nepal Jordan Egypt Cuba Iran Iraq Mali Oman Qatar Yemen
Togo Chad Malta Spain Italy Ireland Poland Turkey Brazil Canada Sweden Iceland""".split()  # noqa: SIM905
# A question, and how somebody else puts it.
WORDINGS = (
    ("What is the capital of {}?", "Hey, could you please tell me what {}'s capital is?"),
    ("How do I apply for a visa to {}?", "Quick question: what are the steps to apply for a visa to {}?"),
    ("Who was the first king of {}?", "I'd like to know who the first king of {} was."),
    ("What is the population of {}?", "Do you know what the population of {} is? Thanks!"),
    ("Is the water in {} safe to drink?", "Sorry to bother you, but is the water in {} safe to drink?"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=30)
    parser.add_argument("--tokens", type=int, default=24)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tasks.jsonl"
        path.write_text("".join(json.dumps(task) + "\n" for task in tasks(options.questions)))
        rows = {mode: run(path, Path(folder) / mode, mode, options.tokens) for mode in ("off", "use")}
    print(f"{'cache':6} {'tasks':>6} {'model calls':>12} {'model s':>9} {'CPU s':>7} {'wall s':>7}  sources")
    for mode, (sources, model, cpu, wall) in rows.items():
        told = ", ".join(f"{sources.count(source)} {source}" for source in sorted(set(sources)))
        print(f"{mode:6} {len(sources):6} {sources.count('computed'):12} {model:9.1f} {cpu:7.1f} {wall:7.1f}  {told}")
    (off, slow, *_), (use, fast, *_) = rows["off"], rows["use"]
    calls = use.count("computed") / off.count("computed")
    print(f"with the cache {calls:.0%} of the calls and {fast / slow:.0%} of the model time")


def tasks(questions: int) -> list[dict[str, str]]:
    made = []
    for at in range(questions):
        one, other = (wording.format(LANDS[at % len(LANDS)]) for wording in WORDINGS[at % len(WORDINGS)])
        made += [{"id": f"{at}", "prompt": one}, {"id": f"{at} again", "prompt": other if at % 2 else one}]
    return made


def run(path: Path, home: Path, mode: str, tokens: int) -> tuple[list[str], float, float, float]:
    """(source of each result, seconds of the computed ones, CPU seconds of all its processes, wall seconds)."""
    home.mkdir()
    (home / "cache").mkdir()
    for ready in (Path(tempfile.gettempdir()) / f"pyagent-models-{os.getuid()}").glob("*"):
        (home / "cache" / ready.name).symlink_to(ready)  # made by the tests; else the first run does it
    command = [sys.executable, "-m", "pyagent", "swarm", "run", str(path), "--cache", mode, "-q"]
    started, before = time.perf_counter(), os.times()
    ended = subprocess.run(
        [*command, "--answer-tokens", str(tokens)], env={**os.environ, "PYAGENT_HOME": str(home)},
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    wall, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    results = [json.loads(line) for line in ended.stdout.splitlines()]
    return (
        [result["source"] for result in results],
        sum(result["seconds"] for result in results if result["source"] == "computed"),
        cpu,
        wall,
    )


if __name__ == "__main__":
    main()
