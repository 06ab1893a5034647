"""What starting costs: CPU of `pyagent` commands as multiples of `python -c pass` on the same machine.

    python benchmarks/startup.py [--repeat 15] [--check]

User and system time of the child, the least of N runs, the commands taken in turns so that a busy moment
hits all alike. With --check it exits with 1 when a limit is passed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

LIMITS = {
    "--version": 4.0,
    "--help": 15.0,
    "swarm --help": None,
    "__complete swarm ''": None,
    "config get swarm.retries": None,
}


def cpu(command: list[str], env: dict[str, str]) -> float:
    """Milliseconds of user and system time of one child."""
    child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} exited with {child.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=15, help="runs of each command")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is passed")
    options = parser.parse_args()
    commands = {"python -c pass": [sys.executable, "-c", "pass"]}
    commands |= {
        f"pyagent {line}": [sys.executable, "-m", "pyagent", *line.replace("''", "").split(" ")] for line in LIMITS
    }
    best = dict.fromkeys(commands, float("inf"))
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "PYAGENT_HOME": home}
        for _ in range(options.repeat):
            for name, command in commands.items():
                best[name] = min(best[name], cpu(command, env))
    floor = best["python -c pass"]
    worst = False
    for name, spent in best.items():
        limit = LIMITS.get(name.removeprefix("pyagent "))
        passed = limit is not None and spent / floor > limit
        worst = worst or passed
        said = "" if limit is None else f"  limit {limit:g}x{'  PASSED' if passed else ''}"
        print(f"{name:<36} {spent:7.1f} ms  {spent / floor:5.1f}x{said}")
    return 1 if worst and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
