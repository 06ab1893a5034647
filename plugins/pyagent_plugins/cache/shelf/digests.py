"""What a file says now, named by its digest and read again only when the file was touched."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from dataclasses import dataclass

from pyagent_plugins.cache.shelf.versions import GONE, UNKNOWN

# Two seconds, the coarsest time stamp of a common file system: a file that was changed less long before it was read
# could be changed again and still look the same.
SETTLED = 2_000_000_000
KNOWN = 100_000  # files that are remembered: 40 MB


@dataclass(frozen=True, slots=True)
class Seen:
    """A digest, and how the file looked when it was taken. The change time is in it: nobody can set it back."""

    look: tuple[int, int, int, int, int]
    digest: str


class Digests:
    """Digests of files by path: 2 µs for a file that nobody touched, else as long as reading it takes.

    A folder's digest is over the names in it, not over what these hold. On a network file system whose server's
    clock is behind by more than two seconds, two edits within one tick of its time stamps may be taken for one.
    """

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def __call__(self, path: str) -> str:
        """32 hex digits, GONE when there is no such file, UNKNOWN when it cannot be read."""
        try:
            found = os.stat(path)
            seen = self._seen.get(path)
            if seen is not None and seen.look == _look(found):
                return seen.digest
            return self._read(path, found)
        except (FileNotFoundError, NotADirectoryError):
            self._seen.pop(path, None)
            return GONE
        except (OSError, ValueError):
            return UNKNOWN

    def remembers(self, path: str) -> bool:
        """Whether an unchanged look is enough to know the digest, so that the file is not read again."""
        return path in self._seen

    def _read(self, path: str, before: os.stat_result) -> str:
        started = time.time_ns()
        digest = _folder(path) if stat.S_ISDIR(before.st_mode) else _file(path)
        after = os.stat(path)
        settled = started - max(after.st_mtime_ns, after.st_ctime_ns) > SETTLED
        if settled and _look(before) == _look(after):
            self._seen = {} if len(self._seen) >= KNOWN else self._seen
            self._seen[path] = Seen(_look(after), digest)
        else:
            self._seen.pop(path, None)
        return digest


def _look(found: os.stat_result) -> tuple[int, int, int, int, int]:
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev


def _file(path: str) -> str:
    # A pipe or a device would wait for ever, and gives something else each time.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError("not a file")
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _folder(path: str) -> str:
    names = "\0".join(sorted(os.listdir(path)))
    return hashlib.blake2b(names.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
