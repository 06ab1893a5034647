"""Makes worse and cheaper models out of the bundled one, so that routing and regressions have something real to see.

Q4_0: the same weights in half the bytes, measurably worse. Cut: a third of the layers taken out of the file, a third
less work for each token, much worse. Bent: the same weights with a chat template that speaks another model's markup.

    python benchmarks/weaker_models.py FOLDER [--check]

``--check`` runs the smoke profile on each.
"""

from __future__ import annotations

import argparse
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyagent.engine.llama.gguf import BLOCKS, SCALARS

Q4_0, Q8_0 = 2, 7
STRING, ARRAY = 8, 9
# A template of Llama 2's kind: tokens that SmolLM2 has never seen, and no turn of the assistant's.
BENT = "{% for message in messages %}[INST] {{ message['content'] }} [/INST] <<SYS>>{% endfor %}"


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the file: its name, its shape, its type, and its bytes in the data section."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int

    @property
    def size(self) -> int:
        count = 1
        for each in self.shape:
            count *= each
        weights, taken = BLOCKS[self.kind]
        return count // weights * taken


class File:
    """A GGUF file in pieces: entries as raw bytes by key, tensors, and where the data begins."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        self.at = 4
        (self.version,) = self._take("I")
        tensors, entries = self._take("QQ")
        self.entries = dict(self._entry() for _ in range(entries))
        self.tensors = [self._tensor() for _ in range(tensors)]
        self.alignment = 32
        self.start = -(-self.at // self.alignment) * self.alignment

    def _take(self, code: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return values

    def _text(self) -> str:
        (size,) = self._take("Q")
        self.at += size
        return self.data[self.at - size : self.at].decode()

    def _entry(self) -> tuple[str, bytes]:
        key, begin = self._text(), self.at
        (kind,) = self._take("I")
        self._skip(kind)
        return key, self.data[begin : self.at]

    def _skip(self, kind: int) -> None:
        if kind == STRING:
            self._text()
        elif kind == ARRAY:
            inner, count = self._take("I")[0], self._take("Q")[0]
            for _ in range(count):
                self._skip(inner)
        else:
            self.at += struct.calcsize(SCALARS[kind])

    def _tensor(self) -> Tensor:
        name = self._text()
        (dimensions,) = self._take("I")
        shape = self._take("Q" * dimensions)
        kind, offset = self._take("I")[0], self._take("Q")[0]
        return Tensor(name, shape, kind, offset)

    def number(self, key: str) -> int:
        return int(struct.unpack_from("<I", self.entries[key], 4)[0])

    def pieces(self, tensors: list[tuple[Tensor, str]]) -> Iterator[bytes]:
        """The file with these tensors, each under its new name, and the entries as they now are."""
        yield b"GGUF" + struct.pack("<IQQ", self.version, len(tensors), len(self.entries))
        size = 24
        for key, raw in self.entries.items():
            row = text(key) + raw
            size += len(row)
            yield row
        offset = 0
        for tensor, name in tensors:
            row = text(name) + struct.pack(
                f"<I{len(tensor.shape)}QIQ", len(tensor.shape), *tensor.shape, tensor.kind, offset
            )
            size += len(row)
            yield row
            offset += self._padded(tensor.size)
        yield bytes(self._padded(size) - size)
        for tensor, _ in tensors:
            begin = self.start + tensor.offset
            yield self.data[begin : begin + tensor.size]
            yield bytes(self._padded(tensor.size) - tensor.size)

    def _padded(self, size: int) -> int:
        return -(-size // self.alignment) * self.alignment


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def cut(source: Path, target: Path, share: float = 1 / 3) -> None:
    """Take ``share`` of the layers out."""
    file = File(source)
    architecture = file.entries["general.architecture"][12:].decode()
    key = f"{architecture}.block_count"
    layers = file.number(key)
    gone = dropped(layers, share)
    kept = [layer for layer in range(layers) if layer not in gone]
    place = {old: new for new, old in enumerate(kept)}
    tensors = []
    for tensor in file.tensors:
        head, _, rest = tensor.name.partition(".")
        if head != "blk":
            tensors.append((tensor, tensor.name))
            continue
        number, _, tail = rest.partition(".")
        if int(number) in place:
            tensors.append((tensor, f"blk.{place[int(number)]}.{tail}"))
    file.entries[key] = struct.pack("<II", 4, len(kept))
    write(target, file.pieces(tensors))


def dropped(layers: int, share: float) -> range:
    """Which layers go: a block from before the middle on.

    Of the eight ways tried with 10 of 30 layers, only blocks that begin at layer 8 to 12 left a model that still
    writes English; later blocks and every third layer left noise, which a check calls broken rather than weak.
    """
    first = layers * 8 // 30
    return range(first, first + round(layers * share))


def bent(source: Path, target: Path) -> None:
    """The same weights with a chat template that is another model's."""
    file = File(source)
    file.entries["tokenizer.chat_template"] = struct.pack("<I", STRING) + text(BENT)
    write(target, file.pieces([(tensor, tensor.name) for tensor in file.tensors]))


def write(target: Path, pieces: Iterator[bytes]) -> None:
    """Beside it and renamed, so that a killed run leaves no half of a model."""
    part = target.with_suffix(f".{tempfile.gettempprefix()}.part")
    with part.open("wb") as out:
        for piece in pieces:
            out.write(piece)
    part.replace(target)


def quantised(source: Path, target: Path, kind: int) -> None:
    """``source`` stored in another way, in a child: native code takes its memory with it when it ends."""
    part = target.with_suffix(".part")
    code = (
        "import ctypes, sys\nfrom llama_cpp import llama_cpp as native\n"
        "p = native.llama_model_quantize_default_params()\n"
        "p.ftype, p.allow_requantize = int(sys.argv[3]), True\n"
        "sys.exit(native.llama_model_quantize(sys.argv[1].encode(), sys.argv[2].encode(), ctypes.byref(p)))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(source), str(part), str(kind)], check=True, capture_output=True)
    part.replace(target)


def made(folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    """The file of that name, made when it is not there."""
    target = folder / name
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        make(target)
    return target


def models(folder: Path) -> dict[str, Path]:
    """The bundled model at Q8_0 and what is made of it, by name; each is made once into ``folder``."""
    from pyagent.engine.llama.files import bundled_model

    whole = bundled_model(folder)
    inside = whole.parent
    return {
        "q8": whole,
        "q4": made(inside, "SmolLM2-135M.Q4_0.gguf", lambda target: quantised(whole, target, Q4_0)),
        "cut": made(inside, "SmolLM2-135M.cut8.Q8_0.gguf", lambda target: cut(whole, target)),
        "bent": made(inside, "SmolLM2-135M.bent.Q8_0.gguf", lambda target: bent(whole, target)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    found = models(args.folder.absolute())
    for name, path in found.items():
        print(f"{name:5} {path.stat().st_size / 1e6:6.0f} MB  {path}")
    if not args.check:
        return 0
    command = [sys.executable, "-m", "pyagent", "capability", "check", *map(str, found.values()), "--profile", "smoke"]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
