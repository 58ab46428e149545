"""How bytes reach the disk for good, and what to say when they cannot."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
