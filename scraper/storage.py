"""How bytes reach the disk for good, and what to say when they cannot."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, cast

from isal import igzip, isal_zlib

from scraper.errors import ArchiveError

_ADVICE = {
    errno.ENOSPC: "the disk is full. Free some space and run the command again",
    errno.EDQUOT: "the disk quota is used up. Free some space and run the command again",
    errno.EROFS: "the file system is read-only. Mount it for writing, or set COUNTERSIGN_HOME elsewhere",
    errno.EACCES: "permission denied. Run as the owner of COUNTERSIGN_HOME, or correct its permissions",
    errno.EPERM: "permission denied. Run as the owner of COUNTERSIGN_HOME, or correct its permissions",
    errno.ENOTDIR: "a file stands where a folder should be. Move it away, or set COUNTERSIGN_HOME elsewhere",
    errno.EEXIST: "a file stands where a folder should be. Move it away, or set COUNTERSIGN_HOME elsewhere",
    errno.EIO: "the disk reports an error. Check the disk before anything else",
}


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn the system's refusal to read or write `path` into a sentence with advice."""
    try:
        yield
    except OSError as refusal:
        why = _ADVICE.get(refusal.errno or 0, refusal.strerror or str(refusal))
        raise ArchiveError(f"{path}: {why}. Nothing was half kept.") from refusal


def sync_directory(path: Path) -> None:
    """Make a rename or a new file in a folder survive a power cut."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# Its stub takes the kind of error for an error.
DAMAGE = (EOFError, gzip.BadGzipFile, cast("type[Exception]", isal_zlib.error))
_COMPRESSED = (b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"%PDF", b"\x89PNG", b"\xff\xd8\xff")
_SEAL_LENGTH = 58
# Of 157 MB of CSV it makes 15 MB in 0.2 s; the standard library's zlib 12 MB in 1.8 s. What comes out is gzip.
_LEVEL = 1


def pack(body: Iterable[bytes], file: IO[bytes]) -> tuple[str, str]:
    """Write a body, flushed to the disk. Returns its own SHA-256 and the ending of its file's name."""
    chunks = iter(body)
    first = next(chunks, b"")
    plain, packed = hashlib.sha256(), hashlib.sha256()
    packer = None if first.startswith(_COMPRESSED) else isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, 31)
    for chunk in chain([first], chunks):
        plain.update(chunk)
        piece = packer.compress(chunk) if packer else chunk
        packed.update(piece)
        file.write(piece)
    if packer:
        last = packer.flush()
        packed.update(last)
        file.write(last + _seal(packed.digest()))
    file.flush()
    os.fsync(file.fileno())
    return plain.hexdigest(), ".gz" if packer else ""


def _seal(digest: bytes) -> bytes:
    """An empty gzip member whose extra field "CS" is the hash of the member before it."""
    extra = b"CS" + struct.pack("<H", len(digest)) + digest
    head = b"\x1f\x8b\x08\x04" + bytes(4) + b"\x00\xff" + struct.pack("<H", len(extra)) + extra
    return head + b"\x03\x00" + bytes(8)


def sealed(path: Path) -> bool:
    member = path.read_bytes()
    return member[-_SEAL_LENGTH:] == _seal(hashlib.sha256(member[:-_SEAL_LENGTH]).digest())


def opened(path: Path) -> IO[bytes]:
    """The body as it came. Damage shows while reading, as one of DAMAGE."""
    if path.suffix != ".gz":
        return path.open("rb")
    return cast("IO[bytes]", igzip.IGzipFile(path, "rb"))  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Problem:
    """What `verify` found. `damage` is False for what a crash leaves behind and nobody relies on; `not_compared` says
    that because of it derived rows were not compared."""

    where: str
    text: str
    damage: bool = True
    not_compared: bool = False
